"""Orders of the axes in which libraries store a convolution's weight, and each as torch's own."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor

from rfviz.conv.errors import InputError

Shape = tuple[int, ...]
Four = tuple[int, int, int, int]


class Layout(NamedTuple):
    """An order of axes: its name, the axes in words, whose it is, and how it becomes torch's.

    `sizes(shape, groups)` gives (filters, channels / groups, kernel height, kernel width),
    `convert(tensor, groups)` the weight of that shape. `transposed` says that the layer is a
    transposed convolution, whose equivalent ordinary one is given: in and out swapped, flipped.
    """

    name: str
    axes: str
    family: str
    sizes: Callable[[Shape, int], Four]
    convert: Callable[[Tensor, int], Tensor]
    transposed: bool = False
    dimensions: int = 4


def layout_named(name: str, dimensions: int) -> Layout:
    """Return the layout of that name; `InputError` where a tensor of so many axes has none such.

    >>> layout_named("HWIO", 4).sizes((3, 3, 1, 32), 1)
    (32, 1, 3, 3)
    """
    fitting = [each for each in LAYOUTS.values() if each.dimensions == dimensions]
    for layout in fitting:
        if layout.name == name:
            return layout
    names = ", ".join(f"{each.name} {each.axes}" for each in fitting)
    raise InputError(
        f"There is no layout {name!r:.40} for a tensor of {dimensions} axes.",
        remedy=f"Choose {names}" if names else None,
    )


def fits(layout: Layout, shape: Shape, groups: int) -> bool:
    """Whether a tensor of that shape can be stored so, with so many groups.

    >>> fits(LAYOUTS["IOHW"], (16, 8, 2, 2), 3)
    False
    """
    if layout.dimensions != len(shape):
        return False
    if layout.name == "1HWO":
        return shape[0] == 1
    return layout.name != "IOHW" or shape[0] % groups == 0


def _untransposed(tensor: Tensor, groups: int) -> Tensor:
    reads, filters, height, width = tensor.shape
    grouped = tensor.reshape(groups, reads // groups, filters, height, width)
    return grouped.transpose(1, 2).reshape(-1, reads // groups, height, width).flip(2, 3)


# Torch's own first: it is taken where nothing speaks for another.
_ALL = (
    Layout(
        "OIHW", "(out, in / groups, height, width)", "torch",
        lambda s, g: (s[0], s[1], s[2], s[3]), lambda t, g: t,
    ),
    Layout(
        "HWIO", "(height, width, in, out)", "TensorFlow",
        lambda s, g: (s[3], s[2], s[0], s[1]), lambda t, g: t.permute(3, 2, 0, 1),
    ),
    Layout(
        "HWIM", "(height, width, in, out / in), depthwise", "TensorFlow",
        lambda s, g: (s[2] * s[3], 1, s[0], s[1]),
        lambda t, g: t.permute(2, 3, 0, 1).reshape(-1, 1, *t.shape[:2]),
    ),
    Layout(
        "OHWI", "(out, height, width, in)", "TFLite",
        lambda s, g: (s[0], s[3], s[1], s[2]), lambda t, g: t.permute(0, 3, 1, 2),
    ),
    Layout(
        "1HWO", "(1, height, width, out), depthwise", "TFLite",
        lambda s, g: (s[3], 1, s[1], s[2]), lambda t, g: t.permute(3, 0, 1, 2),
    ),
    Layout(
        "IOHW", "(in, out / groups, height, width) of a transposed convolution", "torch",
        lambda s, g: (s[1] * g, s[0] // g, s[2], s[3]), _untransposed, True,
    ),
    Layout(
        "HWOI", "(height, width, out, in) of a transposed convolution", "TensorFlow",
        lambda s, g: (s[2], s[3], s[0], s[1]), lambda t, g: t.permute(2, 3, 0, 1).flip(2, 3), True,
    ),
    Layout(
        "OI", "(out, in) of a 1 × 1 convolution", "torch",
        lambda s, g: (s[0], s[1], 1, 1), lambda t, g: t[:, :, None, None], False, 2,
    ),
    Layout(
        "IO", "(in, out) of a 1 × 1 convolution", "TensorFlow",
        lambda s, g: (s[1], s[0], 1, 1), lambda t, g: t.t()[:, :, None, None], False, 2,
    ),
)  # fmt: skip
LAYOUTS: Mapping[str, Layout] = MappingProxyType({layout.name: layout for layout in _ALL})
