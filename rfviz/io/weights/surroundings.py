"""What stands around a weight in its file: the normalisation after it, and whose names they are."""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

_NORMS = frozenset(
    {"running_mean", "running_var", "moving_mean", "moving_variance", "gamma", "weight"}
)
_NUMBERED = re.compile(r"(.*?)(\d{1,9})")
_CONV = re.compile(r"conv(\d*)")
_AVERAGES = frozenset({"ema", "model_ema", "ema_model", "averaged", "averaged_model", "module_ema"})


def norm_after(
    name: str, following: Iterable[str], used: Mapping[str, Tensor], bias: str | None
) -> int | None:
    """Channels of the normalisation that follows a weight in the same module, None without one.

    `following` are the names after it in the file.

    >>> import torch
    >>> used = {"0.weight": torch.zeros(8, 3, 3, 3), "1.running_mean": torch.zeros(8)}
    >>> norm_after("0.weight", ["1.running_mean"], used, None)
    8
    """
    parent, module, _ = _split(name)
    if match := _CONV.fullmatch(module):
        prefix = f"{parent}." if parent else ""
        for kind in ("bn", "norm"):
            named = used.get(f"{prefix}{kind}{match[1]}.weight")
            if named is not None and named.dim() == 1:
                return named.shape[0]
        return _listed_after(name, used)
    return _next_norm(name, following, used, bias) or _listed_after(name, used)


def families_of(used: Mapping[str, Tensor]) -> frozenset[str]:
    """The library whose names the tensors have, by what only one of them calls so.

    >>> families_of({"bn/moving_mean:0": None})
    frozenset({'TensorFlow'})
    """
    tails = {_split(name)[2].removesuffix(":0") for name in used}
    torch_s = tails & {"running_mean", "running_var", "num_batches_tracked"}
    keras_s = tails & {"moving_mean", "moving_variance", "depthwise_kernel", "pointwise_kernel"}
    if bool(torch_s) == bool(keras_s):
        return frozenset()
    return frozenset({"torch" if torch_s else "TensorFlow"})


def is_average(name: str) -> bool:
    """Whether a weight is by its name one of an averaged copy of the network.

    >>> is_average("model_ema.conv.weight"), is_average("schema.weight")
    (True, False)
    """
    return bool(_AVERAGES & set(re.split(r"[./]", name)[:-1])) or name.endswith("_ema")


def _split(name: str) -> tuple[str, str, str]:
    """Parent, module and parameter of a tensor's name."""
    segments = re.split(r"[./]", name)
    module = segments[-2] if len(segments) > 1 else ""
    return ".".join(segments[:-2]), module, segments[-1]


def _next_norm(
    name: str, following: Iterable[str], used: Mapping[str, Tensor], bias: str | None
) -> int | None:
    parent, module, _ = _split(name)
    for other in following:
        if other == bias:
            continue
        tensor, (its_parent, its_module, tail) = used[other], _split(other)
        if tensor.dim() > 1 or its_parent != parent or its_module == module:
            return None
        if tensor.dim() == 1 and tail.removesuffix(":0") in _NORMS and tensor.shape[0] > 1:
            return tensor.shape[0]
    return None


def _listed_after(name: str, used: Mapping[str, Tensor]) -> int | None:
    """Batch normalisation's four arrays after a weight, and perhaps a bias, in a list of arrays."""
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return None
    stem, first = match[1], int(match[2]) + 1
    lengths: list[int] = []
    while len(lengths) < 6 and (after := used.get(f"{stem}{first + len(lengths)}")) is not None:
        if after.dim() != 1:
            break
        lengths.append(after.shape[0])
    return lengths[-1] if len(lengths) in {4, 5} else None
