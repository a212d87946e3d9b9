"""Feature maps and the difference of two, in the coordinates of the output."""

import plotly.graph_objects as go
import torch

from rfviz.conv.wording import by, number
from rfviz.figures.axes import cells, map_axes
from rfviz.figures.raster import heatmap
from rfviz.figures.style import (
    DIVERGING,
    PANEL_WIDTH,
    SEQUENTIAL,
    base_layout,
    fitting_text,
    not_finite_note,
    plottable,
    symmetric_limit,
)

NOTHING = 1e-6  # the range of a difference that is zero everywhere: a range needs a length


def feature_map_figure(
    values: torch.Tensor,
    *,
    top: int = 0,
    left: int = 0,
    step: tuple[float, float] = (1, 1),
    output_size: tuple[int, int],
    limit: float | None = None,
    title: str = "Feature map",
    name: str = "feature_map",
    panel_width: int = PANEL_WIDTH,
) -> go.Figure:
    """Draw (h, w) values of one filter, a part or reduction of its (H, W) output.

    Value (0, 0) starts with output (`top`, `left`) and each covers `step` (rows, columns) outputs.
    Colours run from -limit to limit, so pass one limit to maps that are compared; without it, the
    largest magnitude shown. Raises `InputError` for values that are not one map.

    >>> figure = feature_map_figure(torch.tensor([[1.0, -3.0]]), output_size=(1, 2))
    >>> figure.data[0].zmin, figure.data[0].zmax
    (-3.0, 3.0)
    """
    shown = plottable(values, "values", 2).float()
    bound = limit or symmetric_limit(shown)
    sentence = f"{title}, {by(output_size)}{_reduced(step)}{not_finite_note(shown)}"
    alt = f"{sentence}. Colours run from {number(-bound)} (blue) to {number(bound)} (orange)."
    return _map(
        shown,
        cells(top, left, step),
        output_size,
        base_layout(sentence, name=name, alt=alt),
        scale=DIVERGING,
        limits=(-bound, bound),
        digits=".6~g",
        text=fitting_text(shown, output_size[1], panel_width) if step == (1, 1) else None,
    )


def difference_figure(
    values: torch.Tensor,
    *,
    top: int = 0,
    left: int = 0,
    step: tuple[float, float] = (1, 1),
    output_size: tuple[int, int],
    limit: float | None = None,
    title: str = "Absolute difference",
    name: str = "difference",
) -> go.Figure:
    """Draw (h, w) magnitudes of a difference, a part or reduction of an (H, W) output, from 0 up.

    Where a value covers several outputs it is their largest. The title says so when all are zero.
    Placement and errors are those of `feature_map_figure`.

    >>> difference_figure(torch.zeros(2, 2), output_size=(2, 2)).layout.title.text
    'Absolute difference, 2 × 2, all zero'
    """
    shown = plottable(values, "values", 2).float().abs()
    largest = symmetric_limit(shown) if bool(shown.any()) else 0.0
    reduced = "" if step == (1, 1) else f", largest of each {by(step)}"
    found = not_finite_note(shown) + ("" if largest else ", all zero")
    sentence = f"{title}, {by(output_size)}{reduced}{found}"
    alt = f"{sentence}. The largest shown is {number(largest)}."
    return _map(
        shown,
        cells(top, left, step),
        output_size,
        base_layout(sentence, name=name, alt=alt),
        scale=SEQUENTIAL,
        limits=(0.0, limit or largest or NOTHING),
        digits=".3~e" if largest else ".6~g",
    )


def _map(
    values: torch.Tensor,
    place: dict[str, float],
    output_size: tuple[int, int],
    layout: dict[str, object],
    *,
    scale: str | tuple[tuple[float, str], ...],
    limits: tuple[float, float],
    digits: str,
    text: list[list[str]] | None = None,
) -> go.Figure:
    exact = "" if place["dx"] == place["dy"] == 1 else "around "
    trace = heatmap(
        values,
        place,
        scale=scale,
        limits=limits,
        hover=f"{exact}output row %{{y:d}}, column %{{x:d}}: %{{z:{digits}}}",
        text=text,
        bar={},
    )
    axes = map_axes("Output", (0, output_size[0] - 1), (0, output_size[1] - 1))
    return go.Figure(trace, layout | axes)


def _reduced(step: tuple[float, float]) -> str:
    return "" if step == (1, 1) else f", means of {by(step)}"
