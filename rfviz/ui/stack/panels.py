"""The stack page's table of layers, the chosen unit, and its fields on the picture."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rfviz.conv.layers.formula import layer_cost
from rfviz.conv.receptive_field.nested import (
    NestedField,
    NestedMap,
    Place,
    fields_in,
    nested_maps,
    places,
)
from rfviz.conv.receptive_field.stack import LayerGeometry
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import ReceptiveField
from rfviz.conv.wording import by, number
from rfviz.explorer.components import show_panel
from rfviz.explorer.stack_component import link_fields
from rfviz.figures.field_growth import Growth, field_growth_figure
from rfviz.figures.nested_fields import LayerField, View, layer_colours, nested_fields_figure
from rfviz.io.pictures.picture import (
    crop_picture,
    picture_jpeg,
    picture_png,
    reduce_picture,
)
from rfviz.ui.run import caches
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.hiding import hidden, hidden_here, hidden_panel
from rfviz.ui.sidebar.picture import Picture
from rfviz.ui.stack.controls import StackChoice

LARGEST_RASTER = 800
LARGEST = 10**8
HEIGHT = 520


@dataclass(frozen=True)
class Unit:
    """The chosen unit: the index of its layer among all entries, and (row, column) there."""

    index: int
    place: Place
    position: Pair

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return f"unit {self.position} of {self.place.geometry.name}"


def places_of(choice: StackChoice) -> list[Place]:
    """Every layer of the stack where it stands; InputError where one does not fit."""
    return caches.remembered(
        ("stack places", choice.key),
        lambda: places(choice.stack, choice.input_size, choice.in_channels),
    )


def show_layers(choice: StackChoice, found: Sequence[Place]) -> None:
    """The table of sizes, fields and costs, a line a layer; InputError for groups that misfit."""
    if hidden_here("layers"):
        return
    costs = caches.remembered(("stack costs", choice.key), lambda: _costs(found))
    numbers = _numbers(found)
    lines = [
        _line(i, place, costs[i - 1], choice.input_size, numbers[i - 1])
        for i, place in enumerate(found, 1)
    ]
    st.dataframe(lines, hide_index=True, height=min(460, 38 + 35 * len(lines)))
    parameters = sum(cost[0] for cost in costs if cost)
    multiply_adds = sum(cost[1] for cost in costs if cost)
    st.caption(
        f"{parameters:,} parameters and {multiply_adds:,} multiply-adds in all. Jump is the "
        "distance between neighbouring units in pixels of the input, start the centre of unit 0, "
        "centre that of the middle unit, share what the largest field covers of the input. Zeros "
        "of the padding count as read."
    )


def misaligned_note(found: Sequence[Place]) -> None:
    """Say where branches are out of step, in the library's words."""
    joins = [place.geometry for place in found if place.layer is None and not _in_step(place)]
    # Later joins carry the note of the first one on.
    wrong = list({geometry.note: geometry for geometry in reversed(joins)}.values())[::-1]
    for geometry in wrong[:4]:
        st.warning(
            as_text(f"{geometry.name} joins branches that are out of step: {geometry.note}."),
            icon=":material/join_inner:",
        )
    if len(wrong) > 4:
        st.caption(f"And {len(wrong) - 4} more joins; the table marks them all.")


def show_growth(choice: StackChoice, found: Sequence[Place], unit: Unit) -> None:
    """The panel ``stack-growth``."""
    layers = [
        Growth(
            place.geometry.name,
            place.geometry.receptive_field,
            place.geometry.jump,
            _in_step(place),
        )
        for place in found
    ]
    figure = field_growth_figure(layers, input_size=choice.input_size, chosen=unit.index)
    show_panel(
        figure,
        name="stack-growth",
        height=340,
        kind="growth",
        on_cell=_choose_layer,
        **hidden_panel("stack-growth"),
    )
    st.caption("Point at a layer to see its box on the picture; a click chooses it.")


