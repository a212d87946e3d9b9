"""The functions of published layers that know more than receptive fields and one weight.

Each is given what its operator declares: position, query, what it learns, maps. Where `patches` are
shaped they are (C, kernel height, kernel width, n), else (K, n). As in `formulas`, each can be
copied out of this file as it stands.
"""

import torch


def locally_connected(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Dot product with a weight for each output, (F, K, n).

    >>> locally_connected(torch.ones(4, 2), torch.arange(8.0).view(1, 4, 2)).tolist()
    [[12.0, 16.0]]
    """
    return torch.einsum("fkn,kn->fn", weight, patches)


def per_pixel_kernels(
    patches: torch.Tensor, weight: torch.Tensor, kernels: torch.Tensor
) -> torch.Tensor:
    """Dot product with the weight plus what `kernels`, (F, K, n), adds to it at each output.

    >>> kernels = torch.tensor([[[0.0, 1.0]]])
    >>> per_pixel_kernels(torch.ones(1, 2), torch.ones(1, 1), kernels).tolist()
    [[1.0, 2.0]]
    """
    return weight @ patches + torch.einsum("fkn,kn->fn", kernels, patches)


def involution(patches: torch.Tensor, weight: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """A kernel for each output, made from its middle pixel by the weight, over one channel each.

    Filter f reads channel f modulo C.

    >>> patches, query = torch.tensor([[[[2.0, 3.0]]]]), torch.tensor([[10.0, 100.0]])
    >>> involution(patches, torch.ones(1, 1, 1, 1), query).tolist()
    [[20.0, 300.0]]
    """
    kernels = torch.einsum("fcyx,cn->fyxn", weight, query)
    channel = torch.arange(weight.shape[0], device=weight.device) % patches.shape[0]
    return (kernels * patches[channel]).sum((1, 2))


def deformable(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Dot product; its taps have been moved by the offsets.

    >>> deformable(torch.ones(4, 2), torch.ones(1, 4)).tolist()
    [[4.0, 4.0]]
    """
    return weight @ patches


def modulated_deformable(
    patches: torch.Tensor, weight: torch.Tensor, modulation: torch.Tensor
) -> torch.Tensor:
    """Dot product of moved taps, each times its `modulation`, (T, n).

    >>> patches, weight = torch.ones(1, 1, 2, 1), torch.ones(1, 1, 1, 2)
    >>> modulated_deformable(patches, weight, torch.ones(2, 1)).item()
    2.0
    """
    modulated = patches.flatten(1, 2) * modulation
    return weight.flatten(1) @ modulated.flatten(0, 1)


def neighbourhood_attention(
    patches: torch.Tensor,
    weight: torch.Tensor,
    query: torch.Tensor,
    position_bias: torch.Tensor,
) -> torch.Tensor:
    """Attention of the middle pixel to its neighbours, as weights on the taps of a convolution.

    >>> patches, query = torch.tensor([[[[1.0], [1.0]]]]), torch.ones(1, 1)
    >>> neighbourhood_attention(patches, torch.ones(1, 1, 1, 2), query, torch.zeros(2)).item()
    1.0
    """
    taps = patches.flatten(1, 2)
    scores = torch.einsum("cn,ctn->tn", query, taps) * query.shape[0] ** -0.5
    attention = (scores + position_bias[:, None]).softmax(0)
    attended: torch.Tensor = weight.flatten(1) @ (taps * attention).flatten(0, 1)
    return attended


def masked_neighbourhood_attention(
    patches: torch.Tensor,
    weight: torch.Tensor,
    mask: torch.Tensor,
    query: torch.Tensor,
    position_bias: torch.Tensor,
) -> torch.Tensor:
    """The same, where what the mask does not know, as padding, is given no attention.

    >>> patches, query = torch.tensor([[[[5.0], [1.0]]]]), torch.ones(1, 1)
    >>> mask = torch.tensor([[[[0.0], [1.0]]]])
    >>> weight, bias = torch.ones(1, 1, 1, 2), torch.zeros(2)
    >>> masked_neighbourhood_attention(patches, weight, mask, query, bias).item()
    1.0
    """
    known = (mask != 0).flatten(1, 2)
    taps = patches.flatten(1, 2).where(known, 0)
    scores = torch.einsum("cn,ctn->tn", query, taps) * query.shape[0] ** -0.5
    hidden = ~known.any(0)
    scores = (scores + position_bias[:, None]).masked_fill(hidden, -torch.inf)
    # Where nothing is known there is nothing to attend to: 0, and no NaN on the way back.
    scores = scores.masked_fill(hidden.all(0), 0)
    attention = scores.softmax(0).masked_fill(hidden, 0)
    attended: torch.Tensor = weight.flatten(1) @ (taps * attention).flatten(0, 1)
    return attended


def gated(
    patches: torch.Tensor, weight: torch.Tensor, gate: torch.Tensor, gate_bias: torch.Tensor
) -> torch.Tensor:
    """Dot product times the sigmoid of another dot product, whose weight is `gate`, (F, K).

    >>> gated(torch.ones(4, 1), torch.ones(1, 4), torch.zeros(1, 4), torch.zeros(1)).item()
    2.0
    """
    return (weight @ patches) * (gate @ patches + gate_bias[:, None]).sigmoid()


def pixel_adaptive(
    patches: torch.Tensor, weight: torch.Tensor, guide: torch.Tensor, sharpness: float = 1.0
) -> torch.Tensor:
    """Dot product whose taps count by how like the middle tap of the guide theirs is.

    >>> patches = torch.tensor([[[[4.0], [4.0]]]])
    >>> pixel_adaptive(patches, torch.ones(1, 1, 1, 2), torch.ones(1, 1, 2, 1)).item()
    8.0
    """
    middle = guide[:, guide.shape[1] // 2, guide.shape[2] // 2]
    squares = (guide - middle[:, None, None]).square().sum(0)
    alike = torch.exp(-sharpness / 2 * squares)
    return weight.flatten(1) @ (patches * alike).flatten(0, 2)


def causal(patches: torch.Tensor, weight: torch.Tensor, include_middle: int = 0) -> torch.Tensor:
    """Dot product with the taps before the middle one, row by row; with it where it is included.

    >>> causal(torch.ones(1, 3, 3, 1), torch.ones(1, 1, 3, 3)).item()
    4.0
    """
    height, width = weight.shape[2:]
    middle = height // 2 * width + width // 2
    taps = torch.arange(height * width, device=weight.device).view(height, width)
    before = taps < middle + include_middle
    return (weight * before).flatten(1) @ patches.flatten(0, 2)


def positional(
    patches: torch.Tensor, weight: torch.Tensor, position: torch.Tensor, slope: torch.Tensor
) -> torch.Tensor:
    """Dot product plus a plane of the output's row and column, whose slopes (F, 2) are learned.

    >>> args = torch.ones(1, 2), torch.ones(1, 1), torch.tensor([[0, 0], [0, 1]])
    >>> positional(*args, torch.tensor([[0.0, 10.0]])).tolist()
    [[1.0, 11.0]]
    """
    return weight @ patches + slope @ position.to(slope.dtype)
