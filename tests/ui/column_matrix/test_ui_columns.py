"""Copies of a pixel, its reads, and the law of fold, against the column matrix entry by entry."""

from itertools import product

import pytest
import torch
from made_inputs import SPECS, inputs_of, noise
from torch.testing import assert_close

from rfviz.conv.im2col.reads import reads_per_pixel
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.ui.column_matrix import panels as columns_view
from rfviz.ui.column_matrix.fold_law import fold_law
from rfviz.ui.panels.position import Chosen
from rfviz.ui.panels.receptive_field import field_view


@pytest.mark.parametrize("name", SPECS)
def test_every_line_of_the_table_is_that_pixel(name: str) -> None:
    inputs = inputs_of(noise(3, 19, 23), SPECS[name])
    for row, column in product((0, 7, 18), (0, 11, 22)):
        pixel = columns_view.pixel_choice(inputs, row, column)
        table = columns_view.copies_table(inputs, pixel)
        lines = list(zip(*table.values(), strict=True))
        assert len(lines) == 3 * reads_per_pixel((19, 23), inputs.spec)[row, column]
        for matrix_row, matrix_column, *rest in lines:
            index = inputs.columns.index_of(matrix_row, matrix_column)
            assert tuple(rest) == index[:5]
            if 0 <= index.input_row < 19 and 0 <= index.input_column < 23:
                assert (index.input_row, index.input_column) == (row, column)
            value = inputs.columns[matrix_row, matrix_column]
            assert value == inputs.picture.pixels[index.channel, row, column]


@pytest.mark.parametrize("name", SPECS)
def test_marks_are_the_copies_among_the_columns_shown(name: str) -> None:
    inputs = inputs_of(noise(1, 19, 23) if name != "groups" else noise(3, 19, 23), SPECS[name])
    pixel = columns_view.pixel_choice(inputs, 9, 10)
    for shown in (range(inputs.columns.shape[1]), range(5, 9), range(1)):
        marks = columns_view.copies_marks(pixel, shown)
        boxes = [box for mark in marks for box in mark.boxes]
        cells = {(box[1] + 0.5, box[0] + 0.5) for box in boxes}
        expected = {(row, column) for row, column in pixel.entries.tolist() if column in shown}
        assert cells == expected
        assert bool(marks) == bool(expected)


@pytest.mark.parametrize("name", SPECS)
def test_reads_map_of_a_small_picture_is_reads_per_pixel(name: str) -> None:
    inputs = inputs_of(noise(3, 19, 23), SPECS[name])
    reads = columns_view.reads_map(inputs, (0, 0))
    expected = reads_per_pixel((19, 23), inputs.spec)
    assert_close(reads.counts, expected, rtol=0, atol=0, check_dtype=False)
    assert reads.most == expected.max()
    assert reads.n_never == (expected == 0).sum()


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("pixel", [(0, 0), (350, 100), (699, 270)])
def test_reads_of_a_large_picture_are_never_averaged(name: str, pixel: tuple[int, int]) -> None:
    inputs = inputs_of(noise(3, 700, 271), SPECS[name])
    reads = columns_view.reads_map(inputs, pixel)
    expected = reads_per_pixel((700, 271), inputs.spec)
    shown = reads.counts
    if reads.edges is not None:
        # Each value is that of every pixel of its block, and the blocks are the whole picture.
        lengths = [torch.tensor(each).diff() for each in reads.edges]
        shown = shown.repeat_interleave(lengths[0], 0).repeat_interleave(lengths[1], 1)
        assert_close(shown, expected, rtol=0, atol=0, check_dtype=False)
    else:
        rows, columns = (range(start, start + 256) for start in (reads.top, reads.left))
        part = expected[rows.start : rows.stop, columns.start : columns.stop]
        assert_close(shown, part, rtol=0, atol=0, check_dtype=False)
        assert pixel[0] in rows
        assert pixel[1] in columns
        assert "count by count" in columns_view.reads_sentence(inputs, reads)
    assert reads.most == expected.max()
    assert reads.n_never == (expected == 0).sum()


def test_nine_six_and_four_stand_apart_on_a_large_picture() -> None:
    inputs = inputs_of(noise(1, 400, 400), Conv2dSpec(3, padding=1))
    reads = columns_view.reads_map(inputs, (200, 200))
    assert reads.counts.tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    assert reads.edges == ([0, 1, 399, 400], [0, 1, 399, 400])


@pytest.mark.parametrize("name", SPECS)
def test_fold_of_unfold_is_the_crop_times_its_reads(name: str) -> None:
    inputs = inputs_of(noise(3, 60, 70), SPECS[name])
    height, width = inputs.output_size
    for place in ((0, 0), (height // 2, width // 2), (height - 1, width - 1)):
        law = fold_law(inputs, Chosen(*place, 0))
        assert law is not None
        assert law.error == 0
        assert_close(law.folded, law.picture * law.reads, rtol=0, atol=0)
        crop = inputs.picture.pixels[0, law.rows.start : law.rows.stop]
        crop = crop[:, law.columns.start : law.columns.stop]
        assert_close(law.picture, crop.double(), rtol=0, atol=0)


def test_law_is_not_shown_where_the_crop_is_smaller_than_the_padding() -> None:
    spec = Conv2dSpec(3, padding=((0, 0), (90, 0)), padding_mode="reflect")
    assert fold_law(inputs_of(noise(1, 100, 100), spec), Chosen(0, 0, 0)) is None


@pytest.mark.parametrize("name", SPECS)
def test_field_view_is_one_column_of_the_matrix(name: str) -> None:
    spec = SPECS[name]
    inputs = inputs_of(noise(3, 19, 23), spec, n_filters=2 * spec.groups, bias_value=2.5)
    chosen = Chosen(inputs.output_size[0] - 1, 1, 2 * spec.groups - 1)
    view = field_view(inputs, chosen)
    index = inputs.columns.column_index(*chosen.output)
    assert_close(view.vector, inputs.columns[:, index].double(), rtol=0, atol=0)
    total = torch.tensor(view.numbers.total)
    assert_close(total, torch.tensor(view.by_conv2d), rtol=1e-6, atol=1e-4)
    assert len(view.channel_names) == len(view.channels) == 3 // spec.groups
    assert view.field == spec.receptive_field(chosen.output)


def test_sizes_of_the_overview_are_bounded() -> None:
    small, large = (
        inputs_of(noise(1, 9, 9), SPECS["plain"]),
        inputs_of(noise(3, 200, 200), Conv2dSpec(16, padding=8)),
    )
    assert columns_view.overview_size(small) == small.columns.shape
    assert columns_view.overview_size(large) == columns_view.LARGEST_OVERVIEW


@pytest.mark.parametrize("n_rows", [1, 9, 27, 768])
def test_height_of_a_panel_is_bounded(n_rows: int) -> None:
    assert 260 <= columns_view.height_of(n_rows) <= 670
