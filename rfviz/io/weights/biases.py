"""The bias that stands beside a weight in a file, found by its name and length."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor

Fits = Callable[[int], bool]
# The end of a weight's name, and the ends that its bias may have instead.
_ENDS = MappingProxyType(
    {
        "pointwise_kernel": ("bias",),
        "depthwise_kernel": ("bias",),
        "depthwise_weights": ("biases", "bias"),
        "kernel": ("bias",),
        "weights": ("biases", "bias"),
        "weight": ("bias", "biases"),
        "filters": ("bias", "biases"),
        "filter": ("bias",),
        "depthwise": ("BiasAdd", "bias"),
        "Conv2D": ("BiasAdd", "BiasAdd/ReadVariableOp", "bias"),
        "W": ("b", "B"),
        "w": ("b",),
    }
)
_NUMBERED = re.compile(r"(.*?)(\d{1,9})")


def length_of(tensor: Tensor) -> int | None:
    """How many numbers a bias has: its one axis longer than 1; None for what is no bias.

    >>> import torch
    >>> length_of(torch.zeros(1, 8, 1, 1)), length_of(torch.zeros(2, 3))
    (8, None)
    """
    long = [size for size in tensor.shape if size != 1]
    if not tensor.dim() or len(long) > 1:
        return None
    return long[0] if long else 1


def bias_beside(name: str, tensors: Mapping[str, Tensor]) -> str | None:
    """The tensor that is the bias of `name` by its name, of whatever length; None without one.

    >>> import torch
    >>> bias_beside("conv/kernel:0", {"conv/bias:0": torch.zeros(8)})
    'conv/bias:0'
    """
    plain = name.removesuffix(":0")
    mark = name[len(plain) :]
    for end, others in _ENDS.items():
        stem = plain.removesuffix(end)
        if stem == plain or (
            end == "depthwise_kernel" and f"{stem}pointwise_kernel{mark}" in tensors
        ):
            continue
        for other in others:
            bias = f"{stem}{other}{mark}"
            if bias in tensors and length_of(tensors[bias]) is not None:
                return bias
    return _next_in_a_list(name, tensors)


def _next_in_a_list(name: str, tensors: Mapping[str, Tensor]) -> str | None:
    """The array after this one, where a list was saved: arr_0 is a weight and arr_1 its bias.

    Batch normalisation puts four of one length after them.
    """
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return None
    stem, number = match[1], int(match[2])
    run = 0
    while run < 6 and (after := tensors.get(f"{stem}{number + 1 + run}")) is not None:
        if after.dim() != 1:
            break
        run += 1
    return f"{stem}{number + 1}" if run in {1, 5} else None
