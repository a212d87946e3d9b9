"""Weights that a file holds in parts: what torch computes of them, or what is missing.

A wrapper such as weight normalisation stores other tensors than the weight, under names of its own.
Sources: torch.nn.utils.weight_norm, spectral_norm, prune and parametrizations; LoRA, Hu et al.,
arXiv:2106.09685. All as in evaluation mode.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial, reduce
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from rfviz.conv.errors import InputError

Compute = Callable[[], Tensor]
_PARAMETRIZED = re.compile(r"(?:(.*)\.)?parametrizations\.([^.]+)\.(.+)", re.DOTALL)
# Names of tensors that may be parts again; the others are computed when they are asked for.
_INNER = re.compile(r"_(?:g|v|u|orig)$|parametrizations\.|lora")
_MOST_ROUNDS = 4
# Types of few bits, in which little can be computed.
_WIDE = MappingProxyType(
    dict.fromkeys(
        (torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
         torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu),
        torch.float32,
    )
)  # fmt: skip
_LORA = re.compile(
    r"(?:(.*?)[._])?(lora[_.](?:A|B|down|up|mid|embedding_A|embedding_B|magnitude_vector))(?:\..*)?",
    re.DOTALL,
)


class Composed(NamedTuple):
    """A tensor that is not in the file as it is used: its parts, and how it follows from them.

    `missing` says what the file lacks, and is empty where `compute` gives the tensor.
    """

    name: str
    parts: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: torch.dtype
    how: str
    missing: str = ""
    compute: Compute | None = None


class Parts(NamedTuple):
    """The tensors of a file as the network uses them, in order, and those that are parts only."""

    composed: dict[str, Composed]
    part_of: dict[str, str]


def composed_of(tensors: Mapping[str, Tensor]) -> Parts:
    """Find the tensors of {name: tensor} that are parts of others.

    A part may follow from parts itself, as a pruned direction of weight normalisation does.

    >>> g, v = torch.ones(2, 1, 1, 1), torch.full((2, 1, 2, 2), 3.0)
    >>> found = composed_of({"conv.weight_g": g, "conv.weight_v": v})
    >>> found.composed["conv.weight"].compute()[0]
    tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]])
    """
    known = dict(tensors)
    composed: dict[str, Composed] = {}
    part_of: dict[str, str] = {}
    for _ in range(_MOST_ROUNDS):
        new = [one for one in _found(known, part_of) if one.name not in composed]
        # What looks incomplete may wait for a part that is composed itself.
        fresh = [one for one in new if not one.missing] or new
        for one in fresh:
            composed[one.name] = one
            part_of.update({part: one.name for part in one.parts if part != one.name})
            if one.compute is not None and _INNER.search(one.name):
                known[one.name] = one.compute()
        if not fresh:
            break
    outer = {name: one for name, one in composed.items() if name not in part_of}
    return Parts({name: _whole(one, composed) for name, one in outer.items()}, part_of)


def _whole(one: Composed, composed: Mapping[str, Composed]) -> Composed:
    """The same with the parts of its parts."""
    parts: list[str] = []
    for part in one.parts:
        inner = composed.get(part)
        parts += inner.parts if inner is not None and part != one.name else (part,)
    return one._replace(parts=tuple(dict.fromkeys(parts)))


def _found(known: Mapping[str, Tensor], part_of: Mapping[str, str]) -> Iterator[Composed]:
    free = {name: tensor for name, tensor in known.items() if name not in part_of}
    yield from _pruned(free)
    yield from _parametrized(free)
    yield from _wrapped(free)
    yield from _low_rank(free)
    yield from _scaled(free)


def _pruned(known: Mapping[str, Tensor]) -> Iterator[Composed]:
    """torch.nn.utils.prune: `weight_orig` and `weight_mask`."""
    for name, mask in known.items():
        base = name.removesuffix("_mask")
        whole = known.get(f"{base}_orig")
        if base == name:
            continue
        if whole is None:
            # Other modules have masks too; this one would look like a kernel.
            if base.endswith("weight"):
                lacks = f"'{base}_orig' is missing beside '{name}', which is a mask"
                yield _lacking(name if base in known else base, (name,), mask, lacks)
        elif whole.shape != mask.shape:
            parts = (f"{base}_orig", name)
            yield _lacking(base, parts, whole, _unfit(parts, whole, mask))
        else:
            yield _made(
                base, (f"{base}_orig", name), whole, "pruned: the original times its mask",
                partial(_masked, whole, mask),
            )  # fmt: skip


def _masked(whole: Tensor, mask: Tensor) -> Tensor:
    return whole * mask.to(whole.dtype)


def _wrapped(known: Mapping[str, Tensor]) -> Iterator[Composed]:
    """The older weight_norm and spectral_norm, by the endings of their tensors' names."""
    for name, tensor in known.items():
        base = name[:-2]
        if name.endswith("_v") and f"{base}_g" in known:
            yield from _normed(base, (f"{base}_g", name), known[f"{base}_g"], tensor)
        elif name.endswith("_orig"):
            yield from _old_spectral(name.removesuffix("_orig"), known, tensor)
        elif name.endswith(("weight_v", "weight_g")):
            other = base + ("_g" if name.endswith("_v") else "_v")
            if not {other, f"{base}_orig", f"{base}_u"} & known.keys():
                yield _lacking(base, (name,), tensor, f"'{other}' is missing beside '{name}'")


