"""A histogram of numbers that come in pieces, whose range is not known before the last."""

import math
from typing import NamedTuple

import torch

N_BINS = 256


class Histogram(NamedTuple):
    """Counts (n,) int64 of n equal bins; the first begins at `start`."""

    counts: torch.Tensor
    start: float
    width: float


class GrowingHistogram:
    """Counts in 256 bins around 0, whose width is a power of two and doubles when it must.

    A bin holds its lower edge. As a wider bin is two narrower ones, the counts are exact, whatever
    the order of the pieces. Numbers that are not finite are left out.

    >>> seen = GrowingHistogram()
    >>> seen.add(torch.tensor([0.0, 1.0, 1.0]))
    >>> seen.add(torch.tensor([300.0]))
    >>> seen.n, seen.counted().width
    (4, 4.0)
    """

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._counts = torch.zeros(N_BINS, dtype=torch.int64)
        self._width = 0.0

    @property
    def n(self) -> int:
        """How many numbers are counted."""
        return int(self._counts.sum())

    def add(self, values: torch.Tensor) -> None:
        """Count the values of a tensor of any shape."""
        flat = values.detach().reshape(-1).double()
        flat = flat[flat.isfinite()]
        if not flat.numel():
            return
        self._widen(float(flat.abs().max()))
        index = (flat / self._width).floor_().to(torch.int64) + N_BINS // 2
        self._counts += torch.bincount(index, minlength=N_BINS)

    def counted(self) -> Histogram:
        """The bins from the first to the last that holds anything; none, where nothing is."""
        filled = self._counts.nonzero().flatten()
        if not filled.numel():
            return Histogram(self._counts[:0], 0.0, 1.0)
        first, last = int(filled[0]), int(filled[-1])
        start = (first - N_BINS // 2) * self._width
        return Histogram(self._counts[first : last + 1].clone(), start, self._width)

    def _widen(self, largest: float) -> None:
        half = N_BINS // 2
        if self._width == 0:
            # frexp: largest < 2 ** exponent, which 128 bins then reach.
            _, exponent = math.frexp(largest)
            self._width = max(2.0**-1000, math.ldexp(1 / half, exponent)) if largest else 2.0**-40
        while largest >= half * self._width:
            merged = self._counts.view(-1, 2).sum(1)
            self._counts = torch.zeros_like(self._counts)
            self._counts[half // 2 : half // 2 + half] = merged
            self._width *= 2
