"""The column matrix as files to take away: the window that is shown, and all of a small one."""

from collections.abc import Callable
from functools import partial

import streamlit as st
from torch import Tensor

from rfviz.conv.memory import readable_bytes
from rfviz.conv.wording import channel_name
from rfviz.io.weights.write import matrix_csv, npy_of, safetensors_of
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.hiding import hidden
from rfviz.ui.sidebar.inputs import Inputs

# Of a file that is written in one go: some megabytes.
MOST_ENTRIES = 1_000_000


def show_files(inputs: Inputs, shown: range) -> None:
    """Buttons that download the columns shown, and the whole matrix where it is small enough."""
    if hidden("matrix size"):
        return
    rows, count = inputs.columns.shape
    st.caption(
        f"The columns shown as a file: {rows:,} × {len(shown):,}, {inputs.choices.dtype_name}, "
        f"columns {shown.start:,} to {shown.stop - 1:,}."
    )
    _buttons(inputs, shown, f"columns-{shown.start}-{shown.stop - 1}")
    if len(shown) == count:
        return
    if rows * count > MOST_ENTRIES:
        n_bytes = readable_bytes(inputs.columns.n_bytes(inputs.dtype))
        st.caption(
            f"All of it would be {rows:,} × {count:,} entries, {n_bytes}; one file holds at most "
            f"{MOST_ENTRIES:,}. Take it in parts by the window above, or read "
            "rfviz.ColumnMatrix in Python, which holds none of them."
        )
        return
    st.caption(f"The whole matrix as a file: {rows:,} × {count:,}.")
    _buttons(inputs, range(count), "columns")


def matrix_part(inputs: Inputs, shown: range) -> Tensor:
    """All rows of some columns, (rows, columns), as the numbers that are computed with."""
    return inputs.values(inputs.columns[:, shown.start : shown.stop])


def part_csv(inputs: Inputs, shown: range) -> bytes:
    """A .csv file of some columns: rows named by their tap, columns by their output."""
    width = inputs.output_size[1]
    height, across = inputs.spec.kernel_size
    n_channels = inputs.picture.n_channels
    rows = [
        f"{channel_name(channel, n_channels)} tap ({row}, {column})"
        for channel in range(n_channels)
        for row in range(height)
        for column in range(across)
    ]
    columns = [f"output ({each // width}, {each % width})" for each in shown]
    return matrix_csv(matrix_part(inputs, shown), rows, columns)


def _buttons(inputs: Inputs, shown: range, name: str) -> None:
    writers: dict[str, Callable[[], bytes]] = {
        "npy": lambda: npy_of(matrix_part(inputs, shown)),
        "csv": partial(part_csv, inputs, shown),
        "safetensors": lambda: safetensors_of(matrix_part(inputs, shown), "columns"),
    }
    with st.container(horizontal=True, gap="small"):
        for ending, write in writers.items():
            st.download_button(
                as_text(f".{ending}"),
                # Written when it is asked for.
                write,
                icon=":material/download:",
                file_name=f"{name}.{ending}",
                mime="text/csv" if ending == "csv" else "application/octet-stream",
                key=f"{'whole' if name == 'columns' else 'window'}-{ending}",
                help=as_text(f"Download {name} as .{ending}"),
            )
