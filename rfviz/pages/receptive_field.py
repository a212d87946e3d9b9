"""Receptive field: what one output reads, as pixels, as a vector, and as a sum."""

import streamlit as st

from rfviz.explorer.scene import Stack
from rfviz.ui.panels.comparison import comparison_job
from rfviz.ui.panels.feature_maps import HEIGHT, awaited_maps, show_overview, show_window
from rfviz.ui.panels.linked import conduct_page, padding_mark
from rfviz.ui.panels.maps import around, shown_whole
from rfviz.ui.panels.matrices import show_columns, show_weights
from rfviz.ui.panels.output_size_line import output_size_line
from rfviz.ui.panels.picture import show_neighbourhood, show_picture
from rfviz.ui.panels.position import position_widgets
from rfviz.ui.panels.receptive_field import entries_table, show_field, sum_in_words
from rfviz.ui.run.jobs import job_place
from rfviz.ui.sidebar.inputs import inputs_or_stop
from rfviz.ui.take_away.code import show_code

LAYOUT = (
    (Stack(("input", "input-window")), Stack(("output", "output-window"))),
    (Stack(("patch",), 2), Stack(("vector", "columns", "weights"), 3)),
)

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
large = not shown_whole(inputs)
if large:
    progress = job_place(comparison_job(inputs, chosen))
view = conduct_page(
    inputs,
    chosen,
    LAYOUT,
    marks={"input": padding, "input-window": padding},
    awaited=awaited_maps(inputs, chosen),
)

with st.container(gap=None):
    show_picture(inputs, height=HEIGHT)
    show_neighbourhood(inputs, view.field, height=HEIGHT)
    show_window(inputs, chosen)
    show_field(inputs, view)
    shown = around(inputs.columns.column_index(*chosen.output), inputs.columns.shape[1], 60)
    show_columns(inputs, shown, height=360)
    show_weights(inputs, height=300)
    overview = st.container()

sum_in_words(inputs, chosen, view)
entries_table(inputs, view)
show_code(inputs, chosen)

if large:
    with overview:
        show_overview(inputs, chosen, progress)
