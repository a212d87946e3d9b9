"""A picture resized and cropped, some rows at a time: as floats a large one is four times its file.

torch resizes a whole picture in one call, which for 100 megapixels takes gigabytes and seconds in
which nobody can stop it. Rows are resized here where they are asked for, and nothing is kept.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from rfviz.conv.spec.padding_modes import Pair

# Rows are weighed by a matrix of rows by rows: of few it is small, of many mostly zeros.
_ROWS_AT_ONCE = 16
_BYTES_AT_ONCE = 2**23
_BYTES_OF_A_FLOAT = 4


class Resized:
    """Float32 (C, h, w): the middle of a uint8 (C, H, W) picture of another size, its `crop`.

    Bilinear with antialiasing, as `F.interpolate`, up to the rounding of float32. Source: the
    weights of `interpolate(..., mode="bilinear", antialias=True)` in torch's UpSampleKernel.cpp.

    >>> picture = torch.arange(16, dtype=torch.uint8).view(1, 4, 4)
    >>> resized = Resized(picture, (2, 2), (2, 1))
    >>> resized.shape, resized.rows(torch.tensor([1])).shape
    ((1, 2, 1), torch.Size([1, 1, 1]))
    """

    def __init__(self, picture: Tensor, size: Pair, crop: Pair) -> None:
        """Compute nothing yet."""
        self._picture = picture
        self._size = size
        self._top, self._left = ((side - part) // 2 for side, part in zip(size, crop, strict=True))
        self.shape = (picture.shape[0], *crop)

    def rows(self, rows: Tensor) -> Tensor:
        """Float32 (C, len(rows), w) of rows in ascending order."""
        out = torch.empty(self.shape[0], len(rows), self.shape[2])
        n_at_once = min(_ROWS_AT_ONCE, self._n_at_once)
        breaks = ((rows[1:] != rows[:-1] + 1).nonzero()[:, 0] + 1).tolist()
        for first, last in pairwise([0, *breaks, len(rows)]):
            for start in range(first, last, n_at_once):
                stop = min(start + n_at_once, last)
                out[:, start:stop] = self._run(int(rows[start]), stop - start)
        return out

    @property
    def _n_at_once(self) -> int:
        """Rows of the picture or of the resized one that are held as floats together."""
        widest = max(self._size[1], self._picture.shape[2])
        return max(1, _BYTES_AT_ONCE // (self.shape[0] * widest * _BYTES_OF_A_FLOAT))

    def _run(self, first: int, count: int) -> Tensor:
        """Some rows side by side: of the picture only those that have a weight are widened."""
        weights, start = row_weights(
            self._picture.shape[1], self._size[0], self._top + first, count
        )
        out = torch.zeros(self.shape[0], count, self.shape[2])
        for low in range(0, weights.shape[1], self._n_at_once):
            high = min(low + self._n_at_once, weights.shape[1])
            out += weights[:, low:high] @ self._across(self._picture[:, start + low : start + high])
        return out

    def _across(self, rows: Tensor) -> Tensor:
        if self._size[1] == 1:
            # Of an output one column wide torch's function fills every row with the first.
            return rows.float() @ row_weights(rows.shape[2], 1, 0, 1)[0].T
        size = (rows.shape[1], self._size[1])
        wide = F.interpolate(rows[None].float(), size, mode="bilinear", antialias=True)[0]
        return wide[:, :, self._left : self._left + self.shape[2]]


def row_weights(height: int, resized: int, first: int, count: int) -> tuple[Tensor, int]:
    """Weights (count, n) of n rows of a picture in rows of the resized one, and the first of the n.

    >>> row_weights(2, 1, 0, 1)
    (tensor([[0.5000, 0.5000]]), 0)
    """
    scale = height / resized
    reach = max(scale, 1.0)
    centres = (torch.arange(first, first + count, dtype=torch.float64) + 0.5) * scale
    start = max(0, int(float(centres[0]) - reach))
    stop = min(height, int(float(centres[-1]) + reach) + 1)
    sources = torch.arange(start, stop, dtype=torch.float64) + 0.5
    weights = (1 - (sources - centres[:, None]).abs() / reach).clamp(min=0)
    return (weights / weights.sum(1, keepdim=True)).float(), start
