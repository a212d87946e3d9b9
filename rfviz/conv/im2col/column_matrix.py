"""The column matrix of im2col, virtual: any part of it is computed from the picture when asked for.

Row r is one tap, (channel, kernel row, kernel column); column j is one output, (row, column), both
in row-major order, as in `nn.Unfold`. An entry is the padded picture at a coordinate that is the
sum of what r gives and what j gives, so that a window is one gather and the matrix never exists.
"""

from collections.abc import Generator, Iterator
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.html import html_table
from rfviz.conv.im2col.overview import overview_steps
from rfviz.conv.im2col.padded import pad_rows, padded_whole, tap_view
from rfviz.conv.im2col.products import by_columns, of_rows
from rfviz.conv.im2col.reads import axis_sources, number_in, outputs_reading_pixel
from rfviz.conv.im2col.selection import Selection, both_sides, select
from rfviz.conv.im2col.unfolded import is_followed, is_transformed, unfolded
from rfviz.conv.memory import Allocation, check_budget, readable_bytes
from rfviz.conv.spec.check_picture import channels_last, check_image
from rfviz.conv.spec.given_picture import as_picture
from rfviz.conv.spec.padding_modes import check_axis
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.spec.spec import Conv2dSpec, check_spec
from rfviz.conv.steps import finished
from rfviz.conv.wording import by, number, shown

