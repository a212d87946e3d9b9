"""A layer's output size is torch's, and it is refused where torch refuses."""

import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from random_layers import (
    one_thread,  # noqa: F401 - a fixture
    random_layer,
    torch_size,
)
from random_sets import how_many
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer, as_layer
from rfviz.conv.spec.spec import Conv2dSpec

N_LAYERS = how_many(400, 2000)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("seed", range(10))
def test_output_size_of_random_layers_is_torchs(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    n_refused = 0
    for _ in range(N_LAYERS):
        draw = random_layer(rng)
        try:
            # The meta device leaves out some of torch's own checks, so that the CPU judges fit.
            expected = torch_size(draw, "cpu")
        except (RuntimeError, ValueError):
            with pytest.raises(InputError):
                Layer(draw.kind, **draw.parameters).output_size(draw.input_size)
            n_refused += 1
            continue
        assert Layer(draw.kind, **draw.parameters).output_size(draw.input_size) == expected, draw
        if draw.kind != "Unfold" or rng.random() < 0.1:
            assert torch_size(draw, "meta") == expected
    assert N_LAYERS / 10 < n_refused < N_LAYERS * 9 / 10


@pytest.mark.parametrize(
    ("module", "size"),
    [
        (nn.Conv2d(3, 8, (3, 5), 2, (1, 2), groups=1), (9, 12)),
        (nn.Conv2d(3, 8, 4, padding="same", dilation=2), (9, 12)),
        (nn.Conv2d(3, 8, 3, padding=2, padding_mode="reflect"), (9, 12)),
        (nn.ConvTranspose2d(3, 8, 4, 2, 1, output_padding=1), (9, 12)),
        (nn.MaxPool2d(3), (9, 12)),
        (nn.MaxPool2d(3, 2, 1, ceil_mode=True), (9, 12)),
        (nn.AvgPool2d((3, 2), padding=1), (9, 12)),
    ],
)
def test_as_layer_reads_torch_modules(module: nn.Module, size: tuple[int, int]) -> None:
    layer = as_layer(module)
    output = module(torch.zeros(1, 3, *size))
    assert layer.output_size(size) == tuple(output.shape[2:])
    assert layer.kind == type(module).__name__


def test_as_layer_reads_unfold_specs_layers_and_names() -> None:
    assert as_layer(nn.Unfold(3, padding=1)).output_size((4, 5)) == (4, 5)
    spec = Conv2dSpec(3, padding=((0, 1), (2, 3)), groups=2)
    assert as_layer(spec).spec == spec
    layer = Layer("Conv2d", 3, out_channels=8, name="a")
    assert as_layer(layer) == layer
    assert as_layer(("b", layer)) == replace(layer, name="b")
    assert as_layer(nn.Conv2d(3, 8, 3, bias=False)).bias is False


@pytest.mark.parametrize("value", [None, 3, "Conv2d", nn.ReLU(), nn.LazyConv2d(3, 3), [], object()])
def test_as_layer_refuses_the_rest(value: object) -> None:
    with pytest.raises(InputError):
        as_layer(value)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"kind": "Conv3d"}, "kind"),
        ({"kind": []}, "kind"),
        ({"kernel_size": 0}, "kernel_size"),
        ({"kind": "MaxPool2d", "stride": -1}, "stride"),
        ({"kind": "MaxPool2d", "padding": ((0, 1), (0, 1))}, "pads opposite sides alike"),
        ({"kind": "Unfold", "padding": "same"}, "pads opposite sides alike"),
        ({"kind": "AvgPool2d", "dilation": 2}, "no dilation"),
        ({"kind": "Conv2d", "output_padding": 1}, "no output_padding"),
        ({"kind": "Conv2d", "ceil_mode": True}, "no ceil_mode"),
        ({"kind": "ConvTranspose2d", "padding_mode": "reflect"}, "no padding_mode"),
        ({"kind": "Conv2d", "padding": "same", "stride": 2}, "needs stride 1"),
        ({"out_channels": 0}, "out_channels"),
        ({"bias": torch.ones(2)}, "bias"),
        ({"kind": torch.ones(2)}, "kind"),
        ({"kernel_size": torch.ones(3)}, "kernel_size"),
        ({"output_padding": float("nan")}, "output_padding"),
    ],
)
def test_wrong_parameters_are_named_and_mended(parameters: dict[str, Any], words: str) -> None:
    given = {"kind": "Conv2d", "kernel_size": 3, **parameters}
    with pytest.raises(InputError, match=words) as caught:
        Layer(**given)
    for remedy in caught.value.remedies:
        Layer(**{**given, **remedy.changes})


@pytest.mark.parametrize("size", [(0, 3), "big", None, (3, 4, 5), float("inf"), 2**40])
def test_a_wrong_picture_is_an_input_error(size: object) -> None:
    with pytest.raises(InputError, match="picture"):
        Layer("MaxPool2d", 2).output_size(size)


def test_an_output_past_the_largest_size_is_refused() -> None:
    with pytest.raises(InputError, match="more than"):
        Layer("ConvTranspose2d", 3, 2**30).output_size((5, 5))
