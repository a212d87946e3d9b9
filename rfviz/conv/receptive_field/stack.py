"""A stack of layers: output size, receptive field, jump and start of each, branches included.

Source: Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019. Receptive fields are the theoretical ones: zeros of the padding count as read, and
the other padding modes are not followed around the edge. `LayerGeometry.pixels` leaves them out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

from torch import nn

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.layers.fit import picture_size
from rfviz.conv.layers.layer import Layer, as_layer
from rfviz.conv.receptive_field.axis_map import (
    PICTURE,
    AxisField,
    AxisMap,
    Bounds,
    centre,
    compose,
    join,
    largest_field,
    misalignment,
    sliding_map,
    transposed_map,
    unit_bounds,
)
from rfviz.conv.receptive_field.influence import Grid, grid_of, read_by, together
from rfviz.conv.receptive_field.stack_remedies import Tried, stack_remedies
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.parse import pair
from rfviz.conv.spec.spec import ReceptiveField
from rfviz.conv.wording import by, shown

Numbers = tuple[float, float]


# For each unit of an axis the first and last pixel in the picture that changes it, or None.
Hulls = tuple[Bounds | None, ...]


class Step(NamedTuple):
    """How a layer comes from the map before it: by its maps, or by paths that end in `ends`."""

    before: "LayerGeometry"
    maps: tuple[AxisMap, AxisMap] | None
    ends: tuple["LayerGeometry", ...] = ()


@dataclass(frozen=True)
class LayerGeometry:
    """One layer of a stack: sizes in pixels as (height, width) pairs, in input coordinates.

    `receptive_field` is the largest that a unit of the layer has, padding included; `jump` the
    distance between the centres of neighbouring units, a whole number unless a layer enlarges;
    `start` the centre of unit 0, where pixel 0 has its centre at 0. `uniform` says that every unit
    has the same field, moved; it is False after a layer that enlarges with unequal windows.
    `aligned` is False where branches of different jump or centre have been joined; `note` says so
    in words. `standing` says how sure the field is, and `reason` why it is no surer: "exact";
    "whole input", where every unit reads all of it; "upper bound", where it may read less;
    "depends on data", where the values of the picture say what is read; "unknown", where a step is
    not known, and counts as reading all that it is given. Layers given by hand are exact. `call` is
    torch's name of the step, where a module was traced.
    """

    name: str
    output_size: Pair
    receptive_field: Pair
    jump: Numbers
    start: Numbers
    uniform: bool = True
    aligned: bool = True
    note: str = ""
    fields: tuple[AxisField, AxisField] = field(default=(PICTURE, PICTURE), repr=False)
    standing: str = "exact"
    reason: str = ""
    call: str = ""
    step: Step | None = field(default=None, repr=False, compare=False)
    within: tuple[Hulls, Hulls] | None = field(default=None, repr=False, compare=False)

    def region(self, position: object) -> ReceptiveField:
        """Rows and columns of the picture from the first to the last that the unit reads, exactly.

        Padding counts as read, that of inner layers too, as the pixels in whose place it stands:
        coordinates are negative, or past the picture, and near an edge may be of pixels that
        change nothing, see `pixels`. A unit that reads nothing has empty ranges. Raises
        `InputError` for a unit outside the feature map.

        >>> stack_geometry([Layer("Conv2d", 3, 2, 1)] * 2, (16, 16))[1].region((0, 1)).columns
        range(1, 8)
        """
        unit = self._checked(position)
        both = (unit_bounds(self.fields[axis], unit[axis]) for axis in (0, 1))
        rows, columns = map(_range, both)
        return ReceptiveField(rows, columns)

    def pixels(self, position: object) -> ReceptiveField:
        """Rows and columns of the picture from the first to the last that change the unit, exactly.

        Padding counts at no layer, so that the ranges lie within the picture and within `region`:
        by these pixels the unit has a gradient, unless weights are 0. Raises `InputError` for a
        unit outside the feature map.

        >>> padded = stack_geometry([Layer("MaxPool2d", 2), Layer("Conv2d", 3, padding=1)], (5, 5))
        >>> padded[1].region((1, 1)).rows, padded[1].pixels((1, 1)).rows
        (range(0, 6), range(0, 4))
        """
        unit = self._checked(position)
        if self.within is not None:
            rows, columns = (self.within[axis][unit[axis]] for axis in (0, 1))
            return ReceptiveField(_range(rows), _range(columns))
        grids = _read_of(self, None, [grid_of(unit)])
        ends = ([(int(e[0]), int(e[-1])) for e in each] for each in zip(*grids, strict=True))
        found = [_range((min(e)[0], max(end for _, end in e))) for e in ends]
        return ReceptiveField(*found) if found else ReceptiveField(range(0), range(0))

    def _checked(self, position: object) -> Pair:
        unit = pair("unit", position, least=0)
        if unit[0] >= self.output_size[0] or unit[1] >= self.output_size[1]:
            raise InputError(
                f"The unit {unit} is outside the feature map of {by(self.output_size)} units.",
                remedy=f"Choose one before {self.output_size}",
            )
        return unit


@dataclass(frozen=True)
class Branches:
    """Paths of layers that read the same map and are added ("add") or concatenated ("concat").

    An empty path is the identity: a residual connection.

    >>> Branches(((Layer("Conv2d", 3, padding=1),), ()), name="block").join
    'add'
    """

    paths: tuple[tuple["Layer | Branches", ...], ...]
    join: str = "add"
    name: str = ""


def stack_geometry(layers: Iterable[object], input_size: object) -> list[LayerGeometry]:
    """Return the geometry of each layer of a stack on a (height, width) picture, in order.

    A layer is a `Layer`, a `Conv2dSpec`, a torch layer, a (name, layer) pair, or `Branches`, whose
    layers come path by path before the entry of their join. Raises `InputError` where a layer does
    not fit what it is given; its remedies mend the whole stack, and their changes hold the index of
    the layer under "layer", or the "input_size" of the picture.
    Exact for every layer type; of a transposed layer, whose units differ, the largest field is
    given, and `region` is exact for each unit. Source: Araujo, Norris & Sim, Distill 2019.

    >>> geometry = stack_geometry([Layer("Conv2d", 3, padding=1), Layer("MaxPool2d", 2)], (8, 8))
    >>> [(g.output_size, g.receptive_field, g.jump, g.start) for g in geometry][1]
    ((4, 4), (4, 4), (2, 2), (0.5, 0.5))
    """
    found = [input_geometry(input_size)]
    stack = checked_layers(layers)
    for index, layer in enumerate(stack):
        try:
            found += _following(layer, found[-1])
        except InputError as error:
            remedies = stack_remedies(_steps(stack), found[0].output_size, index, error.remedies)
            raise _in_layer(error, index, layer, remedies) from None
    return found[1:]


def input_geometry(input_size: object) -> LayerGeometry:
    """Return the geometry of the picture itself: every unit reads its own pixel.

    >>> input_geometry((4, 5)).receptive_field
    (1, 1)
    """
    return geometry_of("input", picture_size(input_size), (PICTURE, PICTURE))


def geometry_of(
    name: str,
    output_size: Pair,
    fields: tuple[AxisField, AxisField],
    aligned: bool = True,
    note: str = "",
) -> LayerGeometry:
    """Return the geometry of a map of `output_size` units whose units read `fields`."""
    rows, columns = fields
    return LayerGeometry(
        name,
        output_size,
        (largest_field(rows, output_size[0]), largest_field(columns, output_size[1])),
        (_number(rows[0].jump), _number(columns[0].jump)),
        (_number(centre(rows)), _number(centre(columns))),
        all(_uniform(axis) for axis in fields),
        aligned,
        note,
        fields,
    )


def layer_geometry(layer: Layer, before: LayerGeometry) -> LayerGeometry:
    """Return the geometry of one layer on the map before it; `InputError` where it does not fit.

    >>> layer_geometry(Layer("Conv2d", 5), input_geometry((8, 9))).output_size
    (4, 5)
    """
    size = layer.output_size(before.output_size)
    return through(before, layer.label(), size, layer_maps(layer))


def through(
    before: LayerGeometry,
    name: str,
    output_size: Pair,
    maps: tuple[AxisMap, AxisMap],
    note: str = "",
) -> LayerGeometry:
    """Return the geometry after a row map and a column map."""
    rows, columns = (compose(before.fields[axis], maps[axis]) for axis in (0, 1))
    found = geometry_of(name, output_size, (rows, columns), before.aligned, note or before.note)
    return replace(found, step=Step(before, maps))


def layer_maps(layer: Layer) -> tuple[AxisMap, AxisMap]:
    """Return the row map and the column map of a layer."""
    slide = transposed_map if layer.kind == "ConvTranspose2d" else sliding_map
    rows, columns = (
        slide(layer.kernel_size[a], layer.stride[a], layer.pads[a][0], layer.dilation[a])
        for a in (0, 1)
    )
    return rows, columns


def joined(ends: Sequence[LayerGeometry], name: str) -> LayerGeometry:
    """Return the geometry of maps that are added or concatenated; misalignment is noted.

    Raises `InputError` where their sizes differ.
    """
    sizes = list(dict.fromkeys(end.output_size for end in ends))
    if len(sizes) > 1:
        raise InputError(
            f"{name} joins feature maps of different sizes: {' and '.join(map(by, sizes))}.",
            remedy="Give the branches the same stride, and padding that keeps the size",
        )
    both = [[end.fields[axis] for end in ends] for axis in (0, 1)]
    notes = [
        f"on the {axis}, {words}"
        for axis, fields in zip(("rows", "columns"), both, strict=True)
        if (words := misalignment(fields))
    ]
    aligned = not notes and all(end.aligned for end in ends)
    note = "; ".join(notes) or next((end.note for end in ends if end.note), "")
    return geometry_of(name, sizes[0], (join(both[0]), join(both[1])), aligned, note)


def checked_layers(layers: object) -> list["Layer | Branches"]:
    """Return the layers of a stack in their one form, or raise `InputError`.

    >>> checked_layers([("a", Layer("Conv2d", 3))])[0].name
    'a'
    """
    if isinstance(layers, str | bytes | nn.Module) or not isinstance(layers, Iterable):
        raise InputError(
            f"A stack is a list of layers, got {type(layers).__name__}.",
            remedy='Write it as [Layer("Conv2d", 3)]',
        )
    return [
        _checked_branches(one) if isinstance(one, Branches) else as_layer(one) for one in layers
    ]


def _checked_branches(branches: "Branches") -> "Branches":
    known = isinstance(branches.join, str) and branches.join in {"add", "concat"}
    paths = branches.paths if isinstance(branches.paths, tuple | list) else ()
    if not known or not paths:
        raise InputError(
            f"Branches are at least one path joined by 'add' or 'concat', got {len(paths)} paths "
            f"joined by {shown(branches.join)}.",
            remedy='Write them as Branches(((Layer("Conv2d", 3, 1, 1),), ()))',
        )
    return replace(branches, paths=tuple(tuple(checked_layers(path)) for path in paths))


def _following(layer: "Layer | Branches", before: LayerGeometry) -> Iterator[LayerGeometry]:
    if isinstance(layer, Layer):
        yield layer_geometry(layer, before)
        return
    ends = []
    for path in layer.paths:
        inside = [before]
        for inner in path:
            inside += _following(inner, inside[-1])
        yield from inside[1:]
        ends.append(inside[-1])
    end = joined(ends, layer.name or layer.join)
    yield replace(end, step=Step(before, None, tuple(ends)))


def _read_of(end: LayerGeometry, start: LayerGeometry | None, grids: list[Grid]) -> list[Grid]:
    """Units of the map `start`, None for the picture, that change units of the map `end`."""
    while end is not start and end.step is not None:
        before, maps, ends = end.step
        if maps is None:
            grids = together(grid for each in ends for grid in _read_of(each, before, grids))
        else:
            grids = read_by(grids, maps, before.output_size)
        end = before
    return grids


def _range(bounds: Bounds | None) -> range:
    return range(0) if bounds is None else range(bounds[0], bounds[1] + 1)


def _in_layer(
    error: InputError, index: int, layer: "Layer | Branches", remedies: tuple[Remedy, ...]
) -> InputError:
    """Say which layer it was."""
    name = (layer.name or layer.join) if isinstance(layer, Branches) else layer.label()
    return InputError(f"Layer {index + 1} ({name}) does not fit. {error.what}", remedies)


def _steps(layers: Sequence["Layer | Branches"]) -> list[Tried]:
    """The layers, and of branches the paths."""
    return [
        [_steps(path) for path in one.paths] if isinstance(one, Branches) else one for one in layers
    ]


def _uniform(axis: AxisField) -> bool:
    sizes = {None if b is None else b[1] - b[0] for b in axis[0].bounds}
    return len(axis) == 1 and len(sizes) == 1


def _number(value: Fraction) -> float:
    """Whole numbers stay whole, so that a table reads 4 and not 4.0."""
    return int(value) if value.denominator == 1 else float(value)
