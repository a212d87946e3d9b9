"""Weights from the bytes of a file, and which of them are layers that can be looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

import torch

from rfviz.conv.parameters import shown
from rfviz.conv.spec import InputError
from rfviz.io.torch_files import load_torch
from rfviz.io.weight_archives import MAX_BYTES, SAVE_AGAIN
from rfviz.io.weight_files import load_npy, load_npz, load_safetensors, load_text

__all__ = [
    "MAX_BYTES",
    "READABLE",
    "LayerEntry",
    "layer",
    "layers_of",
    "load_weights",
    "non_finite",
]

READABLE = ".safetensors, .pt, .pth, .npz, .npy or .csv"
_TEXT = (".csv", ".txt", ".tsv")
_MAX_TENSORS = 100_000
_MAX_NAME = 300
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


def load_weights(data: bytes | bytearray | memoryview, filename: str) -> dict[str, torch.Tensor]:
    """Tensors of a weights file as {name: tensor}, on the CPU, in the order of the file.

    The end of `filename` says how it is read: .safetensors, .npy, .npz, .pt and .pth (a tensor, a
    state dict or a checkpoint that holds one), .csv, .txt and .tsv (rows of numbers, an empty line
    between kernels). Types are kept; text becomes float32. At most `MAX_BYTES` are read, decided
    from what the file declares, and no code in a file is ever run. NaN and infinities are kept, see
    `non_finite`. `InputError` for anything that cannot be read.

    >>> load_weights(b"0 1 0\\n1 -4 1\\n0 1 0", "laplacian.csv")["weight"].shape
    torch.Size([1, 1, 3, 3])
    """
    if not isinstance(data, bytes | bytearray | memoryview) or not isinstance(filename, str):
        raise InputError(
            f"Weights are loaded from the bytes of a file and its name, got "
            f"{type(data).__name__} and {type(filename).__name__}.",
            remedy="Pass open(path, 'rb').read() and path",
        )
    file = bytes(data)
    if not file:
        raise InputError("The file is empty: it has 0 bytes.", remedy="Choose another file")
    tensors = _read(file, PurePath(filename).suffix.lower())
    _check_names(tensors)
    wrong = next((name for name, t in tensors.items() if t.is_complex()), None)
    if wrong is not None:
        raise InputError(
            f"'{wrong}' holds complex numbers, but weights are real.",
            remedy="Save its real or its imaginary part",
        )
    return tensors


def layers_of(tensors: Mapping[str, torch.Tensor]) -> list[LayerEntry]:
    """Every tensor but the biases of others as a `LayerEntry`, in their order.

    >>> tensors = {"0.weight": torch.zeros(8, 3, 5, 5), "0.bias": torch.zeros(8)}
    >>> [(entry.name, entry.bias, entry.is_conv2d) for entry in layers_of(tensors)]
    [('0.weight', '0.bias', True)]
    """
    _check_tensors(tensors)
    biases = {name: _bias_of(name, tensors) for name in tensors}
    taken = {bias for bias in biases.values() if bias is not None}
    return [
        _entry(name, tensor, biases[name], alone=len(tensors) == 1)
        for name, tensor in tensors.items()
        if name not in taken
    ]


def _check_tensors(tensors: object) -> None:
    if not isinstance(tensors, Mapping):
        raise InputError(
            f"Layers are found among tensors by their names, {{name: tensor}}, got "
            f"{type(tensors).__name__}.",
            remedy="Give load_weights(...), or model.state_dict()",
        )
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise InputError(
                f"Layers are found among tensors by their names, got {shown(name)} with a "
                f"{type(tensor).__name__} that is no tensor."
                if isinstance(name, str)
                else f"The names of tensors are text, got {shown(name)}."
            )


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


def _read(data: bytes, suffix: str) -> dict[str, torch.Tensor]:
    if suffix in {".pt", ".pth"}:
        return load_torch(data)
    if suffix == ".npy":
        return load_npy(data)
    if suffix == ".npz":
        return load_npz(data)
    if suffix == ".safetensors":
        return load_safetensors(data)
    if suffix in _TEXT:
        return load_text(data)
    named = f"ends in {suffix[:20]!r}" if suffix else "has no ending"
    remedy = f"Choose a file that ends in {READABLE}"
    raise InputError(f"The name of the file {named}, which is not read here.", remedy=remedy)


def _check_names(tensors: Mapping[str, torch.Tensor]) -> None:
    if not tensors:
        raise InputError("The file holds no tensor.", remedy="Choose another file")
    if len(tensors) > _MAX_TENSORS:
        what = f"The file holds {len(tensors):,} tensors; at most {_MAX_TENSORS:,} are read."
        raise InputError(what, remedy="Save only the layers that you want to see")
    for name in tensors:
        if len(name) > _MAX_NAME or not name.isprintable():
            raise InputError(
                f"The name of a tensor, {name[:30]!r}..., is too long or not printable.",
                remedy=SAVE_AGAIN,
            )


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
