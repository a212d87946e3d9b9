"""Boxes with names on a picture: where the receptive fields lie that are shown elsewhere."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from rfviz.figures.style import ACCENT, plain

_HALO = "rgba(255, 255, 255, 0.85)"


class NamedBox(NamedTuple):
    """Rows and columns from the first to the last, and a name or ""; dashed ones are of a kind."""

    name: str
    rows: range
    columns: range
    dashed: bool = False


def with_boxes(figure: go.Figure, boxes: Sequence[NamedBox]) -> go.Figure:
    """A figure in input coordinates with the boxes drawn over it, each with its name above.

    >>> figure = with_boxes(go.Figure(), [NamedBox("1", range(2, 5), range(0, 3))])
    >>> figure.layout.shapes[1].x0, figure.layout.annotations[0].text
    (-0.5, '<b>1</b>')
    """
    marked = go.Figure(figure)
    for box in boxes:
        place = {
            "x0": box.columns[0] - 0.5,
            "x1": box.columns[-1] + 0.5,
            "y0": box.rows[0] - 0.5,
            "y1": box.rows[-1] + 0.5,
        }
        dash = "dash" if box.dashed else "solid"
        for colour, width in ((_HALO, 5), (ACCENT, 2.5)):
            marked.add_shape(
                type="rect", **place, line={"color": colour, "width": width, "dash": dash}
            )
        if not box.name:
            continue
        marked.add_annotation(
            x=place["x0"],
            y=place["y0"],
            text=f"<b>{plain(box.name)}</b>",
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"size": 12, "color": "#FFFFFF"},
            bgcolor=ACCENT,
            borderpad=1,
        )
    return marked
