"""A network that does not fit its picture: every remedy mends it, as torch itself says."""

import copy
import random
import re
from typing import Any

import pytest
import torch
from random_layers import one_thread  # noqa: F401 - a fixture
from random_sets import how_many
from torch import Tensor, nn

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.trace.trace import trace

Size = tuple[int, int]


class Join(nn.Module):
    """Two branches whose maps are added."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.left(x) + self.right(x)
        return out


def random_network(rng: random.Random) -> nn.Module:
    """Convolutions, pools, branches and sometimes a linear layer that wants one size."""
    layers: list[nn.Module] = []
    for _ in range(rng.randint(2, 5)):
        kernel, stride = (rng.randint(1, 6), rng.randint(1, 6)), rng.randint(1, 3)
        pad = (rng.randint(0, kernel[0] // 2), rng.randint(0, kernel[1] // 2))
        layers.append(
            rng.choice(
                [
                    nn.Conv2d(2, 2, kernel, stride, pad, rng.randint(1, 2)),
                    nn.Conv2d(2, 2, 3, 1, 1, padding_mode="reflect"),
                    nn.MaxPool2d(kernel, stride, pad),
                    nn.AvgPool2d(kernel, stride, pad),
                    nn.ReLU(),
                    Join(nn.Conv2d(2, 2, 4, 2, 1), nn.MaxPool2d(2)),
                    nn.ConvTranspose2d(2, 2, 3, 2, 1),
                ]
            )
        )
    if rng.random() < 0.3:
        side = rng.randint(1, 4)
        layers += [nn.AdaptiveAvgPool2d(side), nn.Flatten(), nn.Linear(2 * side * side, 3)]
    return nn.Sequential(*layers)


def runs(module: nn.Module, n_channels: int, size: Size) -> bool:
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(1, n_channels, *size))
    except (RuntimeError, ValueError, AssertionError):
        return False
    return True


def mended(module: nn.Module, remedy: Remedy, n_channels: int, size: Size) -> bool:
    changes: dict[str, Any] = dict(remedy.changes)
    name = changes.pop("layer", None)
    size = changes.pop("input_size", size)
    n_channels = changes.pop("channels", n_channels)
    if name is not None:
        module = copy.deepcopy(module)
        module = changed(module, name, changes)
    return runs(module, n_channels, size)


def changed(module: nn.Module, name: str, changes: dict[str, Any]) -> nn.Module:
    layer = module.get_submodule(name)
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    if "padding" in changes:
        (top, bottom), (left, right) = changes["padding"]
        assert (top, left) == (bottom, right)
        changes["padding"] = (top, left)
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
    new = type(layer)(**({n: getattr(layer, n) for n in names} | changes))
    if not name:
        return new
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, new)
    return module


@pytest.mark.parametrize("seed", range(how_many(60, 1000)))
def test_every_remedy_of_a_random_network_mends_it(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    while True:
        module, size = random_network(rng), (rng.randint(1, 14), rng.randint(1, 14))
        if not runs(module, 2, size):
            break
    with pytest.raises(InputError) as caught:
        trace(module, (2, *size))
    changes = [remedy for remedy in caught.value.remedies if remedy.changes]
    assert changes
    for remedy in changes:
        assert mended(module, remedy, 2, size), (module, size, remedy)


@pytest.mark.parametrize("seed", range(how_many(30, 300)))
def test_no_smaller_picture_would_do_where_each_layer_only_needs_enough(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    module = nn.Sequential(
        *(nn.Conv2d(1, 1, rng.randint(2, 5), rng.randint(1, 3)) for _ in range(rng.randint(2, 4)))
    )
    with pytest.raises(InputError) as caught:
        trace(module, (1, 1, 1))
    size = next(r.changes["input_size"] for r in caught.value.remedies if "input_size" in r.changes)
    assert runs(module, 1, size)
    assert not runs(module, 1, (size[0] - 1, size[1]))
    assert not runs(module, 1, (size[0], size[1] - 1))


def test_two_wide_convolutions_of_six_pixels_need_nine() -> None:
    module = nn.Sequential(nn.Conv2d(1, 1, 5), nn.Conv2d(1, 1, 5))
    with pytest.raises(InputError, match="set input size to 9"):
        trace(module, (1, 6, 6))


def test_a_linear_layer_gets_the_size_that_it_was_made_for() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 32 * 32, 3))
    for size in ((31, 40), (33, 33), (30, 31), (224, 224)):
        with pytest.raises(InputError, match=r"Set input size to 32\."):
            trace(net, (3, *size))


def test_channels_that_differ_are_mended_at_the_picture_or_at_the_layer() -> None:
    first = nn.Conv2d(3, 4, 3)
    with pytest.raises(InputError) as caught:
        trace(nn.Sequential(first, nn.Conv2d(4, 2, 3)), (1, 9, 9))
    labels = [remedy.label for remedy in caught.value.remedies]
    assert labels == ["Give a picture that has 3 channels", "Set in_channels of layer 0 to 1"]
    with pytest.raises(InputError) as caught:
        trace(nn.Sequential(first, nn.Conv2d(5, 2, 3)), (3, 9, 9))
    assert [r.label for r in caught.value.remedies] == ["Set in_channels of layer 1 to 4"]


def test_the_trials_of_a_deep_network_that_nothing_mends_end() -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.zeros(x.shape[2] + 2)

    module = nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(300)), Broken())
    with pytest.raises(InputError) as caught:
        trace(module, (1, 9, 9))
    assert re.search("0|300", str(caught.value))
    assert caught.value.remedies
