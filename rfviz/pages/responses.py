"""Responses: all feature maps side by side, and what each filter answers to."""

import streamlit as st

from rfviz.ui.panels.output_size_line import output_size_line
from rfviz.ui.panels.position import position_widgets
from rfviz.ui.responses import panels as responses_view
from rfviz.ui.run import jobs
from rfviz.ui.sidebar.inputs import inputs_or_stop

st.title("Responses")
st.markdown(
    "What does each filter answer to? All **feature maps on one scale**, and for the chosen "
    "filter the receptive fields that give its **largest and its smallest answers**, looked for in "
    "every output of every picture you have uploaded, without overlap."
)
inputs = inputs_or_stop(["Feature maps", "Receptive fields"])
output_size_line(inputs)
chosen = position_widgets(inputs)
k = st.slider(
    "Receptive fields for each filter", 1, 12, 6, key="answers_shown", bind="query-params"
)
job = responses_view.responses_job(inputs, k)
progress = jobs.job_place(job)
with progress:
    result = jobs.result_of(job, responses_view.WHAT)
if result is None:
    st.info("The feature maps and receptive fields are shown once every answer is known.")
    st.stop()

responses_view.show_left_out(result.left_out)
responses_view.show_gallery(inputs, result.small, chosen.filter_index)
strongest = result.strongest[chosen.filter_index]
weakest = result.weakest[chosen.filter_index]
left, right = st.columns(2)
with left:
    responses_view.show_large(inputs, result.large, chosen.filter_index)
with right:
    responses_view.show_marked(inputs, strongest, weakest)
st.subheader(f"The largest answers of filter {chosen.filter_index}")
responses_view.show_patches(inputs, strongest, "")
st.subheader("and its smallest, which may be the most negative")
responses_view.show_patches(inputs, weakest, "−")
st.markdown("Choose a line to make it the chosen output, here and on every page:")
responses_view.answers_table(strongest, weakest)
st.page_link("rfviz/pages/receptive_field.py", label="See it on the stage")
