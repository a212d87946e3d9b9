"""What the shapes of weights tell of a network, and what they do not."""

import pytest
import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.stack import stack_geometry
from rfviz.conv.weight_shapes import layers_from_shapes


def test_a_chain_of_convolutions_is_read_from_its_state_dict() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 8, (3, 5)), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, groups=8), nn.Flatten(),
        nn.Linear(8, 2),
    )  # fmt: skip
    shapes = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    found = layers_from_shapes(shapes)
    assert [(layer.name, layer.kernel_size, layer.groups) for layer in found.layers] == [
        ("0", (3, 5), 1),
        ("2", (3, 3), 8),
    ]
    assert found.in_channels == 3
    assert any("8 groups" in note for note in found.notes)
    assert any("'4.weight'" in note for note in found.notes)
    geometry = stack_geometry(found.layers, (20, 20))
    assert geometry[-1].receptive_field == (5, 7)
    assert geometry[-1].output_size == (20, 20)


def test_a_branch_is_noted() -> None:
    found = layers_from_shapes({"a.weight": (8, 3, 3, 3), "b.weight": (4, 5, 1, 1)})
    assert any("branch" in note for note in found.notes)


def test_torch_sizes_are_shapes() -> None:
    assert layers_from_shapes({"w": torch.Size([2, 1, 4, 4])}).layers[0].pads == ((1, 2), (1, 2))


@pytest.mark.parametrize(
    "shapes",
    [None, {}, {"a": (3,)}, {"a": 3}, {"a": "1234"}, {"a": (1, 2, "x", 3)}, {"a": (0, 3, 3, 3)},
     {"a": (-1, 3, 3, 3)}, {"a": (1, 2.5, 3, 3)}, {str(n): (1,) for n in range(10_001)}],
)  # fmt: skip
def test_what_is_no_network_is_an_input_error(shapes: object) -> None:
    with pytest.raises(InputError):
        layers_from_shapes(shapes)  # type: ignore[arg-type]
