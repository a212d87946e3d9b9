"""Shapes and fields of layers, and of stacks of them, as figures."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.layers.fit import problems
from rfviz.conv.layers.formula import substitution
from rfviz.conv.layers.layer import Layer, as_layer
from rfviz.conv.layers.placements import placements
from rfviz.conv.practice.question import Board
from rfviz.conv.receptive_field.effective import EffectiveField
from rfviz.conv.receptive_field.effective_steps import DepthField, square_root_law
from rfviz.conv.receptive_field.nested import nested_fields as fields_of
from rfviz.conv.receptive_field.nested import places
from rfviz.conv.receptive_field.stack import LayerGeometry, checked_layers
from rfviz.conv.spec.check_picture import check_image
from rfviz.conv.spec.given_picture import as_picture
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.parse import pair
from rfviz.conv.spec.spec import Conv2dSpec, ReceptiveField
from rfviz.conv.wording import by, shown
from rfviz.figures.axis_strip import axis_strip_figure
from rfviz.figures.depth_growth import depth_growth_figure
from rfviz.figures.effective_field import effective_field_figure
from rfviz.figures.field_growth import Growth, field_growth_figure
from rfviz.figures.marked_picture import NamedBox, with_boxes
from rfviz.figures.nested_fields import LayerField, View, nested_fields_figure
from rfviz.figures.practice_board import board_figure
from rfviz.figures.sweep import sweep_figure
from rfviz.io.pictures.picture import picture_png
from rfviz.plot.pictures import raster_of

AXES = ("rows", "columns")
SWEPT = ("kernel_size", "stride", "padding", "dilation", "input size")
N_VALUES = 12


def strip(layer: object, input_size: Pair, axis: str = "rows") -> go.Figure:
    """Draw how a kernel is laid along an axis of a (height, width) picture, placement by placement.

    `layer` is a `Layer`, a `Conv2dSpec` or a torch layer; `axis` "rows" or "columns".

    >>> strip(Layer("Conv2d", 3), (5, 5)).data[0].z.shape
    (5, 5)
    """
    one, index = as_layer(layer), _axis(axis)
    found = substitution(one, input_size, index)
    return axis_strip_figure(placements(one, input_size, index), discarded=found.discarded)


def sweep(
    layer: object,
    input_size: Pair,
    down: str = "kernel_size",
    across: str = "stride",
    *,
    axis: str = "rows",
) -> go.Figure:
    """Draw the output size of an axis for every pair of values of two parameters of a layer.

    The parameters are "kernel_size", "stride", "padding", "dilation" or "input size"; where a pair
    does not fit, the figure says why. Raises `InputError` for other parameters.

    >>> sweep(Layer("Conv2d", 3), (9, 9)).data[0].z.shape
    (12, 12)
    """
    one, index = as_layer(layer), _axis(axis)
    names = (down, across)
    if down == across or not {*names} <= {*SWEPT}:
        raise InputError(
            f"A sweep is over two parameters, got {shown(down)} and {shown(across)}.",
            remedy=f"Take two of {', '.join(SWEPT)}",
        )
    now = (_value(one, down, input_size, index), _value(one, across, input_size, index))
    rows, columns = (_values(name, value) for name, value in zip(names, now, strict=True))
    found = [
        [_size(one, {down: row, across: column}, input_size, index) for column in columns]
        for row in rows
    ]
    sizes = torch.tensor([[size for size, _ in line] for line in found])
    reasons = [[reason for _, reason in line] for line in found]
    words = (down.replace("_", " "), across.replace("_", " "))
    chosen = now if now[0] in rows and now[1] in columns else None
    return sweep_figure(
        sizes, rows, columns, names=words, axis=AXES[index], reasons=reasons, chosen=chosen
    )


def field_growth(layers: Sequence[LayerGeometry], input_size: Pair) -> go.Figure:
    """Draw how receptive field and jump grow from layer to layer, on one log scale.

    `layers` are what `rfviz.stack_geometry` and `rfviz.trace` give.

    >>> from rfviz.conv.receptive_field.stack import stack_geometry
    >>> len(field_growth(stack_geometry([Layer("Conv2d", 3)] * 3, (9, 9)), (9, 9)).data)
    5
    """
    size = pair("input_size", input_size, least=1)
    grown = [Growth(each.name, each.receptive_field, each.jump, each.aligned) for each in layers]
    return field_growth_figure(grown, input_size=size)


def nested_fields(
    layers: Iterable[object], input_size: Pair, unit: Pair | None = None, image: object = None
) -> go.Figure:
    """Draw what a unit of a stack reads of the picture through every map on its way, as boxes.

    `unit` is (row, column) of the last map, by default the middle one. Without a picture of the
    input's size the boxes lie on grey. Raises `InputError` where something does not fit.

    >>> figure = nested_fields([Layer("Conv2d", 3, padding=1)] * 2, (8, 8))
    >>> [note.text for note in figure.layout.annotations]
    ['<b>Conv2d 3 × 3</b>', '<b>Conv2d 3 × 3</b>']
    """
    size = pair("input_size", input_size, least=1)
    last = places(checked_layers(layers), size, 1)[-1]
    height, width = last.geometry.output_size
    chosen = (height // 2, width // 2) if unit is None else unit
    fields = fields_of(last.path, size, chosen)[1:]
    figure = nested_fields_figure(
        _view(image, size),
        [LayerField(each.name, each.field) for each in fields],
        input_size=size,
        unit=f"unit {chosen[0]}, {chosen[1]} of {last.geometry.name}",
    )
    boxes = [NamedBox(each.name, each.field.rows, each.field.columns) for each in fields]
    return with_boxes(figure, boxes)


def effective_field(found: EffectiveField, field: ReceptiveField | None = None) -> go.Figure:
    """Draw an effective receptive field around the theoretical one.

    `found` is what `rfviz.effective_field` gives, `field` the `region` of its unit; without it the
    box is drawn around the pixels whose gradient is not zero.

    >>> from rfviz.conv.receptive_field.effective import effective_field as measured
    >>> found = measured([Layer("Conv2d", 3, padding=1)] * 2, (9, 9), n_seeds=1)
    >>> effective_field(found).data[0].z.shape
    (5, 5)
    """
    theoretical = field or _touched(found.power)
    rows, columns = (
        range(max(taps.start, 0), min(taps.stop, n))
        for taps, n in zip((theoretical.rows, theoretical.columns), found.power.shape, strict=True)
    )
    return effective_field_figure(
        found.power[rows.start : rows.stop, columns.start : columns.stop],
        top=rows.start,
        left=columns.start,
        field=theoretical,
        centre=found.fit.centre,
        sigma=found.fit.sigma,
        radius=found.radius_95,
        title=f"Effective receptive field of unit {found.unit[0]}, {found.unit[1]}",
    )


def depth_growth(found: Sequence[DepthField]) -> go.Figure:
    """Draw how theoretical and effective field grow with depth, beside the square root law.

    `found` is what `rfviz.conv.receptive_field.effective_steps.depth_steps` gives.

    >>> len(depth_growth([DepthField("conv", 3.0, 0.8), DepthField("conv", 5.0, 1.1)]).data)
    3
    """
    return depth_growth_figure(
        [each.name for each in found],
        [each.theoretical for each in found],
        [each.sigma for each in found],
        square_root_law([each.sigma for each in found]),
    )


def practice_board(
    board: Board, clicked: Sequence[Pair] = (), answer: Sequence[int] | None = None
) -> go.Figure:
    """Draw the board of a practice question, what is clicked on it, and the answer where told.

    >>> len(practice_board(Board("Input", range(4), range(4), (4, 4), 1)).data)
    1
    """
    return board_figure(board, clicked, answer)


def _axis(axis: str) -> int:
    if axis not in AXES:
        raise InputError(f'An axis is "rows" or "columns", got {shown(axis)}.')
    return AXES.index(axis)


def _view(image: object, size: Pair) -> View:
    """The picture to lay fields on, or grey."""
    grey = torch.full((1, *size), 128, dtype=torch.uint8)
    pixels = grey if image is None else as_picture(image)
    check_image(pixels)
    given = (pixels.shape[1], pixels.shape[2])
    if given != size:
        raise InputError(
            f"The fields are those of an input of {by(size)}, but the picture has {by(given)}.",
            remedy=f"Use input_size={given}",
        )
    raster, place = raster_of(pixels, Conv2dSpec(1))
    factor = place["factor"]
    data = picture_png(raster)
    return View(data, (raster.shape[1], raster.shape[2]), 0, 0, (factor, factor))


def _touched(power: torch.Tensor) -> ReceptiveField:
    rows, columns = (torch.nonzero(power.sum(1 - axis))[:, 0].tolist() for axis in (0, 1))
    return ReceptiveField(range(rows[0], rows[-1] + 1), range(columns[0], columns[-1] + 1))


def _value(layer: Layer, name: str, input_size: Pair, axis: int) -> int:
    if name == "input size":
        return pair("input_size", input_size, least=1)[axis]
    if name == "padding":
        return max(layer.pads[axis])
    found: Pair = getattr(layer, name)
    return found[axis]


def _values(name: str, now: int) -> range:
    """Values from the least on, or around the present one where that is further away."""
    least = 0 if name == "padding" else 1
    start = least if now < least + N_VALUES else max(least, now - N_VALUES // 2)
    return range(start, start + N_VALUES)


def _size(layer: Layer, changes: dict[str, int], input_size: Pair, axis: int) -> tuple[int, str]:
    """The output size of one axis, or 0 and why it does not fit: both axes are made that one."""
    side = changes.get("input size", pair("input_size", input_size, least=1)[axis])
    fields = {
        name: (getattr(layer, name)[axis],) * 2 for name in ("kernel_size", "stride", "dilation")
    }
    own = layer.pads[axis]
    given: dict[str, Any] = {**fields, "padding": (own, own)}
    for name, value in changes.items():
        if name == "padding":
            given[name] = ((value, value), (value, value))
        elif name != "input size":
            given[name] = (value, value)
    square = (side, side)
    try:
        one = replace(layer, **given)
        found = problems(one, square)
        return (0, found[0].sentence) if found else (one.output_size(square)[0], "")
    except InputError as error:
        return 0, error.what
