"""The receptive fields that a filter answers most strongly, over any number of pictures.

Greedy and without overlap: the largest answer, then the largest whose receptive field shares no
pixel with those before it, and so on. To know them exactly not every answer is kept. Cut each
feature map into tiles so small that the receptive fields of one tile all overlap: a tile then holds
one field of the answer at most, and a field touches no more than 3 × 3 tiles. So whatever the first
k - 1 fields exclude, one of the 9 (k - 1) + 1 tiles with the largest maxima is untouched by them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.matmul.strips import output_strips
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.spec.spec import Conv2dSpec

_AHEAD = 2**62


class Response(NamedTuple):
    """An output: its value, the number of its picture, its row and column."""

    value: float
    image: int
    row: int
    column: int


@dataclass
class _Tiles:
    """Tiles of one filter: values (n, cells), positions of the cells (n, cells), picture (n,)."""

    values: torch.Tensor
    positions: torch.Tensor
    images: torch.Tensor

    def best(self, count: int) -> "_Tiles":
        """The tiles of the largest maxima; of equal ones those that come first."""
        maxima = self.values.amax(1)
        if len(maxima) > count:
            kept = (maxima >= maxima.topk(count).values[-1]).nonzero()[:, 0]
            tiles, maxima = self._at(kept), maxima[kept]
        else:
            tiles = self
        is_maximum = tiles.values == maxima[:, None]
        first = tiles.positions.where(is_maximum, torch.tensor(_AHEAD)).amin(1)
        order = first.argsort(stable=True)
        order = order[tiles.images[order].argsort(stable=True)]
        order = order[maxima[order].argsort(stable=True, descending=True)]
        return tiles._at(order[:count])

    def joined(self, other: "_Tiles") -> "_Tiles":
        """These tiles and the others."""
        return _Tiles(
            torch.cat([self.values, other.values]),
            torch.cat([self.positions, other.positions]),
            torch.cat([self.images, other.images]),
        )

    def _at(self, index: torch.Tensor) -> "_Tiles":
        return _Tiles(self.values[index], self.positions[index], self.images[index])


class StrongestFields:
    """Collects strips of feature maps; memory is that of 9 k tiles for each filter.

    `largest=False` looks for the smallest answers, the most negative first. NaN never counts.

    >>> fields = StrongestFields(1, Conv2dSpec(2), 2)
    >>> fields.add(0, range(2), torch.tensor([[[1.0, 5.0, 4.0], [0.0, 2.0, 3.0]]]))
    >>> fields.responses()
    [[Response(value=5.0, image=0, row=0, column=1)]]
    """

    def __init__(self, n_filters: int, spec: Conv2dSpec, k: int, *, largest: bool = True) -> None:
        """Begin with no picture."""
        self.k = whole_number("number of receptive fields", k, least=1)
        self.spec = spec
        reach, stride = spec.effective_kernel_size, spec.stride
        self.tile = ((reach[0] - 1) // stride[0] + 1, (reach[1] - 1) // stride[1] + 1)
        self._sign = 1.0 if largest else -1.0
        self._held: list[_Tiles | None] = [None] * n_filters
        self._widths: dict[int, int] = {}

    def add(self, image: int, rows: range, values: torch.Tensor) -> None:
        """Take (F, rows, W_out) of a picture's output into account, beginning at a tile's edge."""
        width = self._widths.setdefault(image, values.shape[2])
        if rows.start % self.tile[0] or values.shape[1:] != (len(rows), width):
            raise InputError(
                f"Expected rows from a multiple of {self.tile[0]} on, of {width} outputs each, got "
                f"{rows} and {tuple(values.shape)}."
            )
        signed = (self._sign * values.detach()).nan_to_num(
            nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf
        )
        positions = torch.arange(rows.start * width, rows.stop * width).view(1, -1, width)
        tiled = _in_tiles(signed, self.tile, -torch.inf)
        places = _in_tiles(positions, self.tile, _AHEAD)[0]
        images = torch.full((len(places),), image)
        for number, each in enumerate(tiled):
            new = _Tiles(each, places, images).best(9 * (self.k - 1) + 1)
            held = self._held[number]
            joined = new if held is None else held.joined(new)
            self._held[number] = joined.best(9 * (self.k - 1) + 1)

    def responses(self) -> list[list[Response]]:
        """For each filter up to k outputs, the strongest first; of equal ones the first."""
        return [[] if tiles is None else self._greedy(tiles) for tiles in self._held]

    def _greedy(self, tiles: _Tiles) -> list[Response]:
        cells = tiles.values.shape[1]
        images = tiles.images.repeat_interleave(cells)
        widths = torch.tensor([self._widths[int(image)] for image in images])
        positions, values = tiles.positions.flatten(), tiles.values.flatten().clone()
        rows, columns = positions // widths, positions % widths
        found: list[Response] = []
        while len(found) < self.k and values.max() > -torch.inf:
            at = _first(values, images, positions)
            found.append(
                Response(
                    self._sign * values[at].item(),
                    int(images[at]),
                    int(rows[at]),
                    int(columns[at]),
                )
            )
            near = (rows - rows[at]).abs() < self.tile[0]
            near &= (columns - columns[at]).abs() < self.tile[1]
            values[near & (images == images[at])] = -torch.inf
        return found


def strongest_fields(
    images: Sequence[torch.Tensor],
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    spec: Conv2dSpec | None = None,
    *,
    k: int = 9,
    largest: bool = True,
) -> list[list[Response]]:
    """For each filter the k outputs of (C, H, W) pictures that are largest, without overlap.

    Exact, strip by strip. Two outputs overlap if the boxes around their receptive fields, padding
    included, share a pixel of one picture. Raises `InputError` like `conv2d_by_matmul`.

    >>> image = torch.tensor([[[0.0, 1.0, 0.0, 2.0, 0.0]]])
    >>> strongest_fields([image], torch.ones(1, 1, 1, 2), k=2)[0][1]
    Response(value=1.0, image=0, row=0, column=0)
    """
    spec = spec or Conv2dSpec(weight.shape[2:])
    found = StrongestFields(len(weight), spec, k, largest=largest)
    for number, image in enumerate(images):
        for rows, values in output_strips(image, weight, bias, spec, multiple_of=found.tile[0]):
            found.add(number, rows, values)
    return found.responses()


def _in_tiles(x: torch.Tensor, tile: tuple[int, int], beyond: float) -> torch.Tensor:
    """(F, H, W) as (F, tiles, cells), filled up at the ends."""
    (height, width), (n_rows, n_columns) = tile, x.shape[1:]
    down, across = -(-n_rows // height), -(-n_columns // width)
    whole = x.new_full((len(x), down * height, across * width), beyond)
    whole[:, :n_rows, :n_columns] = x
    tiles = whole.view(len(x), down, height, across, width).transpose(2, 3)
    return tiles.reshape(len(x), down * across, height * width)


def _first(values: torch.Tensor, images: torch.Tensor, positions: torch.Tensor) -> int:
    """The index of the largest value; of equal ones the first picture's first."""
    ties = (values == values.max()).nonzero()[:, 0]
    ties = ties[images[ties] == images[ties].min()]
    return int(ties[positions[ties].argmin()])
