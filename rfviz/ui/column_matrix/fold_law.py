"""fold(unfold(x)) = x times the reads of each pixel, shown on a crop of the picture."""

from typing import NamedTuple

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.fold import fold
from rfviz.conv.im2col.reads import reads_per_pixel
from rfviz.explorer.components import show_panel
from rfviz.figures.pixels import pixels_figure
from rfviz.ui.panels.maps import around
from rfviz.ui.panels.position import Chosen
from rfviz.ui.sidebar.inputs import Inputs

LAW_SIZE = 24


class FoldLaw(NamedTuple):
    """A small crop x, fold(unfold(x)), x times its reads, and the largest difference."""

    picture: Tensor
    folded: Tensor
    reads: Tensor
    error: float
    rows: range
    columns: range


def fold_law(inputs: Inputs, chosen: Chosen) -> FoldLaw | None:
    """fold(unfold(x)) beside x times reads on a crop around the chosen receptive field.

    The crop is taken as a picture of its own; None where the spec does not fit so small a one.
    """
    rows, columns = _crop(inputs, chosen)
    crop = inputs.picture.pixels[:1, rows.start : rows.stop, columns.start : columns.stop]
    picture, size = crop.to(torch.float64), (len(rows), len(columns))
    try:
        matrix = ColumnMatrix(picture, inputs.spec)
    except InputError:
        return None
    folded = fold(matrix.dense(), size, inputs.spec)
    reads = reads_per_pixel(size, inputs.spec)
    error = (folded - picture * reads).abs().max().item()
    return FoldLaw(picture[0], folded[0], reads, error, rows, columns)


def _crop(inputs: Inputs, chosen: Chosen) -> tuple[range, range]:
    """Rows and columns around the chosen receptive field, a little more than it spans."""
    field = inputs.spec.receptive_field(chosen.output)
    rows, columns = (
        around(taps[len(taps) // 2], size, max(LAW_SIZE, reach + 16))
        for taps, size, reach in zip(
            (field.rows, field.columns),
            inputs.picture.size,
            inputs.spec.effective_kernel_size,
            strict=True,
        )
    )
    return rows, columns


def show_law(inputs: Inputs, chosen: Chosen) -> None:
    """Show x, how often each pixel is read, and fold(unfold(x)), and say whether the law holds."""
    st.markdown(
        "**Unfold** copies each pixel once for every output that reads it; **fold** adds the "
        "copies up again. So folding what was unfolded gives the picture times its reads, not the "
        "picture."
    )
    law = fold_law(inputs, chosen)
    if law is None:
        st.info("The padding is larger than the small crop that is shown here.")
        return
    panels = (
        ("law-x", "x", law.picture),
        ("law-reads", "Reads", law.reads),
        ("law-fold", "fold(unfold(x))", law.folded),
    )
    for place, (name, title, values) in zip(st.columns(3), panels, strict=True):
        figure = pixels_figure(values, top=law.rows[0], left=law.columns[0], title=title, name=name)
        with place:
            show_panel(figure, name=name, height=300, size=(len(law.rows), len(law.columns)))
    st.markdown(
        f"Largest difference between fold(unfold(x)) and x · reads, in float64: `{law.error:g}`. "
        f"The crop has rows {law.rows[0]:,} to {law.rows[-1]:,} and columns {law.columns[0]:,} to "
        f"{law.columns[-1]:,} of the first channel, taken as a picture of its own."
    )
