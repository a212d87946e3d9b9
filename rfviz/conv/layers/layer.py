"""One layer of a stack: the parameters of the five layer types that slide a kernel over a picture.

`Conv2dSpec` stays the one description of a convolution; a `Layer` of kind Conv2d is checked by it.
The others follow the PyTorch documentation of `nn.ConvTranspose2d`, `nn.MaxPool2d`, `nn.AvgPool2d`
and `nn.Unfold`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, get_args

from torch import nn

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.layers.fit import (
    LayerKind,
    axis_numbers,
    axis_output_size,
    picture_size,
    problems,
)
from rfviz.conv.layers.remedies import mending_changes
from rfviz.conv.spec.padding_modes import PaddingMode, Pads, Pair
from rfviz.conv.spec.parse import PaddingName, pair, whole_number
from rfviz.conv.spec.remedies import mending_wholly
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.wording import shown

__all__ = ["KINDS", "Layer", "LayerKind", "as_layer"]

KINDS: tuple[LayerKind, ...] = get_args(LayerKind)
# What a field holds where its layer type has no such parameter.
ABSENT: Mapping[str, Any] = MappingProxyType(
    {
        "dilation": (1, 1),
        "output_padding": (0, 0),
        "ceil_mode": False,
        "groups": 1,
        "padding_mode": "zeros",
        "out_channels": None,
    }
)
TAKES: Mapping[LayerKind, frozenset[str]] = MappingProxyType(
    {
        "Conv2d": frozenset({"dilation", "groups", "padding_mode", "out_channels"}),
        "ConvTranspose2d": frozenset({"dilation", "output_padding", "groups", "out_channels"}),
        "MaxPool2d": frozenset({"dilation", "ceil_mode"}),
        "AvgPool2d": frozenset({"ceil_mode"}),
        "Unfold": frozenset({"dilation"}),
    }
)


@dataclass(frozen=True, init=False)
class Layer:
    """The parameters of one layer: (height, width) pairs, as the torch class of its kind has them.

    Sizes are in pixels, height before width; `padding` is "same", "valid" or ((top, bottom),
    (left, right)), whose sides differ for Conv2d alone. `stride=None` is 1, and for pooling the
    kernel size. `out_channels` of None keeps the number of channels. Raises `InputError` for a
    value that cannot be and for a parameter that the kind does not have. Source: the PyTorch
    documentation of the five classes.

    >>> Layer("MaxPool2d", 3).stride, Layer("ConvTranspose2d", 4, 2, 1).output_size((8, 9))
    ((3, 3), (16, 18))
    """

    kind: LayerKind
    kernel_size: Pair
    stride: Pair
    padding: PaddingName | Pads
    dilation: Pair
    output_padding: Pair
    ceil_mode: bool
    groups: int
    padding_mode: PaddingMode
    out_channels: int | None
    bias: bool
    name: str

    def __init__(  # noqa: PLR0917 - the order of torch's layers
        self,
        kind: object,
        kernel_size: object,
        stride: object = None,
        padding: object = 0,
        dilation: object = 1,
        output_padding: object = 0,
        ceil_mode: object = False,
        groups: object = 1,
        padding_mode: object = "zeros",
        out_channels: object = None,
        bias: object = True,
        name: object = "",
    ) -> None:
        """Check every parameter and store its one normal form."""
        given = {
            "kind": kind,
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "output_padding": output_padding,
            "ceil_mode": ceil_mode,
            "groups": groups,
            "padding_mode": padding_mode,
            "out_channels": out_channels,
            "bias": bias,
            "name": name,
        }
        try:
            self._fill(**given)
        except InputError as error:
            raise mending_wholly(error, given, Layer) from None

    def _fill(
        self,
        *,
        kind: object,
        kernel_size: object,
        stride: object,
        padding: object,
        dilation: object,
        output_padding: object,
        ceil_mode: object,
        groups: object,
        padding_mode: object,
        out_channels: object,
        bias: object,
        name: object,
    ) -> None:
        known = _kind(kind)
        kernel = pair("kernel_size", kernel_size, least=1, default=3)
        if stride is None:
            stride = kernel if known.endswith("Pool2d") else 1
        spec = Conv2dSpec(
            kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            padding_mode=padding_mode,
        )
        normal: dict[str, Any] = {
            "kind": known,
            "kernel_size": spec.kernel_size,
            "stride": spec.stride,
            "padding": spec.padding,
            "dilation": spec.dilation,
            "output_padding": pair("output_padding", output_padding, least=0, default=0),
            "ceil_mode": _yes_or_no("ceil_mode", ceil_mode),
            "groups": spec.groups,
            "padding_mode": spec.padding_mode,
            "out_channels": _channels(out_channels),
            "bias": _yes_or_no("bias", bias),
            "name": str(name),
        }
        for field, value in normal.items():
            # A frozen dataclass is filled once, here, and never again.
            object.__setattr__(self, field, value)
        self._check_kind(spec)

    @cached_property
    def spec(self) -> Conv2dSpec:
        """The convolution with the same kernel, stride, padding, dilation, groups and mode.

        >>> Layer("Unfold", 3, padding=1).spec == Conv2dSpec(3, padding=1)
        True
        """
        return Conv2dSpec(
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            padding_mode=self.padding_mode,
        )

    @property
    def pads(self) -> Pads:
        """((top, bottom), (left, right)) in pixels, whatever form the padding was given in.

        >>> Layer("Conv2d", (2, 5), padding="same").pads
        ((0, 1), (2, 2))
        """
        return self.spec.pads

    @property
    def effective_kernel_size(self) -> Pair:
        """(height, width) that the dilated kernel spans: dilation * (kernel - 1) + 1.

        >>> Layer("MaxPool2d", 3, dilation=2).effective_kernel_size
        (5, 5)
        """
        return self.spec.effective_kernel_size

    def output_size(self, input_size: object) -> Pair:
        """(height, width) of the output; `InputError` with remedies where the layer does not fit.

        Source: the formulas of the PyTorch documentation; for `ceil_mode`, that the last window
        must start inside the picture or its padding before.

        >>> Layer("AvgPool2d", 3, 2, ceil_mode=True).output_size((8, 7))
        (4, 3)
        """
        size = picture_size(input_size)
        found = problems(self, size)
        if found:
            what = " ".join(problem.sentence for problem in found)
            raise InputError(what, mending_changes(self, size))
        rows, columns = (axis_output_size(axis_numbers(self, size, axis)) for axis in (0, 1))
        return (rows, columns)

    def label(self) -> str:
        """Return the name, or what the layer is in a few words.

        >>> Layer("Conv2d", (3, 5), 2).label()
        'Conv2d 3 × 5, stride 2'
        """
        if self.name:
            return self.name
        height, width = self.kernel_size
        words = f"{self.kind} {height} × {width}"
        for field, usual in (("stride", (1, 1)), ("dilation", (1, 1))):
            (down, across) = getattr(self, field)
            if (down, across) != usual:
                words += f", {field} {down if down == across else f'{down} × {across}'}"
        return words

    def _check_kind(self, spec: Conv2dSpec) -> None:
        for field, absent in ABSENT.items():
            if field not in TAKES[self.kind] and getattr(self, field) != absent:
                raise InputError(
                    f"nn.{self.kind} has no {field}, got {shown(getattr(self, field))}.",
                    (Remedy(f"Set {field} to {absent}", {field: absent}),),
                )
        (top, bottom), (left, right) = spec.pads
        named = isinstance(self.padding, str) and self.padding != "valid"
        if self.kind != "Conv2d" and (named or (top, left) != (bottom, right)):
            pads = ((bottom, bottom), (right, right))
            raise InputError(
                f"nn.{self.kind} pads opposite sides alike, got {shown(self.padding)}.",
                (Remedy(f"Set padding to ({bottom}, {right})", {"padding": pads}),),
            )


def as_layer(value: object, name: str = "") -> Layer:
    """Return the `Layer` of a Layer, a `Conv2dSpec`, a torch layer, or a (name, layer) pair.

    Raises `InputError` for anything else, naming its type.

    >>> as_layer(("pool1", nn.MaxPool2d(2))).label()
    'pool1'
    """
    if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[0], str):
        return as_layer(value[1], value[0])
    fields: dict[str, Any]
    if isinstance(value, Layer):
        return replace(value, name=name) if name else value
    if isinstance(value, Conv2dSpec):
        return Layer("Conv2d", **vars(value), name=name)
    if isinstance(value, nn.Conv2d):
        spec = Conv2dSpec.from_module(value)
        fields = {"out_channels": value.out_channels, "bias": value.bias is not None}
        return Layer("Conv2d", **vars(spec), **fields, name=name)
    if isinstance(value, nn.Module):
        return _from_module(value, name)
    raise InputError(
        f"A layer is an rfviz Layer, a Conv2dSpec or a torch layer, got {type(value).__name__}.",
        remedy='Write it as Layer("Conv2d", 3)',
    )


def _from_module(module: nn.Module, name: str) -> Layer:
    kind = next((kind for kind in KINDS if isinstance(module, getattr(nn, kind))), None)
    if kind is None or isinstance(module, nn.modules.lazy.LazyModuleMixin):
        raise InputError(
            f"A stack is made of {', '.join(KINDS)}, got {type(module).__name__}.",
            remedy="Use rfviz.trace for a whole module",
        )
    given: dict[str, Any] = {
        field: getattr(module, field)
        for field in ("kernel_size", "stride", "padding", *sorted(TAKES[kind]))
        if hasattr(module, field)
    }
    bias = getattr(module, "bias", None) is not None
    return Layer(kind, **given, bias=bias or kind not in {"Conv2d", "ConvTranspose2d"}, name=name)


def _kind(value: object) -> LayerKind:
    for kind in KINDS:
        if isinstance(value, str) and value == kind:
            return kind
    raise InputError(
        f"A layer's kind is one of {', '.join(KINDS)}, got {shown(value)}.",
        (Remedy("Set kind to Conv2d", {"kind": "Conv2d"}),),
    )


def _channels(value: object) -> int | None:
    return None if value is None else whole_number("out_channels", value, least=1, default=1)


def _yes_or_no(name: str, value: object) -> bool:
    if isinstance(value, bool) or (isinstance(value, int) and value in {0, 1}):
        return bool(value)
    raise InputError(
        f"{name} is True or False, got {shown(value)}.",
        (Remedy(f"Set {name} to False", {name: False}),),
    )
