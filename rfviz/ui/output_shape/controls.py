"""The output-shape page's own controls: a layer of one of five types, and the size of its input.

A field of a width may be left empty, and then says what the height says; so one number is enough
for a square kernel, and no switch is needed for another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import streamlit as st

from rfviz.conv.errors import InputError
from rfviz.conv.layers.fit import LayerKind
from rfviz.conv.layers.layer import KINDS, TAKES, Layer
from rfviz.conv.spec.padding_modes import PADDING_MODES, Pads, Pair

AXES = ("height", "width")
LARGEST_SIZE = 100_000
POOL_STRIDE = "shape_pool_stride_height"
LARGEST_CHANNELS = 4096
SIDES = ("top", "bottom", "left", "right")
PADDING_KINDS = ("amount", "per side", "same", "valid")
# (channels, height, width) where the sidebar has no picture.
STAND_IN = (1, 28, 28)


class Field(NamedTuple):
    """A parameter's two number fields: the parameter, its name in the address, label and range."""

    parameter: str
    name: str
    label: str
    least: int
    most: int
    default: int


KERNEL = Field("kernel_size", "kernel", "Kernel", 1, 1024, 3)
STRIDE = Field("stride", "stride", "Stride", 1, 1024, 1)
PADDING = Field("padding", "padding", "Padding", 0, 4096, 0)
DILATION = Field("dilation", "dilation", "Dilation", 1, 1024, 1)
OUTPUT_PADDING = Field("output_padding", "output_padding", "Output padding", 0, 1024, 0)
PAIRS = (KERNEL, STRIDE, PADDING, DILATION, OUTPUT_PADDING)


@dataclass(frozen=True)
class ShapeChoice:
    """What the controls say: the layer's arguments, and its input, (channels, height, width)."""

    in_channels: int
    input_size: Pair
    arguments: Mapping[str, Any]

    @property
    def kind(self) -> LayerKind:
        """The name of the layer's torch class."""
        kind: LayerKind = self.arguments["kind"]
        return kind

    def takes(self, parameter: str) -> bool:
        """Whether the layer type has this parameter."""
        return takes(self.kind, parameter)

    def layer(self, **changes: Any) -> Layer:
        """The layer, with some arguments changed; raises ``InputError`` where it cannot be."""
        return Layer(**{**self.arguments, **changes})


def takes(kind: str, parameter: str) -> bool:
    """Whether a layer type has this parameter."""
    return parameter in {"kernel_size", "stride", "padding"} or any(
        parameter in taken for name, taken in TAKES.items() if name == kind
    )


def shape_controls() -> ShapeChoice:
    """Draw the controls and return what they say."""
    kind = st.segmented_control(
        "Layer", KINDS, default=KINDS[0], required=True, key="shape_kind", bind="query-params"
    )
    padding_kind = _padding_kind() if kind == "Conv2d" else "amount"
    fields = [field for field in PAIRS if takes(kind, field.parameter)]
    if padding_kind != "amount":
        fields.remove(PADDING)
    rows, columns = (st.columns(1 + len(fields)) for _ in AXES)
    n_channels, *picture = _size_of_the_picture()
    with rows[0]:
        height = _optional("shape_height", "Input height", 1, LARGEST_SIZE, str(picture[0]))
    with columns[0]:
        width = _optional("shape_width", "Input width", 1, LARGEST_SIZE, str(picture[1]))
    arguments: dict[str, Any] = {"kind": kind}
    for field, down, across in zip(fields, rows[1:], columns[1:], strict=True):
        usual = None
        if field is STRIDE and kind.endswith("Pool2d"):
            usual = arguments["kernel_size"][0]
        arguments[field.parameter] = _pair(field, usual, down, across)
    if padding_kind != "amount":
        arguments["padding"] = _sides() if padding_kind == "per side" else padding_kind
    in_channels = _more_arguments(arguments, n_channels)
    size = (height or picture[0], width or picture[1])
    return ShapeChoice(in_channels, size, arguments)


def _size_of_the_picture() -> tuple[int, int, int]:
    """(channels, height, width) of what the sidebar has chosen."""
    picture = st.session_state["controls"].picture
    return STAND_IN if isinstance(picture, InputError) else (picture.n_channels, *picture.size)


def _padding_kind() -> str:
    kind: str = st.segmented_control(
        "Padding by", PADDING_KINDS, default="amount", required=True, key="shape_padding_kind",
        bind="query-params", help="Same keeps the size (stride 1 only); valid adds none.",
    )  # fmt: skip
    return kind


