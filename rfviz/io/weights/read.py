"""Weights from the bytes of a file; which of them are layers, weight_layers.py says."""

import torch

from rfviz.conv.errors import InputError
from rfviz.io.weights.file import LeftOut, WeightsFile
from rfviz.io.weights.kinds import READABLE, READERS, kind_of
from rfviz.io.weights.raw_numbers import MAX_BYTES

__all__ = [
    "MAX_BYTES",
    "READABLE",
    "LeftOut",
    "WeightsFile",
    "load_weights",
    "read_weights",
]

_MAX_TENSORS = 100_000


def load_weights(data: bytes | bytearray | memoryview, filename: str) -> dict[str, torch.Tensor]:
    """Tensors of a weights file as {name: tensor}, on the CPU, the model's first.

    Read are .safetensors, .npy, .npz, PyTorch's files (.pt, .pth, .ckpt, .bin: a tensor, a state
    dict, a checkpoint, a whole network), pickled NumPy arrays, and text (.csv, .txt and .tsv: rows
    of numbers, an empty line between kernels). The first bytes decide, not the name, but for text.

    A state dict's tensors have the names that it gives. In a checkpoint every tensor is found, at
    any depth: those of the part that is the model ("state_dict", "model", ...) have the names of
    its state dict and come first; all others have their path, with dots, such as
    "optimizer.state.0.exp_avg". Where several parts are models, or a name would be given twice,
    all have their path. A prefix "module." of DataParallel is taken away.

    Types are kept; text becomes float32. At most `MAX_BYTES` are read, decided from what the file
    declares, and no code in a file is ever run: what only code could rebuild is left out, see
    `read_weights`. NaN and infinities are kept, see `non_finite`. `InputError` for a file without
    a tensor that can be read.

    >>> load_weights(b"0 1 0\\n1 -4 1\\n0 1 0", "laplacian.csv")["weight"].shape
    torch.Size([1, 1, 3, 3])
    """
    return read_weights(data, filename).tensors


def read_weights(data: bytes | bytearray | memoryview, filename: str) -> WeightsFile:
    """Tensors of a weights file as `load_weights` gives them, and what was left out and why.

    >>> read_weights(b"1 0 -1", "row.csv").left_out
    ()
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
    weights = READERS[kind_of(file, filename)].read(file)
    if len(weights.tensors) > _MAX_TENSORS:
        raise InputError(
            f"The file holds {len(weights.tensors):,} tensors; at most {_MAX_TENSORS:,} are read.",
            remedy="Save only the layers that you want to see",
        )
    return weights
