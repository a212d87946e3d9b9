"""The receptive field as a vector: one column of the column matrix, entry by entry."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import torch

from rfviz.conv.spec import InputError
from rfviz.figures.axes import entry_of, entry_ticks, integer_axis, with_ticks
from rfviz.figures.style import (
    FRAME,
    base_layout,
    channel_colour,
    channel_pattern,
    number,
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
    'entry 1: grey, kernel row 0, kernel column 1, input (0, 6): 1, weight −2, product −2'
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
    layout = base_layout(title, name="vector", alt=alt) | {"barmode": "overlay", "bargap": 0.15}
    limits = _aligned(values, shown, pixel_range)
    axes = _axes(len(values), channels, kernel_size, limits, weighted=shown is not None)
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
            f"entry {entry}: {channels[channel]}, kernel row {row}, kernel column {column}, "
            f"input ({_whole(rows[row])}, {_whole(columns[column])}): {number(value, 6)}"
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
        name=name,
        marker={
            "color": colour,
            "line": {"width": 0},
            "pattern": {
                "shape": pattern,
                "fillmode": "overlay",
                "fgcolor": "rgba(255,255,255,0.55)",
                "size": 6,
            },
        },
        hovertext=own,
        hovertemplate="%{hovertext}<extra></extra>" if hover else _plain(name),
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
        line={"shape": "hvh", "width": 1.5, "color": FRAME},
        marker={
            "symbol": "diamond",
            "size": 8 if n <= NAMED_ENTRIES else 5,
            "color": WEIGHT_FILL,
            "line": {"width": 1.2, "color": WEIGHT_EDGE},
        },
        hovertext=hover if hover and n else None,
        hovertemplate="%{hovertext}<extra></extra>" if hover else _plain("weight"),
    )


def _aligned(
    values: torch.Tensor, weights: torch.Tensor | None, pixel_range: tuple[float, float]
) -> tuple[list[float], list[float]]:
    """Return the ranges of both axes: each holds its own numbers, and zero is at one height.

    Scaled by its largest magnitude, each lies in [-1, 1]; both axes show the union of the two.
    """
    ends = [torch.tensor([0.0, *map(float, pixel_range)]), values]
    spans = [torch.cat(ends), torch.zeros(1) if weights is None else weights]
    spans = [span.double().nan_to_num(0.0, 0.0, 0.0) for span in spans]
    scales = [span.abs().max().item() or 1.0 for span in spans]
    low = min(span.min().item() / scale for span, scale in zip(spans, scales, strict=True))
    high = max(span.max().item() / scale for span, scale in zip(spans, scales, strict=True))
    room = 0.05 * (high - low) or 0.05
    ends_of = [
        [scale * (min(low, 0.0) - room * (low < 0)), scale * (max(high, 0.0) + room)]
        for scale in scales
    ]
    return ends_of[0], ends_of[1]


def _axes(
    n: int,
    channels: Sequence[str],
    kernel_size: tuple[int, int],
    limits: tuple[list[float], list[float]],
    *,
    weighted: bool,
) -> dict[str, dict[str, Any]]:
    most = NAMED_ENTRIES if n <= NAMED_ENTRIES else 8
    ticks = entry_ticks(range(n), kernel_size, channels, most)
    across = with_ticks(integer_axis(ENTRY_TITLE, 0, n - 1), ticks)
    down = {
        "type": "linear",
        "title": {"text": "Pixel value", "standoff": 4},
        "range": limits[0],
        "nticks": 6,
        "zeroline": True,
        "automargin": True,
        "exponentformat": "e",
    }
    second = down | {
        "title": {"text": "Weight (diamonds)", "standoff": 4},
        "range": limits[1],
        "overlaying": "y",
        "side": "right",
        "showgrid": False,
        "visible": weighted,
    }
    return {"xaxis": across | {"tickangle": -90 if n > 6 else 0}, "yaxis": down, "yaxis2": second}
