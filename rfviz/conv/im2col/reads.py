"""Which pixels an output reads, and which outputs read a pixel.

Both directions come from one index map an axis, `source_indices`: for each coordinate of the
padded picture, the input coordinate that it is a copy of. Every highlight, count and window reads
that map, so that padding modes exist in one place.
"""

from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.memory import Allocation, check_budget
from rfviz.conv.spec.padding_modes import source_indices
from rfviz.conv.spec.parse import pair, whole_number
from rfviz.conv.spec.spec import Conv2dSpec, check_spec
from rfviz.conv.wording import by

_LARGEST_MAP = 2**33


class AxisReads(NamedTuple):
    """How many (output, tap) pairs read each input row, (H,), and column, (W,), int64."""

    rows: torch.Tensor
    columns: torch.Tensor


class PixelReaders(NamedTuple):
    """Outputs that read one pixel, each with its tap: four int64 tensors of the same length."""

    output_rows: torch.Tensor
    output_columns: torch.Tensor
    kernel_rows: torch.Tensor
    kernel_columns: torch.Tensor


class ReceptiveFieldPixels(NamedTuple):
    """Input rows, (kernel height,), and columns, (kernel width,), int64; -1 is a padded zero."""

    rows: torch.Tensor
    columns: torch.Tensor


def axis_sources(input_size: object, spec: Conv2dSpec) -> tuple[torch.Tensor, torch.Tensor]:
    """`source_indices` of the rows and of the columns; `InputError` where the spec does not fit.

    >>> [axis.tolist() for axis in axis_sources((2, 3), Conv2dSpec(2, padding=(1, 0)))]
    [[-1, 0, 1, -1], [0, 1, 2]]
    """
    check_spec(spec).output_size(input_size)
    height, width = pair("input_size", input_size, least=1)
    (top, bottom), (left, right) = spec.pads
    return (
        source_indices(height, top, bottom, spec.padding_mode),
        source_indices(width, left, right, spec.padding_mode),
    )


@Allocation("A map of the picture")
def reads_per_axis(input_size: object, spec: Conv2dSpec) -> AxisReads:
    """Reads of each input row and each input column; their outer product is `reads_per_pixel`.

    >>> reads_per_axis((4, 3), Conv2dSpec((3, 1))).rows.tolist()
    [1, 2, 2, 1]
    """
    n_outputs = check_spec(spec).output_size(input_size)
    size = pair("input_size", input_size, least=1)
    sources = axis_sources(size, spec)
    counts = []
    for axis in (0, 1):
        padded = _reads_of_padded(
            len(sources[axis]),
            (n_outputs[axis], spec.stride[axis]),
            (spec.kernel_size[axis], spec.dilation[axis]),
        )
        inside = sources[axis] >= 0
        count = torch.zeros(size[axis], dtype=torch.int64)
        counts.append(count.index_add_(0, sources[axis][inside], padded[inside]))
    return AxisReads(*counts)


@Allocation("A map of the picture")
def reads_per_pixel(input_size: object, spec: Conv2dSpec) -> torch.Tensor:
    """How many (output, tap) pairs read each pixel, (H, W) int64.

    With zeros, fold(unfold(x)) = x * reads_per_pixel. In the other padding modes a read of a padded
    copy counts as a read of the pixel it copies: the count is the gradient, at the pixel, of the
    sum of all outputs under a kernel of ones. Raises `InputError` where the spec does not fit.

    >>> reads_per_pixel((3, 3), Conv2dSpec(2)).tolist()
    [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    """
    reads = reads_per_axis(input_size, spec)
    _check_map(reads, reads.rows.itemsize)
    return reads.rows[:, None] * reads.columns


@Allocation("A map of the picture")
def pixels_never_read(input_size: object, spec: Conv2dSpec) -> torch.Tensor:
    """Pixels that no output reads, (H, W) bool: skipped by the stride or past the last kernel.

    >>> pixels_never_read((1, 6), Conv2dSpec(1, stride=2)).tolist()
    [[False, True, False, True, False, True]]
    """
    reads = reads_per_axis(input_size, spec)
    _check_map(reads, torch.bool.itemsize)
    return (reads.rows == 0)[:, None] | (reads.columns == 0)


