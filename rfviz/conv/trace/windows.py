"""Operators that slide windows or resize: convolutions, pooling, interpolation, unfold and fold."""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.layers.fit import LayerKind
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.axis_map import (
    AxisMap,
    adaptive_map,
    resize_map,
    sliding_map,
    transposed_map,
)
from rfviz.conv.trace.calls import Call, blank, result
from rfviz.conv.trace.followed import Followed, Standing, least_sure, through_map
from rfviz.conv.trace.hulls import narrowed, over, spread, union, untangled, windowed
from rfviz.conv.trace.moves import moving

# Weights of a resize are asked of torch up to so many of them; past it, they are calculated.
MOST_WEIGHTS = 2**24
WHOLE = "the whole picture"


class Windows(NamedTuple):
    """First and last input that each output reads along a dimension, and the step between."""

    first: torch.Tensor
    last: torch.Tensor
    step: int = 1


def convolving(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow a convolution of any number of dimensions, transposed or not."""
    weight, output = call.given["weight"], outputs[0]
    n_spatial = len(call.given["stride"])
    known = (call.of("input") or blank(call.given["input"])).mapped(n_spatial)
    dims = [output.ndim - n_spatial + i for i in range(n_spatial)]
    maps = [_convolution_map(call, weight.shape[2 + i], i) for i in range(n_spatial)]
    channel = output.ndim - n_spatial - 1
    rows, columns = (
        _mixed_channels(hull, channel, int(call.given["groups"]), output.shape[channel])
        for hull in known.hulls
    )
    one = _windowed(call, replace(known, hulls=(rows, columns)), output, dims, maps)
    return [_by_weight(call, one)]


def pooling(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow pooling; its indices read what its maxima read."""
    n = int(call.name.split("pool")[1][0])
    known, given = call.inputs[0].mapped(n), call.given
    kernel = list(given["kernel_size"])
    sizes, strides, pads, steps = (
        _each(value, n)
        for value in (
            kernel, given.get("stride") or kernel, given.get("padding", 0), given.get("dilation", 1)
        )
    )  # fmt: skip
    maps = [sliding_map(*one) for one in zip(sizes, strides, pads, steps, strict=True)]
    dims = [outputs[0].ndim - n + i for i in range(n)]
    return [_windowed(call, known, output, dims, maps) for output in outputs]


def adapting(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow adaptive pooling, whose windows cut the map into parts."""
    n = int(call.name.split("pool")[1][0])
    known = call.inputs[0].mapped(n)
    dims = [known.n_dims - n + i for i in range(n)]
    found = []
    for output in outputs:
        windows = [_adaptive_windows(known.shape[dim], output.shape[dim]) for dim in dims]
        maps = [_adaptive_map(known.shape[dim], output.shape[dim]) for dim in dims]
        one = _windowed(call, known, output, dims, maps, windows)
        note = f"global pooling: {WHOLE}" if all(output.shape[dim] == 1 for dim in dims) else ""
        found.append(replace(one, note=note or one.note))
    return found


def interpolating(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow a linear or cubic resize, along each dimension as torch weighs it."""
    output = outputs[0]
    n = output.ndim - 2
    known = call.inputs[0].mapped(n)
    dims = [2 + i for i in range(n)]
    windows, maps = [], []
    for dim in dims:
        axis_map = _resize_map(call, known.shape[dim], output.shape[dim])
        windows.append(_weighed(call, known.shape[dim], output.shape[dim], dim, axis_map))
        maps.append(axis_map)
    return [_windowed(call, known, output, dims, maps, windows)]


def unfolding(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow `F.unfold`, which moves elements to columns that have neither rows nor columns."""
    found = moving(call, outputs)
    note = "unfold lays its columns out; later steps may read all of them"
    return [replace(one, entry="unfold", note=note) for one in found]


def padding(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow constant padding: what is added reads nothing."""
    known, output, pads = call.inputs[0], outputs[0], list(call.given["pad"])
    dims = [output.ndim - 1 - i for i in range(len(pads) // 2)]
    hulls, tracks = list(known.hulls), list(known.tracks)
    for dim, before in zip(dims, pads[::2], strict=True):
        places = torch.arange(output.shape[dim]) - before
        varies = [hull.shape[dim + 1] > 1 for hull in hulls]
        # A row that is added says so among the rows alone: the columns stay what they are.
        hulls = [
            _slid(hull, dim, known.shape[dim], Windows(places, places))
            if varied or not any(varies)
            else hull
            for hull, varied in zip(hulls, varies, strict=True)
        ]
        for axis in (0, 1):
            if known.axes[axis] == dim:
                tracks[axis] = through_map(known.field(axis), sliding_map(1, 1, before, 1))
    pair = (hulls[0], hulls[1])
    return [result(call, output, pair, known.axes, (tracks[0], tracks[1]), entry="layer")]


def folding(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow `F.fold`: a unit reads the elements of the columns that are added to it."""
    known, output, given = call.inputs[0], outputs[0], call.given
    kernel, size = list(given["kernel_size"]), list(given["output_size"])
    places = torch.arange(1, math.prod(size) + 1, dtype=torch.float64).reshape(1, 1, *size)
    windows = {name: given[name] for name in ("kernel_size", "dilation", "padding", "stride")}
    targets = torch.ops.aten.im2col(places, **windows)[0].long()
    hulls = []
    for hull in known.hulls:
        batched = known.n_dims == 3
        taps, columns = known.shape[-2], known.shape[-1]
        lead = hull.shape[1] if batched else 1
        full = spread(hull, [*([lead] if batched else []), taps, columns])
        full = full.reshape(2, lead, -1, math.prod(kernel), columns).amin(2)
        flat = torch.full((2, lead, math.prod(size) + 1), 2.0**40, dtype=torch.float64)
        index = targets.reshape(1, 1, -1).expand(2, lead, -1)
        flat.scatter_reduce_(2, index, full.reshape(2, lead, -1), "amin")
        hulls.append(narrowed(flat[:, :, 1:].reshape(2, *([lead] if batched else []), 1, *size)))
    hulls = list(untangled(hulls[0], hulls[1]))
    axes = (output.ndim - 2, output.ndim - 1)
    return [result(call, output, (hulls[0], hulls[1]), axes, (None, None), entry="layer", note="")]


def checked(call: Call) -> None:
    """Refuse a convolution or pooling that does not fit its map, in our own words."""
    given = call.given
    if call.name == "convolution" and len(given["stride"]) == 2:
        _check_channels(call)
        kind: LayerKind = "ConvTranspose2d" if given["transposed"] else "Conv2d"
        layer = Layer(
            kind,
            tuple(given["weight"].shape[-2:]),
            *(tuple(_each(given[name], 2)) for name in ("stride", "padding", "dilation")),
            **({"output_padding": tuple(given["output_padding"])} if given["transposed"] else {}),
        )
        layer.output_size(tuple(given["input"].shape[-2:]))


def _windowed(  # noqa: PLR0917 - what slides over what
    call: Call,
    known: Followed,
    output: torch.Tensor,
    dims: Sequence[int],
    maps: Sequence[AxisMap | None],
    windows: Sequence[Windows] | None = None,
) -> Followed:
    """Slide windows along some dimensions over both hulls, and over the tracks that lie there."""
    hulls = list(known.hulls)
    tracks = list(known.tracks)
    for i, dim in enumerate(dims):
        one = windows[i] if windows else _windows(maps[i], output.shape[dim])
        hulls = [_slid(hull, dim, known.shape[dim], one) for hull in hulls]
        for axis in (0, 1):
            if known.axes[axis] == dim:
                field = known.field(axis)
                tracks[axis] = through_map(field, maps[i])
    facts = {"entry": "layer", "standing": known.standing, "aligned": known.aligned}
    pair = (hulls[0], hulls[1])
    one_result = result(call, output, pair, known.axes, (tracks[0], tracks[1]), **facts)
    return replace(one_result, note=known.note)


def _slid(hull: torch.Tensor, dim: int, n: int, one: Windows) -> torch.Tensor:
    """Windows over a hull that is the same everywhere leave it, unless they read nothing."""
    if hull.shape[dim + 1] == 1:
        inside = (one.last >= 0) & (one.first < n) & (one.last >= one.first)
        if bool(inside.all()):
            return hull
    shape = [hull.shape[d + 1] if d != dim else n for d in range(hull.ndim - 1)]
    return narrowed(windowed(spread(hull, shape), dim, one.first, one.last, one.step))


def _windows(axis_map: AxisMap | None, n_outputs: int) -> Windows:
    assert axis_map is not None
    outputs = torch.arange(n_outputs)
    turns, phases = outputs // axis_map.period, outputs % axis_map.period
    # An empty window ends before it begins.
    first = torch.tensor([w[0] if len(w) else 1 for w in axis_map.windows])
    last = torch.tensor([w[-1] if len(w) else 0 for w in axis_map.windows])
    step = max((abs(w.step) for w in axis_map.windows if len(w) > 1), default=1)
    shift = turns * axis_map.shift
    empty = torch.tensor([not len(w) for w in axis_map.windows])[phases]
    starts = torch.where(empty, 1, first[phases] + shift)
    return Windows(starts, torch.where(empty, 1 - step, last[phases] + shift), step)


def _convolution_map(call: Call, kernel: int, i: int) -> AxisMap:
    given = call.given
    stride, pad, dilation = (_each(given[k], i + 1)[i] for k in ("stride", "padding", "dilation"))
    slide = transposed_map if given["transposed"] else sliding_map
    return slide(int(kernel), stride, pad, dilation)


def _mixed_channels(hull: torch.Tensor, channel: int, groups: int, n_out: int) -> torch.Tensor:
    """What the channels of each group read, for the channels that the group gives."""
    n_in = hull.shape[channel + 1]
    if n_in == 1 or groups == 1:
        return over(hull, [channel])
    lengths = [*hull.shape[: channel + 1], groups, n_in // groups, *hull.shape[channel + 2 :]]
    parts = hull.reshape(lengths).amin(channel + 2)
    return narrowed(parts.repeat_interleave(n_out // groups, channel + 1))


def _by_weight(call: Call, one: Followed) -> Followed:
    """A weight that is made of the picture is read too; one that is computed may hold zeros."""
    weight = call.of("weight")
    if weight is not None:
        hulls = [
            union(
                [one.hulls[a], over(weight.hulls[a], range(weight.n_dims)).reshape(2)], one.n_dims
            )
            for a in (0, 1)
        ]
        note = "its weight is made of the picture"
        return replace(
            one, hulls=(hulls[0], hulls[1]), tracks=(None, None), note=note,
            standing=least_sure([one.standing, weight.standing]),
        )  # fmt: skip
    if isinstance(call.given["weight"], torch.nn.Parameter):
        return one
    constant = call.given["weight"]
    if not constant.is_meta and not bool((constant == 0).any()):
        return one
    why = "the weight is computed, and may hold zeros"
    return replace(one, standing=least_sure([one.standing, Standing("upper bound", why)]))


def _adaptive_windows(n_inputs: int, n_outputs: int) -> Windows:
    outputs = torch.arange(n_outputs)
    first = outputs * n_inputs // n_outputs
    return Windows(first, -(-(outputs + 1) * n_inputs // n_outputs) - 1)


def _adaptive_map(n_inputs: int, n_outputs: int) -> AxisMap | None:
    try:
        return adaptive_map(n_inputs, n_outputs)
    except InputError:
        return None


def _resize_map(call: Call, n_in: int, n_out: int) -> AxisMap | None:
    """The map of the exact ratio of the sizes, None for the ways that have no such map."""
    if call.name.endswith("_aa"):
        return None
    taps = (-1, 2) if "bicubic" in call.name else (0, 1)
    try:
        if call.given.get("align_corners"):
            return resize_map(Fraction(n_in - 1, max(n_out - 1, 1)), Fraction(0), taps)
        scale = Fraction(n_in, n_out)
        return resize_map(scale, (scale - 1) / 2, taps)
    except InputError:
        return None


def _weighed(call: Call, n_in: int, n_out: int, dim: int, axis_map: AxisMap | None) -> Windows:
    """First and last input whose weight is not zero, as torch resizes one unit after the other."""
    if n_in * n_out > MOST_WEIGHTS:
        if axis_map is None:
            zeros = torch.zeros(n_out, dtype=torch.long)
            return Windows(zeros, zeros + n_in - 1)
        return _windows(axis_map, n_out)
    weights = _weights(call, n_in, n_out, dim) != 0
    first = weights.int().argmax(0)
    last = n_in - 1 - weights.flip(0).int().argmax(0)
    return Windows(first, last)


def _weights(call: Call, n_in: int, n_out: int, dim: int) -> torch.Tensor:
    """(n_in, n_out): torch's own answer to maps of a single one.

    The other dimensions stay two wide: of one column, torch 2.13 antialiases no rows.
    """
    source = next(t for t in call.given.values() if isinstance(t, torch.Tensor))
    n = source.ndim - 2
    shape = [1] * n
    shape[dim - 2] = n_in
    ones = torch.eye(n_in, dtype=torch.float64).reshape(n_in, 1, *shape)
    size = [2] * n
    size[dim - 2] = n_in
    ones = ones.expand(n_in, 1, *size).contiguous()
    size[dim - 2] = n_out
    answer: torch.Tensor = call.run({id(source): ones}, output_size=size, **_own_scale(call, dim))
    return answer.movedim(dim, 1).flatten(2)[..., 0]


def _own_scale(call: Call, dim: int) -> dict[str, Any]:
    """Only the dimension that is asked for is resized."""
    names = ("scales_d", "scales_h", "scales_w", "scales")
    return {name: 1.0 for name in names if call.given.get(name) is not None} | _kept(call, dim)


def _kept(call: Call, dim: int) -> dict[str, Any]:
    n = next(t for t in call.given.values() if isinstance(t, torch.Tensor)).ndim - 2
    order = {1: ("scales",), 2: ("scales_h", "scales_w"), 3: ("scales_d", "scales_h", "scales_w")}
    name = order[n][dim - 2]
    value = call.given.get(name)
    return {} if value is None else {name: value}


def _check_channels(call: Call) -> None:
    """Compare the channels with the weight's, in words; torch says less on the meta device."""
    given = call.given
    weight, groups = given["weight"], int(given["groups"])
    expected = weight.shape[0] if given["transposed"] else weight.shape[1] * groups
    channels = given["input"].shape[-3]
    if channels != expected:
        raise InputError(
            f"Its weight expects {expected} channels, but the map has {channels}.",
            remedy=f"Set its in_channels to {channels}, or give a picture that has {expected}",
        )


def _each(value: Any, n: int) -> list[int]:
    """One number for each dimension; torch passes one for all of them as a list of one."""
    several = list(value) if isinstance(value, list | tuple) else [value]
    return [int(one) for one in (several * n if len(several) == 1 else several)]
