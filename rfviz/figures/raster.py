"""The one heatmap trace every map and matrix is drawn with."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import torch

Scale = str | tuple[tuple[float, str], ...]


def heatmap(
    values: torch.Tensor,
    place: Mapping[str, float | list[float]],
    *,
    scale: Scale,
    limits: tuple[float, float],
    hover: str,
    text: list[list[str]] | None = None,
    bar: dict[str, Any] | None = None,
) -> go.Heatmap:
    """Return the trace of an (h, w) tensor, sent as binary; blank where not finite.

    `place` comes from `cells` or `range_cells`, `text` from `fitting_text`; `bar` adds a
    thin colour bar with these settings.

    >>> heatmap(torch.eye(2), {}, scale="Cividis", limits=(0, 1), hover="%{z}").zmax
    1
    """
    return go.Heatmap(
        z=values.numpy(),
        **place,
        colorscale=scale if isinstance(scale, str) else [list(stop) for stop in scale],
        zmin=limits[0],
        zmax=limits[1],
        text=text,
        texttemplate="%{text}" if text else None,
        hovertemplate=f"{hover}<extra></extra>",
        hoverongaps=False,
        showscale=bar is not None,
        colorbar=None if bar is None else colour_bar() | bar,
    )


def colour_bar() -> dict[str, Any]:
    """Return a thin colour bar at the right of the plot.

    >>> colour_bar()["thickness"]
    10
    """
    return {
        "thickness": 10,
        "len": 1,
        "outlinewidth": 0,
        "xpad": 6,
        "ypad": 0,
        "nticks": 6,
        "ticks": "",
        "exponentformat": "e",
    }
