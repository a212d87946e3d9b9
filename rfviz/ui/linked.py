"""Highlights: which boxes of which panel belong to the chosen output."""

from collections.abc import Mapping, Sequence
from typing import Literal

from rfviz.conv.spec import ReceptiveField
from rfviz.explorer.mount import (
    Awaited,
    Box,
    Click,
    Listeners,
    Mark,
    Position,
    conduct,
)
from rfviz.ui.field_view import FieldView, number
from rfviz.ui.inputs import Inputs
from rfviz.ui.position import Chosen, choose, choose_pixel

MOST_TAPS = 400


def cell(row: float, column: float) -> Box:
    """The box of one cell: n covers n - 0.5 to n + 0.5."""
    return (column - 0.5, row - 0.5, column + 0.5, row + 0.5)


def span(rows: range, columns: range) -> Box:
    """The box around all cells of some rows and columns."""
    return (columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5)


def cell_mark(row: int, column: int) -> Mark:
    """The chosen cell of a map."""
    return Mark("chosen", [cell(row, column)])


def column_mark(column: int, n_rows: int) -> Mark:
    """One whole column of a matrix."""
    return Mark("chosen", [(column - 0.5, -0.5, column + 0.5, n_rows - 0.5)])


def row_mark(row: int, n_columns: int) -> Mark:
    """One whole row of a matrix."""
    return Mark("chosen", [(-0.5, row - 0.5, n_columns - 0.5, row + 0.5)])


def field_marks(field: ReceptiveField) -> list[Mark]:
    """The receptive field as a box, and its taps where they are apart."""
    marks = [Mark("chosen", [span(field.rows, field.columns)])]
    n_taps = len(field.rows) * len(field.columns)
    if (field.rows.step > 1 or field.columns.step > 1) and n_taps <= MOST_TAPS:
        marks.append(Mark("taps", [cell(row, column) for row in field.rows for column in field.columns]))
    return marks


def padding_mark(inputs: Inputs) -> list[Mark]:
    """The padding as a hatched frame around the picture."""
    (top, bottom), (left, right) = inputs.spec.pads
    if not any((top, bottom, left, right)):
        return []
    height, width = inputs.picture.size
    outer = (-left - 0.5, -top - 0.5, width + right - 0.5, height + bottom - 0.5)
    inner = (-0.5, -0.5, width - 0.5, height - 0.5)
    return [Mark("padding", [outer], kind="frame", inner=inner)]


def nearest_output(inputs: Inputs, row: int, column: int) -> tuple[int, int]:
    """The output whose receptive field has its centre nearest to an input pixel."""
    place = []
    for axis, pixel in enumerate((row, column)):
        reach = inputs.spec.effective_kernel_size[axis]
        start = pixel + inputs.spec.pads[axis][0] - (reach - 1) / 2
        nearest = round(start / inputs.spec.stride[axis])
        place.append(max(0, min(inputs.output_size[axis] - 1, nearest)))
    return place[0], place[1]


def conduct_page(
    inputs: Inputs,
    chosen: Chosen,
    view: FieldView,
    marks: Mapping[str, Sequence[Mark]],
    clicks: Mapping[str, Literal["output", "input", "pixel", "column"]],
    awaited: Mapping[str, Awaited] | None = None,
) -> None:
    """Mount the conductor; ``clicks`` says what a cell of each panel stands for: an output, an
    input pixel to centre a receptive field on, a pixel to look for, a column of the matrix.
    """

    def on_click(click: Click) -> None:
        kind = clicks[click.panel]
        if kind == "output":
            choose(click.row, click.column)
        elif kind == "pixel":
            choose_pixel(click.row, click.column)
        elif kind == "input":
            choose(*nearest_output(inputs, click.row, click.column))
        else:
            choose(*divmod(max(0, click.column), inputs.output_size[1]))

    height, width = inputs.output_size
    sentence = (
        f"Output row {chosen.row:,}, column {chosen.column:,} of {height:,} × {width:,}: "
        f"{number(view.by_conv2d)}"
    )
    position = Position(*chosen.output, inputs.output_size, view.by_conv2d, sentence)
    conduct(position, marks, Listeners(on_click, choose, tuple(clicks)), awaited=awaited)
