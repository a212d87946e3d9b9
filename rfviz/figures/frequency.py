"""The frequency response of a kernel: how strongly it answers to waves of every direction."""

import plotly.graph_objects as go
import torch

from rfviz.conv.wording import number
from rfviz.figures.axes import integer_axis, round_ticks, with_ticks
from rfviz.figures.raster import heatmap
from rfviz.figures.style import SEQUENTIAL, base_layout, plottable


def frequency_figure(
    response: torch.Tensor, *, title: str = "Frequency response", panel_width: int = 340
) -> go.Figure:
    """Draw (n, n) magnitudes over frequencies from -0.5 to 0.5 cycles a pixel, from 0 up.

    Raises `InputError` for anything but one map.

    >>> frequency_figure(torch.ones(3, 3)).data[0].dx
    0.5
    """
    values = plottable(response, "response", 2).float()
    rows, columns = values.shape
    most = values.nan_to_num(0.0).max().item()
    alt = f"{title}: magnitudes from {number(values.min().item())} to {number(most)}."
    trace = heatmap(
        values,
        {"x0": -0.5, "dx": 1 / max(1, columns - 1), "y0": -0.5, "dy": 1 / max(1, rows - 1)},
        scale=SEQUENTIAL,
        limits=(0.0, most or 1.0),
        hover="%{y:.3~f} cycles a pixel down, %{x:.3~f} across: %{z:.5~g}",
        bar={},
    )
    ticks = round_ticks(-0.5, 0.5)
    half = 0.5 + 0.5 / max(1, rows - 1)
    square = {"constrain": "domain", "dtick": None}
    across = with_ticks(integer_axis("Cycles a pixel, across", 0, 1), ticks) | square
    down = with_ticks(integer_axis("Cycles a pixel, down", 0, 1, down=True), ticks) | square
    across["range"], down["range"] = [-half, half], [half, -half]
    layout = base_layout(title, name="frequency_response", alt=alt)
    axes = {"xaxis": across, "yaxis": down | {"scaleanchor": "x", "scaleratio": 1}}
    return go.Figure(trace, layout | axes)
