"""The one place that pads a picture, some of its rows at a time, and the view that unfolds them."""

from collections.abc import Callable
from itertools import pairwise

import torch

from rfviz.conv.spec.spec import Conv2dSpec

# Gives the index maps of rows and columns, `axis_sources`.
Sources = Callable[[], tuple[torch.Tensor, torch.Tensor]]


def pad_rows(
    image: torch.Tensor,
    rows: torch.Tensor,
    columns: torch.Tensor,
    left: int,
    out: torch.Tensor,
) -> None:
    """Write padded rows of a (C, H, W) image into `out`, (C, len(rows), len(columns)).

    `rows` and `columns` are `source_indices`, -1 for zeros; `left` is where the picture's first
    column lies. Values are converted to the type of `out`.

    >>> out = torch.empty(1, 2, 3)
    >>> pad_rows(torch.ones(1, 1, 2), torch.tensor([-1, 0]), torch.tensor([-1, 0, 1]), 1, out)
    >>> out.tolist()
    [[[0.0, 0.0, 0.0], [0.0, 1.0, 1.0]]]
    """
    width = image.shape[2]
    middle = out[:, :, left : left + width]
    for start, stop in _runs(rows):
        source = int(rows[start])
        if source < 0:
            middle[:, start:stop] = 0
        else:
            middle[:, start:stop] = image[:, source : source + stop - start]
    for side in (slice(0, left), slice(left + width, None)):
        sources = columns[side]
        if not len(sources):
            continue
        if sources[0] < 0:
            out[:, :, side] = 0
        else:
            out[:, :, side] = middle.index_select(2, sources)


def padded_whole(pictures: torch.Tensor, spec: Conv2dSpec, sources: Sources) -> torch.Tensor:
    """(..., H, W) pictures with their padding, by one or two calls; themselves where there is none.

    `sources` gives `axis_sources`, and is asked in padding that copies pixels.

    >>> spec = Conv2dSpec(1, padding=(0, 1), padding_mode="replicate")
    >>> sources = lambda: (torch.tensor([0]), torch.tensor([0, 0, 1, 1]))
    >>> padded_whole(torch.tensor([[[1, 2]]]), spec, sources).tolist()
    [[[1, 1, 2, 2]]]
    """
    (top, bottom), (left, right) = spec.pads
    if not (top or bottom or left or right):
        return pictures
    if spec.padding_mode == "zeros":
        return torch.constant_pad_nd(pictures, (left, right, top, bottom))
    rows, columns = sources()
    return pictures.index_select(-2, rows).index_select(-1, columns)


def tap_view(padded: torch.Tensor, spec: Conv2dSpec, output_size: tuple[int, int]) -> torch.Tensor:
    """View padded (..., C, rows, width) as (..., C, kernel height, kernel width, H_out, W_out).

    No value is copied: entries of the view overlap in memory, so read it only.

    >>> tap_view(torch.arange(4.0).reshape(1, 1, 4), Conv2dSpec((1, 2)), (1, 3)).flatten().tolist()
    [0.0, 1.0, 2.0, 1.0, 2.0, 3.0]
    """
    *steps, step_y, step_x = padded.stride()
    (down, across), (stride_y, stride_x) = spec.dilation, spec.stride
    return padded.as_strided(
        (*padded.shape[:-2], *spec.kernel_size, *output_size),
        (*steps, down * step_y, across * step_x, stride_y * step_y, stride_x * step_x),
        padded.storage_offset(),
    )


def _runs(rows: torch.Tensor) -> list[tuple[int, int]]:
    """Split into runs that are one slice of the image, or all zeros of the padding."""
    before, after = rows[:-1], rows[1:]
    joins = torch.where(before < 0, after < 0, after == before + 1)
    breaks = torch.nonzero(~joins)[:, 0] + 1
    edges = [0, *breaks.tolist(), len(rows)]
    return [(a, b) for a, b in pairwise(edges) if a < b]
