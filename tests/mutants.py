"""Forty seeded faults, each with a test that must catch it: are the tests worth their time?

`python tests/mutants.py` plants one after the other in a copy of the repository, runs the test
named beside it there, and prints a table; it ends with 1 if a fault was not caught. Parts of the
path of a file or a test as arguments choose among them. In the gate, `test_mutants.py` sees to it
that each fault can still be planted and each test is still there.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis")
SECONDS = 600


class Mutant(NamedTuple):
    """A fault: `before`, which stands once in the file, becomes `after`; `test` must then fail."""

    file: str
    before: str
    after: str
    test: str


# fmt: off
MUTANTS = (
    # What a convolution is asked to do
    Mutant("rfviz/conv/spec/spec.py",
           "return (down * (height - 1) + 1, across * (width - 1) + 1)",
           "return (down * (height - 1) + 1, across * width)",
           "tests/conv/spec/test_spec.py::test_output_size_and_refusals_equal_torch_on_random_specs"),
    Mutant("rfviz/conv/spec/spec.py",
           "return (rows // stride_y + 1, columns // stride_x + 1)",
           "return (-(-rows // stride_y) + 1, -(-columns // stride_x) + 1)",
           "tests/conv/spec/test_spec.py::test_output_size_and_refusals_equal_torch_on_random_specs"),
    Mutant("rfviz/conv/spec/spec.py",
           "column * self.stride[1] - left",
           "column * self.stride[0] - left",
           "tests/conv/spec/test_spec.py::test_receptive_field_is_the_nonzero_gradient"),
    Mutant("rfviz/conv/spec/padding_modes.py",
           "return (size - 1) - ((size - 1) - position.abs()).abs()",
           "return (size - 1) - ((size - 1) - (position + 1).abs()).abs()",
           "tests/conv/im2col/test_reads.py::test_source_indices_are_what_pad_copies"),
    Mutant("rfviz/conv/spec/padding_modes.py",
           "return ((height // 2, height - height // 2)",
           "return ((height - height // 2, height // 2)",
           "tests/conv/spec/test_spec.py::test_padding_in_every_form"),
    Mutant("rfviz/conv/spec/padding_modes.py",
           "lambda size: size,\n",
           "lambda size: size - 1,\n",
           "tests/conv/spec/test_spec.py::test_output_size_and_refusals_equal_torch_on_random_specs"),
    # The column matrix
    Mutant("rfviz/conv/im2col/fold.py",
           "copies = copies[source[copies] >= 0]",
           "copies = copies[source[copies] > 0]",
           "tests/conv/im2col/test_fold.py::test_is_the_adjoint_of_unfold"),
    Mutant("rfviz/conv/im2col/fold.py",
           "left = kernel_column * across",
           "left = kernel_column * down",
           "tests/conv/im2col/test_fold.py::test_equals_nn_fold_on_random_specs"),
    Mutant("rfviz/conv/im2col/reads.py",
           "(start < n_outputs * stride)",
           "(start <= n_outputs * stride)",
           "tests/conv/im2col/test_reads.py::test_readers_of_a_pixel_are_the_entries_that_hold_its_address"),
    Mutant("rfviz/conv/im2col/reads.py",
           "return (reads.rows == 0)[:, None] | (reads.columns == 0)",
           "return (reads.rows == 0)[:, None] & (reads.columns == 0)",
           "tests/conv/im2col/test_reads.py::test_a_stride_past_the_kernel_leaves_pixels_unread"),
    Mutant("rfviz/conv/im2col/column_matrix.py",
           "channel, kernel_row = divmod(tap, kernel_height)",
           "channel, kernel_row = divmod(tap, kernel_width)",
           "tests/conv/im2col/test_column_matrix.py"),
    Mutant("rfviz/conv/im2col/overview.py",
           "y = output_row.clamp(max=n_rows - 1)[:, None]",
           "y = (output_row - 1).clamp(min=0)[:, None]",
           "tests/conv/im2col/test_column_matrix.py::test_overview_is_the_mean_of_each_bin"),
    # The matmul
    Mutant("rfviz/conv/matmul/matmul.py",
           "adds = bias is not None or kernel_row > 0",
           "adds = kernel_row > 0",
           "tests/conv/matmul/test_matmul.py::test_equals_conv2d_on_random_specs_in_float64"),
    Mutant("rfviz/conv/matmul/kernel_row_band.py",
           "shift, phase = divmod(kernel_row * self._spec.dilation[0], self._spec.stride[0])",
           "shift, phase = divmod(kernel_row, self._spec.stride[0])",
           "tests/conv/matmul/test_matmul.py::test_equals_conv2d_on_random_specs_in_float64"),
    Mutant("rfviz/conv/matmul/ulp.py",
           "bits & torch.iinfo(bits.dtype).max",
           "bits & (torch.iinfo(bits.dtype).max - 1)",
           "tests/conv/matmul/test_compare.py::test_ulp_counts_steps_of_nextafter"),
    Mutant("rfviz/conv/matmul/differences.py",
           "(a == b) | (a.isnan() & b.isnan())",
           "(a == b) | (a.isnan() | b.isnan())",
           "tests/conv/matmul/test_compare.py::test_nan_and_infinity_in_the_picture_do_not_hide_a_difference"),
    Mutant("rfviz/conv/matmul/strips.py",
           "conv2d_by_matmul(tile.pixels, weight, bias, tile.spec)",
           "conv2d_by_matmul(tile.pixels, weight, None, tile.spec)",
           "tests/conv/matmul/test_compare.py::test_strips_together_are_the_whole"),
    # Layers
    Mutant("rfviz/conv/layers/formula.py",
           "weights = n_out * (n_in // layer.groups) * n_taps",
           "weights = n_out * n_in * n_taps",
           "tests/conv/layers/test_formula.py::test_parameters_are_torchs"),
    Mutant("rfviz/conv/layers/formula.py",
           "discarded = max(a.padded - last, 0)",
           "discarded = max(a.padded - last - a.after, 0)",
           "tests/conv/layers/test_formula.py::test_discarded_pixels_are_those_past_the_last_kernel"),
    Mutant("rfviz/conv/layers/placements.py",
           "return max(a.kernel_size - steps, 0) if rest == 0 else 0",
           "return max(a.kernel_size - steps, 0)",
           "tests/conv/layers/test_placements.py::test_overlap_is_what_neighbours_share"),
    Mutant("rfviz/conv/layers/solver.py",
           '"halve": ((height + 1) // 2, (width + 1) // 2),',
           '"halve": (height // 2, width // 2),',
           "tests/conv/layers/test_solver.py"),
    Mutant("rfviz/conv/layers/remedies.py",
           "return a.padded + (a.stride - 1 if a.ceil_mode else 0)",
           "return a.padded",
           "tests/conv/layers/test_layer_remedies.py::test_fitting_interval_is_all_that_fits"),
    # Networks followed
    Mutant("rfviz/conv/receptive_field/axis_map.py",
           "n_taps = (kernel - 1 - first) // tap_step + 1",
           "n_taps = (kernel - first) // tap_step + 1",
           "tests/conv/receptive_field/test_stack.py::test_every_phase_of_a_transposed_layer_is_exact"),
    Mutant("rfviz/conv/trace/windows.py",
           "last[phases] + shift)",
           "last[phases] + shift - 1)",
           "tests/conv/trace/test_trace.py::test_modules_read_what_autograd_says"),
    Mutant("rfviz/conv/trace/hulls.py",
           "result = torch.minimum(result, hull)",
           "result = torch.maximum(result, hull)",
           "tests/conv/trace/test_trace.py::test_modules_read_what_autograd_says"),
    Mutant("rfviz/conv/trace/joins.py",
           "return bool((constant == 0).any())",
           "return bool((constant == 0).all())",
           "tests/conv/trace/test_trace_calls.py"),
    Mutant("rfviz/conv/trace/mixes.py",
           "dims = list(range(1, n))",
           "dims = list(range(2, n))",
           "tests/conv/trace"),
    # Files of strangers
    Mutant("rfviz/io/weights/npy.py",
           "stride = row_major(shape[::-1])[::-1]",
           "stride = row_major(shape)",
           "tests/io/weights/test_weights.py::test_npy_in_every_byte_order_and_layout"),
    Mutant("rfviz/io/weights/raw_numbers.py",
           "last = offset + sum((side - 1) * step",
           "last = sum((side - 1) * step",
           "tests/io/weights/test_hostile_torch_files.py"),
    Mutant("rfviz/io/weights/channels.py",
           "return image, weight.sum(1, keepdim=True)",
           "return image, weight.mean(1, keepdim=True)",
           "tests/io/weights/test_weights.py::test_channel_choices_do_what_they_say"),
    Mutant("rfviz/io/pictures/modes.py",
           "+ np.uint16(128)",
           "+ np.uint16(0)",
           "tests/io/pictures/test_pictures.py::test_alpha_is_laid_over_white"),
    Mutant("rfviz/io/pictures/orientation.py",
           "    Turn(transpose=True, flip_columns=True),",
           "    Turn(transpose=True, flip_rows=True),",
           "tests/io/pictures/test_pictures.py::test_every_orientation_is_turned_upright"),
    # The explorer in the browser
    Mutant("rfviz/explorer/js/laws/geometry.js",
           "largest: (size) => size - 1,",
           "largest: (size) => size,",
           "tests/browser/test_linked_laws.py::test_what_does_not_fit_has_no_size"),
    Mutant("rfviz/explorer/js/laws/geometry.js",
           "start: position[axis] * spec.stride[axis] - spec.pads[axis][0],",
           "start: position[axis] * spec.stride[axis] - spec.pads[axis][1],",
           "tests/browser/test_linked_laws.py::test_receptive_fields_and_taps"),
    Mutant("rfviz/explorer/js/laws/values.js",
           "result[to + 3 * apart] += sum3;",
           "result[to + 3 * apart] += sum2;",
           "tests/browser/test_linked_laws.py::test_feature_maps"),
    Mutant("rfviz/explorer/js/laws/preview.js",
           "return [Math.floor(total / 2), total - Math.floor(total / 2)];",
           "return [total - Math.floor(total / 2), Math.floor(total / 2)];",
           "tests/browser/test_linked_laws.py::test_a_slider_moved_gives_the_spec_that_the_server_makes"),
    Mutant("rfviz/explorer/js/laws/numbers.js",
           "rest > 0.5 || (rest === 0.5 && down % 2 === 1)",
           "rest >= 0.5",
           "tests/browser/test_written_numbers.py::test_numbers_are_written_alike"),
    Mutant("rfviz/explorer/js/laws/links.js",
           "const entry = filter.channels[0] * taps + own;",
           "const entry = own;",
           "tests/browser/test_linked_marks.py::test_a_bar_and_a_cell_of_the_patch"),
    # The app
    Mutant("rfviz/ui/panels/maps.py",
           "rows[-1] * stride_y + reach_y",
           "rows[-1] * stride_y + reach_x",
           "tests/ui/panels/test_maps.py::test_any_window_of_the_output_equals_the_module"),
    Mutant("rfviz/ui/panels/position.py",
           "st.session_state[key] = size - 1",
           "st.session_state[key] = 0",
           "tests/pages/test_page_positions.py::test_position_beyond_the_output_moves_to_the_last"),
)
# fmt: on


def try_out(mutant: Mutant, folder: Path) -> tuple[str, float]:
    """Plant a fault in a copy of the repository; what became of it in a word, and the seconds."""
    copy = folder / "copy"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=LEFT_BEHIND)
    file = copy / mutant.file
    file.write_text(file.read_text().replace(mutant.before, mutant.after))
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-n0", mutant.test]
    start = time.monotonic()
    try:
        run = subprocess.run(command, cwd=copy, capture_output=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "NOT IN TIME", time.monotonic() - start
    # Pytest ends with 1 where a test has failed, and with others where none was run.
    word = {0: "NOT CAUGHT", 1: "caught"}.get(run.returncode, f"NOT RUN ({run.returncode})")
    return word, time.monotonic() - start


def main(parts: Sequence[str]) -> int:
    chosen = [one for one in MUTANTS if not parts or any(p in one.file + one.test for p in parts)]
    words = []
    for mutant in chosen:
        # A copy for each, since a test that fails may leave anything behind.
        with tempfile.TemporaryDirectory() as folder:
            word, seconds = try_out(mutant, Path(folder))
        words.append(word)
        line = mutant.before.strip()
        sys.stdout.write(f"{word:11} {seconds:5.1f} s  {mutant.file}: {line}\n  by {mutant.test}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{words.count('caught')} of {len(words)} caught\n")
    return int(words.count("caught") < len(words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
