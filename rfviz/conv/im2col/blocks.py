"""Receptive fields copied from the padded picture, some at a time, for what is no matmul."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.padded import pad_rows

Prepare = Callable[[torch.Tensor], torch.Tensor]

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
            slabs = [self._slab(part, rows) for part in parts]
            for left in range(0, n_columns, width):
                across = range(left, min(left + width, n_columns))
                yield rows, across, tuple(self._patches(slab, across) for slab in slabs)

    def _slab(self, columns: ColumnMatrix, rows: range) -> torch.Tensor:
        """Copy the padded rows that some output rows read, (C, kernel height, rows, padded width).

        Kernel row by kernel row, so that a large dilation or stride copies no row between.
        """
        spec = columns.spec
        steps = torch.arange(spec.kernel_size[0])[:, None] * spec.dilation[0]
        needed = (steps + torch.arange(rows.start, rows.stop) * spec.stride[0]).reshape(-1)
        shape = (columns.image.shape[0], len(needed), len(columns.column_sources))
        slab = torch.empty(shape, dtype=self.summed)
        sources = columns.row_sources[needed]
        pad_rows(columns.image, sources, columns.column_sources, spec.pads[1][0], slab)
        if self.prepare is not None and columns is self.columns:
            slab = self._prepared(slab, sources)
        return slab.view(shape[0], len(steps), len(rows), shape[2])

    def _prepared(self, slab: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
        assert self.prepare is not None
        prepared = self.prepare(slab)
        if prepared.shape != slab.shape or prepared.dtype != slab.dtype:
            raise InputError("prepare must keep the shape and the type of what it is given.")
        prepared[:, sources < 0] = 0
        prepared[:, :, self.columns.column_sources < 0] = 0
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