def _normed(base: str, parts: tuple[str, ...], g: Tensor, v: Tensor) -> Iterator[Composed]:
    """Weight normalisation: v g / |v|, the norm over all axes but g's own."""
    if not _is_magnitude(g, v):
        if base.endswith("weight"):
            yield _lacking(base, parts, v, _unfit(parts, g, v))
        return
    axes = tuple(axis for axis in range(v.dim()) if g.dim() == 0 or g.shape[axis] == 1)

    def compute() -> Tensor:
        wide = _wide(v)
        size: Tensor = torch.linalg.vector_norm(wide, dim=axes, keepdim=True)
        return (wide * (_wide(g) / size)).to(v.dtype)

    yield _made(base, parts, v, "weight normalisation: the direction v times g / |v|", compute)


def _is_magnitude(g: Tensor, v: Tensor) -> bool:
    if not (g.is_floating_point() and v.is_floating_point() and v.dim()):
        return False
    if g.dim() == 0:
        return True
    kept = [axis for axis, size in enumerate(g.shape) if size != 1]
    return g.dim() == v.dim() and len(kept) <= 1 and all(g.shape[a] == v.shape[a] for a in kept)


def _old_spectral(base: str, known: Mapping[str, Tensor], whole: Tensor) -> Iterator[Composed]:
    u, v = known.get(f"{base}_u"), known.get(f"{base}_v")
    parts = tuple(
        name for name in (f"{base}_orig", f"{base}_u", f"{base}_v") if known.get(name) is not None
    )
    used = known.get(base)
    if u is not None and v is not None:
        yield from _spectral(base, parts, whole, u, v)
    elif u is not None and used is not None and used.shape == whole.shape:
        # Before version 1 of its format `v` was not stored, but the weight as it was computed.
        yield _made(
            base, (base, *parts), used, "spectral normalisation: the weight as the file has it "
            "beside the original", used.clone,
        )  # fmt: skip
    elif base not in known and f"{base}_mask" not in known:
        lacks = f"'{base}_v'" if u is not None else f"'{base}_mask' or '{base}_u' and '{base}_v'"
        yield _lacking(base, parts, whole, f"{lacks} missing beside '{base}_orig'")


def _spectral(
    base: str, parts: tuple[str, ...], whole: Tensor, u: Tensor, v: Tensor
) -> Iterator[Composed]:
    """Spectral normalisation: the weight over u W v, as the last training step left u and v."""
    axes = [
        axis for axis in range(whole.dim())
        if (whole.shape[axis], whole.numel()) == (u.numel(), u.numel() * v.numel())
    ] if u.numel() else []  # fmt: skip
    if not axes or not whole.is_floating_point():
        yield _lacking(base, parts, whole, _unfit(parts, u, v, whole))
        return

    def compute() -> Tensor:
        matrix, at, along = _of_one_type(whole, u.flatten(), v.flatten())

        def aligned(axis: int) -> Tensor:
            return matrix.movedim(axis, 0).flatten(1) @ along

        # Where two axes fit, u is parallel to W v along the one that was normalised.
        best = max(axes, key=lambda axis: _cosine(at, aligned(axis))) if axes[1:] else axes[0]
        return (matrix / torch.dot(at, aligned(best))).to(whole.dtype)

    yield _made(
        base, parts, whole, "spectral normalisation: the original over its largest singular value "
        "as u and v in the file have it", compute,
    )  # fmt: skip


