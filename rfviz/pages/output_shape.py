"""Output shape: how large a layer's output is, why, and what to change for another."""

import streamlit as st

from rfviz.ui.output_shape.controls import shape_controls
from rfviz.ui.output_shape.panels import (
    fitted_layer,
    show_answer,
    show_costs,
    show_formula,
    show_strips,
)
from rfviz.ui.output_shape.solver import show_messages, show_solver
from rfviz.ui.output_shape.sweep import show_sweep
from rfviz.ui.output_shape.transfer import transfer_buttons
from rfviz.ui.sidebar.hiding import hidden_here

st.title("Output shape")
st.markdown(
    "Why is the output this size, and what must change for another? Set a **layer of torch** and "
    "the size of its input: the formula is filled in step by step, and below it every placement of "
    "the kernel along each axis. An empty input size is that of the picture in the sidebar."
)
choice = shape_controls()
place = st.container()
layer = fitted_layer(choice)
with place:
    transfer_buttons(choice, layer)
if layer is not None:
    show_answer(layer, choice)
    st.subheader("The formula, with the numbers")
    show_formula(layer, choice)
    st.subheader("Where the kernel lies")
    show_strips(layer, choice)
    st.subheader("What it costs")
    show_costs(layer, choice)
st.subheader("Two parameters at once")
if not hidden_here("sweep"):
    show_sweep(choice)
st.subheader("From a wanted size to the parameters")
if not hidden_here("solver"):
    show_solver(choice)
st.subheader("A message of torch, explained")
show_messages()
