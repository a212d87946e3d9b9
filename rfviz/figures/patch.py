"""The receptive field of one output: its pixels, the weights on them, the products, their sum."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
import torch

from rfviz.conv.spec import InputError
from rfviz.figures.axes import Ticks, integer_axis, range_cells, with_ticks
from rfviz.figures.raster import Scale, heatmap
from rfviz.figures.style import (
    DIVERGING,
    GREYS,
    PANEL_WIDTH,
    base_layout,
    number,
    plottable,
    shows_text,
    symmetric_limit,
)

MOST_CHANNELS = 4
ROW_NAMES = ("pixels", "weights", "products")
ROW_DOMAINS = ((0.70, 1.0), (0.35, 0.65), (0.0, 0.30))
GAP = 0.12  # between maps beside each other, as a part of a map's width
TAP_LABELS = 7  # tick labels along one patch


class ReceptiveFieldNumbers(NamedTuple):
    """What one output is made of: three (C_g, kh, kw) tensors, (C_g,) sums, and two numbers."""

    pixels: torch.Tensor
    weights: torch.Tensor
    products: torch.Tensor
    channel_sums: torch.Tensor
    bias: float
    total: float


def receptive_field_numbers(
    patch: torch.Tensor, weight: torch.Tensor, bias: float = 0.0
) -> ReceptiveFieldNumbers:
    """Multiply a (C_g, kh, kw) patch by the weight on it, and sum by channel and in all.

    Sums are in the weight's dtype. Raises `InputError` where the shapes differ.

    >>> receptive_field_numbers(torch.ones(1, 1, 2), torch.tensor([[[2.0, 3.0]]]), bias=0.5).total
    5.5
    """
    if patch.ndim != 3 or patch.shape != weight.shape or not patch.numel():
        raise InputError(
            f"A patch and its weight have one shape (channels, rows, columns), "
            f"got {tuple(patch.shape)} and {tuple(weight.shape)}.",
            remedy="Take the channels of one group",
        )
    weights = weight.detach()
    products = patch.detach().to(weights.dtype) * weights
    channel_sums = products.sum(dim=(1, 2))
    total = float(channel_sums.sum() + bias)
    return ReceptiveFieldNumbers(patch, weights, products, channel_sums, float(bias), total)


def patch_figure(
    numbers: ReceptiveFieldNumbers,
    *,
    channels: Sequence[str],
    rows: range,
    columns: range,
    pixel_range: tuple[float, float] = (0, 255),
    panel_width: int = PANEL_WIDTH,
) -> go.Figure:
    """Draw pixels, weights and products as three rows of maps, one column a channel.

    `rows` and `columns` are the input rows and columns read, and the coordinates of every map. Each
    row of maps has one colour scale; of more than 4 channels the first 4 are shown, and the title
    says so. Raises `InputError` where the numbers of channels, rows and columns do not agree.

    >>> ones = torch.ones(1, 3, 3)
    >>> figure = patch_figure(receptive_field_numbers(ones, ones), channels=["grey"],
    ...     rows=range(4, 9, 2), columns=range(3))
    >>> figure.layout.title.text, figure.layout.yaxis.ticktext
    ('Sum of 9 products 9', ('4', '6', '8'))
    """
    size = (len(channels), len(rows), len(columns))
    if tuple(numbers.products.shape) != size:
        raise InputError(
            f"Names are given for {size} channels, rows and columns, got a patch of shape "
            f"{tuple(numbers.products.shape)}.",
            remedy="Name every channel, row and column of the patch",
        )
    names = channels[:MOST_CHANNELS]
    n_cells = len(names) * len(columns)
    traces: list[go.Heatmap] = []
    axes: dict[str, Any] = {}
    for line in _lines(numbers, pixel_range):
        # One decision for all channels of a row of maps: they are there to be compared.
        flat = line.values[: len(names)].flatten(0, 1)
        text = fitting_text(flat, n_cells, panel_width)
        for channel, name in enumerate(names):
            nth = line.place * len(names) + channel
            suffix = str(nth + 1) if nth else ""
            trace = _map(line, channel, name=name, rows=rows, columns=columns, text=text)
            traces.append(trace.update(xaxis=f"x{suffix}", yaxis=f"y{suffix}"))
            across, down = _map_axes(line.place, channel, len(names), rows, columns)
            axes[f"xaxis{suffix}"] = across | {"anchor": f"y{suffix}"}
            axes[f"yaxis{suffix}"] = down | {"anchor": f"x{suffix}", "scaleanchor": f"x{suffix}"}
            if line.place != 1:
                axes[f"xaxis{suffix}"]["title"] = _heading(numbers, line.place, channel, name)
    return go.Figure(traces, _layout(numbers, channels, rows, columns) | axes)


class _Line(NamedTuple):
    place: int
    values: torch.Tensor
    scale: Scale
    limits: tuple[float, float]


def _lines(numbers: ReceptiveFieldNumbers, pixel_range: tuple[float, float]) -> list[_Line]:
    pixels = plottable(numbers.pixels, "pixels", 3)
    signed = [plottable(values, "values", 3) for values in (numbers.weights, numbers.products)]
    bounds = [symmetric_limit(values) for values in signed]
    return [_Line(0, pixels, GREYS, pixel_range)] + [
        _Line(index, values, DIVERGING, (-bound, bound))
        for index, values, bound in zip((1, 2), signed, bounds, strict=True)
    ]


def _map(
    line: _Line, channel: int, *, name: str, rows: range, columns: range, text: bool
) -> go.Heatmap:
    low, high = ROW_DOMAINS[line.place]
    bar = {"len": high - low, "y": (low + high) / 2, "nticks": 4}
    noun = ROW_NAMES[line.place][:-1]
    trace = heatmap(
        line.values[channel],
        range_cells(rows, columns),
        scale=line.scale,
        limits=line.limits,
        hover=f"input row %{{y:d}}, column %{{x:d}}, {name}: {noun} %{{z:.6~g}}",
        text=text,
        bar=None if text or channel else bar,
    )
    return trace.update(xgap=int(text), ygap=int(text))


def _map_axes(
    line: int, channel: int, n_channels: int, rows: range, columns: range
) -> tuple[dict[str, Any], dict[str, Any]]:
    # Half a tap more at each end where the dilation makes the cells wider than a pixel.
    width = 1 / (n_channels + GAP * (n_channels - 1))
    start = channel * (1 + GAP) * width
    across = _tap_axis(columns) | {
        "domain": [start, min(1.0, start + width)],
        "constrain": "domain",
        "side": "bottom" if line else "top",
        "showticklabels": line == 2,
        "ticks": "outside" if line == 2 else "",
    }
    down = _tap_axis(rows, down=True) | {
        "domain": list(ROW_DOMAINS[line]),
        "constrain": "domain",
        "showticklabels": channel == 0,
        "ticks": "" if channel else "outside",
    }
    if channel == 0:
        down["title"] = {"text": f"<b>{ROW_NAMES[line]}</b><br>input row", "standoff": 4}
    return across, down


def _tap_axis(taps: range, *, down: bool = False) -> dict[str, Any]:
    more = (taps.step - 1) / 2
    ticks = Ticks(list(taps), [str(tap).replace("-", "−") for tap in taps]).thinned(TAP_LABELS)
    return with_ticks(integer_axis("", taps[0] - more, taps[-1] + more, down=down), ticks)


def _heading(numbers: ReceptiveFieldNumbers, line: int, channel: int, name: str) -> dict[str, Any]:
    below = f"input column<br>sum {number(numbers.channel_sums[channel].item(), 6)}"
    return {"text": below if line else name, "standoff": 4}


def _layout(
    numbers: ReceptiveFieldNumbers, channels: Sequence[str], rows: range, columns: range
) -> dict[str, Any]:
    n, total = len(channels), number(numbers.total, 6)
    products = number(numbers.channel_sums.sum().item(), 6)
    bias = f" + bias {number(numbers.bias, 6)} = {total}" if numbers.bias else ""
    title = f"Sum of {numbers.products.numel():,} products {products}{bias}"
    if n > MOST_CHANNELS:
        title += f"; first {MOST_CHANNELS} of {n} channels shown"
    alt = (
        f"{n} × {len(rows)} × {len(columns)} pixels, the weights on them and their products, from "
        f"input row {rows[0]}, column {columns[0]}. The products and bias sum to {total}."
    )
    return base_layout(title, name="patch", alt=alt)
