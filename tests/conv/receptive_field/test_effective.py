"""The effective receptive field follows its law, and lies inside the theoretical one."""

import math

import pytest
import torch
from random_layers import one_thread  # noqa: F401 - a fixture
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.effective import (
    effective_field,
    gaussian_fit,
    unit_gradient,
)
from rfviz.conv.receptive_field.effective_steps import (
    depth_steps,
    effective_steps,
    square_root_law,
)
from rfviz.conv.receptive_field.network import Network
from rfviz.conv.receptive_field.stack import stack_geometry
from rfviz.conv.steps import finished

DEPTHS = (4, 8, 16, 24)


def stack(depth: int) -> list[Layer]:
    return [Layer("Conv2d", 3, padding=1)] * depth


@pytest.mark.parametrize("relu", [False, True])
def test_sigma_grows_as_the_square_root_of_the_depth(relu: bool) -> None:
    sigmas = []
    for depth in DEPTHS:
        size = (2 * depth + 9,) * 2
        fit = effective_field(stack(depth), size, n_seeds=12, relu=relu).fit
        sigmas.append(math.sqrt((fit.sigma[0] ** 2 + fit.sigma[1] ** 2) / 2))
    x = [math.log(depth) for depth in DEPTHS]
    y = [math.log(sigma) for sigma in sigmas]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    slope /= sum((a - mean_x) ** 2 for a in x)
    assert 0.4 < slope < 0.6
    # Each 3 x 3 layer of independent weights adds the variance of three equal steps, 2 / 3.
    expected = [math.sqrt(2 * depth / 3) for depth in DEPTHS]
    torch.testing.assert_close(torch.tensor(sigmas), torch.tensor(expected), rtol=0.15, atol=0)


def test_equal_weights_give_the_paper_s_convolved_box_exactly() -> None:
    depth = 5
    weights = [torch.ones(1, 1, 3, 3)] * depth
    found = effective_field(stack(depth), (21, 21), hidden_channels=1, n_seeds=1, weights=weights)
    row = torch.ones(1, dtype=torch.float64)
    box = torch.ones(1, 1, 3, dtype=torch.float64)
    for _ in range(depth):
        row = nn.functional.conv1d(row[None, None], box, padding=2)[0, 0]
    expected = (row[:, None] * row).square()
    torch.testing.assert_close(found.power[5:16, 5:16], expected / expected.sum())


def test_the_gradient_is_nonzero_exactly_in_the_theoretical_field() -> None:
    layers = [Layer("Conv2d", 3, 2, 1), Layer("Conv2d", (3, 5), 1, (1, 2)), Layer("AvgPool2d", 2)]
    found = effective_field(layers, (40, 44), n_seeds=3)
    region = stack_geometry(layers, (40, 44))[-1].region(found.unit)
    inside = torch.zeros(40, 44, dtype=torch.bool)
    inside[region.rows.start : region.rows.stop, region.columns.start : region.columns.stop] = True
    assert torch.equal(found.power > 0, inside)
    assert found.n_touched == len(region.rows) * len(region.columns)


def test_power_sums_to_one_and_the_radius_holds_95_percent() -> None:
    found = effective_field(stack(6), (31, 31), n_seeds=4)
    torch.testing.assert_close(found.power.sum(), torch.tensor(1.0, dtype=torch.float64))
    rows, columns = torch.meshgrid(torch.arange(31.0), torch.arange(31.0), indexing="ij")
    distance = torch.hypot(
        rows.double() - found.fit.centre[0], columns.double() - found.fit.centre[1]
    )
    assert float(found.power[distance <= found.radius_95 + 1e-9].sum()) >= 0.95
    assert float(found.power[distance < found.radius_95 - 1e-9].sum()) < 0.95
    assert found.fit.misfit < 0.35


def test_a_module_keeps_its_own_weights_and_gets_no_gradient() -> None:
    module = Network(stack(2), 3, hidden_channels=4, relu=True)
    before = [parameter.clone() for parameter in module.parameters()]
    found = effective_field(module, (15, 15), (3, 4), in_channels=3, n_seeds=2)
    assert found.unit == (3, 4)
    for parameter, was in zip(module.parameters(), before, strict=True):
        torch.testing.assert_close(parameter, was)
        assert parameter.grad is None


