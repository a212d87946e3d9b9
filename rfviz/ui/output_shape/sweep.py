"""The sweep: the output size over any two parameters, computed value by value and clickable."""

from typing import NamedTuple

import streamlit as st
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.layers.fit import problems
from rfviz.conv.layers.layer import Layer
from rfviz.explorer.components import show_panel
from rfviz.figures.sweep import sweep_figure
from rfviz.ui.output_shape.controls import (
    LARGEST_SIZE,
    PAIRS,
    ShapeChoice,
    set_widgets,
    state_of,
    takes,
)

AXES = ("rows", "columns")
N_VALUES = 12
INPUT = "input size"


class Sweep(NamedTuple):
    """Output sizes of one axis, int64 (h, w), 0 where a pair does not fit, and why it does not."""

    axis: int
    names: tuple[str, str]
    rows: range
    columns: range
    sizes: torch.Tensor
    reasons: list[list[str]]
    chosen: tuple[int, int] | None


def show_sweep(choice: ShapeChoice) -> None:
    """Draw the sweep's choices and its map; a click on a cell, or the button, sets the two."""
    names = swept_parameters(choice)
    left, middle, right = st.columns(3)
    with left:
        down = st.selectbox("Down", names, index=1, key="shape_down", bind="query-params")
    with middle:
        others = [name for name in names if name != down]
        across = st.selectbox("Across", names, index=0, key="shape_across", bind="query-params")
        if across == down:
            across = others[0]
            st.caption(f"Two different parameters are needed: {across} is taken.")
    with right:
        axis = st.segmented_control(
            "Axis", AXES, default=AXES[0], required=True, key="shape_axis", bind="query-params"
        )
    found = sweep(choice, (down, across), AXES.index(axis))

    def set_both(row: int, column: int) -> None:
        if row in found.rows and column in found.columns:
            set_widgets(state_with(choice, found, row, column))

    figure = sweep_figure(
        found.sizes, found.rows, found.columns, names=found.names, axis=axis,
        reasons=found.reasons, chosen=found.chosen, panel_width=900,
    )  # fmt: skip
    show_panel(figure, name="sweep", height=460, on_cell=set_both)
    st.caption(
        "Click on a cell to set both values for this axis, the other axis keeping its own; the "
        "fields at the top do the same by keyboard. The frame is where the layer is now."
    )


def swept_parameters(choice: ShapeChoice) -> list[str]:
    """The names of the parameters that a layer type has, in words."""
    fields = [field for field in PAIRS if takes(choice.kind, field.parameter)]
    return [*(_in_words(field.parameter) for field in fields), INPUT]


def sweep(choice: ShapeChoice, names: tuple[str, str], axis: int) -> Sweep:
    """Compute the output size of one axis for every pair of values of two parameters."""
    now = tuple(_value(choice, name, axis) for name in names)
    rows, columns = (_values(name, value) for name, value in zip(names, now, strict=True))
    sizes = torch.zeros(len(rows), len(columns), dtype=torch.int64)
    reasons = [[""] * len(columns) for _ in rows]
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            changes = {names[0]: row, names[1]: column}
            size, reasons[i][j] = _size(choice, changes, axis)
            sizes[i, j] = size
    inside = now[0] in rows and now[1] in columns
    chosen = (now[0], now[1]) if inside else None
    return Sweep(axis, names, rows, columns, sizes, reasons, chosen)


def state_with(choice: ShapeChoice, found: Sweep, row: int, column: int) -> dict[str, object]:
    """The widgets' state that sets the swept parameters on the swept axis."""
    state: dict[str, object] = {}
    for name, value in zip(found.names, (row, column), strict=True):
        pair = [_value(choice, name, axis) for axis in (0, 1)]
        pair[found.axis] = value
        changes: dict[str, object] = {name.replace(" ", "_"): (pair[0], pair[1])}
        if name == "padding":
            changes = {"padding": ((pair[0], pair[0]), (pair[1], pair[1]))}
        state |= state_of(changes) or {}
    return state


def _size(choice: ShapeChoice, changes: dict[str, int], axis: int) -> tuple[int, str]:
    """The output size of one axis, or 0 and why it does not fit there."""
    size = [choice.input_size[axis]] * 2
    given: dict[str, object] = {}
    for name, value in changes.items():
        if name == INPUT:
            size = [value] * 2
        elif name == "padding":
            given["padding"] = ((value, value), (value, value))
        else:
            given[name.replace(" ", "_")] = (value, value)
    square = (size[0], size[1])
    try:
        layer = _of_axis(choice, axis, given)
        found = problems(layer, square)
        return (0, found[0].sentence) if found else (layer.output_size(square)[0], "")
    except InputError as error:
        return 0, error.what


def _of_axis(choice: ShapeChoice, axis: int, given: dict[str, object]) -> Layer:
    """A layer with the swept axis's parameters on both, so that the other axis has no say."""
    own: dict[str, object] = {}
    for field in PAIRS:
        value = choice.arguments.get(field.parameter)
        if isinstance(value, tuple):
            own[field.parameter] = (value[axis], value[axis])
    return choice.layer(**{**own, **given})


def _value(choice: ShapeChoice, name: str, axis: int) -> int:
    if name == INPUT:
        return choice.input_size[axis]
    value = choice.arguments.get(name.replace(" ", "_"))
    if name == "padding":
        pads = _padding(choice)
        return pads[axis]
    if value is None:
        # An empty stride: the kernel size of a pooling layer, and else 1.
        pools = choice.kind.endswith("Pool2d")
        return int(choice.arguments["kernel_size"][axis]) if pools else 1
    return int(value[axis])


def _padding(choice: ShapeChoice) -> tuple[int, int]:
    """The larger side of each axis, which is what one number for both sides can say."""
    try:
        (top, bottom), (left, right) = choice.layer().pads
    except InputError:
        return (0, 0)
    return max(top, bottom), max(left, right)


def _values(name: str, now: int) -> range:
    """Values from the least on, or around the present one where that is further away."""
    least = 0 if "padding" in name else 1
    start = max(least, now - N_VALUES // 2)
    if name != INPUT and now < least + N_VALUES:
        start = least
    return range(start, min(start + N_VALUES, LARGEST_SIZE + 1))


def _in_words(parameter: str) -> str:
    return parameter.replace("_", " ")
