"""The column matrix as numbers and windows: which columns are shown, which entries are a pixel."""

from typing import NamedTuple

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.im2col.reads import reads_per_axis, runs_of_equal
from rfviz.conv.memory import readable_bytes
from rfviz.explorer.scene import Mark
from rfviz.ui.panels.linked import cell
from rfviz.ui.panels.maps import around, columns_around
from rfviz.ui.panels.position import Chosen, choose
from rfviz.ui.sidebar.hiding import hidden, hidden_here
from rfviz.ui.sidebar.inputs import Inputs

LARGEST_WINDOW = 1200
LARGEST_OVERVIEW = 363, 600
LARGEST_MAP = 256
# Along each side; every block of pixels is named on hover.
MOST_BLOCKS = 64
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
    return columns_around(inputs, chosen, length)


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
    """Say how often a pixel was copied, and list where; a ticked line offers its output."""
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

    ticked = st.dataframe(
        table,
        hide_index=True,
        height=min(260, 38 + 35 * n_entries),
        key="copies",
        on_select="rerun",
        selection_mode="single-row",
    )["selection"]["rows"]
    _offer_output(table, ticked)
    if n_entries > MOST_LISTED:
        st.caption(f"The first {MOST_LISTED:,} of {n_entries:,} entries are listed.")


def _offer_output(table: dict[str, list[int]], ticked: list[int]) -> None:
    """A button for the output of a ticked copy: to look at a copy moves nothing by itself."""
    if not ticked or ticked[0] >= len(table["output row"]):
        return
    row, column = (table[name][ticked[0]] for name in ("output row", "output column"))
    st.button(
        f"Choose output ({row:,}, {column:,}), which reads this copy",
        key="copy-output", icon=":material/my_location:", on_click=choose, args=(row, column),
    )  # fmt: skip


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
    """Exact reads, (h, w): of pixels from (top, left) on, or with ``edges`` of blocks of pixels.

    ``n_never`` pixels of the whole picture are never read, and the largest count is ``most``.
    """

    counts: Tensor
    top: int
    left: int
    edges: tuple[list[int], list[int]] | None
    n_never: int
    most: int

    @property
    def is_part(self) -> bool:
        """Whether it may lack a part of the picture."""
        return self.edges is None


def reads_map(inputs: Inputs, pixel: tuple[int, int]) -> ReadsMap:
    """How many outputs read each pixel, exactly, from the counts of each axis.

    A large picture is shown as blocks of equal counts, or where these are too many, as a part
    around a pixel: small counts side by side would average to one that no pixel has.
    """
    size = inputs.picture.size
    rows, columns = reads_per_axis(size, inputs.spec)
    read = int((rows > 0).sum()) * int((columns > 0).sum())
    facts = (size[0] * size[1] - read, int(rows.max()) * int(columns.max()))
    if max(size) <= LARGEST_MAP:
        return ReadsMap(rows[:, None] * columns, 0, 0, None, *facts)
    edges = (runs_of_equal(rows), runs_of_equal(columns))
    if max(map(len, edges)) <= MOST_BLOCKS + 1:
        counts = rows[edges[0][:-1]][:, None] * columns[edges[1][:-1]]
        return ReadsMap(counts, 0, 0, edges, *facts)
    down, across = (around(*each, LARGEST_MAP) for each in zip(pixel, size, strict=True))
    counts = rows[down.start : down.stop, None] * columns[across.start : across.stop]
    return ReadsMap(counts, down.start, across.start, None, *facts)


def reads_sentence(inputs: Inputs, reads: ReadsMap) -> str:
    """Say which part is shown where it is not all, and how many pixels no output reads."""
    height, width = reads.counts.shape
    said = never_read_sentence(inputs, reads.n_never)
    if not reads.is_part or (height, width) == inputs.picture.size:
        return said
    return (
        f"{said} Shown are {height:,} × {width:,} pixels around the chosen pixel, count by count; "
        f"their mean would be a number that no pixel has. The largest count is {reads.most:,}."
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
