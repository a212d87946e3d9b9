"""Small pictures padded whole, many at a time, into one buffer that the next ones reuse.

A photograph is padded a few rows at a time, `pad_rows`. Feature maps are small and many: what
costs there is the number of calls, so that a whole part of a batch is padded by a few of them.
"""

import math
from collections.abc import Iterator

import torch

from rfviz.conv.im2col.reads import axis_sources
from rfviz.conv.spec.spec import Conv2dSpec


class PaddedBatch:
    """Room for `n_pictures` padded pictures, in the type that they are summed in.

    >>> padded = PaddedBatch(torch.ones(2, 1, 1, 1), Conv2dSpec(1, padding=(0, 1)), 2, torch.int64)
    >>> [part.tolist() for _, part in padded.parts()]
    [[[[[0, 1, 0]]], [[[0, 1, 0]]]]]
    """

    def __init__(
        self,
        batch: torch.Tensor,
        spec: Conv2dSpec,
        n_pictures: int,
        dtype: torch.dtype,
        *,
        channels_last: bool = False,
    ) -> None:
        """Keep the batch and allocate the buffer, whose margin stays zero in padding of zeros."""
        self._batch, self._n_pictures = batch, n_pictures
        (self._top, _), (self._left, _) = spec.pads
        height, width = spec.padded_size(batch.shape[2:])
        self._sources = None
        if spec.padding_mode != "zeros" and (height, width) != tuple(batch.shape[2:]):
            self._sources = axis_sources(tuple(batch.shape[2:]), spec)
        channels = batch.shape[1]
        if channels_last:
            shape = (n_pictures, height, width, channels)
            self._buffer = batch.new_zeros(shape, dtype=dtype).permute(0, 3, 1, 2)
        else:
            self._buffer = batch.new_zeros((n_pictures, channels, height, width), dtype=dtype)

    def parts(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """Yield which pictures, and them padded, (n, C, padded height, padded width)."""
        for start in range(0, self._batch.shape[0], self._n_pictures):
            which = slice(start, min(start + self._n_pictures, self._batch.shape[0]))
            yield which, self._fill(self._batch[which])

    def _fill(self, pictures: torch.Tensor) -> torch.Tensor:
        part = self._buffer[: pictures.shape[0]]
        if self._sources is not None:
            rows, columns = self._sources
            part.copy_(pictures.index_select(2, rows).index_select(3, columns))
            return part
        height, width = pictures.shape[2:]
        inside = part[:, :, self._top : self._top + height, self._left : self._left + width]
        inside.copy_(pictures)
        return part


def padded_bytes(batch: torch.Tensor, spec: Conv2dSpec, dtype: torch.dtype) -> int:
    """Bytes that one picture of a batch takes with its padding, in a type.

    >>> padded_bytes(torch.zeros(2, 3, 4, 4), Conv2dSpec(3, padding=1), torch.float32)
    432
    """
    return batch.shape[1] * math.prod(spec.padded_size(batch.shape[2:])) * dtype.itemsize
