"""Changes that people make to filters by hand: each takes (F, C, kh, kw) and returns as many."""

import torch

from rfviz.conv.errors import InputError

_NEARLY_ZERO = 1e-6


def flipped(weight: torch.Tensor) -> torch.Tensor:
    """(F, C, kh, kw) turned by half a turn, so that `nn.Conv2d` does what mathematics calls so.

    What torch computes is a cross-correlation; with a flipped kernel it is a true convolution.
    Source: Goodfellow, Bengio & Courville, Deep Learning, equations 9.4 to 9.6.

    >>> flipped(torch.tensor([[[[1.0, 2.0, 3.0]]]])).flatten().tolist()
    [3.0, 2.0, 1.0]
    """
    return weight.flip(-2, -1)


def transposed(weight: torch.Tensor) -> torch.Tensor:
    """(F, C, k, k) with rows and columns exchanged; `InputError` for a kernel that is not square.

    >>> transposed(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).flatten().tolist()
    [1.0, 3.0, 2.0, 4.0]
    """
    height, width = weight.shape[-2:]
    if height != width:
        raise InputError(
            f"Only a square kernel keeps its size when it is transposed; this is {height} × "
            f"{width}.",
            remedy="Set height and width to one size",
        )
    return weight.transpose(-2, -1).contiguous()


def unit_norm(weight: torch.Tensor) -> torch.Tensor:
    """(F, C, kh, kw), each filter divided by the root of the sum of its squares.

    `InputError` for a filter of zeros.

    >>> unit_norm(torch.tensor([[[[3.0, 4.0]]]])).flatten().tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    norms = torch.linalg.vector_norm(weight, dim=(1, 2, 3), keepdim=True)
    if not bool((norms > 0).all()):
        raise InputError("A filter of zeros has norm 0, by which nothing can be divided.")
    scaled: torch.Tensor = weight / norms
    return scaled


def sum_to_zero(weight: torch.Tensor) -> torch.Tensor:
    """(F, C, kh, kw), from each filter its mean taken away: an even picture then gives 0.

    >>> sum_to_zero(torch.tensor([[[[1.0, 3.0]]]])).flatten().tolist()
    [-1.0, 1.0]
    """
    return weight - weight.mean(dim=(1, 2, 3), keepdim=True)


def sum_to_one(weight: torch.Tensor) -> torch.Tensor:
    """(F, C, kh, kw), each filter divided by its sum: an even picture then keeps its values.

    `InputError` where a sum is zero, or so near that only rounding would be divided.

    >>> sum_to_one(torch.tensor([[[[1.0, 3.0]]]])).flatten().tolist()
    [0.25, 0.75]
    """
    sums = weight.sum(dim=(1, 2, 3), keepdim=True)
    size = weight.abs().sum(dim=(1, 2, 3), keepdim=True)
    if not bool((sums.abs() > _NEARLY_ZERO * size).all()):
        raise InputError(
            "The weights of a filter sum to 0, by which nothing can be divided.",
            remedy="Change a weight first",
        )
    return weight / sums
