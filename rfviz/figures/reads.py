"""How many receptive fields read each pixel; pixels that none reads stand out.

Counts are never averaged: the mean of 9, 6 and 4 is a number that no pixel has.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import torch

from rfviz.conv.wording import by
from rfviz.figures.axes import cells, map_axes
from rfviz.figures.raster import heatmap
from rfviz.figures.style import COUNTS, NEVER_READ, base_layout, plottable

Edges = tuple[list[int], list[int]]


def reads_figure(
    reads: torch.Tensor,
    *,
    top: int = 0,
    left: int = 0,
    edges: Edges | None = None,
    input_size: tuple[int, int],
    title: str = "Reads per pixel",
) -> go.Figure:
    """Draw (h, w) counts of an (H, W) picture, or of a part of it.

    Value (0, 0) is that of pixel (`top`, `left`). With `edges`, (h + 1) rows and (w + 1) columns
    at which a block of pixels of equal counts begins, each value is that of one block. Zeros are a
    trace of their own: orange, and "never read" on hover. Raises `InputError` for reads that are
    not one map.

    >>> reads_figure(torch.tensor([[0, 2]]), input_size=(1, 2)).data[0].zmax
    2.0
    """
    shown = plottable(reads, "reads", 2).float()
    never = shown == 0
    most = max(1.0, shown.max().item())
    size = (edges[0][-1], edges[1][-1]) if edges else tuple(shown.shape)
    rows, columns = (top, top + size[0] - 1), (left, left + size[1] - 1)
    part = "" if size == input_size else _part(rows, columns)
    n_never = int((never * _areas(edges)).sum()) if edges else int(never.sum())
    found = f", {n_never:,} pixel{'s' * (n_never > 1)} never read (orange)" if n_never else ""
    sentence = f"{title}, {part}{by(input_size)} pixels{found}"
    alt = f"{sentence}. The largest is {most:g}."
    blank = torch.full_like(shown, torch.nan)
    place: Mapping[str, Any] = _placed(edges) if edges else cells(top, left, (1, 1))
    where = "%{hovertext}" if edges else "row %{y:d}, column %{x:d}: "
    counts = heatmap(
        torch.where(never, blank, shown),
        place,
        scale=COUNTS,
        limits=(0.0, most),
        hover=where + "read %{z:d} times",
        bar={"tickformat": "d", "dtick": 1 if most <= 10 else None},
    )
    # Without any, one blank cell, as large as a pixel.
    spot = place if never.any() else cells(top, left, (1, 1))
    holes = heatmap(
        torch.where(never, shown, blank) if never.any() else blank[:1, :1],
        spot,
        scale=((0.0, NEVER_READ), (1.0, NEVER_READ)),
        limits=(0.0, 1.0),
        hover=where + "never read",
    )
    if edges:
        counts.hovertext = holes.hovertext = _blocks(edges)
    axes = map_axes("Input", rows, columns)
    return go.Figure([counts, holes], base_layout(sentence, name="reads", alt=alt) | axes)


def _part(rows: tuple[int, int], columns: tuple[int, int]) -> str:
    said = (f"{name}s {first:,} to {last:,}" for name, (first, last) in
            (("row", rows), ("column", columns)))  # fmt: skip
    return f"{', '.join(said)} of "


def _areas(edges: Edges) -> torch.Tensor:
    """(h, w): pixels in each block."""
    rows, columns = (torch.tensor(each).diff() for each in edges)
    return rows[:, None] * columns


def _placed(edges: Edges) -> dict[str, list[float]]:
    """A raster whose cells end where the blocks do: plotly takes the edges, one more than cells."""
    rows, columns = ([edge - 0.5 for edge in each] for each in edges)
    return {"x": columns, "y": rows}


def _blocks(edges: Edges) -> list[list[str]]:
    rows, columns = (
        [_said(name, start, stop - 1) for start, stop in pairwise(each)]
        for name, each in zip(("row", "column"), edges, strict=True)
    )
    return [[f"{row}, {column}: " for column in columns] for row in rows]


def _said(name: str, first: int, last: int) -> str:
    return f"{name} {first:,}" if first == last else f"{name}s {first:,} to {last:,}"