@Allocation("A map of the picture")
def outputs_reading_pixel(input_size: object, spec: Conv2dSpec, pixel: object) -> PixelReaders:
    """Every output that reads the pixel (row, column), and by which tap, in row-major order.

    Reads of the pixel's copies in the padding are included, so that there are exactly
    `reads_per_pixel` of them. Raises `InputError` for a pixel outside the picture.

    >>> readers = outputs_reading_pixel((3, 3), Conv2dSpec(2), (0, 1))
    >>> readers.output_columns.tolist(), readers.kernel_columns.tolist()
    ([0, 1], [1, 0])
    """
    n_outputs = check_spec(spec).output_size(input_size)
    size = pair("input_size", input_size, least=1)
    position = position_in("pixel", pixel, size)
    sources = axis_sources(size, spec)
    found = []
    for axis in (0, 1):
        copies = torch.nonzero(sources[axis] == position[axis])[:, 0]
        found.append(
            _readers_on_axis(
                copies,
                (n_outputs[axis], spec.stride[axis]),
                (spec.kernel_size[axis], spec.dilation[axis]),
            )
        )
    (rows, kernel_rows), (columns, kernel_columns) = found
    n_rows, n_columns = len(rows), len(columns)
    return PixelReaders(
        rows.repeat_interleave(n_columns),
        columns.repeat(n_rows),
        kernel_rows.repeat_interleave(n_columns),
        kernel_columns.repeat(n_rows),
    )


def receptive_field_pixels(
    input_size: object, spec: Conv2dSpec, position: object
) -> ReceptiveFieldPixels:
    """Input rows and columns whose values the output at (row, column) reads, tap by tap.

    Unlike `Conv2dSpec.receptive_field`, padded coordinates are resolved by the padding mode: -1 for
    zeros, the copied pixel otherwise. Raises `InputError` for a position outside the output.

    >>> receptive_field_pixels((3, 3), Conv2dSpec(3, padding=1), (0, 1)).rows.tolist()
    [-1, 0, 1]
    """
    row, column = position_in("output position", position, spec.output_size(input_size))
    rows, columns = axis_sources(input_size, spec)
    (top, _), (left, _) = spec.pads
    field = spec.receptive_field((row, column))
    return ReceptiveFieldPixels(
        rows[torch.tensor(field.rows) + top], columns[torch.tensor(field.columns) + left]
    )


def position_in(name: str, position: object, size: tuple[int, int]) -> tuple[int, int]:
    """Return (row, column), or raise `InputError` where it is outside (height, width).

    >>> position_in("pixel", (1, 2), (2, 3))
    (1, 2)
    """
    row, column = pair(name, position, least=0)
    if row >= size[0] or column >= size[1]:
        raise InputError(
            f"The {name} ({row}, {column}) is outside {size[0]} rows and {size[1]} columns.",
            remedy=f"Choose rows 0 to {size[0] - 1} and columns 0 to {size[1] - 1}",
        )
    return row, column


def number_in(name: str, value: object, n: int) -> int:
    """Return a whole number from 0 to n - 1, or raise `InputError` naming it.

    >>> number_in("channel", 2, 3)
    2
    """
    number = whole_number(name, value, least=0)
    if number >= n:
        raise InputError(f"{name} {number} is past the last one.", remedy=f"Choose 0 to {n - 1}")
    return number


def _check_map(reads: AxisReads, bytes_per_pixel: int) -> None:
    size = (len(reads.rows), len(reads.columns))
    n_bytes = size[0] * size[1] * bytes_per_pixel
    check_budget(f"A map of {by(size)} pixels", n_bytes, _LARGEST_MAP, "Use a smaller picture")


def _reads_of_padded(length: int, outputs: tuple[int, int], taps: tuple[int, int]) -> torch.Tensor:
    """Count, for each padded coordinate, the (output, tap) pairs at step * output + step * tap."""
    (n_few, few_step), (n_many, many_step) = sorted((outputs, taps))
    reads = torch.zeros(length, dtype=torch.int64)
    for index in range(n_few):
        start = index * few_step
        reads[start : start + (n_many - 1) * many_step + 1 : many_step] += 1
    return reads


def _readers_on_axis(
    coordinates: torch.Tensor, outputs: tuple[int, int], taps: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs and taps that meet at any of the padded coordinates, sorted by output, then tap."""
    (n_outputs, stride), (n_taps, dilation) = outputs, taps
    tap = torch.arange(n_taps)
    start = coordinates[:, None] - dilation * tap
    meets = (start >= 0) & (start % stride == 0) & (start < n_outputs * stride)
    output = start[meets] // stride
    kernel = tap.expand_as(start)[meets]
    order = torch.argsort(output * n_taps + kernel)
    return output[order], kernel[order]


def runs_of_equal(counts: torch.Tensor) -> list[int]:
    """Where runs of equal numbers of a (n,) tensor begin, and its end.

    >>> runs_of_equal(torch.tensor([1, 2, 2, 2, 1]))
    [0, 1, 4, 5]
    """
    begins = torch.nonzero(counts.diff())[:, 0] + 1
    return [0, *begins.tolist(), len(counts)]
