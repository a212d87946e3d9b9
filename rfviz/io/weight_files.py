"""Weights from .npy, .npz, .safetensors and text: sizes are checked before memory is taken."""

import json
import math
import re
import struct
from typing import TYPE_CHECKING, Any, Literal

import torch

from rfviz.conv.spec import InputError
from rfviz.io.weight_archives import SAVE_AGAIN, Archive, check_total

if TYPE_CHECKING:
    import numpy as np

_NPY_MAGIC = b"\x93NUMPY"
_NPY_HEADER = re.compile(
    r"\s*\{\s*'descr':\s*(?P<descr>'[^']*'|\[.*\]),\s*'fortran_order':\s*(?P<order>True|False),"
    r"\s*'shape':\s*\((?P<shape>[\d,\sL]*)\),?\s*\}\s*",
    re.DOTALL,
)
_NPY_TYPE = re.compile(r"'[<>|=]?(?:f[248]|[iu][1248]|b1)'")
_MAX_HEADER_BYTES = 4_000_000
_MAX_TEXT_BYTES = 20_000_000
_MAX_TEXT_NUMBERS = 1_000_000
_MAX_DIMENSIONS = 16


def load_npy(data: bytes, name: str = "weight") -> dict[str, torch.Tensor]:
    """Array of an .npy file as {name: tensor}, of its shape and type, in native byte order.

    `InputError` for text, objects, complex numbers and long doubles, and where the header declares
    another size than the file has. Nothing is unpickled. Source: numpy.lib.format.
    """
    dtype, order, shape, start = _npy_header(data, name)
    n_bytes = math.prod(shape) * dtype.itemsize
    check_total(f"Array '{name}'", n_bytes)
    if start + n_bytes > len(data):
        raise InputError(
            f"Array '{name}' of {shape} needs {n_bytes:,} bytes, but the file ends after "
            f"{len(data) - start:,} of them.",
            remedy=SAVE_AGAIN,
        )
    import numpy as np  # noqa: PLC0415

    flat = np.frombuffer(data, dtype, math.prod(shape), start)
    array = flat.reshape(shape, order=order).astype(dtype.newbyteorder("="), order="C")
    return {name: torch.from_numpy(array)}


def load_npz(data: bytes) -> dict[str, torch.Tensor]:
    """Arrays of an .npz file as {name: tensor}; `InputError` as for `load_npy` and `Archive`."""
    archive = Archive(data, ".npz")
    tensors: dict[str, torch.Tensor] = {}
    for entry in archive.sizes:
        if not entry.endswith(".npy"):
            raise InputError(f"'{entry[:60]}' in the .npz file is no array.", remedy=SAVE_AGAIN)
        tensors |= load_npy(archive.read(entry), entry.removesuffix(".npy"))
    return tensors


def load_safetensors(data: bytes) -> dict[str, torch.Tensor]:
    """Tensors of a .safetensors file as {name: tensor}; `InputError` for a damaged one.

    Source: the format's specification, huggingface.co/docs/safetensors.
    """
    (length,) = struct.unpack("<Q", data[:8]) if len(data) >= 8 else (0,)
    if not 2 <= length <= min(_MAX_HEADER_BYTES, len(data) - 8):
        raise InputError(
            f"The .safetensors file declares a header of {length:,} bytes; the file has "
            f"{len(data):,} bytes, and headers of up to {_MAX_HEADER_BYTES:,} are read.",
            remedy=SAVE_AGAIN,
        )
    try:
        header = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise InputError(
            "The header of the .safetensors file is not JSON.", remedy=SAVE_AGAIN
        ) from error
    if not isinstance(header, dict):
        raise InputError("The header of the .safetensors file lists no tensors.", remedy=SAVE_AGAIN)
    # Here, and numpy below: `import rfviz` needs neither.
    import safetensors.torch  # noqa: PLC0415

    try:
        return dict(safetensors.torch.load(data))
    except (
        safetensors.SafetensorError,  # shapes and offsets that do not fit each other or the file
        KeyError,  # a type that torch does not have
        ValueError,
        TypeError,
        RuntimeError,
        OverflowError,
    ) as error:
        said = " ".join(str(error).split())[:120]
        what = f"The .safetensors file is damaged or of a kind not read here ({said})."
        raise InputError(what, remedy=SAVE_AGAIN) from error


