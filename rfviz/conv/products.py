"""Products of the virtual column matrix with a tensor, block by block of its columns."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.memory import Allocation
from rfviz.conv.parameters import shown
from rfviz.conv.unfolded import is_followed

if TYPE_CHECKING:
    from rfviz.conv.columns import ColumnMatrix

_BYTES_PER_BLOCK = 2**24


def by_columns(matrix: "ColumnMatrix", other: object) -> torch.Tensor:
    """Product of (rows, columns) with (columns,) or (columns, n); whole numbers are summed exactly.

    >>> from rfviz.conv.columns import ColumnMatrix
    >>> from rfviz.conv.spec import Conv2dSpec
    >>> by_columns(ColumnMatrix(torch.ones(1, 3, 3), Conv2dSpec(2)), torch.ones(4)).tolist()
    [4.0, 4.0, 4.0, 4.0]
    """
    right, dtype = _factor(matrix, other, 0)
    with Allocation("The product"):
        if is_followed(matrix.image, right):
            return matrix.dense().to(dtype) @ right
        total = torch.zeros(matrix.shape[0], *right.shape[1:], dtype=dtype)
        for part in _blocks(matrix, dtype):
            total += matrix[:, part].to(dtype) @ right[part]
        return total


def of_rows(other: object, matrix: "ColumnMatrix") -> torch.Tensor:
    """Product of (rows,) or (n, rows) with (rows, columns): a convolution, if n are filters.

    >>> from rfviz.conv.columns import ColumnMatrix
    >>> from rfviz.conv.spec import Conv2dSpec
    >>> of_rows([1, 0, 0, 1], ColumnMatrix(torch.ones(1, 3, 3), Conv2dSpec(2))).tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    left, dtype = _factor(matrix, other, -1)
    with Allocation("The product"):
        if is_followed(matrix.image, left):
            return left @ matrix.dense().to(dtype)
        parts = [left @ matrix[:, part].to(dtype) for part in _blocks(matrix, dtype)]
        return torch.cat(parts, dim=-1)


def _blocks(matrix: "ColumnMatrix", dtype: torch.dtype) -> Iterator[slice]:
    n_rows, n_columns = matrix.shape
    step = max(1, _BYTES_PER_BLOCK // (n_rows * dtype.itemsize))
    return (slice(start, min(start + step, n_columns)) for start in range(0, n_columns, step))


def _factor(matrix: "ColumnMatrix", other: object, dim: int) -> tuple[torch.Tensor, torch.dtype]:
    """The other factor as a tensor in the type of the product, or `InputError`."""
    side, n = ("columns", matrix.shape[1]) if dim == 0 else ("rows", matrix.shape[0])
    if type(other) is type(matrix):
        other = other.dense()
    try:
        factor = torch.as_tensor(other)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise InputError(
            f"The column matrix is multiplied by a tensor, got {shown(other)}."
        ) from None
    plain = factor.layout == torch.strided and not factor.is_complex() and not factor.is_quantized
    if not plain or factor.device.type != "cpu":
        raise InputError(
            f"The column matrix is multiplied by plain real numbers on the CPU, got "
            f"{factor.dtype} on {factor.device}."
        )
    if factor.ndim not in {1, 2} or factor.shape[dim] != n:
        raise InputError(
            f"The column matrix has {n} {side}, so that it is multiplied by ({n},) or "
            f"{f'({n}, n)' if dim == 0 else f'(n, {n})'}, got {tuple(factor.shape)}."
        )
    dtype = torch.promote_types(factor.dtype, matrix.image.dtype)
    dtype = dtype if dtype.is_floating_point else torch.int64
    return factor.to(dtype), dtype
