"""Which calls of torch slide, join or flatten feature maps, and which leave their fields alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from rfviz.conv.call_names import (
    FLATTENED,
    JOINS,
    MOVED,
    POINTWISE,
    QUESTIONS,
    RESIZED,
    STATISTICS,
    WINDOWS,
)
from rfviz.conv.errors import InputError
from rfviz.conv.followed import Call, Followed, Plan, keeping, widened
from rfviz.conv.geometry import AxisField
from rfviz.conv.layers import Layer
from rfviz.conv.resizing import moved, resized
from rfviz.conv.stack import LayerGeometry, geometry_of, joined, layer_geometry


def words_of_call(func: Callable[..., Any]) -> str:
    """Return a call's name without the underscores of its in-place and operator forms.

    >>> words_of_call(torch.relu_), words_of_call(torch.Tensor.__iadd__)
    ('relu', 'add')
    """
    name: str = getattr(func, "__name__", type(func).__name__)
    bare = name.strip("_") if name != "__get__" else name
    for operator in ("add", "sub", "mul", "truediv", "pow"):
        if bare in {"i" + operator, "r" + operator}:
            return operator
    return bare.removesuffix("_with_indices")


def follow_call(call: Call, inputs: list[Followed]) -> Plan:
    """Return what to say of each result of a call; `InputError` for one that is not known."""
    first, name = inputs[0], call.name
    flat = [one for one in inputs if one.axes is None]
    if name in QUESTIONS:
        return lambda _: None
    if flat:
        return keeping(flat[0])
    if name in POINTWISE or name in JOINS:
        return _joining(call, inputs) if len(inputs) > 1 else keeping(first)
    if name in STATISTICS:
        note = f"{name} also takes statistics of the whole map, which the field leaves out"
        return keeping(replace(first, geometry=replace(first.geometry, note=note)))
    for known, names in (
        (_sliding, WINDOWS), (resized, RESIZED), (moved, MOVED), (_flattening, FLATTENED),
    ):  # fmt: skip
        if name in names:
            return known(call, first)
    raise call.refused(f"It calls {name}, which cannot be followed.")


def _joining(call: Call, inputs: list[Followed]) -> Plan:
    """Join branches; a gate of one pixel, as of squeeze and excitation, is spread over the map."""
    concatenates = call.name in {"cat", "concat", "concatenate"}
    dim = call.named("tensors", "dim").get("dim", 0) if concatenates else None
    axes = inputs[0].axes
    if dim is not None and axes is not None and dim % call.n_dims in axes:
        raise call.refused("It concatenates along rows or columns, which cannot be followed.")
    if any(one.axes != axes for one in inputs):
        raise call.refused(f"It calls {call.name} on maps whose rows and columns lie elsewhere.")
    full = [one for one in inputs if one.geometry.output_size != (1, 1)] or inputs
    gates = [one.geometry for one in inputs if one not in full]
    ends = [one.geometry for one in full]
    name = "cat" if concatenates else call.name
    size = ends[0].output_size
    result = joined(ends + [geometry_of("", size, _spread(gate)) for gate in gates], name)
    if gates:
        aligned = all(end.aligned for end in [*ends, *gates])
        note = "a gate of one pixel spreads its field over the whole map"
        result = replace(result, aligned=aligned, note=note)
    entry = "call" if len({id(one) for one in inputs}) > 1 else ""
    return lambda _: Followed(result, axes, entry)


def _spread(gate: LayerGeometry) -> tuple[AxisField, AxisField]:
    """Every unit of a map that is multiplied by one pixel reads what that pixel reads."""
    rows, columns = (
        tuple(track._replace(period=1, shift=0, bounds=track.bounds[:1]) for track in axis)
        for axis in gate.fields
    )
    return rows, columns


def _sliding(call: Call, first: Followed) -> Plan:
    kind, order = WINDOWS[call.name]
    given = call.named(*order)
    if given.get("weight") is not None:
        given["kernel_size"] = tuple(given["weight"].shape[-2:])
        _check_channels(call, given)
    fields = ("kernel_size", "stride", "padding", "dilation", "output_padding", "ceil_mode")
    known = {field: _single(given[field]) for field in fields if given.get(field) is not None}
    # An empty stride is how torch spells "as the kernel".
    layer = Layer(kind, **{field: value for field, value in known.items() if value != ()})
    geometry = layer_geometry(layer, first.geometry)
    if kind == "Unfold":
        note = "unfold lays its columns out; later steps count as reading all of them"
        # What follows unfold has neither rows nor columns.
        return lambda _: Followed(replace(geometry, note=note), None, "layer")
    return lambda _: Followed(geometry, first.axes, "layer")


def _check_channels(call: Call, given: dict[str, Any]) -> None:
    """Compare the channels with the weight's, in words; torch says less on the meta device."""
    weight, groups = given["weight"], given.get("groups", 1)
    expected = weight.shape[0] if call.name == "conv_transpose2d" else weight.shape[1] * groups
    channels = given["input"].shape[-3] if call.n_dims > 2 else 0
    if channels != expected:
        raise InputError(
            f"Its weight expects {expected} channels, but the map has {channels}.",
            remedy=f"Set its in_channels to {channels}, or give a picture that has {expected}",
        )


def _single(value: object) -> object:
    """Torch passes one number as a tuple of one, and lists where a person writes tuples."""
    if isinstance(value, list | tuple):
        return value[0] if len(value) == 1 else tuple(value)
    return value


def _flattening(call: Call, first: Followed) -> Plan:
    """A reshape that keeps rows and columns as they are moves nothing; any other flattens."""
    flat = widened(call, first, None, call.name)
    size = first.geometry.output_size

    def plan(tensor: torch.Tensor) -> Followed | None:
        kept = call.name in {"view", "reshape"} and tensor.ndim >= 4
        if kept and tuple(tensor.shape[-2:]) == size:
            return Followed(first.geometry, (tensor.ndim - 2, tensor.ndim - 1))
        return flat(tensor)

    return plan
