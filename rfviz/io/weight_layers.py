"""The tensors of a weights file as layers that can be looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError

__all__ = ["LayerEntry", "layer", "layers_of", "non_finite"]

_FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
_MAX_KERNEL = 64
_BIAS_NAMES = (
    ("weight", "bias"),
    ("kernel", "bias"),
    ("weights", "biases"),
    ("W", "b"),
    ("w", "b"),
)


class NonFinite(NamedTuple):
    """How many numbers of a tensor are NaN, and how many infinite."""

    n_nan: int
    n_infinite: int


@dataclass(frozen=True)
class LayerEntry:
    """A tensor of a file as a layer: its shape, its bias, whether it is a 2-D convolution, and why.

    `weight_shape` is (filters, channels / groups, kernel height, kernel width) of the layer, and
    `shape` what the file has; the two differ for a kernel saved without filters or channels.
    Stride, padding, dilation and groups are in none of these files. `reason` says why it is no 2-D
    convolution; `notes` what to know of it otherwise.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    bias: str | None
    is_conv2d: bool
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(filters, channels / groups, kernel height, kernel width)."""
        if len(self.shape) == 3:
            return (self.shape[0], 1, *self.shape[1:])
        filters, channels, height, width = (1,) * (4 - len(self.shape)) + self.shape
        return (filters, channels, height, width)

    def groups_for(self, picture_channels: int) -> int:
        """Groups with which the layer reads a picture of so many channels, 1 where none fit.

        >>> entry = LayerEntry("dw", (8, 1, 3, 3), torch.float32, None, True)
        >>> entry.groups_for(4), entry.groups_for(3)
        (4, 1)
        """
        filters, channels = self.weight_shape[:2]
        groups, rest = divmod(picture_channels, channels)
        return groups if groups and not rest and filters % groups == 0 else 1


def layers_of(tensors: Mapping[str, torch.Tensor]) -> list[LayerEntry]:
    """Every tensor but the biases of others as a `LayerEntry`, in their order.

    >>> tensors = {"0.weight": torch.zeros(8, 3, 5, 5), "0.bias": torch.zeros(8)}
    >>> [(entry.name, entry.bias, entry.is_conv2d) for entry in layers_of(tensors)]
    [('0.weight', '0.bias', True)]
    """
    biases = {name: _bias_of(name, tensors) for name in tensors}
    taken = {bias for bias in biases.values() if bias is not None}
    return [
        _entry(name, tensor, biases[name], alone=len(tensors) == 1)
        for name, tensor in tensors.items()
        if name not in taken
    ]


def layer(
    tensors: Mapping[str, torch.Tensor], entry: LayerEntry
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return (weight, bias) of a 2-D convolution: (F, C / groups, kh, kw) and (F,), of one type.

    Whole numbers become float32, as does a bias of another type than its weight's become that.
    `InputError` with the reason where the layer is no 2-D convolution.

    >>> tensors = {"sobel": torch.tensor([[1, 0, -1], [2, 0, -2], [1, 0, -1]])}
    >>> layer(tensors, layers_of(tensors)[0])[0].shape
    torch.Size([1, 1, 3, 3])
    """
    if not entry.is_conv2d:
        names = [other.name for other in layers_of(tensors) if other.is_conv2d]
        remedy = f"Choose {', '.join(names[:8])}" if names else "Choose another file"
        what = f"'{entry.name}' is no 2-D convolution: {entry.reason}."
        raise InputError(what, remedy=remedy)
    weight = tensors[entry.name].reshape(entry.weight_shape)
    weight = weight if weight.dtype in _FLOATS else weight.float()
    return weight, None if entry.bias is None else tensors[entry.bias].to(weight.dtype)


def non_finite(tensors: Mapping[str, torch.Tensor]) -> dict[str, NonFinite]:
    """How many NaN and infinities each tensor holds, for those that hold any.

    >>> non_finite({"weight": torch.tensor([1.0, torch.nan]), "bias": torch.zeros(2)})
    {'weight': NonFinite(n_nan=1, n_infinite=0)}
    """
    counts = {
        name: NonFinite(int(tensor.isnan().sum()), int(tensor.isinf().sum()))
        for name, tensor in tensors.items()
        if tensor.dtype in _FLOATS
    }
    return {name: count for name, count in counts.items() if any(count)}


def _bias_of(name: str, tensors: Mapping[str, torch.Tensor]) -> str | None:
    shape = tensors[name].shape
    if len(shape) < 2:
        return None
    for ending, other in _BIAS_NAMES:
        bias = name.removesuffix(ending) + other
        if name.endswith(ending) and bias in tensors and tensors[bias].shape == shape[:1]:
            return bias
    return None


def _entry(name: str, tensor: torch.Tensor, bias: str | None, *, alone: bool) -> LayerEntry:
    shape = tuple(tensor.shape)
    is_kernel = alone and len(shape) in {2, 3} and max(shape[-2:], default=0) <= _MAX_KERNEL
    reason = _reason(shape, tensor, is_kernel)
    if reason:
        return LayerEntry(name, shape, tensor.dtype, bias, False, reason)
    notes = []
    if is_kernel:
        notes.append(f"read as {1 if len(shape) == 2 else shape[0]} filters of one channel")
    if tensor.dtype not in _FLOATS:
        notes.append(f"{tensor.dtype} in the file, float32 here")
    if len(shape) == 4:
        filters, channels, height, width = shape
        if channels == 1 and filters > 1 and height * width > 1:
            notes.append(f"depthwise with groups {filters}, or a layer for grey pictures")
        if height > channels and max(shape[:2]) <= 11 < width:
            notes.append("looks like (height, width, channels, filters): permute(3, 2, 0, 1)")
    return LayerEntry(name, shape, tensor.dtype, bias, True, "", tuple(notes))


def _reason(shape: tuple[int, ...], tensor: torch.Tensor, is_kernel: bool) -> str:
    if 0 in shape:
        return f"its shape {shape} holds no numbers"
    if tensor.dtype not in _FLOATS and (tensor.is_floating_point() or tensor.dtype == torch.bool):
        return f"its type {tensor.dtype} has too few values to compute with"
    if len(shape) == 4 or is_kernel:
        return ""
    kinds = {
        0: "a single number, such as a counter",
        1: "one number a channel, a bias or a normalisation",
        2: "a matrix, a fully connected layer or an embedding",
        3: "three dimensions, a 1-D convolution",
        5: "five dimensions, a 3-D convolution",
    }
    return f"its shape {shape} has {kinds.get(len(shape), f'{len(shape)} dimensions')}"
