"""The terminal: `python -m rfviz check WEIGHTS IMAGES...` and `python -m rfviz operators FILE`."""

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from rfviz.check import LayerCheck, Row, pictures_in, report_csv, report_json, rows_of, shown_path
from rfviz.conv.errors import InputError
from rfviz.conv.operators.own import gradcheck_operator, load_operators
from rfviz.conv.spec.padding_modes import PADDING_MODES
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.io.pictures.preprocessing import Preprocessing, Size, size_in
from rfviz.io.weights.kinds import READABLE
from rfviz.io.weights.layers import LayerEntry, layer, layers_of, non_finite
from rfviz.io.weights.layouts import LAYOUTS
from rfviz.io.weights.read import read_weights

AGREE, DISAGREE, WRONG_INPUT, STOPPED = 0, 1, 2, 130
_DTYPES = ("float64", "float32", "bfloat16", "float16")
_SECONDS_BETWEEN_LINES = 0.2


def main(arguments: list[str] | None = None) -> int:
    """Run the command, and return its exit code.

    0 where all pictures agree, 1 where one does not, 2 for input that is wrong, 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except InputError as error:
        sys.stderr.write(f"rfviz: {error}\n")
        return WRONG_INPUT
    except KeyboardInterrupt:
        sys.stderr.write("\nrfviz: stopped before the first picture.\n")
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rfviz", description="See and check what a 2-D convolution reads."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check",
        help="compare a layer with nn.Conv2d on pictures",
        description="Compare a layer of a weights file, as a matmul, with nn.Conv2d on pictures.",
        epilog="Exit code: 0 all agree, 1 one does not, 2 wrong input, 130 stopped by Ctrl-C.",
    )
    check.set_defaults(run=_check)
    check.add_argument("weights", help=READABLE)
    check.add_argument("images", nargs="+", help="pictures, folders, or patterns such as '*.jpg'")
    check.add_argument("--layer", help="name of the layer; by default the first 2-D convolution")
    check.add_argument(
        "--layout",
        choices=tuple(LAYOUTS),
        help="order of the weight's axes in the file; by default decided by what the file says",
    )
    check.add_argument("--stride", type=_pair, default=1, help="n, or rows,columns")
    check.add_argument("--padding", type=_padding, default=0, help="n, rows,columns, same or valid")
    check.add_argument("--dilation", type=_pair, default=1, help="n, or rows,columns")
    check.add_argument("--groups", type=int, default=1)
    check.add_argument("--padding-mode", choices=PADDING_MODES, default="zeros")
    check.add_argument("--dtype", choices=_DTYPES, default="float32")
    check.add_argument(
        "--channels",
        choices=("pick", "grey", "repeat", "sum_weight", "pick_weight"),
        help="what to do where the picture has other channels than the layer reads",
    )
    check.add_argument("--scale", type=_float, default=255.0, help="pixels are divided by this")
    check.add_argument(
        "--mean", type=_floats, default=(0.0,), help="taken away, one or a channel's"
    )
    check.add_argument("--std", type=_floats, default=(1.0,), help="divided by after that")
    check.add_argument("--grey", action="store_true", help="colour pictures become luma first")
    check.add_argument("--resize", type=_size, help="the shorter side, or height,width")
    check.add_argument("--crop", type=_size, help="from the middle: a side, or height,width")
    check.add_argument("--rtol", type=float, help="relative tolerance")
    check.add_argument("--atol", type=float, help="absolute tolerance")
    check.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    check.add_argument("--csv", type=Path, metavar="FILE", help="write the report as CSV")
    mine = commands.add_parser(
        "operators",
        help="try a file of operators of one's own",
        description="Run a Python file of operators, try each, and say whether it can be trained.",
    )
    mine.add_argument("file", help="a file that you wrote or have read: it is run as it is")
    mine.set_defaults(run=_operators)
    return parser


def _operators(options: argparse.Namespace) -> int:
    for entry in load_operators(options.file):
        sys.stdout.write(f"{entry.name}: {entry.title}\n")
        for parameter in entry.parameters:
            sys.stdout.write(
                f"  {parameter.name} from {parameter.low:g} to {parameter.high:g}, "
                f"by default {parameter.default:g} {parameter.does}\n".replace(" \n", "\n")
            )
        sys.stdout.write(f"  {gradcheck_operator(entry).sentence}\n")
    return AGREE


def _check(options: argparse.Namespace) -> int:
    file = read_weights(_bytes_of(options.weights), options.weights)
    tensors = file.tensors
    sys.stdout.writelines(f"Left out {each.name}: {each.reason}.\n" for each in file.left_out[:20])
    if len(file.left_out) > 20:
        sys.stdout.write(f"Left out {len(file.left_out) - 20:,} more.\n")
    entry = _entry(layers_of(tensors), options.layer)
    if options.layout:
        entry = entry.in_layout(options.layout)
    check = _layer_check(options, *layer(tensors, entry))
    paths = pictures_in(options.images)
    about = {
        "weights": shown_path(Path(options.weights)),
        "layer": entry.name,
        "layout": entry.layout,
        "notes": list(entry.notes),
        "weight_shape": list(check.weight.shape),
        "dtype": options.dtype,
        "spec": repr(check.spec),
        "n_pictures": len(paths),
    }
    sys.stdout.write(f"{entry.name} {tuple(check.weight.shape)}, {options.dtype}, {check.spec}\n")
    for note in entry.notes:
        sys.stdout.write(f"{note[0].upper()}{note[1:]}.\n")
    if odd := non_finite({entry.name: check.weight}).get(entry.name):
        sys.stdout.write(f"The weight holds {odd.n_nan} NaN and {odd.n_infinite} infinities.\n")
    rows: list[Row] = []
    start = time.perf_counter()
    complete = _run(check, paths, rows)
    _write(options.json, lambda: report_json(rows, about, complete=complete))
    _write(options.csv, lambda: report_csv(rows))
    sys.stdout.write(_summary(rows, len(paths), time.perf_counter() - start))
    if not complete:
        return STOPPED
    if any(row.allclose is False for row in rows):
        return DISAGREE
    return WRONG_INPUT if any(row.error for row in rows) else AGREE


def _run(check: LayerCheck, paths: list[Path], rows: list[Row]) -> bool:
    """Fill the rows and write each; False after Ctrl-C, with the rows so far."""
    sys.stdout.write(f"{'picture':40} {'output':>12} {'max abs':>10} {'max ulp':>10}  verdict\n")
    shown = 0.0
    try:
        for row in rows_of(check, paths):
            rows.append(row)
            sys.stdout.write(_line(row))
            if time.monotonic() - shown > _SECONDS_BETWEEN_LINES and sys.stderr.isatty():
                shown = time.monotonic()
                sys.stderr.write(f"\r{len(rows):,} of {len(paths):,} pictures\r")
                sys.stderr.flush()
    except KeyboardInterrupt:
        sys.stderr.write(f"\nStopped after {len(rows):,} of {len(paths):,} pictures.\n")
        return False
    return True


def _line(row: Row) -> str:
    name = row.picture if len(row.picture) <= 40 else "..." + row.picture[-37:]
    if row.error or row.output_size is None:
        return f"{name:40} {row.error}\n"
    size = "{} x {}".format(*row.output_size)
    verdict = "agrees" if row.allclose else "DIFFERS"
    if row.first_not_finite is not None:
        verdict += f", {row.n_not_finite:,} not finite, first at {row.first_not_finite}"
    return f"{name:40} {size:>12} {row.max_abs_error:10.3g} {row.max_ulp_error:10,}  {verdict}\n"


def _summary(rows: list[Row], n_pictures: int, seconds: float) -> str:
    agree = sum(row.allclose is True for row in rows)
    differ = sum(row.allclose is False for row in rows)
    errors = sum(bool(row.error) for row in rows)
    rate = len(rows) / seconds if seconds else 0.0
    return (
        f"{agree:,} agree, {differ:,} differ, {errors:,} not checked, of {n_pictures:,} pictures; "
        f"{rate:.1f} pictures a second\n"
    )


def _entry(entries: list[LayerEntry], name: str | None) -> LayerEntry:
    usable = [entry for entry in entries if entry.is_conv2d]
    if name is None:
        if not usable:
            listed = "; ".join(f"{e.name}: {e.reason}" for e in entries[:6])
            raise InputError(f"The file holds no 2-D convolution ({listed}).")
        return usable[0]
    for entry in entries:
        if entry.name in {name, f"{name}.weight"}:
            return entry
    names = ", ".join(entry.name for entry in usable[:20]) or "none"
    raise InputError(f"There is no layer {name!r}; the 2-D convolutions are {names}.")


def _layer_check(
    options: argparse.Namespace, weight: torch.Tensor, bias: torch.Tensor | None
) -> LayerCheck:
    dtype = getattr(torch, options.dtype)
    spec = Conv2dSpec(
        weight.shape[2:],
        stride=options.stride,
        padding=options.padding,
        dilation=options.dilation,
        groups=options.groups,
        padding_mode=options.padding_mode,
    )
    if not all(value > 0 for value in (options.scale, *options.std)):
        raise InputError("--scale and --std must be larger than 0.")
    return LayerCheck(
        weight.to(dtype),
        None if bias is None else bias.to(dtype),
        spec,
        Preprocessing(
            options.scale, options.mean, options.std, options.grey, options.resize, options.crop
        ),
        options.channels,
        options.rtol,
        options.atol,
    )


def _bytes_of(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        what = f"{shown_path(Path(name))!r} cannot be read: {error.strerror or error}."
        raise InputError(what) from error


def _write(path: Path | None, report: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(report(), encoding="utf-8")
    except OSError as error:
        what = f"The report cannot be written to {shown_path(path)!r}: {error.strerror or error}."
        raise InputError(what) from error


def _pair(text: str) -> Any:
    numbers = tuple(int(part) for part in text.split(","))
    return numbers[0] if len(numbers) == 1 else numbers


def _size(text: str) -> Size:
    return size_in(text, "A size")


def _padding(text: str) -> Any:
    if text in {"same", "valid"}:
        return text
    numbers = _pair(text)
    four = isinstance(numbers, tuple) and len(numbers) == 4
    return (numbers[:2], numbers[2:]) if four else numbers


def _floats(text: str) -> tuple[float, ...]:
    numbers = tuple(float(part) for part in text.split(","))
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(text)
    return numbers


def _float(text: str) -> float:
    (number,) = _floats(text)
    return number


if __name__ == "__main__":
    sys.exit(main())
