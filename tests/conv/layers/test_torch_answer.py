"""Torch's own answer is our formula's, for random layers of every type, valid and invalid alike."""

import random

import pytest
from random_layers import random_layer

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.layers.torch_answer import torch_answer


@pytest.mark.parametrize("seed", range(4))
def test_torch_answers_as_the_formula_does(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - draws layers, keeps no secret
    n_fitting = n_refused = 0
    for draw in (random_layer(rng) for _ in range(200)):
        try:
            layer = Layer(draw.kind, **draw.parameters)
        except InputError:
            continue
        answer = torch_answer(layer, draw.input_size, 2)
        try:
            rows, columns = layer.output_size(draw.input_size)
        except InputError:
            assert answer.shape is None, draw
            assert answer.message
            n_refused += 1
            continue
        unfolds = layer.kind == "Unfold"
        expected = (2 * layer.spec.n_taps, rows * columns) if unfolds else (2, rows, columns)
        assert answer.shape == expected, draw
        n_fitting += 1
    assert min(n_fitting, n_refused) > 20


def test_pads_that_differ_and_channels_are_asked_too() -> None:
    layer = Layer("Conv2d", 3, 2, ((0, 1), (2, 3)), out_channels=6, groups=2)
    assert torch_answer(layer, (100_000, 90_001), 4).shape == (6, 50_000, 45_002)
    with pytest.raises(InputError, match="2 groups must divide"):
        torch_answer(layer, (8, 8), 3)
