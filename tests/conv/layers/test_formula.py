"""The steps of the arithmetic end at the output size, and the cost is torch's own count."""

import random

import pytest
import torch
from random_layers import random_layer
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.layers.formula import layer_cost, substitution
from rfviz.conv.layers.layer import Layer, as_layer
from rfviz.conv.receptive_field.architectures import architecture


def evaluated(text: str) -> int:
    """Compute a formula as it is written, with Python's own arithmetic."""
    text = text.replace("−", "-").replace("·", "*").replace("/", "//")
    if "⌈" in text:
        inside, rest = text.removeprefix("⌈").split("⌉")
        above, below = inside.rsplit("//", 1)
        return int(eval(f"-(-({above}) // {below}){rest}"))  # noqa: S307 - our own text
    return int(eval(text.replace("⌊", "(").replace("⌋", ")")))  # noqa: S307 - our own text


@pytest.mark.parametrize("seed", range(4))
def test_every_line_is_the_output_size(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    n_compared = 0
    while n_compared < 100:
        draw = random_layer(rng)
        try:
            layer = Layer(draw.kind, **draw.parameters)
            expected = layer.output_size(draw.input_size)
        except InputError:
            continue
        for axis in (0, 1):
            found = substitution(layer, draw.input_size, axis)
            assert found.output_size == expected[axis]
            assert found.steps[-1].text == str(expected[axis])
            lines = [step for step in found.steps[1:] if "≥" not in step.text]
            dropped = len(lines) != len(found.steps) - 1
            for step in lines[:-1]:
                assert evaluated(step.text) == expected[axis] + dropped, step
        n_compared += 1


def test_discarded_pixels_are_those_past_the_last_kernel() -> None:
    found = substitution(Layer("Conv2d", 3, 3, 1), (10, 10), 0)
    assert (found.remainder, found.discarded, found.discarded_pixels) == (0, 0, 0)
    found = substitution(Layer("Conv2d", 3, 4, 1), (10, 10), 0)
    assert (found.remainder, found.discarded, found.discarded_pixels) == (1, 1, 0)
    found = substitution(Layer("Conv2d", 3, 5, 1), (12, 12), 1)
    assert (found.output_size, found.discarded, found.discarded_pixels) == (3, 1, 0)
    found = substitution(Layer("Conv2d", 2, 4), (9, 9), 1)
    assert (found.output_size, found.discarded, found.discarded_pixels) == (2, 3, 3)


def test_ceil_mode_says_how_far_it_reaches_and_what_it_drops() -> None:
    found = substitution(Layer("MaxPool2d", 2, ceil_mode=True), (5, 5), 0)
    assert (found.output_size, found.beyond) == (3, 1)
    found = substitution(Layer("MaxPool2d", 2, 3, 1, ceil_mode=True), (5, 5), 0)
    assert any("≥" in step.text for step in found.steps) == (found.output_size == 2)


def test_pieces_name_their_parameters() -> None:
    pieces = substitution(Layer("Conv2d", 3, 2, 1, 4), (20, 30), 1).steps[1].pieces
    assert {piece.parameter: piece.text for piece in pieces if piece.parameter} == {
        "input_size": "30", "padding": "1", "dilation": "4", "kernel_size": "3", "stride": "2",
    }  # fmt: skip


@pytest.mark.parametrize(
    "module",
    [nn.Conv2d(4, 8, (3, 5), 2), nn.Conv2d(4, 8, 3, groups=2, bias=False),
     nn.ConvTranspose2d(4, 6, 3, 2), nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False)],
)  # fmt: skip
def test_parameters_are_torchs(module: nn.Conv2d | nn.ConvTranspose2d) -> None:
    layer = as_layer(module)
    layer = Layer(**{**{f: getattr(layer, f) for f in layer.__dataclass_fields__},
                     "out_channels": module.out_channels})  # fmt: skip
    expected = sum(parameter.numel() for parameter in module.parameters())
    assert layer_cost(layer, (16, 16), 4).parameters == expected


def test_column_entries_are_those_of_unfold() -> None:
    columns = nn.Unfold((3, 2), 2, 1, 2)(torch.zeros(1, 3, 12, 13))
    cost = layer_cost(Layer("Unfold", (3, 2), (2, 2), (1, 1), (2, 2)), (12, 13), 3)
    assert cost.column_entries == columns.numel()
    assert cost.column_bytes == 4 * columns.numel()
    assert cost.ratio == columns.numel() / (3 * 12 * 13)
    assert cost.multiply_adds == 0


def test_multiply_adds_of_vgg_16_are_the_published_ones() -> None:
    network, channels, total = architecture("VGG-16"), 3, 0
    size: tuple[int, int] = network.input_size
    for layer in network.layers:
        assert isinstance(layer, Layer)
        if layer.kind == "Conv2d":
            total += layer_cost(layer, size, channels).multiply_adds
            channels = layer.out_channels or channels
        size = layer.output_size(size)
    # The table of Araujo et al. counts 30.713 billion operations up to pool5, two a multiply-add,
    # with biases and pooling, which are left out here.
    assert abs(2 * total / 30.713e9 - 1) < 0.003


@pytest.mark.parametrize("axis", [2, -1, "rows", None])
def test_an_axis_is_0_or_1(axis: object) -> None:
    with pytest.raises(InputError, match="axis"):
        substitution(Layer("Conv2d", 3), (8, 8), axis)


def test_groups_that_do_not_divide_are_an_input_error() -> None:
    with pytest.raises(InputError, match="groups"):
        layer_cost(Layer("Conv2d", 3, groups=2, out_channels=4), (8, 8), 3)
    with pytest.raises(InputError):
        layer_cost(Layer("Conv2d", 9), (8, 8), 3)
