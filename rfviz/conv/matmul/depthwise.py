"""The matmul of a depthwise convolution: one filter a channel, so that each product is of one row.

A product of (1, taps) by (taps, outputs) for each channel would spend its time in calls. Instead
each row of all column matrices, which is the picture moved by a tap, is scaled by its weights and
added: as many passes as taps.
"""

from collections.abc import Iterator

import torch

from rfviz.conv.im2col.padded_batch import PaddedBatch, padded_bytes
from rfviz.conv.spec.spec import Conv2dSpec

# Measured from 128 KiB to 2 MiB: fewer calls are worth more than the nearest cache.
_CACHE_BYTES = 2**20


def is_depthwise(weight: torch.Tensor, spec: Conv2dSpec) -> bool:
    """Whether each channel has one filter of its own.

    >>> is_depthwise(torch.zeros(4, 1, 3, 3), Conv2dSpec(3, groups=4))
    True
    """
    return weight.shape[1] == 1 and weight.shape[0] == spec.groups > 1


def convolve_depthwise(
    batch: torch.Tensor, weight: torch.Tensor, spec: Conv2dSpec, out: torch.Tensor
) -> None:
    """Write the convolution of (N, C, H, W) with (C, 1, kh, kw) into `out`, (N, C, H_out, W_out).

    At stride 1 whole padded rows are summed, so that the outputs between two rows, which are none,
    are dropped: long runs of numbers instead of many short ones.

    >>> out = torch.empty(1, 2, 1, 1)
    >>> spec = Conv2dSpec(2, groups=2)
    >>> convolve_depthwise(torch.ones(1, 2, 2, 2), torch.ones(2, 1, 2, 2), spec, out)
    >>> out.flatten().tolist()
    [4.0, 4.0]
    """
    n_pictures = max(1, _CACHE_BYTES // padded_bytes(batch, spec, weight.dtype))
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
