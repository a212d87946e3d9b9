"""Both ways at full size, strip by strip: bounded memory, and a moment to stop between strips."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F

from rfviz.conv.arguments import check_convolution
from rfviz.conv.columns import ColumnMatrix
from rfviz.conv.errors import InputError
from rfviz.conv.matmul import conv2d_by_matmul
from rfviz.conv.parameters import whole_number
from rfviz.conv.spec import Conv2dSpec
from rfviz.conv.unfolded import refuse_transforms

# Measured: two cores do some 2e9 products a second, both ways together: 50 to 100 ms a strip.
_PRODUCTS_PER_STRIP = 150_000_000
_BYTES_PER_STRIP = 2**25


class Strip(NamedTuple):
    """Some output rows, both ways, (F, rows, W_out), and the seconds that each way took."""

    rows: range
    by_matmul: torch.Tensor
    by_conv2d: torch.Tensor
    seconds_matmul: float
    seconds_conv2d: float


def conv2d_strips(
    image: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    spec: Conv2dSpec | None = None,
    *,
    prepare: Callable[[torch.Tensor], torch.Tensor] | None = None,
    rows_per_strip: int | None = None,
) -> Iterator[Strip]:
    """Convolve a (C, H, W) picture both ways, a strip of output rows at a time, from the top.

    `prepare` is an elementwise function of the picture in the weight's type, such as a division by
    255; zeros of the padding stay zeros. Both ways read the same rows of the padded picture, the
    judge by the function of `nn.Conv2d`. A strip is about 50 to 100 ms of work unless
    `rows_per_strip` is given. Raises `InputError` like `conv2d_by_matmul`, before the first strip.

    >>> strips = conv2d_strips(torch.ones(1, 4, 4), torch.ones(1, 1, 3, 3), rows_per_strip=1)
    >>> [strip.rows for strip in strips]
    [range(0, 1), range(1, 2)]
    """
    columns = _checked_columns(image, weight, bias, spec)
    if rows_per_strip is None:
        rows_per_strip = _rows_per_strip(columns, weight)
    rows_per_strip = whole_number("rows_per_strip", rows_per_strip, least=1)
    return _strips(columns, weight, bias, prepare, rows_per_strip)


def output_strips(
    image: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    spec: Conv2dSpec | None = None,
    *,
    prepare: Callable[[torch.Tensor], torch.Tensor] | None = None,
    multiple_of: int = 1,
) -> Iterator[tuple[range, torch.Tensor]]:
    """Convolve a (C, H, W) picture as `nn.Conv2d` does: output rows and (F, rows, W_out) of them.

    Strips have a multiple of so many rows, all but the last. Otherwise as `conv2d_strips`.

    >>> strips = output_strips(torch.ones(1, 4, 4), torch.ones(1, 1, 3, 3), multiple_of=5)
    >>> [(rows, values.tolist()) for rows, values in strips]
    [(range(0, 2), [[[9.0, 9.0], [9.0, 9.0]]])]
    """
    columns = _checked_columns(image, weight, bias, spec)
    per_strip = max(1, _rows_per_strip(columns, weight) // multiple_of) * multiple_of
    return _output_strips(columns, weight, bias, prepare, per_strip)


def _checked_columns(
    image: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    spec: Conv2dSpec | None,
) -> ColumnMatrix:
    if isinstance(image, torch.Tensor) and image.ndim != 3:
        raise InputError(f"Strips need one (C, H, W) picture, got {tuple(image.shape)}.")
    _, spec = check_convolution(image, weight, bias, spec)
    refuse_transforms("A convolution in strips", image, weight, bias)
    return ColumnMatrix(image, spec)


def _output_strips(
    columns: ColumnMatrix,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    prepare: Callable[[torch.Tensor], torch.Tensor] | None,
    rows_per_strip: int,
) -> Iterator[tuple[range, torch.Tensor]]:
    for rows, slab in _slabs(columns, weight.dtype, prepare, rows_per_strip):
        yield rows, _by_conv2d(slab, weight, bias, columns.spec)


def _strips(
    columns: ColumnMatrix,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    prepare: Callable[[torch.Tensor], torch.Tensor] | None,
    rows_per_strip: int,
) -> Iterator[Strip]:
    unpadded = replace(columns.spec, padding="valid", padding_mode="zeros")
    for rows, slab in _slabs(columns, weight.dtype, prepare, rows_per_strip):
        start = time.perf_counter()
        # A generator runs in its caller's grad mode between strips, so it is entered for each one.
        with torch.no_grad():
            by_matmul = conv2d_by_matmul(slab, weight, bias, unpadded)
        middle = time.perf_counter()
        by_conv2d = _by_conv2d(slab, weight, bias, columns.spec)
        end = time.perf_counter()
        yield Strip(rows, by_matmul, by_conv2d, middle - start, end - middle)


def _by_conv2d(
    slab: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, spec: Conv2dSpec
) -> torch.Tensor:
    """(F, rows, W_out) of padded rows, by the function of `nn.Conv2d`."""
    with torch.no_grad():
        return F.conv2d(slab[None], weight, bias, spec.stride, 0, spec.dilation, spec.groups)[0]


def _slabs(
    columns: ColumnMatrix,
    dtype: torch.dtype,
    prepare: Callable[[torch.Tensor], torch.Tensor] | None,
    rows_per_strip: int,
) -> Iterator[tuple[range, torch.Tensor]]:
    """Output rows from the top, and the padded rows of the picture that they read, prepared."""
    n_rows = columns.output_size[0]
    for top in range(0, n_rows, rows_per_strip):
        rows = range(top, min(top + rows_per_strip, n_rows))
        with torch.no_grad():
            slab = _prepared_rows(columns, rows, dtype, prepare)
        yield rows, slab


def _prepared_rows(
    columns: ColumnMatrix,
    rows: range,
    dtype: torch.dtype,
    prepare: Callable[[torch.Tensor], torch.Tensor] | None,
) -> torch.Tensor:
    stride, height = columns.spec.stride[0], columns.spec.effective_kernel_size[0]
    start, stop = rows.start * stride, (rows.stop - 1) * stride + height
    slab = columns.padded_rows(start, stop, dtype)
    if prepare is None:
        return slab
    prepared = prepare(slab)
    if prepared.shape != slab.shape or prepared.dtype != slab.dtype:
        raise InputError("prepare must keep the shape and the type of what it is given.")
    prepared[:, columns.row_sources[start:stop] < 0] = 0
    prepared[:, :, columns.column_sources < 0] = 0
    return prepared


def _rows_per_strip(columns: ColumnMatrix, weight: torch.Tensor) -> int:
    n_columns = columns.output_size[1]
    products = weight.numel() * n_columns
    entries = len(columns.column_sources) * columns.image.shape[0] * columns.spec.stride[0]
    n_bytes = (entries + 2 * len(weight) * n_columns) * weight.element_size()
    # At least as many rows as the kernel has, or most of a strip is rows read before.
    least = columns.spec.effective_kernel_size[0] // columns.spec.stride[0]
    return max(1, least, min(_PRODUCTS_PER_STRIP // products, _BYTES_PER_STRIP // n_bytes))
