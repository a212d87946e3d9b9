"""A picture in tiles of outputs, so that what a convolution unfolds of one stays in a budget.

torch's own convolution is im2col and a matmul too, in float64 always: its column matrix has taps
times outputs. A tile has so few outputs that this stays bounded, whatever the kernel. Where padded
pixels are more than taps, as between those of a large dilation, the taps alone are laid side by
side, and the kernel steps over them by its own size: the same products.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec

Prepare = Callable[[torch.Tensor], torch.Tensor]

# The column matrix of a tile, and the pixels that it is made of, each take at most so much, or what
# one output needs.
TILE_BYTES = 2**25


class Tile(NamedTuple):
    """Some outputs, (C, height, width) of what they read, and the spec that reads it, unpadded."""

    rows: range
    columns: range
    pixels: torch.Tensor
    spec: Conv2dSpec

    def by_conv2d(self, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """(F, rows, columns) by the function of `nn.Conv2d`."""
        spec = self.spec
        with torch.no_grad():
            return F.conv2d(
                self.pixels[None], weight, bias, spec.stride, 0, spec.dilation, spec.groups
            )[0]

    def of(self, out: torch.Tensor, top: int = 0) -> torch.Tensor:
        """The part of (F, rows, W_out), whose first row is the output row `top`, that it covers."""
        across = slice(self.columns.start, self.columns.stop)
        return out[:, self.rows.start - top : self.rows.stop - top, across]


def tiles(
    columns: ColumnMatrix, rows: range, dtype: torch.dtype, prepare: Prepare | None = None
) -> Iterator[Tile]:
    """Yield tiles that cover some output rows, from the top and the left, in a type.

    `prepare` is an elementwise function of the picture; zeros of the padding stay zeros.

    >>> columns = ColumnMatrix(torch.ones(1, 3, 3), Conv2dSpec(2))
    >>> [(tile.rows, tile.columns) for tile in tiles(columns, range(2), torch.float32)]
    [(range(0, 2), range(0, 2))]
    """
    width = columns.output_size[1]
    n_rows, n_columns = _tile_size(columns, len(rows), dtype)
    for top in range(rows.start, rows.stop, n_rows):
        down = range(top, min(top + n_rows, rows.stop))
        for left in range(0, width, n_columns):
            across = range(left, min(left + n_columns, width))
            with torch.no_grad():
                pixels, spec = _read(columns, down, across, dtype, prepare)
            yield Tile(down, across, pixels, spec)


def in_one_tile(columns: ColumnMatrix, dtype: torch.dtype) -> bool:
    """Whether the whole output is one tile."""
    return _tile_size(columns, columns.output_size[0], dtype) == columns.output_size


def _tile_size(columns: ColumnMatrix, n_rows: int, dtype: torch.dtype) -> Pair:
    """Whole rows where some of them fit; else nearly a square, which reads the fewest pixels."""
    width = columns.output_size[1]
    n_outputs = max(1, TILE_BYTES // (columns.shape[0] * dtype.itemsize))
    bytes_per_row = columns.image.shape[0] * len(columns.column_sources) * dtype.itemsize
    room = TILE_BYTES // bytes_per_row - columns.spec.effective_kernel_size[0]
    whole = min(n_outputs // width, room // columns.spec.stride[0] + 1) if room >= 0 else 0
    if whole >= 1:
        return min(n_rows, whole), width
    high = min(n_rows, max(1, int(n_outputs**0.5)))
    return high, min(width, max(1, n_outputs // high))


def _read(
    columns: ColumnMatrix, down: range, across: range, dtype: torch.dtype, prepare: Prepare | None
) -> tuple[torch.Tensor, Conv2dSpec]:
    spec = replace(columns.spec, padding="valid", padding_mode="zeros")
    rows, cols = (_coordinates(spec, axis, part) for axis, part in ((0, down), (1, across)))
    n_pixels = columns.image.shape[0] * len(rows) * len(columns.column_sources)
    if len(across) == columns.output_size[1] and n_pixels * dtype.itemsize <= TILE_BYTES:
        pixels = columns.padded_rows(int(rows[0]), int(rows[-1]) + 1, dtype)
        cols = torch.arange(pixels.shape[2])
    else:
        taps = [_coordinates(spec, axis, part, True) for axis, part in ((0, down), (1, across))]
        if len(taps[0]) * len(taps[1]) < len(rows) * len(cols):
            (rows, cols), spec = taps, _side_by_side(spec)
        pixels = picked(columns, rows, cols, dtype)
    if prepare is not None:
        pixels = _prepared(pixels, prepare)
        pixels[:, columns.row_sources[rows] < 0] = 0
        pixels[:, :, columns.column_sources[cols] < 0] = 0
    return pixels, spec


def _coordinates(
    spec: Conv2dSpec, axis: int, outputs: range, taps_alone: bool = False
) -> torch.Tensor:
    """Padded coordinates of an axis that outputs read: from first to last, or tap by tap."""
    stride = spec.stride[axis]
    if not taps_alone:
        reach = (outputs[-1] - outputs[0]) * stride + spec.effective_kernel_size[axis]
        return torch.arange(outputs[0] * stride, outputs[0] * stride + reach)
    taps = torch.arange(spec.kernel_size[axis]) * spec.dilation[axis]
    return (torch.arange(outputs.start, outputs.stop)[:, None] * stride + taps).flatten()


def _side_by_side(spec: Conv2dSpec) -> Conv2dSpec:
    return Conv2dSpec(spec.kernel_size, stride=spec.kernel_size, groups=spec.groups)


def picked(
    columns: ColumnMatrix, rows: torch.Tensor, cols: torch.Tensor, dtype: torch.dtype
) -> torch.Tensor:
    """Padded pixels at the crossings of rows and columns, (C, rows, columns), in a type.

    >>> columns = ColumnMatrix(torch.ones(1, 1, 2), Conv2dSpec(1, padding=(0, 1)))
    >>> picked(columns, torch.tensor([0]), torch.tensor([0, 2]), torch.float32).tolist()
    [[[0.0, 1.0]]]
    """
    rows, cols = columns.row_sources[rows], columns.column_sources[cols]
    picked = columns.image[:, rows.clamp(min=0)[:, None], cols.clamp(min=0)].to(dtype)
    picked[:, rows < 0] = 0
    picked[:, :, cols < 0] = 0
    return picked


def _prepared(pixels: torch.Tensor, prepare: Prepare) -> torch.Tensor:
    prepared = prepare(pixels)
    if prepared.shape != pixels.shape or prepared.dtype != pixels.dtype:
        raise InputError("prepare must keep the shape and the type of what it is given.")
    return prepared
