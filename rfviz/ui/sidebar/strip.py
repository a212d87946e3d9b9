"""The strip above the page: what is changed again and again, in one line.

Each part is a place in which a widget of the sidebar's modules is drawn; the rest stays there.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any

import streamlit as st

KEY = "strip"
# The parts, with their relative widths.
PARTS = MappingProxyType(
    {"picture": 1.3, "weights": 1.3, "kernel": 1, "stride": 1, "padding": 1, "dilation": 1}
)
Places = Mapping[str, AbstractContextManager[Any]]
NO_STRIP: Places = MappingProxyType({})


def draw_strip() -> Places:
    """Draw the strip, empty; the places of its parts by name."""
    with st.container(key=KEY, gap=None):
        cells = st.columns(list(PARTS.values()), gap="small", vertical_alignment="bottom")
    return dict(zip(PARTS, cells, strict=True))


def place_of(strip: Places, part: str) -> AbstractContextManager[Any]:
    """Where a part's widget is drawn: its place in the strip, or where one is already."""
    return strip.get(part, nullcontext())
