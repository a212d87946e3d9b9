"""Column matrix: every receptive field of the picture as a column (im2col)."""

import streamlit as st

from rfviz.explorer.components import show_panel
from rfviz.explorer.scene import Mark, row
from rfviz.figures.columns import column_overview_figure
from rfviz.figures.reads import reads_figure
from rfviz.ui.column_matrix import panels as columns_view
from rfviz.ui.column_matrix.files import show_files
from rfviz.ui.column_matrix.fold_law import show_law
from rfviz.ui.panels.linked import cell, conduct_page, padding_mark
from rfviz.ui.panels.matrices import matrix_names, show_columns
from rfviz.ui.panels.output_size_line import output_size_line
from rfviz.ui.panels.picture import show_picture
from rfviz.ui.panels.position import pixel_widgets, position_widgets
from rfviz.ui.run import jobs
from rfviz.ui.sidebar.hiding import hidden, hidden_panel
from rfviz.ui.sidebar.inputs import inputs_or_stop
from rfviz.ui.take_away.code import show_code

LAYOUT = (row("overview"), row("columns"), row("input", "reads"))

st.title("Column matrix")
st.markdown(
    "**im2col** writes every receptive field as one column of a matrix: a row for each tap "
    "(channel, kernel row, kernel column), a column for each output (row, column). Click on a "
    "column to choose its output, or on a pixel of the picture to find all its copies."
)
inputs = inputs_or_stop(["Overview", "Window", "Copies of a pixel", "Reads per pixel", "Fold"])
columns = inputs.columns
output_size_line(inputs)
columns_view.figures_row(inputs)
chosen = position_widgets(inputs)
st.markdown(columns_view.column_sentence(inputs, chosen))
length = st.slider(
    "Columns shown", 8, columns_view.LARGEST_WINDOW, 120, key="window", bind="query-params",
    help="The window follows the chosen output.",
)  # fmt: skip
shown = columns_view.window_columns(inputs, chosen, length)
overview = jobs.job_for(
    "overview",
    (inputs.picture.key, inputs.spec),
    lambda: columns.overview_steps(*columns_view.overview_size(inputs)),
)
progress, explorer, panels, copies = (
    jobs.job_place(overview),
    st.container(),
    st.container(gap=None),
    st.container(),
)
with copies:
    st.subheader("Copies of one pixel")
    pixel = columns_view.pixel_choice(inputs, *pixel_widgets(inputs, chosen))
    columns_view.show_copies(inputs, pixel)

marks = {
    "overview": [columns_view.window_mark(columns.shape[0], shown)],
    "columns": columns_view.copies_marks(pixel, shown),
    "input": [*padding_mark(inputs), Mark("copies", [cell(pixel.row, pixel.column)])],
}
with explorer:
    conduct_page(
        inputs,
        chosen,
        LAYOUT,
        choose_pixels=True,
        marks=marks,
        awaited={"overview": jobs.awaited(overview, "Computing the exact means of every bin")},
    )
reads = columns_view.reads_map(inputs, (pixel.row, pixel.column))
with panels:
    show_columns(inputs, shown, height=columns_view.height_of(columns.shape[0]))
    show_picture(inputs, height=420)
    figure = reads_figure(
        reads.counts, top=reads.top, left=reads.left, edges=reads.edges,
        input_size=inputs.picture.size,
    )  # fmt: skip
    show_panel(figure, name="reads", height=420, size=inputs.picture.size, **hidden_panel("reads"))
    whole = st.container()

if not hidden("reads"):
    st.markdown(columns_view.reads_sentence(inputs, reads))
show_files(inputs, shown)
st.subheader("Fold of unfold")
show_law(inputs, chosen)
show_code(inputs, chosen)

with progress:
    means = jobs.result_of(overview, "Exact means of the whole matrix")
if means is not None:
    with whole:
        figure = column_overview_figure(
            means / inputs.choices.divisor, columns.shape, title="Overview", **matrix_names(inputs)
        )
        show_panel(
            figure, name="overview", height=360, kind="columns", revision=overview.revision,
            # Its title has the number of outputs.
            **hidden_panel("overview"),
        )  # fmt: skip
