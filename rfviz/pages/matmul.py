"""Matmul: the weight matrix times the column matrix, beside nn.Conv2d."""

import streamlit as st

from rfviz.explorer.mount import Awaited
from rfviz.ui import comparison, matmul_view
from rfviz.ui.arithmetic import output_size_line
from rfviz.ui.code_view import show_code
from rfviz.ui.feature_maps import show_difference, show_map
from rfviz.ui.inputs import inputs_or_stop
from rfviz.ui.linked import conduct_page
from rfviz.ui.matrix_panels import show_columns, show_product, show_weights
from rfviz.ui.position import position_widgets

st.title("Convolution as a matmul")
st.markdown(
    "Write each filter as a row and each receptive field as a column: the convolution is the "
    "**product of the two matrices**. One output is one row times one column. Below it, every "
    "output of the picture is computed both ways and compared."
)
inputs = inputs_or_stop(["Weights", "Columns", "Product", "Feature maps", "Difference"])
output_size_line(inputs)
matmul_view.shapes_line(inputs)
chosen = position_widgets(inputs)
conductor = st.container()
length = st.slider(
    "Columns shown", 8, 600, 48, key="product_window", bind="query-params",
    help="The window follows the chosen output.",
)  # fmt: skip

product = matmul_view.product_window(inputs, chosen, length)
job = comparison.comparison_job(inputs, chosen)
awaited = Awaited(job.revision, comparison.AWAITED)
map_panels = ("by-matmul", "by-conv2d", "difference")
with conductor:
    conduct_page(inputs, chosen, awaited=dict.fromkeys(map_panels, awaited))

left, middle, right = st.columns(3)
with left:
    show_weights(inputs, height=360)
with middle:
    show_columns(inputs, product.columns, height=360)
with right:
    show_product(inputs, product, height=360)

st.subheader("All outputs, both ways")
upper, lower = st.columns(2), st.columns(2)
show_code(inputs, chosen)
totals = comparison.compared(job)
if totals is not None:
    with upper[0]:
        show_map(inputs, totals, name="by-matmul", title="By matmul", revision=job.revision)
    with upper[1]:
        show_map(inputs, totals, name="by-conv2d", title="By nn.Conv2d", revision=job.revision)
    with lower[0]:
        show_difference(inputs, totals, revision=job.revision)
    with lower[1]:
        matmul_view.verdict(inputs, totals)
        matmul_view.cost_table(inputs, totals)
