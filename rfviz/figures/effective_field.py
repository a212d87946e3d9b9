"""The effective receptive field as a map, beside the theoretical one and its Gaussian."""

import math

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.spec.spec import ReceptiveField
from rfviz.conv.wording import number
from rfviz.figures.axes import map_axes
from rfviz.figures.nested_fields import View, view_trace
from rfviz.figures.raster import heatmap
from rfviz.figures.style import ACCENT, SEQUENTIAL, base_layout, plottable

GAUSSIAN = "#E69F00"
WITHIN = "#FFFFFF"
N_CORNERS = 73
# Over a picture, what matters little lets it through.
OVER_PICTURE = (
    (0.0, "rgba(13,8,135,0)"),
    (0.15, "rgba(126,3,168,0.25)"),
    (0.5, "rgba(204,71,120,0.7)"),
    (1.0, "rgba(240,249,33,0.95)"),
)


def effective_field_figure(
    power: torch.Tensor,
    *,
    top: int,
    left: int,
    field: ReceptiveField,
    centre: tuple[float, float],
    sigma: tuple[float, float],
    radius: float,
    title: str,
    view: View | None = None,
) -> go.Figure:
    """Draw an (h, w) part of the mean squared gradient as its root, 1 at the largest.

    With a `view` of the picture, the map lies over it, the clearer the stronger the gradient.

    The part starts with input pixel (`top`, `left`). Over it the theoretical `field` as a box, the
    circle of `radius` pixels that holds 95 percent, and two standard deviations of the Gaussian,
    all around `centre` (row, column). Raises `InputError` for a power that is not one map.

    >>> figure = effective_field_figure(torch.eye(3), top=0, left=0,
    ...     field=ReceptiveField(range(3), range(3)), centre=(1, 1), sigma=(1, 1), radius=1.5,
    ...     title="Effective")
    >>> figure.data[0].z.max().item()
    1.0
    """
    if radius < 0 or min(sigma) < 0:
        raise InputError("A radius and a sigma are not negative.", remedy="Give 0 or more")
    shown = plottable(power, "power", 2).float().sqrt()
    most = shown.max().item() or 1.0
    rows, columns = shown.shape
    words = f"{title}: 95 % within {number(radius)} pixels, σ {number(sigma[0])} down and "
    words += f"{number(sigma[1])} across"
    alt = f"{words}. The theoretical field is {len(field.rows)} × {len(field.columns)}."
    raster = heatmap(
        shown / most,
        {"x0": left, "dx": 1, "y0": top, "dy": 1},
        scale=SEQUENTIAL if view is None else OVER_PICTURE,
        limits=(0.0, 1.0),
        hover="row %{y:d}, column %{x:d}: %{z:.3~g} of the largest gradient",
        bar={},
    )
    box_x = [field.columns.start - 0.5, field.columns.stop - 0.5]
    box_y = [field.rows.start - 0.5, field.rows.stop - 0.5]
    around = (
        _line([*box_x, *box_x[::-1], box_x[0]], [box_y[0], box_y[0], box_y[1], box_y[1], box_y[0]],
              ACCENT, "solid", "theoretical field"),
        _ellipse(centre, (radius, radius), WITHIN, "solid", "95 % of the power"),
        _ellipse(centre, (2 * sigma[0], 2 * sigma[1]), GAUSSIAN, "dash", "2 σ of the Gaussian"),
    )  # fmt: skip
    layout = base_layout(words, name="effective_field", alt=alt)
    layout |= map_axes("Input", (top, top + rows - 1), (left, left + columns - 1))
    legend = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"}
    # White lines need a ground that both themes share.
    legend |= {"bgcolor": "#3B4A63", "font": {"color": "#FFFFFF"}}
    layout |= {"showlegend": True, "legend": legend | {"itemclick": False}}
    layout["margin"] = layout["margin"] | {"b": 80}
    below = [] if view is None else [view_trace(view)]
    return go.Figure([raster, *around, *below], layout)


def _line(x: list[float], y: list[float], colour: str, dash: str, name: str) -> go.Scatter:
    line = {"color": colour, "width": 2, "dash": dash}
    return go.Scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip")


def _ellipse(
    centre: tuple[float, float], radii: tuple[float, float], colour: str, dash: str, name: str
) -> go.Scatter:
    turns = [2 * math.pi * i / (N_CORNERS - 1) for i in range(N_CORNERS)]
    x = [centre[1] + radii[1] * math.cos(turn) for turn in turns]
    y = [centre[0] + radii[0] * math.sin(turn) for turn in turns]
    return _line(x, y, colour, dash, name)
