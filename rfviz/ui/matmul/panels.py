"""The convolution as a product of matrices around the chosen output, and what both ways give."""

import streamlit as st
import torch

from rfviz.conv.matmul.matmul import BLOCK_BYTES
from rfviz.conv.matmul.strip_comparison import ComparisonTotals
from rfviz.conv.memory import readable_bytes
from rfviz.ui.panels.receptive_field import number
from rfviz.ui.sidebar.hiding import hidden, hidden_here
from rfviz.ui.sidebar.inputs import Inputs


def shapes_line(inputs: Inputs) -> None:
    """Write the product with its shapes."""
    if hidden_here("shapes"):
        return
    n_filters = inputs.weight.shape[0]
    rows, count = inputs.columns.shape
    plus = " + bias" if inputs.bias is not None else ""
    groups = inputs.spec.groups
    size = f"({n_filters:,}, {inputs.output_size[0]:,}, {inputs.output_size[1]:,})"
    st.markdown(
        f"`({n_filters:,} × {rows:,}) · ({rows:,} × {count:,}){plus} = "
        f"({n_filters:,} × {count:,})`, reshaped to `{size}`."
        + (f" {groups} groups: the weight matrix has {groups} blocks." if groups > 1 else "")
    )


def verdict(inputs: Inputs, totals: ComparisonTotals) -> None:
    """Say how far the two ways are apart, by which measure, where, and at what cost."""
    if hidden_here("verdict"):
        return
    agree = "agree" if totals.allclose else "do not agree"
    tolerances = totals.tolerances
    text = (
        f"The matmul and nn.Conv2d {agree} on all {totals.n_outputs:,} outputs: "
        f"allclose is {totals.allclose} with rtol {tolerances.rtol:.3g} and "
        f"atol {tolerances.atol:.3g}."
    )
    (st.success if totals.allclose else st.error)(text)
    facts = {
        "Largest absolute error": number(totals.max_abs_error),
        "Of what rounding may do there": f"{_share_of_bound(totals):.2%}",
        "ULP, far from 0": _ulps(totals),
        "Outputs that differ": f"{totals.n_different:,}",
    }
    for place, (label, value) in zip(st.columns(4), facts.items(), strict=True):
        place.metric(label, value)
    if totals.max_abs_error > 0:
        filter_index, row, column = totals.worst_index
        ours, theirs = totals.worst_values
        st.markdown(
            f"The largest error is at filter {filter_index}, output ({row:,}, {column:,}): "
            f"{ours!r} by matmul, {theirs!r} by `nn.Conv2d`."
        )
    if not totals.mean_by_conv2d.isfinite().all():
        largest = torch.finfo(inputs.dtype).max
        st.warning(
            f"Some outputs are beyond {inputs.choices.dtype_name}, whose largest number is "
            f"{largest:,.6g}: infinite, or no number at all. Use float32 to see them."
        )
    st.markdown(_why(inputs, totals))


def _ulps(totals: ComparisonTotals) -> str:
    """Units in the last place of outputs far from 0; near it they mean nothing."""
    found = totals.max_ulp_far_from_zero
    return "none far from 0" if found is None else f"{found:,}"


def _share_of_bound(totals: ComparisonTotals) -> float:
    """The largest error, as a share of what allclose grants at that output; 0 without an error."""
    if not totals.max_abs_error > 0:
        return 0.0
    granted = totals.tolerances.atol + totals.tolerances.rtol * abs(totals.worst_values[1])
    return totals.max_abs_error / granted if granted else float("inf")


def _why(inputs: Inputs, totals: ComparisonTotals) -> str:
    name = inputs.choices.dtype_name
    if totals.n_different == 0:
        return (
            f"Not one output differs: here every sum is exact in {name}, or both ways happen to "
            "round alike."
        )
    return (
        f"Both ways add the same products, but in another order, and {name} rounds after every "
        "addition: sums of many terms differ in their last digits. That is no error of either. "
        "The bound is what allclose grants at that output, atol + rtol · |nn.Conv2d|; atol is "
        "twice what the rounding of such a sum can come to. "
        "Where large products cancel to an output near 0, ULP say nothing: floats lie so close "
        "together there that a tiny difference is millions of them. The share of the bound counts."
    )


def cost_table(inputs: Inputs, totals: ComparisonTotals) -> None:
    """Seconds and memory of each way, side by side."""
    if hidden("verdict"):
        return
    n_bytes = inputs.columns.n_bytes(inputs.dtype)
    output = totals.n_outputs * inputs.dtype.itemsize
    st.dataframe(
        {
            "way": ["matmul, in blocks", "nn.Conv2d, in strips", "nn.Unfold, then matmul"],
            "seconds": [f"{totals.seconds_matmul:.3f}", f"{totals.seconds_conv2d:.3f}", "not run"],
            "memory beside picture and output": [
                readable_bytes(min(BLOCK_BYTES, n_bytes)),
                "torch's own",
                readable_bytes(n_bytes),
            ],
        },
        hide_index=True,
    )
    st.caption(
        f"Measured in this run on this server. The whole output in {inputs.choices.dtype_name} "
        f"would be {readable_bytes(output)}; both ways are compared strip by strip, and only the "
        "maps above are kept."
    )
