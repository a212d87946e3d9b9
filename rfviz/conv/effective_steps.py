"""The effective receptive field one seed at a time, for those who show progress.

Source: Luo, Li, Urtasun & Zemel, NeurIPS 2016; the numbers are those of `effective_field`.
"""

from collections.abc import Generator, Sequence

import torch

from rfviz.conv.effective import EffectiveField, _described, _weigh, unit_gradient
from rfviz.conv.errors import InputError
from rfviz.conv.layers import Layer
from rfviz.conv.network import Network
from rfviz.conv.parameters import Pair, by
from rfviz.conv.stack import Branches, stack_geometry

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
) -> Generator[float, None, EffectiveField]:
    """Yield the fraction done after each seed; return what `effective_field` returns.

    Raises `InputError` as it does, and for a stack whose feature maps hold more than
    `MOST_ACTIVATIONS` numbers.

    >>> steps = effective_steps([Layer("Conv2d", 3)], (8, 8), (0, 0), n_seeds=2)
    >>> list(steps)
    [0.5, 1.0]
    """
    check_activations(layers, input_size, hidden_channels)
    network = Network(layers, in_channels, hidden_channels, relu)
    total = torch.zeros(input_size, dtype=torch.float64)
    for seed in range(n_seeds):
        generator = torch.Generator().manual_seed(seed)
        _weigh(network, relu, None, generator)
        drawn = torch.randn(in_channels, *input_size, generator=generator)
        _, gradient = unit_gradient(network, drawn, unit)
        total += gradient.double().square().mean(dim=0)
        yield (seed + 1) / n_seeds
    return _described(total, unit)


def check_activations(
    layers: Sequence[Layer | Branches], input_size: Pair, hidden_channels: int
) -> int:
    """Return how many numbers the feature maps hold; `InputError` past `MOST_ACTIVATIONS`.

    >>> check_activations([Layer("Conv2d", 3)], (8, 8), 2)
    72
    """
    sizes = [each.output_size for each in stack_geometry(layers, input_size)]
    count = hidden_channels * sum(height * width for height, width in sizes)
    if count > MOST_ACTIVATIONS:
        raise InputError(
            f"On an input of {by(input_size)} the feature maps hold {count:,} numbers, more than "
            f"{MOST_ACTIVATIONS:,}.",
            remedy="Use a smaller input, such as the network's own, or a unit less deep",
        )
    return count
