"""Operators that lay tensors over each other or side by side: element by element, or in a list."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.receptive_field.axis_map import AxisField, join, misalignment, sliding_map
from rfviz.conv.trace.calls import Call, blank, result, tensors_in
from rfviz.conv.trace.followed import Followed, Standing, through_map
from rfviz.conv.trace.hulls import narrowed, nothing, spread, union, untangled

SPREADS = "a gate of one pixel spreads its field over the whole map"


def elementwise(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow an operator whose outputs read the elements in their own place, broadcast."""
    inputs, output = call.inputs, outputs[0]
    if call.name == "copy" and call.of("src") is not None:
        inputs = [known for known in [call.of("src")] if known is not None]
    elif call.name == "copy":
        return [blank(given) for given in outputs]
    rows, columns = (union([one.hulls[a] for one in inputs], output.ndim) for a in (0, 1))
    one = result(call, output, (rows, columns), (None, None), (None, None))
    one = with_joined_tracks(one, inputs)
    one = replace(one, standing=_masked(call), entry=_entry(one, inputs, call.name))
    return [one if given is output else replace(one, shape=tuple(given.shape)) for given in outputs]


def concatenating(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow `cat` and `stack` along any dimension; constants among the parts read nothing."""
    new = call.name == "stack"
    dim = int(call.given.get("dim", 0)) % outputs[0].ndim
    parts = [t for t in call.given["tensors"] if tuple(t.shape) != (0,)]
    parts = [t.unsqueeze(dim) for t in parts] if new else parts
    known = [
        None if one is None else _unsqueezed(one, dim) if new else one
        for t in call.given["tensors"]
        if tuple(t.shape) != (0,)
        for one in [call.known.get(id(t))]
    ]
    shapes = [tuple(part.shape) for part in parts]
    rows, columns = untangled(*(_side_by_side(known, shapes, dim, axis) for axis in (0, 1)))
    inputs = [one for one in known if one is not None]
    one = result(call, outputs[0], (rows, columns), inputs[0].axes, (None, None))
    if dim in inputs[0].axes and len(known) > 1:
        return [replace(_extended(one, known, dim), entry="call").labelled()]
    entry = "call" if len({id(each) for each in call.inputs}) > 1 else ""
    return [replace(with_joined_tracks(one, inputs), entry=entry)]


def with_joined_tracks(one: Followed, inputs: Sequence[Followed]) -> Followed:
    """Give a result the axes and the tracks of maps that lie over each other."""
    axes = [_common_axis(one, inputs, axis) for axis in (0, 1)]
    one = replace(one, axes=(axes[0], axes[1]))
    both = [[_over(one, each, axes[axis], axis) for each in inputs] for axis in (0, 1)]
    tracks: list[AxisField | None] = []
    notes = []
    for words, fields in zip(("rows", "columns"), both, strict=True):
        known = [field for field in fields if field is not None]
        if len(known) < len(fields):
            tracks.append(None)
            continue
        tracks.append(_joined(known))
        apart = misalignment(known)
        notes += [f"on the {words}, {apart}"] if apart else []
    gates = any(_is_gate(each, one) for each in inputs)
    note = "; ".join(notes) or (SPREADS if gates else one.note)
    aligned = one.aligned and not notes
    return replace(one, tracks=(tracks[0], tracks[1]), aligned=aligned, note=note).labelled()


def _common_axis(one: Followed, inputs: Sequence[Followed], axis: int) -> int | None:
    """The dimension along which most of the map's rows or columns lie."""
    found = [
        (each.shape[dim], dim + one.n_dims - each.n_dims)
        for each in inputs
        for dim in [each.axes[axis]]
        if dim is not None
    ]
    same = [dim for length, dim in found if length == one.shape[dim]]
    return same[0] if same else None


def _over(one: Followed, each: Followed, dim: int | None, axis: int) -> AxisField | None:
    """The track of one input along the result's axis; what has one place is spread over it."""
    own = each.axes[axis]
    lies = own is not None and dim is not None and own + one.n_dims - each.n_dims == dim
    if lies and own is not None and each.shape[own] == one.shape[dim or 0]:
        return each.field(axis)
    if all(length == 1 for length in each.hulls[axis].shape[1:]):
        field = each.tracks[axis] if own is not None and each.shape[own] == 1 else None
        field = each.field(axis) if field is None else field
        return tuple(track._replace(period=1, shift=0, bounds=track.bounds[:1]) for track in field)
    return None


def _joined(fields: Sequence[AxisField]) -> AxisField | None:
    try:
        return join(fields)
    except InputError:
        return None


def _is_gate(each: Followed, one: Followed) -> bool:
    lengths = [each.shape[dim] for dim in each.axes if dim is not None]
    places = [one.shape[dim] for dim in one.axes if dim is not None]
    return lengths == [1, 1] and max(places, default=1) > 1


def _entry(one: Followed, inputs: Sequence[Followed], name: str) -> str:
    """A join of maps deserves a row where it widens what one of them reads."""
    if len({id(each) for each in inputs}) < 2 or name == "copy":
        return ""
    same = all(
        each.tracks == one.tracks
        and all(torch.equal(union([each.hulls[a]], one.n_dims), one.hulls[a]) for a in (0, 1))
        for each in inputs
    )
    return "" if same else "call"


def _masked(call: Call) -> Standing:
    """A product with constants that may be zero hides what it multiplies."""
    if call.name not in {"mul", "where", "masked_fill"}:
        return Standing()
    others = [t for t in tensors_in(call.given) if id(t) not in call.known and t.ndim > 0]
    hides = [t for t in others if id(t) not in call.learned and _may_hide(call, t)]
    reason = f"{call.name} with constants hides a part of what it reads"
    return Standing("upper bound", reason) if hides else Standing()


def _may_hide(call: Call, constant: torch.Tensor) -> bool:
    if call.name != "mul" or constant.is_meta:
        return True
    return bool((constant == 0).any())


def _unsqueezed(one: Followed, dim: int) -> Followed:
    axes = [a if a is None or a < dim else a + 1 for a in one.axes]
    rows, columns = (hull.unsqueeze(dim + 1) for hull in one.hulls)
    shape = (*one.shape[:dim], 1, *one.shape[dim:])
    return replace(one, shape=shape, axes=(axes[0], axes[1]), hulls=(rows, columns))


def _side_by_side(
    known: Sequence[Followed | None], shapes: Sequence[tuple[int, ...]], dim: int, axis: int
) -> torch.Tensor:
    hulls = [
        nothing(len(shape)) if one is None else one.hulls[axis]
        for one, shape in zip(known, shapes, strict=True)
    ]
    if all(torch.equal(hull, hulls[0]) and hull.shape[dim + 1] == 1 for hull in hulls):
        return hulls[0]
    others = [max(hull.shape[d + 1] for hull in hulls) for d in range(len(shapes[0]))]
    full = [
        spread(hull, [*others[:dim], shape[dim], *others[dim + 1 :]])
        for hull, shape in zip(hulls, shapes, strict=True)
    ]
    return narrowed(torch.cat(full, dim + 1))


def _extended(one: Followed, known: Sequence[Followed | None], dim: int) -> Followed:
    """Constants beside one map are padding; maps side by side have no track."""
    inside = [each for each in known if each is not None]
    if len(inside) > 1:
        return one
    before = 0
    for each in known:
        if each is not None:
            break
        before += 1
    axis = one.axes.index(dim)
    tracks = list(inside[0].tracks)
    tracks[axis] = through_map(tracks[axis], None if before else sliding_map(1, 1, 0, 1))
    return replace(one, tracks=(tracks[0], tracks[1]))
