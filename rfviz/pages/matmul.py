"""Matmul: the weight matrix times the column matrix, beside nn.Conv2d."""

import streamlit as st

from rfviz.explorer.mount import Awaited, show_panel
from rfviz.figures.columns import column_window_figure
from rfviz.figures.weights import product_figure, weight_matrix_figure
from rfviz.ui import comparison, matmul_view
from rfviz.ui.arithmetic import output_size_line
from rfviz.ui.feature_maps import show_difference, show_map
from rfviz.ui.field_view import field_view
from rfviz.ui.inputs import inputs_or_stop
from rfviz.ui.linked import cell_mark, column_mark, conduct_page, row_mark
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
column = inputs.columns.column_index(*chosen.output)
n_rows, n_filters = inputs.columns.shape[0], inputs.weight.shape[0]
awaited = Awaited(job.revision, comparison.AWAITED)
map_panels = ("by-matmul", "by-conv2d", "difference")
with conductor:
    conduct_page(
        inputs,
        chosen,
        field_view(inputs, chosen),
        {
            "weights": [row_mark(chosen.filter_index, n_rows)],
            "columns": [column_mark(column, n_rows)],
            "product": [
                column_mark(column, n_filters),
                cell_mark(chosen.filter_index, column),
            ],
            **dict.fromkeys(map_panels, [cell_mark(*chosen.output)]),
        },
        {"columns": "column", "product": "column", **dict.fromkeys(map_panels, "output")},
        dict.fromkeys(map_panels, awaited),
    )

names = {"kernel_size": inputs.spec.kernel_size, "n_channels": inputs.picture.n_channels}
left, middle, right = st.columns(3)
with left:
    figure = weight_matrix_figure(product.weights, groups=inputs.spec.groups, **names)
    show_panel(figure, name="weights", height=360)
with middle:
    figure = column_window_figure(
        product.entries,
        range(n_rows),
        product.columns,
        output_width=inputs.output_size[1],
        pixel_range=inputs.pixel_range,
        title="Columns",
        **names,
    )
    show_panel(figure, name="columns", height=360, clickable=True)
with right:
    figure = product_figure(product.outputs, product.columns, output_width=inputs.output_size[1])
    show_panel(figure, name="product", height=360, clickable=True)

st.subheader("All outputs, both ways")
upper, lower = st.columns(2), st.columns(2)
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
