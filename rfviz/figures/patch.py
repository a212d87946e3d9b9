"""The receptive field of one output: its pixels, the weights on them, the products, their sum."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.wording import number
from rfviz.figures.axes import Ticks, integer_axis, range_cells, with_ticks
from rfviz.figures.raster import Scale, heatmap
from rfviz.figures.style import (
    DIVERGING,
    GREYS,
    PANEL_WIDTH,
    base_layout,
    fitting_text,
    plain,
    plottable,
    symmetric_limit,
)

MOST_CHANNELS = 4
ROW_NAMES = ("pixels", "weights", "products")
ROW_DOMAINS = ((0.70, 1.0), (0.35, 0.65), (0.0, 0.30))
# Where the three stand beside each other, with room for the signs between them.
EQUATION = ((0.0, 0.29), (0.355, 0.645), (0.71, 1.0))
NAMED_EQUATION = ((0.1, 0.36), (0.42, 0.68), (0.74, 1.0))
SIGN = 22  # pixels of × and =
GAP = 0.12  # between maps beside each other, as a part of a map's width
LABEL_HEIGHT, DIGIT_WIDTH = 14, 7  # pixels of a tick label
SIDES = 90  # pixels: margins and axis labels left and right of the maps


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
    weights = weight.detach() if weight.is_floating_point() else weight.float()
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
    beside: bool = False,
) -> go.Figure:
    """Draw pixels, weights and products as three rows of maps, one column a channel.

    With `beside` they stand as an equation from left to right, one row a channel.

    `rows` and `columns` are the input rows and columns read, and the coordinates of every map. Each
    row of maps has one colour scale; of more than 4 channels the first 4 are shown, and the title
    says so. Raises `InputError` where the numbers of channels, rows and columns do not agree.

    >>> ones = torch.ones(1, 3, 3)
    >>> figure = patch_figure(receptive_field_numbers(ones, ones), channels=["grey"],
    ...     rows=range(4, 9, 2), columns=range(3))
    >>> figure.layout.title.text, figure.layout.yaxis.ticktext
    ('9 products, sum 9', ('4', '6', '8'))
    """
    size = (len(channels), len(rows), len(columns))
    if tuple(numbers.products.shape) != size:
        raise InputError(
            f"Names are given for {size} channels, rows and columns, got a patch of shape "
            f"{tuple(numbers.products.shape)}.",
            remedy="Name every channel, row and column of the patch",
        )
    grid = _Grid(channels[:MOST_CHANNELS], rows, columns, panel_width)
    traces: list[go.Heatmap] = []
    axes: dict[str, Any] = {}
    for line in _lines(numbers, pixel_range, grid):
        for channel in range(len(grid.names)):
            nth = line.place * len(grid.names) + channel
            suffix = str(nth + 1) if nth else ""
            trace = _map(line, channel, grid)
            traces.append(trace.update(xaxis=f"x{suffix}", yaxis=f"y{suffix}"))
            across = _across(line.place, channel, grid, numbers) | {"anchor": f"y{suffix}"}
            axes[f"xaxis{suffix}"] = across
            down = _down(line.place, channel, grid) | {"anchor": f"x{suffix}"}
            axes[f"yaxis{suffix}"] = down | {"scaleanchor": f"x{suffix}"}
            if beside:
                across |= _beside(*_equation_of(grid.names)[line.place])
                top = 1 - channel / len(grid.names)
                axes[f"xaxis{suffix}"] = across
                axes[f"yaxis{suffix}"] |= _beside(top - 0.96 / len(grid.names), top)
    layout = _layout(numbers, channels, rows, columns) | axes
    if beside:
        layout["annotations"] = _equation(grid.names)
    return go.Figure(traces, layout)


def _beside(low: float, high: float) -> dict[str, Any]:
    """A part of the figure's width or height, for a map without axes of its own."""
    return {
        "domain": [max(0.0, low), high], "title": {"text": ""}, "showticklabels": False,
        "ticks": "",
    }  # fmt: skip


