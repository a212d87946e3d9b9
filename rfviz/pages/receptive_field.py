"""Receptive field: what one output reads, as pixels, as a vector, and as a sum."""

import streamlit as st

from rfviz.explorer.mount import show_panel
from rfviz.figures.patch import patch_figure
from rfviz.figures.vector import vector_figure
from rfviz.ui.arithmetic import output_size_line
from rfviz.ui.code_view import show_code
from rfviz.ui.feature_maps import HEIGHT, awaited_maps, show_overview, show_window
from rfviz.ui.field_view import entries_table, sum_in_words
from rfviz.ui.inputs import inputs_or_stop
from rfviz.ui.linked import conduct_page, padding_mark
from rfviz.ui.maps import around, shown_whole
from rfviz.ui.matrix_panels import show_columns, show_weights
from rfviz.ui.position import position_widgets
from rfviz.ui.rasters import show_neighbourhood, show_picture

st.title("Receptive field")
st.markdown(
    "Each output of a convolution reads a small window of the picture: its **receptive field**. "
    "Point at an output, a pixel, a column or a weight to see what belongs to it; click to pin it, "
    "Escape to free it. Arrow keys move the position, and the buttons play through all of them."
)
inputs = inputs_or_stop(["Picture", "Feature map", "Receptive field", "Vector"])
output_size_line(inputs)
chosen = position_widgets(inputs)
padding = padding_mark(inputs)
view = conduct_page(
    inputs,
    chosen,
    marks={"input": padding, "input-window": padding},
    awaited=awaited_maps(inputs, chosen),
)

large = not shown_whole(inputs)
left, right = st.columns(2)
with left:
    show_picture(inputs, height=HEIGHT)
    show_neighbourhood(inputs, view.field, height=HEIGHT)
with right:
    overview = st.container()
    show_window(inputs, chosen)

left, right = st.columns([2, 3])
with left:
    figure = patch_figure(
        view.numbers,
        channels=view.channel_names,
        rows=view.field.rows,
        columns=view.field.columns,
        pixel_range=inputs.pixel_range,
    )
    show_panel(figure, name="patch", height=560, kind="patch")
with right:
    sum_in_words(inputs, chosen, view)
    figure = vector_figure(
        view.numbers.pixels.flatten(),
        view.numbers.weights.flatten(),
        channels=view.channel_names,
        kernel_size=inputs.spec.kernel_size,
        rows=view.field.rows,
        columns=view.field.columns,
        pixel_range=inputs.pixel_range,
    )
    show_panel(figure, name="vector", height=340, kind="vector")
left, right = st.columns([3, 2])
with left:
    shown = around(inputs.columns.column_index(*chosen.output), inputs.columns.shape[1], 60)
    show_columns(inputs, shown, height=360)
with right:
    show_weights(inputs, height=360)
entries_table(inputs, view)
show_code(inputs, chosen)

if large:
    with overview:
        show_overview(inputs, chosen)
