"""The output-shape page: torch's answer beside the formula's, and misfits with their remedies."""

import json
from typing import Any

import pytest
from opened import OpenedPage
from streamlit.components.v2.bidi_component.main import _make_trigger_id

PAGE = "output_shape"
FITTING: dict[str, tuple[dict[str, Any], str, str]] = {
    "defaults": ({}, "26 × 26", "8 × 26 × 26"),
    "per axis": (
        {"shape_kernel_height": 5, "shape_kernel_width": 3, "shape_stride_width": 2,
         "shape_padding_height": 2, "shape_padding_width": 0},
        "28 × 13", "8 × 28 × 13",
    ),
    "same": ({"shape_padding_kind": "same", "shape_kernel_height": 4}, "28 × 28", "8 × 28 × 28"),
    "per side": (
        {"shape_padding_kind": "per side", "shape_pad_top": 2, "shape_mode": "reflect"},
        "28 × 26", "8 × 28 × 26",
    ),
    "transposed": (
        {"shape_kind": "ConvTranspose2d", "shape_stride_height": 2,
         "shape_output_padding_height": 1, "shape_height": 7, "shape_width": 9},
        "16 × 20", "8 × 16 × 20",
    ),
    "max pool": ({"shape_kind": "MaxPool2d", "shape_in": 5}, "9 × 9", "5 × 9 × 9"),
    "ceil mode": ({"shape_kind": "AvgPool2d", "shape_ceil": True}, "10 × 10", "1 × 10 × 10"),
    "unfold": ({"shape_kind": "Unfold", "shape_in": 3}, "26 × 26", "27 × 676"),
    "large": (
        {"shape_height": 100_000, "shape_kernel_height": 11, "shape_stride_height": 4},
        "24,998 × 5", "8 × 24,998 × 5",
    ),
}  # fmt: skip
MISFITS: dict[str, dict[str, Any]] = {
    "kernel larger": {"shape_kernel_height": 40},
    "same with stride": {"shape_padding_kind": "same", "shape_stride_height": 2},
    "groups": {"shape_groups": 3, "shape_in": 4},
    "half a pool": {"shape_kind": "MaxPool2d", "shape_padding_height": 3},
    "output padding": {"shape_kind": "ConvTranspose2d", "shape_output_padding_height": 2},
    "nothing left": {
        "shape_kind": "ConvTranspose2d", "shape_height": 2, "shape_padding_height": 4,
    },
    "reflect": {"shape_mode": "reflect", "shape_padding_height": 30},
}  # fmt: skip


def opened(parameters: dict[str, Any]) -> OpenedPage:
    page = OpenedPage(PAGE, {key: str(value).lower() if isinstance(value, bool) else str(value)
                             for key, value in parameters.items()})  # fmt: skip
    page.check_answers()
    return page


@pytest.mark.parametrize("name", FITTING)
def test_torch_and_the_formula_say_the_same(name: str) -> None:
    parameters, size, shape = FITTING[name]
    page = opened(parameters)
    assert [metric.value for metric in page.at.metric[:2]] == [size, shape]
    assert any("Equal." in caption for caption in page.captions)
    assert page.errors == []
    assert "sweep" in page.panels
    assert any(panel.startswith("strip-rows") for panel in page.panels)


@pytest.mark.parametrize("name", MISFITS)
def test_each_remedy_mends_a_misfit(name: str) -> None:
    page = opened(MISFITS[name])
    assert page.errors
    assert "sweep" in page.panels
    found = [button.key or "" for button in page.at.button]
    keys = [key for key in found if key.startswith("shape-remedy-")]
    assert keys
    for key in keys:
        mended = opened(MISFITS[name])
        mended.at.button(key).click()
        mended.run()
        mended.check_answers()
        assert mended.errors == [], key
        assert mended.at.metric


def test_a_click_on_the_sweep_sets_both_parameters() -> None:
    page = opened({})
    assert page.panels["sweep"].header["choosesCells"]
    assert page.panels["sweep"].z()[1, 4].item() == 12  # stride 2, kernel 5 on 28 rows
    click_on_sweep(page, 2, 5)
    assert [metric.value for metric in page.at.metric[:1]] == ["12 × 26"]
    assert page.bound_widgets()["shape_kernel_width"] == 3
    click_on_sweep(page, 40, 40)
    assert [metric.value for metric in page.at.metric[:1]] == ["12 × 26"]


