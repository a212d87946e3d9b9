"""`rfviz check WEIGHTS IMAGES...`: what can be asked of it; `checking` does it."""

import argparse
import math
from pathlib import Path
from typing import Any

_DTYPES = ("float64", "float32", "bfloat16", "float16")
_CHANNELS = ("pick", "grey", "repeat", "sum_weight", "pick_weight")


def add_to(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="compare a layer with nn.Conv2d on pictures",
        description="Compare a layer of a weights file, as a matmul, with nn.Conv2d on pictures.",
        epilog="Exit code: 0 all agree, 1 one does not, 2 wrong input, 130 stopped by Ctrl-C.",
        formatter_class=_NamesEndings,
    )
    parser.set_defaults(run=_run)
    add = parser.add_argument
    add("weights", help="a file of weights")
    add("images", nargs="+", help="pictures, folders, or patterns such as '*.jpg'")
    add("--layer", help="name of the layer; by default the first 2-D convolution")
    add("--layout", metavar="ORDER", help="of the weight's axes, such as HWIO; by default decided")
    add("--stride", type=_pair, default=1, help="n, or rows,columns")
    add("--padding", type=_padding, default=0, help="n, rows,columns, same or valid")
    add("--dilation", type=_pair, default=1, help="n, or rows,columns")
    add("--groups", type=int, default=1)
    add("--padding-mode", default="zeros", help="one of nn.Conv2d's, by default zeros")
    add("--dtype", choices=_DTYPES, default="float32")
    add("--channels", choices=_CHANNELS, help="for pictures of other channels than the layer reads")
    add("--scale", type=_float, default=255.0, help="pixels are divided by this")
    add("--mean", type=_floats, default=(0.0,), help="taken away, one or a channel's")
    add("--std", type=_floats, default=(1.0,), help="divided by after that")
    add("--grey", action="store_true", help="colour pictures become luma first")
    add("--resize", type=_size, metavar="SIZE", help="the shorter side, or height,width")
    add("--crop", type=_size, metavar="SIZE", help="from the middle: a side, or height,width")
    add("--rtol", type=float, help="relative tolerance")
    add("--atol", type=float, help="absolute tolerance")
    add("--json", type=Path, metavar="FILE", help="the report as JSON; - is standard output")
    add("--csv", type=Path, metavar="FILE", help="the report as CSV; - is standard output")
    add("--junit", type=Path, metavar="FILE", help="the report as JUnit XML, for a CI server")
    add("--quiet", action="store_true", help="the last line of the table only")


class _NamesEndings(argparse.HelpFormatter):
    """Help that asks what reads the weights for the endings, and only when it is shown."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.dest != "weights":
            return action.help
        from rfviz.io.weights.kinds import READABLE  # noqa: PLC0415 - imports torch

        return f"{action.help}: {READABLE}"


def _run(options: argparse.Namespace) -> int:
    from rfviz.terminal.checking import checked  # noqa: PLC0415 - imports torch

    return checked(options)


def _pair(text: str) -> Any:
    numbers = tuple(int(part) for part in text.split(","))
    return numbers[0] if len(numbers) == 1 else numbers


def _padding(text: str) -> Any:
    if text in {"same", "valid"}:
        return text
    numbers = _pair(text)
    four = isinstance(numbers, tuple) and len(numbers) == 4
    return (numbers[:2], numbers[2:]) if four else numbers


def _size(text: str) -> Any:
    from rfviz.io.pictures.preprocessing import size_in  # noqa: PLC0415 - imports torch

    return size_in(text, "A size")


def _floats(text: str) -> tuple[float, ...]:
    numbers = tuple(float(part) for part in text.split(","))
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(text)
    return numbers


def _float(text: str) -> float:
    (number,) = _floats(text)
    return number
