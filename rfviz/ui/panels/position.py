"""The chosen output: its row, column and filter, shared by all pages and part of the address."""

from dataclasses import dataclass

import streamlit as st

from rfviz.ui.sidebar.inputs import Inputs

LARGEST = 10**8
POSITION = ("row", "column", "filter")


@dataclass(frozen=True)
class Chosen:
    """The chosen output and filter, always inside the present output."""

    row: int
    column: int
    filter_index: int

    @property
    def output(self) -> tuple[int, int]:
        """(row, column)."""
        return self.row, self.column


def choose(row: int, column: int) -> None:
    """Choose an output; call it from a callback. It is brought inside at the next run."""
    st.session_state["row"] = max(0, row)
    st.session_state["column"] = max(0, column)


def position_widgets(inputs: Inputs) -> Chosen:
    """Draw number fields for row, column and filter; return the choice, inside the output.

    A position that a smaller output has lost moves to the nearest one that is left, and a
    sentence says so.
    """
    _carry_to_this_page()
    cells = st.columns(3)
    height, width = inputs.output_size
    with cells[0]:
        row = _number("row", "Output row", height, height // 2)
    with cells[1]:
        column = _number("column", "Output column", width, width // 2)
    with cells[2]:
        filter_index = filter_widget(inputs)
    return Chosen(row, column, filter_index)


def filter_widget(inputs: Inputs) -> int:
    """Draw a number field for the filter; return the choice, which is one that there is."""
    return _number("filter", "Filter", inputs.weight.shape[0], 0)


def _carry_to_this_page() -> None:
    """Take the position along when another page is turned to.

    Streamlit forgets there what only the address has said so far, and leaves it out of the new one.
    """
    page = st.context.url
    if st.session_state.get("position_page", page) != page:
        for key in POSITION:
            if st.session_state.get(key) is not None and key not in st.query_params:
                st.session_state[key] = st.session_state[key]
                st.query_params[key] = str(st.session_state[key])
    st.session_state["position_page"] = page


def choose_pixel(row: int, column: int) -> None:
    """Choose a pixel of the picture; call it from a callback."""
    st.session_state["pixel_row"] = max(0, row)
    st.session_state["pixel_column"] = max(0, column)


def pixel_widgets(inputs: Inputs, chosen: Chosen) -> tuple[int, int]:
    """Draw number fields for a pixel; where none is chosen, the chosen field's middle one."""
    field = inputs.spec.receptive_field(chosen.output)
    start = [
        max(0, min(size - 1, taps[len(taps) // 2]))
        for size, taps in zip(inputs.picture.size, (field.rows, field.columns), strict=True)
    ]
    left, right = st.columns(2)
    with left:
        row = _number("pixel_row", "Input row", inputs.picture.size[0], start[0])
    with right:
        column = _number("pixel_column", "Input column", inputs.picture.size[1], start[1])
    return row, column


def _number(key: str, label: str, size: int, start: int) -> int:
    """A field that is empty until something is chosen, and then never beyond the last."""
    asked = st.session_state.get(key)
    if asked is not None and asked >= size:
        st.session_state[key] = size - 1
    # The range is fixed, since a field whose range changes forgets its value.
    value = st.number_input(
        label, 0, LARGEST, None, key=key, bind="query-params", placeholder=str(start)
    )
    beyond = asked if asked is not None and asked >= size else value
    if beyond is not None and beyond >= size:
        st.caption(f"There is no {label.lower()} {beyond:,}: {size - 1:,} is the last.")
    return start if value is None else min(int(value), size - 1)
