"""Operators whose every output element is one input element, or zero: views, slices, pads, flips.

The same operator moves the hulls, and it moves the places 0, 1, 2... of rows and columns, which
says where they lie afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from rfviz.conv.receptive_field.axis_map import AxisField, AxisMap, Track, sliding_map
from rfviz.conv.trace.call_names import SHOWN
from rfviz.conv.trace.calls import Call, everything, result, tensors_in, word_of_call
from rfviz.conv.trace.followed import Followed, Standing, map_of_index, through_map
from rfviz.conv.trace.hulls import axis_hull, moved, reshaped

Run = Callable[[torch.Tensor], list[torch.Tensor]]
# The dimensions along which an axis lies in a result, the coarsest first, and the map from its
# places to those before, where it is one dimension.
Placed = tuple[list[int], AxisMap | None]


def moving(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow an operator that moves elements of one tensor."""
    source = next(t for t in tensors_in(call.given) if id(t) in call.known)
    known = call.known[id(source)]
    others = [t for t in tensors_in(call.given) if t is not source]
    if any(id(t) in call.known or t.is_meta for t in others):
        why = f"{word_of_call(call.name)} looks where numbers tell it to"
        return everything(call, outputs, Standing("depends on data", why))
    fill = {"value": 0} if "value" in call.given else {}

    def run(hull: torch.Tensor) -> list[torch.Tensor]:
        return moved(hull, known.shape, lambda t: call.run({id(source): t}, **fill))

    found = moved_by(run, known, call, outputs)
    if call.name.startswith(("reflection_pad", "replication_pad")):
        found = [_padded(found[0], known, list(call.given["padding"]))]
    entry = "layer" if call.name in SHOWN else ""
    return [replace(one, entry=entry) for one in found]


def reshaping(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow a view of other lengths."""
    known, new = call.inputs[0], tuple(outputs[0].shape)
    return moved_by(lambda hull: [reshaped(hull, known.shape, new)], known, call, outputs)


def _padded(one: Followed, known: Followed, pads: list[int]) -> Followed:
    """Its track goes on past the edge, though pixels are mirrored there: most units read as is."""
    tracks = list(one.tracks)
    for i, before in enumerate(pads[::2]):
        for axis in (0, 1):
            if known.axes[axis] == known.n_dims - 1 - i:
                tracks[axis] = through_map(known.field(axis), sliding_map(1, 1, before, 1))
    return replace(one, tracks=(tracks[0], tracks[1]))


def moved_by(
    run: Run, known: Followed, call: Call, outputs: Sequence[torch.Tensor]
) -> list[Followed]:
    """Move hulls and places by the same step, and read off where rows and columns lie."""
    rows, columns = (run(known.hulls[axis]) for axis in (0, 1))
    row_places, column_places = (_placed(run, known, axis, len(outputs)) for axis in (0, 1))
    found = []
    for index, output in enumerate(outputs):
        (row_dims, row_map), (column_dims, column_map) = row_places[index], column_places[index]
        row_dim, column_dim = _apart(row_dims, column_dims)
        one = result(
            call,
            output,
            (rows[index], columns[index]),
            (row_dim, column_dim),
            (_moved_track(known.tracks[0], row_map), _moved_track(known.tracks[1], column_map)),
        )
        found.append(one.labelled())
    return found


def _placed(run: Run, known: Followed, axis: int, n_outputs: int) -> list[Placed]:
    """Where the axis lies in each result, by the way that its places went."""
    dim = known.axes[axis]
    if dim is None:
        return [([], None)] * n_outputs
    places = run(axis_hull(known.shape[dim], dim, known.n_dims))
    return [_place(hull[0]) for hull in places]


def _place(places: torch.Tensor) -> Placed:
    varied = [dim for dim, length in enumerate(places.shape) if length > 1]
    if len(varied) != 1:
        steps = {dim: abs(_step(places, dim)) for dim in varied}
        return (sorted(varied, key=lambda dim: -steps[dim]), None)
    return (varied, map_of_index(places.reshape(-1)))


def _step(places: torch.Tensor, dim: int) -> float:
    """How far neighbours along a dimension lie apart."""
    first = places[tuple(slice(None) if d == dim else 0 for d in range(places.ndim))]
    return float(first[1] - first[0])


def _apart(rows: list[int], columns: list[int]) -> tuple[int | None, int | None]:
    """Patches lie along their own rows; windows in one list have rows inside of each."""
    if rows and columns and rows[0] == columns[0]:
        rows, columns = rows[1:], columns[1:]
    row, column = (dims[0] if dims else None for dims in (rows, columns))
    return (None, None) if row is not None and row == column else (row, column)


def _moved_track(track: AxisField | None, axis_map: AxisMap | None) -> AxisField | None:
    """A whole axis stays whole wherever its places go; others go through the map."""
    if track is not None and all(one == Track(1, 0, one.bounds) for one in track):
        return track
    return through_map(track, axis_map)
