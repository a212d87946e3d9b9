"""The feature maps of all filters, small: exact means of bins from strips of any height."""

import torch

from rfviz.conv.im2col.bins import bin_edges
from rfviz.conv.spec.padding_modes import Pair


class MapMeans:
    """Means of (height, width) bins of (F, H_out, W_out) maps, given as strips of rows in order.

    The bins are clamped to the output's size. Memory is that of the means.

    >>> maps = MapMeans(1, (2, 2), (1, 2))
    >>> maps.add(range(2), torch.tensor([[[1.0, 2.0], [3.0, 6.0]]]))
    >>> maps.means.tolist(), maps.step
    ([[[2.0, 4.0]]], (2.0, 1.0))
    """

    def __init__(self, n_filters: int, output_size: Pair, map_size: Pair) -> None:
        """Begin with no strip."""
        self._rows, self._columns = (
            bin_edges(n, most) for n, most in zip(output_size, map_size, strict=True)
        )
        size = (len(self._rows) - 1, len(self._columns) - 1)
        self._sums = torch.zeros(n_filters, *size, dtype=torch.float64)
        self.step = output_size[0] / size[0], output_size[1] / size[1]

    def add(self, rows: range, values: torch.Tensor) -> None:
        """Take (F, rows, W_out) of the maps into account."""
        row_bins = torch.bucketize(torch.arange(rows.start, rows.stop), self._rows, right=True) - 1
        n_bins = self._sums.shape[2]
        column_bins = torch.repeat_interleave(torch.arange(n_bins), self._columns.diff())
        by_column = torch.zeros(len(values), len(rows), n_bins, dtype=torch.float64)
        by_column.index_add_(2, column_bins, values.double())
        self._sums.index_add_(1, row_bins, by_column)

    @property
    def means(self) -> torch.Tensor:
        """Mean of each bin, (F, height, width) float64; rows not given count as zero."""
        return self._sums / (self._rows.diff()[:, None] * self._columns.diff())
