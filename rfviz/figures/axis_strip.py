"""One axis as a strip of pixels, and below it every placement of the kernel with its taps."""

from typing import Any, NamedTuple

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.layers.placements import AxisPlacements
from rfviz.figures.axes import integer_axis
from rfviz.figures.raster import heatmap
from rfviz.figures.style import FRAME, NEVER_READ, PANEL_WIDTH, base_layout

MOST_PLACEMENTS = 40  # rows of placements that one panel holds
STRIP = 2  # rows of the strip above the placements: its coordinates, and an empty one
BELOW_STRIP = 0.8 - STRIP
DIGIT_ROOM = 13  # pixels of a cell that hold one digit


class Look(NamedTuple):
    """What a cell can be: its name in the legend, its colour, and a sign that needs no colour."""

    name: str
    colour: str
    sign: str


LOOKS = (
    Look("padding", "#D9D9D9", "line-ne"),
    Look("{read} once", "#BBD6EE", ""),
    Look("{read} by several", "#7FB2DC", ""),
    Look("never {read}", NEVER_READ, "x-thin"),
    Look("tap on a pixel", "#08509B", ""),
    Look("tap outside", "#7D8FA3", "line-ne"),
    Look("between taps", "rgba(128,128,128,0.22)", ""),
)
PADDING, ONCE, SEVERAL, NEVER, TAP, OUTSIDE, BETWEEN = range(len(LOOKS))


class StripCells(NamedTuple):
    """What is at each cell: `cells` (rows, coordinates) index LOOKS, -1 is nothing.

    Row 0 is the strip; the placements follow, `shown` of them. `counts` are the strip's taps.
    """

    cells: torch.Tensor
    counts: torch.Tensor
    window: range
    shown: range


def strip_cells(placed: AxisPlacements, window: range) -> StripCells:
    """Return what lies at each coordinate of a window of the strip, placement by placement.

    The placements are those that touch the window: the first of them where the window starts with
    the strip, else the last. Raises `InputError` for a window outside the strip.

    >>> from rfviz.conv.layers.layer import Layer
    >>> from rfviz.conv.layers.placements import placements
    >>> strip_cells(placements(Layer("Conv2d", 2, 3), (5, 5), 0), range(5)).cells.tolist()
    [[1, 1, 3, 1, 1], [4, 4, -1, -1, -1], [-1, -1, -1, 4, 4]]
    """
    stop = placed.first + len(placed.counts)
    if not (placed.first <= window.start < window.stop <= stop):
        raise InputError(
            f"The strip goes from {placed.first} to {stop - 1}, got {window}.",
            remedy="Give a range inside it",
        )
    counts = placed.counts[window.start - placed.first : window.stop - placed.first]
    shown = _shown_placements(placed, window)
    cells = torch.full((1 + len(shown), len(window)), -1, dtype=torch.int64)
    coordinates = torch.arange(window.start, window.stop)
    real = (coordinates >= 0) & (coordinates < placed.size)
    never = torch.isin(coordinates, placed.never)
    several = torch.where(counts > 1, SEVERAL, ONCE)
    cells[0] = torch.where(real, torch.where(never, NEVER, several), PADDING)
    for row, index in enumerate(shown, 1):
        taps = placed.placement(index)
        inside = (coordinates >= taps[0]) & (coordinates <= taps[-1])
        on_tap = inside & ((coordinates - taps.start) % taps.step == 0)
        cells[row][inside] = BETWEEN
        cells[row][on_tap] = torch.where(real, TAP, OUTSIDE)[on_tap]
    return StripCells(cells, counts, window, shown)


def axis_strip_figure(
    placed: AxisPlacements,
    window: range | None = None,
    *,
    discarded: int = 0,
    part: str = "",
    name: str = "strip",
    panel_width: int = PANEL_WIDTH,
) -> go.Figure:
    """Draw a window of one axis: its pixels with their counts of taps, and the placements below.

    `discarded` coordinates before the padding's end are marked as what the floor drops; `part`
    names the window in the title. Raises `InputError` for a window outside the strip.

    >>> from rfviz.conv.layers.layer import Layer
    >>> from rfviz.conv.layers.placements import placements
    >>> axis_strip_figure(placements(Layer("Conv2d", 3), (5, 5), 0)).data[0].z.shape
    (5, 5)
    """
    whole = range(placed.first, placed.first + len(placed.counts))
    found = strip_cells(placed, whole if window is None else window)
    verb = "read" if placed.strip == "input" else "written"
    sentence = _sentence(placed, found, part)
    n_never = len(placed.never)
    alt = f"{sentence}. {n_never:,} of {placed.size:,} {placed.axis} are never {verb}."
    traces = [_raster(found, placed, verb, panel_width), _signs(found)]
    traces += [_legend(look, verb, bool((found.cells == i).any())) for i, look in enumerate(LOOKS)]
    traces.append(_floor(found.window, whole.stop, discarded))
    layout = base_layout(sentence, name=name, alt=alt) | _axes(placed, found, bool(discarded))
    legend = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"}
    layout |= {"showlegend": True, "legend": legend | {"itemclick": False, "font": {"size": 11}}}
    layout["margin"] = layout["margin"] | {"b": 92}
    return go.Figure(traces, layout)


