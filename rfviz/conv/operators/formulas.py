"""The functions behind the operators: patches (K, n) and weight (F, K) in, (F, n) out.

Each needs torch alone, keeps the type it is given, and holds at most a few arrays of (K, n) beside
its result: where filters cannot be summed by a matmul they are taken one by one. So each can be
copied out of this file as it stands.
"""

import torch


def dot_product(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Sum of products, what `nn.Conv2d` computes.

    >>> dot_product(torch.ones(4, 2), torch.ones(1, 4)).tolist()
    [[4.0, 4.0]]
    """
    return weight @ patches


def cosine_similarity(
    patches: torch.Tensor, weight: torch.Tensor, eps: float = 1e-8
) -> torch.Tensor:
    """Dot product over both lengths, each length at least `eps`: -1 to 1.

    >>> cosine_similarity(torch.full((4, 1), 9.0), torch.ones(1, 4)).tolist()
    [[1.0]]
    """
    patch_length = torch.linalg.vector_norm(patches, dim=0).clamp(min=eps)
    weight_length = torch.linalg.vector_norm(weight, dim=1, keepdim=True).clamp(min=eps)
    cosines: torch.Tensor = (weight / weight_length) @ (patches / patch_length)
    return cosines


def squared_l2_distance(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Sum of squared differences; from the differences, so that equal vectors give exactly 0.

    >>> squared_l2_distance(torch.tensor([[3.0], [4.0]]), torch.zeros(1, 2)).tolist()
    [[25.0]]
    """
    return torch.stack([(patches - row[:, None]).square().sum(0) for row in weight])


def l1_distance(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Sum of absolute differences.

    >>> l1_distance(torch.tensor([[3.0], [4.0]]), torch.zeros(1, 2)).tolist()
    [[7.0]]
    """
    return torch.stack([(patches - row[:, None]).abs().sum(0) for row in weight])


def adder(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Minus the sum of absolute differences: 0 is the best match.

    >>> adder(torch.tensor([[3.0], [4.0]]), torch.zeros(1, 2)).tolist()
    [[-7.0]]
    """
    return -torch.stack([(patches - row[:, None]).abs().sum(0) for row in weight])


def gaussian_kernel(
    patches: torch.Tensor, weight: torch.Tensor, gamma: float = 0.5
) -> torch.Tensor:
    """Radial basis function: exp of minus `gamma` times the squared distance, 0 to 1.

    >>> gaussian_kernel(torch.ones(4, 1), torch.ones(1, 4)).tolist()
    [[1.0]]
    """
    squares = torch.stack([(patches - row[:, None]).square().sum(0) for row in weight])
    return torch.exp(-gamma * squares)


def polynomial_kernel(
    patches: torch.Tensor, weight: torch.Tensor, degree: int = 3, constant: float = 1.0
) -> torch.Tensor:
    """The dot product plus a constant, to a whole power.

    >>> polynomial_kernel(torch.ones(2, 1), torch.ones(1, 2), degree=2).tolist()
    [[9.0]]
    """
    total: torch.Tensor = weight @ patches + constant
    return total**degree


def dilation(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Largest sum of a value and its weight (max-plus).

    >>> dilation(torch.tensor([[3.0], [4.0]]), torch.tensor([[2.0, 0.0]])).tolist()
    [[5.0]]
    """
    return torch.stack([(patches + row[:, None]).amax(0) for row in weight])


def erosion(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Smallest difference of a value and its weight (min-plus).

    >>> erosion(torch.tensor([[3.0], [4.0]]), torch.tensor([[2.0, 0.0]])).tolist()
    [[1.0]]
    """
    return torch.stack([(patches - row[:, None]).amin(0) for row in weight])


def max_pooling(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Largest value of the receptive field, for every filter alike.

    >>> max_pooling(torch.tensor([[3.0], [4.0]]), torch.zeros(1, 2)).tolist()
    [[4.0]]
    """
    return patches.amax(0).expand(len(weight), -1)


def mean_pooling(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean of the receptive field, for every filter alike.

    >>> mean_pooling(torch.tensor([[3.0], [4.0]]), torch.zeros(1, 2)).tolist()
    [[3.5]]
    """
    return patches.mean(0).expand(len(weight), -1)


def median_pooling(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Middle value of the receptive field, the lower of two middle ones, for every filter alike.

    >>> median_pooling(torch.tensor([[3.0], [9.0], [4.0]]), torch.zeros(1, 3)).tolist()
    [[4.0]]
    """
    return patches.median(0).values.expand(len(weight), -1)


def local_variance(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean squared deviation from the mean of the receptive field, for every filter alike.

    >>> local_variance(torch.tensor([[3.0], [5.0]]), torch.zeros(1, 2)).tolist()
    [[1.0]]
    """
    return (patches - patches.mean(0)).square().mean(0).expand(len(weight), -1)


def partial_convolution(
    patches: torch.Tensor, weight: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Dot product over what the mask leaves, times K over its sum; 0 where it leaves nothing.

    >>> patches, mask = torch.tensor([[3.0], [9.0]]), torch.tensor([[1.0], [0.0]])
    >>> partial_convolution(patches, torch.ones(1, 2), mask).tolist()
    [[6.0]]
    """
    left = mask.sum(0)
    scale = torch.where(left > 0, len(patches) / left.where(left > 0, 1), 0)
    # Where it hides, a NaN is hidden too, which a product with 0 would let through.
    return weight @ patches.where(mask != 0, 0).mul(mask) * scale


def anything_known(mask: torch.Tensor) -> torch.Tensor:
    """The mask that a partial convolution passes on: 1 where anything it reads is known.

    >>> anything_known(torch.tensor([[0.0, 0.0], [0.0, 0.3]])).tolist()
    [0.0, 1.0]
    """
    return (mask.amax(0) > 0).to(mask.dtype)


def normalised_convolution(
    patches: torch.Tensor, weight: torch.Tensor, mask: torch.Tensor, eps: float = 1e-12
) -> torch.Tensor:
    """Certainty-weighted dot product over the certainty-weighted sum of |weight|; 0 where that is.

    >>> patches, mask = torch.tensor([[3.0], [9.0]]), torch.tensor([[1.0], [0.0]])
    >>> normalised_convolution(patches, torch.ones(1, 2), mask).tolist()
    [[3.0]]
    """
    certain = weight.abs() @ mask
    total = weight @ patches.where(mask != 0, 0).mul(mask)
    return torch.where(certain > eps, total / certain.clamp(min=eps), 0)


def dot_product_gradient(
    patches: torch.Tensor, weight: torch.Tensor, slope: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of patches and weight, of the slope (F, n) of a dot product.

    >>> dot_product_gradient(torch.ones(1, 1), torch.full((1, 1), 3.0), torch.ones(1, 1))
    (tensor([[3.]]), tensor([[1.]]))
    """
    return weight.T @ slope, slope @ patches.T


def l1_distance_gradient(
    patches: torch.Tensor, weight: torch.Tensor, slope: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of patches and weight, of the slope (F, n) of an L1 distance: signs.

    >>> l1_distance_gradient(torch.ones(1, 1), torch.zeros(1, 1), torch.ones(1, 1))
    (tensor([[1.]]), tensor([[-1.]]))
    """
    # What autograd calls for cdist, without the way forwards, which signs do not need.
    points, slope = patches.T.contiguous(), slope.contiguous()
    backward = torch.ops.aten._cdist_backward
    of_weight = backward(slope, weight, points, 1.0, slope)
    turned = slope.T.contiguous()
    return backward(turned, points, weight, 1.0, turned).T, of_weight


def adder_gradient(
    patches: torch.Tensor, weight: torch.Tensor, slope: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of patches and weight, of the slope (F, n) of a negative L1 distance.

    >>> adder_gradient(torch.ones(1, 1), torch.zeros(1, 1), torch.ones(1, 1))
    (tensor([[-1.]]), tensor([[1.]]))
    """
    return l1_distance_gradient(patches, weight, -slope)


def dilation_gradient(
    patches: torch.Tensor, weight: torch.Tensor, slope: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of patches and weight, of the slope (F, n) of a dilation: to the largest sums.

    Equal sums share it evenly, as those of `amax`.

    >>> dilation_gradient(torch.ones(2, 1), torch.zeros(1, 2), torch.ones(1, 1))
    (tensor([[0.5000],
            [0.5000]]), tensor([[0.5000, 0.5000]]))
    """
    of_patches, of_weight = torch.zeros_like(patches), torch.empty_like(weight)
    for row, of_row, each in zip(weight, of_weight, slope, strict=True):
        sums = patches + row[:, None]
        largest = sums.eq_(sums.amax(0))
        largest *= each / largest.sum(0)
        of_patches += largest
        torch.sum(largest, 1, out=of_row)
    return of_patches, of_weight
