"""Bytes of a file to a tensor: the only place where the loaders of weights make one.

Sizes are checked before memory is taken, and every byte of a tensor was in the file or is zero.
"""

import math
from collections.abc import Sequence
from typing import NoReturn

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.memory import readable_bytes

MAX_BYTES = 500_000_000
_GROWTH, _SMALL = 8, 100_000_000
_MAX_SIDE = 2**63 - 1
_MAX_DIMENSIONS = 64
_CHUNK = 16_000_000  # bytes copied at a time, so that other threads get their turn
SAVE_AGAIN = "Copy or download it again, or save it anew"


def most_bytes_of(n_file: int) -> int:
    """The most bytes of numbers that are made of a file of `n_file` bytes.

    >>> most_bytes_of(1000), most_bytes_of(20_000_000), most_bytes_of(200_000_000)
    (100000000, 160000000, 500000000)
    """
    return min(MAX_BYTES, max(_SMALL, _GROWTH * n_file))


def check_total(what: str, n_bytes: int, n_file: int) -> None:
    """Raise `InputError` if a file of `n_file` bytes declares too many bytes of numbers.

    At most `MAX_BYTES`, and no more than 8 times the file unless that is under 100 MB: so much
    repetition is no layer's weights.

    >>> check_total("The file", 1000, 500)
    """
    if n_bytes > MAX_BYTES:
        raise InputError(
            f"{what} declares {readable_bytes(n_bytes)} of numbers; at most "
            f"{readable_bytes(MAX_BYTES)} are read.",
            remedy="Save only the layers that you want to see, for example in a .safetensors file",
        )
    if n_bytes > most_bytes_of(n_file):
        raise InputError(
            f"{what} would grow from {readable_bytes(n_file)} to {readable_bytes(n_bytes)}, which "
            f"is more than {_GROWTH} times.",
            remedy="Save it anew without compression, and each number once",
        )


def check_shape(what: str, shape: Sequence[object], n_bytes_each: int) -> tuple[int, ...]:
    """Return a shape of whole numbers that a tensor can have, even one that holds no number.

    >>> check_shape("The array", [2, 0, 3], 4)
    (2, 0, 3)
    """
    # Of more sides than a tensor has, even multiplying them would take long.
    few = shape[: _MAX_DIMENSIONS + 1]
    sides = tuple(side for side in few if type(side) is int and 0 <= side <= _MAX_SIDE)
    # A side of 0 makes an array empty, not the others small: torch multiplies those too.
    whole = math.prod(max(side, 1) for side in sides) * n_bytes_each
    if len(sides) != len(shape) or len(shape) > _MAX_DIMENSIONS or whole > _MAX_SIDE:
        raise InputError(
            f"{what} has the shape {shape_text(shape)}, which no tensor has.", remedy=SAVE_AGAIN
        )
    return sides


def shape_text(shape: Sequence[object]) -> str:
    """Return a shape in words of bounded length, whatever it holds.

    >>> shape_text((2, 10**40, "x"))
    '(2, over 2^63, ?)'
    """
    sides = [_side_text(side) for side in shape[:8]] + ["..."] * (len(shape) > 8)
    return f"({', '.join(sides)})"


def checked_extent(
    what: str, n_held: int, offset: object, shape: Sequence[int], stride: Sequence[object]
) -> tuple[int, ...]:
    """Return the strides, once it is known that all numbers lie among the `n_held` of a block.

    >>> checked_extent("Tensor 'a'", 6, 0, (2, 3), (3, 1))
    (3, 1)
    """
    steps = tuple(step for step in stride if type(step) is int and 0 <= step <= _MAX_SIDE)
    if type(offset) is not int or not 0 <= offset <= _MAX_SIDE or len(steps) != len(stride):
        _refuse_extent(what, "a negative place")
    if len(steps) != len(shape):
        _refuse_extent(what, f"{len(steps)} strides for {len(shape)} dimensions")
    if 0 not in shape:
        last = offset + sum((side - 1) * step for side, step in zip(shape, steps, strict=True))
        if last >= n_held:
            _refuse_extent(what, f"number {_side_text(last + 1)} of {n_held:,}")
    # The stride of a side of one is never taken.
    return tuple(step if side > 1 else 1 for side, step in zip(shape, steps, strict=True))


def own_copy(block: memoryview | bytes) -> torch.Tensor:
    """Return the bytes of a file as uint8 (n,), in memory of their own.

    >>> own_copy(b"ab").tolist()
    [97, 98]
    """
    n_bytes = len(block)
    if n_bytes == 0:
        return torch.zeros(0, dtype=torch.uint8)
    copy = bytearray(n_bytes)
    for start in range(0, n_bytes, _CHUNK):
        copy[start : start + _CHUNK] = block[start : start + _CHUNK]
    return torch.frombuffer(copy, dtype=torch.uint8)


def as_numbers(raw: torch.Tensor, dtype: torch.dtype, *, big_endian: bool = False) -> torch.Tensor:
    """Return uint8 (n,) as numbers of a type, (n / bytes of one,), from either order of bytes.

    >>> as_numbers(torch.tensor([1, 0], dtype=torch.uint8), torch.int16).tolist()
    [1]
    """
    if raw.numel() == 0:
        return torch.zeros(0, dtype=dtype)
    if dtype == torch.bool:
        return raw != 0  # a byte of 2 would be neither true nor false
    if big_endian and dtype.itemsize > 1:
        raw = raw.reshape(-1, dtype.itemsize).flip(1).reshape(-1)
    return raw.view(dtype)


def laid_out(
    numbers: torch.Tensor, shape: Sequence[int], stride: Sequence[int], offset: int = 0
) -> torch.Tensor:
    """Return numbers (n,) in a shape, contiguous; a copy unless it is all of them in their order.

    >>> laid_out(torch.arange(6), (3, 2), (1, 3)).tolist()
    [[0, 3], [1, 4], [2, 5]]
    """
    if 0 in shape:
        return torch.zeros(tuple(shape), dtype=numbers.dtype)
    view = numbers.as_strided(tuple(shape), tuple(stride), offset)
    if view.is_contiguous() and view.numel() == numbers.numel():
        return view
    return view.clone(memory_format=torch.contiguous_format)


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of numbers in C order, the last side first to vary.

    >>> row_major((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _side_text(side: object) -> str:
    if type(side) is not int:
        return "?"
    if abs(side) > _MAX_SIDE:
        return "over 2^63" if side > 0 else "under -2^63"
    return str(side)


def _refuse_extent(what: str, asked: str) -> NoReturn:
    raise InputError(
        f"{what} asks for {asked}: the file does not hold it.",
        remedy=SAVE_AGAIN,
    )
