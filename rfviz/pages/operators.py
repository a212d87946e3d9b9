"""Operators: another function of receptive field and weight, beside the convolution."""

import streamlit as st

from rfviz.explorer.scene import row
from rfviz.ui.operators import panels as operators_view
from rfviz.ui.operators.choice import operator_widgets
from rfviz.ui.operators.steps import show_code, show_training, show_worked
from rfviz.ui.panels.feature_maps import HEIGHT
from rfviz.ui.panels.linked import conduct_page
from rfviz.ui.panels.output_size_line import output_size_line
from rfviz.ui.panels.picture import show_picture
from rfviz.ui.panels.position import position_widgets
from rfviz.ui.run.jobs import awaited, job_place
from rfviz.ui.sidebar.inputs import inputs_or_stop

LAYOUT = (
    row("operator", "convolution"),
    row("operator-difference", "operator-histogram"),
    row("input"),
)

st.title("Operators")
st.markdown(
    "A convolution answers each receptive field with a dot product. **Another function** of the "
    "same two vectors gives another layer: a distance, a similarity, a maximum. Choose one and "
    "see what it makes of your picture, beside what `nn.Conv2d` does with the same weights."
)
inputs = inputs_or_stop(["Operator", "Standard convolution", "Difference", "Histogram"])
left, right = st.columns([2, 3])
with left:
    choice = operator_widgets()
with right:
    operators_view.about(choice, with_bias=inputs.bias is not None)
    operators_view.show_own_file()
output_size_line(inputs)
chosen = position_widgets(inputs)

job = operators_view.operator_job(inputs, chosen, choice)
waiting = awaited(job, operators_view.AWAITED)
kind = st.segmented_control(
    "Shown as", (operators_view.SCORES, operators_view.VALUES), default=operators_view.SCORES,
    required=True, key="operator_shown", bind="query-params",
    help="Both maps share one scale. Standard scores, (value − mean) / standard deviation, "
    "compare patterns where the values differ in size.",
)  # fmt: skip
progress = job_place(job)
view = conduct_page(inputs, chosen, LAYOUT, awaited=dict.fromkeys(operators_view.PANELS, waiting))
st.caption(
    "The large number beside the buttons is **the standard convolution's**, not the operator's: "
    "that is written out below, step by step."
)
with st.container(gap=None):
    show_picture(inputs, height=HEIGHT)
    panels = st.container(gap=None)
agreement = st.container()

st.subheader("The chosen output, step by step")
show_worked(inputs, chosen, choice, view)
st.subheader("Can it be trained?")
show_training(choice)
st.subheader("As a module")
show_code(inputs, choice)

with progress:
    maps = operators_view.paired_maps(job)
if maps is not None:
    shown = operators_view.shown_maps(maps, kind)
    titles = {
        "operator": choice.operator.title,
        "convolution": "Standard convolution",
        "operator-difference": "Operator minus convolution",
    }
    with panels:
        for name, title in titles.items():
            operators_view.show_map(inputs, maps, shown, name, title=title, revision=job.revision)
        operators_view.show_histograms(maps, shown, choice, revision=job.revision)
    with agreement:
        operators_view.show_agreement(maps, shown)
