"""Receptive fields against the published ones, against autograd, and against the one-layer spec."""

import math
from typing import Any

import pytest
import torch
from random_layers import one_thread  # noqa: F401 - a fixture
from random_sets import how_many
from random_stacks import Stack, fits, gradient_of, positive_network, random_stack

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.architectures import architecture, architecture_names
from rfviz.conv.receptive_field.network import Network
from rfviz.conv.receptive_field.stack import (
    Branches,
    LayerGeometry,
    input_geometry,
    stack_geometry,
)
from rfviz.conv.spec.spec import Conv2dSpec


def inner_unit(layers: Stack, size: tuple[int, int]) -> tuple[int, int] | None:
    """Return a unit that reads no padding of any layer: its field is the theoretical one."""
    geometry = stack_geometry(layers, size)[-1]
    middle = tuple(n // 2 for n in geometry.output_size)
    region = geometry.region(middle)
    margin = 3 * max(geometry.receptive_field)
    inside = all(
        len(axis) and axis.start >= min(margin, n // 4) and axis.stop <= n - min(margin, n // 4)
        for axis, n in zip((region.rows, region.columns), size, strict=True)
    )
    return (middle[0], middle[1]) if inside else None


def assert_region_is_gradient(layers: Stack, seed: int, size: tuple[int, int]) -> bool:
    if not fits(layers, size):
        return False
    unit = inner_unit(layers, size)
    if unit is None:
        return False
    torch.manual_seed(seed)
    touched = gradient_of(positive_network(layers), size, unit) != 0
    region = stack_geometry(layers, size)[-1].region(unit)
    for dim, found in ((1, region.rows), (0, region.columns)):
        read = torch.nonzero(touched.any(dim=dim))[:, 0]
        assert (int(read[0]), int(read[-1])) == (found[0], found[-1]), (seed, layers)
    return True


def test_random_stacks_with_branches_read_what_autograd_says() -> None:
    n_compared, seed, n_stacks = 0, 0, how_many(60, 200)
    while n_compared < n_stacks:
        n_compared += assert_region_is_gradient(random_stack(seed), seed, (161, 150))
        seed += 1
    assert seed < 2 * n_stacks


def test_random_stacks_that_enlarge_read_what_autograd_says() -> None:
    n_compared, seed, n_stacks = 0, 1000, how_many(30, 60)
    while n_compared < n_stacks:
        layers = random_stack(seed, transposed=True)
        n_compared += assert_region_is_gradient(layers, seed, (61, 50))
        seed += 1
    assert seed < 1000 + 5 * n_stacks


@pytest.mark.parametrize("phase", range(6))
def test_every_phase_of_a_transposed_layer_is_exact(phase: int) -> None:
    layers: Stack = [
        Layer("Conv2d", 3, 2, 1),
        Layer("ConvTranspose2d", 5, 3, 1, 2),
        Layer("Conv2d", 3, 1, 0, 2),
    ]
    geometry = stack_geometry(layers, (40, 40))[-1]
    unit = (geometry.output_size[0] // 2 + phase, 20)
    touched = gradient_of(positive_network(layers), (40, 40), unit) != 0
    rows = torch.nonzero(touched.any(dim=1))[:, 0]
    assert (int(rows[0]), int(rows[-1]) + 1) == (
        geometry.region(unit).rows.start,
        geometry.region(unit).rows.stop,
    )
    assert len(rows) <= geometry.receptive_field[0]


# Araujo, Norris & Sim, Distill 2019, and their library's table, for AlexNet, VGG-16, ResNet and
# MobileNet; the table of Yu & Koltun for the context stack; LeCun's C5 sees the whole 32 x 32.
PUBLISHED = {
    "LeNet-5": (32, 4),
    "AlexNet": (195, 32),
    "VGG-16": (212, 32),
    "ResNet-50": (483, 32),
    "MobileNetV1": (315, 32),
    "Dilated context": (67, 1),
}


@pytest.mark.parametrize(("name", "expected"), PUBLISHED.items())
def test_receptive_fields_are_the_published_ones(name: str, expected: tuple[int, int]) -> None:
    network = architecture(name)
    last = stack_geometry(network.layers, network.input_size)[-1]
    assert last.receptive_field == (expected[0],) * 2
    assert last.jump == (expected[1],) * 2
    assert last.aligned


# The end points of VGG-16 in the same table, with their effective padding, and Yu & Koltun's rows.
VGG = {
    "conv1_1": (3, 1, 1), "pool1": (6, 2, 2), "conv2_1": (10, 2, 4), "pool2": (16, 4, 6),
    "conv3_1": (24, 4, 10), "conv3_2": (32, 4, 14), "pool3": (44, 8, 18), "conv4_1": (60, 8, 26),
    "conv4_2": (76, 8, 34), "pool4": (100, 16, 42), "conv5_1": (132, 16, 58),
    "conv5_2": (164, 16, 74), "pool5": (212, 32, 90),
}  # fmt: skip


@pytest.mark.parametrize(("layer", "expected"), VGG.items())
def test_end_points_of_vgg_16_are_the_published_ones(
    layer: str, expected: tuple[int, int, int]
) -> None:
    network = architecture("VGG-16")
    found = {g.name: g for g in stack_geometry(network.layers, network.input_size)}[layer]
    size, jump, padding = expected
    assert found.receptive_field == (size, size)
    assert found.jump == (jump, jump)
    assert found.region((0, 0)).rows.start == -padding


@pytest.mark.parametrize(("name", "padding"), [("AlexNet", 64), ("MobileNetV1", 126)])
def test_effective_padding_is_the_published_one(name: str, padding: int) -> None:
    network = architecture(name)
    last = stack_geometry(network.layers, network.input_size)[-1]
    # AlexNet's first layer and pools are unpadded in the published table as well.
    published = {"AlexNet": 64, "MobileNetV1": 126}
    assert last.region((0, 0)).rows.start == -published[name] == -padding


def test_dilated_context_grows_as_in_the_paper() -> None:
    network = architecture("Dilated context")
    found = stack_geometry(network.layers, network.input_size)
    assert [g.receptive_field[0] for g in found] == [3, 5, 9, 17, 33, 65, 67, 67]


@pytest.mark.parametrize("name", architecture_names())
def test_architectures_run_and_have_the_size_that_is_said(name: str) -> None:
    network = architecture(name)
    last = stack_geometry(network.layers, network.input_size)[-1]
    module = Network(network.layers, network.in_channels).to("meta")
    output = module(torch.empty(1, network.in_channels, *network.input_size, device="meta"))
    assert tuple(output.shape[2:]) == last.output_size


def test_one_convolution_is_its_spec() -> None:
    spec = Conv2dSpec((3, 5), stride=(2, 1), padding=((0, 1), (2, 3)), dilation=(1, 2))
    (found,) = stack_geometry([spec], (20, 30))
    assert found.output_size == spec.output_size((20, 30))
    assert found.receptive_field == spec.effective_kernel_size
    assert found.jump == spec.stride
    field = spec.receptive_field((3, 4))
    region = found.region((3, 4))
    assert (region.rows[0], region.rows[-1]) == (field.rows[0], field.rows[-1])
    assert (region.columns[0], region.columns[-1]) == (field.columns[0], field.columns[-1])
    assert found.start == (1.0, 2)


def test_start_is_the_centre_of_unit_0_and_jump_leads_to_unit_1() -> None:
    layers = [Layer("Conv2d", 4, 3, 1), Layer("MaxPool2d", 2)]
    found = stack_geometry(layers, (40, 40))[-1]
    centres = [
        (axis[0] + axis[-1]) / 2 for axis in (found.region((0, 0)).rows, found.region((1, 0)).rows)
    ]
    assert centres[0] == found.start[0]
    assert math.isclose(centres[1] - centres[0], found.jump[0])


def test_an_upsampled_map_has_a_jump_below_one() -> None:
    (found,) = stack_geometry([Layer("ConvTranspose2d", 4, 2, 1)], (8, 8))
    assert found.jump == (0.5, 0.5)
    assert found.receptive_field == (2, 2)
    assert found.uniform
    (uneven,) = stack_geometry([Layer("ConvTranspose2d", 3, 2)], (8, 8))
    assert uneven.receptive_field == (2, 2)
    assert not uneven.uniform


def test_units_that_a_transposed_layer_leaves_empty_read_nothing() -> None:
    (found,) = stack_geometry([Layer("ConvTranspose2d", 1, 3)], (4, 4))
    assert len(found.region((1, 0)).rows) == 0
    assert list(found.region((3, 0)).rows) == [1]


def test_misaligned_branches_are_flagged_with_the_distance() -> None:
    centred, shifted = Layer("Conv2d", 3, 1, 1), Layer("Conv2d", 3, 1, ((0, 2), (1, 1)))
    last = stack_geometry([Branches(((centred,), (shifted,)))], (8, 8))[-1]
    assert not last.aligned
    assert last.note == "on the rows, branches are centred 1 pixel apart"
    assert last.receptive_field == (4, 3)
    following = [Branches(((centred,), (shifted,))), Layer("Conv2d", 3, 1, 1)]
    assert not stack_geometry(following, (8, 8))[-1].aligned
    assert stack_geometry([Branches(((centred,), ()))], (8, 8))[-1].aligned


def test_branches_of_different_jumps_are_flagged() -> None:
    slow, fast = Layer("Conv2d", 1, 2, ((0, 6), (0, 6))), Layer("Conv2d", 1)
    last = stack_geometry([Branches(((slow,), (fast,)))], (7, 7))[-1]
    assert not last.aligned
    assert "jumps of 1 and 2" in last.note
    assert list(last.region((3, 0)).rows) == [3, 4, 5, 6]
    assert last.receptive_field == (7, 7)


@pytest.mark.parametrize(
    "layers",
    [None, 3, "conv", [None], ["Conv2d"], [Branches(())],
     [Branches(((),), "multiply")],
     [Branches(((Layer("Conv2d", 3),), ()))], [Layer("ConvTranspose2d", 1, 5000)],
     [Layer("ConvTranspose2d", 1, 100)] * 2, [Layer("Conv2d", 9), Layer("MaxPool2d", 2)]],
)  # fmt: skip
def test_what_does_not_fit_is_an_input_error(layers: object) -> None:
    with pytest.raises(InputError) as caught:
        stack_geometry(layers, (9, 9))  # type: ignore[arg-type]
    assert str(caught.value)


@pytest.mark.parametrize(
    ("paths", "join"), [(3, "add"), ((3,), "add"), (((), "ab"), []), (((),), 1)]
)
def test_branches_that_are_none_are_an_input_error(paths: Any, join: Any) -> None:
    with pytest.raises(InputError):
        stack_geometry([Branches(paths, join)], (9, 9))


def test_the_layer_that_does_not_fit_is_named_and_its_remedies_apply() -> None:
    layers = [Layer("Conv2d", 5), Layer("MaxPool2d", 7, name="pool")]
    with pytest.raises(InputError, match=r"Layer 2 \(pool\)") as caught:
        stack_geometry(layers, (9, 9))
    *of_the_layer, larger = caught.value.remedies
    assert stack_geometry(layers, larger.changes["input_size"])
    assert of_the_layer
    for remedy in of_the_layer:
        changes = dict(remedy.changes)
        assert changes.pop("layer") == 1
        mended = Layer(**{**vars_of(layers[1]), **changes})
        assert stack_geometry([layers[0], mended], (9, 9))


def vars_of(layer: Layer) -> dict[str, object]:
    return {name: getattr(layer, name) for name in layer.__dataclass_fields__}


@pytest.mark.parametrize("unit", [(9, 0), (0, -1), "a", None])
def test_a_unit_outside_the_map_is_an_input_error(unit: object) -> None:
    with pytest.raises(InputError):
        input_geometry((9, 9)).region(unit)


def test_a_stack_of_no_layers_has_no_geometry() -> None:
    assert stack_geometry([], (4, 5)) == []
    assert isinstance(input_geometry((4, 5)), LayerGeometry)


def test_an_unknown_architecture_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="VGG-16"):
        architecture("VGG-17")


def assert_pixels_are_gradient(layers: Stack, seed: int, size: tuple[int, int]) -> bool:
    """At a corner, an edge and the middle: there the padding of inner layers is read."""
    if not fits(layers, size):
        return False
    torch.manual_seed(seed)
    geometry, network = stack_geometry(layers, size)[-1], positive_network(layers)
    height, width = geometry.output_size
    for unit in ((0, 0), (height - 1, width // 2), (height // 2, width - 1)):
        touched = gradient_of(network, size, unit).abs() > 0
        found = geometry.pixels(unit)
        for dim, pixels in ((1, found.rows), (0, found.columns)):
            read = torch.nonzero(touched.any(dim=dim))[:, 0].tolist()
            assert [*read[:1], *read[-1:]] == [*pixels[:1], *pixels[-1:]], (seed, unit, layers)
    return True


@pytest.mark.parametrize("transposed", [False, True])
def test_pixels_of_150_random_stacks_are_those_with_a_gradient(transposed: bool) -> None:
    n_compared, seed = 0, 2000
    while n_compared < 150:
        layers = random_stack(seed, transposed=transposed)
        n_compared += assert_pixels_are_gradient(layers, seed, (19, 14))
        seed += 1
    assert seed < 2600


def test_padding_of_an_inner_layer_stands_in_the_box_and_not_among_the_pixels() -> None:
    layers = [torch.nn.MaxPool2d(2), torch.nn.Conv2d(1, 1, 3, padding=1)]
    found = stack_geometry(layers, (5, 5))[-1]
    assert found.region((1, 1)).rows == range(6)
    assert found.pixels((1, 1)).rows == found.pixels((1, 1)).columns == range(4)
    assert input_geometry((4, 5)).pixels((3, 4)).columns == range(4, 5)
    with pytest.raises(InputError, match="outside the feature map"):
        found.pixels((2, 0))


def test_a_unit_of_which_every_input_is_padding_has_no_pixels() -> None:
    found = stack_geometry([Layer("Conv2d", 1, padding=1)], (3, 3))[-1]
    assert found.region((0, 1)).rows == range(-1, 0)
    assert not found.pixels((0, 1)).rows
    assert not found.pixels((0, 1)).columns