def click_on_sweep(page: OpenedPage, row: int, column: int) -> None:
    """What the browser does after a click on a cell, then a run."""
    states = page.at._tree.get_widget_states()
    widget = states.widgets.add()
    widget.id = _make_trigger_id(page._element("panel-sweep").proto.id, "events")
    event = {"event": "cell", "value": {"row": row, "column": column}}
    widget.json_trigger_value = json.dumps([event])
    page.at._run(states)
    page._forget()


def test_the_solver_lists_settings_and_says_when_there_are_none() -> None:
    page = opened({"shape_goal": "halve"})
    (table,) = [frame.value for frame in page.at.dataframe]
    assert list(table["kernel size"])[:1] == [2]
    page = opened({"shape_goal": "a size", "shape_wanted_height": 999})
    assert any("No setting in these ranges" in str(w.value) for w in page.at.warning)


def test_a_message_of_torch_is_explained() -> None:
    page = opened({})
    page.at.text_area("shape_message").set_value(
        "RuntimeError: Calculated padded input size per channel: (5 x 6). Kernel size: (7 x 7). "
        "Kernel size can't be greater than actual input size"
    )
    page.run()
    page.check_answers()
    assert any("kernel larger than picture" in str(info.value).lower() for info in page.at.info)
    page.at.text_area("shape_message").set_value("<script>$x$ **nothing**")
    page.run()
    assert any("not recognised" in str(warning.value) for warning in page.at.warning)
    page.at.text_area("shape_message").set_value(
        "RuntimeError: Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) "
        "should be the same"
    )
    page.run()
    assert any("GPU" in str(info.value) for info in page.at.info)
    assert any("layer.to(picture.device)" in str(text.value) for text in page.at.text)


def test_every_parameter_is_in_the_address() -> None:
    page = opened({"shape_kind": "ConvTranspose2d", "shape_stride_height": 3})
    again = OpenedPage(PAGE, page.address())
    assert again.bound_widgets() == page.bound_widgets()
    assert all(name.startswith("shape_") for name in page.bound_widgets()
               if "shape" in name)  # fmt: skip


def test_goals_are_solved_without_ceil_mode_and_say_so() -> None:
    page = opened({"shape_kind": "MaxPool2d", "shape_ceil": True, "shape_goal": "halve"})
    assert any("without ceil_mode" in caption for caption in page.captions)


SIDEBAR = {
    "kernel": 5, "stride": 2, "padding_kind": "per side", "pad_top": 3, "dilation": 2,
    "padding_mode": "reflect", "filters": 6,
}  # fmt: skip


def test_the_sidebar_s_convolution_can_be_taken() -> None:
    page = opened(SIDEBAR | {"shape_kind": "MaxPool2d", "shape_height": 99})
    page.at.button("shape-take").click()
    page.run()
    page.check_answers()
    # (28 + 3 + 1 - 2 * 4 - 1) // 2 + 1 rows; with a pad of 1 on each side, 11 columns.
    assert [metric.value for metric in page.at.metric[:2]] == ["12 × 11", "6 × 12 × 11"]
    assert page.at.button("shape-take").disabled
    assert page.at.button("shape-use").disabled


def test_a_layer_can_be_used_on_the_other_pages() -> None:
    page = opened({"shape_kernel_height": 7, "shape_kernel_width": 3, "shape_stride_height": 2})
    page.at.button("shape-use").click()
    page.run()
    page.turn_to("receptive_field")
    spec = page.scene["spec"]
    assert spec["kernel"] == [7, 3]
    assert spec["stride"] == [2, 2]
    assert spec["pads"] == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    "parameters",
    [{"shape_kernel_height": 20}, {"shape_kind": "Unfold"}, {"shape_in": 2},
     {"shape_kernel_height": 40}],
)  # fmt: skip
def test_what_the_sliders_cannot_say_is_not_offered(parameters: dict[str, Any]) -> None:
    assert opened(parameters).at.button("shape-use").disabled


def test_the_sidebar_says_where_it_is_not_used() -> None:
    assert any("layers of its own" in caption for caption in opened({}).captions)
    assert not any("layers of its own" in caption for caption in OpenedPage("matmul").captions)