def test_given_weights_and_biases_are_those_of_the_module() -> None:
    torch.manual_seed(4)
    first = nn.Conv2d(3, 6, 3, padding=1)
    second = nn.Conv2d(6, 4, (5, 3), padding=(2, 1), groups=2)
    module = nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU())
    layers = [
        Layer("Conv2d", 3, padding=1, out_channels=6),
        Layer("MaxPool2d", 2),
        Layer("Conv2d", (5, 3), padding=(2, 1), out_channels=4, groups=2),
    ]
    parameters = [(each.weight, each.bias) for each in (first, second)]
    ours = finished(
        effective_steps(layers, (20, 22), (3, 6), in_channels=3, relu=True, n_seeds=3,
                        parameters=parameters)
    )  # fmt: skip
    theirs = effective_field(module, (20, 22), (3, 6), in_channels=3, n_seeds=3)
    torch.testing.assert_close(ours.power, theirs.power)
    # One for each further layer is too few, and a wrong shape is a sentence.
    for wrong in (parameters[:1], parameters[::-1]):
        with pytest.raises(InputError, match="weight"):
            finished(effective_steps(layers, (20, 22), (3, 6), in_channels=3, parameters=wrong))
    # More than the path needs are left over.
    part = finished(
        effective_steps(layers[:1], (20, 22), (3, 6), in_channels=3, parameters=parameters)
    )
    weight = first.weight.detach().double().sum(0).square().mean(0)
    torch.testing.assert_close(part.power[2:5, 5:8], weight / weight.sum(), rtol=1e-5, atol=1e-7)


def test_a_given_picture_of_bytes_is_used() -> None:
    picture = torch.full((3, 9, 9), 255, dtype=torch.uint8)
    one = effective_field(stack(2), (9, 9), in_channels=3, picture=picture, relu=True, n_seeds=3)
    other = effective_field(
        stack(2), (9, 9), in_channels=3, picture=torch.ones(3, 9, 9), relu=True, n_seeds=3
    )
    torch.testing.assert_close(one.power, other.power)


def test_seeds_make_it_reproducible() -> None:
    one, other = (effective_field(stack(3), (15, 15), n_seeds=2) for _ in range(2))
    torch.testing.assert_close(one.power, other.power, rtol=0, atol=0)


def test_gaussian_fit_finds_a_gaussian() -> None:
    place = torch.arange(61.0)
    rows = torch.exp(-((place - 28) ** 2) / (2 * 4.0**2))
    columns = torch.exp(-((place - 33) ** 2) / (2 * 6.0**2))
    fit = gaussian_fit(rows[:, None] * columns)
    torch.testing.assert_close(
        torch.tensor([*fit.centre, *fit.sigma]), torch.tensor([28.0, 33, 4, 6]),
        rtol=1e-3, atol=1e-3,
    )  # fmt: skip
    assert fit.misfit < 1e-3


@pytest.mark.parametrize(
    "given",
    [
        {"unit": (99, 0)},
        {"unit": "middle"},
        {"n_seeds": 0},
        {"n_seeds": 10**9},
        {"in_channels": -1},
        {"hidden_channels": 0},
        {"weights": []},
        {"weights": [torch.ones(2, 2)] * 2},
        {"weights": ["a", "b"]},
        {"picture": torch.ones(3, 15, 15)},
        {"picture": "photo"},
    ],
)
def test_what_does_not_fit_is_an_input_error(given: dict[str, object]) -> None:
    with pytest.raises(InputError):
        effective_field(stack(2), (15, 15), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "layers",
    [[Layer("Unfold", 3)], [Layer("Conv2d", 99)], nn.Linear(3, 3), nn.Flatten(), ["x"], 3, None,
     [Layer("Conv2d", 3, groups=2, out_channels=3)]],
)  # fmt: skip
def test_a_stack_that_cannot_run_is_an_input_error(layers: object) -> None:
    with pytest.raises(InputError):
        effective_field(layers, (15, 15))  # type: ignore[arg-type]


def test_a_unit_that_nothing_reaches_is_an_input_error() -> None:
    with pytest.raises(InputError, match="does not depend"):
        effective_field([Layer("Conv2d", 1, padding=3)], (9, 9), (0, 0))


def test_unit_gradient_takes_the_middle_by_default() -> None:
    place, gradient = unit_gradient(nn.AvgPool2d(3, 1, 1), torch.ones(2, 9, 9))
    assert place == (4, 4)
    torch.testing.assert_close(gradient[:, 3:6, 3:6], torch.full((2, 3, 3), 1 / 9))


def test_every_layer_of_a_stack_follows_the_law() -> None:
    layers = [Layer("Conv2d", 3, padding=1)] * 12
    steps = depth_steps(layers, (61, 61), hidden_channels=8, n_seeds=6)
    fractions = []
    while True:
        try:
            fractions.append(next(steps))
        except StopIteration as done:
            found = done.value
            break
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert [each.theoretical for each in found] == [2 * depth + 1 for depth in range(1, 13)]
    law = square_root_law([each.sigma for each in found])
    # The variance of one tap drawn evenly from three is 2 / 3.
    assert law == pytest.approx((2 / 3) ** 0.5, rel=0.1)
    for depth, each in enumerate(found, 1):
        assert each.sigma == pytest.approx(law * depth**0.5, rel=0.15)
