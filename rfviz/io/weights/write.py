"""Weights to bytes: what `load_weights` reads back, number for number."""

import io
import struct
from collections.abc import Mapping, Sequence

import torch

from rfviz.extras import require

_NPY_TYPES = ((torch.float64, "<f8"), (torch.float16, "<f2"), (torch.float32, "<f4"))


def npy_of(tensor: torch.Tensor) -> bytes:
    """Return an .npy file of a tensor of any shape; bfloat16, which NumPy lacks, as float32.

    Source: NumPy Enhancement Proposal 1, the .npy format, version 1.0.

    >>> npy_of(torch.ones(2, 3))[:6]
    b'\\x93NUMPY'
    """
    plain = tensor.detach().cpu().contiguous()
    code = dict(_NPY_TYPES).get(plain.dtype)
    if code is None:
        plain, code = plain.float(), "<f4"
    header = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {tuple(plain.shape)}, }}"
    # The numbers begin at a multiple of 64 bytes; the header ends with a new line.
    head = header.encode() + b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + plain.numpy().tobytes()


def safetensors_of(tensor: torch.Tensor, name: str = "weight") -> bytes:
    """Return a .safetensors file that holds one tensor of any shape and type.

    Written by the library of that name, the extra `weights`; `ImportError` where it is not there.

    >>> from importlib.util import find_spec
    >>> find_spec("safetensors") is None or len(safetensors_of(torch.ones(2))) > 8
    True
    """
    require("weights", "Writing .safetensors")
    import safetensors.torch  # noqa: PLC0415 - an extra

    data: bytes = safetensors.torch.save({name: tensor.detach().cpu().contiguous()})
    return data


def torch_of(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Return a .pt file of tensors by name, of any shape and type, that `torch.load` reads.

    >>> torch_of({"weight": torch.ones(2)})[:2]
    b'PK'
    """
    file = io.BytesIO()
    torch.save({name: each.detach().cpu().clone() for name, each in tensors.items()}, file)
    return file.getvalue()


def text_of(weight: torch.Tensor) -> str:
    """Return a (F, C, kh, kw) weight as text: a line a kernel row, an empty line between kernels.

    Each number has the fewest digits that give the same float32 again.

    >>> print(text_of(torch.tensor([[[[1.0, -0.5]], [[0.1, 0.0]]]])))
    1 -0.5
    <BLANKLINE>
    0.1 0
    """
    kernels = weight.detach().float().flatten(0, 1).tolist()
    rows = ("\n".join(" ".join(map(_shortest, row)) for row in kernel) for kernel in kernels)
    return "\n\n".join(rows)


def csv_of(weight: torch.Tensor) -> bytes:
    """Return a (F, C, kh, kw) weight as a .csv file: kernel after kernel, named in comments.

    >>> csv_of(torch.ones(1, 1, 1, 2)).decode().splitlines()
    ['# filter 0, channel 0', '1,1']
    """
    channels = weight.shape[1]
    kernels = text_of(weight).split("\n\n")
    lines = [
        f"# filter {number // channels}, channel {number % channels}\n{kernel.replace(' ', ',')}"
        for number, kernel in enumerate(kernels)
    ]
    return ("\n\n".join(lines) + "\n").encode()


def matrix_csv(matrix: torch.Tensor, rows: Sequence[str], columns: Sequence[str]) -> bytes:
    """Return a (rows, columns) matrix as a .csv file with a name for each row and column.

    >>> matrix_csv(torch.tensor([[1.0, 0.5]]), ["tap 0"], ["a", "b"]).decode().splitlines()
    [',a,b', 'tap 0,1,0.5']
    """
    lines = [",".join(["", *map(_quoted, columns)])]
    for name, values in zip(rows, matrix.detach().float().unbind(0), strict=True):
        written = (str(int(v)) if v.is_integer() else _shortest(v) for v in values.tolist())
        lines.append(",".join([_quoted(name), *written]))
    return ("\n".join(lines) + "\n").encode()


def _quoted(name: str) -> str:
    return f'"{name}"' if "," in name else name


def _shortest(value: float) -> str:
    for digits in range(1, 9):
        text = f"{value:.{digits}g}"
        if _as_float32(text) == struct.pack("<f", value):
            return "0" if text == "-0" else text
    return f"{value:.9g}"


def _as_float32(text: str) -> bytes:
    try:
        return struct.pack("<f", float(text))
    except OverflowError:  # rounded up past the largest float32
        return b""