def _pair(field: Field, usual: int | None, down: Any, across: Any) -> Pair | None:
    """(height, width); None where both are empty and torch's own default stands.

    With a ``usual`` height the field of the height may be empty as well.
    """
    with down:
        label, key = f"{field.label} height", f"shape_{field.name}_height"
        if usual is not None:
            # A key of its own, since a pooling layer's stride is the kernel size where none is set.
            height = _optional(POOL_STRIDE, label, field.least, field.most, str(usual))
        else:
            height = st.number_input(
                label, field.least, field.most, field.default, key=key, bind="query-params"
            )
    with across:
        label, key = f"{field.label} width", f"shape_{field.name}_width"
        width = _optional(key, label, field.least, field.most, "as height")
    if height is None and width is None:
        return None
    height = usual if height is None else height
    assert height is not None
    return (height, height if width is None else width)


def _optional(key: str, label: str, least: int, most: int, placeholder: str) -> int | None:
    """A number field that may be empty, and then shows what stands in its place."""
    value = st.number_input(
        label, least, most, None, key=key, bind="query-params", placeholder=placeholder
    )
    return None if value is None else int(value)


def _sides() -> Pads:
    top, bottom, left, right = (
        cell.number_input(
            f"Padding {side}", PADDING.least, PADDING.most, 0, key=f"shape_pad_{side}",
            bind="query-params",
        )
        for cell, side in zip(st.columns(len(SIDES)), SIDES, strict=True)
    )  # fmt: skip
    return (top, bottom), (left, right)


def _more_arguments(arguments: dict[str, Any], n_channels: int) -> int:
    """Draw what concerns no axis, add it to the arguments, and return the input's channels."""
    kind = arguments["kind"]
    cells = iter(st.columns(5, vertical_alignment="bottom"))
    with next(cells):
        most = LARGEST_CHANNELS
        in_channels = _optional("shape_in", "Input channels", 1, most, str(n_channels))
    if takes(kind, "out_channels"):
        arguments["out_channels"] = next(cells).number_input(
            "Output channels", 1, most, 8, key="shape_out", bind="query-params"
        )
        arguments["groups"] = next(cells).number_input(
            "Groups", 1, most, 1, key="shape_groups", bind="query-params"
        )
    if takes(kind, "padding_mode"):
        arguments["padding_mode"] = next(cells).selectbox(
            "Padding mode", PADDING_MODES, key="shape_mode", bind="query-params"
        )
    if takes(kind, "out_channels"):
        arguments["bias"] = next(cells).toggle(
            "Bias", value=True, key="shape_bias", bind="query-params"
        )
    if takes(kind, "ceil_mode"):
        arguments["ceil_mode"] = next(cells).toggle(
            "ceil_mode", key="shape_ceil", bind="query-params",
            help="Round up: a last window may reach past the padding, if it starts before it.",
        )  # fmt: skip
    return in_channels or n_channels


def state_of(changes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The widgets' state that makes some changes to the layer or its input; None if none can."""
    state: dict[str, Any] = {}
    simple = {"padding_mode": "shape_mode", "groups": "shape_groups", "ceil_mode": "shape_ceil",
              "out_channels": "shape_out"}  # fmt: skip
    pairs = {field.parameter: field for field in PAIRS if field is not PADDING}
    for name, value in changes.items():
        if name == "padding":
            added = _padding_state(value)
        elif name == "input_size":
            added = dict(zip(("shape_height", "shape_width"), value, strict=True))
            if max(value) > LARGEST_SIZE:
                return None
        elif name in pairs:
            added = _pair_state(pairs[name], value)
        elif name in simple:
            added = {simple[name]: value}
        else:
            return None
        if added is None:
            return None
        state |= added
    return state or None


def _pair_state(field: Field, value: Any) -> dict[str, Any] | None:
    height, width = value if isinstance(value, tuple) else (value, value)
    if not all(field.least <= each <= field.most for each in (height, width)):
        return None
    name = f"shape_{field.name}"
    state = {f"{name}_height": height, f"{name}_width": None if width == height else width}
    return state | ({POOL_STRIDE: height} if field is STRIDE else {})


def _padding_state(padding: Any) -> dict[str, Any] | None:
    if isinstance(padding, str):
        return {"shape_padding_kind": padding}
    (top, bottom), (left, right) = padding
    if max(top, bottom, left, right) > PADDING.most:
        return None
    if (top, left) == (bottom, right):
        return {"shape_padding_kind": "amount", **(_pair_state(PADDING, (top, left)) or {})}
    sides = dict(zip(SIDES, (top, bottom, left, right), strict=True))
    return {"shape_padding_kind": "per side"} | {f"shape_pad_{k}": v for k, v in sides.items()}


def set_widgets(state: Mapping[str, Any]) -> None:
    """Set the controls; call it from a callback, before they are drawn."""
    st.session_state.update(state)
