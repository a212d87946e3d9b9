"""Torch's own answer to a layer, without computing: modules and pictures that hold no data.

A tensor on torch's "meta" device has a shape and nothing else, so torch checks the parameters and
says the output's shape, or refuses, at once and for pictures of any size.
"""

import warnings
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import nn

from rfviz.conv.layers.fit import picture_size, problems
from rfviz.conv.layers.layer import Layer
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.parse import whole_number

MOST_PIXELS = 2**20


class TorchAnswer(NamedTuple):
    """The (channels, height, width) of torch's output, or its words where it refuses."""

    shape: tuple[int, ...] | None
    message: str


def torch_answer(layer: Layer, input_size: object, in_channels: object = 1) -> TorchAnswer:
    """Ask torch for the shape of the output of one (in_channels, height, width) picture.

    The answer of `nn.Unfold` is (channels × taps, columns). `InputError` for what is no size of a
    picture and for groups that do not divide the channels.

    >>> torch_answer(Layer("Conv2d", 3, 2, 1, out_channels=8), (28, 28), 3).shape
    (8, 14, 14)
    """
    height, width = picture_size(input_size)
    n_in = whole_number("in_channels", in_channels, least=1)
    if layer.kind.startswith("Conv"):
        layer.spec.check_channels(n_in, _out_channels(layer, n_in))
    if layer.kind == "ConvTranspose2d" and problems(layer, (height, width)):
        return _answer_on_data(layer, (height, width))
    with torch.device("meta"), warnings.catch_warnings():
        # Of an even kernel with padding "same" torch warns that it copies the picture.
        warnings.simplefilter("ignore", UserWarning)
        return _asked(torch_module(layer, n_in), torch.empty(1, n_in, height, width))


def torch_module(layer: Layer, in_channels: int) -> nn.Module:
    """Return the torch module of a layer, for pictures of so many channels.

    >>> torch_module(Layer("AvgPool2d", 2), 3)
    AvgPool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))
    """
    kernel, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
    pads = (layer.pads[0][0], layer.pads[1][0])
    n_out = _out_channels(layer, in_channels)
    if layer.kind == "Conv2d":
        return layer.spec.to_module(in_channels, n_out, layer.bias)
    if layer.kind == "ConvTranspose2d":
        return nn.ConvTranspose2d(
            in_channels, n_out, kernel, stride, pads, layer.output_padding, layer.groups,
            layer.bias, dilation,
        )  # fmt: skip
    if layer.kind == "MaxPool2d":
        return nn.MaxPool2d(kernel, stride, pads, dilation, ceil_mode=layer.ceil_mode)
    if layer.kind == "AvgPool2d":
        return nn.AvgPool2d(kernel, stride, pads, layer.ceil_mode)
    return nn.Unfold(kernel, dilation, pads, stride)


def _answer_on_data(layer: Layer, size: Pair) -> TorchAnswer:
    """Ask with one channel of numbers, since "meta" passes over the checks of transposed layers."""
    if size[0] * size[1] > MOST_PIXELS:
        return TorchAnswer(None, "")
    module = torch_module(replace(layer, groups=1, out_channels=1), 1).double()
    return _asked(module, torch.zeros(1, 1, *size, dtype=torch.float64))


def _asked(module: nn.Module, picture: torch.Tensor) -> TorchAnswer:
    try:
        return TorchAnswer(tuple(module(picture).shape[1:]), "")
    except (RuntimeError, ValueError) as refusal:
        return TorchAnswer(None, str(refusal).strip())


def _out_channels(layer: Layer, in_channels: int) -> int:
    return in_channels if layer.out_channels is None else layer.out_channels
