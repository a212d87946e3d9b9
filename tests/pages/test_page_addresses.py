"""A link is complete: what is on the screen is in the address, and the address brings it back."""

from typing import Any

import pytest
from opened import PAGES, OpenedPage
from streamlit.testing.v1.element_tree import CameraInput, FileUploader, Widget

from rfviz.conv.spec.padding_modes import PADDING_MODES
from rfviz.io.kernels.catalogue import KERNELS
from rfviz.io.pictures.samples import SAMPLES
from rfviz.ui.sidebar.convolution import PADDING_KINDS
from rfviz.ui.sidebar.named_weights import DTYPES

# The file alone is not in an address, nor which of several files.
WITHOUT_ADDRESS = {"upload", "camera", "picked"}

# Every control, in states in which each of them is drawn.
STATES: dict[str, dict[str, Any]] = {
    "one slider each": {
        "sample": "zone-plate", "kernel": 7, "stride": 2, "padding": 5, "dilation": 3,
        "padding_mode": "circular", "filters": 2, "row": 4, "column": 3, "filter": 1,
    },
    "height and width apart": {
        "sample": "stripes", "separate": True, "kernel_height": 2, "kernel_width": 9,
        "stride_height": 1, "stride_width": 4, "padding_height": 3, "padding_width": 0,
        "dilation_height": 2, "dilation_width": 1, "weights": "motion-blur",
    },
    "per side": {
        "padding_kind": "per side", "pad_top": 0, "pad_bottom": 7, "pad_left": 20, "pad_right": 3,
        "padding_mode": "replicate",
    },
    "same": {"padding_kind": "same", "kernel": 4},
    "valid": {"padding_kind": "valid", "kernel": 4, "stride": 5},
    "region of a photo": {
        "sample": "scene", "region": True, "region_top": 300, "region_left": 900,
        "region_height": 200, "region_width": 129, "reduce": 3, "grey": True,
    },
    "weights": {
        "sample": "scene", "reduce": 30, "weights": "random", "seed": 41, "filters": 6, "groups": 3,
        "across": "per-channel", "with_bias": True, "bias": -3.25, "dtype": "bfloat16",
        "values": "0 to 1",
    },
    "source": {"source": "Upload"},
}  # fmt: skip
OF_A_PAGE = {
    "receptive_field": {},
    "column_matrix": {"window": 33, "pixel_row": 6, "pixel_column": 7},
    "matmul": {"product_window": 21},
}
EACH_VALUE: dict[str, list[Any]] = {
    "sample": [sample.name for sample in SAMPLES if sample.name != "scene"],
    "weights": [kernel.name for kernel in KERNELS],
    "padding_mode": list(PADDING_MODES),
    "padding_kind": list(PADDING_KINDS),
    "dtype": list(DTYPES),
    "across": ["mean", "per-channel"],
    "values": ["0 to 255", "0 to 1"],
    "source": ["Sample", "Upload", "Camera"],
}


def widget(page: OpenedPage, key: str) -> Widget:
    widgets = [each for part in (page.at.sidebar, page.at.main) for each in part]
    return next(each for each in widgets if isinstance(each, Widget) and each.key == key)


def set_all(page: OpenedPage, state: dict[str, Any]) -> OpenedPage:
    """Move the widgets that are drawn, then those that come to be drawn by it."""
    left = dict(state)
    while left:
        drawn = left.keys() & page.bound_widgets().keys()
        assert drawn, f"never drawn: {left}"
        for key in drawn:
            widget(page, key).set_value(left.pop(key))
        page.run()
        assert [each.value for each in page.at.exception] == []
    return page


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", STATES)
def test_address_brings_the_same_screen_back(name: str, page: str) -> None:
    state = STATES[name] | OF_A_PAGE[page]
    first = set_all(OpenedPage(page), state)
    address = first.address()
    assert {key: address[key] for key in state} == {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in state.items()
    }
    again = OpenedPage(page, address)
    assert again.bound_widgets() == first.bound_widgets()
    assert again.scene == first.scene
    for part in ("position", "value", "sentence", "marks", "expected"):
        assert again.conductor[part] == first.conductor[part]
    revisions = [
        {key: panel.header["revision"] for key, panel in opened.panels.items()}
        for opened in (first, again)
    ]
    assert revisions[0] == revisions[1]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", [*STATES, "Camera"])
def test_every_widget_but_uploads_is_in_the_address(name: str, page: str) -> None:
    state = STATES.get(name, {"source": "Camera"})
    address = {key: str(value).lower() if isinstance(value, bool) else str(value)
               for key, value in state.items()}  # fmt: skip
    opened = OpenedPage(page, address)
    widgets = [each for part in (opened.at.sidebar, opened.at.main) for each in part
               if isinstance(each, Widget)]  # fmt: skip
    # A button that gives a file away sets nothing.
    widgets = [each for each in widgets if each.type != "download_button"]
    unbound = {each.key for each in widgets if each.key not in opened.bound_widgets()}
    assert unbound <= WITHOUT_ADDRESS
    assert all(isinstance(each, FileUploader | CameraInput)
               for each in widgets if each.key in unbound)  # fmt: skip
    assert all(name == key for key, name in
               ((each.key, getattr(each.proto, "query_param_key", each.key)) for each in widgets)
               if key not in WITHOUT_ADDRESS)  # fmt: skip


@pytest.mark.parametrize("key", EACH_VALUE)
def test_each_value_can_be_opened(key: str) -> None:
    for value in EACH_VALUE[key]:
        page = OpenedPage(address={key: value})
        assert page.bound_widgets()[key] == value
        page.check_answers()


def test_controls_survive_switching_the_page() -> None:
    state = STATES["height and width apart"] | {"row": 3, "column": 2, "bias": 2.0}
    state |= {"with_bias": True}
    page = OpenedPage()
    set_all(
        page,
        dict(sorted(state.items(), key=lambda item: item[0] == "bias")),
    )
    values = page.conductor["value"]
    for name in (*PAGES[1:], PAGES[0]):
        page.turn_to(name)
        page.check_answers()
        found = page.bound_widgets()
        assert {key: found[key] for key in state} == state
        assert page.conductor["value"] == pytest.approx(values)


def test_widgets_of_one_page_come_back_after_another() -> None:
    page = OpenedPage("column_matrix")
    set_all(page, {"window": 40, "pixel_row": 2, "pixel_column": 3})
    page.turn_to("matmul")
    set_all(page, {"product_window": 50})
    page.at.query_params.update(page.address())
    page.turn_to("column_matrix")
    page.check_answers()
    assert page.place == (14, 14)


def test_one_slider_becomes_two_and_back_without_a_change_of_the_numbers() -> None:
    page = OpenedPage(address={"kernel": "5", "stride": "2", "padding": "2"})
    value = page.conductor["value"]
    page.at.toggle("separate").set_value(True)
    page.run()
    bound = page.bound_widgets()
    assert (bound["kernel_height"], bound["kernel_width"], bound["stride_width"]) == (5, 5, 2)
    assert page.conductor["value"] == value
    page.at.slider("kernel_height").set_value(4)
    page.run()
    page.at.toggle("separate").set_value(False)
    page.run()
    assert page.bound_widgets()["kernel"] == 4


def test_pages_have_addresses_of_their_own() -> None:
    titles = [OpenedPage(page).at.title[0].value for page in PAGES]
    assert titles == ["Explore", "Column matrix", "Convolution as a matmul"]