def unit_widgets(found: Sequence[Place]) -> Unit:
    """Draw number fields for layer, row and column; what is beyond the last becomes the last."""
    cells = st.columns([2, 2, 2, 3], vertical_alignment="bottom")
    with cells[0]:
        index = _number("stack_layer", "Layer", 1, len(found), len(found)) - 1
    place = found[index]
    height, width = place.geometry.output_size
    with cells[1]:
        row = _number("stack_unit_row", "Unit row", 0, height - 1, height // 2)
    with cells[2]:
        column = _number("stack_unit_column", "Unit column", 0, width - 1, width // 2)
    with cells[3]:
        units = "? × ?" if hidden("layers") else by((height, width))
        st.caption(
            as_text(f"{place.geometry.name}: {place_words(found, index)}; a map of {units} units.")
        )
    return Unit(index, place, (row, column))


def place_words(found: Sequence[Place], index: int) -> str:
    """Which of the layers this is, and which of the convolutions, since pools and joins count too.

    The layers are counted from 1, in the order of the table.
    """
    n = sum(is_convolution(place) for place in found[: index + 1])
    total = sum(is_convolution(place) for place in found)
    which = f"layer {index + 1} of {len(found)}"
    if is_convolution(found[index]):
        return f"{which}, convolution {n} of {total}"
    layer = found[index].layer
    kind = layer.kind if layer is not None else "join"
    return f"{which}, a {kind} after {n} of {total} convolutions"


def is_convolution(place: Place) -> bool:
    """Whether a layer has weights of its own that slide."""
    return place.layer is not None and place.layer.kind.startswith("Conv")


def maps_of(choice: StackChoice, unit: Unit) -> list[NestedMap]:
    """Every map on the way of the layer's units to the picture."""
    key = ("stack maps", choice.key, unit.index)
    return caches.remembered(key, lambda: nested_maps(unit.place.path, choice.input_size))


def fields_of(maps: Sequence[NestedMap], unit: Unit) -> list[NestedField]:
    """What the unit reads at every map on its way to the picture."""
    return fields_in(maps, unit.position)


def link(
    choice: StackChoice,
    found: Sequence[Place],
    unit: Unit,
    maps: Sequence[NestedMap],
    fields: Sequence[NestedField],
) -> None:
    """Mount the explorer that draws the nested fields and moves the unit."""
    numbers = {place.path: number for number, place in enumerate(found, 1)}
    path = unit.place.path
    on_the_way = [numbers[path[:depth]] for depth in range(1, len(path))]
    link_fields(
        unit.position,
        maps,
        unit.place.geometry,
        _unit_words(choice, unit, fields),
        layers=[0, *on_the_way, unit.index + 1],
        colours=["", *layer_colours(len(maps) - 1)],
        on_move=_choose_unit,
    )


def _choose_unit(row: int, column: int) -> None:
    st.session_state["stack_unit_row"] = max(0, row)
    st.session_state["stack_unit_column"] = max(0, column)


def _choose_layer(_: int, layer: int) -> None:
    st.session_state["stack_layer"] = max(1, layer)


def show_fields(
    picture: Picture, choice: StackChoice, unit: Unit, fields: Sequence[NestedField]
) -> None:
    """The panel ``stack-fields``: the picture with the nested fields; zoomed in if asked."""
    close = st.toggle(
        "Zoom in on the field", key="stack_zoom", bind="query-params",
        help="Every pixel around the field, in place of the whole picture.",
    )  # fmt: skip
    size = choice.input_size
    shown = _shown(fields[-1].field, size, close=close)
    view = picture_view(picture, size, shown)
    figure = nested_fields_figure(
        view,
        [LayerField(each.name, each.field) for each in fields[1:]],
        input_size=size,
        unit=unit.words,
        shown=shown,
    )
    rows, columns = len(shown.rows), len(shown.columns)
    show_panel(figure, name="stack-fields", height=HEIGHT, kind="fields", size=(rows, columns))
    if size != picture.size:
        st.caption(
            f"The picture of {by(picture.size)} pixels is stretched to the input of {by(size)}. "
            "Fields depend on sizes alone, not on what the picture shows."
        )


def unit_sentence(choice: StackChoice, unit: Unit, fields: Sequence[NestedField]) -> None:
    """The chosen unit's field in words: rows, columns, and how much lies outside."""
    st.markdown(as_text(_unit_words(choice, unit, fields)))


def _unit_words(choice: StackChoice, unit: Unit, fields: Sequence[NestedField]) -> str:
    field = fields[-1].field
    if not (field.rows and field.columns):
        return f"The {unit.words} reads no pixel at all."
    height, width = choice.input_size
    inside = _overlap(field.rows, height) * _overlap(field.columns, width)
    outside = 1 - inside / (len(field.rows) * len(field.columns))
    words = (
        f"The {unit.words} reads rows {span_words(field.rows)} and columns "
        f"{span_words(field.columns)}: {by((len(field.rows), len(field.columns)))} pixels, "
        f"{inside / (height * width):.1%} of "
        "the input."
    )
    if outside:
        words += f" {outside:.1%} of its field lies outside the picture, in padding (hatched)."
    return words


def show_windows(fields: Sequence[NestedField]) -> None:
    """What the unit reads at every map on its way, from the deepest to the picture."""
    lines = [
        {
            "map": each.name,
            "units": by(each.size),
            "rows read": span_words(each.window.rows),
            "columns read": span_words(each.window.columns),
            "middle unit": f"{each.middle[0]}, {each.middle[1]}",
            "its field": by((len(each.field.rows), len(each.field.columns))),
        }
        for each in reversed(fields)
    ]
    st.dataframe(lines, hide_index=True, height=min(HEIGHT - 60, 38 + 35 * len(lines)))
    st.caption(
        "What the unit reads of each map, first to last; below 0 or past the last unit is padding. "
        "The picture shows the field of each map's middle unit, nested."
    )


def _costs(found: Sequence[Place]) -> list[tuple[int, int] | None]:
    costs: list[tuple[int, int] | None] = []
    for place in found:
        if place.layer is None:
            costs.append(None)
        else:
            cost = layer_cost(place.layer, place.size, place.channels)
            costs.append((cost.parameters, cost.multiply_adds))
    return costs


def _numbers(found: Sequence[Place]) -> list[int | None]:
    """The number of each convolution among the convolutions, from 1; None for all else."""
    numbers = itertools.accumulate(int(is_convolution(place)) for place in found)
    return [n if is_convolution(place) else None for n, place in zip(numbers, found, strict=True)]


def _line(
    index: int,
    place: Place,
    cost: tuple[int, int] | None,
    input_size: Pair,
    number_of_convolution: int | None,
) -> dict[str, Any]:
    geometry = place.geometry
    height, width = (
        min(field, side) / side
        for field, side in zip(geometry.receptive_field, input_size, strict=True)
    )
    notes = [] if _in_step(place) else ["out of step"]
    notes += [] if geometry.uniform else ["fields differ: the largest is given"]
    return {
        "layer": index,
        "convolution": number_of_convolution,
        "name": geometry.name,
        "output size": by(geometry.output_size),
        "receptive field": by(geometry.receptive_field),
        "jump": _both(geometry.jump),
        "start": _both(geometry.start),
        "centre": _both(_middle_centre(geometry)),
        "share": f"{height * width:.1%}",
        "channels": place.out_channels,
        "parameters": None if cost is None else cost[0],
        "note": "; ".join(notes),
    }


def _middle_centre(geometry: LayerGeometry) -> tuple[float, float]:
    """Where the middle unit of a map looks, (row, column) of the picture."""
    row, column = (
        start + jump * (size // 2)
        for start, jump, size in zip(
            geometry.start, geometry.jump, geometry.output_size, strict=True
        )
    )
    return row, column


def _in_step(place: Place) -> bool:
    return place.geometry.aligned


def _both(values: tuple[float, float]) -> str:
    # Halves of pixels are exact up to any picture's size.
    both = [number(value, 7) for value in values]
    return both[0] if both[0] == both[1] else " × ".join(both)


def _number(key: str, label: str, least: int, most: int, start: int) -> int:
    """A field that is empty until something is chosen, and then never beyond the last."""
    asked = st.session_state.get(key)
    if asked is not None and asked > most:
        st.session_state[key] = most
    value = st.number_input(
        label, least, LARGEST, None, key=key, bind="query-params", placeholder=str(start)
    )
    beyond = asked if asked is not None and asked > most else value
    if beyond is not None and beyond > most:
        st.caption(f"There is no {label.lower()} {beyond:,}: {most:,} is the last.")
    return start if value is None else min(int(value), most)


def _shown(field: ReceptiveField, size: Pair, *, close: bool) -> ReceptiveField:
    """Rows and columns of the panel: all of picture and field, or the field with a margin."""
    if close and field.rows and field.columns:
        margin = max(2, max(len(field.rows), len(field.columns)) // 8)
        parts = [
            range(taps.start - margin, taps.stop + margin) for taps in (field.rows, field.columns)
        ]
    else:
        parts = [
            range(min(taps.start, 0), max(taps.stop, side)) if taps else range(side)
            for taps, side in zip((field.rows, field.columns), size, strict=True)
        ]
    return ReceptiveField(*parts)


def picture_view(picture: Picture, size: Pair, shown: ReceptiveField) -> View:
    """The shown part of the picture, stretched to the input, in at most so many raster pixels."""
    rows, columns = (
        photo_pixels(taps, side, pixels)
        for taps, side, pixels in zip((shown.rows, shown.columns), size, picture.size, strict=True)
    )
    factor = -(-max(len(rows), len(columns)) // LARGEST_RASTER)

    def encoded() -> tuple[bytes, Pair]:
        part = crop_picture(
            picture.pixels, rows.start, columns.start, len(rows), len(columns)
        ).contiguous()
        reduced = reduce_picture(part, factor) if factor > 1 else part
        data = picture_jpeg(reduced) if factor > 1 else picture_png(reduced)
        return data, (reduced.shape[1], reduced.shape[2])

    key = ("stack view", picture.key, rows.start, rows.stop, columns.start, columns.stop)
    image, raster = caches.remembered(key, encoded)
    scale = (size[0] / picture.size[0], size[1] / picture.size[1])
    # Input pixel i covers i - 0.5 to i + 0.5, and so does the raster's first.
    return View(
        image,
        raster,
        rows.start * scale[0],
        columns.start * scale[1],
        (factor * scale[0], factor * scale[1]),
    )


def photo_pixels(taps: range, side: int, pixels: int) -> range:
    """The picture's own pixels under some rows or columns of the input; at least one."""
    first = max(0, min(taps.start, side - 1)) * pixels // side
    last = -(-max(1, min(taps.stop, side)) * pixels // side)
    return range(min(first, pixels - 1), max(last, first + 1))


def _overlap(taps: range, side: int) -> int:
    return max(0, min(taps.stop, side) - max(taps.start, 0))


def span_words(taps: range) -> str:
    """First and last of some rows or columns, in words."""
    return f"{taps.start:,} to {taps.stop - 1:,}".replace("-", "−") if taps else "none"
