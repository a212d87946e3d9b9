"""Receptive fields of several pictures beside each other, and the way back, for training.

Both are torch's own differentiable steps where autograd follows each, or one copy and its adjoint,
which need no index and keep nothing.
"""

from typing import Any

import torch

from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec


def batch_fields(padded: torch.Tensor, spec: Conv2dSpec, output_size: Pair) -> torch.Tensor:
    """Fields of padded (N, C, rows, width): (C, kernel height, kernel width, N, H_out, W_out).

    A copy, by one call. Its gradient can be taken once.

    >>> batch_fields(torch.ones(2, 1, 2, 2), Conv2dSpec(2), (1, 1)).shape
    torch.Size([1, 2, 2, 2, 1, 1])
    """
    if padded.requires_grad and torch.is_grad_enabled():
        found: torch.Tensor = _Fields.apply(  # type: ignore[no-untyped-call]
            padded, spec, output_size
        )
        return found
    return _copied(padded, spec, output_size)


def add_fields(fields: torch.Tensor, spec: Conv2dSpec, padded: torch.Tensor) -> None:
    """Add fields, as `batch_fields` gives them, to the padded pixels that they were read from.

    >>> padded = torch.zeros(1, 1, 1, 3)
    >>> add_fields(torch.ones(1, 1, 2, 1, 1, 2), Conv2dSpec((1, 2)), padded)
    >>> padded.tolist()
    [[[[1.0, 2.0, 1.0]]]]
    """
    (rows, columns), (stride_y, stride_x) = fields.shape[-2:], spec.stride
    by_channel = padded.transpose(0, 1)
    for kernel_row in range(spec.kernel_size[0]):
        top = kernel_row * spec.dilation[0]
        down = slice(top, top + (rows - 1) * stride_y + 1, stride_y)
        for kernel_column in range(spec.kernel_size[1]):
            left = kernel_column * spec.dilation[1]
            across = slice(left, left + (columns - 1) * stride_x + 1, stride_x)
            by_channel[:, :, down, across] += fields[:, kernel_row, kernel_column]


def _copied(padded: torch.Tensor, spec: Conv2dSpec, output_size: Pair) -> torch.Tensor:
    step_n, step_c, step_y, step_x = padded.stride()
    (down, across), (stride_y, stride_x) = spec.dilation, spec.stride
    view = padded.as_strided(
        (padded.shape[1], *spec.kernel_size, padded.shape[0], *output_size),
        (step_c, down * step_y, across * step_x, step_n, stride_y * step_y, stride_x * step_x),
        padded.storage_offset(),
    )
    return view.contiguous()


class _Fields(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, padded: torch.Tensor, spec: Conv2dSpec, size: Pair) -> torch.Tensor:
        ctx.spec, ctx.shape = spec, padded.shape
        return _copied(padded, spec, size)

    @staticmethod
    def backward(ctx: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        padded = slopes[0].new_zeros(ctx.shape)
        add_fields(slopes[0], ctx.spec, padded)
        return padded, None, None
