"""Fold, or col2im: what each column holds is added back to the pixels it was read from."""

from functools import lru_cache

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.padded import tap_view
from rfviz.conv.im2col.reads import axis_sources
from rfviz.conv.memory import Allocation
from rfviz.conv.spec.check_picture import check_plain
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.parse import pair
from rfviz.conv.spec.spec import Conv2dSpec, check_spec

# Of one channel: an index of so many entries takes 32 KiB.
_MOST_ENTRIES = 2**12


@Allocation("The folded picture")
def fold(columns: torch.Tensor, input_size: object, spec: Conv2dSpec) -> torch.Tensor:
    """Add (..., C * kernel height * kernel width, L) columns into a (..., C, H, W) picture.

    The adjoint of unfold: <unfold(x), y> = <x, fold(y)>, in every padding mode; equal to `nn.Fold`
    for zeros. Any leading dimensions. Raises `InputError` with the expected and the given shape.
    Source: the PyTorch documentation of `nn.Fold`.

    >>> fold(torch.ones(4, 4), (3, 3), Conv2dSpec(2)).tolist()
    [[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]
    """
    output_size = check_spec(spec).output_size(input_size)
    _check_columns(columns, output_size, spec)
    channels = columns.shape[-2] // spec.n_taps
    if spec.n_taps * columns.shape[-1] <= _MOST_ENTRIES and columns.numel():
        return _fold_at_once(columns, channels, pair("input_size", input_size, least=1), spec)
    taps = columns.reshape(*columns.shape[:-2], channels, *spec.kernel_size, *output_size)
    padded = columns.new_zeros(*columns.shape[:-2], channels, *spec.padded_size(input_size))
    (rows, stride_y, down), (outputs, stride_x, across) = zip(
        output_size, spec.stride, spec.dilation, strict=True
    )
    for kernel_row in range(spec.kernel_size[0]):
        top = kernel_row * down
        for kernel_column in range(spec.kernel_size[1]):
            left = kernel_column * across
            read = padded[
                ...,
                top : top + (rows - 1) * stride_y + 1 : stride_y,
                left : left + (outputs - 1) * stride_x + 1 : stride_x,
            ]
            read += taps[..., kernel_row, kernel_column, :, :]
    return fold_padding(padded, input_size, spec)


def _fold_at_once(
    columns: torch.Tensor, channels: int, size: Pair, spec: Conv2dSpec
) -> torch.Tensor:
    """The same where calls are what costs: every entry added to its pixel by one of them."""
    pixels, n_pixels = _pixels_of_entries(size, spec), size[0] * size[1]
    entries = columns.reshape(-1, pixels.shape[1])
    sums = entries.new_zeros(entries.shape[0], n_pixels + 1)
    sums = sums.scatter_add(1, pixels.to(columns.device).expand_as(entries), entries)
    return sums[:, :n_pixels].reshape(*columns.shape[:-2], channels, *size)


@lru_cache(maxsize=64)
def _pixels_of_entries(size: Pair, spec: Conv2dSpec) -> torch.Tensor:
    """(1, taps * outputs) the pixel that each entry is a copy of; past the last for padded zeros.

    Kept, and therefore read only: a small spec is folded many times.
    """
    rows, columns = axis_sources(size, spec)
    pixels = rows[:, None] * size[1] + columns
    pixels = pixels.masked_fill((rows < 0)[:, None] | (columns < 0), size[0] * size[1])
    return tap_view(pixels, spec, spec.output_size(size)).reshape(1, -1)


def _check_columns(columns: object, output_size: Pair, spec: Conv2dSpec) -> None:
    if not isinstance(columns, torch.Tensor):
        remedy = "Use its dense()" if hasattr(columns, "dense") else "Use torch.from_numpy(columns)"
        raise InputError(
            f"fold takes columns that are a torch.Tensor, got {type(columns).__name__}.",
            remedy=remedy,
        )
    check_plain("The tensor of columns", columns)
    if columns.dtype == torch.bool or columns.dtype in {torch.uint16, torch.uint32, torch.uint64}:
        raise InputError(f"Columns of {columns.dtype} cannot be summed.", remedy="Use float64")
    n_outputs = output_size[0] * output_size[1]
    rows = columns.shape[-2] if columns.ndim >= 2 else 0
    if not rows or rows % spec.n_taps or columns.shape[-1] != n_outputs:
        raise InputError(
            f"Expected columns of (..., channels * {spec.n_taps}, {n_outputs}) for this spec and "
            f"picture, got {tuple(columns.shape)}."
        )


def fold_padding(padded: torch.Tensor, input_size: object, spec: Conv2dSpec) -> torch.Tensor:
    """Add each pixel of a padded (..., height, width) to the one it copies: adjoint of padding.

    >>> spec = Conv2dSpec(1, padding=(0, 1), padding_mode="replicate")
    >>> fold_padding(torch.ones(1, 1, 4), (1, 2), spec).tolist()
    [[[2.0, 2.0]]]
    """
    size = pair("input_size", input_size, least=1)
    sources = axis_sources(size, spec)
    for dim, n, source, (before, _) in zip((-2, -1), size, sources, spec.pads, strict=True):
        image = padded.narrow(dim, before, n)
        copies = torch.cat([torch.arange(before), torch.arange(before + n, len(source))])
        copies = copies[source[copies] >= 0]
        if len(copies):
            where, copies = source[copies].to(padded.device), copies.to(padded.device)
            image = image.index_add(dim, where, padded.index_select(dim, copies))
        padded = image
    return padded.contiguous()