MEMORY_BUDGET = 2**30
# Index arithmetic of a gather takes some 40 bytes an entry; blocks keep it under 100 MB.
_ENTRIES_PER_GATHER = 2**21
_BYTES_PER_INDEX = 33
# Rows and columns that a notebook shows of it.
CORNER = 6
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

    The image may be a tensor, a numpy array or a PIL image, `spec` a `Conv2dSpec` or an
    `nn.Conv2d`; of a batch there are `ColumnMatrices`. Nothing is materialised and a tensor is
    neither copied nor padded; any real dtype will do. Raises `InputError` for an image that is not
    (C, H, W) and a spec that does not fit it. Source: the PyTorch documentation of `nn.Unfold`.

    >>> columns = ColumnMatrix(torch.arange(9).reshape(1, 3, 3), Conv2dSpec(2))
    >>> columns.shape, columns[:, 0].tolist()
    ((4, 4), [0, 1, 3, 4])
    """

    def __init__(self, image: object, spec: Conv2dSpec | nn.Module) -> None:
        """Check the image against the spec and keep both."""
        self.image = as_picture(image)
        check_image(self.image)
        of_layer = Conv2dSpec.from_module(spec) if isinstance(spec, nn.Module) else spec
        self.spec = check_spec(of_layer)
        self.output_size = _output_size(self.image, self.spec)
        for n, pads in zip(self.image.shape[1:], self.spec.pads, strict=True):
            check_axis(n, *pads, self.spec.padding_mode)

    @property
    def row_sources(self) -> torch.Tensor:
        """The index map of the rows, `source_indices`; -1 is a zero of the padding."""
        return self._sources[0]

    @property
    def column_sources(self) -> torch.Tensor:
        """The index map of the columns, as that of the rows."""
        return self._sources[1]

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

    def __len__(self) -> int:
        """Return the number of rows, as of a tensor."""
        return self.shape[0]

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yield row after row, each (outputs,)."""
        return (self[row] for row in range(len(self)))

    def __contains__(self, value: object) -> bool:
        """Whether any entry is this number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"An entry of the column matrix is a number, got {shown(value)}.")
        return any(bool((row == value).any()) for row in self)

    def __bool__(self) -> bool:
        """Refuse: a matrix is neither true nor false."""
        raise InputError(
            f"A matrix of {self.n_entries} entries is neither true nor false.",
            remedy="Compare with None, or ask for its shape",
        )

    def __eq__(self, other: object) -> bool:
        """Whether another column matrix has the same picture and spec, and so the same entries."""
        if not isinstance(other, ColumnMatrix):
            return NotImplemented
        alike = self.spec == other.spec and self.image.dtype == other.image.dtype
        return alike and torch.equal(self.image, other.image)

    def __hash__(self) -> int:
        """Equal matrices hash alike; the picture's values play no part."""
        return hash((self.spec, self.image.shape, self.image.dtype))

    def __repr__(self) -> str:
        """Show the size, the type, the picture's shape and the spec."""
        rows, columns = self.shape
        picture = tuple(self.image.shape)
        return f"ColumnMatrix({rows} × {columns}, {self.image.dtype}, of {picture}, {self.spec})"

    def _repr_html_(self) -> str:
        """Show the same in a notebook, with the first entries."""
        rows, columns = self.shape
        corner = self[: min(rows, CORNER), : min(columns, CORNER)].detach()
        picture = f"{tuple(self.image.shape)}, {self.image.dtype}"
        facts: list[tuple[object, ...]] = [
            ("matrix", f"{rows:,} × {columns:,}, {readable_bytes(self.n_bytes())} if it were held"),
            ("picture", picture),
            ("output", by(self.output_size)),
            ("spec", self.spec),
            ("first entries", *(f"column {column}" for column in range(corner.shape[1]))),
        ]
        facts += [
            (f"row {row}", *(number(value) for value in line))
            for row, line in enumerate(corner.tolist())
        ]
        return html_table("Column matrix", facts)

    def __reduce__(self) -> tuple[type["ColumnMatrix"], tuple[torch.Tensor, Conv2dSpec]]:
        """Copy and pickle the picture and the spec alone."""
        return type(self), (self.image, self.spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> "ColumnMatrix":
        """Copy the picture; gradients flow through the copy, where they flow to the picture."""
        return ColumnMatrix(self.image.clone(), self.spec)

    def __setitem__(self, index: object, value: object) -> None:
        """Refuse: entries are the picture's pixels."""
        raise InputError(
            "The entries of a column matrix cannot be set: they are the picture's pixels.",
            remedy="Change the picture, or take .dense()",
        )

    def __matmul__(self, other: object) -> torch.Tensor:
        """Matrix product with (columns,) or (columns, n), block by block: (rows,) or (rows, n)."""
        return by_columns(self, other)

    def __rmatmul__(self, other: object) -> torch.Tensor:
        """Matrix product of (rows,) or (n, rows) with this, block by block: (columns,), or n of."""
        return of_rows(other, self)

    # numpy leaves `array @ matrix` to the method above, instead of taking each row for a number.
    __array_ufunc__ = None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return the whole matrix for numpy, within 1 GiB; bfloat16, which it has not, is refused.

        A copy always, so that `copy=False` is refused, as numpy asks for.
        """
        if self.image.dtype == torch.bfloat16 or copy is False:
            found = "bfloat16" if copy is not False else "an array without a copy"
            raise InputError(f"numpy cannot hold this matrix as {found}.", remedy="Use .dense()")
        array = self.dense().detach().numpy()
        return array if dtype is None else array.astype(dtype)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Let every function of torch take the matrix: a product in blocks, others on `dense`."""
        if function in {torch.matmul, torch.mm, torch.Tensor.matmul, torch.Tensor.__matmul__}:
            left, right = args
            return left @ right if isinstance(left, cls) else of_rows(left, right)
        whole = [one.dense() if isinstance(one, cls) else one for one in args]
        return function(*whole, **(kwargs or {}))

    @property
    def T(self) -> torch.Tensor:  # noqa: N802 - as torch and numpy call it
        """The whole matrix transposed, (outputs, rows); `InputError` past 1 GiB."""
        return self.dense().T

    def __getitem__(self, index: Any) -> torch.Tensor:
        """Return the window `rows, columns`: ints, slices, lists, ranges, index tensors or masks.

        An int drops its dimension; rows and columns are selected independently, like
        `matrix[rows][:, columns]`. `InputError` for what is out of range, or a window over 1 GiB.
        """
        parts = both_sides(index)
        rows = select("rows", parts[0], self.shape[0])
        columns = select("columns", parts[1], self.shape[1])
        n_bytes = len(rows) * len(columns) * self.image.element_size()
        what = f"A window of {len(rows)} × {len(columns)} entries"
        check_budget(what, n_bytes, MEMORY_BUDGET)
        with Allocation(what):
            follows = is_followed(self.image)
            window = (self._followed if follows else self._gather_all)(rows, columns)
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
        what = f"The matrix of {n_rows} × {n_columns} entries"
        check_budget(what, self.n_bytes(), memory_budget)
        with Allocation(what):
            if is_followed(self.image):
                return unfolded(self.image, self._sources, self.spec).reshape(self.shape)
            padded = padded_whole(self.image, self.spec, lambda: self._sources)
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
        start = whole_number("the first row", start, least=0)
        stop = whole_number("the end of the rows", stop, least=0)
        n_rows = len(self.row_sources)
        if not 0 <= start <= stop <= n_rows:
            raise InputError(f"Rows {start} to {stop} are not in the padded {n_rows} rows.")
        if is_transformed(self.image):
            raise InputError(
                "Padded rows are copied into a buffer, which torch.func cannot follow.",
                remedy="Use dense(), which carries gradients",
            )
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
        if is_followed(self.image):
            raise InputError(
                "Means of the whole matrix carry no gradient.",
                remedy="Use torch.no_grad, or the mean of a window",
            )
        part = range(self.shape[1]) if columns is None else columns
        if (
            not isinstance(part, range)
            or part.step != 1
            or not 0 <= part.start < part.stop <= self.shape[1]
        ):
            raise InputError(
                f"An overview is of neighbouring columns, 0 to {self.shape[1] - 1}, got "
                f"{shown(part)}.",
                remedy="Leave the columns out for an overview of all",
            )
        with Allocation("The overview"):
            means = yield from overview_steps(self, height, width, part)
            if self.image.is_floating_point() and not means.isfinite().all():
                # Prefix sums would carry a NaN into later bins: sum without it, and mark its bins.
                wrong = ~self.image.isfinite()
                finite = ColumnMatrix(self.image.masked_fill(wrong, 0), self.spec)
                means = yield from overview_steps(finite, height, width, part)
                marked = ColumnMatrix(wrong, self.spec)
                share = yield from overview_steps(marked, height, width, part)
                means.masked_fill_(share > 0, torch.nan)
            return means

    def _gather_all(self, rows: Selection, columns: Selection) -> torch.Tensor:
        tap = self._offsets_of_rows(rows.block(0, len(rows)))
        # Every column lies in one of the blocks below: nothing of it stays as it was allocated.
        window = torch.empty(len(rows), len(columns), dtype=self._pixels.dtype)
        step = max(1, _ENTRIES_PER_GATHER // max(1, len(rows)))
        for start in range(0, len(columns) if len(rows) else 0, step):
            block = columns.block(start, start + step)
            window[:, start : start + step] = self._gather(*tap, block)
        return window.view(self.image.dtype)

    def _followed(self, rows: Selection, columns: Selection) -> torch.Tensor:
        """The window by one gather that autograd follows, which keeps the index of each entry."""
        n_bytes = len(rows) * len(columns) * (self.image.element_size() + _BYTES_PER_INDEX)
        what = f"A window of {len(rows)} × {len(columns)} entries with gradients"
        check_budget(what, n_bytes, MEMORY_BUDGET)
        channel, tap_y, tap_x = self._offsets_of_rows(rows.block(0, len(rows)))
        column = columns.block(0, len(columns))
        y = column.div(self.output_size[1], rounding_mode="floor") * self.spec.stride[0]
        x = column % self.output_size[1] * self.spec.stride[1]
        row, across = self.row_sources[tap_y[:, None] + y], self.column_sources[tap_x[:, None] + x]
        pixels = self.image[channel[:, None], row.clamp(min=0), across.clamp(min=0)]
        return pixels.masked_fill((row < 0) | (across < 0), 0)

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
    def _sources(self) -> tuple[torch.Tensor, torch.Tensor]:
        """`axis_sources`, made when they are first asked for: a dense matrix needs none."""
        return axis_sources(tuple(self.image.shape[1:]), self.spec)

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


def _output_size(image: torch.Tensor, spec: Conv2dSpec) -> tuple[int, int]:
    """The output's size, or the spec's refusal with the order of the sides that may be meant."""
    try:
        return spec.output_size(image.shape[1:])
    except InputError as error:
        order = channels_last(image.shape)
        if order is None:
            raise
        raise InputError(error.what, error.remedies, remedy=order) from None
