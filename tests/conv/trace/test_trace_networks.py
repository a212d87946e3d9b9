"""Whole networks with random weights: every convolution has its row, and gradients lie inside.

Most families of pytorchcv are tried with `RFVIZ_MANY=1` only: they take minutes.
"""

import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from gradient_judge import Function, convolutions_run, judged
from pytorchcv.model_provider import get_model
from random_layers import one_thread  # noqa: F401 - a fixture
from random_sets import MANY
from torch import nn

from rfviz.conv.trace.trace import trace

QUICK = [
    "resnet20_cifar10",
    "preresnet20_cifar10",
    "sepreresnet20_cifar10",
    "densenet40_k12_cifar10",
    "nin_cifar10",
    "mobilenetv2_wd4",
    "shufflenetv2_wd2",
    "cbam_resnet18",
    "squeezenet_v1_0",
    "vgg11",
]
SLOW = [
    "alexnet",
    "zfnet",
    "vgg11",
    "bn_vgg11",
    "bninception",
    "preresnet18",
    "resnext26_16x4d",
    "seresnet26",
    "sepreresnet18",
    "seresnext50_32x4d",
    "senet16",
    "ibn_resnet50",
    "ibnb_resnet50",
    "airnet50_1x64d_r2",
    "bam_resnet18",
    "cbam_resnet18",
    "scnet50",
    "diracnet18v2",
    "densenet121",
    "condensenet74_c4_g4",
    "peleenet",
    "wrn50_2",
    "drnc26",
    "dla34",
    "darknet_ref",
    "darknet53",
    "irevnet301",
    "xdensenet121_2",
    "squeezenet_v1_0",
    "squeezeresnet_v1_0",
    "sqnxt23_w1",
    "shufflenet_g1_wd4",
    "shufflenetv2_wd2",
    "shufflenetv2b_wd2",
    "menet108_8x1_g3",
    "mobilenet_wd4",
    "fdmobilenet_wd4",
    "mobilenetv2_wd4",
    "mobilenetv3_small_w7d20",
    "igcv3_wd4",
    "ghostnet",
    "mnasnet_b1",
    "fbnet_cb",
    "xception",
    "inceptionv3",
    "inceptionv4",
    "inceptionresnetv2",
    "polynet",
    "nasnet_4a1056",
    "pnasnet5large",
    "spnasnet",
    "efficientnet_b0",
    "efficientnet_b0b",
    "mixnet_s",
    "resneta10",
    "hrnet_w18_small_v1",
    "vovnet27s",
]
NAMES = QUICK + (SLOW if MANY else [])


def attend(x: torch.Tensor, a: nn.Module, q: nn.Module) -> torch.Tensor:
    maps: torch.Tensor = a(x)
    tokens = maps.flatten(2).transpose(1, 2)
    query, key, value = q(tokens).chunk(3, -1)
    weights = (query @ key.transpose(1, 2)).softmax(-1)
    mixed: torch.Tensor = (weights @ value).transpose(1, 2).reshape(maps.shape)
    return maps + mixed


def convnext(
    x: torch.Tensor, s: nn.Module, d: nn.Module, n: nn.Module, p: nn.Module
) -> torch.Tensor:
    y: torch.Tensor = s(x)
    z: torch.Tensor = p(n(d(y).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
    return y + z


def shared(layer: nn.Module) -> nn.Module:
    return nn.Sequential(layer, nn.Softplus(), layer)


def unet(x: torch.Tensor, a: nn.Module, d: nn.Module, u: nn.Module, b: nn.Module) -> torch.Tensor:
    skip = a(x)
    up = u(d(skip))
    rows, columns = ((skip.shape[i] - up.shape[i]) // 2 for i in (2, 3))
    kept = skip[:, :, rows : rows + up.shape[2], columns : columns + up.shape[3]]
    out: torch.Tensor = b(torch.cat([kept, up], 1))
    return out


HANDMADE: dict[str, Callable[[], nn.Module]] = {
    "self-attention": lambda: Function(attend, a=nn.Conv2d(3, 4, 3, 2, 1), q=nn.Linear(4, 12)),
    "ConvNeXt block": lambda: Function(
        convnext,
        s=nn.Conv2d(3, 4, 2, 2),
        d=nn.Conv2d(4, 4, 7, padding=3, groups=4),
        n=nn.LayerNorm(4),
        p=nn.Linear(4, 4),
    ),
    "U-Net with crops": lambda: Function(
        unet,
        a=nn.Conv2d(3, 4, 3),
        d=nn.Conv2d(4, 4, 3, 2),
        u=nn.ConvTranspose2d(4, 4, 2, 2),
        b=nn.Conv2d(8, 4, 3),
    ),
    "CRNN": lambda: Function(
        lambda x, a, r: r(a(x).mean(2).permute(0, 2, 1))[0],
        a=nn.Conv2d(3, 6, 3, padding=1),
        r=nn.LSTM(6, 4, bidirectional=True, batch_first=True),
    ),
    "transformer encoder": lambda: Function(
        lambda x, a, t: t(a(x).flatten(2).transpose(1, 2)),
        a=nn.Conv2d(3, 8, 4, 4),
        t=nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
    ),
    "circular padding": lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"),
    "reflected padding, twice": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), nn.Conv2d(4, 4, 3, 2)
    ),
    "Focus": lambda: Function(
        lambda x, a: a(torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)),
        a=nn.Conv2d(12, 4, 3),
    ),
    "shared weights": lambda: shared(nn.Conv2d(3, 3, 3)),
    "super-resolution": lambda: nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2), nn.Conv2d(3, 3, 3)
    ),
    "pyramid pooling": lambda: Function(
        lambda x, a: a(torch.cat([x, F.interpolate(F.adaptive_avg_pool2d(x, 2), x.shape[2:])], 1)),
        a=nn.Conv2d(6, 4, 3),
    ),
}


@pytest.mark.parametrize("name", HANDMADE)
def test_gradients_of_a_network_lie_inside_its_field(name: str) -> None:
    verdict = judged(HANDMADE[name](), (24, 28), exact=False)
    assert not verdict.faults
    rows = trace(HANDMADE[name](), (3, 24, 28))
    assert sum(row.call.startswith("conv") for row in rows) == verdict.n_convolutions


@pytest.mark.parametrize("name", NAMES)
def test_every_convolution_of_a_published_network_has_its_row(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = get_model(name).eval()
        size = tuple(network.in_size)
        channels = getattr(network, "in_channels", 3)
        rows = trace(network, (channels, *size))
        picture = torch.empty(1, channels, *size, device="meta")
        n_run = convolutions_run(network.to("meta"), picture)
    assert sum(row.call.startswith("conv") for row in rows) == n_run
    assert all(row.reason for row in rows if row.standing != "exact")


@pytest.mark.parametrize("name", [name for name in NAMES if "cifar10" in name])
def test_gradients_of_a_published_network_lie_inside_its_field(name: str) -> None:
    features = get_model(name).features[:-1]
    verdict = judged(features, (32, 32), exact=False)
    assert not verdict.faults
