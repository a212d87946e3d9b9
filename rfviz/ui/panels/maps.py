"""Parts of a feature map around the chosen output, as torch computes them."""

from dataclasses import replace
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.ui.panels.position import Chosen
from rfviz.ui.sidebar.inputs import Inputs

SHOWN_WHOLE = 256
WINDOW = 64
# Numbers of one receptive field that are drawn, and with which the browser works out positions by
# itself; a layer of a network has some thousand.
LARGEST_FIELD = 32_768
# Entries of the column matrix in one panel, four bytes each.
MOST_CELLS = 500_000
# Numbers of a product that is computed for a panel.
MOST_OUTPUTS = 2**23


class MapWindow(NamedTuple):
    """Values of one filter, (n rows, n columns), at some output rows and columns."""

    values: Tensor
    rows: range
    columns: range


def around(position: int, size: int, length: int) -> range:
    """At most ``length`` of ``size`` cells around a position, all of them if there are no more.

    >>> around(2, 100, 11), around(50, 100, 11), around(99, 100, 11), around(3, 5, 11)
    (range(0, 11), range(45, 56), range(89, 100), range(0, 5))
    """
    start = max(0, min(position - length // 2, size - length))
    return range(start, min(size, start + length))


def field_size(inputs: Inputs) -> int:
    """How many numbers the receptive field of one filter has."""
    return inputs.weight[0].numel()


def columns_around(inputs: Inputs, chosen: Chosen, length: int) -> range:
    """At most ``length`` columns around the chosen output's, fewer where they have many rows."""
    rows, count = inputs.columns.shape
    most = min(MOST_CELLS // rows, MOST_OUTPUTS // len(inputs.weight))
    column = inputs.columns.column_index(*chosen.output)
    return around(column, count, max(1, min(length, most)))


def map_window(inputs: Inputs, chosen: Chosen, length: int) -> MapWindow:
    """The chosen filter's outputs around the chosen one: ``nn.Conv2d`` on the pixels they read."""
    rows = around(chosen.row, inputs.output_size[0], length)
    columns = around(chosen.column, inputs.output_size[1], length)
    single = one_filter(inputs, chosen.filter_index)
    return MapWindow(conv2d_at(single, rows, columns)[0], rows, columns)


def one_filter(inputs: Inputs, filter_index: int) -> Inputs:
    """The same inputs with one filter alone, and of the picture the channels that it reads."""
    group = inputs.group_of(filter_index)
    pixels = inputs.picture.pixels[group.start : group.stop]
    only = slice(filter_index, filter_index + 1)
    spec = replace(inputs.spec, groups=1)
    return replace(
        inputs,
        picture=replace(inputs.picture, pixels=pixels),
        spec=spec,
        weight=inputs.weight[only],
        bias=None if inputs.bias is None else inputs.bias[only],
        columns=ColumnMatrix(pixels, spec),
    )


def conv2d_at(inputs: Inputs, rows: range, columns: range) -> Tensor:
    """All filters' outputs at some rows and columns, (filters, n rows, n columns)."""
    spec = inputs.spec
    (stride_y, stride_x), (reach_y, reach_x) = spec.stride, spec.effective_kernel_size
    first, last = rows[0] * stride_y, rows[-1] * stride_y + reach_y
    start, stop = columns[0] * stride_x, columns[-1] * stride_x + reach_x
    pixels = inputs.columns.padded_rows(first, last)[:, :, start:stop]
    return F.conv2d(
        inputs.values(pixels)[None],
        inputs.weight,
        inputs.bias,
        stride=spec.stride,
        dilation=spec.dilation,
        groups=spec.groups,
    )[0]


def shown_whole(inputs: Inputs) -> bool:
    """Whether every output of a filter has a cell of its own in one panel."""
    return max(inputs.output_size) <= SHOWN_WHOLE