def _shown_placements(placed: AxisPlacements, window: range) -> range:
    """The placements with a tap's span in the window, at most MOST_PLACEMENTS of them."""
    starts = placed.starts
    first = max(0, -(-(window.start - placed.taps[-1] - starts.start) // starts.step))
    last = min(len(starts) - 1, (window.stop - 1 - starts.start) // starts.step)
    if window.start == placed.first:
        return range(first, min(last + 1, first + MOST_PLACEMENTS))
    return range(max(first, last + 1 - MOST_PLACEMENTS), last + 1)


def _sentence(placed: AxisPlacements, found: StripCells, part: str) -> str:
    n, shown = len(placed.starts), found.shown
    total = f"{n:,} placement{'s' * (n > 1)} on the {placed.strip}'s {placed.size:,} {placed.axis}"
    if len(shown) == n and len(found.window) == len(placed.counts):
        return total
    some = f"{shown.start} to {shown.stop - 1}" if len(shown) > 1 else f"{shown.start}"
    return f"{total}: {part + ', ' if part else ''}placements {some}"


def _raster(found: StripCells, placed: AxisPlacements, verb: str, width: int) -> go.Heatmap:
    values = found.cells.float()
    # The strip's own row stands apart from the placements.
    apart = torch.full((1, values.shape[1]), -1.0)
    values = torch.cat([values[:1], apart, values[1:]])
    values[values < 0] = torch.nan
    n = len(LOOKS)
    scale = tuple((edge / n, look.colour) for i, look in enumerate(LOOKS) for edge in (i, i + 1))
    trace = heatmap(
        values,
        {"x0": found.window.start, "dx": 1, "y0": -STRIP, "dy": 1},
        scale=scale,
        limits=(-0.5, n - 0.5),
        hover="%{text}",
    )
    place = _placement_words(found, placed, verb)
    counts = found.counts.tolist()
    digits = max(len(str(count)) for count in counts)
    room = (width - 56) / len(counts) >= DIGIT_ROOM + 7 * (digits - 1)
    trace.update(xgap=1, ygap=1, hovertext=place, hovertemplate="%{hovertext}<extra></extra>")
    if room:
        blank = [[""] * len(counts)] * (len(values) - 1)
        trace.update(text=[[str(count) for count in counts], *blank], texttemplate="%{text}")
    return trace


def _placement_words(found: StripCells, placed: AxisPlacements, verb: str) -> list[list[str]]:
    """What a pointer says at each cell."""
    unit = placed.axis.removesuffix("s")
    names = [look.name.format(read=verb) for look in LOOKS]
    top = [
        f"{unit} {x}: {names[kind]}, {count} tap{'s' * (count != 1)}"
        for x, kind, count in zip(
            found.window, found.cells[0].tolist(), found.counts.tolist(), strict=True
        )
    ]
    other = "output" if placed.strip == "input" else "input"
    below = [
        [f"{other} {unit} {index}, on {unit} {x}: {names[kind]}" if kind >= 0 else ""
         for x, kind in zip(found.window, line, strict=True)]
        for index, line in zip(found.shown, found.cells[1:].tolist(), strict=True)
    ]  # fmt: skip
    return [top, [""] * len(top), *below]


def _signs(found: StripCells) -> go.Scatter:
    """Crosses and strokes on the cells that a colour alone would tell."""
    places = [
        (row, column, LOOKS[kind].sign)
        for row, line in enumerate(found.cells.tolist())
        for column, kind in enumerate(line)
        if kind >= 0 and LOOKS[kind].sign and len(line) <= 80
    ]
    return go.Scatter(
        x=[found.window.start + column for _, column, _ in places],
        # Below the strip, so that no sign is drawn over a count.
        y=[row - 1 if row else BELOW_STRIP for row, _, _ in places],
        mode="markers",
        marker={
            "symbol": [sign for _, _, sign in places],
            "size": 7,
            "line": {"width": 1.5, "color": FRAME},
        },
        hoverinfo="skip",
        showlegend=False,
    )


def _legend(look: Look, verb: str, present: bool) -> go.Scatter:
    """An entry of the legend, which a heatmap has none of; it draws nothing else."""
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=look.name.format(read=verb),
        marker={"symbol": "square", "size": 11, "color": look.colour},
        showlegend=present,
    )


def _floor(window: range, stop: int, discarded: int) -> go.Scatter:
    """A bar above what lies behind the last placement, with its name."""
    low, high = max(stop - discarded, window.start) - 0.5, stop - 0.5
    shown = discarded > 0 and window.stop == stop
    return go.Scatter(
        x=[low, high, None, high] if shown else [None],
        y=[-STRIP - 0.8, -STRIP - 0.8, None, -STRIP - 1.6] if shown else [None],
        mode="lines+text",
        text=["", "", "", f"dropped by the floor: {discarded}"] if shown else None,
        textposition="middle left",
        line={"color": NEVER_READ, "width": 3},
        hoverinfo="skip",
        showlegend=False,
    )


def _axes(placed: AxisPlacements, found: StripCells, marked: bool) -> dict[str, Any]:
    unit = placed.axis.removesuffix("s")
    other = "Output" if placed.strip == "input" else "Input"
    across = integer_axis(f"{placed.strip.capitalize()} {unit}", found.window[0], found.window[-1])
    down = integer_axis(f"{other} {unit}", -STRIP, max(0, len(found.shown) - 1), down=True)
    down["range"] = [len(found.shown) - 0.5, -STRIP - (2.4 if marked else 0.6)]
    # None may be shown at all: a window of padding, between two strides, that no placement reads.
    step = max(1, -(-len(found.shown) // 10))
    labels = {
        "tickmode": "array",
        "tickvals": [-STRIP, *range(0, len(found.shown), step)],
        "ticktext": ["taps", *map(str, found.shown[::step])],
        "showline": False,
        "mirror": False,
        "ticks": "",
    }
    return {
        "xaxis": across | {"showline": False, "mirror": False, "tickcolor": FRAME},
        "yaxis": down | labels,
    }
