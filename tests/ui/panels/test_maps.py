"""Windows of the feature map and of the product are parts of what torch gives for all of it."""

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from made_inputs import SPECS, inputs_of, noise
from torch import Tensor
from torch.testing import assert_close

from rfviz.ui.panels.maps import around, conv2d_at, map_window, shown_whole
from rfviz.ui.panels.matrices import product_around
from rfviz.ui.panels.position import Chosen
from rfviz.ui.sidebar.inputs import Inputs

# torch warns that an even kernel with padding "same" is slower.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")

CHOICES: dict[str, dict[str, Any]] = {
    "float64": {},
    "0 to 1": {"divisor": 255},
    "bias": {"bias_value": -7.5},
    "float32, 0 to 1, bias": {"dtype_name": "float32", "divisor": 255, "bias_value": 0.5},
}


@given(st.integers(0, 999), st.integers(1, 1000), st.integers(1, 1200))
def test_around_is_a_window_that_holds_the_position(position: int, size: int, length: int) -> None:
    position = min(position, size - 1)
    shown = around(position, size, length)
    assert position in shown
    assert 0 <= shown.start < shown.stop <= size
    assert len(shown) == min(size, length)


def whole_output(inputs: Inputs) -> Tensor:
    """Every output, by the module that the spec makes."""
    spec = inputs.spec
    module = spec.to_module(
        inputs.picture.n_channels, len(inputs.weight), inputs.bias is not None, dtype=inputs.dtype
    )
    with torch.no_grad():
        module.weight.copy_(inputs.weight)
        if inputs.bias is not None and module.bias is not None:
            module.bias.copy_(inputs.bias)
        output: Tensor = module(inputs.values(inputs.picture.pixels)[None])[0]
    return output


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize("name", SPECS)
def test_any_window_of_the_output_equals_the_module(name: str, choices: str) -> None:
    spec = SPECS[name]
    inputs = inputs_of(noise(3, 19, 23), spec, n_filters=2 * spec.groups, **CHOICES[choices])
    expected = whole_output(inputs)
    assert expected.shape[1:] == inputs.output_size
    height, width = inputs.output_size
    tolerance = 1e-12 if inputs.dtype == torch.float64 else 1e-5
    for rows, columns in itertools.product(
        (range(height), range(1), range(height - 1, height), range(height // 3, height // 2 + 1)),
        (range(width), range(width // 2, width)),
    ):
        found = conv2d_at(inputs, rows, columns)
        part = expected[:, rows.start : rows.stop, columns.start : columns.stop]
        assert_close(found, part, rtol=tolerance, atol=tolerance * 1000)


@pytest.mark.parametrize("name", SPECS)
def test_map_window_is_of_the_chosen_filter_around_the_chosen_output(name: str) -> None:
    spec = SPECS[name]
    inputs = inputs_of(noise(3, 40, 50), spec, n_filters=2 * spec.groups)
    chosen = Chosen(inputs.output_size[0] - 1, 0, inputs.weight.shape[0] - 1)
    window = map_window(inputs, chosen, 5)
    assert chosen.row in window.rows
    assert chosen.column in window.columns
    part = whole_output(inputs)[chosen.filter_index]
    part = part[window.rows.start : window.rows.stop, window.columns.start : window.columns.stop]
    assert_close(window.values, part, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize("name", SPECS)
def test_product_window_equals_the_module(name: str, choices: str) -> None:
    spec = SPECS[name]
    inputs = inputs_of(noise(3, 19, 23), spec, n_filters=2 * spec.groups, **CHOICES[choices])
    chosen = Chosen(inputs.output_size[0] // 2, inputs.output_size[1] - 1, 0)
    product = product_around(inputs, chosen, 17)
    index = chosen.row * inputs.output_size[1] + chosen.column
    assert index in product.columns
    expected = whole_output(inputs).flatten(1)[:, product.columns.start : product.columns.stop]
    tolerance = 1e-12 if inputs.dtype == torch.float64 else 1e-5
    assert_close(product.outputs, expected, rtol=tolerance, atol=tolerance * 1000)
    assert product.weights.shape == (len(inputs.weight), inputs.weight[0].numel())
    padded = inputs.values(inputs.columns.dense())
    part = padded[:, product.columns.start : product.columns.stop]
    assert_close(product.entries, part, rtol=0, atol=0)


def test_map_is_shown_whole_up_to_256_outputs_a_side() -> None:
    assert shown_whole(inputs_of(noise(1, 256, 3), SPECS["plain"]))
    assert shown_whole(inputs_of(noise(1, 258, 3), SPECS["plain"]))
    assert not shown_whole(inputs_of(noise(1, 259, 3), SPECS["plain"]))


def test_window_reads_no_more_than_it_needs() -> None:
    """An output of a large picture is worked out from its own pixels alone."""
    pixels = noise(1, 300, 300)
    first = inputs_of(pixels, SPECS["plain"])
    expected = conv2d_at(first, range(100, 110), range(200, 203))
    changed = pixels.clone()
    changed[:, :100], changed[:, 112:], changed[:, :, :200], changed[:, :, 205:] = 0, 0, 0, 0
    found = conv2d_at(inputs_of(changed, SPECS["plain"]), range(100, 110), range(200, 203))
    assert_close(found, expected, rtol=0, atol=0)
    assert_close(expected[0], F.conv2d(pixels.double()[None], first.weight)[0, 0, 100:110, 200:203])
