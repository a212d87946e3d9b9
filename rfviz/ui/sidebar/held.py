"""What a person has set, held where no change of page can lose it.

Streamlit drops the state of a widget that the browser has not yet drawn when another page is turned
to, and with it the widget's part of the address: on a busy machine that is any widget. A setting is
therefore held here as well, under a name that belongs to no widget, and given back before the
widgets of the next run are drawn.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

# Each is the name of a widget and of its part in the address. Not here: what a file decides, such
# as its layers, since the next file may not have it.
_AXES = ("", "_height", "_width")
HELD = (
    *(f"{name}{axis}" for name in ("kernel", "stride", "padding", "dilation") for axis in _AXES),
    "separate", "padding_kind", "padding_mode", "pad_top", "pad_bottom", "pad_left", "pad_right",
    "groups", "source", "sample", "grey", "region", "region_top", "region_left", "region_height",
    "region_width", "reduce", "weights_source", "weights", "filters", "across", "seed", "with_bias",
    "bias", "dtype", "values", "hand", "hide", "row", "column", "filter", "pixel_row",
    "pixel_column",
)  # fmt: skip
_VALUES, _PAGE = "held", "held_page"


def hold_settings(page: str) -> None:
    """Give back what this run has lost, and note what it says; before any widget is drawn.

    On another ``page`` than the run before, every setting is set anew: only so does Streamlit write
    it into the address, from which it has taken it.
    """
    before: Mapping[str, Any] = st.session_state.get(_VALUES, {})
    found = {name: st.session_state[name] for name in HELD if name in st.session_state}
    held = {**before, **found}
    turned = st.session_state.get(_PAGE, page) != page
    for name, value in held.items():
        if turned or name not in found:
            st.session_state[name] = value
    st.session_state[_VALUES] = MappingProxyType(held)
    st.session_state[_PAGE] = page
