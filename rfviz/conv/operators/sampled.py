"""Receptive fields whose taps do not lie on a grid: moved by offsets, or moved into the picture."""

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.wording import by


def tap_coordinates(spec: Conv2dSpec, rows: range, n_columns: int) -> torch.Tensor:
    """Padded (row, column) that each tap of some outputs reads: (2, T, rows, columns) int64.

    >>> tap_coordinates(Conv2dSpec((1, 2), stride=3), range(1, 2), 1).tolist()
    [[[[3]], [[3]]], [[[0]], [[1]]]]
    """
    (height, width), (down, across) = spec.kernel_size, spec.dilation
    top = torch.arange(rows.start, rows.stop)[:, None] * spec.stride[0]
    left = torch.arange(n_columns) * spec.stride[1]
    tap = torch.arange(height * width)[:, None, None]
    y = tap // width * down + top.expand(-1, n_columns)
    x = tap % width * across + left.expand(len(rows), -1)
    return torch.stack([y, x])


def moved_inside(coordinates: torch.Tensor, spec: Conv2dSpec, input_size: Pair) -> torch.Tensor:
    """Move each window of `tap_coordinates` into the picture, by whole steps of its dilation.

    Source: Hassani et al., Neighborhood attention transformer, CVPR 2023, arXiv:2204.07143, whose
    windows at the border stay in the picture. `InputError` where kernel times dilation is
    larger than it, as natten has it.

    >>> spec = Conv2dSpec((1, 3), padding=(0, 1))
    >>> moved_inside(tap_coordinates(spec, range(1), 3), spec, (1, 3))[1, :, 0].T.tolist()
    [[1, 2, 3], [1, 2, 3], [1, 2, 3]]
    """
    moved = []
    for axis, one in enumerate(coordinates):
        start, n, step = spec.pads[axis][0], input_size[axis], spec.dilation[axis]
        # Each of the `step` grids that a dilated window may lie on needs room for it.
        if spec.kernel_size[axis] * step > n:
            raise InputError(
                f"A window of {by(spec.kernel_size)} taps with dilation {by(spec.dilation)} "
                f"cannot be moved into a picture of {by(input_size)}.",
                remedy="Use a smaller kernel or dilation",
            )
        first, last = one[:1], one[-1:]
        up = (start - first).clamp(min=0)
        down = (last - (start + n - 1)).clamp(min=0)
        moved.append(one + (up + step - 1) // step * step - (down + step - 1) // step * step)
    return torch.stack(moved)


def sampled(padded: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
    """Bilinear values of (N, C, H, W) at (N, 2, T, rows, columns): (C, T, N, rows, columns).

    Zero outside, where the four neighbours that are inside still count. Source: Dai et al.,
    Deformable convolutional networks, ICCV 2017, arXiv:1703.06211, and torchvision's
    `deform_conv2d`.

    >>> sampled(torch.tensor([[[[0.0, 4.0]]]]), torch.tensor([[[[[0.0]]], [[[0.25]]]]])).item()
    1.0
    """
    y, x = coordinates.to(padded.dtype).unbind(1)
    top, left = y.floor(), x.floor()
    below, right = y - top, x - left
    total: torch.Tensor | int = 0
    for row, share_y in ((top, 1 - below), (top + 1, below)):
        for column, share_x in ((left, 1 - right), (left + 1, right)):
            total = total + _pixels(padded, row, column) * (share_y * share_x)[:, None]
    assert isinstance(total, torch.Tensor)
    return total.permute(1, 2, 0, 3, 4)


def picked(padded: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
    """Like `sampled` at whole coordinates, the same for each picture, (2, T, rows, columns).

    >>> picked(torch.tensor([[[[0.0, 4.0]]]]), torch.tensor([[[[0]]], [[[1]]]])).item()
    4.0
    """
    return padded[:, :, coordinates[0], coordinates[1]].permute(1, 2, 0, 3, 4)


def _pixels(padded: torch.Tensor, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
    """(N, C, T, rows, columns) at whole coordinates (N, T, rows, columns), zero outside."""
    n, channels, height, width = padded.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    # NaN and what is far outside are no index; they are cleared by the mask.
    index = row.where(inside, 0).long() * width + column.where(inside, 0).long()
    index = index.flatten(1)[:, None].expand(-1, channels, -1)
    values = padded.flatten(2).gather(2, index).view(n, channels, *row.shape[1:])
    return values * inside[:, None]