def _cosine(u: Tensor, other: Tensor) -> float:
    size = float(torch.linalg.vector_norm(other) * torch.linalg.vector_norm(u))
    return abs(float(torch.dot(u, other))) / size if size else 0.0


def _parametrized(known: Mapping[str, Tensor]) -> Iterator[Composed]:
    """torch.nn.utils.parametrize: `parametrizations.weight.original` and what stands beside it."""
    groups: dict[str, dict[str, str]] = {}
    for name in known:
        if match := _PARAMETRIZED.fullmatch(name):
            prefix, target, rest = match.groups()
            base = target if prefix is None else f"{prefix}.{target}"
            groups.setdefault(base, {})[rest] = name
    for base, parts in groups.items():
        # A composed tensor stands in for its own parts: `original` of `original_orig`.
        originals = sorted(rest for rest in parts if re.fullmatch(r"original\d*", rest))
        if originals:
            yield from _one_parametrized(base, parts, originals, known)


def _one_parametrized(
    base: str, parts: dict[str, str], originals: list[str], known: Mapping[str, Tensor]
) -> Iterator[Composed]:
    names = tuple(parts.values())
    shown = known[parts[originals[-1]]]
    kinds = parts.keys()
    if kinds == {"original0", "original1"} and _is_magnitude(known[parts["original0"]], shown):
        ordered = (parts["original0"], parts["original1"])
        yield from _normed(base, ordered, known[ordered[0]], shown)
        return
    if kinds == {"original", "0._u", "0._v"}:
        stored = tuple(parts[rest] for rest in ("original", "0._u", "0._v"))
        yield from _spectral(base, stored, *(known[name] for name in stored))
        return
    if kinds == {"original", "0.base"}:
        lacks = "it is orthogonal, and by which map (matrix_exp, cayley or householder) is missing"
    else:
        lacks = f"the code of its parametrization is missing; {len(names)} of its parts are here"
    yield _lacking(base, names, shown, f"{lacks}. Save the layer after remove_parametrizations")


def _low_rank(known: Mapping[str, Tensor]) -> Iterator[Composed]:
    """LoRA: a weight and its update of low rank, whose scale is alpha / rank."""
    groups: dict[str, dict[str, str]] = {}
    for name in known:
        if match := _LORA.fullmatch(name):
            groups.setdefault(match[1] or "", {})[match[2].replace(".", "_")] = name
    for prefix, parts in groups.items():
        yield _updated(prefix, parts, known)


def _updated(prefix: str, parts: dict[str, str], known: Mapping[str, Tensor]) -> Composed:
    dotted = f"{prefix}." if prefix else ""
    base = next(
        (dotted + name for name in ("base_layer.weight", "conv.weight", "weight")
         if dotted + name in known),
        None,
    )  # fmt: skip
    alpha = next((name for name in (f"{dotted}alpha", f"{dotted}lora_alpha") if name in known), "")
    names = tuple(parts.values()) + ((alpha,) if alpha else ())
    down = known.get(parts.get("lora_A", parts.get("lora_down", "")))
    up = known.get(parts.get("lora_B", parts.get("lora_up", "")))
    if base is None:
        first = known[names[0]]
        return _lacking(f"{dotted}weight", names, first, "its base weight is missing; the file "
                        "holds the update of low rank (LoRA) alone")  # fmt: skip
    whole = known[base]
    names = (base, *names)
    if down is None or up is None or len(parts) > 2:
        lacks = "it has an update (LoRA) of which parts are missing or not plain"
        return _lacking(base, names, whole, f"{lacks}. Merge it before you save")
    delta = _delta(down, up, whole)
    if delta is None:
        return _lacking(base, names, whole, _unfit(names, down, up, whole))
    if not all(bool(_wide(part).any()) for part in (down, up)):
        return _made(base, names, whole, "its update of low rank (LoRA) is zero", lambda: whole)
    if not alpha or known[alpha].numel() != 1:
        lacks = "the scale of its update of low rank (LoRA), alpha / rank, is missing"
        return _lacking(base, names, whole, f"{lacks}. Merge it before you save")
    scale = float(known[alpha]) / down.shape[0]
    how = f"with its update of low rank (LoRA), scaled by alpha / rank, {scale:g}"
    return _made(
        base, names, whole, how,
        lambda: (_wide(whole) + scale * delta()).to(whole.dtype),
    )  # fmt: skip


