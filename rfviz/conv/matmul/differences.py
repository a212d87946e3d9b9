"""Running differences between two ways to the same numbers, and their tolerances."""

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

import torch

from rfviz.conv.matmul.ulp import ulp_distance

# Small enough to stay in the cache and on one thread: on a busy machine, larger pieces spend most
# of their time waiting for the other threads.
_PIECE = 2**15
# Nearer to 0 than so many times atol, units in the last place are as small as the numbers there
# and count nothing: an error of 1e-7 beside 0 is a billion of them.
FAR_FROM_ZERO = 1000
_RELATIVE = MappingProxyType(
    {
        torch.float64: 1e-7,
        torch.float32: 1.3e-6,
        torch.bfloat16: 1.6e-2,
        torch.float16: 1e-3,
    }
)


class Tolerances(NamedTuple):
    """Two results are close where |a - b| <= atol + rtol * |b|, as in `torch.testing`."""

    rtol: float
    atol: float


def default_tolerances(
    weight: torch.Tensor, bias: torch.Tensor | None, largest_input: float
) -> Tolerances:
    """Tolerances of a convolution with a (F, C / groups, kh, kw) weight, of a given largest input.

    rtol is that of `torch.testing.assert_close` for the type. atol is twice the bound on the
    rounding of a sum of n products in any order, gamma_n * sum |x w|, gamma_n = n u / (1 - n u),
    where u is half the type's epsilon and the sum is at most largest_input * sum |w| for the
    heaviest filter. No correct sum can fail it; a neighbouring pixel in place of the right one
    misses it by far in any real picture. Half types are summed in float32, hence its u, and rtol
    covers their last rounding.
    Source: Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1.

    >>> default_tolerances(torch.ones(1, 1, 3, 3), None, 255.0).atol < 0.003
    True
    """
    exact = torch.float64 if weight.dtype == torch.float64 else torch.float32
    unit = torch.finfo(exact).eps / 2
    n = weight[0].numel() + (bias is not None)
    gamma = n * unit / (1 - n * unit) if n * unit < 0.5 else 1.0
    sizes = weight.detach().double().abs().flatten(1).nan_to_num(0, 0, 0).sum(1) * largest_input
    if bias is not None:
        sizes = sizes + bias.detach().double().abs().nan_to_num(0, 0, 0)
    return Tolerances(_RELATIVE[weight.dtype], 2 * gamma * float(sizes.max()))


class Differences:
    """Largest absolute and ULP difference, where, how many, and whether all are close, so far.

    A NaN beside a NaN and an infinity beside the same infinity agree; a NaN beside a number differs
    by infinity.

    >>> seen = Differences(Tolerances(0.0, 0.1))
    >>> seen.add(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]))
    >>> seen.max_abs_error, seen.worst_index, seen.allclose
    (0.5, 1, False)
    """

    def __init__(self, tolerances: Tolerances) -> None:
        """Begin with nothing compared."""
        self.tolerances = tolerances
        self.max_abs_error = 0.0
        self.max_ulp_error = 0
        # Of the outputs of at least FAR_FROM_ZERO times atol, None where there are none.
        self.max_ulp_far_from_zero: int | None = None
        # The largest error in units of what is allowed at its place: close up to 1.
        self.max_share = 0.0
        self.worst_index = 0
        self.worst_values = (math.nan, math.nan)
        self.n_different = 0
        self.n_compared = 0
        self.allclose = True

    def add(
        self, a: torch.Tensor, b: torch.Tensor, index_of: Callable[[int], int] | None = None
    ) -> None:
        """Compare two tensors of one shape and type, whose entries follow those compared before.

        ``index_of`` gives the index of an entry of these two in the whole, where it does not.
        """
        flat_a, flat_b, before = a.reshape(-1), b.reshape(-1), self.n_compared
        for start in range(0, len(flat_a), _PIECE):
            piece = slice(start, start + _PIECE)
            where = self._add(flat_a[piece], flat_b[piece])
            index = index_of(start + where) if index_of else before + start + where
            self._take_worst(flat_a[start + where], flat_b[start + where], index)
        self.n_compared = before + a.numel()

    def _take_worst(self, a: torch.Tensor, b: torch.Tensor, index: int) -> None:
        """Keep the largest difference of a piece where it is the largest, the first of equal ones.

        The first piece of all gives the index 0 its values, whatever its difference.
        """
        error = float(abs_difference(a, b))
        earlier = error == self.max_abs_error and index < self.worst_index
        if error > self.max_abs_error or earlier or not self.n_compared:
            self.max_abs_error = error
            self.worst_index = index
            self.worst_values = (float(a), float(b))

    def _add(self, a: torch.Tensor, b: torch.Tensor) -> int:
        """Compare a piece, and return where in it the difference is largest."""
        ulps, error = ulp_distance(a, b), abs_difference(a, b)
        self.max_ulp_error = max(self.max_ulp_error, int(ulps.max()))
        self.n_different += int(torch.count_nonzero(ulps))
        rtol, atol = self.tolerances
        allowed = atol + rtol * b.double().abs().nan_to_num(0, 0, 0)
        self.allclose = self.allclose and bool((error <= allowed).all())
        share = torch.where(error == 0, 0.0, error / allowed)
        self.max_share = max(self.max_share, float(share.max()))
        far = b.double().abs() >= FAR_FROM_ZERO * atol
        if far.any():
            self.max_ulp_far_from_zero = max(self.max_ulp_far_from_zero or 0, int(ulps[far].max()))
        return int(error.argmax())


def abs_difference(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """|a - b| in float64: 0 between equal infinities and NaNs, infinite between NaN and a number.

    >>> abs_difference(torch.tensor([torch.inf]), torch.tensor([torch.nan])).tolist()
    [inf]
    """
    error = (a.double() - b.double()).abs()
    error = error.masked_fill((a == b) | (a.isnan() & b.isnan()), 0)
    return error.nan_to_num(nan=torch.inf, posinf=torch.inf)
