"""A band of the column matrix in one reused buffer, as a matmul in blocks needs it.

The buffer holds the taps of one kernel row, for every picture row of the band. The rows of the
column matrix for the next kernel row are the same numbers one picture row further on, so they are a
slice of the buffer and are never copied again: a 7 × 7 kernel copies each pixel 7 times, not 49.
"""

import math
from collections.abc import Iterator

import torch

from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.spec.padding_modes import Pair


class Band:
    """The rows and columns of the column matrix for one tile of outputs, refilled tile by tile.

    `tile` is (output rows, output columns), chosen so that the buffer is about `block_bytes`.

    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> columns = ColumnMatrix(torch.arange(9.0).reshape(1, 3, 3), Conv2dSpec(2))
    >>> band = Band(columns, torch.float32, 2**20)
    >>> [band.columns_of(1, len(rows)).tolist() for rows, _ in band.tiles(columns)]
    [[[3.0, 4.0, 6.0, 7.0], [4.0, 5.0, 7.0, 8.0]]]
    """

    def __init__(self, columns: ColumnMatrix, dtype: torch.dtype, block_bytes: int) -> None:
        """Choose the tile and allocate a slab of padded rows and the buffer."""
        self._spec = columns.spec
        self._phases, self._extra, self.tile = _layout(columns, dtype, block_bytes)
        slab, n_entries = _sizes(columns, self._phases, self._extra, self.tile)
        n_rows = self.tile[0] + self._extra
        self._slab = torch.zeros(slab, dtype=dtype)
        # A tile writes the part of it that it reads, before it reads it.
        self._buffer = torch.empty(n_entries, dtype=dtype)
        self._filled = self._buffer.view(len(self._phases), -1, n_rows * self.tile[1])

    def tiles(self, columns: ColumnMatrix) -> Iterator[tuple[range, range]]:
        """Fill the band for each tile of outputs in turn, and yield its (rows, columns).

        `columns` must have the size and the spec that the band was made for.
        """
        (n_rows, n_columns), stride = columns.output_size, self._spec.stride[0]
        for top in range(0, n_rows, self.tile[0]):
            rows = range(top, min(top + self.tile[0], n_rows))
            height = (len(rows) - 1) * stride + self._spec.effective_kernel_size[0]
            columns.padded_rows(top * stride, top * stride + height, out=self._slab[:, :height])
            for left in range(0, n_columns, self.tile[1]):
                across = range(left, min(left + self.tile[1], n_columns))
                self._fill(len(rows) + self._extra, across)
                yield rows, across

    def columns_of(self, kernel_row: int, n_rows: int) -> torch.Tensor:
        """Rows of the column matrix for one kernel row, (C * kernel width, outputs of the tile)."""
        shift, phase = divmod(kernel_row * self._spec.dilation[0], self._spec.stride[0])
        per_row = self._filled.shape[2] // (n_rows + self._extra)
        part = self._filled[self._phases.index(phase)]
        return part[:, shift * per_row : (shift + n_rows) * per_row]

    def _fill(self, n_rows: int, across: range) -> None:
        channels, (step_c, step_y, _) = self._slab.shape[0], self._slab.stride()
        (stride_y, stride_x), width = self._spec.stride, self._spec.kernel_size[1]
        n_entries = channels * width * n_rows * len(across)
        filled = self._buffer[: len(self._phases) * n_entries]
        self._filled = filled.view(len(self._phases), channels * width, n_rows * len(across))
        for part, phase in zip(self._filled, self._phases, strict=True):
            taps = self._slab.as_strided(
                (channels, width, n_rows, len(across)),
                (step_c, self._spec.dilation[1], stride_y * step_y, stride_x),
                phase * step_y + across.start * stride_x,
            )
            part.view(taps.shape).copy_(taps)


def band_bytes(columns: ColumnMatrix, dtype: torch.dtype, block_bytes: int) -> int:
    """Bytes that a `Band` of these columns takes: more than `block_bytes` for a tall kernel."""
    slab, n_entries = _sizes(columns, *_layout(columns, dtype, block_bytes))
    return (math.prod(slab) + n_entries) * dtype.itemsize


def _layout(
    columns: ColumnMatrix, dtype: torch.dtype, block_bytes: int
) -> tuple[list[int], int, Pair]:
    """Phases, rows that a tile reads beyond its outputs, and the (rows, columns) of a tile."""
    spec = columns.spec
    starts = [row * spec.dilation[0] for row in range(spec.kernel_size[0])]
    # Kernel rows whose offsets differ by a multiple of the stride share a part of the buffer.
    phases = sorted({start % spec.stride[0] for start in starts})
    extra = starts[-1] // spec.stride[0]
    n_taps = columns.image.shape[0] * spec.kernel_size[1] * len(phases)
    entries = max(1, block_bytes // (dtype.itemsize * n_taps))
    return phases, extra, _tile(columns.output_size, entries, extra)


def _sizes(
    columns: ColumnMatrix, phases: list[int], extra: int, tile: Pair
) -> tuple[tuple[int, int, int], int]:
    """The shape of the slab, and the number of entries of the buffer."""
    channels, n_rows = columns.image.shape[0], tile[0] + extra
    # One stride more than is read: the view of the last phase may not leave the slab.
    slab = (channels, (n_rows + 1) * columns.spec.stride[0], len(columns.column_sources))
    n_taps = channels * columns.spec.kernel_size[1] * len(phases)
    return slab, n_taps * n_rows * tile[1]


def _tile(output_size: Pair, entries: int, extra: int) -> Pair:
    """(rows, columns) of outputs: whole rows where a few kernels of them fit, else part of them.

    Each band copies `extra` rows more than it has outputs, hence at least twice as many outputs.
    """
    n_rows, n_columns = output_size
    rows = min(n_rows, max(1, entries // n_columns - extra, 2 * extra))
    return rows, min(n_columns, max(1, entries // (rows + extra)))