def _equation_of(names: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """Where pixels, weights and products stand: beside names only where there are several."""
    return NAMED_EQUATION if len(names) > 1 else EQUATION


def _equation(names: Sequence[str]) -> list[dict[str, Any]]:
    """pixels × weights = products, and the channels' names at the left of their rows."""
    places = _equation_of(names)
    middles = [(low + high) / 2 for low, high in places]
    words = [
        {"text": name, "x": x, "y": 1, "yanchor": "bottom", "yshift": 2}
        for name, x in zip(ROW_NAMES, middles, strict=True)
    ]
    signs = [
        {"text": sign, "x": (places[n][1] + places[n + 1][0]) / 2, "y": 0.5, "font": {"size": SIGN}}
        for n, sign in enumerate("×=")
    ]
    rows = [
        {"text": plain(name), "x": 0, "xanchor": "left", "y": 1 - (n + 0.5) / len(names)}
        for n, name in enumerate(names)
        if len(names) > 1
    ]
    shared = {
        "xref": "paper", "yref": "paper", "showarrow": False, "xanchor": "center",
        "yanchor": "middle",
    }  # fmt: skip
    return [shared | each for each in [*words, *signs, *rows]]


class _Grid(NamedTuple):
    names: Sequence[str]
    rows: range
    columns: range
    panel_width: int

    @property
    def map_width(self) -> float:
        return (self.panel_width - SIDES) / len(self.names)

    @property
    def labels_down(self) -> int:
        cell = self.map_width / len(self.columns)
        return max(2, int(cell * len(self.rows) // LABEL_HEIGHT))

    @property
    def labels_across(self) -> int:
        label = DIGIT_WIDTH * max(len(str(tap)) for tap in self.columns) + 4
        if self.map_width / len(self.columns) >= label:
            return len(self.columns)
        # The outermost labels stand out over the map by half their width.
        return max(1, int(self.map_width // label) - 1)


class _Line(NamedTuple):
    place: int
    values: torch.Tensor
    scale: Scale
    limits: tuple[float, float]
    text: list[list[str]] | None


def _lines(
    numbers: ReceptiveFieldNumbers, pixel_range: tuple[float, float], grid: _Grid
) -> list[_Line]:
    lines = []
    n_cells = len(grid.names) * len(grid.columns)
    for place, name in enumerate(ROW_NAMES):
        values = plottable(getattr(numbers, name), name, 3)
        bound = symmetric_limit(values)
        scale, limits = (DIVERGING, (-bound, bound)) if place else (GREYS, pixel_range)
        # One decision for all channels: numbers in some maps alone would not compare.
        tallest = values[: len(grid.names)].transpose(0, 1).flatten(1)
        text = fitting_text(tallest, n_cells, grid.panel_width)
        lines.append(_Line(place, values, scale, limits, text))
    return lines


def _map(line: _Line, channel: int, grid: _Grid) -> go.Heatmap:
    low, high = ROW_DOMAINS[line.place]
    bar = {"len": high - low, "y": (low + high) / 2, "nticks": 4}
    width, noun = len(grid.columns), ROW_NAMES[line.place][:-1]
    own = slice(channel * width, (channel + 1) * width)
    trace = heatmap(
        line.values[channel],
        range_cells(grid.rows, grid.columns),
        scale=line.scale,
        limits=line.limits,
        hover=f"input row %{{y:d}}, column %{{x:d}}, {plain(grid.names[channel])}: {noun} "
        "%{z:.6~g}",
        text=None if line.text is None else [row[own] for row in line.text],
        bar=None if line.text or channel else bar,
    )
    gap = int(line.text is not None)
    return trace.update(xgap=gap, ygap=gap)


def _across(line: int, channel: int, grid: _Grid, numbers: ReceptiveFieldNumbers) -> dict[str, Any]:
    n = len(grid.names)
    width = 1 / (n + GAP * (n - 1))
    start = channel * (1 + GAP) * width
    axis = _tap_axis(grid.columns, grid.labels_across) | {
        "domain": [start, min(1.0, start + width)],
        "constrain": "domain",
        "side": "bottom" if line else "top",
        "showticklabels": line == 2,
        "ticks": "outside" if line == 2 else "",
        "tickangle": 0,
    }
    total = f"sum {number(numbers.channel_sums[channel].item(), 4)}"
    below = f"<b>{total}</b>" + ("" if channel else "<br>input column")
    titles = (plain(grid.names[channel]), "", below)
    return axis | {"title": {"text": titles[line], "standoff": 4, "font": {"size": 11}}}


def _down(line: int, channel: int, grid: _Grid) -> dict[str, Any]:
    name = f"<b>{ROW_NAMES[line]}</b><br>input row"
    return _tap_axis(grid.rows, grid.labels_down, down=True) | {
        "title": {"text": "" if channel else name, "standoff": 4, "font": {"size": 11}},
        "domain": list(ROW_DOMAINS[line]),
        "constrain": "domain",
        "showticklabels": channel == 0,
        "ticks": "" if channel else "outside",
    }


def _tap_axis(taps: range, labels: int, *, down: bool = False) -> dict[str, Any]:
    # Where the dilation makes cells wider than a pixel, the first and last reach further out.
    more = (taps.step - 1) / 2
    ticks = Ticks(list(taps), [str(tap).replace("-", "−") for tap in taps]).thinned(labels)
    return with_ticks(integer_axis("", taps[0] - more, taps[-1] + more, down=down), ticks)


def _layout(
    numbers: ReceptiveFieldNumbers, channels: Sequence[str], rows: range, columns: range
) -> dict[str, Any]:
    n, total = len(channels), number(numbers.total, 6)
    products = number(numbers.channel_sums.sum().item(), 6)
    bias = f" + bias {number(numbers.bias, 6)} = {total}" if numbers.bias else ""
    title = f"{numbers.products.numel():,} products, sum {products}{bias}"
    if n > MOST_CHANNELS:
        title += f"; first {MOST_CHANNELS} of {n} channels shown"
    alt = (
        f"{n} × {len(rows)} × {len(columns)} pixels, the weights on them and their products, from "
        f"input row {rows[0]}, column {columns[0]}. The products and bias sum to {total}."
    )
    return base_layout(title, name="patch", alt=alt, above=16)
