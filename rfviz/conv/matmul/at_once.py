"""The matmul of a problem so small that calls are what costs: its whole column matrix, in few.

What is cut into blocks elsewhere is here one padded copy, one copy of the columns and one product.
"""

from functools import partial

import torch
import torch.nn.functional as F

from rfviz.conv.im2col.padded import padded_whole, tap_view
from rfviz.conv.im2col.reads import axis_sources
from rfviz.conv.im2col.unfolded import is_recorded
from rfviz.conv.spec.spec import Conv2dSpec

# Entries of the column matrices of all pictures together: 64 KiB of float32.
_MOST_ENTRIES = 2**14


def are_few(batch: torch.Tensor, weight: torch.Tensor, spec: Conv2dSpec, most_bytes: int) -> bool:
    """Whether the column matrices of a batch are so small, and can be multiplied as they are.

    Not where sums are wider than the numbers, nor where autocast would choose a narrower type.

    >>> are_few(torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 3, 3), Conv2dSpec(3), 2**20)
    True
    """
    rows, columns = spec.output_size(batch.shape[2:])
    n_entries = batch.shape[0] * batch.shape[1] * spec.n_taps * rows * columns
    if n_entries > _MOST_ENTRIES or n_entries * weight.element_size() > most_bytes:
        return False
    return weight.element_size() > 2 and not torch.is_autocast_enabled("cpu")


def convolve_at_once(
    batch: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    spec: Conv2dSpec,
) -> torch.Tensor:
    """Convolve (N, C, H, W) with (F, C / groups, kh, kw): (N, F, H_out, W_out), in one type.

    By steps that torch differentiates, which keep the columns for it.

    >>> one = torch.ones(1, 1, 2, 2)
    >>> convolve_at_once(one, one, torch.ones(1), Conv2dSpec(2)).tolist()
    [[[[5.0]]]]
    """
    n_pictures, groups, output_size = batch.shape[0], spec.groups, spec.output_size(batch.shape[2:])
    sources = partial(axis_sources, tuple(batch.shape[2:]), spec)
    padded = padded_whole(batch if batch.dtype == weight.dtype else batch.to(weight), spec, sources)
    n_outputs, n_filters = output_size[0] * output_size[1], weight.shape[0] // groups
    n_taps = weight.shape[1] * spec.n_taps
    if is_recorded(padded):
        # Of the same numbers, the way back of which torch has a call for.
        columns = F.unfold(padded, spec.kernel_size, spec.dilation, 0, spec.stride)
    else:
        columns = tap_view(padded, spec, output_size)
    columns = columns.reshape(n_pictures * groups, n_taps, n_outputs)
    by_group = weight.reshape(groups, n_filters, n_taps)
    if n_pictures > 1:
        by_group = by_group.repeat(n_pictures, 1, 1)
    if bias is None:
        out = torch.bmm(by_group, columns)
    else:
        each = bias.view(groups, n_filters, 1)
        each = each.repeat(n_pictures, 1, 1) if n_pictures > 1 else each
        out = torch.baddbmm(each, by_group, columns)
    return out.view(n_pictures, weight.shape[0], *output_size)
