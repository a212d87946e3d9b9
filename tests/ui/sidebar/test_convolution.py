"""Any spec that the widgets can say is said by them: spec -> state -> widgets -> the same spec."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfviz.conv.spec.padding_modes import PADDING_MODES
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.ui.sidebar import convolution as parameters

PAIRS = {
    name: st.tuples(*2 * [st.integers(slider.least, slider.most)])
    for name, slider in parameters.FIELDS.items()
}
AMOUNT = st.tuples(*2 * [st.integers(0, parameters.PADDING.most)])
SIDE = st.integers(0, parameters.LARGEST_PAD)


@st.composite
def specs(draw: st.DrawFn) -> Conv2dSpec:
    arguments: dict[str, Any] = {name: draw(pairs) for name, pairs in PAIRS.items()}
    padding = draw(
        st.sampled_from(["valid", "same"])
        | AMOUNT
        | st.tuples(st.tuples(SIDE, SIDE), st.tuples(SIDE, SIDE))
    )
    if padding == "same":
        arguments["stride"] = 1
    mode = draw(st.sampled_from(PADDING_MODES))
    groups = draw(st.integers(1, 64))
    return Conv2dSpec(**arguments, padding=padding, groups=groups, padding_mode=mode)


def arguments_of(state: dict[str, Any]) -> dict[str, Any]:
    """What the widgets in this state would hand to ``Conv2dSpec``."""
    separate = state["separate"]

    def value(slider: parameters.Slider) -> Any:
        if separate:
            return state[f"{slider.key}_height"], state[f"{slider.key}_width"]
        return state[slider.key]

    arguments = {name: value(slider) for name, slider in parameters.FIELDS.items()}
    kind = state["padding_kind"]
    if kind == "amount":
        arguments["padding"] = value(parameters.PADDING)
    elif kind == "per side":
        top, bottom, left, right = (state[side] for side in parameters.SIDES)
        arguments["padding"] = ((top, bottom), (left, right))
    else:
        arguments["padding"] = kind
    return arguments | {"padding_mode": state["padding_mode"], "groups": state["groups"]}


@settings(max_examples=300, deadline=None)
@given(specs())
def test_state_of_a_spec_says_that_spec(spec: Conv2dSpec) -> None:
    state = parameters.state_of(spec)
    assert Conv2dSpec(**arguments_of(state)) == spec


@settings(max_examples=300, deadline=None)
@given(specs())
def test_state_of_a_spec_is_within_the_widgets(spec: Conv2dSpec) -> None:
    state = parameters.state_of(spec)
    sliders = [*parameters.FIELDS.values(), parameters.PADDING]
    for slider in sliders:
        for key in (slider.key, f"{slider.key}_height", f"{slider.key}_width"):
            assert slider.least <= state.get(key, slider.least) <= slider.most
    assert all(0 <= state.get(side, 0) <= parameters.LARGEST_PAD for side in parameters.SIDES)
    assert state["padding_kind"] in parameters.PADDING_KINDS
    assert state["padding_mode"] in PADDING_MODES


def test_one_slider_where_height_and_width_are_equal() -> None:
    assert parameters.state_of(Conv2dSpec(5, stride=2, padding=3, dilation=4)) == {
        "separate": False, "padding_kind": "amount", "padding_mode": "zeros", "groups": 1,
        "kernel": 5, "stride": 2, "dilation": 4, "padding": 3,
    }  # fmt: skip


@pytest.mark.parametrize("padding", [((1, 1), (2, 2)), (1, 2)])
def test_padding_apart_takes_two_sliders_for_all(padding: Any) -> None:
    state = parameters.state_of(Conv2dSpec(5, padding=padding))
    assert state["separate"]
    assert (state["padding_height"], state["padding_width"]) == (1, 2)
    assert (state["kernel_height"], state["kernel_width"]) == (5, 5)


def test_padding_beyond_the_slider_is_said_per_side() -> None:
    state = parameters.state_of(Conv2dSpec(5, padding=(40, 7)))
    assert state["padding_kind"] == "per side"
    assert [state[side] for side in parameters.SIDES] == [40, 40, 7, 7]
