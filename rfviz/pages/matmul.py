"""Matmul: the weight matrix times the column matrix, beside nn.Conv2d."""

import streamlit as st

from rfviz.explorer.scene import row
from rfviz.ui.matmul import panels as matmul_view
from rfviz.ui.panels import comparison
from rfviz.ui.panels.feature_maps import show_difference, show_map
from rfviz.ui.panels.linked import conduct_page
from rfviz.ui.panels.matrices import product_around, show_columns, show_product, show_weights
from rfviz.ui.panels.output_size_line import output_size_line
from rfviz.ui.panels.position import position_widgets
from rfviz.ui.run.jobs import awaited, job_place
from rfviz.ui.sidebar.inputs import inputs_or_stop
from rfviz.ui.take_away.code import show_code

MAPS = ("by-matmul", "by-conv2d", "difference")
LAYOUT = (row("weights", "columns", "product"), row(*MAPS))

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
length = st.slider(
    "Columns shown", 8, 600, 48, key="product_window", bind="query-params",
    help="The window follows the chosen output.",
)  # fmt: skip
job = comparison.comparison_job(inputs, chosen)
progress = job_place(job)

product = product_around(inputs, chosen, length)
waiting = awaited(job, comparison.AWAITED)
conduct_page(inputs, chosen, LAYOUT, awaited=dict.fromkeys(MAPS, waiting))
with st.container(gap=None):
    show_weights(inputs, height=360)
    show_columns(inputs, product.columns, height=360)
    show_product(inputs, product, height=360)
    maps = st.container(gap=None)

st.subheader("All outputs, both ways")
verdict = st.container()
show_code(inputs, chosen)
with progress:
    totals = comparison.compared(job)
if totals is not None:
    with maps:
        show_map(inputs, totals, name="by-matmul", title="By matmul", revision=job.revision)
        show_map(inputs, totals, name="by-conv2d", title="By nn.Conv2d", revision=job.revision)
        show_difference(inputs, totals, revision=job.revision)
    with verdict:
        matmul_view.verdict(inputs, totals)
        matmul_view.cost_table(inputs, totals)
