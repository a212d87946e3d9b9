"""What can be said of filters without a picture: size, direction, likeness, frequency response."""

from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError

_DEAD = 1e-6
_MOST_COMPARED = 2048


class FilterFacts(NamedTuple):
    """Numbers of each filter, (F,) each, in float64; `dead` is bool.

    A filter is dead where its largest magnitude is less than a millionth of the layer's: whatever
    it reads, it gives its bias. `nearest` is the other filter with the largest cosine, -1 where
    there is none, and `cosine` that cosine.
    """

    total: torch.Tensor
    mean: torch.Tensor
    l1: torch.Tensor
    l2: torch.Tensor
    least: torch.Tensor
    most: torch.Tensor
    dead: torch.Tensor
    nearest: torch.Tensor
    cosine: torch.Tensor


class AlikePair(NamedTuple):
    """Two filters and the cosine of the angle between them."""

    first: int
    second: int
    cosine: float


def filter_facts(weight: torch.Tensor) -> FilterFacts:
    """Return sums, norms and the like of each filter of a (F, C, kh, kw) weight.

    >>> facts = filter_facts(torch.tensor([[[[3.0, -4.0]]], [[[0.0, 0.0]]]]))
    >>> facts.l1.tolist(), facts.l2.tolist(), facts.dead.tolist()
    ([7.0, 0.0], [5.0, 0.0], [False, True])
    """
    rows = _rows(weight)
    magnitude = rows.abs().amax(1)
    nearest, cosine = _nearest(rows)
    return FilterFacts(
        rows.sum(1),
        rows.mean(1),
        rows.abs().sum(1),
        rows.norm(dim=1),
        rows.amin(1),
        rows.amax(1),
        magnitude <= _DEAD * magnitude.max(),
        nearest,
        cosine,
    )


def near_duplicates(weight: torch.Tensor, least_cosine: float, most: int = 100) -> list[AlikePair]:
    """Return pairs of filters of a (F, C, kh, kw) weight that point nearly the same way.

    The cosine of the angle between the two as vectors is at least `least_cosine`: 1 where one is a
    positive multiple of the other. At most `most` pairs, the most alike first; the first 2,048
    filters are compared. Zeros are like nothing.

    >>> near_duplicates(torch.tensor([[[[1.0, 0.0]]], [[[5.0, 0.0]]], [[[0.0, 1.0]]]]), 0.9)
    [AlikePair(first=0, second=1, cosine=1.0)]
    """
    cosines = _cosines(_rows(weight)).triu(1)
    first, second = (cosines >= max(least_cosine, 1e-9)).nonzero(as_tuple=True)
    found = cosines[first, second].sort(descending=True, stable=True)
    order = found.indices[:most]
    pairs = zip(first[order].tolist(), second[order].tolist(), found.values.tolist(), strict=False)
    return [AlikePair(a, b, min(1.0, cosine)) for a, b, cosine in pairs]


def frequency_response(kernel: torch.Tensor, size: int = 65) -> torch.Tensor:
    """Return the magnitude of a (kh, kw) kernel's 2-D Fourier transform, (size, size) in float64.

    Rows and columns run from -0.5 to 0.5 cycles a pixel, the middle one is frequency 0, for odd
    `size`; the answer to a wave of amplitude 1 has this amplitude. Padding is not considered.
    Raises `InputError` for anything but one kernel. Source: Oppenheim & Schafer, Discrete-Time
    Signal Processing, section 2.6.

    >>> frequency_response(torch.ones(3, 3), 3)[1, 1].item()
    9.0
    """
    if kernel.ndim != 2 or not kernel.numel():
        raise InputError(
            f"A frequency response needs one kernel (height, width), got shape "
            f"{tuple(kernel.shape)}.",
            remedy="Give one channel of one filter",
        )
    along = torch.linspace(-0.5, 0.5, size, dtype=torch.float64)
    down, across = (_waves(along, length) for length in kernel.shape)
    response: torch.Tensor = (down @ kernel.to(torch.complex128) @ across.T).abs()
    return response


def _waves(frequencies: torch.Tensor, length: int) -> torch.Tensor:
    """(frequencies, taps): the factor with which a tap counts at a frequency."""
    taps = torch.arange(length, dtype=torch.float64)
    angle = -2 * torch.pi * frequencies[:, None] * taps
    return torch.polar(torch.ones_like(angle), angle)


def _rows(weight: torch.Tensor) -> torch.Tensor:
    if weight.ndim != 4 or not weight.numel():
        raise InputError(
            f"A weight has the shape (filters, channels, height, width), got "
            f"{tuple(weight.shape)}.",
            remedy="Give the weight of one nn.Conv2d",
        )
    return weight.detach().flatten(1).double()


def _cosines(rows: torch.Tensor) -> torch.Tensor:
    compared = rows[:_MOST_COMPARED]
    norms = compared.norm(dim=1, keepdim=True)
    directions = torch.where(norms > 0, compared / norms, torch.zeros(()).double())
    return directions @ directions.T


def _nearest(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    nearest = torch.full((len(rows),), -1)
    cosine = torch.full((len(rows),), torch.nan, dtype=torch.float64)
    cosines = _cosines(rows)
    if len(cosines) > 1:
        best = cosines.fill_diagonal_(-torch.inf).max(1)
        some = rows[: len(cosines)].abs().amax(1) > 0
        nearest[: len(cosines)] = torch.where(some, best.indices, -1)
        cosine[: len(cosines)] = torch.where(some, best.values.clamp(-1, 1), torch.nan)
    return nearest, cosine
