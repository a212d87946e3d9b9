"""Exact means over bins of the column matrix, from prefix sums of the picture's rows.

A bin of columns is a run of outputs in row-major order: the end of one output row, whole rows, the
start of another. For one tap, the sum of a run is the difference of two prefix sums, and a prefix
sum is whole rows plus part of one row. Both come from one cumulative sum along the rows of the
picture, whatever the number of taps.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

import torch

from rfviz.conv.im2col.bins import bin_edges, sum_dtype
from rfviz.conv.im2col.padded import pad_rows

if TYPE_CHECKING:
    from rfviz.conv.im2col.column_matrix import ColumnMatrix

_BYTES_PER_SLAB = 2**24


def overview_steps(
    columns: "ColumnMatrix", height: int, width: int, part: range
) -> Generator[float, None, torch.Tensor]:
    """Yield the fraction done; return the mean of each of height × width bins, float64.

    The bins are those of all rows and of the columns in `part`. Memory: the prefix sums of one
    channel of the padded rows that these columns read, and tables of (height, width) and (output
    rows, kernel width).
    """
    row_edges = bin_edges(columns.shape[0], height)
    # Counted from the start of the first output row that has any column of the part.
    n_before = part.start // columns.output_size[1]
    first = n_before * columns.output_size[1]
    column_edges = bin_edges(len(part), width) + (part.start - first)
    outputs = range(n_before, (part.stop - 1) // columns.output_size[1] + 1)
    bin_of_row = torch.repeat_interleave(torch.arange(len(row_edges) - 1), row_edges.diff())
    sums = torch.zeros(
        len(row_edges) - 1, len(column_edges) - 1, dtype=sum_dtype(columns.image.dtype)
    )
    n_channels, (kernel_height, kernel_width) = columns.image.shape[0], columns.spec.kernel_size
    for channel in range(n_channels):
        prefix = _prefix_of_channel(columns, channel, _rows_read(columns, outputs))
        for kernel_row in range(kernel_height):
            yield (channel + (kernel_row + 1) / (kernel_height + 1)) / n_channels
            row = (channel * kernel_height + kernel_row) * kernel_width
            taps = _sums_of_taps(columns, prefix, kernel_row, column_edges, len(outputs))
            sums.index_add_(0, bin_of_row[row : row + kernel_width], taps)
    counts = row_edges.diff()[:, None] * column_edges.diff()
    return sums.to(torch.float64) / counts


def _rows_read(columns: "ColumnMatrix", outputs: range) -> range:
    """Rows of the padded picture that some output rows read."""
    stride, reach = columns.spec.stride[0], columns.spec.effective_kernel_size[0]
    return range(outputs[0] * stride, outputs[-1] * stride + reach)


def _prefix_of_channel(columns: "ColumnMatrix", channel: int, rows: range) -> torch.Tensor:
    """(rows, padded width + stride): sums of what lies before, in steps of the stride."""
    image, left, stride = (
        columns.image[channel : channel + 1],
        columns.spec.pads[1][0],
        columns.spec.stride[1],
    )
    padded_width = len(columns.column_sources)
    row_sources = columns.row_sources[rows.start : rows.stop]
    n_steps = -(-padded_width // stride)
    dtype = _prefix_dtype(columns.image.dtype, n_steps)
    prefix = torch.zeros(len(rows), (n_steps + 1) * stride, dtype=dtype)
    n_rows = max(1, _BYTES_PER_SLAB // (prefix.shape[1] * dtype.itemsize))
    for start in range(0, len(rows), n_rows):
        stop = min(start + n_rows, len(rows))
        slab = prefix[None, start:stop, stride : stride + padded_width]
        pad_rows(image, row_sources[start:stop], columns.column_sources, left, slab)
        prefix[start:stop].view(stop - start, n_steps + 1, stride).cumsum_(1)
    return prefix


def _prefix_dtype(dtype: torch.dtype, n_steps: int) -> torch.dtype:
    """Half the memory where a row of bytes cannot overflow it."""
    if dtype in {torch.uint8, torch.int8, torch.bool} and n_steps < 2**23:
        return torch.int32
    return sum_dtype(dtype)


def _sums_of_taps(
    columns: "ColumnMatrix",
    prefix: torch.Tensor,
    kernel_row: int,
    edges: torch.Tensor,
    n_rows: int,
) -> torch.Tensor:
    """Sums over the bins of columns for the taps of one kernel row, (kernel width, bins)."""
    spec, n_columns = columns.spec, columns.output_size[1]
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
