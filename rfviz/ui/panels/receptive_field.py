"""One output worked out: its receptive field, the vector, the products and their sum."""

from typing import NamedTuple

import streamlit as st
import torch
import torch.nn.functional as F
from torch import Tensor

from rfviz.conv.spec.spec import ReceptiveField
from rfviz.conv.wording import channel_name
from rfviz.explorer.components import show_panel
from rfviz.figures.patch import ReceptiveFieldNumbers, patch_figure, receptive_field_numbers
from rfviz.figures.vector import vector_figure
from rfviz.ui.panels.maps import LARGEST_FIELD, field_size
from rfviz.ui.panels.position import Chosen
from rfviz.ui.sidebar.hiding import hidden, hidden_here, hidden_panel
from rfviz.ui.sidebar.inputs import Inputs

MOST_TERMS = 16
MOST_ENTRIES = 4096  # lines of the table, which is sent to the browser at every rerun


class FieldView(NamedTuple):
    """The chosen output's numbers, all in the dtype chosen.

    ``vector`` is the whole column, (C * kh * kw,); ``numbers`` covers the channels of the chosen
    filter's group, named by ``channel_names``; ``by_conv2d`` is the output that torch gives.
    """

    field: ReceptiveField
    vector: Tensor
    channels: range
    channel_names: list[str]
    numbers: ReceptiveFieldNumbers
    by_conv2d: float


def field_view(inputs: Inputs, chosen: Chosen) -> FieldView:
    """Read one column of the matrix and work the chosen filter's sum out."""
    vector = inputs.values(inputs.columns.column(chosen.row, chosen.column))
    patch = vector.view(inputs.picture.n_channels, *inputs.spec.kernel_size)
    channels = inputs.group_of(chosen.filter_index)
    own = patch[channels.start : channels.stop]
    bias = 0.0 if inputs.bias is None else inputs.bias[chosen.filter_index].item()
    numbers = receptive_field_numbers(own, inputs.weight[chosen.filter_index], bias)
    output = F.conv2d(patch[None], inputs.weight, inputs.bias, groups=inputs.spec.groups)
    return FieldView(
        inputs.spec.receptive_field(chosen.output),
        vector,
        channels,
        [channel_name(channel, inputs.picture.n_channels) for channel in channels],
        numbers,
        output[0, chosen.filter_index, 0, 0].item(),
    )


def show_field(inputs: Inputs, view: FieldView, *, beside: bool = False) -> None:
    """The panels ``patch``, what the chosen output reads as maps, and ``vector``, as bars.

    ``beside``: the maps of the patch stand as an equation from left to right.
    A field of very many numbers is not drawn: the browser would stand still over it.
    """
    if field_size(inputs) > LARGEST_FIELD:
        channels, height, width = inputs.weight.shape[1:]
        st.info(
            f"Each receptive field has {channels:,} × {height:,} × {width:,} (channels, height, "
            f"width) = {field_size(inputs):,} numbers: up to {LARGEST_FIELD:,} are drawn as maps "
            "and as a vector. The output, the maps and the part of the matrices are shown as "
            "always; choose an output by a click."
        )
        return
    figure = patch_figure(
        view.numbers,
        channels=view.channel_names,
        rows=view.field.rows,
        columns=view.field.columns,
        pixel_range=inputs.pixel_range,
        beside=beside,
    )
    # Its products and their sum are the answer; the vector below holds what they are made of.
    show_panel(figure, name="patch", height=560, kind="patch", **hidden_panel("patch"))
    figure = vector_figure(
        view.numbers.pixels.flatten(),
        view.numbers.weights.flatten(),
        channels=view.channel_names,
        kernel_size=inputs.spec.kernel_size,
        rows=view.field.rows,
        columns=view.field.columns,
        pixel_range=inputs.pixel_range,
    )
    show_panel(figure, name="vector", height=300, kind="vector")


def sum_in_words(inputs: Inputs, chosen: Chosen, view: FieldView) -> None:
    """Write the sum of products out, and what torch says of the same output."""
    if hidden_here("sum"):
        return
    lines = [f"output ({chosen.row:,}, {chosen.column:,}) of filter {chosen.filter_index}"]
    for name, pixels, weights, total in zip(
        view.channel_names, view.numbers.pixels, view.numbers.weights, view.numbers.channel_sums,
        strict=True,
    ):  # fmt: skip
        terms = _terms(pixels, weights)
        lines.append(f"{name + ':':<8} {terms} = {number(total.item())}")
    parts = [_signed(total.item()) for total in view.numbers.channel_sums]
    if inputs.bias is not None:
        parts.append(f"{_signed(view.numbers.bias)} bias")
    if len(parts) > 1:
        lines.append(f"{'sum:':<8} {' + '.join(parts)} = {number(view.numbers.total)}")
    same = view.by_conv2d == view.numbers.total
    note = "the same" if same else "the same products, added in another order"
    lines.append(f"{'torch:':<8} nn.Conv2d gives {number(view.by_conv2d)}, {note}")
    st.code("\n".join(lines), language=None, wrap_lines=True)


def _terms(pixels: Tensor, weights: Tensor) -> str:
    if pixels.numel() > MOST_TERMS:
        return f"{pixels.numel()} products (all of them in the table below)"
    pairs = zip(pixels.flatten().tolist(), weights.flatten().tolist(), strict=True)
    return " + ".join(f"{number(pixel)}·{_signed(weight)}" for pixel, weight in pairs)


def number(value: float) -> str:
    """A number in up to seven digits, which is what float32 holds."""
    return f"{value:.7g}".replace("-", "−")


def _signed(weight: float) -> str:
    return f"({number(weight)})" if weight < 0 else number(weight)


def table_title(count: int) -> str:
    """Say how many of so many entries the table has.

    >>> table_title(27), table_title(30_000)
    ('All 27 entries as a table', 'The first 4,096 of 30,000 entries as a table')
    """
    first = "All" if count <= MOST_ENTRIES else f"The first {MOST_ENTRIES:,} of"
    return f"{first} {count:,} entries as a table"


def entries_table(inputs: Inputs, view: FieldView) -> None:
    """Every entry of the vector with its tap, its pixel, its weight and their product."""
    if hidden("sum"):
        return
    height, width = inputs.spec.kernel_size
    count = len(view.channels) * height * width
    shown = torch.arange(min(count, MOST_ENTRIES))
    channel, tap = shown // (height * width), shown % (height * width)
    kernel_row, kernel_column = tap // width, tap % width
    rows, columns = torch.tensor(view.field.rows), torch.tensor(view.field.columns)
    values = {
        "pixel": view.numbers.pixels,
        "weight": view.numbers.weights,
        "product": view.numbers.products,
    }
    table = {
        "entry": (shown + view.channels.start * height * width).tolist(),
        "channel": [view.channel_names[index] for index in channel.tolist()],
        "kernel row": kernel_row.tolist(),
        "kernel column": kernel_column.tolist(),
        "input row": rows[kernel_row].tolist(),
        "input column": columns[kernel_column].tolist(),
        **{name: each.flatten()[shown].tolist() for name, each in values.items()},
    }
    with st.expander(table_title(count)):
        st.dataframe(table, hide_index=True, height=320)
