"""From the sidebar's convolution to the output-shape page's layer, and back."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.ui.output_shape.controls import POOL_STRIDE, ShapeChoice, set_widgets, state_of
from rfviz.ui.sidebar import convolution as parameters
from rfviz.ui.sidebar.inputs import Controls


def transfer_buttons(choice: ShapeChoice, layer: Layer | None) -> None:
    """Draw the two buttons; each is off where it would change nothing or could not."""
    controls: Controls = st.session_state["controls"]
    taken = _from_sidebar(controls)
    same = taken is not None and _is_at(taken)
    back = None if layer is None else _to_sidebar(layer, controls, choice)
    with st.container(horizontal=True):
        st.button(
            "Take the sidebar's convolution", key="shape-take", disabled=taken is None or same,
            on_click=set_widgets, args=(taken,),
            help="Its parameters, its number of filters and its picture as input.",
        )  # fmt: skip
        st.button(
            "Use this layer on the other pages", key="shape-use", disabled=back is None or same,
            on_click=parameters.apply, args=(back,),
            help="Sets the sidebar's sliders, for a Conv2d on its picture's channels that they "
            "can say.",
        )  # fmt: skip


def _from_sidebar(controls: Controls) -> dict[str, Any] | None:
    """The page's widgets' state for the sidebar's convolution; None where it has none."""
    try:
        spec = Conv2dSpec(**controls.arguments)
    except InputError:
        return None
    state = state_of(vars(spec))
    if state is None:
        return None
    del state[POOL_STRIDE]
    state |= dict.fromkeys(("shape_height", "shape_width", "shape_in"))
    state["shape_kind"] = "Conv2d"
    if not isinstance(controls.choices, InputError):
        state["shape_out"] = controls.choices.n_filters
    return state


def _is_at(state: Mapping[str, Any]) -> bool:
    return all(st.session_state.get(key) == value for key, value in state.items())


def _to_sidebar(layer: Layer, controls: Controls, choice: ShapeChoice) -> dict[str, Any] | None:
    """The sidebar's state for a layer; None where its sliders do not reach so far."""
    picture, weights = controls.picture, controls.choices
    if layer.kind != "Conv2d" or isinstance(picture, InputError) or isinstance(weights, InputError):
        return None
    # Weights from a file give the kernel size; those of the sidebar read the picture's channels.
    if weights.fixed or choice.in_channels != picture.n_channels:
        return None
    return parameters.state_of(layer.spec) if parameters.reach(layer.spec) else None
