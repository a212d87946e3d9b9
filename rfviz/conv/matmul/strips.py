"""Both ways at full size, strip by strip: bounded memory, and a moment to stop between strips."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.tiles import Prepare, tiles
from rfviz.conv.im2col.unfolded import refuse_transforms
from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.memory import Allocation, check_budget
from rfviz.conv.spec.check_tensors import check_convolution
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.spec.spec import Conv2dSpec

# Measured: two cores do some 2e9 products a second, both ways together: 50 to 100 ms a strip.
_PRODUCTS_PER_STRIP = 150_000_000
_BYTES_PER_STRIP = 2**25
_LARGEST_ROW = 2**30


class Strip(NamedTuple):
    """Some output rows, both ways, (F, rows, W_out), and the seconds that each way took."""

    rows: range
    by_matmul: torch.Tensor
    by_conv2d: torch.Tensor
    seconds_matmul: float
    seconds_conv2d: float


def conv2d_strips(
    image: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    spec: Conv2dSpec | None = None,
    *,
    prepare: Prepare | None = None,
    rows_per_strip: int | None = None,
) -> Iterator[Strip]:
    """Convolve a (C, H, W) picture both ways, a strip of output rows at a time, from the top.

    `prepare` is an elementwise function of the picture in the weight's type, such as a division by
    255; zeros of the padding stay zeros. Both ways read the same rows of the padded picture, the
    judge by the function of `nn.Conv2d`. A strip is about 50 to 100 ms of work unless
    `rows_per_strip` is given. Raises `InputError` like `conv2d_by_matmul`, before the first strip.

    >>> strips = conv2d_strips(torch.ones(1, 4, 4), torch.ones(1, 1, 3, 3), rows_per_strip=1)
    >>> [strip.rows for strip in strips]
    [range(0, 1), range(1, 2)]
    """
    columns = _checked_columns(image, weight, bias, spec)
    if rows_per_strip is None:
        rows_per_strip = _rows_per_strip(columns, weight)
    rows_per_strip = whole_number("rows_per_strip", rows_per_strip, least=1)
    return _strips(columns, weight, bias, prepare, rows_per_strip)


def output_strips(
    image: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    spec: Conv2dSpec | None = None,
    *,
    prepare: Prepare | None = None,
    multiple_of: int = 1,
) -> Iterator[tuple[range, torch.Tensor]]:
    """Convolve a (C, H, W) picture as `nn.Conv2d` does: output rows and (F, rows, W_out) of them.

    Strips have a multiple of so many rows, all but the last. Otherwise as `conv2d_strips`.

    >>> strips = output_strips(torch.ones(1, 4, 4), torch.ones(1, 1, 3, 3), multiple_of=5)
    >>> [(rows, values.tolist()) for rows, values in strips]
    [(range(0, 2), [[[9.0, 9.0], [9.0, 9.0]]])]
    """
    columns = _checked_columns(image, weight, bias, spec)
    per_strip = max(1, _rows_per_strip(columns, weight) // multiple_of) * multiple_of
    return _output_strips(columns, weight, bias, prepare, per_strip)


def _checked_columns(
    image: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    spec: Conv2dSpec | None,
) -> ColumnMatrix:
    if isinstance(image, torch.Tensor) and image.ndim != 3:
        raise InputError(f"Strips need one (C, H, W) picture, got {tuple(image.shape)}.")
    _, spec = check_convolution(image, weight, bias, spec)
    width = spec.output_size(image.shape[1:])[1]
    check_budget(
        f"One row of outputs, {len(weight)} filters × {width} columns,",
        2 * len(weight) * width * weight.element_size(),
        _LARGEST_ROW,
        "Use fewer filters, a larger stride or a narrower picture",
    )
    refuse_transforms("A convolution in strips", image, weight, bias)
    return ColumnMatrix(image, spec)


def _output_strips(
    columns: ColumnMatrix,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    prepare: Prepare | None,
    rows_per_strip: int,
) -> Iterator[tuple[range, torch.Tensor]]:
    for rows in _parts(columns, rows_per_strip):
        with Allocation("A strip of outputs"):
            # The tiles cover the strip, so that every output of it is written.
            out = _empty_strip(columns, rows, weight)
            for tile in tiles(columns, rows, weight.dtype, prepare):
                tile.of(out, rows.start).copy_(tile.by_conv2d(weight, bias))
        yield rows, out


def _strips(
    columns: ColumnMatrix,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    prepare: Prepare | None,
    rows_per_strip: int,
) -> Iterator[Strip]:
    for rows in _parts(columns, rows_per_strip):
        seconds = [0.0, 0.0]
        # A generator runs in its caller's grad mode between strips, so it is entered for each one.
        with Allocation("A strip of outputs"), torch.no_grad():
            ours, theirs = (_empty_strip(columns, rows, weight) for _ in range(2))
            for tile in tiles(columns, rows, weight.dtype, prepare):
                start = time.perf_counter()
                tile.of(ours, rows.start).copy_(
                    conv2d_by_matmul(tile.pixels, weight, bias, tile.spec)
                )
                middle = time.perf_counter()
                tile.of(theirs, rows.start).copy_(tile.by_conv2d(weight, bias))
                seconds[0] += middle - start
                seconds[1] += time.perf_counter() - middle
        yield Strip(rows, ours, theirs, *seconds)


def _parts(columns: ColumnMatrix, rows_per_strip: int) -> Iterator[range]:
    n_rows = columns.output_size[0]
    for top in range(0, n_rows, rows_per_strip):
        yield range(top, min(top + rows_per_strip, n_rows))


def _empty_strip(columns: ColumnMatrix, rows: range, weight: torch.Tensor) -> torch.Tensor:
    return torch.empty(len(weight), len(rows), columns.output_size[1], dtype=weight.dtype)


def _rows_per_strip(columns: ColumnMatrix, weight: torch.Tensor) -> int:
    n_columns = columns.output_size[1]
    products = weight.numel() * n_columns
    entries = len(columns.column_sources) * columns.image.shape[0] * columns.spec.stride[0]
    n_bytes = (entries + 2 * len(weight) * n_columns) * weight.element_size()
    # At least as many rows as the kernel has, or most of a strip is rows read before; but no more
    # than the budget of the two outputs holds.
    least = columns.spec.effective_kernel_size[0] // columns.spec.stride[0]
    outputs = _BYTES_PER_STRIP // (2 * len(weight) * n_columns * weight.element_size())
    wanted = max(least, min(_PRODUCTS_PER_STRIP // products, _BYTES_PER_STRIP // n_bytes))
    return max(1, min(wanted, outputs))
