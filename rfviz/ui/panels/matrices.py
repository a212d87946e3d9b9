"""The matrices as panels: the weights, some columns, their product. Every page draws them here."""

from typing import Any

from rfviz.conv.matmul.product_window import ProductWindow, product_window
from rfviz.explorer.components import show_panel
from rfviz.figures.columns import column_window_figure
from rfviz.figures.weights import product_figure, weight_matrix_figure
from rfviz.ui.panels.maps import MOST_CELLS, columns_around
from rfviz.ui.panels.position import Chosen
from rfviz.ui.sidebar.hiding import hidden_panel
from rfviz.ui.sidebar.inputs import Inputs

ROW_HEIGHT = 36
# Columns around the chosen one that the stage gets, at the least and at the most, and entries.
FEWEST_COLUMNS, MOST_COLUMNS, MOST_SENT = 48, 160, 60_000
ENDS = 110  # pixels: title and axis above and below the rows


def matrix_names(inputs: Inputs) -> dict[str, Any]:
    """What a figure of the column matrix needs to name its rows and columns."""
    return {
        "kernel_size": inputs.spec.kernel_size,
        "n_channels": inputs.picture.n_channels,
        "output_width": inputs.output_size[1],
        "pixel_range": inputs.pixel_range,
    }


def product_around(inputs: Inputs, chosen: Chosen, length: int) -> ProductWindow:
    """The columns around the chosen output's, and the weight matrix times them, group by group."""
    shown = columns_around(inputs, chosen, length)
    entries = inputs.values(inputs.columns[:, shown.start : shown.stop])
    return product_window(inputs.weight, inputs.bias, entries, shown, inputs.spec.groups)


def columns_on_stage(inputs: Inputs, chosen: Chosen) -> ProductWindow:
    """As many columns around the chosen output's as a wide stage can show, fewer of tall ones."""
    fitting = MOST_SENT // inputs.columns.shape[0]
    return product_around(inputs, chosen, max(FEWEST_COLUMNS, min(MOST_COLUMNS, fitting)))


def show_weights(inputs: Inputs, *, height: int) -> None:
    """The panel ``weights``, as high as its rows need: a filter a row, groups as blocks."""
    figure = weight_matrix_figure(
        inputs.weight.flatten(1),
        groups=inputs.spec.groups,
        kernel_size=inputs.spec.kernel_size,
        n_channels=inputs.picture.n_channels,
    )
    show_panel(figure, name="weights", height=_needed(inputs, height), kind="weights")


def show_columns(inputs: Inputs, shown: range, *, height: int) -> None:
    """The panel ``columns``: all rows of the columns shown, of very many the first."""
    rows = range(min(inputs.columns.shape[0], MOST_CELLS // len(shown)))
    entries = inputs.columns[: rows.stop, shown.start : shown.stop]
    # Bytes are sent as they are; numbers only where pixels are read as numbers.
    entries = entries if inputs.choices.divisor == 1 else inputs.values(entries)
    figure = column_window_figure(
        entries, rows, shown, title=_title(inputs, rows), **matrix_names(inputs)
    )
    show_panel(figure, name="columns", height=height, kind="columns")


def _title(inputs: Inputs, rows: range) -> str:
    n_rows = inputs.columns.shape[0]
    return "Columns" if len(rows) == n_rows else f"The first {len(rows):,} of {n_rows:,} rows"


def show_product(inputs: Inputs, product: ProductWindow, *, height: int) -> None:
    """The panel ``product``: a filter a row, as high as in ``weights``; an output a column."""
    figure = product_figure(product.outputs, product.columns, output_width=inputs.output_size[1])
    show_panel(
        figure, name="product", height=_needed(inputs, height), kind="product",
        **hidden_panel("product"),
    )  # fmt: skip


def _needed(inputs: Inputs, height: int) -> int:
    """Pixels for a row a filter, at most ``height``."""
    return min(height, ENDS + ROW_HEIGHT * len(inputs.weight))
