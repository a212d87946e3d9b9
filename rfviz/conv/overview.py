"""Exact means over bins of the column matrix, from prefix sums of the picture's rows.

A bin of columns is a run of outputs in row-major order: the end of one output row, whole rows, the
start of another. For one tap, the sum of a run is the difference of two prefix sums, and a prefix
sum is whole rows plus part of one row. Both come from one cumulative sum along the rows of the
picture, whatever the number of taps.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

import torch

from rfviz.conv.bins import bin_edges, sum_dtype
from rfviz.conv.padding import pad_rows

if TYPE_CHECKING:
    from rfviz.conv.columns import ColumnMatrix

_BYTES_PER_SLAB = 2**24


def overview_steps(
    columns: "ColumnMatrix", height: int, width: int
) -> Generator[float, None, torch.Tensor]:
    """Yield the fraction done; return the mean of each of height × width bins, float64.

    Memory: the prefix sums of one channel, and tables of (height, width) and (output rows, kernel
    width).
    """
    row_edges = bin_edges(columns.shape[0], height)
    column_edges = bin_edges(columns.shape[1], width)
    bin_of_row = torch.repeat_interleave(torch.arange(len(row_edges) - 1), row_edges.diff())
    sums = torch.zeros(
        len(row_edges) - 1, len(column_edges) - 1, dtype=sum_dtype(columns.image.dtype)
    )
    n_channels, (kernel_height, kernel_width) = columns.image.shape[0], columns.spec.kernel_size
    for channel in range(n_channels):
        prefix = _prefix_of_channel(columns, channel)
        for kernel_row in range(kernel_height):
            yield (channel + (kernel_row + 1) / (kernel_height + 1)) / n_channels
            first = (channel * kernel_height + kernel_row) * kernel_width
            part = _sums_of_taps(columns, prefix, kernel_row, column_edges)
            sums.index_add_(0, bin_of_row[first : first + kernel_width], part)
    counts = row_edges.diff()[:, None] * column_edges.diff()
    return sums.to(torch.float64) / counts


def _prefix_of_channel(columns: "ColumnMatrix", channel: int) -> torch.Tensor:
    """(padded height, padded width + stride): sums of what lies before, in steps of the stride."""
    image, left, stride = (
        columns.image[channel : channel + 1],
        columns.spec.pads[1][0],
        columns.spec.stride[1],
    )
    padded_height, padded_width = len(columns.row_sources), len(columns.column_sources)
    n_steps = -(-padded_width // stride)
    dtype = _prefix_dtype(columns.image.dtype, n_steps)
    prefix = torch.zeros(padded_height, (n_steps + 1) * stride, dtype=dtype)
    n_rows = max(1, _BYTES_PER_SLAB // (prefix.shape[1] * dtype.itemsize))
    for start in range(0, padded_height, n_rows):
        stop = min(start + n_rows, padded_height)
        slab = prefix[None, start:stop, stride : stride + padded_width]
        pad_rows(image, columns.row_sources[start:stop], columns.column_sources, left, slab)
        prefix[start:stop].view(stop - start, n_steps + 1, stride).cumsum_(1)
    return prefix


def _prefix_dtype(dtype: torch.dtype, n_steps: int) -> torch.dtype:
    """Half the memory where a row of bytes cannot overflow it."""
    if dtype in {torch.uint8, torch.int8, torch.bool} and n_steps < 2**23:
        return torch.int32
    return sum_dtype(dtype)


def _sums_of_taps(
    columns: "ColumnMatrix", prefix: torch.Tensor, kernel_row: int, edges: torch.Tensor
) -> torch.Tensor:
    """Sums over the bins of columns for the taps of one kernel row, (kernel width, bins)."""
    spec, (n_rows, n_columns) = columns.spec, columns.output_size
    taps = torch.arange(spec.kernel_size[1]) * spec.dilation[1]
    first = kernel_row * spec.dilation[0]
    rows = prefix[first : first + (n_rows - 1) * spec.stride[0] + 1 : spec.stride[0]]
    whole = rows[:, taps + n_columns * spec.stride[1]] - rows[:, taps]
    before = torch.zeros(n_rows + 1, len(taps), dtype=sum_dtype(columns.image.dtype))
    torch.cumsum(whole, 0, dtype=before.dtype, out=before[1:])
    output_row, output_column = edges // n_columns, edges % n_columns
    # The last edge lies after the last row, with nothing of a row left over: any row serves.
    y = output_row.clamp(max=n_rows - 1)[:, None]
    part = rows[y, taps + output_column[:, None] * spec.stride[1]] - rows[y, taps]
    return (before[output_row] + part).diff(dim=0).T
