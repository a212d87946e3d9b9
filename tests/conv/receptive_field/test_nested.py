"""Nested fields and places: equal to stack_geometry, to autograd, and one inside the other."""

import random
from itertools import pairwise

import pytest
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.architectures import architecture, architecture_names
from rfviz.conv.receptive_field.effective import effective_field
from rfviz.conv.receptive_field.effective_steps import check_activations, effective_steps
from rfviz.conv.receptive_field.nested import nested_fields, places
from rfviz.conv.receptive_field.network import Network
from rfviz.conv.receptive_field.stack import Branches, stack_geometry

BLOCK = Branches(
    ((Layer("Conv2d", 3, padding=1), Layer("Conv2d", 3, padding=1)), ()), "add", "block"
)
STACK = (
    Layer("Conv2d", 5, 2, 2),
    BLOCK,
    Layer("MaxPool2d", 3, 2, 1),
    Layer("Conv2d", 3, dilation=2),
)


@pytest.mark.parametrize("name", architecture_names())
def test_places_are_the_entries_of_the_geometry(name: str) -> None:
    known = architecture(name)
    found = places(known.layers, known.input_size, known.in_channels)
    assert [each.geometry for each in found] == stack_geometry(known.layers, known.input_size)
    for place in found[:: max(1, len(found) // 5)]:
        assert stack_geometry(place.path, known.input_size)[-1] == place.geometry


@pytest.mark.parametrize("name", ["AlexNet", "MobileNetV1", "U-Net encoder"])
def test_channels_are_those_of_the_network_run(name: str) -> None:
    known = architecture(name)
    for place in places(known.layers, known.input_size, known.in_channels)[::9]:
        with torch.device("meta"):
            network = Network(place.path, known.in_channels)
            output = network(torch.empty(1, known.in_channels, *known.input_size))
        assert tuple(output.shape[1:]) == (place.out_channels, *place.geometry.output_size)


def test_field_of_the_picture_is_the_region_of_the_unit() -> None:
    geometry = stack_geometry(STACK, (64, 48))[-1]
    generator = random.Random(1)  # noqa: S311 - a seeded sweep, nothing secret
    for _ in range(20):
        unit = tuple(generator.randrange(n) for n in geometry.output_size)
        fields = nested_fields(STACK, (64, 48), (unit[0], unit[1]))
        assert [each.name for each in fields] == ["input", *_ends()]
        assert fields[0].window == fields[-1].field == geometry.region(unit)
        for inner, outer in pairwise(fields):
            assert set(inner.field.rows) <= set(outer.field.rows)
            assert set(inner.field.columns) <= set(outer.field.columns)


def _ends() -> list[str]:
    names = [geometry.name for geometry in stack_geometry(STACK, (64, 48))]
    return [names[0], names[3], names[4], names[5]]


def test_window_of_a_map_is_what_the_gradient_reaches() -> None:
    torch.manual_seed(0)
    network = Network(STACK, 1).double()
    for parameter in network.parameters():
        parameter.data.abs_()
    maps = [torch.rand(1, 1, 64, 48, dtype=torch.float64, requires_grad=True)]
    for step in network.steps:
        # Averages in place of maxima: those pass a gradient to one unit alone.
        layer = torch.nn.AvgPool2d(3, 2, 1) if isinstance(step, torch.nn.MaxPool2d) else step
        maps.append(layer(maps[-1]))
    unit = (3, 4)
    gradients = torch.autograd.grad(maps[-1][0, 0, unit[0], unit[1]], maps, retain_graph=True)
    for field, gradient in zip(nested_fields(STACK, (64, 48), unit), gradients, strict=True):
        rows, columns = torch.nonzero(gradient[0, 0], as_tuple=True)
        height, width = field.size
        assert int(rows.min()) == max(0, field.window.rows.start)
        assert int(rows.max()) == min(height, field.window.rows.stop) - 1
        assert int(columns.min()) == max(0, field.window.columns.start)
        assert int(columns.max()) == min(width, field.window.columns.stop) - 1


def test_unit_outside_is_explained() -> None:
    with pytest.raises(InputError, match="outside the feature map"):
        nested_fields(STACK, (64, 48), (99, 0))


@pytest.mark.parametrize("relu", [False, True])
def test_effective_field_by_steps_is_that_at_once(relu: bool) -> None:
    steps = effective_steps([BLOCK, BLOCK], (17, 15), (8, 7), in_channels=8, relu=relu, n_seeds=3)
    fractions = []
    while True:
        try:
            fractions.append(next(steps))
        except StopIteration as stop:
            found = stop.value
            break
    known = effective_field([BLOCK, BLOCK], (17, 15), (8, 7), in_channels=8, relu=relu, n_seeds=3)
    assert fractions == pytest.approx([1 / 3, 2 / 3, 1])
    torch.testing.assert_close(found.power, known.power)
    torch.testing.assert_close(torch.tensor(found.fit.sigma), torch.tensor(known.fit.sigma))
    assert found.radius_95 == pytest.approx(known.radius_95)
    assert (found.unit, found.n_touched) == (known.unit, known.n_touched)


def test_work_is_bounded() -> None:
    with pytest.raises(InputError, match="more than"):
        check_activations(STACK, (6000, 6000), 8)
    with pytest.raises(InputError, match="more than"):
        next(effective_steps(STACK, (6000, 6000), (0, 0)))
