"""What remains of a comparison strip by strip: the differences and small maps, not the outputs."""

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.bins import bin_edges
from rfviz.conv.im2col.reads import number_in
from rfviz.conv.matmul.compare import index_in
from rfviz.conv.matmul.differences import Differences, Tolerances, abs_difference
from rfviz.conv.matmul.strips import Strip
from rfviz.conv.spec.padding_modes import Pair


class ComparisonTotals:
    """The numbers of `Comparison`, and maps of (height, width) bins, from strips in order.

    `output_shape` is (F, H_out, W_out); the maps are of one filter and are clamped to the output's
    size. Memory is that of the maps, whatever the output's size.

    >>> totals = ComparisonTotals((1, 2, 2), Tolerances(0.0, 0.0), map_size=(1, 1))
    >>> totals.add(Strip(range(2), torch.ones(1, 2, 2), torch.ones(1, 2, 2), 0.1, 0.2))
    >>> totals.allclose, totals.mean_by_matmul.tolist(), totals.fraction
    (True, [[1.0]], 1.0)
    """

    def __init__(
        self,
        output_shape: tuple[int, int, int],
        tolerances: Tolerances,
        *,
        chosen_filter: int = 0,
        map_size: Pair = (256, 256),
    ) -> None:
        """Begin with no strip."""
        self.output_shape = output_shape
        self.chosen_filter = number_in("filter", chosen_filter, output_shape[0])
        self._differences = Differences(tolerances)
        self.seconds_matmul = 0.0
        self.seconds_conv2d = 0.0
        self.n_rows = 0
        self._row_edges = bin_edges(output_shape[1], map_size[0])
        self._column_edges = bin_edges(output_shape[2], map_size[1])
        size = (len(self._row_edges) - 1, len(self._column_edges) - 1)
        self._sums = torch.zeros(2, *size, dtype=torch.float64)
        self.max_abs_difference = torch.zeros(size, dtype=torch.float64)

    def add(self, strip: Strip) -> None:
        """Take the next strip into account; `InputError` unless it follows the last."""
        n_filters, n_rows, n_columns = self.output_shape
        expected = (n_filters, len(strip.rows), n_columns)
        follows = strip.rows.start == self.n_rows and strip.rows.stop <= n_rows
        if not follows or strip.by_matmul.shape != expected or strip.by_conv2d.shape != expected:
            raise InputError(
                f"Expected the next strip from row {self.n_rows} of {self.output_shape}, got "
                f"{strip.rows} of shape {tuple(strip.by_matmul.shape)}."
            )
        # Of all filters at once: there may be a million of them. A strip has some rows of each.
        in_strip, in_all = len(strip.rows) * n_columns, n_rows * n_columns
        before = self.n_rows * n_columns

        def index_of(index: int) -> int:
            number, place = divmod(index, in_strip)
            return number * in_all + before + place

        self._differences.add(strip.by_matmul, strip.by_conv2d, index_of)
        self._add_to_maps(
            strip.rows, strip.by_matmul[self.chosen_filter], strip.by_conv2d[self.chosen_filter]
        )
        self.n_rows = strip.rows.stop
        self.seconds_matmul += strip.seconds_matmul
        self.seconds_conv2d += strip.seconds_conv2d

    @property
    def fraction(self) -> float:
        """Share of the output rows compared so far, 0 to 1."""
        return self.n_rows / self.output_shape[1]

    @property
    def max_abs_error(self) -> float:
        """Largest absolute difference so far."""
        return self._differences.max_abs_error

    @property
    def max_ulp_error(self) -> int:
        """Largest difference so far in units in the last place."""
        return self._differences.max_ulp_error

    @property
    def max_ulp_far_from_zero(self) -> int | None:
        """The same of outputs far from 0, where such units mean something; None without any."""
        return self._differences.max_ulp_far_from_zero

    @property
    def max_share(self) -> float:
        """Largest error so far in units of what is allowed at its place: close up to 1."""
        return self._differences.max_share

    @property
    def allclose(self) -> bool:
        """Whether every output so far is within the tolerances."""
        return self._differences.allclose

    @property
    def tolerances(self) -> Tolerances:
        """The (rtol, atol) used."""
        return self._differences.tolerances

    @property
    def n_different(self) -> int:
        """Number of outputs so far that are not the same float."""
        return self._differences.n_different

    @property
    def n_outputs(self) -> int:
        """Number of outputs compared so far."""
        return self._differences.n_compared

    @property
    def worst_index(self) -> tuple[int, int, int]:
        """(filter, row, column) of the largest absolute difference so far."""
        number, row, column = index_in(self._differences.worst_index, self.output_shape)
        return number, row, column

    @property
    def worst_values(self) -> tuple[float, float]:
        """(by matmul, by nn.Conv2d) at `worst_index`; NaN before the first strip."""
        return self._differences.worst_values

    @property
    def mean_by_matmul(self) -> torch.Tensor:
        """Mean of each bin of the chosen filter's output, (height, width) float64, NaN ahead."""
        return self._sums[0] / self._counts()

    @property
    def mean_by_conv2d(self) -> torch.Tensor:
        """The same of `nn.Conv2d`'s output, (height, width) float64, NaN ahead."""
        return self._sums[1] / self._counts()

    def _counts(self) -> torch.Tensor:
        done = self._row_edges.clamp(max=self.n_rows).diff()
        return done[:, None] * self._column_edges.diff()

    def _add_to_maps(self, rows: range, a: torch.Tensor, b: torch.Tensor) -> None:
        row_bins = torch.bucketize(torch.arange(rows.start, rows.stop), self._row_edges, right=True)
        row_bins -= 1
        n_bins = self._sums.shape[2]
        column_bins = torch.repeat_interleave(torch.arange(n_bins), self._column_edges.diff())
        for total, values in zip(self._sums, (a, b), strict=True):
            by_column = torch.zeros(n_bins, len(rows), dtype=torch.float64)
            by_column.index_add_(0, column_bins, values.double().T)
            total.index_add_(0, row_bins, by_column.T)
        error = torch.zeros(n_bins, len(rows), dtype=torch.float64)
        index = column_bins[:, None].expand(-1, len(rows))
        error.scatter_reduce_(0, index, abs_difference(a, b).T, "amax")
        index = row_bins[:, None].expand(-1, n_bins)
        self.max_abs_difference.scatter_reduce_(0, index, error.T, "amax")
