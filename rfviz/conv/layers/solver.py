"""Every setting of a layer that turns one size into another, the plainest first.

The search is complete within the ranges it is given: each combination is judged by the formula of
`rfviz.conv.layers.fit`. The two axes are solved apart, and together where one setting does both.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from rfviz.conv.errors import InputError
from rfviz.conv.layers.fit import (
    AXES,
    AxisNumbers,
    LayerKind,
    axis_fits,
    axis_output_size,
    picture_size,
)
from rfviz.conv.layers.layer import KINDS, Layer
from rfviz.conv.spec.padding_modes import LARGEST, Pair
from rfviz.conv.wording import shown

MOST_SETTINGS = 200_000
GOALS = ("same", "halve", "double")


class Ranges(NamedTuple):
    """The values that are tried for each parameter; those a layer type lacks are left out."""

    kernel_size: range = range(1, 8)
    stride: range = range(1, 5)
    padding: range = range(5)
    dilation: range = range(1, 4)
    output_padding: range = range(3)


class Setting(NamedTuple):
    """One setting of an axis; `remainder` counts the positions that the floor drops."""

    kernel_size: int
    stride: int
    padding: int
    dilation: int
    output_padding: int
    remainder: int


class Solutions(NamedTuple):
    """Settings for the rows, for the columns, and for both at once, the plainest first.

    `explanation` says why there are none on an axis, with the nearest sizes that can be reached;
    it is empty where both axes have some.
    """

    rows: tuple[Setting, ...]
    columns: tuple[Setting, ...]
    both: tuple[Setting, ...]
    explanation: str


def solve(
    kind: LayerKind,
    input_size: object,
    output_size: object,
    ranges: Ranges | None = None,
    ceil_mode: bool = False,
) -> Solutions:
    """Find every setting of a layer type from a (height, width) to a (height, width).

    Raises `InputError` for sizes that are none, for an unknown kind, a kind without ceil_mode that
    is asked for it, and for more than 200,000 combinations. Source: `rfviz.conv.layers.fit`.

    >>> solve("Conv2d", (32, 32), (16, 16)).both[0]
    Setting(kernel_size=2, stride=2, padding=0, dilation=1, output_padding=0, remainder=0)
    """
    tried = _checked(kind, Ranges() if ranges is None else ranges, ceil_mode)
    before, after = picture_size(input_size), picture_size(output_size)
    found = [_solve_axis(kind, before[a], after[a], tried, ceil_mode) for a in (0, 1)]
    in_columns = {setting[:5] for setting in found[1]}
    # The axes may leave different remainders; the rows' is the one that is shown.
    both = tuple(setting for setting in found[0] if setting[:5] in in_columns)
    words = [
        _explained(axis, (before[a], after[a]), _settings(kind, before[a], tried, ceil_mode))
        for a, axis in enumerate(AXES)
        if not found[a]
    ]
    return Solutions(found[0], found[1], both, " ".join(words))


def solve_goal(
    kind: LayerKind, input_size: object, goal: str, ranges: Ranges | None = None
) -> Solutions:
    """Find every setting that keeps ("same"), halves ("halve", rounded up) or doubles a size.

    Raises `InputError` for another goal, and as `solve` does.

    >>> solve_goal("MaxPool2d", (32, 32), "halve").both[0][:3]
    (2, 2, 0)
    """
    height, width = picture_size(input_size)
    wanted: dict[str, Pair] = {
        "same": (height, width),
        "halve": ((height + 1) // 2, (width + 1) // 2),
        "double": (2 * height, 2 * width),
    }
    if goal not in wanted:
        raise InputError(
            f"The goal is one of {', '.join(GOALS)}, got {shown(goal)}.",
            remedy="Give the wanted size as (height, width)",
        )
    return solve(kind, (height, width), wanted[goal], ranges)


def layer_of(kind: LayerKind, rows: Setting, columns: Setting, ceil_mode: bool = False) -> Layer:
    """Return the layer that has one setting on the rows and one on the columns.

    >>> setting = Setting(3, 2, 1, 1, 0, 1)
    >>> layer_of("Conv2d", setting, setting).output_size((32, 32))
    (16, 16)
    """
    kernel, stride, padding, dilation, extra, _ = zip(rows, columns, strict=True)
    return Layer(kind, kernel, stride, padding, dilation, extra, ceil_mode)


def _checked(kind: object, ranges: Ranges, ceil_mode: bool) -> Ranges:
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(
            f"A layer's kind is one of {', '.join(KINDS)}, got {shown(kind)}.",
            remedy="Choose one of them",
        )
    if ceil_mode and not str(kind).endswith("Pool2d"):
        raise InputError(f"nn.{kind} has no ceil_mode.", remedy="Set ceil_mode to False")
    one, none = range(1, 2), range(1)
    tried = ranges._replace(
        dilation=one if kind == "AvgPool2d" else ranges.dilation,
        output_padding=ranges.output_padding if kind == "ConvTranspose2d" else none,
    )
    n_settings = 1
    for name, values in zip(Ranges._fields, tried, strict=True):
        least = 0 if "padding" in name else 1
        if len(values) == 0 or min(values) < least or max(values) > LARGEST:
            raise InputError(
                f"The {name} to try are whole numbers from {least} on, got {values}.",
                remedy=f"Give a range from {least} on",
            )
        n_settings *= len(values)
    if n_settings > MOST_SETTINGS:
        raise InputError(
            f"These ranges hold {n_settings} settings, more than {MOST_SETTINGS}.",
            remedy="Give shorter ranges",
        )
    return tried


def _settings(
    kind: LayerKind, size: int, ranges: Ranges, ceil_mode: bool
) -> Iterator[tuple[Setting, int]]:
    """Every setting that fits, with its output size."""
    for kernel, stride, padding, dilation, extra in product(*ranges):
        numbers = AxisNumbers(
            kind, size, kernel, stride, padding, padding, dilation, extra, ceil_mode, LARGEST
        )
        if axis_fits(numbers):
            slack = 0 if kind == "ConvTranspose2d" else (numbers.padded - numbers.span) % stride
            setting = Setting(kernel, stride, padding, dilation, extra, slack)
            yield setting, axis_output_size(numbers)


def _solve_axis(
    kind: LayerKind, before: int, after: int, ranges: Ranges, ceil_mode: bool
) -> tuple[Setting, ...]:
    found = (s for s, size in _settings(kind, before, ranges, ceil_mode) if size == after)
    return tuple(sorted(found, key=_plainness))


def _plainness(setting: Setting) -> tuple[int, ...]:
    """Sort by what a reader expects: no dilation, nothing dropped, little padding, kernel 2, 3."""
    symmetric = setting.dilation * (setting.kernel_size - 1) == 2 * setting.padding
    return (
        setting.dilation - 1,
        setting.output_padding,
        int(setting.remainder > 0),
        0 if symmetric or setting.padding == 0 else 1,
        abs(2 * setting.kernel_size - 5),
        setting.padding,
        setting.stride,
        *setting,
    )


def _explained(axis: str, sizes: Pair, settings: Iterable[tuple[Setting, int]]) -> str:
    before, after = sizes
    reached = sorted({size for _, size in settings})
    start = f"No setting in these ranges turns {before} {axis} into {after}"
    if not reached:
        return f"{start}: none of them fits {before} at all."
    return f"{start}; the nearest that can be reached: {_nearest(reached, after)}."


def _nearest(sizes: list[int], wanted: int) -> str:
    below = [size for size in sizes if size < wanted][-1:]
    above = [size for size in sizes if size > wanted][:1]
    return " and ".join(map(str, below + above))
