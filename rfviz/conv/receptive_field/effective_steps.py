"""The effective receptive field one seed at a time, for those who show progress.

Source: Luo, Li, Urtasun & Zemel, NeurIPS 2016; the numbers are those of `effective_field`.
"""

import math
from collections.abc import Generator, Sequence
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.effective import EffectiveField, described, unit_gradient
from rfviz.conv.receptive_field.nested import places
from rfviz.conv.receptive_field.network import Network, draw_weights, network_with
from rfviz.conv.receptive_field.stack import Branches, stack_geometry
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.steps import part_of
from rfviz.conv.wording import by

Parameters = Sequence[tuple[torch.Tensor, torch.Tensor | None]]

# Numbers of all feature maps together: their gradients are kept until a seed is done.
MOST_ACTIVATIONS = 40_000_000


def effective_steps(
    layers: Sequence[Layer | Branches],
    input_size: Pair,
    unit: Pair,
    *,
    in_channels: int = 1,
    hidden_channels: int = 8,
    relu: bool = False,
    n_seeds: int = 10,
    parameters: Parameters | None = None,
) -> Generator[float, None, EffectiveField]:
    """Yield the fraction done after each seed; return what `effective_field` returns.

    With `parameters`, the (weight, bias) of each weighted layer in order, the stack keeps its own
    channels, only the picture is drawn for each seed, and without ReLU one seed says it all.
    Raises `InputError` as `effective_field` and `network_with` do, and for a stack whose feature
    maps hold more than `MOST_ACTIVATIONS` numbers.

    >>> steps = effective_steps([Layer("Conv2d", 3)], (8, 8), (0, 0), n_seeds=2)
    >>> list(steps)
    [0.5, 1.0]
    """
    own = parameters is not None
    check_activations(layers, input_size, None if own else hidden_channels, in_channels)
    if parameters is None:
        network = Network(layers, in_channels, hidden_channels, relu)
    else:
        network = network_with(layers, in_channels, parameters, relu)
        n_seeds = n_seeds if relu else 1
    total = torch.zeros(input_size, dtype=torch.float64)
    for seed in range(n_seeds):
        generator = torch.Generator().manual_seed(seed)
        if not own:
            draw_weights(network, relu, generator)
        drawn = torch.randn(in_channels, *input_size, generator=generator)
        _, gradient = unit_gradient(network, drawn, unit)
        total += gradient.double().square().mean(dim=0)
        yield (seed + 1) / n_seeds
    return described(total, unit)


class DepthField(NamedTuple):
    """A layer's middle unit: rows of its theoretical field, and sigma of its effective one."""

    name: str
    theoretical: float
    sigma: float


def depth_steps(
    layers: Sequence[Layer | Branches],
    input_size: Pair,
    *,
    in_channels: int = 1,
    hidden_channels: int = 8,
    relu: bool = False,
    n_seeds: int = 10,
    parameters: Parameters | None = None,
) -> Generator[float, None, list[DepthField]]:
    """The same for the middle unit of every layer: how the field grows with depth, in rows.

    Raises `InputError` as `effective_steps` does.

    >>> steps = depth_steps([Layer("Conv2d", 3, padding=1)] * 3, (21, 21), n_seeds=1)
    >>> [round(fraction, 2) for fraction in steps]
    [0.33, 0.67, 1.0]
    """
    found = []
    for depth in range(1, len(layers) + 1):
        part = layers[:depth]
        geometry = stack_geometry(part, input_size)[-1]
        height, width = geometry.output_size
        steps = effective_steps(
            part,
            input_size,
            (height // 2, width // 2),
            in_channels=in_channels,
            hidden_channels=hidden_channels,
            relu=relu,
            n_seeds=n_seeds,
            parameters=parameters,
        )
        field = yield from part_of(steps, depth - 1, len(layers))
        found.append(DepthField(geometry.name, geometry.receptive_field[0], field.fit.sigma[0]))
    return found


def square_root_law(sigmas: Sequence[float]) -> float:
    """The c for which c times the square root of the layer's number is nearest to these sigmas.

    Layers are counted from 1; least squares. Source: Luo et al., NeurIPS 2016: in a stack of equal
    layers of stride 1 the effective field grows as the square root of the depth.

    >>> square_root_law([1.0, 2**0.5, 3**0.5])
    1.0
    """
    roots = [math.sqrt(number) for number in range(1, len(sigmas) + 1)]
    products = sum(sigma * root for sigma, root in zip(sigmas, roots, strict=True))
    return round(products / sum(root * root for root in roots), 12)


def check_activations(
    layers: Sequence[Layer | Branches],
    input_size: Pair,
    hidden_channels: int | None,
    in_channels: int = 1,
) -> int:
    """Return how many numbers the feature maps hold; `InputError` past `MOST_ACTIVATIONS`.

    With `hidden_channels` of None every map has the channels that its layer gives.

    >>> check_activations([Layer("Conv2d", 3)], (8, 8), 2)
    72
    """
    found = places(layers, input_size, in_channels)
    count = sum(
        (hidden_channels or place.out_channels)
        * (place.geometry.output_size[0] * place.geometry.output_size[1])
        for place in found
    )
    if count > MOST_ACTIVATIONS:
        raise InputError(
            f"On an input of {by(input_size)} the feature maps hold {count:,} numbers, more than "
            f"{MOST_ACTIVATIONS:,}.",
            remedy="Use a smaller input, such as the network's own, or a unit less deep",
        )
    return count
