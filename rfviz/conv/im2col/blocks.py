"""Receptive fields copied from the padded picture, some at a time, for what is no matmul."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.padded import pad_rows
from rfviz.conv.im2col.tiles import picked

Prepare = Callable[[torch.Tensor], torch.Tensor]

# The padded rows that a row of outputs reads are copied a part at a time where they are more.
SLAB_BYTES = 2**25
# Shorter blocks spend their time in calls, longer ones leave the cache.
BLOCK_BYTES = 2 * 2**20
HALVES = (torch.bfloat16, torch.float16)


@dataclass(frozen=True)
class ReceptiveFields:
    """The receptive fields of a picture, and of its mask, block by block in the type of the sum.

    `prepare` is an elementwise function of the picture; zeros of the padding stay zeros.

    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> columns = ColumnMatrix(torch.arange(9).reshape(1, 3, 3), Conv2dSpec(2))
    >>> fields = ReceptiveFields(columns, None, torch.float32)
    >>> [block.tolist() for _, _, (block,) in fields.blocks(range(1))]
    [[[0.0, 1.0], [1.0, 2.0], [3.0, 4.0], [4.0, 5.0]]]
    """

    columns: ColumnMatrix
    mask: ColumnMatrix | None
    dtype: torch.dtype
    prepare: Prepare | None = None

    @property
    def summed(self) -> torch.dtype:
        """The type that operators compute in: half types are computed in float32."""
        return torch.float32 if self.dtype in HALVES else self.dtype

    def blocks(self, strip: range) -> Iterator[tuple[range, range, tuple[torch.Tensor, ...]]]:
        """Yield (rows, columns) of some outputs and their receptive fields, tile by tile.

        A block is (K, rows * columns), of about `BLOCK_BYTES`: the picture's, and then the mask's.
        """
        n_columns = self.columns.output_size[1]
        n_outputs = max(1, BLOCK_BYTES // (self.columns.shape[0] * self.summed.itemsize))
        n_rows, width = max(1, n_outputs // n_columns), min(n_columns, n_outputs)
        parts = [self.columns] if self.mask is None else [self.columns, self.mask]
        for top in range(strip.start, strip.stop, n_rows):
            rows = range(top, min(top + n_rows, strip.stop))
            span = self._columns_per_slab(len(rows), width)
            for start in range(0, n_columns, span):
                part_of_row = range(start, min(start + span, n_columns))
                slabs = [self._slab(part, rows, part_of_row) for part in parts]
                for left in range(0, len(part_of_row), width):
                    inside = range(left, min(left + width, len(part_of_row)))
                    across = part_of_row[inside.start : inside.stop]
                    yield rows, across, tuple(self._patches(slab, inside) for slab in slabs)

    def _columns_per_slab(self, n_rows: int, width: int) -> int:
        """Output columns, in blocks of `width`, whose slab is within `SLAB_BYTES`; at least one."""
        spec, n_columns = self.columns.spec, self.columns.output_size[1]
        high = self.columns.image.shape[0] * spec.kernel_size[0] * n_rows
        most = SLAB_BYTES // (high * self.summed.itemsize)
        if len(self.columns.column_sources) <= most:
            return n_columns
        room = (most - spec.effective_kernel_size[1]) // spec.stride[1] + 1
        return max(1, room // width) * width

    def _slab(self, columns: ColumnMatrix, rows: range, across: range) -> torch.Tensor:
        """Copy the padded pixels that outputs read, (C, kernel height, rows, columns read).

        Kernel row by kernel row, so that a large dilation or stride copies no row between.
        """
        spec = columns.spec
        steps = torch.arange(spec.kernel_size[0])[:, None] * spec.dilation[0]
        needed = (steps + torch.arange(rows.start, rows.stop) * spec.stride[0]).reshape(-1)
        first = across.start * spec.stride[1]
        reach = (len(across) - 1) * spec.stride[1] + spec.effective_kernel_size[1]
        read = torch.arange(first, first + reach)
        if len(across) == columns.output_size[1]:
            read = torch.arange(len(columns.column_sources))
            slab = torch.empty(columns.image.shape[0], len(needed), len(read), dtype=self.summed)
            sources = columns.row_sources[needed], columns.column_sources
            pad_rows(columns.image, *sources, spec.pads[1][0], slab)
        else:
            slab = picked(columns, needed, read, self.summed)
        if self.prepare is not None and columns is self.columns:
            slab = self._prepared(slab, columns.row_sources[needed], columns.column_sources[read])
        return slab.view(len(slab), len(steps), len(rows), len(read))

    def _prepared(
        self, slab: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
    ) -> torch.Tensor:
        assert self.prepare is not None
        prepared = self.prepare(slab)
        if prepared.shape != slab.shape or prepared.dtype != slab.dtype:
            raise InputError("prepare must keep the shape and the type of what it is given.")
        prepared[:, rows < 0] = 0
        prepared[:, :, columns < 0] = 0
        return prepared

    def _patches(self, slab: torch.Tensor, across: range) -> torch.Tensor:
        spec = self.columns.spec
        step_c, step_k, step_y, step_x = slab.stride()
        view = slab.as_strided(
            (*slab.shape[:2], spec.kernel_size[1], slab.shape[2], len(across)),
            (step_c, step_k, step_x * spec.dilation[1], step_y, step_x * spec.stride[1]),
            slab.storage_offset() + across.start * spec.stride[1] * step_x,
        )
        return view.reshape(self.columns.shape[0], slab.shape[2] * len(across))
