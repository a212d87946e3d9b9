"""Operators: another function of receptive field and weight, beside the convolution."""

import streamlit as st

from rfviz.explorer.mount import Awaited
from rfviz.ui import operators_view
from rfviz.ui.arithmetic import output_size_line
from rfviz.ui.feature_maps import HEIGHT
from rfviz.ui.inputs import inputs_or_stop
from rfviz.ui.linked import conduct_page
from rfviz.ui.operator_choice import operator_widgets
from rfviz.ui.operator_steps_view import show_code, show_training, show_worked
from rfviz.ui.position import position_widgets
from rfviz.ui.rasters import show_picture

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
    operators_view.about(choice)
output_size_line(inputs)
chosen = position_widgets(inputs)

job = operators_view.operator_job(inputs, chosen, choice)
awaited = Awaited(job.revision, operators_view.AWAITED)
view = conduct_page(inputs, chosen, awaited=dict.fromkeys(operators_view.PANELS, awaited))
st.caption(
    "The number beside the buttons is the convolution's; the operator's is written out below."
)
kind = st.segmented_control(
    "Shown as", (operators_view.SCORES, operators_view.VALUES), default=operators_view.SCORES,
    required=True, key="operator_shown", bind="query-params",
    help="Both maps share one scale. Standard scores, (value − mean) / standard deviation, "
    "compare patterns where the values differ in size.",
)  # fmt: skip
progress = st.container()
upper, middle, lower = st.columns(2), st.columns(2), st.columns(2)
with lower[0]:
    show_picture(inputs, height=HEIGHT)

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
    places = zip(
        (*upper, middle[0]),
        ("operator", "convolution", "operator-difference"),
        (choice.operator.title, "Standard convolution", "Operator minus convolution"),
        strict=False,
    )
    for place, name, title in places:
        with place:
            operators_view.show_map(inputs, maps, shown, name, title=title, revision=job.revision)
    with middle[1]:
        operators_view.show_histograms(maps, shown, choice, revision=job.revision)
    with lower[1]:
        operators_view.show_agreement(maps, shown)
