"""Whether a layer fits a picture, by how much it does not, and the nearest value that would.

Each rule of torch is an inequality on one axis, so the values of one parameter that fit, the others
unchanged, are an interval; the smallest single change is the nearest end of it.
Source: the shape checks of the PyTorch documentation, and Dumoulin & Visin, arXiv:1603.07285.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import LARGEST, Pair, largest_pad
from rfviz.conv.spec.parse import pair
from rfviz.conv.wording import shown

if TYPE_CHECKING:
    from rfviz.conv.layers.layer import Layer

AXES = ("rows", "columns")
LayerKind = Literal["Conv2d", "ConvTranspose2d", "MaxPool2d", "AvgPool2d", "Unfold"]
Rule = Literal["padding mode", "size", "half kernel", "output padding", "output size", "largest"]


class AxisNumbers(NamedTuple):
    """One axis of a layer and of its input, in pixels; `limit` is the most that a side can pad."""

    kind: LayerKind
    input_size: int
    kernel_size: int
    stride: int
    before: int
    after: int
    dilation: int
    output_padding: int
    ceil_mode: bool
    limit: int

    @property
    def span(self) -> int:
        """Pixels from the first tap to the last, both included."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def padded(self) -> int:
        """Pixels of the axis with its padding."""
        return self.before + self.input_size + self.after


class AxisProblem(NamedTuple):
    """One rule that an axis breaks: what was found, what the rule allows, and by how much."""

    axis: str
    rule: Rule
    found: int
    allowed: int
    excess: int
    sentence: str


def axis_numbers(layer: "Layer", input_size: Pair, axis: int) -> AxisNumbers:
    """Return the numbers of axis 0 (rows) or 1 (columns).

    >>> from rfviz.conv.layers.layer import Layer
    >>> axis_numbers(Layer("Conv2d", 3, 2, 1), (8, 9), 1).padded
    11
    """
    before, after = layer.pads[axis]
    return AxisNumbers(
        layer.kind,
        input_size[axis],
        layer.kernel_size[axis],
        layer.stride[axis],
        before,
        after,
        layer.dilation[axis],
        layer.output_padding[axis],
        layer.ceil_mode,
        largest_pad(layer.padding_mode, input_size[axis]),
    )


def axis_output_size(numbers: AxisNumbers) -> int:
    """Return the output size of one axis by torch's formula, also where it is below 1.

    >>> from rfviz.conv.layers.layer import Layer
    >>> axis_output_size(axis_numbers(Layer("MaxPool2d", 2, ceil_mode=True), (5, 5), 0))
    3
    """
    a = numbers
    if a.kind == "ConvTranspose2d":
        return (a.input_size - 1) * a.stride - a.before - a.after + a.span + a.output_padding
    if not a.ceil_mode:
        return (a.padded - a.span) // a.stride + 1
    n = -((a.span - a.padded) // a.stride) + 1
    # Torch drops a last window that would start in the padding after the picture.
    return n - 1 if (n - 1) * a.stride >= a.before + a.input_size else n


def picture_size(input_size: object) -> Pair:
    """Return (height, width), or raise `InputError` for what is no size of a picture.

    >>> picture_size([4, 5])
    (4, 5)
    """
    try:
        return pair("input_size", input_size, least=1)
    except InputError:
        raise InputError(
            f"A picture needs a height and a width of at least 1 pixel, got {shown(input_size)}.",
            remedy="Give its size as (height, width)",
        ) from None


def problems(layer: "Layer", input_size: Pair) -> tuple[AxisProblem, ...]:
    """Return every rule that the layer breaks on a (height, width) picture, axis by axis.

    >>> from rfviz.conv.layers.layer import Layer
    >>> [(p.axis, p.excess) for p in problems(Layer("Conv2d", 7), (5, 9))]
    [('rows', 2)]
    """
    both = [(name, axis_numbers(layer, input_size, axis)) for axis, name in enumerate(AXES)]
    found = [problem for name, numbers in both for problem in _axis_problems(name, numbers)]
    return tuple(found)


def axis_fits(numbers: AxisNumbers) -> bool:
    """Whether the layer fits this axis, by the rules that `problems` explains.

    >>> axis_fits(AxisNumbers("Conv2d", 4, 5, 1, 0, 0, 1, 0, False, 9))
    False
    """
    return not _axis_problems("rows", numbers)


def _axis_problems(axis: str, a: AxisNumbers) -> list[AxisProblem]:
    found = _transposed(axis, a) if a.kind == "ConvTranspose2d" else _sliding(axis, a)
    size = 0 if found else axis_output_size(a)
    if size > LARGEST:
        sentence = f"The output would have {size} {axis}, more than {LARGEST}."
        found.append(AxisProblem(axis, "largest", size, LARGEST, size - LARGEST, sentence))
    return found


def _sliding(axis: str, a: AxisNumbers) -> list[AxisProblem]:
    found = []
    pad, half = max(a.before, a.after), a.kernel_size // 2
    if pad > a.limit:
        sentence = (
            f"On the {axis}, {pad} pixels of padding on one side are {pad - a.limit} too many: "
            f"this padding mode can take {a.limit} from {a.input_size} pixels."
        )
        found.append(AxisProblem(axis, "padding mode", pad, a.limit, pad - a.limit, sentence))
    if a.kind.endswith("Pool2d") and pad > half:
        sentence = (
            f"On the {axis}, padding {pad} is {pad - half} more than half of the pooling kernel "
            f"of {a.kernel_size}, which is {half}."
        )
        found.append(AxisProblem(axis, "half kernel", pad, half, pad - half, sentence))
    room = a.padded + (a.stride - 1 if a.ceil_mode else 0)
    if a.span > room:
        padding = f" with its padding, {a.padded}" if a.padded > a.input_size else ""
        beyond = f" (and the {a.stride - 1} that ceil_mode adds)" if a.ceil_mode else ""
        sentence = (
            f"On the {axis}, the kernel spans {a.span} pixels, {a.span - room} more than the "
            f"picture of {a.input_size}{padding}{beyond}."
        )
        found.append(AxisProblem(axis, "size", a.span, room, a.span - room, sentence))
    return found


def _transposed(axis: str, a: AxisNumbers) -> list[AxisProblem]:
    found = []
    most = max(a.stride, a.dilation) - 1
    if a.output_padding > most:
        excess = a.output_padding - most
        sentence = (
            f"On the {axis}, output padding {a.output_padding} is {excess} too large: it must be "
            f"smaller than the stride {a.stride} or the dilation {a.dilation}."
        )
        found.append(AxisProblem(axis, "output padding", a.output_padding, most, excess, sentence))
    size = axis_output_size(a)
    if size < 1:
        sentence = (
            f"On the {axis}, the output would have {size} pixels, {1 - size} short of one: padding "
            f"{a.before} takes {2 * a.before} from {size + 2 * a.before}."
        )
        found.append(AxisProblem(axis, "output size", size, 1, 1 - size, sentence))
    return found
