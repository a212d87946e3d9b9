"""The receptive fields of one unit at every layer, nested on the picture."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from rfviz.conv.errors import InputError
from rfviz.conv.parameters import Pair
from rfviz.conv.spec import ReceptiveField
from rfviz.figures.axes import integer_axis
from rfviz.figures.picture import picture_figure
from rfviz.figures.style import ACCENT, FRAME, SEQUENTIAL, base_layout, by

OUTSIDE = "rgba(128,128,128,0.55)"
HALO = "rgba(255,255,255,0.75)"


class View(NamedTuple):
    """A part of the input as an encoded picture: its first pixel, and pixels a raster pixel."""

    image: bytes
    shown_size: Pair
    top: float
    left: float
    step: tuple[float, float]


class LayerField(NamedTuple):
    """A layer's name, and the rows and columns of the input that one unit of it reads."""

    name: str
    field: ReceptiveField


def nested_fields_figure(
    view: View,
    fields: Sequence[LayerField],
    *,
    input_size: Pair,
    unit: str,
    shown: ReceptiveField | None = None,
) -> go.Figure:
    """Draw nested receptive fields, the chosen unit's last, over a picture in input coordinates.

    `unit` names the chosen unit in the title; `shown` are the rows and columns of the view, the
    picture and the whole field by default. Raises `InputError` for no field.

    >>> from rfviz.figures.picture import PNG
    >>> field = ReceptiveField(range(-1, 2), range(3))
    >>> nested_fields_figure(View(PNG, (4, 4), 0, 0, (1, 1)), [LayerField("conv", field)],
    ...                      input_size=(4, 4), unit="unit (0, 1)").layout.yaxis.range
    (4.0, -2.0)
    """
    if not fields:
        raise InputError("There is no receptive field to draw.", remedy="Give at least one")
    field = fields[-1].field
    area = len(field.rows) * len(field.columns)
    outside = 1 - _inside(field, input_size) / area if area else 0.0
    title = f"Receptive field of {unit}: {len(field.rows)} × {len(field.columns)} pixels"
    title += f", {outside:.0%} of it outside the picture" if outside else ""
    alt = f"{title}. Nested in it: {', '.join(_words(each) for each in fields[:-1][-12:])}."
    picture = picture_figure(
        view.image, shown_size=view.shown_size, top=0, left=0, factor=view.step,
        input_size=input_size, pads=((0, 0), (0, 0)),
    ).data[0]  # fmt: skip
    picture.x0 = view.left + (view.step[1] - 1) / 2
    picture.y0 = view.top + (view.step[0] - 1) / 2
    view_of = shown or _all(field, input_size)
    layout = base_layout(title, name="nested_fields", alt=alt)
    # A margin of the view, so that the outermost box is not on the frame.
    layout["xaxis"] = _axis("Input column", view_of.columns, input_size[1], down=False)
    layout["yaxis"] = _axis("Input row", view_of.rows, input_size[0], down=True)
    layout["yaxis"] |= {"scaleanchor": "x", "scaleratio": 1}
    traces = [picture, _edge(input_size), _hatched(field, input_size), *_boxes(fields)]
    return go.Figure(traces, layout)


def _inside(field: ReceptiveField, size: Pair) -> int:
    rows, columns = (
        max(0, min(taps.stop, n) - max(taps.start, 0))
        for taps, n in zip((field.rows, field.columns), size, strict=True)
    )
    return rows * columns


def _all(field: ReceptiveField, size: Pair) -> ReceptiveField:
    rows, columns = (
        range(min(taps.start, 0), max(taps.stop, n)) if taps else range(n)
        for taps, n in zip((field.rows, field.columns), size, strict=True)
    )
    return ReceptiveField(rows, columns)


def _axis(title: str, shown: range, size: int, *, down: bool) -> dict[str, object]:
    axis = integer_axis(title, shown.start, shown.stop - 1, down=down) | {"constrain": "domain"}
    margin = 0.5 if shown.start < 0 or shown.stop > size else 0.0
    low, high = shown.start - 0.5 - margin, shown.stop - 0.5 + margin
    return axis | {"range": [high, low] if down else [low, high]}


def _boxes(fields: Sequence[LayerField]) -> list[go.Scatter]:
    """A frame for each field, the deepest last and widest, each on a light line to be seen."""
    colours = sample_colorscale(SEQUENTIAL, [i / max(1, len(fields)) for i in range(len(fields))])
    traces = []
    for number, (each, colour) in enumerate(zip(fields, colours, strict=True), 1):
        chosen = number == len(fields)
        if not (each.field.rows and each.field.columns):
            continue
        x, y = _corners(each.field)
        width = 3 if chosen else 1.5
        halo = {"color": HALO, "width": width + 2}
        traces.append(
            go.Scatter(x=x, y=y, mode="lines", line=halo, hoverinfo="skip", showlegend=False)
        )
        traces.append(
            go.Scatter(
                x=x,
                y=y,
                mode="lines",
                line={"color": ACCENT if chosen else colour, "width": width},
                name=each.name,
                hovertemplate=f"{_words(each)}<extra></extra>",
                showlegend=False,
            )
        )
    return traces


def _words(each: LayerField) -> str:
    rows, columns = each.field.rows, each.field.columns
    name = each.name.replace("<", "&lt;")
    if not (rows and columns):
        return f"{name} reads nothing"
    return f"{name}: {by((len(rows), len(columns)))}"


def _corners(field: ReceptiveField) -> tuple[list[float], list[float]]:
    top, bottom = field.rows.start - 0.5, field.rows.stop - 0.5
    left, right = field.columns.start - 0.5, field.columns.stop - 0.5
    return [left, right, right, left, left], [top, top, bottom, bottom, top]


def _edge(size: Pair) -> go.Scatter:
    """The picture's own edge, beyond which there is padding alone."""
    x, y = _corners(ReceptiveField(range(size[0]), range(size[1])))
    line = {"color": FRAME, "width": 1}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _hatched(field: ReceptiveField, size: Pair) -> go.Scatter:
    """The parts of the field outside the picture, hatched: above, below, left and right."""
    rows, columns = field.rows, field.columns
    height, width = size
    parts = [
        (range(rows.start, min(rows.stop, 0)), columns),
        (range(max(rows.start, height), rows.stop), columns),
        (range(max(rows.start, 0), min(rows.stop, height)),
         range(columns.start, min(columns.stop, 0))),
        (range(max(rows.start, 0), min(rows.stop, height)),
         range(max(columns.start, width), columns.stop)),
    ]  # fmt: skip
    x: list[float | None] = []
    y: list[float | None] = []
    for down, across in parts:
        if down and across:
            corners = _corners(ReceptiveField(down, across))
            x += [*corners[0], None]
            y += [*corners[1], None]
    return go.Scatter(
        x=x or [None],
        y=y or [None],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillpattern={"shape": "/", "size": 6, "fgcolor": OUTSIDE, "bgcolor": "rgba(0,0,0,0)"},
        hoverinfo="skip",
        showlegend=False,
    )
