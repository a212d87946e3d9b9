"""What is known of a tensor that comes from the picture: which pixels its elements read."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.receptive_field.axis_map import AxisField, AxisMap, Track, compose
from rfviz.conv.trace.hulls import BLANK, over

# From the surest to the least sure; what is computed from several tensors is as sure as the least.
STANDINGS = ("exact", "whole input", "upper bound", "depends on data", "unknown")
# An index that repeats its steps after more outputs than this is taken output by output.
MOST_STEPS = 64

Axes = tuple[int | None, int | None]
Tracks = tuple[AxisField | None, AxisField | None]
Hulls = tuple[torch.Tensor, torch.Tensor]


class Standing(NamedTuple):
    """How sure a field is, and why it is no surer."""

    word: str = "exact"
    reason: str = ""


EXACT = Standing()


@dataclass(frozen=True)
class Followed:
    """The first and last row and column that each element of a tensor reads.

    `hulls` holds them for rows and columns, of pixels within the picture alone. `axes` are the
    dimensions along which its rows and columns lie, None where they lie along none or several.
    `tracks` say the same as functions of the place along an axis, padding included, None where
    there is no such function. `entry` is "layer" or "call" where the step deserves a row.
    """

    shape: tuple[int, ...]
    hulls: Hulls
    axes: Axes
    tracks: Tracks
    standing: Standing = EXACT
    aligned: bool = True
    note: str = ""
    entry: str = ""

    @property
    def n_dims(self) -> int:
        """Number of dimensions of the tensor."""
        return len(self.shape)

    def profile(self, axis: int) -> torch.Tensor:
        """Return the (2, n) hull along the axis's dimension, united over all others."""
        hull, dim = self.hulls[axis], self.axes[axis]
        others = [other for other in range(self.n_dims) if other != dim]
        united = over(hull, others).reshape(2, -1)
        return united if dim is None else united.expand(2, self.shape[dim])

    def field(self, axis: int) -> AxisField:
        """Return the axis's track, or the same read off its hull."""
        track = self.tracks[axis]
        return fitted(self.profile(axis)) if track is None else track

    def labelled(self) -> "Followed":
        """Return it with rows and columns where its hulls show them, though no step said so."""
        axes = [self._shown(axis) for axis in (0, 1)]
        if axes[0] == axes[1] and axes[0] is not None:
            return self
        return replace(self, axes=(axes[0], axes[1]))

    def mapped(self, n_spatial: int = 2) -> "Followed":
        """Return it with rows and columns along the last dimensions where no step has said it."""
        known = self.labelled()
        last = range(max(self.n_dims - n_spatial, 0), self.n_dims)
        free = [dim for dim in last if dim not in known.axes]
        rows, columns = known.axes
        if columns is None and free:
            columns = free.pop()
        if rows is None and free:
            rows = free.pop()
        return replace(known, axes=(rows, columns))

    def _shown(self, axis: int) -> int | None:
        if self.axes[axis] is not None:
            return self.axes[axis]
        varied = [dim for dim in range(self.n_dims) if self.hulls[axis].shape[dim + 1] > 1]
        return varied[0] if len(varied) == 1 else None


def least_sure(standings: Iterable[Standing]) -> Standing:
    """Return the standing of what is computed from tensors of these standings.

    >>> least_sure([Standing(), Standing("unknown", "why")]).word
    'unknown'
    """
    return max(standings, key=lambda one: STANDINGS.index(one.word), default=Standing())


def fitted(profile: torch.Tensor) -> AxisField:
    """Return the track of units whose (2, n) hulls are given, one period for all if need be.

    >>> fitted(torch.tensor([[0.0, 1.0, 2.0], [0.0, -1.0, -2.0]]))[0].jump
    Fraction(1, 1)
    """
    lows, highs = (profile * torch.tensor([[1.0], [-1.0]])).long().tolist()
    bounds = tuple(
        None if low >= BLANK else (low, high) for low, high in zip(lows, highs, strict=True)
    )
    if len(set(bounds)) == 1:
        return (Track(1, 0, bounds[:1]),)
    jump = _usual_step(bounds)
    moved = [
        None if b is None else (b[0] - i * jump, b[1] - i * jump) for i, b in enumerate(bounds)
    ]
    if len(set(moved)) == 1:
        return (
            (Track(1, int(jump), bounds[:1]),) if jump.denominator == 1 else _one_turn(bounds, jump)
        )
    return _one_turn(bounds, jump)


def through_map(field: AxisField | None, axis_map: AxisMap | None) -> AxisField | None:
    """Return what the outputs of a layer read, or None where that is too many ways to hold.

    >>> through_map(None, None)
    """
    if field is None or axis_map is None:
        return None
    try:
        return compose(field, axis_map)
    except InputError:
        return None


def map_of_index(index: torch.Tensor) -> AxisMap | None:
    """Return the map of outputs that each read the one input of `index`, blank in the padding.

    None where the index follows no period: a shuffle, a mirror, a roll.

    >>> map_of_index(torch.tensor([0., 0., 1., 1.])).period
    2
    """
    places = index.tolist()
    inside = [place < BLANK / 2 for place in places]
    first = inside.index(True) if True in inside else None
    if first is None:
        return None
    last = len(inside) - 1 - inside[::-1].index(True)
    kept = [int(place) for place in places[first : last + 1]]
    if not all(inside[first : last + 1]):
        return None
    for period in range(1, min(MOST_STEPS, max(len(kept) // 2, 1)) + 1):
        steps = {after - before for before, after in zip(kept, kept[period:], strict=False)}
        if len(steps) <= 1:
            shift = steps.pop() if steps else 1
            return _periodic(kept, first, period, shift)
    return None


def _periodic(kept: list[int], first: int, period: int, shift: int) -> AxisMap | None:
    if shift == 0:
        return None
    windows = []
    for output in range(period):
        turns, phase = divmod(output - first, period)
        place = kept[phase] + turns * shift
        windows.append(range(place, place + 1))
    return AxisMap(period, shift, tuple(windows))


def _usual_step(bounds: tuple[tuple[int, int] | None, ...]) -> Fraction:
    """Pixels from unit to unit, as most neighbours have it; the average where none prevails."""
    steps = [
        Fraction(sum(after) - sum(before), 2)
        for before, after in pairwise(bounds)
        if before is not None and after is not None
    ]
    if not steps:
        return Fraction(0)
    usual = max(dict.fromkeys(steps), key=steps.count)
    if 2 * steps.count(usual) > len(steps):
        return usual
    return sum(steps, Fraction(0)) / len(steps)


def _one_turn(bounds: tuple[tuple[int, int] | None, ...], jump: Fraction) -> AxisField:
    """A period of all units, repeated until it moves a whole number of pixels."""
    return (Track(len(bounds), round(jump * len(bounds)), bounds),)
