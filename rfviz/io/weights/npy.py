"""Arrays from .npy and .npz files: sizes are checked before memory is taken.

The header is matched, not evaluated: numpy's own reader gives it to Python's parser, which a long
row of brackets or signs takes out of its depth, and makes types of whatever it names.
"""

import re
import struct
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.io.weights.file import MAX_NAME, LeftOut, WeightsFile, shown
from rfviz.io.weights.pytorch_records import NUMPY_TYPES
from rfviz.io.weights.raw_numbers import (
    SAVE_AGAIN,
    as_numbers,
    check_shape,
    check_total,
    checked_extent,
    laid_out,
    own_copy,
    row_major,
    shape_text,
)
from rfviz.io.weights.zip_archive import Archive

NPY_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\s*\{\s*'descr':\s*(?P<descr>'[^']*'|\[[^{}]*\]),\s*'fortran_order':\s*(?P<order>True|False),"
    r"\s*'shape':\s*\((?P<shape>[\d,\sL]*)\),?\s*\}\s*"
)
_TYPE = re.compile(r"'(?P<order>[<>|=]?)(?P<kind>f[248]|[iu][1248]|b1)'")
_MAX_HEADER_BYTES = 10_000
_MAX_DIGITS = 19  # of 2^63


class Header(NamedTuple):
    """What stands in front of the numbers of an array, and where they begin."""

    descr: str
    fortran: bool
    shape: tuple[int, ...]
    start: int


def read_npy(data: bytes) -> WeightsFile:
    """Read the array of an .npy file, called "weight", of its shape and type.

    `InputError` for text, objects, complex numbers and long doubles, and where the header declares
    another size than the file has. Nothing is unpickled. Source: numpy.lib.format.
    """
    array = _array(data, "weight")
    if isinstance(array, LeftOut):
        raise InputError(
            f"Array '{array.name}' holds {array.reason}.",
            remedy="Save it as float32 with numpy.save",
        )
    return WeightsFile({"weight": array})


def read_npz(data: bytes) -> WeightsFile:
    """Read the arrays of an .npz file; what is no array of real numbers is left out.

    `InputError` for damage, and where no array can be read.
    """
    archive = Archive(data, ".npz")
    tensors: dict[str, torch.Tensor] = {}
    left_out: list[LeftOut] = []
    for entry in archive.sizes:
        name = entry.removesuffix(".npy")
        array: torch.Tensor | LeftOut = LeftOut(name, "a file that is no array")
        if len(name) > MAX_NAME or not name.isprintable():
            array = LeftOut(shown(name), "its name is too long or not printable")
        elif name != entry:
            array = _array(archive.read(entry), name)
            if isinstance(array, LeftOut):
                array = LeftOut(name, f"holds {array.reason}")
        if isinstance(array, torch.Tensor):
            tensors[name] = array
        else:
            left_out.append(array)
    if not tensors:
        said = f" '{shown(left_out[0].name)}': {left_out[0].reason}." if left_out else ""
        raise InputError(
            f"The .npz file holds no array that can be read.{said}",
            remedy="Save the weights as float32 with numpy.savez",
        )
    return WeightsFile(tensors, tuple(left_out))


def _array(data: bytes | memoryview, name: str) -> torch.Tensor | LeftOut:
    header = _header(data, name)
    found = _TYPE.fullmatch(header.descr)
    if found is None:
        return LeftOut(name, f"{_kind_of(header.descr)}, but weights are real numbers")
    dtype = NUMPY_TYPES[found["kind"]]
    what = f"Array '{name[:60]}'"
    shape = check_shape(what, header.shape, dtype.itemsize)
    stride = row_major(shape)
    if header.fortran:
        stride = row_major(shape[::-1])[::-1]
    numbers = memoryview(data)[header.start :]
    n_bytes = max(dtype.itemsize, 0)
    for side in shape:
        n_bytes *= side
    check_total(what, n_bytes, len(data))
    if n_bytes > len(numbers):
        raise InputError(
            f"{what} of {shape_text(shape)} needs {n_bytes:,} bytes, but the file ends after "
            f"{len(numbers):,} of them.",
            remedy=SAVE_AGAIN,
        )
    strides = checked_extent(what, n_bytes // dtype.itemsize, 0, shape, stride)
    raw = own_copy(numbers[:n_bytes])
    return laid_out(as_numbers(raw, dtype, big_endian=found["order"] == ">"), shape, strides)


def _header(data: bytes | memoryview, name: str) -> Header:
    name = name[:60]
    if data[:6] != NPY_MAGIC or len(data) < 12:
        raise InputError(f"'{name}' is no .npy array: its first bytes differ.", remedy=SAVE_AGAIN)
    start, form = (10, "<H") if data[6] == 1 else (12, "<I")
    (length,) = struct.unpack_from(form, data, 8)
    found = None
    if length <= _MAX_HEADER_BYTES and data[6] in {1, 2, 3}:
        found = _HEADER.fullmatch(str(data[start : start + length], "latin-1"))
    if found is None:
        raise InputError(f"The header of array '{name}' cannot be read.", remedy=SAVE_AGAIN)
    shape = tuple(_side(side, name) for side in found["shape"].split(",") if side.strip())
    return Header(found["descr"], found["order"] == "True", shape, start + length)


def _side(written: str, name: str) -> int:
    digits = written.strip().removesuffix("L")  # as Python 2 wrote it
    if not digits.isdecimal() or len(digits) > _MAX_DIGITS:
        raise InputError(
            f"Array '{name}' has the side {shown(written.strip())!r}, which no array has.",
            remedy=SAVE_AGAIN,
        )
    return int(digits)


def _kind_of(descr: str) -> str:
    if descr.startswith("["):
        return "records with fields"
    kinds = {"O": "Python objects (a pickle)", "U": "text", "S": "text", "c": "complex numbers"}
    return kinds.get(descr.strip("'<>|=")[:1], f"numbers of type {descr[:20]!a}")
