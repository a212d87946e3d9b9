"""The output size over two parameters: a map to choose from, with what does not fit marked."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.figures.axes import integer_axis
from rfviz.figures.raster import heatmap
from rfviz.figures.style import (
    ACCENT,
    FRAME,
    PANEL_WIDTH,
    SEQUENTIAL,
    base_layout,
    fitting_text,
    plain,
    plottable,
)

MISFIT = "rgba(128,128,128,0.22)"


def sweep_figure(
    sizes: torch.Tensor,
    rows: range,
    columns: range,
    *,
    names: tuple[str, str],
    axis: str,
    reasons: Sequence[Sequence[str]],
    chosen: tuple[int, int] | None = None,
    panel_width: int = PANEL_WIDTH,
) -> go.Figure:
    """Draw (h, w) output sizes of one axis, 0 where a pair of values does not fit.

    `rows` and `columns` hold the values of the two parameters called `names`; `reasons` say why
    a pair does not fit; `chosen` is the (row value, column value) to frame. Raises `InputError`
    where the shapes differ.

    >>> sweep_figure(torch.ones(1, 2), range(1, 2), range(2), names=("stride", "padding"),
    ...              axis="rows", reasons=[["", ""]]).data[0].x0
    0
    """
    shown = plottable(sizes, "sizes", 2).float()
    if shown.shape != (len(rows), len(columns)):
        raise InputError(
            f"The sizes are {tuple(shown.shape)}, the values {len(rows)} and {len(columns)}.",
            remedy="Give one size for each pair of values",
        )
    misfit = shown == 0
    n_misfits = int(misfit.sum())
    blank = torch.full_like(shown, torch.nan)
    place: dict[str, float] = {
        "x0": columns.start,
        "dx": columns.step,
        "y0": rows.start,
        "dy": rows.step,
    }
    down, across = names
    here = f"{down} %{{y}}, {across} %{{x}}: "
    text = fitting_text(shown, len(columns), panel_width)
    fits = heatmap(
        torch.where(misfit, blank, shown), place, scale=SEQUENTIAL,
        limits=_limits(shown), hover=f"{here}%{{z:d}} output {axis}", bar={"tickformat": "d"},
        text=text and [[t if t != "0" else "" for t in line] for line in text],
    )  # fmt: skip
    crosses = heatmap(
        torch.where(misfit, shown, blank), place, scale=((0.0, MISFIT), (1.0, MISFIT)),
        limits=(0.0, 1.0), hover=f"{here}%{{hovertext}}",
        text=[["×" if bad else "" for bad in line] for line in misfit.tolist()],
    )  # fmt: skip
    crosses.hovertext = [[plain(reason) for reason in line] for line in reasons]
    title = f"Output {axis} by {down} and {across}"
    title += f"; {n_misfits} that do not fit (×)" if n_misfits else ""
    alt = f"{title}. {len(rows)} × {len(columns)} pairs of values."
    layout: dict[str, Any] = base_layout(title, name="sweep", alt=alt) | {
        "xaxis": integer_axis(across.capitalize(), columns[0], columns[-1]),
        "yaxis": integer_axis(down.capitalize(), rows[0], rows[-1], down=True),
    }
    traces = [
        fits.update(xgap=1, ygap=1),
        crosses.update(xgap=1, ygap=1, textfont={"color": FRAME}),
        _frame(chosen),
    ]
    return go.Figure(traces, layout)


def _limits(sizes: torch.Tensor) -> tuple[float, float]:
    fitting = sizes[sizes > 0]
    if not len(fitting):
        return (0.0, 1.0)
    low, high = fitting.min().item(), fitting.max().item()
    return (low, max(high, low + 1))


def _frame(chosen: tuple[int, int] | None) -> go.Scatter:
    """A frame around the pair of values that the page has now."""
    y, x = chosen or (0, 0)
    return go.Scatter(
        x=[x - 0.5, x + 0.5, x + 0.5, x - 0.5, x - 0.5] if chosen else [None],
        y=[y - 0.5, y - 0.5, y + 0.5, y + 0.5, y - 0.5] if chosen else [None],
        mode="lines",
        line={"color": ACCENT, "width": 3},
        hoverinfo="skip",
        showlegend=False,
    )
