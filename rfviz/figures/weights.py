"""The convolution as a matmul: the weight matrix, groups as blocks, and what it gives."""

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.wording import number
from rfviz.figures.axes import (
    Ticks,
    channel_names,
    entry_ticks,
    output_ticks,
    range_cells,
)
from rfviz.figures.columns import OUTPUT_AXIS, matrix_axes
from rfviz.figures.raster import heatmap
from rfviz.figures.style import (
    DIVERGING,
    PANEL_WIDTH,
    base_layout,
    fitting_text,
    not_finite_note,
    plottable,
    symmetric_limit,
)

LABELLED = 5  # labels such as "R 0,0" beside each other in the narrowest panel
MOST_FILTERS, MOST_WEIGHTS = 64, 1024  # rows and columns drawn: 400 kB on their way to the browser
OUTSIDE = "rgba(128,128,128,0.18)"  # behind blank entries: weights near zero are white too
WEIGHT_AXIS = "Weight (channel, kernel row, kernel column)"


def weight_matrix_figure(
    weight_matrix: torch.Tensor,
    *,
    groups: int,
    kernel_size: tuple[int, int],
    n_channels: int,
    limit: float | None = None,
    title: str = "Weight matrix",
    panel_width: int = PANEL_WIDTH,
) -> go.Figure:
    """Draw (F, K) weights as the (F, C * kh * kw) matrix that multiplies the column matrix.

    K = C / groups * kh * kw. Each group is a block: outside it a filter reads nothing, which is
    blank. Of a larger matrix the first 64 filters and 1024 weights are shown, and the title says
    so. Raises `InputError` where the sizes do not agree.

    >>> figure = weight_matrix_figure(torch.ones(2, 1), groups=2, kernel_size=(1, 1), n_channels=2)
    >>> figure.data[0].z.tolist()
    [[1.0, nan], [nan, 1.0]]
    """
    weights = plottable(weight_matrix, "weight_matrix", 2).float()
    full = (len(weights), n_channels * kernel_size[0] * kernel_size[1])
    if groups < 1 or len(weights) % groups or groups * weights.shape[1] != full[1]:
        raise InputError(
            f"{n_channels} channels of {kernel_size[0]} × {kernel_size[1]} in {groups} groups "
            f"need {full[1]} / {groups} weights for each filter, got shape {tuple(weights.shape)}.",
            remedy="Flatten the weight (F, C / groups, kh, kw) to (F, -1)",
        )
    shown = (min(full[0], MOST_FILTERS), min(full[1], MOST_WEIGHTS))
    rows, columns = range(shown[0]), range(shown[1])
    bound = limit or symmetric_limit(weights)
    sentence = f"{title}, {full[0]:,} × {full[1]:,}{_blocks(groups)}{_cropped(full, shown)}"
    sentence += not_finite_note(weights)
    alt = f"{sentence}. {_meaning(groups)} The largest magnitude is {number(bound)}."
    matrix = _block_diagonal(weights, groups, shown)
    trace = heatmap(
        matrix,
        range_cells(rows, columns),
        scale=DIVERGING,
        limits=(-bound, bound),
        hover="filter %{y:d}, weight %{x:d}: %{z:.6~g}",
        text=fitting_text(matrix, shown[1], panel_width),
        bar={"nticks": 4},
    )
    entries = entry_ticks(columns, kernel_size, channel_names(n_channels), most=LABELLED)
    axes = matrix_axes(rows, columns, _filters(rows), entries, ("Filter", WEIGHT_AXIS))
    layout = base_layout(sentence, name="weight_matrix", alt=alt)
    if groups > 1:
        layout["plot_bgcolor"] = OUTSIDE
    return go.Figure(trace, layout | axes)


def product_figure(
    values: torch.Tensor,
    columns: range,
    *,
    output_width: int,
    limit: float | None = None,
    title: str = "Output as a matrix",
    name: str = "product",
    panel_width: int = PANEL_WIDTH,
) -> go.Figure:
    """Draw (F, n) outputs: one row a filter, one column an output position of `columns`.

    Colours run from -limit to limit, else to the largest magnitude shown. Of more filters the first
    64 are shown, and the title says so. Raises `InputError` where the sizes do not agree.

    >>> product_figure(torch.ones(2, 3), range(4, 7), output_width=5).layout.xaxis.ticktext
    ('0, 4', '1, 0', '1, 1')
    """
    outputs = plottable(values, "values", 2).float()
    if len(columns) != outputs.shape[1]:
        raise InputError(
            f"{len(columns)} column numbers are given for outputs of shape {tuple(outputs.shape)}.",
            remedy="Number every column",
        )
    shown = outputs[:MOST_FILTERS]
    rows = range(len(shown))
    bound = limit or symmetric_limit(shown)
    span = f"columns {columns[0]:,} to {columns[-1]:,}"
    sentence = f"{title}, {len(outputs):,} filters, {span}"
    sentence += _cropped((len(outputs), 1), (len(shown), 1)) + not_finite_note(shown)
    alt = f"{sentence}. Colours run from {number(-bound)} (blue) to {number(bound)} (orange)."
    trace = heatmap(
        shown,
        range_cells(rows, columns),
        scale=DIVERGING,
        limits=(-bound, bound),
        hover="filter %{y:d}, column %{x:d}: %{z:.6~g}",
        text=fitting_text(shown, len(columns), panel_width),
        bar={"nticks": 4},
    )
    outputs_at = output_ticks(columns, output_width)
    axes = matrix_axes(rows, columns, _filters(rows), outputs_at, ("Filter", OUTPUT_AXIS))
    return go.Figure(trace, base_layout(sentence, name=name, alt=alt) | axes)


def _block_diagonal(weights: torch.Tensor, groups: int, shown: tuple[int, int]) -> torch.Tensor:
    """Return the shown corner of the block-diagonal matrix, without building the rest."""
    matrix = torch.full(shown, torch.nan)
    filters, width = len(weights) // groups, weights.shape[1]
    for group in range(groups):
        top, left = group * filters, group * width
        if top >= shown[0] or left >= shown[1]:
            break
        block = weights[top : min(top + filters, shown[0]), : shown[1] - left]
        matrix[top : top + block.shape[0], left : left + block.shape[1]] = block
    return matrix


def _filters(rows: range) -> Ticks:
    return Ticks(list(rows), [str(row) for row in rows]).thinned(12)


def _blocks(groups: int) -> str:
    return f", {groups} groups as blocks" if groups > 1 else ""


def _cropped(full: tuple[int, int], shown: tuple[int, int]) -> str:
    parts = [
        f"first {shown[axis]:,} of {full[axis]:,} {noun}"
        for axis, noun in enumerate(("filters", "weights"))
        if shown[axis] < full[axis]
    ]
    return f"; {' and '.join(parts)} shown" if parts else ""


def _meaning(groups: int) -> str:
    if groups == 1:
        return "Each row is one filter."
    return (
        "Each row is one filter, blank outside its block, since a group reads only its own "
        "channels."
    )
