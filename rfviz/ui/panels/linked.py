"""The link between a page and its conductor: the scene, the clicks, the marks that stand still."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pair
from rfviz.explorer.components import conduct, keep_bank
from rfviz.explorer.picture_store import PICTURES
from rfviz.explorer.scene import (
    STAGE,
    Awaited,
    Box,
    Filters,
    Layout,
    Mark,
    Position,
    Scene,
    padding_marks,
)
from rfviz.ui.panels.maps import LARGEST_FIELD, around, field_size
from rfviz.ui.panels.position import Chosen, choose, choose_pixel
from rfviz.ui.panels.receptive_field import FieldView, field_view, number
from rfviz.ui.run.caches import remembered
from rfviz.ui.sidebar.convolution import KERNEL
from rfviz.ui.sidebar.first_visit import shows_first_example
from rfviz.ui.sidebar.hiding import sum_hidden
from rfviz.ui.sidebar.inputs import Inputs

# Rows of the product that the stage shows, and the weights of them that are sent for it.
MOST_FILTERS_SHOWN = 8
MOST_WEIGHTS_SENT = 40_000


def cell(row: float, column: float) -> Box:
    """The box of one cell: n covers n - 0.5 to n + 0.5."""
    return (column - 0.5, row - 0.5, column + 0.5, row + 0.5)


def padding_mark(inputs: Inputs) -> list[Mark]:
    """The padding as a hatched frame around the picture."""
    return padding_marks(inputs.spec, inputs.picture.size)


def conduct_page(
    inputs: Inputs,
    chosen: Chosen,
    layout: Layout,
    *,
    choose_pixels: bool = False,
    marks: Mapping[str, Sequence[Mark]] | None = None,
    awaited: Mapping[str, Awaited] | None = None,
) -> FieldView:
    """Mount the explorer and return the chosen output worked out.

    ``choose_pixels``: a click on the picture chooses a pixel, not an output.
    """
    view = field_view(inputs, chosen)
    height, width = inputs.output_size
    sentence = (
        f"Output row {chosen.row:,}, column {chosen.column:,} of {height:,} × {width:,}: "
        f"{number(view.by_conv2d)}"
    )
    position = Position(*chosen.output, view.by_conv2d, sentence)
    conduct(
        position,
        _scene(inputs, chosen, view),
        layout,
        on_move=choose,
        on_pixel=choose_pixel if choose_pixels else None,
        marks=marks,
        awaited=awaited,
        hidden=sum_hidden(),
        walks=layout == STAGE and shows_first_example(),
    )
    keep_bank(_bank(inputs, chosen), _filters_shown(inputs, chosen) if layout == STAGE else None)
    return view


def _filters_shown(inputs: Inputs, chosen: Chosen) -> Filters | None:
    """The filters whose rows the stage shows, or none where they are too large to be sent."""
    weight, bias = inputs.weight, inputs.bias
    shown = around(chosen.filter_index, len(weight), MOST_FILTERS_SHOWN)
    rows = weight[shown.start : shown.stop].flatten(1)
    if rows.numel() > MOST_WEIGHTS_SENT:
        return None
    key = ("filters", inputs.choices, inputs.picture.n_channels, inputs.spec, shown)

    def make() -> Filters:
        biases = [0.0] * len(shown) if bias is None else bias[shown.start : shown.stop].tolist()
        return Filters(
            shown.start, rows.double().tolist(), biases, len(weight) // inputs.spec.groups
        )

    return remembered(key, make)


def _bank(inputs: Inputs, chosen: Chosen) -> dict[Pair, list[float]]:
    """The chosen filter at each kernel size that one move of a slider can reach."""
    height, width = inputs.spec.kernel_size
    sides = range(KERNEL.least, KERNEL.most + 1)
    sizes = {(side, side) for side in sides}
    if st.session_state.get("separate"):
        sizes = {(side, width) for side in sides} | {(height, side) for side in sides}
    key = ("bank", inputs.choices, inputs.picture.n_channels, inputs.spec.groups)

    def make() -> dict[Pair, list[float]]:
        return {size: each for size in sorted(sizes) if (each := _filter_at(inputs, chosen, size))}

    return remembered((*key, chosen.filter_index, frozenset(sizes)), make)


def _filter_at(inputs: Inputs, chosen: Chosen, size: Pair) -> list[float] | None:
    """The chosen filter at another size, or None where its kernel makes no sense there."""
    spec = replace(inputs.spec, kernel_size=size)
    try:
        weight = inputs.choices.weight(spec, inputs.picture.n_channels)
    except InputError:
        return None
    return weight[chosen.filter_index].double().flatten().tolist()


def _scene(inputs: Inputs, chosen: Chosen, view: FieldView) -> Scene:
    context = get_script_run_ctx(suppress_warning=True)
    session = context.session_id if context else None
    # One picture a session: the one that it works on now.
    shown = PICTURES.put(inputs.picture.pixels, inputs.spec, session, st.session_state.get("shown"))
    st.session_state["shown"] = shown
    # Of a larger field the browser works out no position by itself: none of it is drawn there.
    sent = field_size(inputs) <= LARGEST_FIELD
    weights = view.numbers.weights.double().flatten().tolist() if sent else []
    return Scene(
        spec=inputs.spec,
        input_size=inputs.picture.size,
        n_channels=inputs.picture.n_channels,
        column_shape=inputs.columns.shape,
        filter_index=chosen.filter_index,
        n_filters=inputs.weight.shape[0],
        channels=view.channels,
        channel_names=view.channel_names,
        weights=weights,
        bias=view.numbers.bias,
        divisor=inputs.choices.divisor,
        white=inputs.pixel_range[1],
        token=shown.token,
        matrix_token=shown.matrix_token,
    )
