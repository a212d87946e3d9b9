"""The matmul of feature maps as networks have them: small, deep, and a batch of them.

The column matrix of a kernel row is copied for some pictures at a time, as far as the cache takes
it, and one product over all of them adds what that kernel row gives. The rows for the next kernel
row are the same numbers one picture row further on, as in `Band`. So there are as many products as
kernel rows, whatever the number of pictures.
"""

import math
from typing import NamedTuple

import torch

from rfviz.conv.im2col.padded_batch import PaddedBatch, padded_bytes
from rfviz.conv.matmul.depthwise import convolve_depthwise, is_depthwise
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec

# Measured from 256 KiB to 4 MiB: what a core's own cache holds.
_CACHE_BYTES = 2**20
# From so many channels a group to so many columns, the taps of an output are the longer run, and
# the faster copy: measured at 64 to 256 channels, 4 to 16 columns.
_DEEP, _NARROW = 32, 8


class _Layout(NamedTuple):
    """How one convolution is cut: pictures and output rows at a time, and where kernel rows are."""

    output_size: Pair
    n_pictures: int
    n_rows: int
    # Kernel rows whose offsets differ by a multiple of the stride share one part of the buffer.
    phases: tuple[int, ...]
    extra: int
    # Whether the channels of a pixel lie beside each other, and with them the taps of an output.
    channels_last: bool


def are_small(batch: torch.Tensor, spec: Conv2dSpec, dtype: torch.dtype, most_bytes: int) -> bool:
    """Whether one padded picture of the batch takes at most so many bytes in a type.

    >>> are_small(torch.zeros(2, 3, 8, 8), Conv2dSpec(3), torch.float32, 2**20)
    True
    """
    return padded_bytes(batch, spec, dtype) <= most_bytes


def convolve_small(
    batch: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, spec: Conv2dSpec
) -> torch.Tensor:
    """Convolve (N, C, H, W) with (F, C / groups, kh, kw): (N, F, H_out, W_out), in one type.

    The type is the weight's; each padded picture is held whole, some of them at a time.

    >>> convolve_small(torch.ones(1, 1, 2, 3), torch.ones(1, 1, 2, 2), None, Conv2dSpec(2)).tolist()
    [[[[4.0, 4.0]]]]
    """
    size = spec.output_size(batch.shape[2:])
    out = weight.new_empty(batch.shape[0], weight.shape[0], *size)
    if is_depthwise(weight, spec):
        convolve_depthwise(batch, weight, spec, out)
    elif _is_pointwise(batch, weight, spec):
        flat = weight.view(weight.shape[0], -1).expand(batch.shape[0], -1, -1)
        torch.bmm(flat, batch.flatten(2), out=out.flatten(2))
    else:
        _by_kernel_row(batch, weight, spec, out)
    if bias is not None:
        out += bias[:, None, None]
    return out


def _is_pointwise(batch: torch.Tensor, weight: torch.Tensor, spec: Conv2dSpec) -> bool:
    """Whether the picture is its own column matrix: 1 × 1, each pixel once."""
    ones = spec.kernel_size == spec.stride == (1, 1) and spec.groups == 1
    bare = ones and spec.pads == ((0, 0), (0, 0))
    return bare and batch.dtype == weight.dtype and batch.is_contiguous()


