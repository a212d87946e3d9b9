"""Explore: picture, receptive field, vector, matrices and feature map on one screen."""

import streamlit as st

from rfviz.explorer.scene import STAGE
from rfviz.ui.panels.comparison import comparison_job
from rfviz.ui.panels.feature_maps import HEIGHT, awaited_maps, show_overview, show_window
from rfviz.ui.panels.linked import conduct_page, padding_mark
from rfviz.ui.panels.maps import shown_whole
from rfviz.ui.panels.matrices import columns_on_stage, show_columns, show_product, show_weights
from rfviz.ui.panels.output_size_line import output_size_line
from rfviz.ui.panels.picture import show_neighbourhood, show_picture
from rfviz.ui.panels.position import position_widgets
from rfviz.ui.panels.receptive_field import entries_table, show_field, sum_in_words
from rfviz.ui.places import links_beside
from rfviz.ui.run.jobs import job_place
from rfviz.ui.sidebar.inputs import inputs_or_stop
from rfviz.ui.take_away.code import show_code

# Said to those who listen; on screen the navigation says it.
st.title("Explore")
inputs = inputs_or_stop(["Picture", "Feature map", "Receptive field", "Vector", "Matrices"])
stage, panels, tray = st.container(), st.container(gap=None), st.container()
with tray:
    links_beside("receptive_field")
    output_size_line(inputs)
    chosen = position_widgets(inputs)
    large = not shown_whole(inputs)
    if large:
        progress = job_place(comparison_job(inputs, chosen))
padding = padding_mark(inputs)
with stage:
    view = conduct_page(
        inputs,
        chosen,
        STAGE,
        marks={"input": padding, "input-window": padding},
        awaited=awaited_maps(inputs, chosen),
    )

with panels:
    show_picture(inputs, height=HEIGHT)
    show_field(inputs, view, beside=True)
    product = columns_on_stage(inputs, chosen)
    show_columns(inputs, product.columns, height=360)
    show_weights(inputs, height=300)
    show_product(inputs, product, height=300)
    overview = st.container()

with tray:
    show_window(inputs, chosen)
    show_neighbourhood(inputs, view.field, height=HEIGHT)
    sum_in_words(inputs, chosen, view)
    entries_table(inputs, view)
    show_code(inputs, chosen)

if large:
    with overview:
        show_overview(inputs, chosen, progress)
