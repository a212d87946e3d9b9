"""The rows that a trace gives, and the table of them: for reading, printing and a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import accumulate, pairwise
from typing import SupportsIndex, overload

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.receptive_field.stack import Hulls, LayerGeometry
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.trace.activations import Place, activations
from rfviz.conv.wording import by, shown

HEADINGS = (
    "layer", "kind", "in", "out", "output", "receptive field", "jump", "projective field",
    "parameters", "multiply-adds", "standing",
)  # fmt: skip
WORDS = 2  # the first columns are words, and so is the last: they begin on one line
MOST_ROWS_SHOWN = 200


@dataclass(frozen=True)
class TracedLayer(LayerGeometry):
    """One layer of a traced module: its geometry, what it costs, and what it gives of a picture.

    `kind` is the class of the layer, or torch's name of a step that is no layer of its own; the
    channels are None where a tensor has no such dimension. `parameters` are those that it reads,
    those also that its weight is computed from. `multiply_adds` are products added to a sum, for
    one picture; an operator that works element by element, as a distance does, has none.
    `projective_field` is the most rows and columns of its units, from the first to the last, that
    one pixel of the picture changes; within the holes of a dilated field it may change fewer.
    """

    kind: str = ""
    in_channels: int | None = None
    out_channels: int | None = None
    parameters: int = 0
    multiply_adds: int = 0
    projective_field: Pair = (0, 0)
    module: nn.Module | None = field(default=None, repr=False, compare=False)
    place: Place | None = field(default=None, repr=False, compare=False)

    def activations(self, picture: torch.Tensor) -> torch.Tensor:
        """Return what the layer gives of a (C, H, W) picture, as the next one: (C', H', W').

        Of a batch (N, C, H, W) it is (N, C', H', W'). The module runs in evaluation mode, without
        gradients, and is left as it was. `ColumnMatrix`, `conv2d_by_matmul` and `apply_operator`
        take the result as they take a picture. Raises `InputError` for a picture that the module
        does not take, and for a layer whose output has no rows and columns.

        >>> import rfviz
        >>> rows = rfviz.trace(nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2)), (1, 8, 8))
        >>> rows["1"].activations(torch.ones(1, 8, 8)).shape
        torch.Size([2, 3, 3])
        """
        return activations(self.module, self.place, self.name, picture)


class TraceTable(list[TracedLayer]):
    """The layers of a traced module, in order: a list that prints as a table.

    `table["layer1.0.conv1"]` is the row of that name. `parameters` and `multiply_adds` are the
    whole module's, with the layers that have no row.

    >>> import rfviz
    >>> table = rfviz.trace(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2)), (8, 8))
    >>> table["0"].parameters, table.multiply_adds, table["1"].projective_field
    (224, 13824, (2, 2))
    """

    def __init__(
        self, rows: Sequence[TracedLayer] = (), parameters: int = 0, multiply_adds: int = 0
    ) -> None:
        """Keep the rows, and the costs of the module."""
        super().__init__(rows)
        self.parameters = parameters
        self.multiply_adds = multiply_adds

    @overload
    def __getitem__(self, index: SupportsIndex | str) -> TracedLayer: ...
    @overload
    def __getitem__(self, index: slice) -> list[TracedLayer]: ...
    def __getitem__(self, index: SupportsIndex | str | slice) -> TracedLayer | list[TracedLayer]:
        """Return a row by its number or name, or several rows."""
        if not isinstance(index, str):
            return super().__getitem__(index)
        found = next((row for row in self if row.name == index), None)
        if found is None:
            raise InputError(
                f"No layer of the trace is called {shown(index)}.",
                remedy=f"Take one of {shown([row.name for row in self])}",
            )
        return found

    def __str__(self) -> str:
        """Return the table in aligned columns, and a line of sums."""
        rows = [HEADINGS, *map(_cells, self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(_aligned, row, widths, range(len(row)))).rstrip() for row in rows]
        return "\n".join([*lines, self._sums()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        head = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
        rows = [
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(row)) + "</tr>"
            for row in self[:MOST_ROWS_SHOWN]
        ]
        more = f"; the first {MOST_ROWS_SHOWN} are shown" if len(self) > MOST_ROWS_SHOWN else ""
        body = "\n".join(rows)
        return (
            f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
            f"<p>{escape(self._sums() + more)}</p>"
        )

    def _sums(self) -> str:
        return (
            f"{len(self):,} layers, {self.parameters:,} parameters, "
            f"{self.multiply_adds:,} multiply-adds"
        )


def projected(hulls: Hulls, n_pixels: int) -> int:
    """Return the most units of an axis, from the first to the last, that one pixel changes.

    >>> projected(((0, 1), (0, 2), (1, 3), (2, 3)), 4)
    3
    """
    ends = [(unit, *bounds) for unit, bounds in enumerate(hulls) if bounds is not None]
    moves_on = all(a[1] <= b[1] and a[2] <= b[2] for a, b in pairwise(ends))
    if moves_on and all(a[0] + 1 == b[0] for a, b in pairwise(ends)):
        steps = [0] * (n_pixels + 1)
        for _, low, high in ends:
            steps[low] += 1
            steps[high + 1] -= 1
        return max(accumulate(steps))
    first = _first_reader(ends, n_pixels)
    last = _first_reader(ends[::-1], n_pixels)
    both = zip(first, last, strict=True)
    return max((b - a + 1 for a, b in both if a is not None and b is not None), default=0)


def _first_reader(ends: Sequence[tuple[int, int, int]], n_pixels: int) -> list[int | None]:
    """The first of some units that reads each pixel; one that has been found is passed over."""
    found: list[int | None] = [None] * n_pixels
    following = list(range(n_pixels + 1))

    def open_from(pixel: int) -> int:
        while following[pixel] != pixel:
            following[pixel] = following[following[pixel]]
            pixel = following[pixel]
        return pixel

    for unit, low, high in ends:
        pixel = open_from(low)
        while pixel <= high:
            found[pixel] = unit
            following[pixel] = pixel + 1
            pixel = open_from(pixel)
    return found


def _cells(row: TracedLayer) -> tuple[str, ...]:
    channels = ("–" if n is None else f"{n:,}" for n in (row.in_channels, row.out_channels))
    pairs = (row.output_size, row.receptive_field, row.jump, row.projective_field)
    costs = (f"{row.parameters:,}", f"{row.multiply_adds:,}")
    return (row.name, row.kind, *channels, *map(by, pairs), *costs, row.standing)


def _aligned(cell: str, width: int, column: int) -> str:
    is_word = column < WORDS or column == len(HEADINGS) - 1
    return cell.ljust(width) if is_word else cell.rjust(width)
