"""The output size as arithmetic: the formula of an axis with the numbers in it, and what it costs.

Formulas: the PyTorch documentation of `nn.Conv2d`, `nn.ConvTranspose2d`, `nn.MaxPool2d`,
`nn.AvgPool2d` and `nn.Unfold`; Dumoulin & Visin, arXiv:1603.07285.
"""

from typing import NamedTuple

from rfviz.conv.errors import InputError
from rfviz.conv.layers.fit import (
    AXES,
    AxisNumbers,
    axis_numbers,
    axis_output_size,
    picture_size,
)
from rfviz.conv.layers.layer import Layer
from rfviz.conv.spec.parse import whole_number


class Piece(NamedTuple):
    """A piece of a formula: its text, and the parameter it stands for, or "" for an operator."""

    text: str
    parameter: str = ""


class Step(NamedTuple):
    """One line of the arithmetic: what is done, and the formula in pieces."""

    what: str
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The pieces as one line."""
        return "".join(piece.text for piece in self.pieces)


class Substitution(NamedTuple):
    """The formula of one axis, line by line, and what its rounding leaves over, in pixels.

    `remainder` is what the floor drops; `discarded` counts the pixels of the padded picture after
    the last kernel, of which `discarded_pixels` are the picture's own; `beyond` counts how far a
    last window of ceil_mode reaches past the padded picture.
    """

    axis: str
    steps: tuple[Step, ...]
    output_size: int
    remainder: int
    discarded: int
    discarded_pixels: int
    beyond: int


class LayerCost(NamedTuple):
    """What a layer holds and does: counts, and bytes of its column matrix in float32.

    `ratio` is the entries of the column matrix over those of the input.
    """

    parameters: int
    multiply_adds: int
    column_entries: int
    column_bytes: int
    ratio: float


def substitution(layer: Layer, input_size: object, axis: object) -> Substitution:
    """Write the output size of axis 0 (rows) or 1 (columns) step by step.

    Raises `InputError` where the layer does not fit. Source: the PyTorch documentation.

    >>> found = substitution(Layer("Conv2d", 3, 2, 1), (8, 8), 0)
    >>> [step.text for step in found.steps][1:], found.remainder
    (['⌊(8 + 1 + 1 − 1 · (3 − 1) − 1) / 2⌋ + 1', '⌊7 / 2⌋ + 1', '3 + 1', '4'], 1)
    """
    size = picture_size(input_size)
    layer.output_size(size)
    index = whole_number("axis", axis, least=0)
    if index > 1:
        raise InputError(f"axis is 0 for rows or 1 for columns, got {index}.", remedy="Use 0 or 1")
    numbers = axis_numbers(layer, size, index)
    if layer.kind == "ConvTranspose2d":
        return _transposed(AXES[index], numbers)
    return _sliding(AXES[index], numbers)


def layer_cost(layer: Layer, input_size: object, in_channels: object = 1) -> LayerCost:
    """Return what one (in_channels, height, width) picture costs in this layer.

    Multiply-adds count every tap, in the padding too, and the bias not at all. A pooling layer has
    no parameters and its taps are counted as if they were multiplied; nn.Unfold only copies.
    Raises `InputError` where the layer or its groups do not fit.

    >>> layer_cost(Layer("Conv2d", 3, padding=1, out_channels=8), (32, 32), 3).parameters
    224
    """
    n_in = whole_number("in_channels", in_channels, least=1)
    n_out = n_in if layer.out_channels is None else layer.out_channels
    size = picture_size(input_size)
    rows, columns = layer.output_size(size)
    n_taps, n_outputs, n_inputs = layer.spec.n_taps, rows * columns, size[0] * size[1]
    parameters, multiply_adds = 0, n_in * n_taps * n_outputs
    entries = n_in * n_taps * n_outputs
    if layer.kind.startswith("Conv"):
        layer.spec.check_channels(n_in, n_out)
        weights = n_out * (n_in // layer.groups) * n_taps
        parameters = weights + (n_out if layer.bias else 0)
        # A transposed layer multiplies every input by every tap, a convolution every output.
        multiply_adds = weights * (n_inputs if layer.kind == "ConvTranspose2d" else n_outputs)
    if layer.kind == "ConvTranspose2d":
        entries = n_out * n_taps * n_inputs
    if layer.kind == "Unfold":
        multiply_adds = 0
    return LayerCost(parameters, multiply_adds, entries, 4 * entries, entries / (n_in * n_inputs))


def _line(what: str, *pieces: str | Piece) -> Step:
    return Step(what, tuple(p if isinstance(p, Piece) else Piece(p) for p in pieces))


def _sliding(axis: str, a: AxisNumbers) -> Substitution:
    numerator, n = a.padded - a.span, axis_output_size(a)
    opening, closing = ("⌈", "⌉") if a.ceil_mode else ("⌊", "⌋")
    quotient = -(-numerator // a.stride) if a.ceil_mode else numerator // a.stride
    steps = [
        _line(
            "The formula",
            opening, "(", Piece("input", "input_size"), " + ", Piece("before", "padding"),
            " + ", Piece("after", "padding"), " − ", Piece("dilation", "dilation"),
            " · (", Piece("kernel", "kernel_size"), " − 1) − 1) / ", Piece("stride", "stride"),
            closing, " + 1",
        ),
        _line(
            "with the numbers",
            opening, "(", Piece(str(a.input_size), "input_size"), " + ",
            Piece(str(a.before), "padding"), " + ", Piece(str(a.after), "padding"), " − ",
            Piece(str(a.dilation), "dilation"), " · (", Piece(str(a.kernel_size), "kernel_size"),
            " − 1) − 1) / ", Piece(str(a.stride), "stride"), closing, " + 1",
        ),
        _line(
            "room to move, in strides",
            opening, str(numerator), " / ", Piece(str(a.stride), "stride"), closing, " + 1",
        ),
        _line("rounded up" if a.ceil_mode else "rounded down", f"{quotient} + 1"),
    ]  # fmt: skip
    if n != quotient + 1:
        dropped = f"{quotient} · {a.stride} ≥ {a.before} + {a.input_size}, so "
        steps.append(
            _line("a last window must start before the padding's end", f"{dropped}{quotient}")
        )
    steps.append(_line("The output size", Piece(str(n), "output_size")))
    last = (n - 1) * a.stride + a.span
    discarded = max(a.padded - last, 0)
    own = max(a.before + a.input_size - last, 0)
    beyond = max(last - a.padded, 0)
    return Substitution(axis, tuple(steps), n, numerator % a.stride, discarded, own, beyond)


def _transposed(axis: str, a: AxisNumbers) -> Substitution:
    n = axis_output_size(a)
    parts = [(a.input_size - 1) * a.stride, a.before + a.after, a.span - 1, a.output_padding]
    steps = (
        _line(
            "The formula",
            "(", Piece("input", "input_size"), " − 1) · ", Piece("stride", "stride"), " − 2 · ",
            Piece("padding", "padding"), " + ", Piece("dilation", "dilation"), " · (",
            Piece("kernel", "kernel_size"), " − 1) + ", Piece("output padding", "output_padding"),
            " + 1",
        ),
        _line(
            "with the numbers",
            "(", Piece(str(a.input_size), "input_size"), " − 1) · ",
            Piece(str(a.stride), "stride"), " − 2 · ", Piece(str(a.before), "padding"), " + ",
            Piece(str(a.dilation), "dilation"), " · (", Piece(str(a.kernel_size), "kernel_size"),
            " − 1) + ", Piece(str(a.output_padding), "output_padding"), " + 1",
        ),
        _line("each part", f"{parts[0]} − {parts[1]} + {parts[2]} + {parts[3]} + 1"),
        _line("The output size", Piece(str(n), "output_size")),
    )  # fmt: skip
    return Substitution(axis, steps, n, 0, 0, 0, 0)
