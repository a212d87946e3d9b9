"""Which pixels of the picture truly change a unit: padding counts at no map on the way down.

The box of a receptive field holds what the padding of an inner layer stands for: pixels that would
be read if the map were larger. Here every map ends at its edges, so that what is left are the
pixels by which the unit has a gradient, unless a weight is 0.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from rfviz.conv.receptive_field.axis_map import AxisMap
from rfviz.conv.spec.padding_modes import Pair

# More are united: a grid of all their rows and all their columns.
_MOST_GRIDS = 64


class Grid(NamedTuple):
    """Units of a map in all of some rows and all of some columns, each in order."""

    rows: Tensor
    columns: Tensor


def grid_of(unit: Pair) -> Grid:
    """Return the grid of one unit.

    >>> grid_of((2, 3)).columns
    tensor([3])
    """
    return Grid(torch.tensor([unit[0]]), torch.tensor([unit[1]]))


def read_by(grids: Iterable[Grid], maps: tuple[AxisMap, AxisMap], size: Pair) -> list[Grid]:
    """Return the units of a layer's input, a map of `size` units, that some of its outputs read.

    >>> pooled = AxisMap(1, 2, (range(2),))
    >>> read_by([grid_of((0, 1))], (pooled, pooled), (4, 4))[0].columns
    tensor([2, 3])
    """
    found = (
        Grid(_read(maps[0], grid.rows, size[0]), _read(maps[1], grid.columns, size[1]))
        for grid in grids
    )
    return together(found)


def together(grids: Iterable[Grid]) -> list[Grid]:
    """Return the grids that hold a unit, each once.

    >>> together([grid_of((0, 1)), grid_of((0, 1))])
    [Grid(rows=tensor([0]), columns=tensor([1]))]
    """
    held = {
        (tuple(grid.rows.tolist()), tuple(grid.columns.tolist())): grid
        for grid in grids
        if len(grid.rows) and len(grid.columns)
    }
    found = list(held.values())
    if len(found) <= _MOST_GRIDS:
        return found
    return [Grid(*(torch.unique(torch.cat(each)) for each in zip(*found, strict=True)))]


def _read(axis_map: AxisMap, outputs: Tensor, n_inputs: int) -> Tensor:
    """Inputs within the map that any of the outputs reads."""
    is_read = torch.zeros(n_inputs, dtype=torch.bool)
    phases = outputs % axis_map.period
    turns = outputs // axis_map.period
    for phase in torch.unique(phases).tolist():
        moved = turns[phases == phase] * axis_map.shift
        for tap in axis_map.windows[phase]:
            places = moved + tap
            is_read[places[(places >= 0) & (places < n_inputs)]] = True
    return is_read.nonzero()[:, 0]
