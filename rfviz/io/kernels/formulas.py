"""The formulas of the named kernels: height, width and an angle in, a (height, width) kernel out.

All are float64 and written for cross-correlation, which is what nn.Conv2d computes: no kernel
is flipped. Angles are in radians, anticlockwise as seen on the screen, 0 along a row. A formula
that does not turn freely is turned by quarter turns (`quarter_turns`). Sizes are checked
before, in kernels.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Formula = Callable[[int, int, float], Tensor]


def quarter_turns(formula: Callable[[int, int], Tensor]) -> Formula:
    """The formula (height, width) with an angle, rounded to a multiple of 90 degrees.

    >>> quarter_turns(sobel_x)(3, 3, math.pi / 2)
    tensor([[ 1.,  2.,  1.],
            [ 0.,  0.,  0.],
            [-1., -2., -1.]], dtype=torch.float64)
    """

    @wraps(formula)
    def turned(height: int, width: int, angle: float) -> Tensor:
        n_turns = round(angle / (math.pi / 2))
        size = (width, height) if n_turns % 2 else (height, width)
        return torch.rot90(formula(*size), n_turns)

    return turned


def identity(height: int, width: int) -> Tensor:
    """One 1, in tap ((height - 1) // 2, (width - 1) // 2): with padding "same" a copy."""
    kernel = torch.zeros(height, width, dtype=torch.float64)
    kernel[(height - 1) // 2, (width - 1) // 2] = 1
    return kernel


def box(height: int, width: int) -> Tensor:
    """The mean: 1 / (height * width) in every tap."""
    return torch.full((height, width), 1 / (height * width), dtype=torch.float64)


def gaussian(height: int, width: int) -> Tensor:
    """Product of two Gaussians of sum 1, with sigma = 0.3 ((k - 1) / 2 - 1) + 0.8 for k taps.

    The rule is that of OpenCV's getGaussianKernel for a sigma that is not given.
    """

    def along(size: int) -> Tensor:
        sigma = 0.3 * ((size - 1) / 2 - 1) + 0.8
        return torch.exp(-(_offsets(size) ** 2) / (2 * sigma**2))

    kernel = torch.outer(along(height), along(width))
    return kernel / kernel.sum()


def laplacian(height: int, width: int) -> Tensor:
    """The 4-neighbour Laplacian; past 3 taps, the one of a picture smoothed by binomial weights."""
    classic = torch.tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=torch.float64)
    smooth = torch.outer(_binomial(height - 2), _binomial(width - 2))
    return _convolved(classic, smooth / smooth.sum())


def sharpen(height: int, width: int) -> Tensor:
    """The picture minus its Laplacian: 5 in the centre of 3 x 3, -1 beside it."""
    return identity(height, width) - laplacian(height, width)


def emboss(height: int, width: int) -> Tensor:
    """The picture plus its slope along the diagonal: -2, -1, 0 / -1, 1, 1 / 0, 1, 2 for 3 x 3."""
    slope = _offsets(height)[:, None] + _offsets(width)
    return identity(height, width) + slope * (8 / slope.abs().sum())


def sobel_x(height: int, width: int) -> Tensor:
    """Difference along a row, smoothed along the column, both from Pascal's triangle."""
    return torch.outer(_binomial(height), _difference(width))


def sobel_y(height: int, width: int) -> Tensor:
    """Difference along a column, smoothed along the row."""
    return torch.outer(_difference(height), _binomial(width))


def scharr_x(height: int, width: int) -> Tensor:
    """Difference along a row with the weights of Scharr, for 3 x 3 (3, 10, 3) and 5 x 5.

    The weights of 5 x 5 are those of his thesis (2000), with which a slope of 1 answers 1, times
    32, so that it answers 32 as with 3 x 3.
    """
    if (height, width) == (3, 3):
        smooth, difference = [3.0, 10.0, 3.0], [-1.0, 0.0, 1.0]
        return torch.outer(_vector(smooth), _vector(difference))
    smooth = [5.96, 61.81, 120.46, 61.81, 5.96]
    difference = [-21.38, -85.24, 0.0, 85.24, 21.38]
    return torch.outer(_vector(smooth), _vector(difference)) * (32 / 256**2)


def scharr_y(height: int, width: int) -> Tensor:
    """Difference along a column with the weights of Scharr."""
    return scharr_x(width, height).T.contiguous()


def laplacian_of_gaussian(height: int, width: int) -> Tensor:
    """Laplacian of a Gaussian with sigma = k / 6 for k taps, less its mean, so that the sum is 0.

    G (r^2 / s^4 - 1 / s^2) added over both axes; source: Marr & Hildreth, 1980.
    """

    def axis(size: int) -> tuple[Tensor, Tensor]:
        variance = (size / 6) ** 2
        squares = _offsets(size) ** 2
        return torch.exp(-squares / (2 * variance)), squares / variance**2 - 1 / variance

    (rows, row_bend), (columns, column_bend) = axis(height), axis(width)
    envelope = torch.outer(rows, columns)
    kernel = envelope / envelope.sum() * (row_bend[:, None] + column_bend)
    return kernel - kernel.mean()


def gabor(height: int, width: int, angle: float) -> Tensor:
    """A cosine wave that runs in the angle's direction under a Gaussian, of sum 0.

    The wavelength is max(3, k / 2) pixels for k = min(height, width), sigma a fifth of each side.
    A share of the Gaussian is taken off, so that a flat picture answers 0, and the positive
    weights add up to 1. Source: Daugman, 1985; Petkov & Kruizinga, 1997.
    """
    rows, columns = _offsets(height)[:, None], _offsets(width)
    along = columns * math.cos(angle) - rows * math.sin(angle)
    wave = torch.cos(2 * math.pi * along / max(3, min(height, width) / 2))
    envelope = torch.exp(-((5 * rows / height) ** 2 + (5 * columns / width) ** 2) / 2)
    kernel = envelope * (wave - (envelope * wave).sum() / envelope.sum())
    return kernel / kernel.clamp(min=0).sum()


def motion_blur(height: int, width: int, angle: float) -> Tensor:
    """The mean of max(height, width) points on a line through the centre, from edge to edge.

    A point between pixels is shared out among its four neighbours by bilinear interpolation.
    """
    half_height, half_width = (height - 1) / 2, (width - 1) / 2
    step_row, step_column = -math.sin(angle), math.cos(angle)
    # a component below 1e-9 is a rounded zero of sine or cosine and meets no edge
    reaches = [
        half / abs(step)
        for half, step in ((half_height, step_row), (half_width, step_column))
        if abs(step) > 1e-9
    ]
    n_points = max(height, width)
    along = min(reaches) * torch.linspace(-1, 1, n_points, dtype=torch.float64)
    rows = (half_height + step_row * along)[:, None]
    columns = (half_width + step_column * along)[:, None]
    row_shares = (1 - (rows - torch.arange(height)).abs()).clamp(min=0)
    column_shares = (1 - (columns - torch.arange(width)).abs()).clamp(min=0)
    return row_shares.T @ column_shares / n_points


def drawn(shape: tuple[int, ...], seed: int) -> Tensor:
    """Float32 weights of a shape (F, C, height, width), drawn as nn.Conv2d draws its own."""
    generator = torch.Generator().manual_seed(seed)
    return nn.init.kaiming_uniform_(torch.empty(shape), a=math.sqrt(5), generator=generator)


def _offsets(size: int) -> Tensor:
    """Offset of each of `size` taps from the centre: half integers where the size is even."""
    return torch.arange(size, dtype=torch.float64) - (size - 1) / 2


def _binomial(size: int) -> Tensor:
    """Row `size` - 1 of Pascal's triangle."""
    return _vector([float(math.comb(size - 1, k)) for k in range(size)])


def _difference(size: int) -> Tensor:
    """(-1, 1) smoothed by the binomial weights of `size` - 1 taps: -1, 0, 1 for 3 taps."""
    weights = F.pad(_binomial(size - 1), (1, 1))
    return weights[:-1] - weights[1:]


def _vector(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _convolved(kernel: Tensor, smooth: Tensor) -> Tensor:
    """The kernel after the smoothing, as one kernel; both are symmetric, so no flip is needed."""
    height, width = smooth.shape
    full = F.pad(kernel, (width - 1, width - 1, height - 1, height - 1))
    return F.conv2d(full[None, None], smooth[None, None])[0, 0]
