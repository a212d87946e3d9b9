"""The filters in words and numbers: size, likeness, which are dead, what frequencies they pass."""

from typing import Any, NamedTuple

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.filters.facts import (
    AlikePair,
    FilterFacts,
    filter_facts,
    frequency_response,
    near_duplicates,
)
from rfviz.conv.wording import channel_name
from rfviz.ui.panels.maps import around
from rfviz.ui.panels.receptive_field import number
from rfviz.ui.sidebar.inputs import Inputs

MOST_PAIRS = 100
MOST_LINES = 1000  # of the table of filters, which is sent to the browser at every rerun
MOST_NAMED = 12
TOGETHER = "all together"


def facts_of(inputs: Inputs) -> FilterFacts:
    """Sums, norms and nearest neighbours of the filters."""
    return filter_facts(inputs.weight)


def shape_line(inputs: Inputs) -> None:
    """Write how many filters there are, of what, and how many numbers that makes."""
    filters, channels, height, width = inputs.weight.shape
    bias = ", a bias for each" if inputs.bias is not None else ""
    st.markdown(
        f"`weight`: **{filters:,}** filter{'s' * (filters > 1)} of "
        f"**{channels:,} × {height} × {width}** (channels, height, width), "
        f"{inputs.weight.numel():,} weights in {inputs.choices.dtype_name}{bias}."
    )


def show_facts(facts: FilterFacts, chosen: int) -> None:
    """The table of all filters, of many those around the chosen one; a line chooses its filter."""
    shown = around(chosen, len(facts.total), MOST_LINES)
    table = facts_table(facts, shown)

    def choose_filter() -> None:
        rows = st.session_state["facts"].selection.rows
        if rows:
            st.session_state["filter"] = shown[rows[0]]

    st.dataframe(
        table,
        hide_index=True,
        height=min(400, 38 + 35 * len(table["filter"])),
        key="facts",
        on_select=choose_filter,
        selection_mode="single-row",
        column_config={
            name: st.column_config.NumberColumn(format="%.4g")
            for name in ("sum", "mean", "L1 norm", "L2 norm", "least", "largest", "cosine")
        },
    )
    if len(shown) < len(facts.total):
        st.caption(
            f"Filters {shown[0]:,} to {shown[-1]:,} of {len(facts.total):,} are listed, around "
            "the chosen one. The files below hold all of them."
        )
    st.caption(
        "Sum: what the filter gives on an even picture of ones, without padding. Cosine: that of "
        "the angle to the most alike other filter, 1 where one is a positive multiple of the other."
    )


def facts_table(facts: FilterFacts, shown: range) -> dict[str, Any]:
    """One line a filter, of those shown."""
    some = FilterFacts(*(each[shown.start : shown.stop] for each in facts))
    nearest = [None if index < 0 else index for index in some.nearest.tolist()]
    return {
        "filter": list(shown),
        "sum": _without_rounding(some.total, some),
        "mean": _without_rounding(some.mean, some),
        "L1 norm": some.l1.tolist(),
        "L2 norm": some.l2.tolist(),
        "least": some.least.tolist(),
        "largest": some.most.tolist(),
        "dead": ["dead" if dead else "" for dead in some.dead.tolist()],
        "most alike": nearest,
        "cosine": [
            None if other is None else cosine
            for other, cosine in zip(nearest, some.cosine.tolist(), strict=True)
        ],
    }


def _without_rounding(values: Tensor, facts: FilterFacts) -> list[float]:
    """Zero where a number is only the rounding of the weights it is a sum of."""
    return torch.where(values.abs() < 1e-7 * facts.l1, 0.0, values).tolist()


def dead_sentence(facts: FilterFacts) -> str:
    """Say which filters are dead, or that none is."""
    dead = facts.dead.nonzero().flatten().tolist()
    if not dead:
        return "No filter is dead."
    named = ", ".join(map(str, dead[:MOST_NAMED]))
    more = f" and {len(dead) - MOST_NAMED:,} more" if len(dead) > MOST_NAMED else ""
    verb = "filter is" if len(dead) == 1 else "filters are"
    return (
        f"{len(dead):,} {verb} dead ({named}{more}): no weight reaches a millionth of the largest "
        "of all filters, so whatever is read, the output is the bias, or 0."
    )


