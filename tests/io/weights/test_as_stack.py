"""Stacks from weights: the order and the groups of networks, as far as shapes can say them."""

import pytest
import torch
from torch import nn

import rfviz
from rfviz.io.weights.as_stack import MOST_LAYERS, stack_of_weights


def depthwise(channels: int, out: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, out, 1),
    ]


def test_a_sequence_is_found_whole_with_its_groups() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), *depthwise(8, 16), nn.ReLU(),
        nn.Conv2d(16, 12, (1, 7), padding=(0, 3)), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip
    found = stack_of_weights(net.state_dict())
    assert found.left_out == ()
    assert found.in_channels == 3
    convolutions = [module for module in net if isinstance(module, nn.Conv2d)]
    assert len(found.layers) == len(convolutions)
    for layer, module in zip(found.layers, convolutions, strict=True):
        assert layer.kernel_size == module.kernel_size
        assert layer.groups == module.groups
        assert layer.out_channels == module.out_channels
        assert layer.bias == (module.bias is not None)
    ours = rfviz.stack_geometry(found.layers, (40, 40))[-1]
    theirs = rfviz.trace(net[:7], (3, 40, 40))[-1]
    assert (ours.receptive_field, ours.output_size) == (theirs.receptive_field, theirs.output_size)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.shortcut = nn.Conv2d(8, 16, 1)


def test_a_shortcut_is_left_out_and_said() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Residual(), nn.Conv2d(16, 4, 3, padding=1))
    found = stack_of_weights(net.state_dict())
    assert [layer.name for layer in found.layers] == ["0", "1.conv1", "1.conv2", "2"]
    assert found.left_out == ("1.shortcut reads 8 channels, and 16 come before it",)


def test_names_of_any_kind_fit_a_stack_s_text() -> None:
    weight = torch.zeros(1, 1, 3, 3)
    found = stack_of_weights({"m:" + "x" * 60 + "/λ~,(": weight, "": weight})
    assert all(len(layer.name) <= 40 for layer in found.layers)
    assert not set("~,(/:") & set("".join(layer.name for layer in found.layers))


def test_what_is_no_stack_is_a_sentence() -> None:
    with pytest.raises(rfviz.InputError, match="no 2-D convolution of four dimensions"):
        stack_of_weights({"fc.weight": torch.zeros(3, 4)})
    many = {f"{number}": torch.zeros(1, 1, 3, 3) for number in range(MOST_LAYERS + 1)}
    with pytest.raises(rfviz.InputError, match="at most 200"):
        stack_of_weights(many)
