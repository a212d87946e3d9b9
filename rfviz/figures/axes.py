"""Axes in the coordinates of what is shown: whole numbers, row 0 at the top, names of entries.

Pixel (r, c) covers [r - 0.5, r + 0.5] x [c - 0.5, c + 0.5] of the full picture, whatever part or
reduction of it a figure holds. Highlights drawn above a figure rely on that.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import plotly.graph_objects as go

from rfviz.conv.wording import channel_name, number
from rfviz.figures.style import FRAME, plain, short_channel

LABELLED_EACH = 12  # whole numbers that each get a tick of their own
LABELS_DOWN = 27  # entry labels that fit below each other
LABELS_ACROSS = 5  # labels such as "12, 345" that fit beside each other in the narrowest panel


class Ticks(NamedTuple):
    """Where an axis has ticks, and what they say."""

    positions: Sequence[float]
    labels: Sequence[str]

    def thinned(self, most: int) -> "Ticks":
        """Keep at most so many, evenly.

        >>> Ticks([0, 1, 2, 3], ["a", "b", "c", "d"]).thinned(2).labels
        ['a', 'c']
        """
        step = -(-len(self.positions) // most)
        return Ticks(self.positions[::step], self.labels[::step])


def integer_axis(title: str, first: float, last: float, *, down: bool = False) -> dict[str, Any]:
    """Return an axis over the whole numbers from `first` to `last`, with whole ticks.

    >>> integer_axis("Input row", 0, 4, down=True)["range"]
    [4.5, -0.5]
    """
    few = last - first < LABELLED_EACH
    ends = [first - 0.5, last + 0.5]
    return {
        "title": {"text": plain(title), "standoff": 6},
        "type": "linear",
        "range": ends[::-1] if down else ends,
        "tickformat": "d",
        # Zoomed in so far that ticks fall between pixels, say so instead of rounding them.
        "tickformatstops": [{"dtickrange": [None, 0.99], "value": "~f"}],
        "tickmode": "linear" if few else "auto",
        "tick0": 0,
        "dtick": 1 if few else None,
        "nticks": 8,
        "ticks": "outside",
        "ticklen": 3,
        "tickcolor": FRAME,
        "showgrid": False,
        "zeroline": False,
        "showline": True,
        "mirror": True,
        "linecolor": FRAME,
        "automargin": True,
    }


def round_ticks(low: float, high: float, most: float = 6, least: float = 0) -> Ticks:
    """Return ticks at multiples of 1, 2 or 5 times a power of ten, from `low` to `high`.

    At most `most` of them, no nearer to each other than `least`.

    >>> round_ticks(0, 255).labels
    ['0', '50', '100', '150', '200', '250']
    """
    apart = max((high - low) / most, least)
    if not apart > 0:
        return Ticks([low], [number(low)])
    power = float(f"1e{Decimal(apart).adjusted()}")
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= apart)
    places = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return Ticks(places, [number(place) for place in places])


def with_ticks(axis: dict[str, Any], ticks: Ticks) -> dict[str, Any]:
    """Return the axis with these ticks in place of numbers.

    >>> with_ticks(integer_axis("Filter", 0, 1), Ticks([0], ["first"]))["ticktext"]
    ['first']
    """
    named = {"tickmode": "array", "tickvals": ticks.positions, "ticktext": ticks.labels}
    return axis | named


def map_axes(
    kind: str, rows: tuple[int, int], columns: tuple[int, int]
) -> dict[str, dict[str, Any]]:
    """Return the axes of a map with square pixels; `rows` and `columns` are first and last.

    >>> map_axes("Output", (0, 3), (0, 5))["yaxis"]["title"]["text"]
    'Output row'
    """
    square = {"constrain": "domain"}
    down = integer_axis(f"{kind} row", *rows, down=True) | square
    across = integer_axis(f"{kind} column", *columns) | square
    return {"xaxis": across, "yaxis": down | {"scaleanchor": "x", "scaleratio": 1}}


def cells(top: float, left: float, step: tuple[float, float]) -> dict[str, float]:
    """Return the placement of a raster whose first cell starts with pixel (top, left).

    A cell covers `step` (rows, columns) pixels; plotly wants the centre of the first.

    >>> cells(16, 0, (8, 8))
    {'x0': 3.5, 'dx': 8, 'y0': 19.5, 'dy': 8}
    """
    return {
        "x0": left + (step[1] - 1) / 2,
        "dx": step[1],
        "y0": top + (step[0] - 1) / 2,
        "dy": step[0],
    }


def range_cells(rows: range, columns: range) -> dict[str, float]:
    """Return the placement of a raster with one cell for each row and column of the two ranges.

    >>> range_cells(range(4, 9, 2), range(1))
    {'x0': 0, 'dx': 1, 'y0': 4, 'dy': 2}
    """
    return {"x0": columns.start, "dx": columns.step, "y0": rows.start, "dy": rows.step}


def channel_names(n_channels: int) -> list[str]:
    """Return the names of all channels.

    >>> channel_names(3)
    ['red', 'green', 'blue']
    """
    return [channel_name(channel, n_channels) for channel in range(n_channels)]


def entry_of(row: int, kernel_size: tuple[int, int]) -> tuple[int, int, int]:
    """Return (channel, kernel row, kernel column) of a matrix row, in the order of nn.Unfold.

    >>> entry_of(13, (3, 3))
    (1, 1, 1)
    """
    taps = kernel_size[0] * kernel_size[1]
    return (row // taps, row % taps // kernel_size[1], row % kernel_size[1])


def entry_label(row: int, kernel_size: tuple[int, int], channels: Sequence[str]) -> str:
    """Return a tick label for a row of the column matrix.

    >>> entry_label(13, (3, 3), ["red", "green", "blue"])
    'G 1,1'
    """
    channel, kernel_row, kernel_column = entry_of(row, kernel_size)
    return f"{plain(short_channel(channels[channel]))} {kernel_row},{kernel_column}".strip()


def entry_ticks(
    rows: range, kernel_size: tuple[int, int], channels: Sequence[str], most: int = LABELS_DOWN
) -> Ticks:
    """Return ticks that name entries: each, or where a kernel row, or else a channel, starts.

    >>> entry_ticks(range(75), (5, 5), ["red", "green", "blue"]).labels[:3]
    ['R 0,0', 'R 1,0', 'R 2,0']
    """
    taps = kernel_size[0] * kernel_size[1]
    for every in (1, kernel_size[1], taps):
        starts = [row for row in rows if row % every == 0] or [rows[0]]
        if len(starts) <= most:
            break
    labels = [entry_label(row, kernel_size, channels) for row in starts]
    return Ticks(starts, labels).thinned(most)


def output_ticks(columns: range, output_width: int, most: int = LABELS_ACROSS) -> Ticks:
    """Return ticks "output row, output column": each, or where an output row starts, or evenly.

    >>> output_ticks(range(0, 200), 64).labels
    ['0, 0', '1, 0', '2, 0', '3, 0']
    """
    first = -(-columns[0] // output_width) * output_width
    candidates = [
        columns,
        range(first, columns[-1] + 1, output_width),
        range(columns[0], columns[-1] + 1, -(-len(columns) // most) * columns.step),
    ]
    fits = [found for found in candidates[:2] if 1 < len(found) <= most]
    chosen = fits[0] if fits else candidates[1 if len(candidates[1]) > most else 2]
    labels = [f"{column // output_width}, {column % output_width}" for column in chosen]
    return Ticks(list(chosen), labels).thinned(most)


def zoomed(figure: go.Figure, rows: range, columns: range) -> go.Figure:
    """Return the figure with its axes on these rows and columns: the window that it holds.

    >>> figure = go.Figure(layout=map_axes("Input", (0, 99), (0, 99)))
    >>> zoomed(figure, range(10, 20), range(5, 9)).layout.xaxis.range
    (4.5, 8.5)
    """
    down = integer_axis("", rows[0], rows[-1], down=True)
    across = integer_axis("", columns[0], columns[-1])
    for axis in (down, across):
        del axis["title"]
    return figure.update_layout(xaxis=across, yaxis=down)
