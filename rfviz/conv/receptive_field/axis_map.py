"""Where the units of a feature map look in the picture, exactly, through any chain of layers.

On each axis a layer is a periodic map: output r + period reads what output r reads, `shift` inputs
further on. A convolution has period 1 and shift stride; a transposed convolution period stride and
shift 1. Composed, they give the first and the last pixel that each unit reads, without rounding.
Source: Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019, extended here to layers that enlarge.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from rfviz.conv.errors import InputError

MOST_PHASES = 1024
Bounds = tuple[int, int]


class AxisMap(NamedTuple):
    """Input units that each output unit of an axis reads, for one period of outputs.

    Output q + m * period reads windows[q] moved by m * shift.
    """

    period: int
    shift: int
    windows: tuple[range, ...]


class Track(NamedTuple):
    """First and last pixel that each unit of a map reads, for one period of units, or None.

    Pixels are coordinates of the picture, unclipped: negative, or past its size, in the padding.
    """

    period: int
    shift: int
    bounds: tuple[Bounds | None, ...]

    @property
    def jump(self) -> Fraction:
        """Pixels of the picture between neighbouring units, on average over a period."""
        return Fraction(self.shift, self.period)

    def unit(self, index: int) -> Bounds | None:
        """Return the first and the last pixel that a unit reads, or None if it reads none."""
        turns, phase = divmod(index, self.period)
        found = self.bounds[phase]
        return found and (found[0] + turns * self.shift, found[1] + turns * self.shift)


# Several tracks where branches of different jumps were joined; a unit reads what any of them reads.
AxisField = tuple[Track, ...]

PICTURE: AxisField = (Track(1, 1, ((0, 0),)),)


def sliding_map(kernel: int, stride: int, before: int, dilation: int) -> AxisMap:
    """Return the map of a kernel that slides: a convolution, pooling or unfold.

    >>> sliding_map(3, 2, 1, 1).windows
    (range(-1, 2),)
    """
    return AxisMap(1, stride, (range(-before, -before + dilation * (kernel - 1) + 1, dilation),))


def transposed_map(kernel: int, stride: int, before: int, dilation: int) -> AxisMap:
    """Return the map of a transposed convolution: inputs i with i * stride - before + tap = output.

    A stride above the kernel leaves outputs that read nothing. Raises `InputError` for a stride
    that would give too many different outputs to follow.

    >>> transposed_map(3, 2, 0, 1).windows
    (range(-1, 1), range(0, 1))
    """
    _check_phases(stride)
    common = gcd(dilation, stride)
    tap_step, unit_step = stride // common, dilation // common
    windows = []
    for output in range(stride):
        reach = output + before
        first = next(
            (t for t in range(min(kernel, tap_step)) if (reach - dilation * t) % stride == 0), None
        )
        if first is None:
            windows.append(range(0))
            continue
        latest = (reach - dilation * first) // stride
        n_taps = (kernel - 1 - first) // tap_step + 1
        windows.append(range(latest - (n_taps - 1) * unit_step, latest + 1, unit_step))
    return AxisMap(stride, 1, tuple(windows))


def adaptive_map(n_inputs: int, n_outputs: int) -> AxisMap:
    """Return the map of adaptive pooling, whose windows may overlap and differ by one pixel.

    Source: the PyTorch documentation; window i is floor(i * n / out) to ceil((i + 1) * n / out).

    >>> adaptive_map(5, 2).windows
    (range(0, 3), range(2, 5))
    """
    common = gcd(n_inputs, n_outputs)
    period, shift = n_outputs // common, n_inputs // common
    _check_phases(period)
    windows = tuple(
        range(i * shift // period, -(-(i + 1) * shift // period)) for i in range(period)
    )
    return AxisMap(period, shift, windows)


def resize_map(scale: Fraction, offset: Fraction, taps: tuple[int, int]) -> AxisMap:
    """Return the map of a resize: output o lies at o * scale + offset and reads units around it.

    `taps` are the first and last unit that are read, counted from the floor of that place; where
    it falls on a unit, linear and cubic weights of the others are zero and only that unit is read.

    >>> resize_map(Fraction(1, 2), Fraction(-1, 4), (0, 1)).windows
    (range(-1, 1), range(0, 2))
    """
    _check_phases(scale.denominator)
    windows = []
    for output in range(scale.denominator):
        place = output * scale + offset
        floor = place.numerator // place.denominator
        exact = place.denominator == 1 and taps != (0, 0)
        low, high = (0, 0) if exact else taps
        windows.append(range(floor + low, floor + high + 1))
    return AxisMap(scale.denominator, scale.numerator, tuple(windows))


def compose(field: AxisField, axis_map: AxisMap) -> AxisField:
    """Return what the outputs of a layer read in the picture, from what its inputs read.

    >>> compose(compose(PICTURE, sliding_map(3, 2, 1, 1)), sliding_map(3, 1, 1, 1))[0].bounds
    ((-3, 3),)
    """
    return tuple(dict.fromkeys(_compose_track(track, axis_map) for track in field))


def whole_axis(size: int) -> AxisField:
    """Return the field of units that read a whole axis of the picture.

    >>> whole_axis(5)[0].unit(7)
    (0, 4)
    """
    return (Track(1, 0, ((0, size - 1),)),)


def join(fields: Sequence[AxisField]) -> AxisField:
    """Return what the sum or concatenation of maps reads: all that any of them reads.

    Tracks of equal jump become one; others stay apart, since they drift from unit to unit.

    >>> join([PICTURE, compose(PICTURE, sliding_map(3, 1, 1, 1))])[0].bounds
    ((-1, 1),)
    """
    by_jump: dict[Fraction, list[Track]] = {}
    for track in (track for field in fields for track in field):
        by_jump.setdefault(track.jump, []).append(track)
    return tuple(_join_equal(tracks) for tracks in by_jump.values())


def misalignment(fields: Sequence[AxisField]) -> str:
    """Say how branches that are joined are out of step, or return "".

    >>> misalignment([PICTURE, compose(PICTURE, sliding_map(3, 1, 0, 1))])
    'branches are centred 1 pixel apart'
    """
    # A unit that reads the whole picture, as behind global pooling, is out of step with nothing.
    jumps = sorted({track.jump for field in fields for track in field if track.jump})
    if len(jumps) > 1:
        return f"branches have jumps of {' and '.join(map(str, jumps))} pixels"
    centres = [centre(field) for field in fields if field[0].jump] or [Fraction(0)]
    apart = max(centres) - min(centres)
    return f"branches are centred {apart} pixel{'s' * (apart != 1)} apart" if apart else ""


def unit_bounds(field: AxisField, index: int) -> Bounds | None:
    """Return the first and last pixel that a unit reads, over all tracks; None if it reads none.

    >>> unit_bounds(compose(PICTURE, sliding_map(3, 2, 1, 1)), 2)
    (3, 5)
    """
    found = [bounds for track in field if (bounds := track.unit(index)) is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def largest_field(field: AxisField, n_units: int) -> int:
    """Return the most pixels, from first to last, that one of the units reads.

    Tracks of different jumps drift apart linearly: the most is near one of the ends.

    >>> largest_field(compose(PICTURE, sliding_map(3, 1, 0, 4)), 10)
    9
    """
    period = lcm(*(track.period for track in field))
    if len(field) == 1:
        units: set[int] = set(range(min(period, n_units)))
    else:
        near = min(period, n_units)
        units = {*range(near), *range(n_units - near, n_units)}
    sizes = [
        high - low + 1 for b in units if (found := unit_bounds(field, b)) for low, high in [found]
    ]
    return max(sizes, default=0)


def centre(field: AxisField) -> Fraction:
    """Return the centre of unit 0 in the picture, where pixel 0 has its centre at 0.

    Where unit 0 reads nothing, it is carried back from the first unit that reads; what a gate
    spreads over the whole map is left out.

    >>> centre(compose(PICTURE, sliding_map(2, 2, 0, 1)))
    Fraction(1, 2)
    """
    moving = tuple(track for track in field if track.jump) or field
    for index in range(lcm(*(track.period for track in moving))):
        found = unit_bounds(moving, index)
        if found is not None:
            return Fraction(sum(found), 2) - index * moving[0].jump
    return Fraction(0)


def _compose_track(track: Track, axis_map: AxisMap) -> Track:
    turns = track.period // gcd(track.period, axis_map.shift)
    period = axis_map.period * turns
    _check_phases(period)
    shift = turns * axis_map.shift * track.shift // track.period
    bounds = []
    for output in range(period):
        turn, phase = divmod(output, axis_map.period)
        bounds.append(_window_bounds(track, axis_map.windows[phase], turn * axis_map.shift))
    return Track(period, shift, tuple(bounds))


def _window_bounds(track: Track, window: range, offset: int) -> Bounds | None:
    """Extremes over a window: past one period of units at either end, nothing new can come."""
    ends = dict.fromkeys([*window[: track.period], *window[-track.period :]])
    found = [bounds for unit in ends if (bounds := track.unit(unit + offset)) is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def _join_equal(tracks: Sequence[Track]) -> Track:
    period = lcm(*(track.period for track in tracks))
    _check_phases(period)
    bounds = tuple(unit_bounds(tuple(tracks), unit) for unit in range(period))
    return Track(period, tracks[0].shift * (period // tracks[0].period), bounds)


def _check_phases(n_phases: int) -> None:
    if n_phases > MOST_PHASES:
        raise InputError(
            f"Its outputs read the picture in {n_phases} different ways, more than {MOST_PHASES}.",
            remedy="Use a smaller stride or scale for the layers that enlarge",
        )
