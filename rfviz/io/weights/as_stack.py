"""The convolutions of a weights file as a stack of layers, as far as their shapes allow.

A file of weights names tensors in the order in which the network's parts were made, which is mostly
the order in which a picture passes them. It says neither stride, padding nor pooling.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.io.weights.layers import LayerEntry, layer, layers_of
from rfviz.io.weights.surroundings import is_average

MOST_LAYERS = 200
_LONGEST_NAME = 40


class FoundStack(NamedTuple):
    """Layers in the order of the file, the channels that the first reads, and what is left out.

    `parameters` are each layer's (weight, bias).
    """

    layers: tuple[Layer, ...]
    in_channels: int
    left_out: tuple[str, ...]
    parameters: tuple[tuple[torch.Tensor, torch.Tensor | None], ...]


def stack_of_weights(tensors: Mapping[str, torch.Tensor]) -> FoundStack:
    """Chain the 2-D convolutions of {name: tensor} by their channels, stride 1 and sizes kept.

    A layer that reads other channels than the one before gives is on another branch, such as a
    shortcut's, and left out. Groups are taken for granted where a kernel of more than one tap reads
    a part of the channels that divides them. Raises `InputError` where there is no 2-D convolution
    with four dimensions, and for more than 200 layers.

    >>> shapes = {"a.weight": (8, 3, 3, 3), "b.weight": (8, 1, 5, 5), "c.weight": (4, 9, 1, 1)}
    >>> found = stack_of_weights({name: torch.zeros(shape) for name, shape in shapes.items()})
    >>> [(layer.name, layer.kernel_size, layer.groups) for layer in found.layers]
    [('a', (3, 3), 1), ('b', (5, 5), 8)]
    >>> found.left_out
    ('c reads 9 channels, and 8 come before it',)
    """
    four = [entry for entry in layers_of(tensors) if entry.is_conv2d and len(entry.shape) == 4]
    # A file that holds averaged copies only is read by them.
    entries = [entry for entry in four if not is_average(entry.name)] or four
    if not entries:
        raise InputError(
            "The file holds no 2-D convolution of four dimensions (filters, channels, height, "
            "width).",
            remedy="Choose a state dict of a network with nn.Conv2d layers",
        )
    layers: list[Layer] = []
    parameters: list[tuple[torch.Tensor, torch.Tensor | None]] = []
    copies = len(four) - len(entries)
    left_out = [f"{copies:,} averaged copies (EMA) of layers"] if copies else []
    ordinary = [entry for entry in entries if not entry.is_transposed] or entries
    first = channels = ordinary[0].weight_shape[1]
    for entry in entries:
        if entry.is_transposed:
            left_out.append(
                f"{_name(entry)} is a transposed convolution, whose stride the file does not say"
            )
            continue
        groups = _groups(entry, channels)
        if groups is None:
            reads = entry.weight_shape[1]
            left_out.append(
                f"{_name(entry)} reads {reads:,} channels, and {channels:,} come before it"
            )
            continue
        layers.append(_layer(entry, groups))
        parameters.append(layer(tensors, entry))
        channels = entry.weight_shape[0]
    if not layers:
        raise InputError(
            f"The {len(left_out):,} layers of the file are transposed convolutions.",
            remedy="Write the stack by hand, with their strides",
        )
    if len(layers) > MOST_LAYERS:
        raise InputError(
            f"The file holds {len(layers):,} convolutions in a row; a stack has at most "
            f"{MOST_LAYERS}.",
            remedy="Save a part of the network",
        )
    return FoundStack(tuple(layers), first, tuple(left_out), tuple(parameters))


def _groups(entry: LayerEntry, channels: int) -> int | None:
    """Groups with which a layer reads so many channels; None where it does not."""
    filters, reads, height, width = entry.weight_shape
    if reads == channels:
        return 1
    groups, rest = divmod(channels, reads)
    # A kernel of one tap that reads a part of the channels is a shortcut's from further back.
    if rest or filters % groups or height * width == 1:
        return None
    return groups


def _layer(entry: LayerEntry, groups: int) -> Layer:
    filters, _, height, width = entry.weight_shape
    return Layer(
        "Conv2d",
        (height, width),
        padding=((height - 1) // 2, (width - 1) // 2),
        out_channels=filters,
        groups=groups,
        bias=entry.bias is not None,
        name=_name(entry),
    )


def _name(entry: LayerEntry) -> str:
    """A name that a stack's text can hold: the end of a long one says more than its beginning."""
    plain = re.sub(r"[^\w.\- ]", "-", entry.name.removesuffix(".weight"))
    return plain[-_LONGEST_NAME:] or "layer"
