"""The matmul of feature maps as networks have them: small, deep, and a batch of them.

The column matrix of a kernel row is copied for some pictures at a time, as far as the cache takes
it, and one product over all of them adds what that kernel row gives. The rows for the next kernel
row are the same numbers one picture row further on, as in `Band`. So there are as many products as
kernel rows, whatever the number of pictures.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch

from rfviz.conv.im2col.padded_batch import PaddedBatch
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec

# Measured from 256 KiB to 4 MiB: what a core's own cache holds.
_CACHE_BYTES = 2**20


class _Layout(NamedTuple):
    """How one convolution is cut: pictures and output rows at a time, and where kernel rows are."""

    output_size: Pair
    n_pictures: int
    n_rows: int
    # Kernel rows whose offsets differ by a multiple of the stride share one part of the buffer.
    phases: tuple[int, ...]
    extra: int


def are_small(batch: torch.Tensor, spec: Conv2dSpec, dtype: torch.dtype, most_bytes: int) -> bool:
    """Whether one padded picture of the batch takes at most so many bytes in a type.

    >>> are_small(torch.zeros(2, 3, 8, 8), Conv2dSpec(3), torch.float32, 2**20)
    True
    """
    return _padded_bytes(batch, spec, dtype) <= most_bytes


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
    if weight.shape[1] == 1 and weight.shape[0] == spec.groups > 1:
        _depthwise(batch, weight, spec, out)
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
    by_row = weight.view(groups, -1, weight.shape[1], *spec.kernel_size).permute(3, 0, 1, 2, 4)
    weights = by_row.reshape(spec.kernel_size[0], groups, weight.shape[0] // groups, -1)
    n_taps = batch.shape[1] * spec.kernel_size[1]
    shape = (len(layout.phases), layout.n_pictures, n_taps, layout.n_rows + layout.extra, width)
    buffer = weight.new_empty(math.prod(shape))
    for which, padded in PaddedBatch(batch, spec, layout.n_pictures, weight.dtype).parts():
        n_parts = padded.shape[0] * groups
        repeated = _for_each(weights, padded.shape[0])
        result = out[which].view(n_parts, weight.shape[0] // groups, -1)
        for top in range(0, layout.output_size[0], layout.n_rows):
            n_rows = min(layout.n_rows, layout.output_size[0] - top)
            columns = _columns(padded, spec, layout, top, n_rows, buffer)
            target = result[:, :, top * width : (top + n_rows) * width]
            for kernel_row, taps in enumerate(repeated):
                shift, phase = divmod(kernel_row * spec.dilation[0], spec.stride[0])
                part = columns[layout.phases.index(phase)].view(n_parts, n_taps // groups, -1)
                read = part[:, :, shift * width : (shift + n_rows) * width]
                _add(target, taps, read, kernel_row > 0)


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
    """For each phase (n, C, kernel width, rows, W_out), copied into the buffer."""
    n, channels = padded.shape[:2]
    (step_n, step_c, step_y, _), (stride_y, stride_x) = padded.stride(), spec.stride
    found, start = [], 0
    for phase in layout.phases:
        # The last kernel row of a phase says how far down it is read.
        deepest = (spec.effective_kernel_size[0] - 1 - phase) // stride_y
        high = n_rows + deepest
        shape = (n, channels, spec.kernel_size[1], high, layout.output_size[1])
        steps = (step_n, step_c, spec.dilation[1], stride_y * step_y, stride_x)
        taps = padded.as_strided(shape, steps, (top * stride_y + phase) * step_y)
        part = buffer[start : start + taps.numel()].view(shape)
        found.append(part.copy_(taps))
        start += taps.numel()
    return found


def _depthwise(
    batch: torch.Tensor, weight: torch.Tensor, spec: Conv2dSpec, out: torch.Tensor
) -> None:
    """One filter a channel: each row of a channel's column matrix by its one weight, summed.

    A product of (1, taps) by (taps, outputs) for each channel would spend its time in calls. At
    stride 1 whole padded rows are summed, so that the outputs between two rows, which are none,
    are dropped: long runs of numbers instead of many short ones.
    """
    n_pictures = max(1, _CACHE_BYTES // 4 // _padded_bytes(batch, spec, weight.dtype))
    taps = weight.reshape(weight.shape[0], -1).T[:, :, None]
    pictures = PaddedBatch(batch, spec, min(batch.shape[0], n_pictures), weight.dtype)
    flat = spec.stride == (1, 1)
    room = None
    for which, padded in pictures.parts():
        if not flat:
            _sum_of_taps(out[which], _strided_reads(padded, spec, out.shape[2:]), taps[..., None])
            continue
        width = padded.shape[3]
        if room is None:
            room = padded.new_empty(*padded.shape[:2], out.shape[2] * width)
        sums = room[: padded.shape[0]]
        length = sums.shape[2] - (spec.effective_kernel_size[1] - 1)
        _sum_of_taps(sums[:, :, :length], _flat_reads(padded, spec, length), taps)
        out[which] = sums.view(*sums.shape[:2], -1, width)[..., : out.shape[3]]


def _sum_of_taps(out: torch.Tensor, reads: Iterator[torch.Tensor], taps: torch.Tensor) -> None:
    for n, (read, tap) in enumerate(zip(reads, taps, strict=True)):
        if n:
            out.addcmul_(read, tap)
        else:
            torch.mul(read, tap, out=out)


def _flat_reads(padded: torch.Tensor, spec: Conv2dSpec, length: int) -> Iterator[torch.Tensor]:
    flat, width = padded.flatten(2), padded.shape[3]
    for row in range(spec.kernel_size[0]):
        for column in range(spec.kernel_size[1]):
            start = row * spec.dilation[0] * width + column * spec.dilation[1]
            yield flat[:, :, start : start + length]


def _strided_reads(
    padded: torch.Tensor, spec: Conv2dSpec, size: torch.Size
) -> Iterator[torch.Tensor]:
    (stride_y, stride_x), (down, across) = spec.stride, spec.dilation
    for row in range(spec.kernel_size[0]):
        rows = slice(row * down, row * down + (size[0] - 1) * stride_y + 1, stride_y)
        for column in range(spec.kernel_size[1]):
            left = column * across
            yield padded[:, :, rows, left : left + (size[1] - 1) * stride_x + 1 : stride_x]


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
    return _Layout((height, width), n_pictures, min(height, rows), phases, extra)


def _padded_bytes(batch: torch.Tensor, spec: Conv2dSpec, dtype: torch.dtype) -> int:
    return batch.shape[1] * math.prod(spec.padded_size(batch.shape[2:])) * dtype.itemsize
