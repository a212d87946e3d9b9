"""The column matrix of im2col, virtual: any part of it is computed from the picture when asked for.

Row r is one tap, (channel, kernel row, kernel column); column j is one output, (row, column), both
in row-major order, as in `nn.Unfold`. An entry is the padded picture at a coordinate that is the
sum of what r gives and what j gives, so that a window is one gather and the matrix never exists.
"""

from collections.abc import Generator
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.field import axis_sources, number_in, outputs_reading_pixel
from rfviz.conv.image import check_image
from rfviz.conv.memory import check_budget
from rfviz.conv.overview import overview_steps
from rfviz.conv.padding import pad_rows, tap_view
from rfviz.conv.progress import finished
from rfviz.conv.selection import Selection, select
from rfviz.conv.spec import Conv2dSpec

MEMORY_BUDGET = 2**30
# Index arithmetic of a gather takes some 40 bytes an entry; blocks keep it under 100 MB.
_ENTRIES_PER_GATHER = 2**21
_SIGNED = MappingProxyType(
    {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
)


class EntryIndex(NamedTuple):
    """What one entry of the matrix is; input coordinates are outside the picture in the padding."""

    channel: int
    kernel_row: int
    kernel_column: int
    output_row: int
    output_column: int
    input_row: int
    input_column: int


class ColumnMatrix:
    """The column matrix of a (C, H, W) image: (C * kernel height * kernel width, outputs).

    Nothing is materialised and the image is neither copied nor padded; any real dtype will do.
    Raises `InputError` for an image that is not (C, H, W) and a spec that does not fit it. Source:
    the PyTorch documentation of `nn.Unfold`.

    >>> columns = ColumnMatrix(torch.arange(9).reshape(1, 3, 3), Conv2dSpec(2))
    >>> columns.shape, columns[:, 0].tolist()
    ((4, 4), [0, 1, 3, 4])
    """

    def __init__(self, image: torch.Tensor, spec: Conv2dSpec) -> None:
        """Check the image against the spec and keep both."""
        check_image(image)
        self.image = image
        self.spec = spec
        self.output_size = spec.output_size(image.shape[1:])
        # The one index map of each axis; -1 is a zero of the padding.
        self.row_sources, self.column_sources = axis_sources(image.shape[1:], spec)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns): (C * kernel height * kernel width, output rows * output columns)."""
        return (
            self.image.shape[0] * self.spec.n_taps,
            self.output_size[0] * self.output_size[1],
        )

    @property
    def n_entries(self) -> int:
        """Rows times columns."""
        return self.shape[0] * self.shape[1]

    def n_bytes(self, dtype: torch.dtype | None = None) -> int:
        """Bytes that the whole matrix would take in `dtype`, by default the image's.

        >>> ColumnMatrix(torch.zeros(3, 100, 100), Conv2dSpec(3, padding=1)).n_bytes()
        1080000
        """
        return self.n_entries * (dtype or self.image.dtype).itemsize

    def __getitem__(self, index: Any) -> torch.Tensor:
        """Return the window `rows, columns`: ints, slices, lists, ranges, index tensors or masks.

        An int drops its dimension; rows and columns are selected independently, like
        `matrix[rows][:, columns]`. `InputError` for what is out of range, or a window over 1 GiB.
        """
        parts = index if isinstance(index, tuple) else (index, slice(None))
        if len(parts) != 2:
            raise InputError(f"The column matrix has 2 dimensions, got {len(parts)} indices.")
        rows = select("rows", parts[0], self.shape[0])
        columns = select("columns", parts[1], self.shape[1])
        n_bytes = len(rows) * len(columns) * self.image.element_size()
        check_budget(f"A window of {len(rows)} × {len(columns)}", n_bytes, MEMORY_BUDGET)
        window = self._gather_all(rows, columns)
        window = window[0] if rows.drops else window
        return window[..., 0] if columns.drops else window

    def column(self, output_row: int, output_column: int) -> torch.Tensor:
        """Return the receptive field of one output, (C * kernel height * kernel width,)."""
        return self[:, self.column_index(output_row, output_column)]

    def column_index(self, output_row: int, output_column: int) -> int:
        """Return which column of the matrix an output is; `InputError` outside the output."""
        row = number_in("output row", output_row, self.output_size[0])
        return row * self.output_size[1] + number_in(
            "output column", output_column, self.output_size[1]
        )

    def row_index(self, channel: int, kernel_row: int, kernel_column: int) -> int:
        """Return which row of the matrix a tap is; `InputError` outside the kernel."""
        height, width = self.spec.kernel_size
        row = number_in("channel", channel, self.image.shape[0])
        row = row * height + number_in("kernel row", kernel_row, height)
        return row * width + number_in("kernel column", kernel_column, width)

    def index_of(self, row: int, column: int) -> EntryIndex:
        """Return what the entry at (row, column) is: its tap, its output and its input coordinate.

        >>> ColumnMatrix(torch.zeros(1, 3, 3), Conv2dSpec(2, padding=1)).index_of(0, 1)[3:]
        (0, 1, -1, 0)
        """
        kernel_height, kernel_width = self.spec.kernel_size
        tap, kernel_column = divmod(number_in("row", row, self.shape[0]), kernel_width)
        channel, kernel_row = divmod(tap, kernel_height)
        output = divmod(number_in("column", column, self.shape[1]), self.output_size[1])
        field = self.spec.receptive_field(output)
        coordinate = (field.rows[kernel_row], field.columns[kernel_column])
        return EntryIndex(channel, kernel_row, kernel_column, *output, *coordinate)

    def entry_of(
        self,
        channel: int,
        kernel_row: int,
        kernel_column: int,
        output_row: int,
        output_column: int,
    ) -> tuple[int, int]:
        """Return the (row, column) of a tap and an output: the inverse of `index_of`."""
        row = self.row_index(channel, kernel_row, kernel_column)
        return row, self.column_index(output_row, output_column)

    def entries_of_pixel(
        self, input_row: int, input_column: int, channel: int | None = None
    ) -> torch.Tensor:
        """Every (row, column) of the matrix that is a copy of one pixel, (n, 2) int64.

        Copies through the padding are included. All channels, unless one is given. `InputError`
        for a pixel outside the picture.

        >>> matrix = ColumnMatrix(torch.zeros(1, 3, 3), Conv2dSpec(2))
        >>> matrix.entries_of_pixel(0, 1).tolist()
        [[1, 0], [0, 1]]
        """
        size = self.image.shape[1:]
        readers = outputs_reading_pixel(size, self.spec, (input_row, input_column))
        taps = readers.kernel_rows * self.spec.kernel_size[1] + readers.kernel_columns
        columns = readers.output_rows * self.output_size[1] + readers.output_columns
        channels = torch.arange(self.image.shape[0])
        if channel is not None:
            channels = channels[[number_in("channel", channel, len(channels))]]
        rows = channels[:, None] * self.spec.n_taps + taps
        return torch.stack([rows.reshape(-1), columns.expand_as(rows).reshape(-1)], dim=1)

    def dense(self, memory_budget: int = MEMORY_BUDGET) -> torch.Tensor:
        """Return the whole matrix, equal to `nn.Unfold`; `InputError` past the budget in bytes.

        >>> ColumnMatrix(torch.ones(1, 3, 3), Conv2dSpec(3)).dense().shape
        torch.Size([9, 1])
        """
        n_rows, n_columns = self.shape
        check_budget(f"The matrix of {n_rows} × {n_columns}", self.n_bytes(), memory_budget)
        padded = self.padded_rows(0, len(self.row_sources))
        return tap_view(padded, self.spec, self.output_size).reshape(self.shape)

    def padded_rows(
        self,
        start: int,
        stop: int,
        dtype: torch.dtype | None = None,
        *,
        out: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Rows start to stop of the padded picture, (C, stop - start, padded width).

        In `dtype`, by default the image's; into `out` where it is given. Row 0 is the first row of
        the padding. `InputError` for rows outside the padded picture.

        >>> image = torch.tensor([[[1, 2]]])
        >>> ColumnMatrix(image, Conv2dSpec(1, padding=(0, 1))).padded_rows(0, 1).tolist()
        [[[0, 1, 2, 0]]]
        """
        n_rows = len(self.row_sources)
        if not 0 <= start <= stop <= n_rows:
            raise InputError(f"Rows {start} to {stop} are not in the padded {n_rows} rows.")
        if out is None:
            shape = (self.image.shape[0], stop - start, len(self.column_sources))
            out = torch.empty(shape, dtype=dtype or self.image.dtype)
        left = self.spec.pads[1][0]
        pad_rows(self.image, self.row_sources[start:stop], self.column_sources, left, out)
        return out

    def overview(self, height: int, width: int, columns: range | None = None) -> torch.Tensor:
        """Mean of every bin of the matrix, (height, width) float64, never materialising it.

        Of all columns, or of a range of neighbouring ones. Bins are those of `bin_edges`; more
        bins than rows or columns are clamped to their number. Integer pictures are summed exactly,
        floats to float64 rounding; a bin with a NaN or an infinity is NaN. Raises `InputError` for
        columns outside the matrix.

        >>> ColumnMatrix(torch.ones(1, 9, 9), Conv2dSpec(3)).overview(2, 3).tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
        """
        return finished(self.overview_steps(height, width, columns))

    def overview_steps(
        self, height: int, width: int, columns: range | None = None
    ) -> Generator[float, None, torch.Tensor]:
        """Work `overview` out in steps: yields the fraction done, returns the means.

        >>> steps = ColumnMatrix(torch.ones(1, 9, 9), Conv2dSpec(3)).overview_steps(2, 3)
        >>> next(steps)
        0.25
        """
        part = range(self.shape[1]) if columns is None else columns
        if part.step != 1 or not 0 <= part.start < part.stop <= self.shape[1]:
            raise InputError(
                f"An overview is of neighbouring columns, 0 to {self.shape[1] - 1}, got {part}.",
                remedy="Leave the columns out for an overview of all",
            )
        means = yield from overview_steps(self, height, width, part)
        if self.image.is_floating_point() and not means.isfinite().all():
            # Prefix sums would carry a NaN into later bins: sum without it, and mark its bins.
            wrong = ~self.image.isfinite()
            finite = ColumnMatrix(self.image.masked_fill(wrong, 0), self.spec)
            means = yield from overview_steps(finite, height, width, part)
            share = yield from overview_steps(ColumnMatrix(wrong, self.spec), height, width, part)
            means.masked_fill_(share > 0, torch.nan)
        return means

    def _gather_all(self, rows: Selection, columns: Selection) -> torch.Tensor:
        tap = self._offsets_of_rows(rows.block(0, len(rows)))
        window = torch.empty(len(rows), len(columns), dtype=self._pixels.dtype)
        step = max(1, _ENTRIES_PER_GATHER // max(1, len(rows)))
        for start in range(0, len(columns) if len(rows) else 0, step):
            block = columns.block(start, start + step)
            window[:, start : start + step] = self._gather(*tap, block)
        return window.view(self.image.dtype)

    def _offsets_of_rows(
        self, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(channel, padded row, padded column) that each row of the matrix adds."""
        height, width = self.spec.kernel_size
        tap = rows // width
        return (
            tap // height,
            tap % height * self.spec.dilation[0],
            rows % width * self.spec.dilation[1],
        )

    def _gather(
        self, channel: torch.Tensor, tap_y: torch.Tensor, tap_x: torch.Tensor, columns: torch.Tensor
    ) -> torch.Tensor:
        output_width = self.output_size[1]
        y = columns.div(output_width, rounding_mode="floor") * self.spec.stride[0]
        x = columns % output_width * self.spec.stride[1]
        step_c, step_y, step_x = self.image.stride()
        base = channel * step_c
        (top, _), (left, _) = self.spec.pads
        if self._is_inside(tap_y, y, tap_x, x):
            base += (tap_y - top) * step_y + (tap_x - left) * step_x
            return self._pixels[base[:, None] + (y * step_y + x * step_x)]
        row = self.row_sources[tap_y[:, None] + y]
        column = self.column_sources[tap_x[:, None] + x]
        padding = (row < 0) | (column < 0)
        index = base[:, None] + row * step_y + column * step_x
        return self._pixels[index.masked_fill_(padding, 0)].masked_fill(padding, 0)

    def _is_inside(self, *coordinates: torch.Tensor) -> bool:
        """Whether a window stays clear of the padding, so that it needs no index map."""
        tap_y, y, tap_x, x = (part.aminmax() for part in coordinates)
        (top, _), (left, _) = self.spec.pads
        _, height, width = self.image.shape
        return bool(
            tap_y.min + y.min >= top
            and tap_y.max + y.max < top + height
            and tap_x.min + x.min >= left
            and tap_x.max + x.max < left + width
        )

    @cached_property
    def _pixels(self) -> torch.Tensor:
        """The image's memory as one vector, whatever its strides, without copying it.

        Unsigned types that torch cannot mask are read as the signed ones of their size.
        """
        extent = 1 + sum(
            (n - 1) * step for n, step in zip(self.image.shape, self.image.stride(), strict=True)
        )
        pixels = self.image.as_strided((extent,), (1,), self.image.storage_offset())
        return pixels.view(_SIGNED.get(pixels.dtype, pixels.dtype))
