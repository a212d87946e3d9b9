"""Filters: the weights by themselves, before any picture is read."""

import streamlit as st

from rfviz.explorer.components import show_panel
from rfviz.figures.filter_grid import filter_grid_figure, grid_of
from rfviz.figures.frequency import frequency_figure
from rfviz.figures.weights import weight_matrix_figure
from rfviz.ui.filters import panels as filters_view
from rfviz.ui.panels.position import filter_widget
from rfviz.ui.sidebar.inputs import inputs_or_stop
from rfviz.ui.sidebar.weight_downloads import download_buttons

st.title("Filters")
st.markdown(
    "The weights as the convolution uses them: **each filter is a small stack of kernels**, one a "
    "channel, and one row of the weight matrix. Choose named kernels, a file, or write them by "
    "hand in the sidebar."
)
inputs = inputs_or_stop(["Filters", "Weight matrix", "Frequency response"])
filters_view.shape_line(inputs)
place, _ = st.columns([1, 3])
with place:
    chosen = filter_widget(inputs)

figure = filter_grid_figure(inputs.weight, chosen=chosen)
show_panel(figure, name="filters", height=520, size=grid_of(tuple(inputs.weight.shape)).size)
figure = weight_matrix_figure(
    inputs.weight.flatten(1),
    groups=inputs.spec.groups,
    kernel_size=inputs.spec.kernel_size,
    n_channels=inputs.picture.n_channels,
    title="As rows of the weight matrix",
    panel_width=900,
)
show_panel(figure, name="filter-rows", height=min(460, 150 + 26 * len(inputs.weight)))

left, right = st.columns(2)
with left:
    st.subheader(f"Frequency response of filter {chosen}")
    response = filters_view.response_widget(inputs, chosen)
    st.markdown(filters_view.response_sentence(response))
with right:
    figure = frequency_figure(
        response.magnitudes, title=f"Frequency response, filter {chosen}, {response.of}"
    )
    show_panel(figure, name="response", height=400, size=(1, 1))

st.subheader("Filter by filter")
facts = filters_view.facts_of(inputs)
filters_view.show_facts(facts, chosen)
left, right = st.columns(2)
with left:
    st.markdown(filters_view.dead_sentence(facts))
    st.markdown("The weights as a file:")
    download_buttons(inputs.weight, "filters")
with right:
    filters_view.show_alike(inputs)
