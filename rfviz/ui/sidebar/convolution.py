"""The convolution's parameters as widgets, and any spec as the state of those widgets.

A widget's key is its state and its name in the address. One switch, ``separate``, says whether
height and width have a slider each; the keys are ``kernel`` or ``kernel_height`` and
``kernel_width``, and so on.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import streamlit as st

from rfviz.conv.spec.padding_modes import PADDING_MODES, Pads, Pair
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.ui.sidebar.strip import NO_STRIP, Places, place_of

LARGEST_PAD = 4096
MOST_GROUPS = 64


class Slider(NamedTuple):
    """One parameter's slider: its key, label, range, default and what it does."""

    key: str
    label: str
    least: int
    most: int
    default: int
    about: str


KERNEL = Slider("kernel", "Kernel size", 1, 16, 3, "Rows and columns of taps: kernel_size.")
STRIDE = Slider("stride", "Stride", 1, 16, 1, "Pixels between neighbouring receptive fields.")
PADDING = Slider("padding", "Padding", 0, 16, 1, "Pixels added on every side.")
DILATION = Slider("dilation", "Dilation", 1, 8, 1, "Pixels between neighbouring taps.")

FIELDS = MappingProxyType({"kernel_size": KERNEL, "stride": STRIDE, "dilation": DILATION})
PADDING_KINDS = ("amount", "per side", "same", "valid")
SIDES = MappingProxyType(
    {"pad_top": "Top", "pad_bottom": "Bottom", "pad_left": "Left", "pad_right": "Right"}
)


def parameter_widgets(
    fixed: Mapping[str, Any] = MappingProxyType({}), strip: Places = NO_STRIP
) -> dict[str, Any]:
    """Draw the widgets; return the arguments of ``Conv2dSpec`` that they say.

    ``fixed`` may hold ``kernel_size`` and ``groups``, which then cannot be moved. The sliders are
    drawn in the ``strip``, where there is one.
    """
    separate = st.toggle(
        "Height and width separately",
        key="separate",
        bind="query-params",
        on_change=_copy_to_both,
        help="Off: one slider sets height and width together.",
    )
    arguments: dict[str, Any] = {
        "kernel_size": _kernel(fixed, separate, strip),
        "stride": _pair(STRIDE, separate, strip),
        "padding": _padding(separate, strip),
        "padding_mode": st.selectbox(
            "Padding mode", PADDING_MODES, key="padding_mode", bind="query-params",
            help="What stands in the padding: zeros, or pixels of the picture.",
        ),
        "dilation": _pair(DILATION, separate, strip),
    }  # fmt: skip
    arguments["groups"] = fixed.get("groups") or st.number_input(
        "Groups", 1, MOST_GROUPS, 1, key="groups", bind="query-params",
        help="Channels are split into this many groups; each filter reads one group.",
    )  # fmt: skip
    _announce_hidden()
    return arguments


def _announce_hidden() -> None:
    """Give the widgets that are not shown a state.

    When a callback sets one and it then appears, Streamlit writes it into the address only if it
    knew the key before.
    """
    for slider in (KERNEL, STRIDE, PADDING, DILATION):
        for key in (slider.key, f"{slider.key}_height", f"{slider.key}_width"):
            st.session_state.setdefault(key, slider.default)
    for key in SIDES:
        st.session_state.setdefault(key, 1)


def _kernel(fixed: Mapping[str, Any], separate: bool, strip: Places) -> int | Pair:
    with place_of(strip, KERNEL.key):
        return _fixed_kernel(fixed) or _pair(KERNEL, separate)


def _fixed_kernel(fixed: Mapping[str, Any]) -> Pair | None:
    """A weight's kernel size on sliders that do not move, and why."""
    if "kernel_size" not in fixed:
        return None
    height, width = fixed["kernel_size"]
    sides = {KERNEL.label: height}
    if height != width:
        sides = {f"{KERNEL.label}, height": height, f"{KERNEL.label}, width": width}
    for place, (label, side) in zip(st.columns(len(sides)), sides.items(), strict=True):
        place.slider(
            label, KERNEL.least, max(KERNEL.most, side), side, disabled=True,
            key=f"weights-{label}-{side}", help=KERNEL.about,
        )  # fmt: skip
    groups = fixed["groups"]
    st.caption(
        f"The weight from the file has {height} × {width} taps, so the kernel size is given"
        + (f", and so are its {groups} groups." if groups > 1 else "; it has no groups.")
    )
    return height, width


