"""Tensors from .safetensors files: sizes are checked before memory is taken.

Read here rather than by the library of that name, which refuses a whole file for one tensor of a
type that torch does not have, and whose header a stranger can make slow.
"""

import json
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.io.weights.file import MAX_NAME, LeftOut, WeightsFile, shown
from rfviz.io.weights.raw_numbers import (
    SAVE_AGAIN,
    as_numbers,
    check_shape,
    check_total,
    laid_out,
    own_copy,
    row_major,
    shape_text,
)

_MAX_HEADER_BYTES = 4_000_000
# Python reads JSON in one go, in which nobody else has a turn: 3 brackets a tensor.
_MAX_BRACKETS, _MAX_COMMAS = 100_000, 1_000_000
_TYPES = MappingProxyType(
    {
        "F64": torch.float64,
        "F32": torch.float32,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F8_E4M3": torch.float8_e4m3fn,
        "F8_E5M2": torch.float8_e5m2,
        "F8_E8M0": torch.float8_e8m0fnu,
        "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
        "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
        "I64": torch.int64,
        "I32": torch.int32,
        "I16": torch.int16,
        "I8": torch.int8,
        "U64": torch.uint64,
        "U32": torch.uint32,
        "U16": torch.uint16,
        "U8": torch.uint8,
        "BOOL": torch.bool,
    }
)


class _Entry(NamedTuple):
    """A tensor as the header has it."""

    begin: int
    end: int
    name: str
    kind: str
    shape: tuple[int, ...]


def looks_like_safetensors(data: bytes) -> bool:
    """Whether a file begins with the length of a header and the header's first sign.

    >>> looks_like_safetensors((2).to_bytes(8, "little") + b"{}")
    True
    """
    return len(data) > 9 and _length(data) <= len(data) - 8 and data[8:9] == b"{"


def read_safetensors(data: bytes) -> WeightsFile:
    """Read the tensors of a .safetensors file; one of a type that torch lacks is left out.

    `InputError` for a damaged file. Source: the format's specification,
    huggingface.co/docs/safetensors.
    """
    numbers = memoryview(data)[8 + _length(data) :]
    entries = _entries(_header(data))
    _check_places(sorted(entries), len(numbers))
    check_total("The .safetensors file", len(numbers), len(data))
    tensors: dict[str, torch.Tensor] = {}
    left_out: list[LeftOut] = []
    for entry in entries:
        if len(entry.name) > MAX_NAME or not entry.name.isprintable():
            reason = "its name is too long or not printable"
            left_out.append(LeftOut(shown(entry.name), reason))
        elif entry.kind not in _TYPES:
            reason = f"holds numbers of type {entry.kind[:20]!r}, which torch does not have here"
            left_out.append(LeftOut(entry.name, reason))
        else:
            tensors[entry.name] = _tensor(entry, numbers)
    if not tensors:
        said = f" '{shown(left_out[0].name)}' {left_out[0].reason}." if left_out else ""
        raise InputError(
            f"The .safetensors file holds no tensor that can be read.{said}",
            remedy="Save the weights as float32 or bfloat16",
        )
    return WeightsFile(tensors, tuple(left_out))


def _length(data: bytes) -> int:
    return int.from_bytes(data[:8], "little") if len(data) >= 8 else 0


def _header(data: bytes) -> dict[str, Any]:
    length = _length(data)
    if not 2 <= length <= min(_MAX_HEADER_BYTES, len(data) - 8):
        raise InputError(
            f"The .safetensors file declares a header of {length:,} bytes; the file has "
            f"{len(data):,} bytes, and headers of up to {_MAX_HEADER_BYTES:,} are read.",
            remedy=SAVE_AGAIN,
        )
    text = data[8 : 8 + length]
    if text.count(b"[") + text.count(b"{") > _MAX_BRACKETS or text.count(b",") > _MAX_COMMAS:
        raise InputError(
            f"The .safetensors file lists more than {_MAX_BRACKETS // 3:,} tensors.",
            remedy="Save only the layers that you want to see",
        )
    try:
        header = json.loads(text, object_pairs_hook=_without_doubles)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(
            "The header of the .safetensors file is not JSON.", remedy=SAVE_AGAIN
        ) from error
    if not isinstance(header, dict):
        raise InputError("The header of the .safetensors file lists no tensors.", remedy=SAVE_AGAIN)
    return header


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InputError(
            "The header of the .safetensors file has one name twice.", remedy=SAVE_AGAIN
        )
    return found


def _entries(header: dict[str, Any]) -> list[_Entry]:
    return [_entry(name, said) for name, said in header.items() if name != "__metadata__"]


def _entry(name: str, said: object) -> _Entry:
    what = f"Tensor {name[:60]!a}"
    match said:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [int(begin), int(end)]}:
            itemsize = _TYPES[kind].itemsize if kind in _TYPES else 1
            return _Entry(begin, end, name, kind, check_shape(what, shape, itemsize))
        case _:
            raise InputError(
                f"{what} has no type, shape and place in the header.", remedy=SAVE_AGAIN
            )


def _check_places(entries: list[_Entry], n_bytes: int) -> None:
    """Every byte after the header is one tensor's: none lies over another, none between."""
    place = 0
    for entry in entries:
        size = entry.end - entry.begin
        wanted = _n_bytes(entry) if entry.kind in _TYPES else size
        if entry.begin != place or size != wanted or entry.end > n_bytes:
            raise InputError(
                f"The .safetensors file is damaged: the place of tensor {entry.name[:60]!a} "
                f"of {shape_text(entry.shape)} and type {entry.kind[:20]!a} in the file does "
                f"not fit it.",
                remedy=SAVE_AGAIN,
            )
        place = entry.end
    if place != n_bytes:
        raise InputError(
            f"The .safetensors file holds {n_bytes:,} bytes of numbers, but its header speaks of "
            f"{place:,}.",
            remedy=SAVE_AGAIN,
        )


def _n_bytes(entry: _Entry) -> int:
    n_bytes = _TYPES[entry.kind].itemsize
    for side in entry.shape:
        n_bytes *= side
    return n_bytes


def _tensor(entry: _Entry, numbers: memoryview) -> torch.Tensor:
    raw = own_copy(numbers[entry.begin : entry.end])
    return laid_out(as_numbers(raw, _TYPES[entry.kind]), entry.shape, row_major(entry.shape))