def load_text(data: bytes) -> dict[str, torch.Tensor]:
    """Kernels written as rows of numbers, as {"weight": (n, 1, height, width)} in float32.

    Numbers are separated by commas, semicolons, tabs or spaces; an empty line begins the next
    kernel, and what follows a # is skipped. `InputError` names the line that is wrong.

    >>> load_text(b"1, 0, -1\\n2, 0, -2\\n1, 0, -1\\n")["weight"].shape
    torch.Size([1, 1, 3, 3])
    """
    kernels: list[list[list[float]]] = [[]]
    n_numbers = 0
    for number, line in enumerate(_text(data).splitlines(), start=1):
        written = line.split("#")[0].strip()
        if not written:
            if kernels[-1] and "#" not in line:
                kernels.append([])
            continue
        row = _row(written, number)
        n_numbers += len(row)
        if n_numbers > _MAX_TEXT_NUMBERS:
            raise InputError(
                f"The text has more than {_MAX_TEXT_NUMBERS:,} numbers.", remedy="Save it as .npy"
            )
        kernels[-1].append(row)
    kernels = [kernel for kernel in kernels if kernel]
    _check_rows(kernels)
    return {"weight": torch.tensor(kernels, dtype=torch.float64).float()[:, None]}


def _npy_header(
    data: bytes, name: str
) -> tuple["np.dtype[Any]", Literal["C", "F"], tuple[int, ...], int]:
    if data[:6] != _NPY_MAGIC or len(data) < 12:
        raise InputError(f"'{name}' is no .npy array: its first bytes differ.", remedy=SAVE_AGAIN)
    start, form = (10, "<H") if data[6] == 1 else (12, "<I")
    (length,) = struct.unpack_from(form, data, 8)
    found = None
    if length <= 10_000:
        found = _NPY_HEADER.fullmatch(data[start : start + length].decode("latin-1"))
    if found is None:
        raise InputError(f"The header of array '{name}' cannot be read.", remedy=SAVE_AGAIN)
    descr = found["descr"]
    if not _NPY_TYPE.fullmatch(descr):
        raise InputError(
            f"Array '{name}' holds {_kind_of(descr)}, but weights are real numbers.",
            remedy="Save it as float32 with numpy.save",
        )
    shape = tuple(int(n) for n in re.findall(r"\d{1,18}", found["shape"]))
    if len(shape) > _MAX_DIMENSIONS:
        raise InputError(f"Array '{name}' has {len(shape)} dimensions.", remedy=SAVE_AGAIN)
    order: Literal["C", "F"] = "F" if found["order"] == "True" else "C"
    import numpy as np  # noqa: PLC0415

    return np.dtype(descr.strip("'")), order, shape, start + length


def _kind_of(descr: str) -> str:
    if descr.startswith("["):
        return "records with fields"
    kinds = {"O": "Python objects (a pickle)", "U": "text", "S": "text", "c": "complex numbers"}
    return kinds.get(descr.strip("'<>|=")[:1], f"numbers of type {descr[:20]}")


def _text(data: bytes) -> str:
    if len(data) > _MAX_TEXT_BYTES:
        raise InputError(
            f"The text has {len(data):,} bytes; at most {_MAX_TEXT_BYTES:,} are read.",
            remedy="Save the weights as .npy",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The file is no text: byte {error.start} is {data[error.start]:#04x}.",
            remedy="Save the numbers as plain text, one row a line",
        ) from error
    return text


def _row(written: str, line: int) -> list[float]:
    # Without blanks in the pattern, which would be tried at every one of them.
    commas = re.split("[,;]", written.rstrip(",; \t"))
    separated = [cell for part in commas for cell in _cells(part)]
    parts = separated if len(separated) > 1 else written.rstrip(",;").split()
    try:
        row = [float(part) for part in parts]
    except ValueError as error:
        wrong = next(part for part in parts if not _is_float(part))
        raise InputError(
            f"Line {line} has {wrong[:30]!r} where a number is expected.",
            remedy="Write rows of numbers such as 1, 0, -1",
        ) from error
    return row


def _cells(part: str) -> list[str]:
    """What stands between tabs, of which a row may have several."""
    return [cell for cell in part.split("\t") if cell.strip()] or [""]


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_rows(kernels: list[list[list[float]]]) -> None:
    if not kernels:
        raise InputError("The text holds no number.", remedy="Write rows such as 1, 0, -1")
    size = (len(kernels[0]), len(kernels[0][0]))
    for number, kernel in enumerate(kernels, start=1):
        widths = sorted({len(row) for row in kernel})
        if len(widths) > 1:
            raise InputError(
                f"Kernel {number} has rows of {widths[0]} and of {widths[-1]} numbers.",
                remedy="Give every row as many",
            )
        if (len(kernel), widths[0]) != size:
            raise InputError(
                f"Kernel {number} is {len(kernel)} × {widths[0]}, but the first is "
                f"{size[0]} × {size[1]}.",
                remedy="Give every kernel one size, with an empty line between two",
            )
