"""The effective receptive field: how strongly a unit of a stack depends on each pixel.

Source: Luo, Li, Urtasun & Zemel, "Understanding the effective receptive field in deep
convolutional neural networks", NeurIPS 2016. The gradient of a unit with respect to the picture is
squared and averaged over seeds and channels; with random weights of zero mean the gradient itself
averages to nothing, and its square is what the paper's Gaussian law is about.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.layers.fit import picture_size
from rfviz.conv.receptive_field.network import (
    Network,
    draw_weights,
    network_with,
    weighted_layers,
)
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.parse import pair, whole_number
from rfviz.conv.wording import by, shown

MOST_SEEDS = 1000


class GaussianFit(NamedTuple):
    """The Gaussian of the same mean and variance: (row, column) centre, sigmas, and its misfit.

    `misfit` is the total variation distance, 0 for a perfect Gaussian and 1 for none at all.
    """

    centre: tuple[float, float]
    sigma: tuple[float, float]
    misfit: float


class EffectiveField(NamedTuple):
    """The effective receptive field of one unit of a feature map.

    `power` is (H, W) float64: each pixel's share of the mean squared gradient, summing to 1.
    `radius_95` is the distance in pixels from the fitted centre that holds 95 percent of it.
    `n_touched` counts the pixels that are not zero.
    """

    power: torch.Tensor
    unit: Pair
    radius_95: float
    fit: GaussianFit
    n_touched: int


def effective_field(
    layers: Iterable[object] | nn.Module,
    input_size: object,
    unit: object = None,
    *,
    in_channels: object = 1,
    hidden_channels: object = 8,
    relu: bool = False,
    n_seeds: object = 10,
    weights: Sequence[torch.Tensor] | None = None,
    picture: torch.Tensor | None = None,
) -> EffectiveField:
    """Return the effective receptive field of a unit on a (height, width) picture.

    `layers` is a stack as of `stack_geometry`, or a module of one's own whose weights are used.
    A stack's weights are drawn for each seed, normal with variance 2 / fan-in with ReLU and 1 /
    fan-in without, or given in order as `weights`. The picture, (C, H, W), is drawn too unless it
    is given. `unit` is (row, column), the middle by default. Raises `InputError` where something
    does not fit, and where the unit's gradient is zero. Source: Luo et al., NeurIPS 2016.

    >>> from rfviz.conv.layers.layer import Layer
    >>> found = effective_field([Layer("Conv2d", 3, padding=1)] * 4, (21, 21), n_seeds=2)
    >>> found.n_touched, found.unit
    (81, (10, 10))
    """
    size = picture_size(input_size)
    channels = whole_number("in_channels", in_channels, least=1)
    seeds = whole_number("n_seeds", n_seeds, least=1)
    if seeds > MOST_SEEDS:
        raise InputError(f"{seeds} seeds are more than {MOST_SEEDS}.", remedy="Use 10 to 100")
    given = _given_picture(picture, channels, size)
    total = torch.zeros(size, dtype=torch.float64)
    place: Pair | None = None
    module = _module(layers, channels, hidden_channels, relu, weights)
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        if isinstance(module, Network) and module is not layers and weights is None:
            draw_weights(module, relu, generator)
        drawn = torch.randn(channels, *size, generator=generator) if given is None else given
        place, gradient = unit_gradient(module, drawn, unit if place is None else place)
        total += gradient.double().square().mean(dim=0)
    assert place is not None
    return described(total, place)


def _module(
    layers: Iterable[object] | nn.Module,
    in_channels: int,
    hidden_channels: object,
    relu: bool,
    weights: Sequence[torch.Tensor] | None,
) -> nn.Module:
    if isinstance(layers, nn.Module):
        return layers
    if weights is None:
        return Network(layers, in_channels, hidden_channels, relu)
    parameters = [(weight, None) for weight in weights]
    network = network_with(layers, in_channels, parameters, relu, hidden_channels)
    n_weighted = len(weighted_layers(network))
    if len(weights) > n_weighted:
        raise InputError(
            f"The stack has {n_weighted} layers with weights, got {len(weights)} weights.",
            remedy="Give one weight for each of them, in order",
        )
    return network


def unit_gradient(
    module: nn.Module, picture: torch.Tensor, unit: object = None
) -> tuple[Pair, torch.Tensor]:
    """Return the unit, and the gradient (C, H, W) of its channels' sum for one (C, H, W) picture.

    The module's own parameters get no gradient. Raises `InputError` for a module that cannot run
    on the picture, and for a unit outside its output.

    >>> place, gradient = unit_gradient(nn.AvgPool2d(2), torch.ones(1, 4, 4), (0, 1))
    >>> gradient[0, 0].tolist()
    [0.0, 0.0, 0.25, 0.25]
    """
    watched = picture.detach()[None].requires_grad_(True)
    try:
        output = module(watched)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"The stack cannot run on a picture of shape {tuple(picture.shape)}: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}",
            remedy="Check its channels and its size with rfviz.stack_geometry",
        ) from None
    if not isinstance(output, torch.Tensor) or output.ndim != 4 or not output.requires_grad:
        raise InputError(
            "The effective receptive field needs a module that gives a feature map (N, C, H, W).",
            remedy="Leave out what follows the last feature map",
        )
    size = (output.shape[-2], output.shape[-1])
    place = pair("unit", (size[0] // 2, size[1] // 2) if unit is None else unit, least=0)
    if place[0] >= size[0] or place[1] >= size[1]:
        raise InputError(
            f"The unit {place} is outside the feature map of {by(size)} units.",
            remedy=f"Choose one before {size}",
        )
    (gradient,) = torch.autograd.grad(output[0, :, place[0], place[1]].sum(), watched)
    return place, gradient[0]


def _given_picture(picture: torch.Tensor | None, channels: int, size: Pair) -> torch.Tensor | None:
    if picture is None:
        return None
    if not isinstance(picture, torch.Tensor) or tuple(picture.shape) != (channels, *size):
        got = tuple(picture.shape) if isinstance(picture, torch.Tensor) else shown(picture)
        raise InputError(
            f"The picture should have shape {(channels, *size)}, got {got}.",
            remedy="Give it as (channels, height, width)",
        )
    return picture if picture.is_floating_point() else picture.float() / 255


def described(total: torch.Tensor, unit: Pair) -> EffectiveField:
    """Return the field of a unit from the sum of its squared gradients, (H, W) float64.

    Raises `InputError` where that is zero everywhere, or not finite.

    >>> described(torch.eye(3, dtype=torch.float64), (1, 1)).n_touched
    3
    """
    mass = float(total.sum())
    if not (math.isfinite(mass) and mass > 0):
        raise InputError(
            "The unit does not depend on the picture at all, or beyond all bounds.",
            remedy="Use another unit, more seeds, or leave out the ReLU",
        )
    power = total / mass
    fit = gaussian_fit(power)
    distance = _distances(power, fit.centre).flatten()
    order = torch.argsort(distance)
    held = power.flatten()[order].cumsum(0)
    last = min(int(torch.searchsorted(held, 0.95)), len(held) - 1)
    radius = float(distance[order][last])
    return EffectiveField(power, unit, radius, fit, int((power > 0).sum()))


def gaussian_fit(power: torch.Tensor) -> GaussianFit:
    """Fit a Gaussian to a density (H, W) by its moments, which is the most likely one.

    >>> gaussian_fit(torch.tensor([[0.25, 0.5, 0.25]])).sigma
    (0.0, 0.7071067811865476)
    """
    density = power.double() / power.double().sum()
    centre, sigma, curves = [], [], []
    for axis in (0, 1):
        marginal = density.sum(dim=1 - axis)
        place = torch.arange(len(marginal), dtype=torch.float64)
        middle = float((marginal * place).sum())
        variance = float((marginal * (place - middle).square()).sum())
        curve = torch.exp(-((place - middle).square()) / (2 * max(variance, 1e-9)))
        curves.append(curve / curve.sum().clamp_min(1e-300))
        centre.append(middle)
        sigma.append(math.sqrt(variance))
    misfit = float((density - curves[0][:, None] * curves[1]).abs().sum()) / 2
    return GaussianFit((centre[0], centre[1]), (sigma[0], sigma[1]), misfit)


def _distances(power: torch.Tensor, centre: tuple[float, float]) -> torch.Tensor:
    rows = torch.arange(power.shape[0], dtype=torch.float64) - centre[0]
    columns = torch.arange(power.shape[1], dtype=torch.float64) - centre[1]
    return torch.hypot(rows[:, None].expand_as(power), columns.expand_as(power))
