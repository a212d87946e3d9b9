"""How far apart two floats are, counted in floats: units in the last place."""

from types import MappingProxyType

import torch

_INTEGERS = MappingProxyType({8: torch.int64, 4: torch.int32, 2: torch.int16})
FARTHEST = torch.iinfo(torch.int64).max


def ulp_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Number of floats from a to b, elementwise, int64, for tensors of one shape and float type.

    Floats of one sign are ordered as their bit patterns are, so that the distance is a difference
    of integers; +0 and -0 are the same. A NaN is at distance 0 from a NaN and at the largest int64
    from a number, at which float64 distances also stop. Source: IEEE 754; Bruce Dawson, "Comparing
    floating point numbers", 2012.

    >>> one = torch.tensor([1.0, -0.0])
    >>> ulp_distance(one, torch.tensor([1.0 + 2**-22, 0.0])).tolist()
    [2, 0]
    """
    (magnitude_a, negative_a), (magnitude_b, negative_b) = _parts(a), _parts(b)
    apart = magnitude_a + torch.minimum(magnitude_b, FARTHEST - magnitude_a)
    distance = torch.where(negative_a == negative_b, (magnitude_a - magnitude_b).abs(), apart)
    distance = distance.masked_fill(a.isnan() != b.isnan(), FARTHEST)
    return distance.masked_fill(a.isnan() & b.isnan(), 0)


def _parts(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    bits = x.contiguous().view(_INTEGERS[x.element_size()])
    magnitude = bits & torch.iinfo(bits.dtype).max
    return magnitude.to(torch.int64), bits < 0
