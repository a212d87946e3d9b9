"""Which calls of torch move, widen or join receptive fields, and which leave them as they are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
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
from rfviz.conv.geometry import AxisMap, adaptive_map, resize_map, sliding_map, whole_axis
from rfviz.conv.layers import Layer
from rfviz.conv.parameters import Pair
from rfviz.conv.stack import LayerGeometry, geometry_of, joined, layer_geometry, through

Lookup = Callable[[object], "Followed | None"]
Plan = Callable[[torch.Tensor], "Followed | None"]


@dataclass(frozen=True)
class Followed:
    """What the units of a tensor read; which of its dimensions are rows and columns.

    `axes` is None where no dimension is spatial any more: every element reads the whole picture.
    `entry` is "layer" or "call" where the step deserves a row of its own.
    """

    geometry: LayerGeometry
    axes: Pair | None
    entry: str = ""


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


def follow_call(
    name: str,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    inputs: list[Followed],
    lookup: Lookup,
    picture: LayerGeometry,
) -> Plan:
    """Return what to say of each result of a call, or raise `InputError` for an unknown one."""
    first = inputs[0]
    if name in QUESTIONS:
        return lambda _: None
    if first.axes is None or any(one.axes is None for one in inputs):
        return lambda _: replace(next(one for one in inputs if one.axes is None), entry="")
    if len(inputs) > 1 and name in JOINS:
        return _join(name, args, kwargs, inputs)
    if name in POINTWISE or name in JOINS:
        return lambda _: replace(first, entry="")
    if name in STATISTICS:
        note = f"{name} also takes statistics of the whole map, which the field leaves out"
        return lambda _: replace(first, geometry=replace(first.geometry, note=note), entry="")
    if name in WINDOWS and len(inputs) == 1:
        return _window(name, args, kwargs, first)
    for known, step in ((_resized, RESIZED), (_moved, MOVED), (_flattened, FLATTENED)):
        if name in step:
            return known(name, args, kwargs, first, picture)
    raise InputError(
        f"It calls {name}, which cannot be followed.",
        remedy="Trace the part of the module before it",
    )


def _join(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], inputs: list[Followed]) -> Plan:
    """Join branches; a gate of one pixel, as of squeeze and excitation, is spread over the map."""
    dim = int(kwargs.get("dim", args[1] if len(args) > 1 and isinstance(args[1], int) else 0))
    axes = inputs[0].axes
    if name.startswith("con") or name == "cat":
        n_dims = max(t.ndim for t in (args[0] if args else kwargs["tensors"]))
        if axes is not None and dim % n_dims in axes:
            raise InputError(
                "It concatenates along rows or columns, which cannot be followed.",
                remedy="Trace the part of the module before it",
            )

    def plan(tensor: torch.Tensor) -> Followed:
        full = [one for one in inputs if one.geometry.output_size != (1, 1)] or inputs
        gates = [one for one in inputs if one not in full]
        fields = [*(one.geometry for one in full)]
        if axes is not None and gates and tensor.ndim == 4:
            size = fields[0].output_size
            fields += [geometry_of("", size, _spread(gate.geometry)) for gate in gates]
        result = joined(fields, "cat" if name.startswith("con") else name)
        if gates:
            result = replace(
                result,
                aligned=all(g.aligned for g in fields),
                note="a gate of one pixel spreads its field over the whole map",
            )
        return Followed(result, axes, "" if len({id(one) for one in inputs}) == 1 else "call")

    return plan


def _spread(gate: LayerGeometry) -> Any:
    """Every unit of a map that is multiplied by one pixel reads what that pixel reads."""
    return tuple(
        tuple(track._replace(period=1, shift=0, bounds=track.bounds[:1]) for track in axis)
        for axis in gate.fields
    )


def _window(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], first: Followed) -> Plan:
    kind, order = WINDOWS[name]
    given = {**dict(zip(order, args, strict=False)), **kwargs}
    weight = given.get("weight")
    if weight is not None:
        given["kernel_size"] = tuple(weight.shape[-2:])
    fields = ("kernel_size", "stride", "padding", "dilation", "output_padding", "ceil_mode")
    known = {field: given[field] for field in fields if given.get(field) is not None}
    known = {field: _single(value) for field, value in known.items() if _single(value) != ()}
    layer = Layer(kind, **known)
    geometry = layer_geometry(layer, first.geometry)
    axes = first.axes if kind != "Unfold" else None
    if axes is None:
        geometry = replace(geometry, note="unfold lays its columns out; later steps are not placed")
    return lambda tensor: Followed(geometry, axes if tensor.ndim > 2 else None, "layer")


def _single(value: object) -> object:
    """Torch passes one number as a tuple of one, and lists where a person writes tuples."""
    if isinstance(value, list | tuple):
        return value[0] if len(value) == 1 else tuple(value)
    return value


def _whole(first: Followed, picture: LayerGeometry, axes: Pair | None, words: str) -> Plan:
    """Widen the field to the whole picture: one unit that reads all of the map."""
    rows, columns = picture.output_size

    def plan(tensor: torch.Tensor) -> Followed:
        size = (tensor.shape[axes[0]], tensor.shape[axes[1]]) if axes else (1, 1)
        fields = (whole_axis(rows), whole_axis(columns))
        return Followed(
            geometry_of("", size, fields, first.geometry.aligned, f"{words}: the whole picture"),
            axes,
            "layer",
        )

    return plan


def _resized(
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    first: Followed,
    picture: LayerGeometry,
) -> Plan:
    def plan(tensor: torch.Tensor) -> Followed:
        before = first.geometry.output_size
        size = (tensor.shape[-2], tensor.shape[-1])
        if name.startswith("adaptive") and size == (1, 1):
            found = _whole(first, picture, first.axes, "global pooling")(tensor)
            assert found is not None
            return found
        maps = tuple(_map(name, before[a], size[a], _options(args, kwargs), a) for a in (0, 1))
        geometry = through(first.geometry, "", size, (maps[0], maps[1]))
        return Followed(geometry, first.axes, "layer")

    return plan


def _options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    names = ("input", "size", "scale_factor", "mode", "align_corners")
    return {**dict(zip(names, args, strict=False)), **kwargs, "pads": args[1:2]}


def _map(name: str, n_in: int, n_out: int, options: dict[str, Any], axis: int) -> AxisMap:
    mode = options.get("mode") or "nearest"
    if name == "pad":
        pads = list(options.get("pad") or options["pads"][0]) + [0, 0, 0, 0]
        return sliding_map(1, 1, pads[2] if axis == 0 else pads[0], 1)
    if name.startswith("adaptive") or mode == "area":
        return adaptive_map(n_in, n_out)
    if options.get("antialias"):
        raise InputError("A resize with antialias cannot be followed.", remedy="Leave it out")
    if name == "pixel_unshuffle":
        return sliding_map(n_in // n_out, n_in // n_out, 0, 1)
    scale = Fraction(n_in, n_out)
    if name == "pixel_shuffle" or mode == "nearest":
        return resize_map(scale, Fraction(0), (0, 0))
    taps = (-1, 2) if mode == "bicubic" else (0, 1)
    if mode == "nearest-exact":
        return resize_map(scale, scale / 2, (0, 0))
    if options.get("align_corners"):
        return resize_map(Fraction(n_in - 1, max(n_out - 1, 1)), Fraction(0), taps)
    return resize_map(scale, (scale - 1) / 2, taps)


def _moved(
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    first: Followed,
    picture: LayerGeometry,
) -> Plan:
    """Follow where the rows and columns went; a step over them widens the field."""
    assert first.axes is not None
    n_dims = args[0].ndim if args and isinstance(args[0], torch.Tensor) else 4
    places = list(range(n_dims))
    axes = [axis % n_dims for axis in first.axes]
    if name in {"permute", "transpose", "movedim", "moveaxis"}:
        # The same move of a shape of distinct lengths says where each dimension went.
        shape = torch.empty(*(place + 2 for place in places), device="meta")
        with torch._C.DisableTorchFunction():
            moved = getattr(torch.Tensor, name)(shape, *args[1:], **kwargs)
        went = [length - 2 for length in moved.shape]
        rows, columns = (went.index(axis) for axis in axes)
        return lambda _: Followed(first.geometry, (rows, columns))
    dims = _dims(name, args, kwargs, n_dims)
    if any(axis in dims for axis in axes):
        return _whole(first, picture, None, f"{name} over rows and columns")
    if name in {
        "chunk",
        "split",
        "softmax",
        "log_softmax",
        "linear",
        "expand",
        "repeat",
        "normalize",
        "glu",
        "narrow",
        "view_as",
    } or kwargs.get("keepdim"):
        return lambda _: replace(first, entry="")
    return _sliced(name, args, first)


def _sliced(name: str, args: tuple[Any, ...], first: Followed) -> Plan:
    """Take a slice of batch or channels; one that cuts rows or columns is not placed."""
    assert first.axes is not None
    if name == "squeeze" and first.geometry.output_size == (1, 1):
        return lambda _: Followed(first.geometry, None)

    def plan(tensor: torch.Tensor) -> Followed:
        if tuple(tensor.shape[-2:]) != first.geometry.output_size or first.axes != (
            args[0].ndim - 2,
            args[0].ndim - 1,
        ):
            raise InputError(
                f"It calls {name} on rows or columns, which cannot be followed.",
                remedy="Trace the part of the module before it",
            )
        return Followed(first.geometry, (tensor.ndim - 2, tensor.ndim - 1))

    return plan


def _dims(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], n_dims: int) -> set[int]:
    """Dimensions that a step mixes or cuts."""
    if name == "linear":
        return {n_dims - 1}
    if name in {"getitem", "squeeze", "unsqueeze", "expand", "repeat", "view_as"}:
        return set()
    position = 2 if name in {"chunk", "split", "norm", "normalize"} else 1
    given = kwargs.get("dim", args[position] if len(args) > position else None)
    if given is None:
        over_all = {"mean", "sum", "amax", "max", "std", "var", "norm"}
        return set(range(n_dims)) if name in over_all else {0}
    several: Iterable[Any] = given if isinstance(given, tuple | list) else (given,)
    return {int(dim) % n_dims for dim in several}


def _flattened(
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    first: Followed,
    picture: LayerGeometry,
) -> Plan:
    """A reshape that keeps rows and columns as they are moves nothing; any other flattens."""
    del args, kwargs
    assert first.axes is not None
    flat = _whole(first, picture, None, name)

    def plan(tensor: torch.Tensor) -> Followed | None:
        size = first.geometry.output_size
        if name in {"view", "reshape"} and tensor.ndim >= 4 and tuple(tensor.shape[-2:]) == size:
            return Followed(first.geometry, (tensor.ndim - 2, tensor.ndim - 1))
        return flat(tensor)

    return plan
