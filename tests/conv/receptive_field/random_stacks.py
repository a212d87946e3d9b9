"""Seeded random stacks with branches, and the nonzero gradient of a unit: the judge here."""

import random

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.network import Network, weighted_layers
from rfviz.conv.receptive_field.stack import Branches, stack_geometry

Stack = list[Layer | Branches]


def random_stack(seed: int, transposed: bool = False) -> Stack:
    """Two to five steps; branches of equal stride, added or concatenated, maybe misaligned."""
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    layers: Stack = []
    for _ in range(rng.randint(2, 5)):
        kind = rng.random()
        if kind < 0.35:
            layers.append(_branches(rng))
        elif kind < 0.55 and transposed:
            layers.append(_transposed(rng))
        elif kind < 0.65:
            layers.append(Layer("AvgPool2d", _two(rng, 1, 3), _two(rng, 1, 2)))
        else:
            layers.append(_conv(rng, (rng.choice([1, 1, 2]), rng.choice([1, 1, 2, 3]))))
    return layers


def positive_network(layers: Stack) -> Network:
    """Every weight positive and in float64, so that no path of the gradient cancels another."""
    network = Network(layers, in_channels=1).double()
    for layer in weighted_layers(network):
        torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
    return network


def gradient_of(network: Network, size: tuple[int, int], unit: tuple[int, int]) -> torch.Tensor:
    """(H, W) gradient of all channels of one unit with respect to the picture."""
    picture = torch.rand(1, 1, *size, dtype=torch.float64, requires_grad=True)
    network(picture)[0, :, unit[0], unit[1]].sum().backward()
    assert picture.grad is not None
    return picture.grad[0, 0]


def fits(layers: Stack, size: tuple[int, int]) -> bool:
    try:
        stack_geometry(layers, size)
    except InputError:
        return False
    return True


def _two(rng: random.Random, low: int, high: int) -> tuple[int, int]:
    return rng.randint(low, high), rng.randint(low, high)


def _conv(rng: random.Random, stride: tuple[int, int]) -> Layer:
    kernel, dilation = _two(rng, 1, 4), _two(rng, 1, 3)
    reach = tuple((k - 1) * d for k, d in zip(kernel, dilation, strict=True))
    padding = tuple((rng.randint(0, r), rng.randint(0, r)) for r in reach)
    return Layer("Conv2d", kernel, stride, padding, dilation)


def _transposed(rng: random.Random) -> Layer:
    stride = _two(rng, 1, 3)
    kernel = (stride[0] + rng.randint(0, 2), stride[1] + rng.randint(0, 2))
    return Layer("ConvTranspose2d", kernel, stride, _two(rng, 0, 1))


def _branches(rng: random.Random) -> Branches:
    """Paths whose sizes agree: each loses or gains the same, by padding of its own."""
    stride = rng.choice([1, 1, 2])
    paths: list[tuple[Layer, ...]] = []
    for _ in range(rng.randint(1, 3)):
        kernel, dilation = rng.choice([1, 3, 5]), rng.choice([1, 1, 2])
        reach = (kernel - 1) * dilation
        before = rng.choice([reach // 2, reach // 2, rng.randint(0, reach)])
        pads = ((before, reach - before), (reach // 2, reach // 2))
        first = Layer("Conv2d", kernel, stride, pads, dilation)
        paths.append((first,) if rng.random() < 0.6 else (first, Layer("Conv2d", 3, 1, 1)))
    if stride == 1:
        paths.append(())
    return Branches(tuple(paths), rng.choice(["add", "concat"]))
