"""Bands of output rows with the padded rows that they read, for pictures that never exist whole.

A picture that is resized, or whose channels are averaged, is floats: eight times its file. A band
needs some of its rows only, which are made, padded above and below, convolved and forgotten.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch

from rfviz.conv.im2col.reads import axis_sources
from rfviz.conv.memory import check_budget
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec

_BYTES_PER_BAND = 2**24
_LARGEST_BAND = 2**28


class Band(NamedTuple):
    """Output rows, the picture's rows that they read, -1 for zeros, and the spec for these alone.

    The spec pads and steps across as before; down it reads the rows as they stand, unpadded.
    """

    rows: range
    sources: torch.Tensor
    spec: Conv2dSpec


def bands(size: Pair, spec: Conv2dSpec, bytes_per_row: int) -> Iterator[Band]:
    """Bands that cover the output of a picture of (height, width), from the top.

    Raises `InputError` where the rows that one output reads take over 256 MiB.

    >>> [(band.rows, band.sources.tolist()) for band in bands((5, 9), Conv2dSpec(1), 2**24)]
    [(range(0, 4), [0, 1, 2, 3]), (range(4, 5), [4])]
    """
    n_outputs = spec.output_size(size)[0]
    kernel, stride, dilation = spec.kernel_size[0], spec.stride[0], spec.dilation[0]
    check_budget(
        f"One row of outputs reads {kernel:,} rows of {size[1]:,} columns, which",
        kernel * bytes_per_row,
        _LARGEST_BAND,
        "Resize to less, or crop",
    )
    sources = axis_sources(size, spec)[0]
    # A kernel's rows are read again by the next band: it has some more, where that fits.
    n_rows = min(max(_BYTES_PER_BAND // bytes_per_row, 4 * kernel), _LARGEST_BAND // bytes_per_row)
    reach = spec.effective_kernel_size[0]
    per_band = max(1, (n_rows - reach) // stride + 1, n_rows // kernel)
    taps = torch.arange(kernel) * dilation
    apart = _down(spec, stride=kernel, dilation=1)
    joined = _down(spec, stride=stride, dilation=dilation)
    for top in range(0, n_outputs, per_band):
        rows = range(top, min(top + per_band, n_outputs))
        stop = (rows[-1] * stride) + reach
        if stop - top * stride <= len(rows) * kernel:
            yield Band(rows, sources[top * stride : stop], joined)
        else:
            starts = torch.arange(rows.start, rows.stop)[:, None] * stride
            yield Band(rows, sources[(starts + taps).flatten()], apart)


def _down(spec: Conv2dSpec, *, stride: int, dilation: int) -> Conv2dSpec:
    return replace(
        spec,
        padding=((0, 0), spec.pads[1]),
        stride=(stride, spec.stride[1]),
        dilation=(dilation, spec.dilation[1]),
    )
