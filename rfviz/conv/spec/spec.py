"""The parameters of a 2-D convolution, checked once, and the two formulas everything else reads.

The output size and the receptive field follow Dumoulin & Visin, "A guide to convolution arithmetic
for deep learning", arXiv:1603.07285, relationship 6, with dilation from section 5.1, and the
PyTorch documentation of `nn.Conv2d`.
"""

from dataclasses import dataclass
from typing import Any, Never

import torch
from torch import nn

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.html import html_table
from rfviz.conv.memory import Allocation
from rfviz.conv.spec.asymmetric_conv2d import AsymmetricConv2d
from rfviz.conv.spec.padding_modes import PaddingMode, Pads, Pair, same_pads
from rfviz.conv.spec.parse import PaddingName, padding_mode_of, padding_of, pair, whole_number
from rfviz.conv.spec.remedies import (
    channel_remedies,
    mending_wholly,
    size_problem,
    size_remedies,
)
from rfviz.conv.wording import by, padding_label, shown

__all__ = [
    "Conv2dSpec",
    "InputError",
    "PaddingMode",
    "Pads",
    "Pair",
    "ReceptiveField",
    "Remedy",
    "check_spec",
]


@dataclass(frozen=True)
class ReceptiveField:
    """The input rows and columns that one output reads: two ranges whose step is the dilation.

    Coordinates are those of the input picture: negative, or past its size, in the padding.

    >>> Conv2dSpec(3, dilation=2).receptive_field((0, 1)).columns
    range(1, 6, 2)
    """

    rows: range
    columns: range


