"""The output size as arithmetic: the formula of each axis with its numbers in it."""

import streamlit as st

from rfviz.ui.sidebar.hiding import hidden, reveal
from rfviz.ui.sidebar.inputs import Inputs


def output_size_line(inputs: Inputs) -> None:
    """Write how the output size comes about, row axis and column axis.

    Source: Dumoulin & Visin, arXiv:1603.07285, relationship 15, as in the documentation of
    ``nn.Conv2d``.
    """
    lines = [_axis(inputs, axis, name) for axis, name in enumerate(("rows", "columns"))]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Output size: {lines[0]}, {lines[1]}.")
        if hidden("size"):
            st.button("Reveal", key="reveal-size", on_click=reveal, args=("size",))


def _axis(inputs: Inputs, axis: int, name: str) -> str:
    spec = inputs.spec
    before, after = spec.pads[axis]
    size, kernel = inputs.picture.size[axis], spec.kernel_size[axis]
    reach = f"{spec.dilation[axis]}·({kernel} − 1)"
    formula = f"⌊({size:,} + {before} + {after} − {reach} − 1) / {spec.stride[axis]}⌋ + 1"
    answer = "?" if hidden("size") else f"{inputs.output_size[axis]:,}"
    return f"`{formula} = {answer}` {name}"