def _pair(slider: Slider, separate: bool, strip: Places = NO_STRIP) -> int | Pair:
    with place_of(strip, slider.key):
        return _slide_one_or_two(slider, separate)


def _slide_one_or_two(slider: Slider, separate: bool) -> int | Pair:
    if not separate:
        return _slide(slider, slider.key, slider.label)
    left, right = st.columns(2)
    with left:
        height = _slide(slider, f"{slider.key}_height", f"{slider.label}, height")
    with right:
        width = _slide(slider, f"{slider.key}_width", f"{slider.label}, width")
    return height, width


def _slide(slider: Slider, key: str, label: str) -> int:
    return st.slider(
        label,
        slider.least,
        slider.most,
        slider.default,
        key=key,
        bind="query-params",
        help=slider.about,
    )


def _padding(separate: bool, strip: Places) -> int | str | Pair | Pads:
    kind: str = st.segmented_control(
        "Padding by",
        PADDING_KINDS,
        default="amount",
        required=True,
        key="padding_kind",
        bind="query-params",
        help="Same keeps the size (stride 1 only); valid adds none.",
    )
    if kind == "amount":
        return _pair(PADDING, separate, strip)
    if kind == "per side":
        return _sides()
    with place_of(strip, PADDING.key):
        st.caption("Padding: same" if kind == "same" else "Padding: valid")
    return kind


def _sides() -> Pads:
    cells = [*st.columns(2), *st.columns(2)]
    top, bottom, left, right = (
        cell.number_input(label, 0, LARGEST_PAD, 1, key=key, bind="query-params")
        for cell, (key, label) in zip(cells, SIDES.items(), strict=True)
    )
    return (top, bottom), (left, right)


def _copy_to_both() -> None:
    """On switching to separate sliders start from the common value, and back from the height."""
    for slider in (KERNEL, STRIDE, PADDING, DILATION):
        names = (f"{slider.key}_height", f"{slider.key}_width")
        if st.session_state.separate and slider.key in st.session_state:
            st.session_state.update(dict.fromkeys(names, st.session_state[slider.key]))
        elif not st.session_state.separate and names[0] in st.session_state:
            st.session_state[slider.key] = st.session_state[names[0]]


def state_of(spec: Conv2dSpec) -> dict[str, Any]:
    """The widgets' state that stands for a spec, for :func:`apply`.

    Raises ``KeyError`` never: what no slider reaches, such as a padding of 40, goes to the
    widgets that can say it.
    """
    pairs: dict[str, Pair] = {name: getattr(spec, name) for name in FIELDS}
    kind, amount = _padding_kind(spec)
    separate = any(height != width for height, width in [*pairs.values(), amount])
    state: dict[str, Any] = {
        "separate": separate,
        "padding_kind": kind,
        "padding_mode": spec.padding_mode,
        "groups": spec.groups,
    }
    for name, slider in FIELDS.items():
        state |= _pair_state(slider, pairs[name], separate)
    if kind == "amount":
        state |= _pair_state(PADDING, amount, separate)
    elif kind == "per side":
        state |= dict(zip(SIDES, (*spec.pads[0], *spec.pads[1]), strict=True))
    return state


def reach(spec: Conv2dSpec) -> bool:
    """Whether the widgets go so far; padding they can always say."""
    fits = (max(getattr(spec, name)) <= slider.most for name, slider in FIELDS.items())
    return all(fits) and spec.groups <= MOST_GROUPS


def _pair_state(slider: Slider, values: Pair, separate: bool) -> dict[str, int]:
    if not separate:
        return {slider.key: values[0]}
    return {f"{slider.key}_height": values[0], f"{slider.key}_width": values[1]}


def _padding_kind(spec: Conv2dSpec) -> tuple[str, Pair]:
    """The padding's kind, and the amount where the kind is an amount."""
    if isinstance(spec.padding, str):
        return spec.padding, (0, 0)
    (top, bottom), (left, right) = spec.padding
    if top == bottom and left == right and max(top, left) <= PADDING.most:
        return "amount", (top, left)
    return "per side", (0, 0)


def apply(state: Mapping[str, Any]) -> None:
    """Set widgets; call it from a callback, before they are drawn."""
    st.session_state.update(state)