@dataclass(frozen=True, init=False)
class Conv2dSpec:
    """The parameters of `nn.Conv2d`: (height, width) pairs, padding, groups and padding mode.

    Sizes are in pixels, height before width. `padding` also takes ((top, bottom), (left, right)).
    All but the kernel are given by name: channels, which `nn.Conv2d` has first, are no part of it.
    Equal convolutions written in different ways are equal and hash alike. Raises `InputError` for a
    value that cannot be, naming it. Source: the PyTorch documentation of `nn.Conv2d`.

    >>> Conv2dSpec(3, padding=1) == Conv2dSpec((3, 3), padding=((1, 1), (1, 1)))
    True
    >>> Conv2dSpec(5, stride=2).output_size((32, 48))
    (14, 22)
    """

    kernel_size: Pair
    stride: Pair
    padding: PaddingName | Pads
    dilation: Pair
    groups: int
    padding_mode: PaddingMode

    def __init__(
        self,
        kernel_size: object,
        *more: Never,
        stride: object = 1,
        padding: object = 0,
        dilation: object = 1,
        groups: object = 1,
        padding_mode: object = "zeros",
    ) -> None:
        """Check every parameter and store its one normal form."""
        if more:
            raise _keywords_only(kernel_size, more)
        given = {
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "padding_mode": padding_mode,
        }
        try:
            self._fill(**given)
        except InputError as error:
            raise mending_wholly(error, given, Conv2dSpec) from None

    @property
    def pads(self) -> Pads:
        """((top, bottom), (left, right)) in pixels; "same" puts the odd one at the end, as torch.

        >>> Conv2dSpec((2, 5), padding="same").pads
        ((0, 1), (2, 2))
        """
        if self.padding == "same":
            return same_pads(self.effective_kernel_size)
        return ((0, 0), (0, 0)) if self.padding == "valid" else self.padding

    @property
    def effective_kernel_size(self) -> Pair:
        """(height, width) that the dilated kernel spans: dilation * (kernel - 1) + 1.

        >>> Conv2dSpec(3, dilation=(1, 4)).effective_kernel_size
        (3, 9)
        """
        (height, width), (down, across) = self.kernel_size, self.dilation
        return (down * (height - 1) + 1, across * (width - 1) + 1)

    @property
    def n_taps(self) -> int:
        """Number of pixels that one output reads in one channel: kernel height * kernel width.

        >>> Conv2dSpec((3, 5), dilation=2).n_taps
        15
        """
        return self.kernel_size[0] * self.kernel_size[1]

    def padded_size(self, input_size: object) -> Pair:
        """(height, width) of the picture with its padding; `InputError` for a size below 1 × 1.

        >>> Conv2dSpec(3, padding=((0, 1), (2, 3))).padded_size((10, 10))
        (11, 15)
        """
        height, width = _picture_size(input_size)
        (top, bottom), (left, right) = self.pads
        return (height + top + bottom, width + left + right)

    def output_size(self, input_size: object) -> Pair:
        """(height, width) of the output: floor((padded - effective kernel) / stride) + 1.

        Raises `InputError` where the kernel does not fit in the padded picture, or the picture is
        too small for its padding mode; each remedy is the smallest change of its kind that fits.
        Source: Dumoulin & Visin, arXiv:1603.07285, and the PyTorch documentation of `nn.Conv2d`.

        >>> Conv2dSpec(3, padding=1, dilation=2).output_size((8, 8))
        (6, 6)
        """
        size = _picture_size(input_size)
        problem = size_problem(self, size)
        if problem is not None:
            raise InputError(problem, size_remedies(self, size))
        (height, width), (top, bottom), (left, right) = size, *self.pads
        (down, across), (stride_y, stride_x) = self.effective_kernel_size, self.stride
        rows, columns = height + top + bottom - down, width + left + right - across
        return (rows // stride_y + 1, columns // stride_x + 1)

    def receptive_field(self, position: object) -> ReceptiveField:
        """Input rows and columns that the output at (row, column) reads, whatever the input size.

        Row r starts at stride * r - top and steps by the dilation; columns likewise. Raises
        `InputError` for a negative position. Source: Araujo, Norris & Sim, Distill 2019.

        >>> Conv2dSpec(3, stride=2, padding=1).receptive_field((0, 4)).rows
        range(-1, 2)
        """
        row, column = pair("output position", position, least=0)
        (top, _), (left, _) = self.pads
        first_row, first_column = row * self.stride[0] - top, column * self.stride[1] - left
        height, width = self.effective_kernel_size
        return ReceptiveField(
            range(first_row, first_row + height, self.dilation[0]),
            range(first_column, first_column + width, self.dilation[1]),
        )

    def check_channels(self, in_channels: object, out_channels: object = None) -> None:
        """Raise `InputError` unless the groups divide the channels; remedies are common divisors.

        >>> Conv2dSpec(3, groups=2).check_channels(4, 6)
        """
        given = {"in_channels": whole_number("in_channels", in_channels, least=1)}
        if out_channels is not None:
            given["out_channels"] = whole_number("out_channels", out_channels, least=1)
        wrong = [f"{n} {name}" for name, n in given.items() if n % self.groups]
        if wrong:
            raise InputError(
                f"{self.groups} groups must divide the channels evenly, got {' and '.join(wrong)}.",
                channel_remedies(self.groups, **given),
            )

    def _repr_html_(self) -> str:
        """Show the parameters in a notebook."""
        facts = (
            ("kernel", by(self.kernel_size)),
            ("stride", by(self.stride)),
            ("padding", f"{self.padding}, {self.padding_mode}"),
            ("dilation", by(self.dilation)),
            ("groups", self.groups),
            ("reaches over", f"{by(self.effective_kernel_size)} pixels"),
        )
        return html_table("Convolution", facts)

    @classmethod
    def from_module(cls, module: nn.Module) -> "Conv2dSpec":
        """Read the parameters of an `nn.Conv2d`; `InputError` for any other module.

        >>> Conv2dSpec.from_module(torch.nn.Conv2d(3, 8, 5, padding="same")).padding
        'same'
        """
        if isinstance(module, nn.modules.lazy.LazyModuleMixin):
            raise InputError(
                f"{type(module).__name__} does not know its input channels yet.",
                remedy="Run it once on a picture, or use nn.Conv2d.",
            )
        if not isinstance(module, nn.Conv2d):
            raise InputError(
                f"Only nn.Conv2d is a 2-D convolution here, got {type(module).__name__}.",
                remedy="Give one nn.Conv2d layer.",
            )
        padding = module.pads if isinstance(module, AsymmetricConv2d) else module.padding
        return cls(
            module.kernel_size,
            stride=module.stride,
            padding=padding,
            dilation=module.dilation,
            groups=module.groups,
            padding_mode=module.padding_mode,
        )

    @Allocation("The weight")
    def to_module(
        self,
        in_channels: int,
        out_channels: int,
        bias: bool = True,
        *,
        dtype: torch.dtype | None = None,
    ) -> nn.Conv2d:
        """Build the `nn.Conv2d` of this spec, with torch's own initial weights.

        The weight is (out_channels, in_channels / groups, height, width). Padding that differs
        between opposite sides, which `nn.Conv2d` cannot hold, gives a subclass that pads first.
        Raises `InputError` for channels that the groups do not divide and for a dtype that is not
        floating point.

        >>> Conv2dSpec(3, groups=2).to_module(4, 6).weight.shape
        torch.Size([6, 2, 3, 3])
        """
        self.check_channels(in_channels, out_channels)
        is_type = isinstance(dtype, torch.dtype)
        if dtype is not None and not (is_type and dtype.is_floating_point):
            raise InputError(
                f"Weights must be floating point, got {dtype}.", remedy="Use torch.float32."
            )
        common: dict[str, Any] = {
            "stride": self.stride,
            "dilation": self.dilation,
            "groups": self.groups,
            "padding_mode": self.padding_mode,
            "bias": bool(bias),
            "dtype": dtype,
        }
        channels = (int(in_channels), int(out_channels))
        if isinstance(self.padding, str):
            return nn.Conv2d(*channels, self.kernel_size, padding=self.padding, **common)
        (top, bottom), (left, right) = self.padding
        if (top, left) == (bottom, right):
            return nn.Conv2d(*channels, self.kernel_size, padding=(top, left), **common)
        return AsymmetricConv2d(*channels, self.kernel_size, pads=self.padding, **common)

    def _fill(
        self,
        *,
        kernel_size: object,
        stride: object,
        padding: object,
        dilation: object,
        groups: object,
        padding_mode: object,
    ) -> None:
        normal = {
            "kernel_size": pair("kernel_size", kernel_size, least=1, default=3),
            "stride": pair("stride", stride, least=1, default=1),
            "padding": padding_of(padding),
            "dilation": pair("dilation", dilation, least=1, default=1),
            "groups": whole_number("groups", groups, least=1, default=1),
            "padding_mode": padding_mode_of(padding_mode),
        }
        for name, value in normal.items():
            # A frozen dataclass is filled once, here, and never again.
            object.__setattr__(self, name, value)
        if self.padding == "same" and self.stride != (1, 1):
            raise self._same_needs_stride_one()

    def _same_needs_stride_one(self) -> InputError:
        pads = same_pads(self.effective_kernel_size)
        return InputError(
            f"padding 'same' needs stride 1, as in torch, got stride {by(self.stride)}.",
            (
                Remedy("Set stride to 1", {"stride": (1, 1)}),
                Remedy(f"Set padding to {padding_label(pads)}", {"padding": pads}),
            ),
        )


def check_spec(spec: object) -> Conv2dSpec:
    """Return a `Conv2dSpec` as it is; `InputError` for anything else, naming its type.

    >>> check_spec(Conv2dSpec(3)).kernel_size
    (3, 3)
    """
    if isinstance(spec, Conv2dSpec):
        return spec
    if isinstance(spec, nn.Conv2d):
        remedy = "Write Conv2dSpec.from_module(layer)"
    else:
        remedy = "Write it as Conv2dSpec(3, stride=2)"
    raise InputError(f"The spec must be a Conv2dSpec, got {type(spec).__name__}.", remedy=remedy)


def _keywords_only(kernel_size: object, more: tuple[object, ...]) -> InputError:
    """nn.Conv2d(3, 16, 3) begins with channels: read as a kernel and a stride, it is another."""
    given = ", ".join(map(shown, (kernel_size, *more)))
    meant = f"Conv2dSpec({shown(more[1])})" if len(more) > 1 else "Conv2dSpec(3, stride=2)"
    return InputError(
        f"Conv2dSpec takes the kernel alone without a name, got ({given}).",
        remedy=f"Name the others, as in {meant}; channels are those of the picture and the weight",
    )


def _picture_size(input_size: object) -> Pair:
    try:
        return pair("input_size", input_size, least=1)
    except InputError:
        raise InputError(
            f"A picture needs a height and a width of at least 1 pixel, got {shown(input_size)}.",
            remedy="Give its size as (height, width)",
        ) from None
