"""The growth of the receptive field and of the jump through a stack of layers."""

from collections.abc import Sequence
from math import log10
from typing import NamedTuple

import plotly.graph_objects as go

from rfviz.conv.errors import InputError
from rfviz.conv.wording import by
from rfviz.figures.axes import Ticks, integer_axis, with_ticks
from rfviz.figures.style import ACCENT, FRAME, NEVER_READ, base_layout, plain

FIELD, JUMP = "#0072B2", "#009E73"
TICKS = tuple(m * 10**power for power in range(9) for m in (1, 2, 5))


class Growth(NamedTuple):
    """One layer: its name, (rows, columns) of its receptive field and jump, and its alignment."""

    name: str
    field: tuple[float, float]
    jump: tuple[float, float]
    aligned: bool = True


def field_growth_figure(
    layers: Sequence[Growth], *, input_size: tuple[int, int], chosen: int | None = None
) -> go.Figure:
    """Draw the rows of each layer's receptive field and its jump, in pixels, on one log scale.

    `chosen` is the index of the layer whose place is marked. Columns have lines of their own where
    they differ from rows. Raises `InputError` for no layers.

    >>> len(field_growth_figure([Growth("conv", (3, 3), (1, 1))], input_size=(8, 8)).data)
    5
    """
    if not layers:
        raise InputError("There are no layers to draw.", remedy="Give at least one")
    last = layers[-1]
    title = (
        f"Receptive field and jump, layer 1 to {len(layers)}: {by(last.field)} "
        f"and {by(last.jump)} pixels at the end"
    )
    traces = [
        _line(layers, 0, "field", FIELD, "circle"),
        _line(layers, 1, "field", FIELD, "circle-open"),
        _line(layers, 0, "jump", JUMP, "square"),
        _line(layers, 1, "jump", JUMP, "square-open"),
        _misaligned(layers),
    ]
    layout = base_layout(title, name="field_growth", alt=f"{title}.")
    across = integer_axis("Layer", 1, len(layers))
    down = integer_axis("Pixels of the input (log scale)", 1, 2)
    for field in ("dtick", "tick0", "tickformatstops"):
        down.pop(field)
    values = [input_size[0], *(v for layer in layers for v in (*layer.field, *layer.jump) if v)]
    low, high = min(1.0, *values), max(values)
    down |= with_ticks(down, Ticks(TICKS, [f"{tick:,}" for tick in TICKS]))
    down |= {"type": "log", "range": [log10(low) - 0.08, log10(high) + 0.15]}
    down |= {"showgrid": True, "gridcolor": "rgba(128,128,128,0.18)"}
    shapes = [_level(input_size[0])]
    if chosen is not None:
        shapes.append(_place(chosen + 1))
    legend = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"}
    layout |= {
        "xaxis": across | {"mirror": False},
        "yaxis": down | {"mirror": False},
        "shapes": shapes,
        "showlegend": True,
        "legend": legend | {"itemclick": False, "itemdoubleclick": False},
        "annotations": [_level_name(input_size[0])],
    }
    layout["margin"] = layout["margin"] | {"b": 78}
    return go.Figure(traces, layout)


def _line(layers: Sequence[Growth], axis: int, what: str, colour: str, symbol: str) -> go.Scatter:
    values = [getattr(layer, what)[axis] for layer in layers]
    other = [getattr(layer, what)[0] for layer in layers]
    shown = axis == 0 or values != other
    name = "receptive field" if what == "field" else "jump"
    axes = ("rows", "columns")
    apart = any(getattr(layer, what)[0] != getattr(layer, what)[1] for layer in layers)
    return go.Scatter(
        x=list(range(1, len(layers) + 1)) if shown else [None],
        # A logarithm has no zero: what reads the whole input has no jump.
        y=[value or None for value in values] if shown else [None],
        text=[plain(layer.name) for layer in layers] if shown else [""],
        mode="lines+markers",
        name=f"{name}, {axes[axis]}" if apart else name,
        line={"color": colour, "width": 2, "dash": "dot" if axis else "solid"},
        marker={"symbol": symbol, "size": 6},
        hovertemplate=f"layer %{{x}}, %{{text}}: {name} of %{{y}} {axes[axis]}<extra></extra>",
        showlegend=shown,
    )


def _misaligned(layers: Sequence[Growth]) -> go.Scatter:
    found = [(i, layer) for i, layer in enumerate(layers, 1) if not layer.aligned]
    return go.Scatter(
        x=[i for i, _ in found],
        y=[layer.field[0] or None for _, layer in found],
        text=[plain(layer.name) for _, layer in found],
        mode="markers",
        name="branches out of step",
        marker={"symbol": "x-thin", "size": 12, "line": {"width": 3, "color": NEVER_READ}},
        hovertemplate="layer %{x}, %{text}: branches out of step<extra></extra>",
        showlegend=bool(found),
    )


def _level(height: int) -> dict[str, object]:
    """A line at the height of the input."""
    line = {"color": FRAME, "width": 1, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": height, "y1": height,
            "line": line}  # fmt: skip


def _level_name(height: int) -> dict[str, object]:
    return {"text": f"height of the input: {height:,}", "xref": "paper", "x": 0, "xanchor": "left",
            "yref": "y", "y": log10(height), "yanchor": "bottom", "showarrow": False}  # fmt: skip


def _place(layer: int) -> dict[str, object]:
    return {"type": "line", "yref": "paper", "x0": layer, "x1": layer, "y0": 0, "y1": 1,
            "line": {"color": ACCENT, "width": 2}, "layer": "below"}  # fmt: skip
