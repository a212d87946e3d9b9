"""The layers of a network as far as the shapes of its weights tell: kernels and channels.

A file of weights holds no stride, padding or dilation, and no pooling. What is assumed is said.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rfviz.conv.errors import InputError
from rfviz.conv.layers import Layer
from rfviz.conv.parameters import shown, whole_number

MOST_WEIGHTS = 10_000


class LayersFromShapes(NamedTuple):
    """Layers in the order of the file, the channels of the picture, and what was assumed."""

    layers: tuple[Layer, ...]
    in_channels: int
    notes: tuple[str, ...]


def layers_from_shapes(shapes: Mapping[str, Sequence[int]]) -> LayersFromShapes:
    """Return a chain of convolutions from names and shapes of weights, as of a state dict.

    A weight of (out, in / groups, height, width) is a convolution; stride 1, dilation 1 and padding
    that keeps the size are assumed, and branches cannot be told from a chain. Other weights are
    left out and noted. Raises `InputError` where no weight is a convolution's.

    >>> found = layers_from_shapes({"a.weight": (8, 3, 3, 3), "a.bias": (8,)})
    >>> found.layers[0].name, found.layers[0].padding, found.in_channels
    ('a', ((1, 1), (1, 1)), 3)
    """
    known = _checked(shapes)
    four = {name: shape for name, shape in known.items() if len(shape) == 4}
    if not four:
        raise InputError(
            f"None of the {len(known)} weights has the 4 dimensions of a convolution.",
            remedy="Choose a file with weights of (out, in, height, width)",
        )
    notes = ["Stride 1, dilation 1 and padding that keeps the size are assumed."]
    layers: list[Layer] = []
    channels: int | None = None
    for name, shape in four.items():
        layer, after, words = _layer(name, shape, channels)
        notes += words
        layers.append(layer)
        channels = after
    left_out = [n for n, shape in known.items() if len(shape) not in {1, 4} and len(shape) > 0]
    if left_out:
        notes.append(f"Left out, being no convolutions: {', '.join(map(shown, left_out[:5]))}.")
    return LayersFromShapes(tuple(layers), next(iter(four.values()))[1], tuple(notes))


def _checked(shapes: object) -> dict[str, tuple[int, ...]]:
    if not isinstance(shapes, Mapping) or len(shapes) > MOST_WEIGHTS:
        raise InputError(
            f"Shapes are a mapping of at most {MOST_WEIGHTS} names to lengths.",
            remedy='Write them as {"conv1.weight": (8, 3, 3, 3)}',
        )
    known = {}
    for name, shape in shapes.items():
        if isinstance(shape, str | bytes) or not isinstance(shape, Sequence):
            raise InputError(
                f"The shape of {shown(name)} must be a list of lengths, got {shown(shape)}.",
                remedy="Give (out, in, height, width)",
            )
        known[str(name)] = tuple(whole_number(f"length in {name}", n, least=0) for n in shape)
    return known


def _layer(name: str, shape: tuple[int, ...], channels: int | None) -> tuple[Layer, int, list[str]]:
    """Read one weight; `channels` are those of the map before it, where they are known."""
    out, per_group, height, width = shape
    label = name.removesuffix(".weight")
    if min(shape) < 1:
        raise InputError(f"The weight {shown(name)} of shape {shape} is empty.", remedy="Leave it")
    groups, notes = 1, []
    if channels is not None and channels != per_group:
        if channels % per_group == 0 and out % (channels // per_group) == 0:
            groups = channels // per_group
            notes.append(f"{label}: {groups} groups, from {channels} channels to {per_group} each.")
        else:
            notes.append(
                f"{label}: takes {per_group} channels where the layer before gives {channels}; "
                "it lies on a branch, behind a concatenation, or is a transposed convolution."
            )
    padding = (((height - 1) // 2, height // 2), ((width - 1) // 2, width // 2))
    layer = Layer(
        "Conv2d", (height, width), 1, padding, groups=groups, out_channels=out, name=label
    )
    return layer, out, notes
