"""All filters of a weight as small multiples on one scale, the channels of each side by side."""

import math
from typing import NamedTuple

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.wording import number
from rfviz.figures.axes import Ticks, integer_axis, with_ticks
from rfviz.figures.raster import heatmap
from rfviz.figures.style import (
    ACCENT,
    DIVERGING,
    base_layout,
    cell_text,
    fitting_text,
    not_finite_note,
    plottable,
    symmetric_limit,
)

MOST_FILTERS, MOST_CHANNELS = 256, 8
MOST_NAMED = 64  # hover texts and numbers for so many filters; the axes name the others
MOST_HOVERED = 20_000
WIDTH, HEIGHT = 1000, 480  # pixels of the panel that a layout is made for


class Grid(NamedTuple):
    """How filters are laid out: `across` beside each other, each of `tiles` channels, `gap` cells.

    A tile has (height, width) cells; between filters there is one cell more than between tiles.
    """

    shown: int
    tiles: int
    kernel: tuple[int, int]
    across: int

    @property
    def down(self) -> int:
        """Rows of filters."""
        return -(-self.shown // self.across)

    @property
    def step(self) -> tuple[int, int]:
        """Cells from one filter to the next, down and across."""
        height, width = self.kernel
        return height + self.gap[0], self.tiles * (width + 1) - 1 + self.gap[1]

    @property
    def gap(self) -> tuple[int, int]:
        """Blank cells between filters; below, room for the number as well."""
        height, width = self.kernel
        return max(2, math.ceil(height / 2)), max(2, math.ceil(width / 3))

    def corner(self, filter_index: int) -> tuple[int, int]:
        """The first cell (row, column) of a filter."""
        row, column = divmod(filter_index, self.across)
        return row * self.step[0], column * self.step[1]

    def filter_at(self, row: int, column: int) -> int | None:
        """The filter that has a cell, None between filters and beyond the last."""
        (down, inside_row), (across, inside_column) = (
            divmod(row, self.step[0]),
            divmod(column, self.step[1]),
        )
        index = down * self.across + across
        inside = inside_row < self.kernel[0] and inside_column < self.step[1] - self.gap[1]
        return index if inside and across < self.across and 0 <= index < self.shown else None

    @property
    def size(self) -> tuple[int, int]:
        """Cells of the whole grid."""
        height = self.down * self.step[0] - self.gap[0]
        return height, min(self.across, self.shown) * self.step[1] - self.gap[1]


def grid_of(weight_shape: tuple[int, ...], panel_width: int = WIDTH) -> Grid:
    """Return the layout whose cells are largest in a panel of so many pixels.

    >>> grid_of((12, 3, 3, 3), 1000).across
    3
    """
    filters, channels, height, width = weight_shape
    shown, tiles = min(filters, MOST_FILTERS), min(channels, MOST_CHANNELS)

    def cell(across: int) -> float:
        rows, columns = Grid(shown, tiles, (height, width), across).size
        return min(panel_width / columns, HEIGHT / rows)

    return Grid(shown, tiles, (height, width), max(range(1, shown + 1), key=cell))


def filter_grid_figure(
    weight: torch.Tensor,
    *,
    chosen: int = 0,
    limit: float | None = None,
    title: str = "Filters",
    sentence: str | None = None,
    panel_width: int = WIDTH,
) -> go.Figure:
    """Draw a (F, C / groups, kh, kw) weight: a block a filter, in it a tile a channel.

    All are on one scale from -limit to limit, else to the largest magnitude. The `chosen` filter
    has a frame. Of a larger weight the first 256 filters and 8 channels are shown, and the title
    says so. A `sentence` stands above in place of the title, for maps that are no weights.
    Raises `InputError` for anything but one weight.

    >>> filter_grid_figure(torch.ones(2, 1, 1, 2), panel_width=2000).data[0].z.tolist()
    [[1.0, 1.0, nan, nan, 1.0, 1.0]]
    """
    values = plottable(weight, "weight", 4).float()
    if not 0 <= chosen < len(values):
        raise InputError(f"There is no filter {chosen} among {len(values)}.")
    grid = grid_of(tuple(values.shape), panel_width)
    bound = limit or symmetric_limit(values)
    sentence = sentence or _sentence(title, tuple(values.shape), grid)
    sentence += not_finite_note(values)
    alt = f"{sentence}. Colours run from {number(-bound)} (blue) to {number(bound)} (orange)."
    mosaic = _mosaic(values, grid)
    trace = heatmap(
        mosaic,
        {"x0": 0, "dx": 1, "y0": 0, "dy": 1},
        scale=DIVERGING,
        limits=(-bound, bound),
        hover="%{z:.6~g}",
        text=_text(mosaic),
        bar={"nticks": 5},
    )
    rows, columns = grid.size
    if rows * columns <= MOST_HOVERED:
        trace.update(hovertext=_hover(grid), hovertemplate="%{hovertext}: %{z:.6~g}<extra></extra>")
    layout = base_layout(sentence, name="filter_grid", alt=alt, above=8)
    layout |= {"annotations": _numbers(grid, chosen), "shapes": _frame(grid, chosen)}
    return go.Figure(trace, layout | _axes(grid))


def _sentence(title: str, shape: tuple[int, ...], grid: Grid) -> str:
    filters, channels, height, width = shape
    sentence = f"{title}, {filters:,} of {channels:,} × {height} × {width}"
    cropped = [
        f"first {shown} of {full:,} {noun}"
        for shown, full, noun in (
            (grid.shown, filters, "filters"),
            (grid.tiles, channels, "channels"),
        )
        if shown < full
    ]
    return sentence + (f"; {' and '.join(cropped)} shown" if cropped else "")


def _mosaic(values: torch.Tensor, grid: Grid) -> torch.Tensor:
    mosaic = torch.full(grid.size, torch.nan)
    height, width = grid.kernel
    for index in range(grid.shown):
        top, left = grid.corner(index)
        for channel in range(grid.tiles):
            start = left + channel * (width + 1)
            mosaic[top : top + height, start : start + width] = values[index, channel]
    return mosaic


def _text(mosaic: torch.Tensor) -> list[list[str]] | None:
    text = fitting_text(mosaic.nan_to_num(0.0), mosaic.shape[1])
    if text is None:
        return None
    return [["" if cell == "nan" else word for word, cell in zip(words, cells, strict=True)]
            for words, cells in zip(text, cell_text(mosaic), strict=True)]  # fmt: skip


def _hover(grid: Grid) -> list[list[str]]:
    rows, columns = grid.size
    texts = [[""] * columns for _ in range(rows)]
    height, width = grid.kernel
    for index in range(grid.shown):
        top, left = grid.corner(index)
        for channel in range(grid.tiles):
            for row in range(height):
                for column in range(width):
                    texts[top + row][left + channel * (width + 1) + column] = (
                        f"filter {index}, channel {channel}, tap ({row}, {column})"
                    )
    return texts


def _numbers(grid: Grid, chosen: int) -> list[dict[str, object]]:
    if grid.shown > MOST_NAMED:
        return []
    corners = [grid.corner(index) for index in range(grid.shown)]
    return [
        {
            "x": left - 0.5,
            "y": top - 0.5,
            "xanchor": "left",
            "yanchor": "bottom",
            "text": f"<b>{index}</b>" if index == chosen else str(index),
            "showarrow": False,
            "font": {"size": 10},
            "borderpad": 0,
        }
        for index, (top, left) in enumerate(corners)
    ]


def _frame(grid: Grid, chosen: int) -> list[dict[str, object]]:
    if chosen >= grid.shown:
        return []
    top, left = grid.corner(chosen)
    right = left + grid.step[1] - grid.gap[1]
    place = {"x0": left - 0.5, "x1": right - 0.5, "y0": top - 0.5, "y1": top + grid.kernel[0] - 0.5}
    return [{"type": "rect", **place, "line": {"color": ACCENT, "width": 2}}]


def _room(grid: Grid) -> float:
    """Cells above the first row of filters for their numbers."""
    return max(0.25, grid.gap[0] * 0.6) if grid.down > 1 else 0.3


def _axes(grid: Grid) -> dict[str, object]:
    rows, columns = grid.size
    middle = (grid.kernel[0] - 1) / 2
    first = [grid.corner(line * grid.across) for line in range(grid.down)]
    ticks = Ticks(
        [top + middle for top, _ in first],
        [str(line * grid.across) for line in range(grid.down)],
    ).thinned(24)
    bare = {"showline": False, "mirror": False, "ticks": "", "constrain": "domain"}
    named = grid.shown <= MOST_NAMED  # each has its number, so the axis need not say any
    title = "" if named else "First filter of the row"
    down = with_ticks(integer_axis(title, 0, rows - 1, down=True), ticks)
    down |= {"showticklabels": not named, "range": [rows - 0.4, -0.6 - named * _room(grid)]}
    across = integer_axis("", 0, columns - 1)
    across |= {"showticklabels": False, "range": [-0.6, columns - 0.4]}
    return {"xaxis": across | bare, "yaxis": down | bare | {"scaleanchor": "x", "scaleratio": 1}}