def show_alike(inputs: Inputs) -> None:
    """A slider for the least cosine, and the pairs that reach it."""
    least = st.slider(
        "Near-duplicates: cosine of at least", 0.5, 1.0, 0.95, 0.01, key="alike",
        bind="query-params",
    )  # fmt: skip
    # Rounding alone takes a cosine of 1 a little below it.
    pairs = near_duplicates(inputs.weight, least - 1e-9, MOST_PAIRS + 1)
    st.markdown(alike_sentence(pairs, least))
    if pairs:
        shown = pairs[:MOST_PAIRS]
        st.dataframe(
            {
                "filter": [pair.first for pair in shown],
                "and filter": [pair.second for pair in shown],
                "cosine": [pair.cosine for pair in shown],
            },
            hide_index=True,
            height=min(220, 38 + 35 * len(shown)),
            column_config={"cosine": st.column_config.NumberColumn(format="%.5f")},
        )


def alike_sentence(pairs: list[AlikePair], least: float) -> str:
    """Say how many pairs of filters are alike."""
    if not pairs:
        return f"No two filters have a cosine of {least:.2f} or more."
    if len(pairs) > MOST_PAIRS:
        return f"More than {MOST_PAIRS} pairs are that alike; the first {MOST_PAIRS} are listed."
    if len(pairs) == 1:
        return "1 pair is that alike."
    return f"{len(pairs):,} pairs are that alike."


class Response(NamedTuple):
    """A kernel's frequency response (n, n), of what it is, and the sum of its weights."""

    magnitudes: Tensor
    of: str
    total: float


def response_widget(inputs: Inputs, filter_index: int) -> Response:
    """Ask for a channel of the filter, and return its frequency response."""
    channels = inputs.group_of(filter_index)
    names = [channel_name(channel, inputs.picture.n_channels) for channel in channels]
    options = [TOGETHER, *names] if len(names) > 1 else names
    of = st.selectbox(
        "Response of channel", options, key="response_of", bind="query-params",
        help="All together: to a grey picture, whose channels are equal.",
    )  # fmt: skip
    own = inputs.weight[filter_index].double()
    kernel = own.sum(0) if of == TOGETHER else own[names.index(of)]
    return Response(frequency_response(kernel), of, kernel.sum().item())


def response_sentence(response: Response) -> str:
    """Say what the filter does to an even picture, and which wave it answers to most."""
    magnitudes = response.magnitudes
    size = magnitudes.shape[0]
    most = magnitudes.max().item()
    if most == 0:
        return "The kernel is zero: it answers to no wave."
    # Of the two equal answers, to a wave and its mirror image, the one that is named first.
    found = (magnitudes >= most * (1 - 1e-9)).nonzero() - size // 2
    down, across = found[found.abs().sum(1).argmin()].abs().tolist()
    step = 1 / (size - 1)
    # The response is a magnitude, but what an even picture is multiplied by has a sign.
    sentence = f"An even picture is multiplied by **{number(_rounded(response.total, most))}**. "
    if down == across == 0:
        smooths = "" if response.total < 0 else ": the kernel smooths"
        return sentence + f"No wave gets a stronger answer{smooths}."
    period = 1 / (step * (down**2 + across**2) ** 0.5)
    return sentence + (
        f"The strongest answer, **{number(_rounded(most, most))}**, is to waves of "
        f"{down * step:.3g} cycles a pixel down and {across * step:.3g} across: "
        f"one wave in {period:.3g} pixels."
    )


def _rounded(value: float, most: float) -> float:
    """Zero for what is only the rounding of sums."""
    return 0.0 if abs(value) < 1e-7 * most else float(f"{value:.5g}")
