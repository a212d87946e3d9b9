"""Feature maps as panels: whole where they are small, else means of bins and a window."""

import streamlit as st

from rfviz.conv.matmul.strip_comparison import ComparisonTotals
from rfviz.explorer.components import show_panel
from rfviz.explorer.scene import Awaited
from rfviz.figures.axes import zoomed
from rfviz.figures.feature_map import difference_figure, feature_map_figure
from rfviz.figures.style import symmetric_limit
from rfviz.ui.panels import comparison
from rfviz.ui.panels.maps import SHOWN_WHOLE, WINDOW, map_window, shown_whole
from rfviz.ui.panels.position import Chosen
from rfviz.ui.run.jobs import awaited
from rfviz.ui.sidebar.hiding import hidden_panel
from rfviz.ui.sidebar.inputs import Inputs

HEIGHT = 400


def awaited_maps(inputs: Inputs, chosen: Chosen) -> dict[str, Awaited]:
    """The maps that a job will bring; none where they are small enough to be there at once."""
    if shown_whole(inputs):
        return {}
    job = comparison.comparison_job(inputs, chosen)
    return {"output": awaited(job, comparison.AWAITED)}


def show_window(inputs: Inputs, chosen: Chosen) -> None:
    """The panel ``output`` of a small map, else ``output-window``: one cell an output."""
    whole = shown_whole(inputs)
    window = map_window(inputs, chosen, SHOWN_WHOLE if whole else WINDOW)
    figure = feature_map_figure(
        window.values,
        top=window.rows[0],
        left=window.columns[0],
        output_size=inputs.output_size,
        title="Feature map" if whole else "Outputs around the chosen one",
    )
    if not whole:
        figure = zoomed(figure, window.rows, window.columns)
    name = "output" if whole else "output-window"
    size = (len(window.rows), len(window.columns))
    show_panel(figure, name=name, height=HEIGHT, kind="output", size=size, **hidden_panel(name))


def show_overview(
    inputs: Inputs, chosen: Chosen, progress: st.delta_generator.DeltaGenerator
) -> None:
    """The panel ``output`` of a large map: exact means of bins, once the job has them."""
    job = comparison.comparison_job(inputs, chosen)
    with progress:
        totals = comparison.compared(job)
    if totals is None:
        return
    show_map(inputs, totals, name="output", title="Feature map", revision=job.revision)


def show_map(
    inputs: Inputs, totals: ComparisonTotals, *, name: str, title: str, revision: str
) -> None:
    """One way's map of the chosen filter; both ways share one scale."""
    means = totals.mean_by_matmul if name == "by-matmul" else totals.mean_by_conv2d
    figure = feature_map_figure(
        means.float(),
        step=_step(inputs, totals),
        output_size=inputs.output_size,
        limit=max(symmetric_limit(totals.mean_by_matmul), symmetric_limit(totals.mean_by_conv2d)),
        title=title,
    )
    show_panel(
        figure,
        name=name,
        height=HEIGHT,
        kind="output",
        size=inputs.output_size,
        revision=revision,
        **hidden_panel(name),
    )


def show_difference(inputs: Inputs, totals: ComparisonTotals, *, revision: str) -> None:
    """The panel ``difference``: the largest absolute difference of each bin."""
    figure = difference_figure(
        totals.max_abs_difference.float(),
        step=_step(inputs, totals),
        output_size=inputs.output_size,
    )
    show_panel(
        figure,
        name="difference",
        height=HEIGHT,
        kind="output",
        size=inputs.output_size,
        revision=revision,
        **hidden_panel("difference"),
    )


def _step(inputs: Inputs, totals: ComparisonTotals) -> tuple[float, float]:
    """Outputs that one cell of the maps stands for, down and across."""
    height, width = totals.max_abs_difference.shape
    return inputs.output_size[0] / height, inputs.output_size[1] / width