def _by_kernel_row(
    batch: torch.Tensor, weight: torch.Tensor, spec: Conv2dSpec, out: torch.Tensor
) -> None:
    layout = _layout(batch, weight, spec)
    (_, width), groups = layout.output_size, spec.groups
    weights = _weights_by_kernel_row(weight, groups, layout.channels_last)
    n_taps = batch.shape[1] * spec.kernel_size[1]
    shape = (len(layout.phases), layout.n_pictures, n_taps, layout.n_rows + layout.extra, width)
    buffer = weight.new_empty(math.prod(shape))
    pictures = PaddedBatch(
        batch, spec, layout.n_pictures, weight.dtype, channels_last=layout.channels_last
    )
    for which, padded in pictures.parts():
        n_parts = padded.shape[0] * groups
        repeated = _for_each(weights, padded.shape[0])
        result = out[which].view(n_parts, weight.shape[0] // groups, -1)
        for top in range(0, layout.output_size[0], layout.n_rows):
            n_rows = min(layout.n_rows, layout.output_size[0] - top)
            columns = _columns(padded, spec, layout, top, n_rows, buffer)
            target = result[:, :, top * width : (top + n_rows) * width]
            for kernel_row, taps in enumerate(repeated):
                shift, phase = divmod(kernel_row * spec.dilation[0], spec.stride[0])
                part = columns[layout.phases.index(phase)]
                read = part[:, :, shift * width : (shift + n_rows) * width]
                _add(target, taps, read, kernel_row > 0)


def _weights_by_kernel_row(weight: torch.Tensor, groups: int, channels_last: bool) -> torch.Tensor:
    """(kernel height, groups, F / groups, taps of a kernel row), in the order of the columns."""
    by_group = weight.view(groups, -1, *weight.shape[1:])
    return by_group.permute((3, 0, 1, 4, 2) if channels_last else (3, 0, 1, 2, 4)).flatten(3)


def _for_each(weights: torch.Tensor, n_pictures: int) -> torch.Tensor:
    """(kernel height, pictures * groups, F / groups, taps): a view where there is one group."""
    height, groups, n_filters, n_taps = weights.shape
    each = weights[:, None].expand(height, n_pictures, groups, n_filters, n_taps)
    return each.reshape(height, n_pictures * groups, n_filters, n_taps)


def _add(out: torch.Tensor, weight: torch.Tensor, columns: torch.Tensor, adds: bool) -> None:
    """A batch of products, written to `out` or added to it."""
    if out.shape[0] == 1:
        torch.addmm(out[0], weight[0], columns[0], beta=int(adds), out=out[0])
    else:
        torch.baddbmm(out, weight, columns, beta=int(adds), out=out)


def _columns(  # noqa: PLR0917 - a picture, how it is read, and where to
    padded: torch.Tensor,
    spec: Conv2dSpec,
    layout: _Layout,
    top: int,
    n_rows: int,
    buffer: torch.Tensor,
) -> list[torch.Tensor]:
    """For each phase (n * groups, taps, rows * W_out), copied into the buffer."""
    n, groups, found, start = padded.shape[0], spec.groups, [], 0
    step_n, step_c, step_y, step_x = padded.stride()
    (stride_y, stride_x), across = spec.stride, spec.dilation[1] * step_x
    channels, width = padded.shape[1] // groups, layout.output_size[1]
    for phase in layout.phases:
        # The last kernel row of a phase says how far down it is read.
        deepest = (spec.effective_kernel_size[0] - 1 - phase) // stride_y
        taps, outputs = (channels, spec.kernel_size[1]), (n_rows + deepest, width)
        of_taps, of_outputs = (step_c, across), (stride_y * step_y, stride_x * step_x)
        if layout.channels_last:
            shape, steps = (*outputs, *taps[::-1]), (*of_outputs, *of_taps[::-1])
        else:
            shape, steps = (*taps, *outputs), (*of_taps, *of_outputs)
        first = (top * stride_y + phase) * step_y
        view = padded.as_strided((n, groups, *shape), (step_n, channels * step_c, *steps), first)
        part = buffer[start : start + view.numel()].view(view.shape).copy_(view)
        start += view.numel()
        matrix = part.view(n * groups, math.prod(shape[:2]), -1)
        found.append(matrix.transpose(1, 2) if layout.channels_last else matrix)
    return found


def _layout(batch: torch.Tensor, weight: torch.Tensor, spec: Conv2dSpec) -> _Layout:
    height, width = spec.output_size(batch.shape[2:])
    starts = [row * spec.dilation[0] for row in range(spec.kernel_size[0])]
    phases = tuple(sorted({start % spec.stride[0] for start in starts}))
    extra = starts[-1] // spec.stride[0]
    n_taps = batch.shape[1] * spec.kernel_size[1] * len(phases)
    bytes_per_row = n_taps * width * weight.element_size()
    rows = max(1, 2 * extra, _CACHE_BYTES // bytes_per_row - extra)
    most = _CACHE_BYTES // (bytes_per_row * (height + extra))
    if spec.groups > 1:
        # Each picture has weights of its own there, a copy.
        most = min(most, 1 + 4 * _CACHE_BYTES // (weight.numel() * weight.element_size()))
    n_pictures = max(1, min(batch.shape[0], most))
    channels_last = weight.shape[1] >= _DEEP and width <= _NARROW
    return _Layout((height, width), n_pictures, min(height, rows), phases, extra, channels_last)
