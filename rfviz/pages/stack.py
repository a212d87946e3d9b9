"""Stack of layers: what a unit many layers deep reads of the picture."""

import streamlit as st

from rfviz.conv.errors import InputError
from rfviz.ui.sidebar.explain import as_text, explain
from rfviz.ui.sidebar.hiding import hidden_here
from rfviz.ui.stack import (
    controls as stack_controls,
)
from rfviz.ui.stack import (
    effective_field as effective_view,
)
from rfviz.ui.stack import (
    panels as stack_view,
)
from rfviz.ui.stack.words import reach_sentence

st.title("Stack of layers")
st.markdown(
    "One convolution reads a small window. **Each layer above it reads windows of windows**, so "
    "that receptive fields grow with depth. Choose a network or write your own, then a unit at any "
    "depth, and see what it reads of your picture: by the arithmetic, and by its gradient."
)
picture = st.session_state["controls"].picture
if isinstance(picture, InputError):
    explain(picture, {}, ["Layers", "Fields on the picture", "Effective receptive field"])
    st.stop()

above = st.container()
with st.expander("Edit the layers", expanded=True):
    table, below = st.container(), st.container()
try:
    choice = stack_controls.stack_controls(picture, above, below)
    with table:
        stack_controls.table_widget(choice)
except InputError as error:
    st.error(as_text(str(error)), icon=":material/rule:")
    st.stop()

try:
    places = stack_view.places_of(choice)
    st.subheader("Layer by layer")
    stack_view.misaligned_note(places)
    stack_view.show_layers(choice, places)
except InputError as error:
    stack_controls.explain_misfit(error, choice)
    st.stop()

growth = st.container()
st.subheader("One unit on the picture")
unit = stack_view.unit_widgets(places)
with growth:
    stack_view.show_growth(choice, places, unit)
if hidden_here("unit"):
    st.stop()
maps = stack_view.maps_of(choice, unit)
fields = stack_view.fields_of(maps, unit)
stack_view.unit_sentence(choice, unit, fields)
reach_sentence(picture, choice, unit)
stack_view.link(choice, places, unit, maps, fields)
left, right = st.columns(2)
with left:
    stack_view.show_fields(picture, choice, unit, fields)
with right:
    stack_view.show_windows(fields)

st.subheader("Effective receptive field")
st.markdown(
    "The theoretical field says which pixels *can* matter. How much each *does* matter to the unit "
    "is its gradient: strong in the middle, fading like a Gaussian towards the edge."
)
how = effective_view.effective_widgets()
if how is not None:
    found = effective_view.effective_of(choice, unit, how)
    if found is not None:
        left, right = st.columns(2)
        with left:
            effective_view.show_effective(picture, found, unit, fields[-1].field)
        with right:
            effective_view.effective_words(found, how, fields[-1].field)
        effective_view.show_depth(choice, unit, how)
