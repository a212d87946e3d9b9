"""Exact means of bins: what is drawn smaller than it is shows averages, never samples.

Nearest samples alias; a mean over every value of a bin does not invent a pattern.
"""

from itertools import pairwise

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.spec.parse import whole_number


def bin_edges(n: int, bins: int) -> torch.Tensor:
    """Edges of `bins` nearly equal bins of n values, floor(i * n / bins), (bins + 1,) int64.

    More bins than values are as many bins as values, of one value each.

    >>> bin_edges(10, 4).tolist(), bin_edges(2, 5).tolist()
    ([0, 2, 5, 7, 10], [0, 1, 2])
    """
    bins = min(whole_number("number of bins", bins, least=1), n)
    return torch.tensor([i * n // bins for i in range(bins + 1)])


def sum_dtype(dtype: torch.dtype) -> torch.dtype:
    """Type in which sums of `dtype` are exact, or in float64 as good as it gets.

    >>> sum_dtype(torch.uint8), sum_dtype(torch.float32)
    (torch.int64, torch.float64)
    """
    if dtype.is_floating_point or dtype in {torch.int64, torch.uint64}:
        return torch.float64
    return torch.int64


def mean_of_bins(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Mean of each of height × width bins of the last two dimensions, (..., height, width) float64.

    Bins follow `bin_edges`; integers are summed exactly, and a NaN stays in its own bin. Raises
    `InputError` for fewer than two dimensions or nothing to average.

    >>> mean_of_bins(torch.arange(8).reshape(2, 4), 1, 2).tolist()
    [[2.5, 4.5]]
    """
    if x.ndim < 2 or x.numel() == 0 or x.is_complex():
        raise InputError(f"Bins need real values in (..., height, width), got {tuple(x.shape)}.")
    rows, columns = bin_edges(x.shape[-2], height), bin_edges(x.shape[-1], width)
    sums = _sum_of_bins(_sum_of_bins(x, rows, -2), columns, -1)
    counts = rows.diff()[:, None] * columns.diff()
    return sums.to(torch.float64) / counts


def _sum_of_bins(x: torch.Tensor, edges: torch.Tensor, dim: int) -> torch.Tensor:
    dtype = sum_dtype(x.dtype)
    edge = edges.tolist()
    sums = [
        x.narrow(dim, start, stop - start).sum(dim, dtype=dtype) for start, stop in pairwise(edge)
    ]
    return torch.stack(sums, dim)
