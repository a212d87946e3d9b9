"""What one unit of a stack reads at every map on its way down to the picture.

Source: Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019, applied from every map of the stack on.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.axis_map import PICTURE, AxisField, unit_bounds
from rfviz.conv.receptive_field.stack import (
    Branches,
    LayerGeometry,
    geometry_of,
    input_geometry,
    stack_geometry,
)
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import ReceptiveField

Path = tuple[Layer | Branches, ...]


class NestedField(NamedTuple):
    """One map on the way of a unit, in (rows, columns).

    `window` is what the unit reads of this map, in the map's own units, past its edges in the
    padding; `middle` the map's unit in the middle of that window, and `field` what this one reads
    of the picture, in pixels.
    """

    name: str
    size: Pair
    window: ReceptiveField
    middle: Pair
    field: ReceptiveField


class NestedMap(NamedTuple):
    """One map on the way of the units of a path: its size, and for each axis two fields.

    `window` is what the path's units read of this map, `fields` what the map's units read of the
    picture.
    """

    name: str
    size: Pair
    window: tuple[AxisField, AxisField]
    fields: tuple[AxisField, AxisField]


class Place(NamedTuple):
    """One entry of `stack_geometry` where it stands in the stack.

    `layer` is None for the join of branches; `path` the layers from the picture to this entry, it
    included, the other branches left out; `size` and `channels` those of the map that it reads.
    """

    layer: Layer | None
    path: Path
    size: Pair
    channels: int
    out_channels: int
    geometry: LayerGeometry


def places(layers: Sequence[Layer | Branches], input_size: object, in_channels: int) -> list[Place]:
    """Return every entry of `stack_geometry` with its path, its input and its channels, in order.

    Raises `InputError` where a layer does not fit.

    >>> block = Branches(((Layer("Conv2d", 3, padding=1),), ()), "concat")
    >>> [(place.out_channels, len(place.path)) for place in places([block], (8, 8), 4)]
    [(4, 1), (8, 1)]
    """
    geometry = stack_geometry(layers, input_size)
    return _placed(layers, (), input_geometry(input_size).output_size, in_channels, geometry)


def nested_maps(path: Path, input_size: object) -> list[NestedMap]:
    """Return the maps that the units at the end of a path read, the picture first, their own last.

    Raises `InputError` where a layer does not fit.

    >>> [each.size for each in nested_maps((Layer("Conv2d", 3), Layer("MaxPool2d", 2)), (8, 8))]
    [(8, 8), (6, 6), (3, 3)]
    """
    ends = [input_geometry(input_size), *_ends(path, input_size)]
    found = []
    for index, end in enumerate(ends):
        rest = path[index:]
        above = stack_geometry(rest, end.output_size)[-1].fields if rest else (PICTURE, PICTURE)
        found.append(NestedMap(end.name, end.output_size, above, end.fields))
    return found


def nested_fields(path: Path, input_size: object, unit: Pair) -> list[NestedField]:
    """Return the maps that a unit (row, column) at the end of a path reads, the picture first.

    Raises `InputError` where a layer or the unit does not fit.

    >>> fields = nested_fields((Layer("Conv2d", 3), Layer("MaxPool2d", 2)), (8, 8), (0, 1))
    >>> [(each.window.columns, each.field.columns) for each in fields]
    [(range(2, 6), range(3, 4)), (range(2, 4), range(2, 5)), (range(1, 2), range(2, 6))]
    """
    maps = nested_maps(path, input_size)
    geometry_of(maps[-1].name, maps[-1].size, maps[-1].fields).region(unit)
    return fields_in(maps, unit)


def fields_in(maps: Sequence[NestedMap], unit: Pair) -> list[NestedField]:
    """Return what a unit reads of each of the maps on its way; it must be one of the last map's.

    >>> maps = nested_maps((Layer("Conv2d", 3),), (8, 8))
    >>> fields_in(maps, (0, 1))[0].window.columns
    range(1, 4)
    """
    found = []
    for each in maps:
        rows, columns = (_span(each.window[axis], unit[axis]) for axis in (0, 1))
        middle = (_middle(rows, each.size[0]), _middle(columns, each.size[1]))
        field = ReceptiveField(*(_span(each.fields[axis], middle[axis]) for axis in (0, 1)))
        window = ReceptiveField(rows, columns)
        found.append(NestedField(each.name, each.size, window, middle, field))
    return found


def _placed(
    layers: Sequence[Layer | Branches],
    before: Path,
    size: Pair,
    channels: int,
    geometry: Sequence[LayerGeometry],
) -> list[Place]:
    found: list[Place] = []
    for layer in layers:
        path = (*before, layer)
        if isinstance(layer, Layer):
            after, known = layer.out_channels or channels, geometry[len(found)]
            found.append(Place(layer, path, size, channels, after, known))
        else:
            ends = []
            for branch in layer.paths:
                rest = geometry[len(found) :]
                inside = _placed(branch, before, size, channels, rest)
                found += inside
                ends.append(inside[-1].out_channels if inside else channels)
            after = sum(ends) if layer.join == "concat" else ends[0]
            found.append(Place(None, path, size, channels, after, geometry[len(found)]))
        before, size, channels = path, found[-1].geometry.output_size, after
    return found


def _ends(path: Path, input_size: object) -> list[LayerGeometry]:
    """The geometry at the end of each layer of a path, the inside of branches left out."""
    geometry = stack_geometry(path, input_size)
    found, index = [], -1
    for layer in path:
        index += _n_entries(layer)
        found.append(geometry[index])
    return found


def _n_entries(layer: Layer | Branches) -> int:
    if isinstance(layer, Layer):
        return 1
    return 1 + sum(_n_entries(each) for path in layer.paths for each in path)


def _span(field: AxisField, index: int) -> range:
    bounds = unit_bounds(field, index)
    return range(0) if bounds is None else range(bounds[0], bounds[1] + 1)


def _middle(window: range, size: int) -> int:
    """The window's middle unit, or the nearest that the map has."""
    middle = (window.start + window.stop - 1) // 2 if window else 0
    return max(0, min(size - 1, middle))
