"""The explorer of a stack of layers as a Streamlit component: units, and what they read, nested."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from rfviz.conv.receptive_field.axis_map import AxisField
from rfviz.conv.receptive_field.nested import NestedMap
from rfviz.conv.receptive_field.stack import LayerGeometry
from rfviz.conv.spec.padding_modes import Pair
from rfviz.explorer.components import loader, tell

_nested = st.components.v2.component("rfviz.nested", js=loader("nested"), isolate_styles=False)


def link_fields(
    unit: Pair,
    maps: Sequence[NestedMap],
    last: LayerGeometry,
    sentence: str,
    *,
    layers: Sequence[int],
    colours: Sequence[str],
    on_move: Callable[[int, int], None],
    key: str = "explorer",
) -> None:
    """Show the unit's controls and link the panels of the stack.

    ``maps`` are those that the unit (row, column) reads, the picture first and its own map last;
    ``layers`` and ``colours`` each map's number in the table of layers and its box's colour;
    ``sentence`` says the unit's field in words. ``on_move`` is told the unit that a person chooses.
    """

    def moved() -> None:
        tell(on_move, st.session_state[key].move)

    data = {
        "position": list(unit),
        "layout": [],
        "expected": {},
        "sentence": sentence,
        "jump": list(last.jump),
        "start": list(last.start),
        "maps": [
            {**each, "layer": layer, "colour": colour}
            for each, layer, colour in zip(maps_as_json(maps), layers, colours, strict=True)
        ],
    }
    _nested(key=key, data=data, on_move_change=moved)


def maps_as_json(maps: Sequence[NestedMap]) -> list[dict[str, Any]]:
    """Return maps under the names that the scripts use.

    >>> from rfviz.conv.receptive_field.nested import nested_maps
    >>> maps_as_json(nested_maps((), (2, 3)))[0]["field"][0]
    [{'period': 1, 'shift': 1, 'bounds': [(0, 0)]}]
    """
    return [
        {
            "name": each.name,
            "size": list(each.size),
            "window": [_tracks(axis) for axis in each.window],
            "field": [_tracks(axis) for axis in each.fields],
        }
        for each in maps
    ]


def _tracks(field: AxisField) -> list[dict[str, Any]]:
    return [
        {"period": track.period, "shift": track.shift, "bounds": list(track.bounds)}
        for track in field
    ]
