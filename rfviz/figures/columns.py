"""The column matrix of im2col: a window of it entry by entry, and all of it as means of bins."""

from typing import Any

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.wording import number
from rfviz.figures.axes import (
    Ticks,
    channel_names,
    entry_ticks,
    integer_axis,
    output_ticks,
    range_cells,
    with_ticks,
)
from rfviz.figures.raster import heatmap
from rfviz.figures.style import GREYS, PANEL_WIDTH, base_layout, fitting_text, plottable

ENTRY_AXIS = "Entry (channel, kernel row, kernel column)"
OUTPUT_AXIS = "Output (row, column)"


def column_window_figure(
    window: torch.Tensor,
    rows: range,
    columns: range,
    *,
    kernel_size: tuple[int, int],
    n_channels: int,
    output_width: int,
    pixel_range: tuple[float, float] = (0, 255),
    title: str = "Column matrix",
    panel_width: int = PANEL_WIDTH,
) -> go.Figure:
    """Draw an (n_rows, n_columns) window of the column matrix, in the matrix's coordinates.

    `rows` and `columns` say which; ticks name the entry of the receptive field and the output that
    they belong to. Raises `InputError` where the sizes do not agree.

    >>> figure = column_window_figure(torch.zeros(9, 4, dtype=torch.uint8), range(9), range(2, 6),
    ...     kernel_size=(3, 3), n_channels=1, output_width=4)
    >>> list(figure.layout.xaxis.ticktext)
    ['0, 2', '0, 3', '1, 0', '1, 1']
    """
    shown = plottable(window, "window", 2)
    if shown.shape != (len(rows), len(columns)):
        raise InputError(
            f"{len(rows)} rows and {len(columns)} columns are numbered for a window of shape "
            f"{tuple(shown.shape)}.",
            remedy="Number every row and column of the window",
        )
    _check_rows(rows[-1] + 1, kernel_size, n_channels)
    sentence = f"{title}, rows {_span(rows)}, columns {_span(columns)}"
    alt = (
        f"{sentence}: {len(rows)} × {len(columns)} entries. Each column is one receptive field, "
        f"each row one entry of the {n_channels} × {kernel_size[0]} × {kernel_size[1]} kernel."
    )
    trace = heatmap(
        shown,
        range_cells(rows, columns),
        scale=GREYS,
        limits=pixel_range,
        hover="row %{y:d}, column %{x:d}: %{z:.6~g}",
        text=fitting_text(shown, len(columns), panel_width),
        bar={},
    )
    ticks = (
        entry_ticks(rows, kernel_size, channel_names(n_channels)),
        output_ticks(columns, output_width),
    )
    layout = base_layout(sentence, name="column_window", alt=alt)
    return go.Figure(trace, layout | matrix_axes(rows, columns, *ticks))


def column_overview_figure(
    means: torch.Tensor,
    shape: tuple[int, int],
    *,
    kernel_size: tuple[int, int],
    n_channels: int,
    output_width: int,
    pixel_range: tuple[float, float] = (0, 255),
    title: str = "Column matrix",
) -> go.Figure:
    """Draw the (h, w) means of the bins of a (rows, columns) column matrix, in its coordinates.

    Bins are drawn equally large: an edge is at most one row or column from its place. Raises
    `InputError` for means that are not a matrix.

    >>> figure = column_overview_figure(torch.zeros(3, 2), (9, 100), kernel_size=(3, 3),
    ...     n_channels=1, output_width=10)
    >>> figure.layout.title.text
    'Column matrix, 9 × 100; a cell is the mean of<br>3 × 50 = 150 entries'
    """
    shown = plottable(means, "means", 2).float()
    _check_rows(shape[0], kernel_size, n_channels)
    down, across = shape[0] / shown.shape[0], shape[1] / shown.shape[1]
    sentence = f"{title}, {shape[0]:,} × {shape[1]:,}{_averaged(down, across)}"
    low, high = shown.min().item(), shown.max().item()
    alt = f"{sentence}. The means run from {number(low)} to {number(high)}."
    exact = "" if down == across == 1 else "around "
    trace = heatmap(
        shown,
        {"x0": across / 2 - 0.5, "dx": across, "y0": down / 2 - 0.5, "dy": down},
        scale=GREYS,
        limits=pixel_range,
        hover=f"{exact}row %{{y:d}}, column %{{x:d}}: %{{z:.4~g}}",
        bar={},
    )
    rows, columns = range(shape[0]), range(shape[1])
    ticks = (
        entry_ticks(rows, kernel_size, channel_names(n_channels), most=18),
        output_ticks(columns, output_width),
    )
    layout = base_layout(sentence, name="column_overview", alt=alt)
    return go.Figure(trace, layout | matrix_axes(rows, columns, *ticks))


def matrix_axes(
    rows: range,
    columns: range,
    row_ticks: Ticks,
    column_ticks: Ticks,
    titles: tuple[str, str] = (ENTRY_AXIS, OUTPUT_AXIS),
) -> dict[str, dict[str, Any]]:
    """Return the axes of a matrix whose rows and columns have names; it fills its panel.

    >>> axes = matrix_axes(range(2), range(2), Ticks([0], ["R 0,0"]), Ticks([0], ["0, 0"]))
    >>> axes["yaxis"]["range"]
    [1.5, -0.5]
    """
    down = integer_axis(titles[0], *_ends(rows), down=True)
    across = integer_axis(titles[1], *_ends(columns))
    return {
        "xaxis": with_ticks(across, column_ticks) | {"tickangle": 0},
        "yaxis": with_ticks(down, row_ticks),
    }


def _check_rows(n_rows: int, kernel_size: tuple[int, int], n_channels: int) -> None:
    entries = n_channels * kernel_size[0] * kernel_size[1]
    if n_rows > entries:
        raise InputError(
            f"{n_channels} channels of {kernel_size[0]} × {kernel_size[1]} make {entries} rows, "
            f"got {n_rows}.",
            remedy="Give the kernel and the channels that the matrix was made with",
        )


def _ends(indices: range) -> tuple[float, float]:
    # A window with a step has cells as wide as the step.
    more = (indices.step - 1) / 2
    return (indices[0] - more, indices[-1] + more)


def _span(indices: range) -> str:
    return f"{indices[0]:,} to {indices[-1]:,}" + (
        f" by {indices.step}" if indices.step > 1 and len(indices) > 1 else ""
    )


def _averaged(down: float, across: float) -> str:
    if down == across == 1:
        return ", every entry"
    sizes = [f"{n:,.0f}" if n.is_integer() or n >= 100 else f"{n:.3g}" for n in (down, across)]
    about = "= " if down.is_integer() and across.is_integer() else "≈ "
    return f"; a cell is the mean of {sizes[0]} × {sizes[1]} {about}{down * across:,.0f} entries"
