"""Receptive field: what one output reads, as pixels, as a vector, and as a sum."""

import streamlit as st

from rfviz.explorer.mount import Mark, show_panel
from rfviz.figures.feature_map import feature_map_figure
from rfviz.figures.patch import patch_figure
from rfviz.figures.vector import vector_figure
from rfviz.ui.arithmetic import output_size_line
from rfviz.ui.field_view import entries_table, field_view, sum_in_words
from rfviz.ui.inputs import inputs_or_stop
from rfviz.ui.linked import cell, conduct_page, field_marks, padding_mark
from rfviz.ui.maps import map_window
from rfviz.ui.position import position_widgets
from rfviz.ui.rasters import show_picture

st.title("Receptive field")
st.markdown(
    "Each output of a convolution reads a small window of the picture: its **receptive field**. "
    "Click in the picture or in the feature map, use the arrow keys, or play through, and watch "
    "which pixels the output reads, the vector they form, and the sum that it is."
)
inputs = inputs_or_stop(["Picture", "Receptive field", "Vector", "Feature map"])
output_size_line(inputs)
chosen = position_widgets(inputs)
view = field_view(inputs, chosen)
marks = {
    "input": [*padding_mark(inputs), *field_marks(view.field)],
    "output": [Mark("chosen", [cell(*chosen.output)])],
}
conduct_page(inputs, chosen, view, marks, {"input": "input", "output": "output"})

left, right = st.columns(2)
with left:
    show_picture(inputs, height=440)
with right:
    window = map_window(inputs, chosen, 64)
    figure = feature_map_figure(
        window.values,
        top=window.rows[0],
        left=window.columns[0],
        output_size=inputs.output_size,
    )
    show_panel(figure, name="output", height=440, clickable=True)
figure = patch_figure(
    view.numbers,
    channels=view.channel_names,
    rows=view.field.rows,
    columns=view.field.columns,
    pixel_range=inputs.pixel_range,
)
show_panel(figure, name="patch", height=520)
sum_in_words(inputs, view)
figure = vector_figure(
    view.numbers.pixels.flatten(),
    view.numbers.weights.flatten(),
    channels=view.channel_names,
    kernel_size=inputs.spec.kernel_size,
    rows=view.field.rows,
    columns=view.field.columns,
    pixel_range=inputs.pixel_range,
)
show_panel(figure, name="vector", height=320)
entries_table(inputs, view)
