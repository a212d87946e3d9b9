"""Operators that compute each output from all along some dimensions: sums, softmax, products."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from rfviz.conv.trace.call_names import SORTS
from rfviz.conv.trace.calls import Call, default_of, everything, result, word_of_call
from rfviz.conv.trace.followed import Followed, Standing
from rfviz.conv.trace.hulls import narrowed, nothing, over, union


def reducing(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow sums, means and norms over dimensions, kept with length 1 or taken away."""
    known = call.inputs[0]
    dims = _dims(call, known)
    kept = bool(call.given.get("keepdim", False))
    rows, columns = (_reduced(hull, dims, kept) for hull in known.hulls)
    axes = [_axis_after(axis, dims, kept) for axis in known.axes]
    tracks = [None if known.axes[a] in dims else known.tracks[a] for a in (0, 1)]
    found = []
    for output in outputs:
        one = result(call, output, (rows, columns), (axes[0], axes[1]), (tracks[0], tracks[1]))
        found.append(_said(call, known, one))
    return found


def along(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow softmax, sorting and transforms, whose outputs read all along a dimension."""
    known = call.inputs[0]
    found = [_mixed(call, known, output, _dims(call, known)) for output in outputs]
    if call.name not in SORTS:
        return found
    why = f"{word_of_call(call.name)} puts elements where their numbers say"
    return [replace(one, standing=Standing("depends on data", why)) for one in found]


def cumulative(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow cumulative sums, whose outputs read all that comes before them."""
    known = call.inputs[0]
    dim = int(call.given["dim"]) % max(known.n_dims, 1)
    rows, columns = (narrowed(hull.cummin(dim + 1).values) for hull in known.hulls)
    tracks = [None if known.axes[a] == dim else known.tracks[a] for a in (0, 1)]
    pair = (tracks[0], tracks[1])
    return [result(call, each, (rows, columns), known.axes, pair) for each in outputs]


def normalizing(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow normalisation by the map's own statistics; layer normalisation over its last ones."""
    known = call.of("input") or call.inputs[0]
    n = known.n_dims
    if call.name == "native_batch_norm" and not _trains(call):
        dims: list[int] = []
    elif call.name in {"native_layer_norm", "_fused_rms_norm", "rms_norm"}:
        dims = list(range(n - len(call.given["normalized_shape"]), n))
    elif call.name == "native_group_norm":
        dims = list(range(1, n))
    else:
        dims = [dim for dim in range(n) if dim != 1]
    one = _mixed(call, known, outputs[0], dims)
    if one.entry:
        one = replace(one, note=f"{one.note}: its statistics are read by every unit")
    return [one, *everything(call, outputs[1:])]


def multiplying(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow products of matrices: the rows of one by the columns of the other."""
    left_name, right_name = _factors(call)
    left, right = call.of(left_name), call.of(right_name)
    added = [one for name in ("self", "input", "bias") if (one := call.of(name)) is not None]
    added = [one for one in added if one is not left and one is not right]
    output = outputs[0]
    hulls = [
        union(
            [
                *([_contracted(left.hulls[axis], -1)] if left else []),
                *([_contracted(right.hulls[axis], -2)] if right else []),
                *(one.hulls[axis] for one in added),
            ]
            or [nothing(output.ndim)],
            output.ndim,
        )
        for axis in (0, 1)
    ]
    main = left or right
    if main is None:
        main = added[0]
    contracted = main.n_dims - 1 if main is left else max(main.n_dims - 2, 0)
    axes = [None if main.axes[a] in {contracted, None} else main.axes[a] for a in (0, 1)]
    alone = len(call.inputs) == 1
    tracks = [main.tracks[a] if alone and axes[a] is not None else None for a in (0, 1)]
    one = result(call, output, (hulls[0], hulls[1]), (axes[0], axes[1]), (tracks[0], tracks[1]))
    return [_said(call, main, one.labelled())]


def attending(call: Call, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Follow attention in one operator: each query with all keys and values."""
    output = outputs[0]
    hulls = []
    for axis in (0, 1):
        parts = [one.hulls[axis] for name in ("query",) if (one := call.of(name))]
        parts += [
            over(one.hulls[axis], [-2, -1]) for name in ("key", "value") if (one := call.of(name))
        ]
        hulls.append(union([over(part, [-1]) for part in parts], output.ndim))
    one = result(call, output, (hulls[0], hulls[1]), (None, None), (None, None)).labelled()
    return [_said(call, call.inputs[0], one), *everything(call, outputs[1:])]


def _mixed(call: Call, known: Followed, output: torch.Tensor, dims: Sequence[int]) -> Followed:
    rows, columns = (over(hull, dims) for hull in known.hulls)
    tracks = [None if known.axes[a] in dims else known.tracks[a] for a in (0, 1)]
    one = result(call, output, (rows, columns), known.axes, (tracks[0], tracks[1]))
    return _said(call, known, one)


def _said(call: Call, before: Followed, after: Followed) -> Followed:
    """Give a row to a step that makes every unit read the whole of what is left to read."""
    varied = [any(n > 1 for n in hull.shape[1:]) for hull in before.hulls]
    varies = [any(n > 1 for n in hull.shape[1:]) for hull in after.hulls]
    if varied == varies:
        return after
    axes = " and ".join(
        word
        for word, was, is_ in zip(("rows", "columns"), varied, varies, strict=True)
        if was and not is_
    )
    return replace(after, entry="layer", note=f"{word_of_call(call.name)} over all {axes}")


def _dims(call: Call, known: Followed) -> list[int]:
    given: Any = call.given.get("dim", default_of(call.func, "dim"))
    if given is None or given == []:
        return list(range(known.n_dims))
    several = given if isinstance(given, list | tuple) else [given]
    return [int(dim) % max(known.n_dims, 1) for dim in several]


def _reduced(hull: torch.Tensor, dims: Sequence[int], kept: bool) -> torch.Tensor:
    united = over(hull, dims)
    if kept:
        return united
    left = [n for d, n in enumerate(united.shape[1:]) if d not in dims]
    return united.reshape(2, *left)


def _axis_after(axis: int | None, dims: Sequence[int], kept: bool) -> int | None:
    if axis is None or kept:
        return axis
    return None if axis in dims else axis - sum(dim < axis for dim in dims)


def _trains(call: Call) -> bool:
    return bool(call.given.get("training", False))


def _factors(call: Call) -> tuple[str, str]:
    given = call.given
    for left, right in (("mat1", "mat2"), ("batch1", "batch2"), ("mat", "vec"), ("self", "mat2")):
        if left in given and right in given:
            return left, right
    for right in ("vec", "tensor", "weight", "other"):
        if right in given:
            return ("self" if "self" in given else "input"), right
    return "self", "mat2"


def _contracted(hull: torch.Tensor, dim: int) -> torch.Tensor:
    """Unite over the dimension that a product sums; a vector has only one."""
    if hull.ndim == 2:
        return over(hull, [0])
    return over(hull, [dim])
