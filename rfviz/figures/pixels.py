"""Pixel values as a grey map whose range is that of the values: sums of copies outgrow 0 to 255."""

import plotly.graph_objects as go
import torch

from rfviz.conv.wording import by, number
from rfviz.figures.axes import cells, map_axes
from rfviz.figures.raster import heatmap
from rfviz.figures.style import GREYS, PANEL_WIDTH, base_layout, fitting_text, plottable


def pixels_figure(
    values: torch.Tensor,
    *,
    top: int = 0,
    left: int = 0,
    title: str = "Pixels",
    name: str = "pixels",
    panel_width: int = PANEL_WIDTH,
) -> go.Figure:
    """Draw an (h, w) map whose value (0, 0) is the one of input pixel (`top`, `left`).

    Grey from 0 to the largest value. Raises `InputError` for values that are not one map.

    >>> pixels_figure(torch.tensor([[0, 510]])).data[0].zmax
    510.0
    """
    shown = plottable(values, "values", 2).float()
    height, width = shown.shape
    most = max(1.0, shown.max().item())
    trace = heatmap(
        shown,
        cells(top, left, (1, 1)),
        scale=GREYS,
        limits=(0.0, most),
        hover="row %{y:d}, column %{x:d}: %{z:.6~g}",
        text=fitting_text(shown, width, panel_width),
        bar={},
    )
    axes = map_axes("Input", (top, top + height - 1), (left, left + width - 1))
    alt = f"{title}, {by((height, width))} pixels, from 0 to {number(most)}."
    return go.Figure(trace, base_layout(title, name=name, alt=alt) | axes)
