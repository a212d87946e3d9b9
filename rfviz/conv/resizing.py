"""Calls of torch that resize feature maps, and those that move or mix their dimensions."""

from fractions import Fraction
from typing import Any

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.followed import Call, Followed, Plan, keeping, widened
from rfviz.conv.geometry import AxisMap, adaptive_map, resize_map, sliding_map
from rfviz.conv.parameters import Pair
from rfviz.conv.stack import through

WANDERING = frozenset({"permute", "transpose", "movedim", "moveaxis"})
SLICING = frozenset({"getitem", "select", "squeeze", "unsqueeze", "unbind", "norm", "mean", "sum",
                     "amax", "max", "std", "var"})  # fmt: skip
UNMIXED = frozenset({"getitem", "squeeze", "unsqueeze", "expand", "repeat", "view_as"})
OVER_ALL = frozenset({"mean", "sum", "amax", "max", "std", "var", "norm"})


def resized(call: Call, first: Followed) -> Plan:
    """Follow adaptive pooling, interpolation, padding and pixel shuffle."""

    def plan(tensor: torch.Tensor) -> Followed | None:
        before = first.geometry.output_size
        size = (tensor.shape[-2], tensor.shape[-1])
        if call.name.startswith("adaptive") and size == (1, 1):
            return widened(call, first, first.axes, "global pooling")(tensor)
        rows, columns = (_axis_map(call, before[axis], size[axis], axis) for axis in (0, 1))
        return Followed(through(first.geometry, "", size, (rows, columns)), first.axes, "layer")

    return plan


def moved(call: Call, first: Followed) -> Plan:
    """Follow where the rows and columns went; a step that mixes them widens the field."""
    assert first.axes is not None
    n_dims = call.n_dims
    if call.name in WANDERING:
        axes = _wandered(call, n_dims, first.axes)
        return lambda _: Followed(first.geometry, axes)
    mixed = _mixed(call, n_dims)
    if any(axis % n_dims in mixed for axis in first.axes):
        return widened(call, first, None, f"{call.name} over rows and columns")
    if call.name not in SLICING or call.kwargs.get("keepdim"):
        return keeping(first)
    return _sliced(call, first, n_dims)


def _axis_map(call: Call, n_in: int, n_out: int, axis: int) -> AxisMap:
    if call.name == "pad":
        pads = [*call.named("input", "pad")["pad"], 0, 0, 0, 0]
        return sliding_map(1, 1, pads[2] if axis == 0 else pads[0], 1)
    if call.name == "pixel_unshuffle":
        return sliding_map(n_in // n_out, n_in // n_out, 0, 1)
    if call.name.startswith("adaptive"):
        return adaptive_map(n_in, n_out)
    options = call.named("input", "size", "scale_factor", "mode", "align_corners")
    mode = "nearest" if call.name == "pixel_shuffle" else options.get("mode") or "nearest"
    if options.get("antialias"):
        raise InputError("A resize with antialias cannot be followed.", remedy="Leave it out")
    return (
        adaptive_map(n_in, n_out) if mode == "area" else _interpolated(mode, n_in, n_out, options)
    )


def _interpolated(mode: str, n_in: int, n_out: int, options: dict[str, Any]) -> AxisMap:
    """Return the map of torch's interpolation, by the exact ratio of the sizes."""
    scale = Fraction(n_in, n_out)
    if mode == "nearest":
        return resize_map(scale, Fraction(0), (0, 0))
    if mode == "nearest-exact":
        return resize_map(scale, scale / 2, (0, 0))
    taps = (-1, 2) if mode == "bicubic" else (0, 1)
    if options.get("align_corners"):
        return resize_map(Fraction(n_in - 1, max(n_out - 1, 1)), Fraction(0), taps)
    return resize_map(scale, (scale - 1) / 2, taps)


def _wandered(call: Call, n_dims: int, axes: Pair) -> Pair:
    """The same move of a shape of distinct lengths says where each dimension went."""
    shape = torch.empty(tuple(range(2, n_dims + 2)), device="meta")
    lengths = list(getattr(torch.Tensor, call.name)(shape, *call.args[1:], **call.kwargs).shape)
    return (lengths.index(axes[0] % n_dims + 2), lengths.index(axes[1] % n_dims + 2))


def _mixed(call: Call, n_dims: int) -> set[int]:
    """Dimensions that a step mixes or cuts."""
    if call.name == "linear":
        return {n_dims - 1}
    if call.name in UNMIXED:
        return set()
    second = {"chunk", "split", "norm", "normalize"}
    order = ("input", "other", "dim") if call.name in second else ("input", "dim")
    dims = call.named(*order).get("dim")
    if dims is None:
        return set(range(n_dims)) if call.name in OVER_ALL else {0}
    several = dims if isinstance(dims, tuple | list) else (dims,)
    return {int(dim) % n_dims for dim in several}


def _sliced(call: Call, first: Followed, n_dims: int) -> Plan:
    """Take a slice of batch or channels; one that cuts rows or columns is not placed."""
    size = first.geometry.output_size
    if call.name == "squeeze" and size == (1, 1):
        return lambda _: Followed(first.geometry, None)

    def plan(tensor: torch.Tensor) -> Followed:
        if tuple(tensor.shape[-2:]) != size or first.axes != (n_dims - 2, n_dims - 1):
            raise call.refused(f"It calls {call.name} on rows or columns, which is not followed.")
        return Followed(first.geometry, (tensor.ndim - 2, tensor.ndim - 1))

    return plan
