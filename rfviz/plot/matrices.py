"""What im2col makes of a picture, as figures: columns, weights, products, one output worked out."""

from typing import Any

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.matmul.product_window import product_window
from rfviz.conv.spec.check_tensors import check_convolution
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.wording import channel_name, shown
from rfviz.figures.columns import column_overview_figure, column_window_figure
from rfviz.figures.patch import patch_figure, receptive_field_numbers
from rfviz.figures.vector import vector_figure
from rfviz.figures.weights import product_figure, weight_matrix_figure

# More columns than these are drawn as exact means of bins.
LARGEST_WINDOW = 1200
OVERVIEW = (363, 600)


def column_matrix(columns: ColumnMatrix, part: range | None = None) -> go.Figure:
    """Draw a column matrix, or neighbouring columns of it; past 1,200 of them as means of bins.

    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> columns = ColumnMatrix(torch.arange(9).reshape(1, 3, 3), Conv2dSpec(2))
    >>> column_matrix(columns, range(1, 3)).data[0].z.tolist()[0]
    [1.0, 3.0]
    """
    asked = range(columns.shape[1]) if part is None else part
    _check_part(columns, asked)
    names: dict[str, Any] = {
        "kernel_size": columns.spec.kernel_size,
        "n_channels": len(columns.image),
        "output_width": columns.output_size[1],
        "pixel_range": pixel_range(columns.image),
    }
    if len(asked) > LARGEST_WINDOW:
        if part is not None:
            raise InputError(
                f"A window has at most {LARGEST_WINDOW:,} columns, got {len(asked):,}.",
                remedy="Leave the columns out for means of all",
            )
        return column_overview_figure(columns.overview(*OVERVIEW), columns.shape, **names)
    entries = columns[:, asked.start : asked.stop].detach()
    return column_window_figure(entries, range(columns.shape[0]), asked, **names)


def weight_matrix(weight: torch.Tensor, groups: int = 1) -> go.Figure:
    """Draw a (F, C / groups, kh, kw) weight as the matrix that multiplies the column matrix.

    >>> weight_matrix(torch.ones(2, 1, 1, 1), groups=2).data[0].z.tolist()
    [[1.0, nan], [nan, 1.0]]
    """
    return weight_matrix_figure(
        weight.detach().flatten(1),
        groups=groups,
        kernel_size=(weight.shape[2], weight.shape[3]),
        n_channels=weight.shape[1] * groups,
    )


def product(
    columns: ColumnMatrix,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    part: range | None = None,
) -> go.Figure:
    """Draw the weight matrix times some columns of the picture, by default the first 120.

    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> columns = ColumnMatrix(torch.ones(1, 3, 3), Conv2dSpec(2))
    >>> product(columns, torch.ones(1, 1, 2, 2)).data[0].z.tolist()
    [[4.0, 4.0, 4.0, 4.0]]
    """
    check_convolution(columns.image, weight, bias, columns.spec)
    asked = range(min(120, columns.shape[1])) if part is None else part
    _check_part(columns, asked)
    entries = columns[:, asked.start : asked.stop].to(weight.dtype)
    found = product_window(
        weight.detach(), None if bias is None else bias.detach(), entries.detach(), asked,
        columns.spec.groups,
    )  # fmt: skip
    return product_figure(found.outputs, found.columns, output_width=columns.output_size[1])


def receptive_field(
    columns: ColumnMatrix,
    weight: torch.Tensor,
    output: Pair,
    filter_index: int = 0,
    bias: torch.Tensor | None = None,
) -> go.Figure:
    """Draw one output worked out: the pixels it reads, the weights on them, products and sum.

    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> columns = ColumnMatrix(torch.ones(1, 3, 3), Conv2dSpec(3))
    >>> receptive_field(columns, torch.ones(1, 1, 3, 3), (0, 0)).layout.title.text
    '9 products, sum 9'
    """
    check_convolution(columns.image, weight, bias, columns.spec)
    per_group = len(weight) // columns.spec.groups
    if not isinstance(filter_index, int) or not 0 <= filter_index < len(weight):
        raise InputError(f"There is no filter {shown(filter_index)}: there are {len(weight)}.")
    group = filter_index // per_group
    channels = range(group * weight.shape[1], (group + 1) * weight.shape[1])
    own = _patch(columns, output)[channels.start : channels.stop].to(weight.dtype)
    number = 0.0 if bias is None else float(bias[filter_index])
    field = columns.spec.receptive_field(output)
    return patch_figure(
        receptive_field_numbers(own, weight[filter_index], number),
        channels=[channel_name(each, len(columns.image)) for each in channels],
        rows=field.rows,
        columns=field.columns,
        pixel_range=pixel_range(columns.image),
    )


def vector(columns: ColumnMatrix, output: Pair, weights: torch.Tensor | None = None) -> go.Figure:
    """Draw one column as bars, and (C, kh, kw) weights as diamonds on an axis of their own.

    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> vector(ColumnMatrix(torch.ones(1, 3, 3), Conv2dSpec(3)), (0, 0)).data[0].y.shape
    (9,)
    """
    entries = columns.column(*output).detach()
    field = columns.spec.receptive_field(output)
    n_channels = len(columns.image)
    return vector_figure(
        entries,
        None if weights is None else weights.detach().flatten(),
        channels=[channel_name(each, n_channels) for each in range(n_channels)],
        kernel_size=columns.spec.kernel_size,
        rows=field.rows,
        columns=field.columns,
        pixel_range=pixel_range(columns.image),
    )


def pixel_range(image: torch.Tensor) -> tuple[float, float]:
    """Return the numbers drawn as black and as white: bytes have their own.

    >>> pixel_range(torch.tensor([[[-1.0, 2.0]]]))
    (-1.0, 2.0)
    """
    if image.dtype == torch.uint8:
        return 0.0, 255.0
    values = image.detach().double()
    finite = values[values.isfinite()]
    if not finite.numel():
        return 0.0, 1.0
    low, high = min(0.0, float(finite.min())), float(finite.max())
    return (low, high) if high > low else (low, low + 1.0)


def _check_part(columns: ColumnMatrix, part: object) -> None:
    n_columns = columns.shape[1]
    given = part if isinstance(part, range) else range(0)
    if given.step != 1 or not 0 <= given.start < given.stop <= n_columns:
        raise InputError(
            f"The columns drawn are a range of neighbouring ones, 0 to {n_columns - 1}, got "
            f"{shown(part)}.",
            remedy=f"Use range(0, {min(120, n_columns)})",
        )


def _patch(columns: ColumnMatrix, output: Pair) -> torch.Tensor:
    return columns.column(*output).detach().view(len(columns.image), *columns.spec.kernel_size)