def _delta(down: Tensor, up: Tensor, whole: Tensor) -> Compute | None:
    if down.dim() < 2 or up.dim() < 2 or up.flatten(1).shape[1] != down.shape[0]:
        return None
    if up.shape[0] * down[0].numel() != whole.numel():
        return None

    def compute() -> Tensor:
        rows, columns = _of_one_type(up.flatten(1), down.flatten(1))
        return (rows @ columns).reshape(whole.shape)

    return compute


def _scaled(known: Mapping[str, Tensor]) -> Iterator[Composed]:
    """Quantised numbers with a scale, and perhaps a zero point, of their own."""
    for name, tensor in known.items():
        if tensor.dim() < 2 or not _is_coded(tensor):
            continue
        stem = name.removesuffix("weight")
        scale = _beside(known, name, stem, ("scale", "scales"))
        if scale is None:
            continue
        zero = _beside(known, name, stem, ("zero_point", "zero_points", "zero"))
        parts = (name, scale) + ((zero,) if zero else ())
        scales = _along(known[scale], tensor)
        zeros = _along(known[zero], tensor) if zero else torch.zeros(())
        if scales is None or zeros is None:
            yield _lacking(name, parts, tensor, _unfit(parts, *(known[part] for part in parts)))
            continue
        yield Composed(
            name, parts, tuple(tensor.shape), torch.float32,
            f"quantised: {'(number - zero point)' if zero else 'number'} times '{scale}'", "",
            partial(_decoded, tensor, scales, zeros),
        )  # fmt: skip


def _decoded(codes: Tensor, scales: Tensor, zeros: Tensor) -> Tensor:
    return (codes.float() - zeros.float()) * scales.float()


def _is_coded(tensor: Tensor) -> bool:
    return tensor.dtype in {torch.int8, torch.uint8, torch.int16, torch.int32} or (
        tensor.is_floating_point() and tensor.element_size() == 1
    )


def _beside(known: Mapping[str, Tensor], name: str, stem: str, ends: tuple[str, ...]) -> str | None:
    """The weight's own tensor of that ending, or the layer's."""
    names = [f"{name}{mark}{end}" for end in ends for mark in ("_", ".")]
    names += [f"{stem}{end}" for end in ends] if stem != name else []
    return next((each for each in names if each in known), None)


def _along(factor: Tensor, tensor: Tensor) -> Tensor | None:
    """A factor as one that broadcasts: one number, or one for each index of an axis."""
    if factor.numel() == 1:
        return factor.reshape(())
    if factor.dim() == tensor.dim():
        fits = all(a in {1, b} for a, b in zip(factor.shape, tensor.shape, strict=True))
        return factor if fits else None
    for axis in (0, tensor.dim() - 1):
        if factor.dim() == 1 and factor.shape[0] == tensor.shape[axis]:
            return factor.reshape([-1 if a == axis else 1 for a in range(tensor.dim())])
    return None


def _made(name: str, parts: tuple[str, ...], like: Tensor, how: str, compute: Compute) -> Composed:
    computed = partial(_computed, name, compute)
    return Composed(name, parts, tuple(like.shape), like.dtype, how, "", computed)


def _computed(name: str, compute: Compute) -> Tensor:
    try:
        return compute()
    except RuntimeError as error:
        # For example of types that torch computes nothing with.
        why = str(error).partition("\n")[0][:200]
        raise InputError(
            f"'{name}' cannot be computed of its parts in the file: {why.rstrip('.')}.",
            remedy="Save the weight as the layer uses it, in float32",
        ) from error


def _lacking(name: str, parts: tuple[str, ...], like: Tensor, missing: str) -> Composed:
    return Composed(name, parts, tuple(like.shape), like.dtype, "", missing)


def _unfit(parts: tuple[str, ...], *tensors: Tensor) -> str:
    shapes = " and ".join(str(tuple(tensor.shape)) for tensor in tensors)
    return f"the shapes {shapes} of its parts {', '.join(parts)} do not fit each other"


def _of_one_type(*tensors: Tensor) -> list[Tensor]:
    """The tensors in the type that holds all of theirs; a file may mix them."""
    wide = [_wide(tensor) for tensor in tensors]
    dtype = reduce(torch.promote_types, [tensor.dtype for tensor in wide])
    return [tensor.to(dtype) for tensor in wide]


def _wide(tensor: Tensor) -> Tensor:
    return tensor.to(_WIDE.get(tensor.dtype, tensor.dtype))
