"""Modules as people write them: followed, and compared with the stack and with autograd."""

import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from gradient_judge import Function
from random_layers import one_thread  # noqa: F401 - a fixture
from random_sets import how_many
from random_stacks import fits, random_stack
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.operators.module import OperatorConv2d
from rfviz.conv.receptive_field.architectures import architecture, architecture_names
from rfviz.conv.receptive_field.network import Network
from rfviz.conv.receptive_field.stack import LayerGeometry, stack_geometry
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.trace.trace import trace

SIZE = (40, 44)


def conv(kernel: int = 3, stride: int = 1, channels: int = 4, padding: int = 0) -> nn.Conv2d:
    """A convolution with positive weights, whose gradients cannot cancel."""
    layer = nn.Conv2d(channels, 4, kernel, stride, padding)
    nn.init.uniform_(layer.weight, 0.5, 1.5)
    return layer


def facts(geometry: LayerGeometry) -> tuple[object, ...]:
    return (
        geometry.output_size, geometry.receptive_field, geometry.jump, geometry.start,
        geometry.aligned,
    )  # fmt: skip


def assert_follows_autograd(module: nn.Module, size: tuple[int, int] = SIZE) -> LayerGeometry:
    """The bounds of the gradient of some inner units are their regions, cut to the picture."""
    module = module.double().eval()
    last = trace(module, (4, *size))[-1]
    picture = (torch.rand(1, 4, *size, dtype=torch.float64) + 0.5).requires_grad_(True)
    output = module(picture)
    assert tuple(output.shape[-2:]) == last.output_size
    for unit in ((last.output_size[0] // 2 + i, last.output_size[1] // 2 - i) for i in range(4)):
        (gradient,) = torch.autograd.grad(
            output[0, :, unit[0], unit[1]].sum(), picture, retain_graph=True
        )
        touched = gradient[0].abs().sum(dim=0) > 0
        region = last.region(unit)
        for dim, found, n in ((1, region.rows, size[0]), (0, region.columns, size[1])):
            read = torch.nonzero(touched.any(dim=dim))[:, 0]
            expected = (max(found.start, 0), min(found.stop, n) - 1)
            assert (int(read[0]), int(read[-1])) == expected, (unit, found)
    return last


@pytest.mark.parametrize("name", architecture_names())
def test_architectures_traced_are_their_stacks(name: str) -> None:
    network = architecture(name)
    stacked = stack_geometry(network.layers, network.input_size)
    module = Network(network.layers, network.in_channels, relu=True)
    traced = trace(module, network.input_size)
    assert facts(traced[-1]) == facts(stacked[-1])
    assert {facts(one) for one in stacked} <= {facts(one) for one in traced}


def test_random_stacks_traced_are_their_stacks() -> None:
    n_compared, n_stacks = 0, how_many(24, 60)
    for seed in range(n_stacks):
        layers = random_stack(seed, transposed=True)
        if not fits(layers, SIZE):
            continue
        traced = trace(Network(layers, 1), SIZE)[-1]
        stacked = stack_geometry(layers, SIZE)[-1]
        assert traced.fields == stacked.fields
        assert traced.output_size == stacked.output_size
        n_compared += 1
    assert n_compared > n_stacks / 3


MODULES: dict[str, Callable[[], nn.Module]] = {
    "a residual with functions": lambda: Function(
        lambda x, a, b: F.relu(b(F.relu(a(x))) + x), a=conv(padding=1), b=conv(padding=1)
    ),
    "an in-place sum": lambda: Function(lambda x, a: a(x).add_(x).relu_(), a=conv(padding=1)),
    "two scales concatenated": lambda: Function(
        lambda x, a, b: torch.cat([a(x), b(x)], dim=1),
        a=conv(3, padding=1),
        b=conv(5, padding=2),
    ),
    "norms, dropout, identity": lambda: nn.Sequential(
        conv(padding=1), nn.BatchNorm2d(4), nn.Dropout(), nn.Identity(), nn.GELU(), conv(3, 2)
    ),
    "nearest, twice as large": lambda: nn.Sequential(
        conv(3, 2, padding=1), nn.Upsample(scale_factor=2), conv(padding=1)
    ),
    "nearest, to an odd size": lambda: Function(
        lambda x, a: F.interpolate(a(x), size=(50, 33)), a=conv(padding=1)
    ),
    "bilinear": lambda: Function(
        lambda x, a: F.interpolate(a(x), scale_factor=2, mode="bilinear"), a=conv(3, 2, padding=1)
    ),
    "bilinear with aligned corners": lambda: Function(
        lambda x, a: F.interpolate(a(x), size=(39, 43), mode="bilinear", align_corners=True),
        a=conv(3, 2, padding=1),
    ),
    "bicubic": lambda: Function(
        lambda x, a: F.interpolate(a(x), scale_factor=2, mode="bicubic"), a=conv(3, 2, padding=1)
    ),
    "adaptive pooling of equal windows": lambda: nn.Sequential(
        conv(padding=1), nn.AdaptiveAvgPool2d((10, 11))
    ),
    "adaptive pooling of unequal windows": lambda: nn.Sequential(
        conv(padding=1), nn.AdaptiveAvgPool2d((12, 7))
    ),
    "padding by hand": lambda: nn.Sequential(nn.ZeroPad2d((2, 0, 1, 3)), conv()),
    "F.pad": lambda: Function(lambda x, a: a(F.pad(x, (1, 1, 2, 0))), a=conv()),
    "pixel shuffle": lambda: Function(lambda x: F.pixel_shuffle(x, 2)),
    "pixel unshuffle": lambda: Function(lambda x: F.pixel_unshuffle(x, 2)),
    "channels last and back": lambda: Function(
        lambda x, a, b: b(a(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
        a=conv(padding=1),
        b=nn.Linear(4, 4),
    ),
    "a transposed layer after strides": lambda: nn.Sequential(
        conv(3, 2, padding=1), nn.ConvTranspose2d(4, 4, 4, 2, 1), conv(padding=1)
    ),
    "halves of the channels": lambda: Function(
        lambda x, a: torch.cat(a(x).chunk(2, dim=1), dim=1), a=conv(padding=1)
    ),
    "control flow on shapes": lambda: Function(
        lambda x, a: a(x) if x.shape[2] > 10 else x, a=conv(5, padding=2)
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_read_what_autograd_says(name: str) -> None:
    torch.manual_seed(0)
    assert_follows_autograd(MODULES[name]())


@pytest.mark.parametrize(
    "tail",
    [
        [nn.AdaptiveAvgPool2d(1)],
        [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2)],
        [nn.Flatten()],
        [Function(lambda x: x.mean(dim=(2, 3)))],
        [Function(lambda x: x.mean((-1, -2), keepdim=True))],
        [Function(lambda x: x.view(x.size(0), -1))],
        [Function(lambda x: x.flatten(2).transpose(1, 2))],
    ],
)
def test_global_steps_read_the_whole_picture_and_say_so(tail: list[nn.Module]) -> None:
    last = trace(nn.Sequential(conv(3, 2), *tail), (41, 45))[-1]
    assert last.receptive_field == (41, 45)
    assert last.standing == "whole input"
    assert "the whole picture" in last.note


def test_squeeze_and_excitation_spreads_over_the_picture() -> None:
    module = Function(
        lambda x, a, g: a(x) * torch.sigmoid(g(F.adaptive_avg_pool2d(x, 1))),
        a=conv(3, 2, padding=1),
        g=conv(1),
    )
    last = trace(module, SIZE)[-1]
    assert last.aligned
    assert last.region((5, 5)).rows == range(40)
    assert "whole map" in last.note
    assert last.jump == (2, 2)


def test_names_are_the_modules_and_pointwise_layers_have_no_entry() -> None:
    module = nn.Sequential(nn.Sequential(conv(), nn.ReLU()), nn.MaxPool2d(2), nn.BatchNorm2d(4))
    assert [one.name for one in trace(module, SIZE)] == ["0.0", "1"]
    assert [one.name for one in trace(nn.ReLU(), SIZE)] == ["output"]


def test_misaligned_branches_are_flagged() -> None:
    module = Function(lambda x, a: F.avg_pool2d(a(F.pad(x, (0, 2, 0, 2))) + x, 2), a=conv(3))
    last = trace(module, SIZE)[-1]
    assert not last.aligned
    assert "centred 1 pixel apart" in last.note


def test_statistics_of_the_whole_map_are_read_by_every_unit() -> None:
    last = trace(nn.Sequential(conv(), nn.GroupNorm(2, 4), conv()), SIZE)[-1]
    assert "statistics" in last.note
    assert last.receptive_field == SIZE
    assert last.standing == "whole input"


def test_the_callers_module_is_not_changed_and_holds_no_hooks() -> None:
    module = nn.Sequential(conv(), nn.BatchNorm2d(4), nn.Dropout())
    before = {name: value.clone() for name, value in module.state_dict().items()}
    trace(module, SIZE)
    assert module.training
    for name, value in module.state_dict().items():
        torch.testing.assert_close(value, before[name])
        assert value.device.type == "cpu"
    assert not any(inner._forward_hooks for inner in module.modules())


def test_channels_are_those_of_the_first_layer_or_of_the_caller() -> None:
    assert trace(conv(channels=7), SIZE) == trace(conv(channels=7), (7, *SIZE))
    with pytest.raises(InputError, match="expects 7 channels, but the map has 3"):
        trace(conv(channels=7), (3, *SIZE))


REFUSED: dict[str, Callable[[], nn.Module]] = {
    "a step on pixel values": lambda: Function(lambda x: x if x.sum() > 0 else -x),
    "a choice of pixels": lambda: Function(lambda x: x[x > 0]),
    "branches of two sizes": lambda: Function(lambda x, a: a(x) + x, a=conv()),
    "a kernel that does not fit": lambda: conv(99),
    "channels that do not match": lambda: nn.Sequential(conv(), conv(channels=5)),
    "an error of its own": lambda: Function(lambda x: x.nothing),
    "a lazy layer": lambda: nn.LazyConv2d(3, 3),
    "a recurrent layer": lambda: nn.LSTM(8, 8),
}


DEPENDENT: dict[str, Callable[[], nn.Module]] = {
    "fractional pooling": lambda: nn.FractionalMaxPool2d(2, output_size=(3, 3)),
    "a gather": lambda: Function(
        lambda x: F.grid_sample(x, torch.zeros(1, 3, 3, 2), align_corners=False)
    ),
    "unpooling": lambda: Function(
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), [2, 2])
    ),
    "sorting": lambda: Function(lambda x: x.sort(2).values),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_what_looks_where_numbers_say_counts_as_reading_all_and_says_so(name: str) -> None:
    last = trace(DEPENDENT[name](), SIZE)[-1]
    assert last.standing == "depends on data"
    assert last.reason
    assert last.receptive_field[0] == SIZE[0]


def test_a_step_that_is_not_known_widens_and_is_named() -> None:
    module = Function(lambda x: torch.linalg.pinv(x.mean(1)))
    last = trace(module, SIZE)[-1]
    assert last.standing == "unknown"
    assert "not known" in last.reason
    assert last.receptive_field == SIZE


def test_a_convolution_of_the_transposed_map_reads_along_the_rows() -> None:
    module = Function(lambda x, a: a(x.transpose(2, 3)), a=nn.Conv2d(1, 1, (1, 5)))
    last = trace(module, (1, 16, 20))[-1]
    assert (last.receptive_field, last.output_size) == ((5, 1), (12, 20))


def test_a_gate_of_means_keeps_the_sizes_and_the_convolution_after_it() -> None:
    module = Function(
        lambda y, gate, a: a(y * gate(y.mean((2, 3))).view(1, 4, 1, 1)),
        gate=nn.Linear(4, 4),
        a=nn.Conv2d(4, 4, 3, 2),
    )
    last = trace(module, (4, 49, 49))[-1]
    assert (last.name, last.output_size, last.standing) == ("layers.a", (24, 24), "whole input")
    assert last.receptive_field == (49, 49)


def test_a_layer_of_another_operator_reads_what_its_convolution_reads() -> None:
    layer = OperatorConv2d("adder", Conv2dSpec(3, padding=1), 3, 8)
    module = nn.Sequential(layer, nn.Conv2d(8, 4, 3, 2))
    assert [row.receptive_field for row in trace(module, (3, 24, 32))] == [(3, 3), (5, 5)]


def test_a_scripted_module_is_followed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module = torch.jit.script(nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU()))
    assert [row.call for row in trace(module, (3, 24, 32))] == ["conv2d"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_followed_is_a_clear_input_error(name: str) -> None:
    with pytest.raises(InputError) as caught:
        trace(REFUSED[name](), SIZE)
    assert caught.value.remedies
    assert len(str(caught.value)) < 700


def test_the_module_that_cannot_be_followed_is_named() -> None:
    module = nn.Sequential(conv(), nn.Sequential(nn.ReLU(), conv(99)))
    with pytest.raises(InputError, match=r"At 1\.1: On the rows, the kernel spans 99 pixels"):
        trace(module, SIZE)


@pytest.mark.parametrize(
    "size", [3, (3,), (0, 4), (1, 2, 3, 4), "ab", None, (3.5, 4), (True, 4), (2**31 - 1, 2**31 - 1)]
)
def test_a_wrong_size_is_an_input_error(size: object) -> None:
    with pytest.raises(InputError, match="picture"):
        trace(conv(), size)


@pytest.mark.parametrize("module", [None, 3, [nn.ReLU()], torch.relu])
def test_what_is_no_module_is_an_input_error(module: object) -> None:
    with pytest.raises(InputError, match=r"nn\.Module"):
        trace(module, SIZE)  # type: ignore[arg-type]
