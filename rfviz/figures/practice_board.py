"""A small map to click on: cells of a picture and its padding, or of an output."""

from collections.abc import Sequence

import plotly.graph_objects as go
import torch

from rfviz.conv.practice.question import Board
from rfviz.conv.wording import by
from rfviz.figures.axes import cells, map_axes
from rfviz.figures.marked_picture import NamedBox, with_boxes
from rfviz.figures.raster import heatmap
from rfviz.figures.style import base_layout

PADDING, PICTURE = "rgba(128,128,128,0.25)", "#8DBBDF"


def board_figure(
    board: Board, clicked: Sequence[tuple[int, int]], answer: Sequence[int] | None = None
) -> go.Figure:
    """Draw the board with a box of what is clicked, and a dashed one of the answer where told.

    Cells of the padding are grey; clicked cells are (row, column).

    >>> board = Board("Input", range(-1, 3), range(-1, 4), (2, 3), 2)
    >>> figure = board_figure(board, [(0, 1)])
    >>> figure.data[0].z.tolist()[1], figure.layout.shapes[0].y1
    ([0.0, 1.0, 1.0, 1.0, 0.0], 0.5)
    """
    height, width = board.size
    inside = torch.tensor([0 <= row < height for row in board.rows])[:, None] & torch.tensor(
        [0 <= column < width for column in board.columns]
    )
    word = board.name.lower()
    trace = heatmap(
        inside.float(),
        cells(board.rows[0], board.columns[0], (1, 1)),
        scale=((0.0, PADDING), (1.0, PICTURE)),
        limits=(0.0, 1.0),
        hover=f"{word} row %{{y:d}}, column %{{x:d}}",
    ).update(xgap=1, ygap=1)
    title = f"{board.name} of {by(board.size)}"
    title += ", padding in grey" if not bool(inside.all()) else ""
    alt = f"{title}. {_words(clicked, answer)}"
    layout = base_layout(title, name="practice_board", alt=alt) | map_axes(
        board.name,
        (board.rows[0], board.rows[-1]),
        (board.columns[0], board.columns[-1]),
    )
    # The first corner alone is a rectangle too, until the other one is there.
    given = board.answer(clicked) or (clicked[0] if clicked else None)
    boxes = [] if given is None else [_box(given)]
    if answer is not None:
        boxes.append(_box(answer)._replace(dashed=True))
    return with_boxes(go.Figure(trace, layout), boxes)


def _box(answer: Sequence[int]) -> NamedBox:
    """The box of an answer: a cell, or a rectangle by its corners."""
    top, left = answer[:2]
    bottom, right = answer[2:] or answer[:2]
    return NamedBox("", range(top, bottom + 1), range(left, right + 1))


def _words(clicked: Sequence[tuple[int, int]], answer: Sequence[int] | None) -> str:
    told = f" The right answer is {tuple(answer)}." if answer is not None else ""
    if not clicked:
        return f"Nothing is clicked yet.{told}"
    return f"Clicked: {' and '.join(map(str, clicked))}.{told}"
