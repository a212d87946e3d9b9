"""Weights of every format come back as they were saved, and agree with nn.Conv2d on photographs."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import skimage
import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.matmul.compare import compare_with_conv2d
from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.io.pictures.picture import load_picture
from rfviz.io.weights.channels import channel_choices, choice_named, pick_channels
from rfviz.io.weights.layers import layer, layers_of, non_finite
from rfviz.io.weights.read import load_weights, read_weights


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


def torch_file(value: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def numpy_file(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def check_equal(loaded: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert list(loaded) == list(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0)


def photo(name: str) -> torch.Tensor:
    return load_picture((Path(skimage.data.__path__[0]) / name).read_bytes())


def test_state_dict_of_a_sequential() -> None:
    module = network()
    loaded = load_weights(torch_file(module.state_dict()), "net.pt")
    check_equal(loaded, dict(module.state_dict()))
    judge = torch.load(io.BytesIO(torch_file(module.state_dict())), weights_only=True)
    check_equal(loaded, judge)


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", "mine"])
def test_checkpoint_that_nests_a_state_dict(key: str) -> None:
    module = network()
    optimiser = torch.optim.Adam(module.parameters())
    module(torch.rand(1, 3, 7, 7)).sum().backward()
    optimiser.step()
    checkpoint = {
        "epoch": 3,
        "optimizer_state_dict": optimiser.state_dict(),
        key: module.state_dict(),
        "loss": 0.5,
    }
    loaded = load_weights(torch_file(checkpoint), "last.pth")
    model = dict(module.state_dict())
    if key == "mine":
        model = {f"mine.{name}": tensor for name, tensor in model.items()}
    states = optimiser.state_dict()["state"].items()
    others = {
        f"optimizer_state_dict.state.{number}.{name}": tensor
        for number, state in states
        for name, tensor in state.items()
    }
    check_equal(loaded, model | others)
    assert read_weights(torch_file(checkpoint), "last.pth").of_the_model.keys() == model.keys()


def test_data_parallel_loses_its_prefix() -> None:
    module = network()
    loaded = load_weights(torch_file(nn.DataParallel(module).state_dict()), "net.pth")
    check_equal(loaded, dict(module.state_dict()))


def test_tensor_parameter_and_list_of_tensors() -> None:
    weight = torch.rand(4, 3, 3, 3)
    check_equal(load_weights(torch_file(weight), "w.pt"), {"weight": weight})
    check_equal(load_weights(torch_file(nn.Parameter(weight)), "w.pt"), {"weight": weight})
    check_equal(
        load_weights(torch_file([weight, weight[0]]), "w.pt"), {"0": weight, "1": weight[0]}
    )


def test_shared_and_strided_tensors_get_memory_of_their_own() -> None:
    weight = torch.rand(4, 3, 3, 3)
    saved = {"a": weight, "b": weight.transpose(2, 3), "c": weight[:1].expand(5, 3, 3, 3)}
    loaded = load_weights(torch_file(saved), "w.pt")
    check_equal(loaded, saved)
    assert all(tensor.is_contiguous() for tensor in loaded.values())


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.uint8, torch.int64]
)
def test_types_are_kept(dtype: torch.dtype) -> None:
    tensors = {"conv.weight": (torch.rand(2, 3, 3, 3) * 100).to(dtype)}
    check_equal(load_weights(torch_file(tensors), "a.pt"), tensors)
    check_equal(load_weights(safetensors.torch.save(tensors), "a.safetensors"), tensors)
    if dtype != torch.bfloat16:
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        check_equal(load_weights(numpy_file(**arrays), "a.npz"), tensors)


@pytest.mark.parametrize("descr", ["<f4", ">f4", "<f2", ">f8", "<i2", ">u2", "|u1", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_in_every_byte_order_and_layout(descr: str, order: Any) -> None:
    array = np.asarray(np.arange(24).reshape(2, 1, 3, 4) % 7, dtype=descr, order=order)
    file = io.BytesIO()
    np.save(file, array)
    loaded = load_weights(file.getvalue(), "w.npy")["weight"]
    expected = torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
    torch.testing.assert_close(loaded, expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,0,-1\n2,0,-2\n1,0,-1", [[[[1, 0, -1], [2, 0, -2], [1, 0, -1]]]]),
        ("1 2\n3 4\n\n5 6\n7 8\n", [[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]]),
        ("\ufeff# mean\n.5;5e-1\r\n0.5;0.5\r\n", [[[[0.5, 0.5], [0.5, 0.5]]]]),
        ("1\t-2\t3,", [[[[1, -2, 3]]]]),
        ("7", [[[[7]]]]),
    ],
)
def test_text_of_kernels(text: str, expected: list[Any]) -> None:
    loaded = load_weights(text.encode(), "kernels.csv")["weight"]
    torch.testing.assert_close(loaded, torch.tensor(expected, dtype=torch.float32))


def test_layers_and_why_others_are_none() -> None:
    tensors = load_weights(torch_file(network().state_dict()), "net.pt")
    entries = {entry.name: entry for entry in layers_of(tensors)}
    assert [name for name, entry in entries.items() if entry.is_conv2d] == ["0.weight", "3.weight"]
    assert entries["0.weight"].bias is None
    assert entries["3.weight"].bias == "3.bias"
    assert entries["3.weight"].notes == ("depthwise with groups 8, or a layer for grey pictures",)
    assert entries["3.weight"].groups_for(8) == 8
    assert entries["0.weight"].weight_shape == (8, 3, 5, 5)
    assert "fully connected" in entries["5.weight"].reason
    assert "one number a channel" in entries["1.running_mean"].reason
    assert "3.bias" not in entries
    with pytest.raises(
        InputError, match=r"'5.weight' is no 2-D convolution: .* Choose 0.weight, 3"
    ):
        layer(tensors, entries["5.weight"])


def test_lone_kernels_are_filters_of_one_channel() -> None:
    for shape, expected in [((5, 3), (1, 1, 5, 3)), ((4, 5, 3), (4, 1, 5, 3))]:
        tensors = {"weight": torch.ones(shape, dtype=torch.int32)}
        weight, bias = layer(tensors, layers_of(tensors)[0])
        assert weight.shape == expected
        assert weight.dtype == torch.float32
        assert bias is None


def test_bias_takes_the_type_of_its_weight() -> None:
    tensors = {"c.weight": torch.ones(2, 1, 3, 3, dtype=torch.float64), "c.bias": torch.ones(2)}
    weight, bias = layer(tensors, layers_of(tensors)[0])
    assert bias is not None
    assert bias.dtype == weight.dtype == torch.float64


def test_non_finite_numbers_are_told() -> None:
    weight = torch.tensor([1.0, torch.nan, torch.inf, -torch.inf]).reshape(1, 1, 2, 2)
    loaded = load_weights(torch_file({"a": weight, "b": torch.ones(1)}), "w.pt")
    assert non_finite(loaded) == {"a": (1, 2)}


@pytest.mark.parametrize("picture", ["astronaut.png", "coffee.png", "camera.png", "rocket.jpg"])
def test_layers_agree_with_conv2d_on_photographs(picture: str) -> None:
    image = photo(picture)[:, :120, :160].float() / 255
    tensors = load_weights(torch_file(network().state_dict()), "net.pt")
    entry = layers_of(tensors)[0]
    weight, bias = layer(tensors, entry)
    if image.shape[0] != weight.shape[1]:
        image, weight = choice_named("repeat", 1, 3).fit(image, weight)
    comparison = compare_with_conv2d(image, weight, bias, Conv2dSpec(5, stride=2, padding=2))
    assert comparison.allclose


def test_channel_choices_do_what_they_say() -> None:
    grey, colour = (
        torch.rand(1, 6, 6, dtype=torch.float64),
        torch.rand(3, 6, 6, dtype=torch.float64),
    )
    weight = torch.rand(2, 3, 3, 3, dtype=torch.float64)
    assert channel_choices(3, 3) == ()
    repeated = conv2d_by_matmul(*choice_named("repeat", 1, 3).fit(grey, weight))
    summed = conv2d_by_matmul(*choice_named("sum_weight", 1, 3).fit(grey, weight))
    torch.testing.assert_close(repeated, summed)
    single = weight[:, :1]
    mean = conv2d_by_matmul(*choice_named("grey", 3, 1).fit(colour, single))
    torch.testing.assert_close(mean, conv2d_by_matmul(colour.mean(0)[None], single))
    picked = conv2d_by_matmul(*pick_channels([2]).fit(colour, single))
    torch.testing.assert_close(picked, conv2d_by_matmul(colour[2:], single))
    part = conv2d_by_matmul(*choice_named("pick_weight", 1, 3).fit(grey, weight))
    torch.testing.assert_close(part, conv2d_by_matmul(grey, single))


@pytest.mark.parametrize("sizes", [(1, 3), (3, 1), (4, 3), (3, 8), (1, 64), (2, 1)])
def test_every_choice_makes_the_channels_meet(sizes: tuple[int, int]) -> None:
    have, reads = sizes
    for choice in channel_choices(have, reads):
        image, weight = choice.fit(torch.rand(have, 4, 4), torch.rand(2, reads, 3, 3))
        assert image.shape[0] == weight.shape[1]
        assert choice.does.endswith(".")


def test_wrong_choice_names_the_numbers() -> None:
    with pytest.raises(InputError, match=r"has 3 channels and the weight reads 1\. Choose grey"):
        choice_named("repeat", 3, 1)
    with pytest.raises(InputError, match=r"\[3\] were picked; the picture has 0 to 2"):
        pick_channels([3]).fit(torch.rand(3, 2, 2), torch.rand(1, 1, 1, 1))
