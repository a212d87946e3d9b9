"""Layers of other operators in a trace: what they read, by gradients, and what they cost."""

import pytest
import torch
from gradient_judge import Function, judged
from random_layers import one_thread  # noqa: F401 - a fixture
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rfviz.conv.errors import InputError
from rfviz.conv.operators.catalogue import OPERATORS
from rfviz.conv.operators.module import OperatorConv2d
from rfviz.conv.operators.operator import Operator
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.trace.trace import trace

SIZE = (13, 12)
SAMPLED = {"deformable", "modulated_deformable"}
SPECS = {
    "dilated": Conv2dSpec(3, padding=1, dilation=2),
    "grouped": Conv2dSpec((3, 2), stride=(1, 2), padding=((2, 1), (0, 1)), groups=2),
    "reflected": Conv2dSpec(3, padding=4, padding_mode="reflect"),
}


def layer_of(name: str, spec: Conv2dSpec, **more: object) -> OperatorConv2d:
    return OperatorConv2d(name, spec, 2, 4, input_size=SIZE, **more)  # type: ignore[arg-type]


# What reads otherwise than a convolution does, on the geometries where that can differ.
OTHERWISE = (
    "causal", "deformable", "involution", "neighbourhood_attention", "per_pixel_kernels",
    "pixel_adaptive",
)  # fmt: skip
READ = [(entry.name, "dilated") for entry in OPERATORS]
READ += [(name, kind) for name in OTHERWISE for kind in ("grouped", "reflected")]


@pytest.mark.parametrize(("name", "kind"), READ)
def test_an_operator_reads_what_gradients_say(name: str, kind: str) -> None:
    module = nn.Sequential(layer_of(name, SPECS[kind]), nn.Conv2d(4, 2, 3, 2))
    verdict = judged(module, SIZE, 2, n_pictures=12)
    assert not verdict.faults
    assert verdict.n_exact == (0 if name in SAMPLED else verdict.n_units)
    assert verdict.n_units >= 4


@pytest.mark.parametrize("entry", OPERATORS, ids=lambda entry: entry.name)
def test_an_operator_costs_what_it_is_made_of(entry: Operator) -> None:
    layer = layer_of(entry.name, SPECS["grouped"])
    table = trace(nn.Sequential(layer, nn.ReLU()), (2, *SIZE))
    (row,) = table
    assert (row.name, row.kind, row.in_channels, row.out_channels) == ("0", "OperatorConv2d", 2, 4)
    assert row.parameters == table.parameters == sum(p.numel() for p in layer.parameters())
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        layer(torch.rand(1, 2, *SIZE))
    assert 2 * row.multiply_adds == 2 * table.multiply_adds == counted.get_total_flops()
    picture = torch.rand(2, *SIZE)
    with torch.no_grad():
        torch.testing.assert_close(row.activations(picture), layer(picture))


@pytest.mark.parametrize("name", sorted(SAMPLED))
def test_a_sampling_operator_may_read_the_whole_picture_and_says_why(name: str) -> None:
    row = trace(nn.Sequential(layer_of(name, SPECS["dilated"])), (2, *SIZE))[0]
    assert row.receptive_field == SIZE
    assert row.reason == f"{name} looks where its offsets tell it to"


def test_a_window_moved_inside_is_wider_than_its_place_at_the_border() -> None:
    spec = Conv2dSpec(3, padding=1)
    row = trace(layer_of("neighbourhood_attention", spec), (2, *SIZE))[0]
    corner, middle = row.region((0, 0)), row.region((6, 6))
    assert (corner.rows, corner.columns) == (range(3), range(3))
    assert (middle.rows, middle.columns) == (range(5, 8), range(5, 8))
    assert (row.name, row.standing, row.jump) == ("conv2d", "exact", (1, 1))


def test_what_is_given_beside_the_picture_is_read_too() -> None:
    spec = Conv2dSpec(3, padding=1)
    guided = Function(
        lambda x, far, on: on(x, guide=far(x)),
        far=nn.Conv2d(2, 3, 5, padding=2),
        on=layer_of("pixel_adaptive", spec),
    )
    mapped = Function(
        lambda x, far, on: on(x, kernels=far(x)),
        far=nn.Conv2d(2, 4 * 2 * 9, 7, padding=3),
        on=layer_of("per_pixel_kernels", spec),
    )
    for module in (guided, mapped):
        verdict = judged(module, SIZE, 2)
        assert not verdict.faults
        assert verdict.n_exact
    masked = Function(
        lambda x, on: on(x, x.new_ones(SIZE), return_mask=True)[0],
        on=layer_of("partial_convolution", spec),
    )
    (row,) = trace(masked, (2, *SIZE))
    assert (row.name, row.receptive_field, row.standing) == ("layers.on", (3, 3), "upper bound")


@pytest.mark.parametrize("given", ["mask", "kernels"])
def test_what_an_operator_does_not_read_is_refused(given: str) -> None:
    module = Function(
        lambda x, on: on(x, **{given: x}), on=layer_of("adder", Conv2dSpec(3, padding=1))
    )
    with pytest.raises(InputError, match="reads no"):
        trace(module, (2, *SIZE))


def test_a_weight_for_each_output_says_which_picture_it_is_for() -> None:
    layer = layer_of("locally_connected", SPECS["dilated"])
    with pytest.raises(InputError, match="The weight is for") as caught:
        trace(layer, (2, 12, 11))
    assert [remedy.changes for remedy in caught.value.remedies] == [{"input_size": SIZE}]
