"""What remains of two maps of one size, strip by strip: means of bins, moments, histograms."""

import math
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.feature_maps.histogram import GrowingHistogram
from rfviz.conv.im2col.bins import bin_edges
from rfviz.conv.spec.padding_modes import Pair


class Moments(NamedTuple):
    """Mean and standard deviation (of the whole, not of a sample) of one map."""

    mean: float
    deviation: float


class PairedMaps:
    """Two (H, W) maps given as strips of rows in order; memory is that of (height, width) bins.

    Moments and the correlation are of the places where both are finite; they are merged strip by
    strip in float64. Source: Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", 1979.

    >>> maps = PairedMaps((2, 2), (1, 1))
    >>> maps.add(range(2), torch.tensor([[0.0, 2.0], [4.0, 6.0]]), torch.zeros(2, 2))
    >>> maps.means[0].tolist(), maps.moments[0].mean, maps.fraction
    ([[3.0]], 3.0, 1.0)
    """

    def __init__(self, size: Pair, map_size: Pair) -> None:
        """Begin with no strip; the maps are clamped to the size."""
        self.size = size
        self.n_rows = 0
        self.n_finite = 0
        self.histograms = (GrowingHistogram(), GrowingHistogram())
        self._rows, self._columns = (
            bin_edges(n, most) for n, most in zip(size, map_size, strict=True)
        )
        shape = (2, len(self._rows) - 1, len(self._columns) - 1)
        self._sums = torch.zeros(shape, dtype=torch.float64)
        self._mean = torch.zeros(2, dtype=torch.float64)
        self._products = torch.zeros(2, 2, dtype=torch.float64)

    def add(self, rows: range, first: torch.Tensor, second: torch.Tensor) -> None:
        """Take the next (n rows, W) of both into account; `InputError` unless they follow."""
        expected = (len(rows), self.size[1])
        if rows.start != self.n_rows or {first.shape, second.shape} != {expected}:
            raise InputError(
                f"Expected {expected} of both maps from row {self.n_rows}, got {rows} of "
                f"{tuple(first.shape)} and {tuple(second.shape)}."
            )
        both = torch.stack([first, second]).detach().double()
        self._add_to_sums(rows, both)
        self._add_to_moments(both.flatten(1))
        for histogram, values in zip(self.histograms, both, strict=True):
            histogram.add(values)
        self.n_rows = rows.stop

    @property
    def fraction(self) -> float:
        """Share of the rows so far, 0 to 1."""
        return self.n_rows / self.size[0]

    @property
    def step(self) -> tuple[float, float]:
        """Values that a bin stands for, down and across."""
        return self.size[0] / (len(self._rows) - 1), self.size[1] / (len(self._columns) - 1)

    @property
    def means(self) -> torch.Tensor:
        """Mean of each bin of both maps, (2, height, width) float64, NaN ahead."""
        done = self._rows.clamp(max=self.n_rows).diff()
        return self._sums / (done[:, None] * self._columns.diff())

    @property
    def moments(self) -> tuple[Moments, Moments]:
        """Mean and deviation of each map; NaN where nothing is finite."""
        if not self.n_finite:
            return Moments(math.nan, math.nan), Moments(math.nan, math.nan)
        squares = self._products.diagonal() / self.n_finite
        first, second = (
            Moments(mean, math.sqrt(max(0.0, square)))
            for mean, square in zip(self._mean.tolist(), squares.tolist(), strict=True)
        )
        return first, second

    @property
    def correlation(self) -> float:
        """Pearson's, -1 to 1; NaN where one of the maps is the same everywhere."""
        deviations = self._products.diagonal().sqrt()
        lengths = float(deviations[0] * deviations[1])
        if not lengths > 0:
            return math.nan
        return max(-1.0, min(1.0, float(self._products[0, 1]) / lengths))

    def _add_to_sums(self, rows: range, both: torch.Tensor) -> None:
        row_bins = torch.bucketize(torch.arange(rows.start, rows.stop), self._rows, right=True) - 1
        n_bins = self._sums.shape[2]
        column_bins = torch.repeat_interleave(torch.arange(n_bins), self._columns.diff())
        for total, values in zip(self._sums, both, strict=True):
            by_column = torch.zeros(n_bins, len(rows), dtype=torch.float64)
            by_column.index_add_(0, column_bins, values.T)
            total.index_add_(0, row_bins, by_column.T)

    def _add_to_moments(self, both: torch.Tensor) -> None:
        finite = both[:, both.isfinite().all(0)]
        n = finite.shape[1]
        if not n:
            return
        mean = finite.mean(1)
        centred = finite - mean[:, None]
        apart = mean - self._mean
        total = self.n_finite + n
        self._products += centred @ centred.T + torch.outer(apart, apart) * (
            self.n_finite * n / total
        )
        self._mean += apart * (n / total)
        self.n_finite = total
