"""Weights from the bytes of a file: which reader its name asks for, and what names may be."""

from collections.abc import Mapping
from pathlib import PurePath

import torch

from rfviz.conv.spec import InputError
from rfviz.io.torch_files import load_torch
from rfviz.io.weight_archives import MAX_BYTES, SAVE_AGAIN
from rfviz.io.weight_files import load_npy, load_npz, load_safetensors, load_text

__all__ = ["MAX_BYTES", "READABLE", "load_weights"]

READABLE = ".safetensors, .pt, .pth, .npz, .npy or .csv"
_TEXT = (".csv", ".txt", ".tsv")
_MAX_TENSORS = 100_000
_MAX_NAME = 300


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
