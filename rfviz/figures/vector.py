"""The receptive field as a vector: one column of the column matrix, entry by entry."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.wording import number
from rfviz.figures.axes import Ticks, entry_of, entry_ticks, integer_axis, round_ticks, with_ticks
from rfviz.figures.style import (
    FRAME,
    base_layout,
    channel_colour,
    channel_pattern,
    plain,
    plottable,
)

ENTRY_TITLE = "Entry of the receptive-field vector<br>(channel, kernel row, kernel column)"
NAMED_ENTRIES = 32  # more entries than this, and ticks name only where channels start
DRAWN_ENTRIES = 128  # more than this, and bars are too narrow for patterns and diamonds
HOVERED_ENTRIES = 800  # more than this, and hover texts would outweigh the values many times
COLOURED_CHANNELS = 12  # more than this, and colours would repeat: two greys alternate instead
ALTERNATING = ("#6E6E6E", "#A8A8A8")
WEIGHT_FILL, WEIGHT_EDGE = "#FFFFFF", "#333333"  # one of the two stands out on any bar and page


def vector_figure(
    vector: torch.Tensor,
    weights: torch.Tensor | None,
    *,
    channels: Sequence[str],
    kernel_size: tuple[int, int],
    rows: range,
    columns: range,
    pixel_range: tuple[float, float] = (0, 255),
) -> go.Figure:
    """Draw a (K,) receptive field as bars, and (K,) weights as diamonds on an axis of their own.

    K = C * kh * kw in the order of nn.Unfold; `rows` and `columns` are the input rows and columns
    read. Both axes have zero at one height. Raises `InputError` where the sizes do not agree.

    >>> figure = vector_figure(torch.ones(2), torch.tensor([1.0, -2.0]), channels=["grey"],
    ...     kernel_size=(1, 2), rows=range(1), columns=range(5, 7), pixel_range=(0, 1))
    >>> figure.data[0].hovertext[1]
    'entry 1: grey, kernel row 0, kernel column 1<br>input (0, 6): 1, weight −2, product −2'
    """
    values = plottable(vector, "vector", 1).float()
    shown = None if weights is None else plottable(weights, "weights", 1).float()
    _check(values, shown, (len(channels), *kernel_size), rows, columns)
    hover = _hover(values, shown, channels, rows, columns)
    title = f"Receptive field as a vector of {len(values):,} entries"
    alt = (
        f"{title}, {len(channels)} × {kernel_size[0]} × {kernel_size[1]} (channel, kernel row, "
        f"kernel column), from {number(values.min().item())} to {number(values.max().item())}."
    )
    layout = base_layout(title, name="vector", alt=alt)
    layout |= {"barmode": "overlay", "bargap": 0.15, "hovermode": "x"}
    nothing = torch.zeros(0)
    extents = [_extent(values, *pixel_range), _extent(nothing if shown is None else shown)]
    ticks = entry_ticks(range(len(values)), kernel_size, channels, _named(len(values)))
    axes = _axes(len(values), ticks, extents, weighted=shown is not None)
    traces = [*_bars(values, channels, hover), _weights(shown, hover)]
    return go.Figure(traces, layout | axes)


def _check(
    values: torch.Tensor,
    weights: torch.Tensor | None,
    shape: tuple[int, int, int],
    rows: range,
    columns: range,
) -> None:
    n_channels, height, width = shape
    expected = n_channels * height * width
    found = [len(values)] + ([] if weights is None else [len(weights)])
    if any(n != expected for n in found):
        raise InputError(
            f"{n_channels} channels of {height} × {width} make {expected} "
            f"entries, got {' values and '.join(map(str, found))}.",
            remedy="Take the channels of one group",
        )
    if (len(rows), len(columns)) != (height, width):
        raise InputError(
            f"A kernel of {height} × {width} reads as many rows and columns, "
            f"got {len(rows)} and {len(columns)}.",
            remedy="Take both from one receptive field",
        )


def _hover(
    values: torch.Tensor,
    weights: torch.Tensor | None,
    channels: Sequence[str],
    rows: range,
    columns: range,
) -> list[str]:
    if len(values) > HOVERED_ENTRIES:
        return []
    texts = []
    for entry, value in enumerate(values.tolist()):
        channel, row, column = entry_of(entry, (len(rows), len(columns)))
        text = (
            f"entry {entry}: {plain(channels[channel])}, kernel row {row}, kernel column {column}"
            f"<br>input ({_whole(rows[row])}, {_whole(columns[column])}): {number(value, 6)}"
        )
        if weights is not None:
            weight = weights[entry].item()
            text += f", weight {number(weight, 6)}, product {number(value * weight, 6)}"
        texts.append(text)
    return texts


def _whole(index: int) -> str:
    return str(index).replace("-", "−")


def _bars(values: torch.Tensor, channels: Sequence[str], hover: list[str]) -> list[go.Bar]:
    taps = len(values) // len(channels)
    entries = torch.arange(len(values), dtype=torch.int32)
    if len(channels) > COLOURED_CHANNELS:
        parity = entries // taps % 2
        return [
            _bar(entries[parity == odd], values, hover, f"{kind} channels", (ALTERNATING[odd], ""))
            for odd, kind in enumerate(("even", "odd"))
        ]
    few = len(values) <= DRAWN_ENTRIES
    return [
        _bar(own, values, hover, name, (channel_colour(name, i), channel_pattern(name, i) * few))
        for i, (name, own) in enumerate(zip(channels, entries.view(-1, taps), strict=True))
    ]


def _bar(
    entries: torch.Tensor,
    values: torch.Tensor,
    hover: list[str],
    name: str,
    look: tuple[str, str],
) -> go.Bar:
    colour, pattern = look
    own = [hover[entry] for entry in entries.tolist()] if hover else None
    return go.Bar(
        x=entries.numpy(),
        y=values[entries].numpy(),
        name=plain(name),
        marker={
            "color": colour,
            "line": {"width": 0},
            "pattern": {
                "shape": pattern,
                "fillmode": "overlay",
                "fgcolor": "rgba(255,255,255,0.6)",
                "size": 7,
                "solidity": 0.15,
            },
        },
        hovertext=own,
        hovertemplate="%{hovertext}<extra></extra>" if hover else _plain(plain(name)),
    )


def _plain(name: str) -> str:
    return f"entry %{{x:d}}, {name}: %{{y:.6~g}}<extra></extra>"


def _weights(weights: torch.Tensor | None, hover: list[str]) -> go.Scatter:
    """Return the trace of the weights, empty without them, so that the number of traces stays."""
    n = 0 if weights is None else len(weights)
    few = n <= DRAWN_ENTRIES
    return go.Scatter(
        x=torch.arange(n, dtype=torch.int32).numpy(),
        y=[] if weights is None else weights.numpy(),
        yaxis="y2",
        name="weights",
        mode="markers" if few else "lines",
        cliponaxis=False,
        line={"shape": "hvh", "width": 1, "color": FRAME},
        marker={
            "symbol": "diamond",
            "size": 8 if n <= NAMED_ENTRIES else 5,
            "color": WEIGHT_FILL,
            "line": {"width": 1.2, "color": WEIGHT_EDGE},
        },
        # The bar says the weight too, where it has a text; two labels would say it twice.
        hoverinfo="skip" if hover else None,
        hovertemplate=None if hover else _plain("weight"),
    )


def _extent(values: torch.Tensor, *others: float) -> tuple[float, float]:
    """Return the least and largest of all finite numbers and zero; 0 and 1 where all are zero."""
    every = torch.cat([values.double(), torch.tensor([0.0, *others], dtype=torch.float64)])
    finite = every[every.isfinite()]
    low, high = finite.min().item(), finite.max().item()
    return (low, high) if high > low else (0.0, 1.0)


def _aligned(extents: Sequence[tuple[float, float]]) -> list[list[float]]:
    """Return a range for each extent, such that each holds its own and zero is at one height.

    Scaled by its largest magnitude, each lies in [-1, 1]; every axis shows the union of them.
    """
    scales = [max(-low, high) for low, high in extents]
    least = min(low / scale for (low, _), scale in zip(extents, scales, strict=True))
    most = max(high / scale for (_, high), scale in zip(extents, scales, strict=True))
    room = 0.05 * (most - least)
    return [[scale * (least - room * (least < 0)), scale * (most + room)] for scale in scales]


def _named(n: int) -> int:
    return NAMED_ENTRIES if n <= NAMED_ENTRIES else 8


def _axes(
    n: int, ticks: Ticks, extents: Sequence[tuple[float, float]], *, weighted: bool
) -> dict[str, dict[str, Any]]:
    across = with_ticks(integer_axis(ENTRY_TITLE, 0, n - 1), ticks)
    across["tickfont"] = {"size": 9 if len(ticks.positions) > 18 else 11}
    few = n <= DRAWN_ENTRIES
    limits = _aligned(extents)
    second_title = f"Weight ({'diamonds' if few else 'line'})"
    down = _value_axis("Pixel value", limits[0], extents[0])
    second = _value_axis(second_title, limits[1], extents[1]) | {
        "overlaying": "y",
        "side": "right",
        "showgrid": False,
        "visible": weighted,
    }
    return {"xaxis": across | {"tickangle": -90 if n > 6 else 0}, "yaxis": down, "yaxis2": second}


def _value_axis(title: str, limits: list[float], extent: tuple[float, float]) -> dict[str, Any]:
    ticks = round_ticks(*extent)
    return {
        "type": "linear",
        "title": {"text": title, "standoff": 4},
        "range": limits,
        "tickmode": "array",
        "tickvals": ticks.positions,
        "ticktext": ticks.labels,
        "zeroline": True,
        "automargin": True,
    }
