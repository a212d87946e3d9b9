"""What a row says of a layer beside its field: kind, channels, costs, projective field, values.

Judged by torch: hooks on the module as it runs on numbers, its own count of operations, the
outputs that a changed pixel changes.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from gradient_judge import smooth
from pytorchcv.model_provider import get_model
from random_layers import one_thread  # noqa: F401 - a fixture
from test_trace_networks import HANDMADE
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import rfviz
from rfviz.conv.errors import InputError
from rfviz.conv.trace.table import TracedLayer, TraceTable, projected
from rfviz.conv.trace.trace import trace

NETWORKS = ["resnet20_cifar10", "sepreresnet20_cifar10", "mobilenetv2_wd4", "shufflenetv2_wd2"]


def published(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    network = get_model(name).eval()
    return network, (3, *tuple(network.in_size))


def hooked(module: nn.Module, picture: torch.Tensor) -> dict[str, list[torch.Tensor]]:
    """What each module returns, by name, in order."""
    found: dict[str, list[torch.Tensor]] = defaultdict(list)

    def keep(name: str, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            found[name].append(output.clone())

    hooks = [
        inner.register_forward_hook(lambda _, __, output, name=name: keep(name, output))
        for name, inner in module.named_modules()
    ]
    with torch.no_grad():
        module(picture)
    for hook in hooks:
        hook.remove()
    return found


def assert_as_hooks_say(module: nn.Module, size: tuple[int, int, int]) -> None:
    picture = torch.rand(size)
    table = trace(module, size)
    outputs = hooked(module.eval(), picture[None])
    inner = dict(module.named_modules())
    # A module may be called "output", as the last row is.
    rows = [row for row in table if row.kind in {"Conv2d", "ConvTranspose2d"}]
    assert rows
    turns: dict[str, int] = defaultdict(int)
    for row in rows:
        layer = inner[row.name]
        output = outputs[row.name][turns[row.name]]
        turns[row.name] += 1
        assert row.kind == type(layer).__name__
        assert (row.in_channels, row.out_channels) == (layer.in_channels, layer.out_channels)
        assert row.output_size == tuple(output.shape[-2:])
        assert row.parameters == sum(each.numel() for each in layer.parameters())
        torch.testing.assert_close(row.activations(picture), output[0], rtol=0, atol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_of_a_published_network_are_what_hooks_see(name: str) -> None:
    assert_as_hooks_say(*published(name))


@pytest.mark.parametrize("name", [n for n in HANDMADE if n != "transformer encoder"])
def test_rows_of_handmade_networks_are_what_hooks_see(name: str) -> None:
    torch.manual_seed(0)
    # In a container, so that a layer that pads by itself has a name for its convolution.
    module = nn.Sequential(HANDMADE[name]())
    assert_as_hooks_say(module, (3, 24, 28))


@pytest.mark.parametrize("name", NETWORKS)
def test_multiply_adds_are_half_of_what_torch_counts(name: str) -> None:
    network, size = published(name)
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        network(torch.rand(1, *size))
    table = trace(network, size)
    assert 2 * table.multiply_adds == counted.get_total_flops()
    assert table.parameters == sum(each.numel() for each in network.parameters())
    by_module = counted.get_flop_counts()
    total = f"{type(network).__name__}."
    for row in table:
        if row.kind == "Conv2d":
            assert 2 * row.multiply_adds == sum(by_module[total + row.name].values())


def test_multiply_adds_of_attention_and_transposed_layers_are_torchs() -> None:
    for name in ("self-attention", "U-Net with crops", "ConvNeXt block"):
        module = HANDMADE[name]().eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counted:
            module(torch.rand(1, 3, 24, 28))
        assert 2 * trace(module, (3, 24, 28)).multiply_adds == counted.get_total_flops(), name


def test_parameters_of_a_weight_that_is_computed_are_those_it_is_made_of() -> None:
    layer = torch.nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 4, 3))
    (row,) = trace(nn.Sequential(layer), (2, 8, 8))
    assert row.parameters == sum(each.numel() for each in layer.parameters())


def test_a_recurrent_layer_is_one_row_with_all_that_it_costs() -> None:
    module = HANDMADE["CRNN"]()
    row = next(row for row in trace(module, (3, 24, 28)) if row.kind == "LSTM")
    inner = module.get_submodule("layers.r")
    assert row.parameters == sum(each.numel() for each in inner.parameters())
    # 28 steps, both ways, four gates of 4, each of the 6 inputs and the 4 of the state.
    assert row.multiply_adds == 28 * 2 * 4 * 4 * (6 + 4)


def reached_by(row: TracedLayer, module: nn.Module, size: tuple[int, int]) -> tuple[int, int]:
    """The most rows and columns, first to last, that one changed pixel changes, by gradients."""
    picture = torch.rand(3, *size, dtype=torch.float64).requires_grad_()
    output = module(picture[None])[0].sum(0)
    reach = [0, 0]
    grid = [torch.zeros(n, *size, dtype=torch.bool) for n in output.shape]
    for unit in [(r, c) for r in range(output.shape[0]) for c in range(output.shape[1])]:
        (gradient,) = torch.autograd.grad(output[unit], picture, retain_graph=True)
        for axis in (0, 1):
            grid[axis][unit[axis]] |= gradient.abs().sum(0) > 0
    for axis in (0, 1):
        for pixel in grid[axis].flatten(1).T:
            units = torch.nonzero(pixel)[:, 0].tolist()
            reach[axis] = max(reach[axis], units[-1] - units[0] + 1 if units else 0)
    return reach[0], reach[1]


PROJECTED: dict[str, Callable[[], nn.Module]] = {
    "one convolution": lambda: nn.Conv2d(3, 4, (3, 2), padding=1),
    "strided": lambda: nn.Sequential(nn.Conv2d(3, 4, 5, 2, 2), nn.Conv2d(4, 4, 3, padding=1)),
    "dilated": lambda: nn.Conv2d(3, 4, 3, dilation=2),
    "transposed": lambda: nn.ConvTranspose2d(3, 4, 3, 2),
    "pooled and enlarged": lambda: nn.Sequential(nn.AvgPool2d(2), nn.Upsample(scale_factor=3)),
    "global": lambda: nn.AdaptiveAvgPool2d(1),
}


@pytest.mark.parametrize("name", PROJECTED)
def test_the_projective_field_is_what_one_pixel_changes(name: str) -> None:
    module = smooth(PROJECTED[name]())
    row = trace(module, (3, 11, 12))[-1]
    assert row.projective_field == reached_by(row, module, (11, 12))


def test_projected_of_any_hulls_is_the_span_of_units_that_hold_a_pixel() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        n, units = (int(x) for x in torch.randint(1, 9, (2,), generator=generator))
        ends = torch.randint(0, n, (units, 2), generator=generator).sort(1).values.tolist()
        blank = torch.rand(units, generator=generator) < 0.2
        hulls = tuple(
            None if b else (e[0], e[1]) for e, b in zip(ends, blank.tolist(), strict=True)
        )
        spans = [
            [u for u, h in enumerate(hulls) if h is not None and h[0] <= p <= h[1]]
            for p in range(n)
        ]
        expected = max((s[-1] - s[0] + 1 for s in spans if s), default=0)
        assert projected(hulls, n) == expected, (hulls, n)


def test_activations_are_the_next_picture() -> None:
    network, size = published("resnet20_cifar10")
    row = trace(network, size)["features.stage2.unit1.add"]
    maps = row.activations(torch.rand(size))
    assert maps.shape == (32, 16, 16)
    assert rfviz.ColumnMatrix(maps, rfviz.Conv2dSpec(3)).shape == (32 * 9, 14 * 14)
    weight = torch.rand(2, 32, 3, 3)
    assert rfviz.compare_with_conv2d(maps, weight).allclose
    assert row.activations(torch.rand(5, *size)).shape == (5, 32, 16, 16)


def test_activations_leave_the_module_as_it_was() -> None:
    network, size = published("resnet20_cifar10")
    network.train()
    network.get_submodule("features.init_block").eval()
    before = {name: inner.training for name, inner in network.named_modules()}
    state = {name: each.clone() for name, each in network.state_dict().items()}
    trace(network, size)[4].activations(torch.rand(size))
    assert {name: inner.training for name, inner in network.named_modules()} == before
    assert all(torch.equal(each, state[name]) for name, each in network.state_dict().items())
    assert not any(inner._forward_hooks for inner in network.modules())


def test_activations_of_a_layer_that_runs_twice_are_those_of_its_turn() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 3, 3)
    first, second = trace(nn.Sequential(layer, nn.ReLU(inplace=True), layer), (3, 9, 9))
    picture = torch.rand(3, 9, 9)
    with torch.no_grad():
        torch.testing.assert_close(first.activations(picture), layer(picture))
        torch.testing.assert_close(second.activations(picture), layer(layer(picture).relu()))


def test_activations_of_a_layer_of_another_operator_are_its_own() -> None:
    layer = rfviz.OperatorConv2d("adder", rfviz.Conv2dSpec(3), 3, 2)
    row = trace(nn.Sequential(layer), (3, 9, 9))[0]
    picture = torch.rand(3, 9, 9)
    with torch.no_grad():
        torch.testing.assert_close(row.activations(picture), layer(picture[None])[0])


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (torch.rand(9, 9), "channels, height, width"),
        (torch.rand(4, 9, 9), "does not take this picture"),
        (torch.zeros(3, 9, 9, dtype=torch.uint8), "/ 255"),
    ],
)
def test_a_wrong_picture_gets_a_sentence(picture: torch.Tensor, words: str) -> None:
    row = trace(nn.Sequential(nn.Conv2d(3, 2, 3)), (3, 9, 9))[0]
    with pytest.raises(InputError, match=words):
        row.activations(picture)


def test_a_row_without_rows_and_columns_says_so() -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(98, 5))
    with pytest.raises(InputError, match="no rows and columns"):
        trace(module, (3, 9, 9))[-1].activations(torch.rand(3, 9, 9))
    with pytest.raises(InputError, match=r"Take one of \['0'"):
        trace(module, (3, 9, 9))["features.9"]


def test_printed_columns_are_aligned() -> None:
    network, size = published("resnet20_cifar10")
    table = trace(network, size)
    lines = str(table).splitlines()
    assert len(lines) == len(table) + 2
    heading = lines[0]
    for name in ("receptive field", "parameters", "multiply-adds"):
        end = heading.index(name) + len(name)
        assert all(line[end - 1] != " " and line[end : end + 2] == "  " for line in lines[1:-1])
    assert lines[-1] == "32 layers, 272,474 parameters, 40,813,184 multiply-adds"


def test_names_are_escaped_in_a_notebook() -> None:
    row = trace(nn.Conv2d(3, 2, 3), (3, 9, 9))[0]
    row = TracedLayer(**{**vars(row), "name": "<script>alert(1)</script>"})
    html = TraceTable([row])._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
