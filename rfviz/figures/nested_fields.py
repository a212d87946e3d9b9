"""The picture that the receptive fields of a unit are drawn on, nested, by the explorer."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import ReceptiveField
from rfviz.conv.wording import by
from rfviz.figures.axes import integer_axis
from rfviz.figures.picture import picture_trace
from rfviz.figures.style import FRAME, SEQUENTIAL, base_layout


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
    """Draw a picture in input coordinates, for boxes that follow the unit pointed at.

    The chosen unit's `fields`, its own last, are said in the words for those who cannot see them,
    with `unit` for its name; `shown` are the rows and columns of the view, the picture and the
    whole field by default. Raises `InputError` for no field.

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
    names = " to ".join(dict.fromkeys(each.name for each in (fields[0], fields[-1])))
    title = f"Receptive fields of {names}, nested"
    alt = f"Receptive field of {unit}: {len(field.rows)} × {len(field.columns)} pixels"
    alt += f", {outside:.0%} of it outside the picture" if outside else ""
    alt += f". Nested in it: {', '.join(_words(each) for each in fields[:-1][-12:])}."
    view_of = shown or _all(field, input_size)
    layout = base_layout(title, name="nested_fields", alt=alt)
    # A margin of the view, so that the outermost box is not on the frame.
    layout["xaxis"] = _axis("Input column", view_of.columns, input_size[1], down=False)
    layout["yaxis"] = _axis("Input row", view_of.rows, input_size[0], down=True)
    layout["yaxis"] |= {"scaleanchor": "x", "scaleratio": 1}
    return go.Figure([view_trace(view), _edge(input_size)], layout)


def view_trace(view: View) -> go.Image:
    """Return the picture's trace in input coordinates.

    It has no label: a sentence says what is pointed at, and a label would cover the boxes.

    >>> from rfviz.figures.picture import PNG
    >>> view_trace(View(PNG, (4, 4), 2, 0, (1, 2))).hoverinfo
    'skip'
    """
    trace = picture_trace(view.image, view.shown_size, view.top, view.left, view.step)
    return trace.update(hoverinfo="skip")


def layer_colours(n_layers: int) -> list[str]:
    """Return a colour for each of the nested boxes, from the first layer's to the last.

    >>> layer_colours(1)
    ['rgb(0, 34, 78)']
    """
    return list(sample_colorscale(SEQUENTIAL, [i / max(1, n_layers) for i in range(n_layers)]))


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
