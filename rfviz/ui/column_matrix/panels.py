"""The column matrix as numbers and windows: which columns are shown, which entries are a pixel."""

from typing import NamedTuple

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.im2col.bins import mean_of_bins
from rfviz.conv.im2col.reads import reads_per_axis
from rfviz.conv.memory import readable_bytes
from rfviz.explorer.scene import Mark
from rfviz.ui.panels.linked import cell
from rfviz.ui.panels.maps import around
from rfviz.ui.panels.position import Chosen, choose
from rfviz.ui.sidebar.hiding import hidden, hidden_here
from rfviz.ui.sidebar.inputs import Inputs

LARGEST_WINDOW = 1200
LARGEST_OVERVIEW = 363, 600
LARGEST_MAP = 256
MOST_LISTED = 5000


def figures_row(inputs: Inputs) -> None:
    """The matrix in numbers: shape, entries, bytes, and how much larger than the picture it is."""
    if hidden_here("matrix size"):
        return
    columns = inputs.columns
    rows, count = columns.shape
    n_bytes = columns.n_bytes(inputs.dtype)
    facts = {
        "Shape": f"{rows:,} × {count:,}",
        "Entries": f"{columns.n_entries:,}",
        f"If materialised, {inputs.choices.dtype_name}": readable_bytes(n_bytes),
        "Times the picture": f"{columns.n_entries / columns.image.numel():.3g}",
    }
    for place, (label, value) in zip(st.columns(4), facts.items(), strict=True):
        place.metric(label, value)


def column_sentence(inputs: Inputs, chosen: Chosen) -> str:
    """Say which column is the chosen output's, and how its number comes about.

    The width of the output is an answer, and so is a number made of it.
    """
    if hidden("size"):
        return f"Output ({chosen.row:,}, {chosen.column:,}) is one column of the matrix: which?"
    column = inputs.columns.column_index(*chosen.output)
    width = inputs.output_size[1]
    return (
        f"Output ({chosen.row:,}, {chosen.column:,}) is **column {column:,}** of the matrix: "
        f"{chosen.row:,} · {width:,} + {chosen.column:,}, counted from 0."
    )


def window_columns(inputs: Inputs, chosen: Chosen, length: int) -> range:
    """The columns shown: those around the chosen output's."""
    column = inputs.columns.column_index(*chosen.output)
    return around(column, inputs.columns.shape[1], length)


def height_of(n_rows: int) -> int:
    """Pixels for a panel of so many matrix rows: enough to read few, bounded for many."""
    return 110 + max(150, min(560, 22 * n_rows))


def overview_size(inputs: Inputs) -> tuple[int, int]:
    """Bins of the overview: one an entry where all of them fit."""
    rows, columns = inputs.columns.shape
    bins = columns if columns <= LARGEST_WINDOW else LARGEST_OVERVIEW[1]
    return min(rows, LARGEST_OVERVIEW[0]), bins


class PixelChoice(NamedTuple):
    """An input pixel and every entry of the matrix that is a copy of it, (n, 2) int64."""

    row: int
    column: int
    entries: Tensor

    @property
    def outputs(self) -> Tensor:
        """The columns that hold it, each once."""
        outputs: Tensor = torch.unique(self.entries[:, 1])
        return outputs


def pixel_choice(inputs: Inputs, row: int, column: int) -> PixelChoice:
    """All copies of one pixel of the picture, in every channel."""
    return PixelChoice(row, column, inputs.columns.entries_of_pixel(row, column))


def copies_marks(pixel: PixelChoice, shown: range) -> list[Mark]:
    """The copies of a pixel among the columns shown."""
    inside = (pixel.entries[:, 1] >= shown.start) & (pixel.entries[:, 1] < shown.stop)
    boxes = [cell(row, column) for row, column in pixel.entries[inside][:MOST_LISTED].tolist()]
    return [Mark("copies", boxes)] if boxes else []


def show_copies(inputs: Inputs, pixel: PixelChoice) -> None:
    """Say how often a pixel was copied, and list where; choosing a line goes to its output."""
    if hidden_here("copies"):
        return
    n_outputs, n_entries = len(pixel.outputs), len(pixel.entries)
    st.markdown(
        f"Pixel ({pixel.row:,}, {pixel.column:,}) is read by **{n_outputs:,}** outputs and stands "
        f"**{n_entries:,}** times in the column matrix."
    )
    if not n_entries:
        return
    table = copies_table(inputs, pixel)

    def go_there() -> None:
        rows = st.session_state["copies"].selection.rows
        if rows:
            choose(table["output row"][rows[0]], table["output column"][rows[0]])

    st.dataframe(
        table,
        hide_index=True,
        height=min(260, 38 + 35 * n_entries),
        key="copies",
        on_select=go_there,
        selection_mode="single-row",
    )
    if n_entries > MOST_LISTED:
        st.caption(f"The first {MOST_LISTED:,} of {n_entries:,} entries are listed.")


def copies_table(inputs: Inputs, pixel: PixelChoice) -> dict[str, list[int]]:
    """One line an entry that is this pixel: where it is, its tap and its output."""
    entries = pixel.entries[:MOST_LISTED]
    height, width = inputs.spec.kernel_size
    tap = entries[:, 0] % (height * width)
    return {
        "matrix row": entries[:, 0].tolist(),
        "matrix column": entries[:, 1].tolist(),
        "channel": (entries[:, 0] // (height * width)).tolist(),
        "kernel row": (tap // width).tolist(),
        "kernel column": (tap % width).tolist(),
        "output row": (entries[:, 1] // inputs.output_size[1]).tolist(),
        "output column": (entries[:, 1] % inputs.output_size[1]).tolist(),
    }


class ReadsMap(NamedTuple):
    """Mean reads of each bin of pixels, (h, w); ``step`` pixels a bin; pixels never read."""

    means: Tensor
    step: tuple[float, float]
    n_never: int
    most: int


def reads_map(inputs: Inputs) -> ReadsMap:
    """How many outputs read each pixel, exactly, from the counts of each axis."""
    size = inputs.picture.size
    rows, columns = reads_per_axis(size, inputs.spec)
    height, width = (min(side, LARGEST_MAP) for side in size)
    # The mean of a product of two axes over a bin is the product of the means.
    down = mean_of_bins(rows[:, None], height, 1)[:, 0]
    across = mean_of_bins(columns[None], 1, width)[0]
    read = int((rows > 0).sum()) * int((columns > 0).sum())
    return ReadsMap(
        down[:, None] * across,
        (size[0] / height, size[1] / width),
        size[0] * size[1] - read,
        int(rows.max()) * int(columns.max()),
    )


def never_read_sentence(inputs: Inputs, n_never: int) -> str:
    """Say how many pixels no output reads, or that there are none."""
    total = inputs.picture.size[0] * inputs.picture.size[1]
    if not n_never:
        return "Every pixel is read by at least one output."
    return (
        f"{n_never:,} of {total:,} pixels ({n_never / total:.1%}) are never read: the strides "
        "step over them, or they lie beyond the last receptive field."
    )


def window_mark(n_rows: int, shown: range) -> Mark:
    """The columns that the window shows, as a box in the overview."""
    return Mark("window", [(shown.start - 0.5, -0.5, shown.stop - 0.5, n_rows - 0.5)])
