"""The chosen position: where it may be, how it is chosen, and what it highlights."""

from itertools import pairwise, product
from typing import Any

import pytest
from opened import PAGES, OpenedPage
from torch_answers import address_of

from rfviz.conv.spec.spec import Conv2dSpec

SPECS: dict[str, dict[str, Any]] = {
    "plain": {"kernel": 3, "padding": 1},
    "strided": {"kernel": 4, "stride": 3, "padding": 2},
    "dilated": {"kernel": 3, "dilation": 4, "padding": 4},
    "height and width apart": {
        "kernel": (2, 5), "stride": (3, 2), "dilation": (2, 1), "padding": (0, 3),
    },
}  # fmt: skip


def spec_of(parameters: dict[str, Any]) -> Conv2dSpec:
    return Conv2dSpec(
        parameters["kernel"],
        stride=parameters.get("stride", 1),
        padding=parameters["padding"],
        dilation=parameters.get("dilation", 1),
    )


def box(rows: range, columns: range) -> list[float]:
    return [columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("row", "column", "left"), [(27, 3, (27, 3)), (28, 3, (27, 3)), (500, 99_999_999, (27, 27))]
)
def test_position_beyond_the_output_moves_to_the_last(
    page: str, row: int, column: int, left: tuple[int, int]
) -> None:
    found = OpenedPage(page, {"row": str(row), "column": str(column)})
    found.check_answers()
    assert found.place == left
    said = [caption for caption in found.captions if "is the last" in caption]
    asked = (("row", row), ("column", column))
    expected = [f"There is no output {axis} {n:,}: 27 is the last." for axis, n in asked if n > 27]
    assert said == expected
    found.run()
    assert (found.at.number_input("row").value, found.at.number_input("column").value) == left


def test_position_follows_an_output_that_shrinks_and_stays_when_it_grows() -> None:
    page = OpenedPage(address={"row": "25", "column": "2"})
    page.at.slider("stride").set_value(2)
    page.run()
    assert page.place == (13, 2)
    assert "There is no output row 25: 13 is the last." in page.captions
    page.at.slider("stride").set_value(1)
    page.run()
    assert page.place == (13, 2)
    assert not [caption for caption in page.captions if "is the last" in caption]


def test_filter_beyond_the_last_moves_to_it() -> None:
    page = OpenedPage("matmul", {"filters": "4", "filter": "3"})
    page.at.number_input("filters").set_value(2)
    page.run()
    assert page.at.number_input("filter").value == 1
    assert "There is no filter 3: 1 is the last." in page.captions


def test_middle_is_chosen_until_a_person_chooses() -> None:
    page = OpenedPage()
    assert page.place == (14, 14)
    assert page.at.number_input("row").value is None
    page.at.slider("stride").set_value(4)
    page.run()
    assert page.place == (3, 3)


@pytest.mark.parametrize("name", SPECS)
def test_browser_is_told_the_receptive_field(name: str) -> None:
    """Output row r starts at stride * r - pad and steps by the dilation, as the spec says."""
    spec, found = spec_of(SPECS[name]), OpenedPage(address=address_of(SPECS[name]))
    told = found.scene["spec"]
    height, width = spec.output_size((28, 28))
    for place in product((0, height // 2, height - 1), (0, width - 1)):
        found.tell("move", {"row": place[0], "column": place[1]})
        assert found.place == place
        field = spec.receptive_field(place)
        for axis, taps in enumerate((field.rows, field.columns)):
            start = told["stride"][axis] * place[axis] - told["pads"][axis][0]
            step, n_taps = told["dilation"][axis], told["kernel"][axis]
            assert list(taps) == [start + step * tap for tap in range(n_taps)]


@pytest.mark.parametrize("name", SPECS)
def test_padding_is_framed(name: str) -> None:
    spec = spec_of(SPECS[name])
    (top, bottom), (left, right) = spec.pads
    frame = box(range(-top, 28 + bottom), range(-left, 28 + right))
    for page in ("receptive_field", "column_matrix"):
        found = OpenedPage(page, address_of(SPECS[name]))
        assert found.boxes("input", "padding") == [frame]
    found = OpenedPage(address={"padding": "0"})
    assert found.boxes("input", "padding") == []


def test_chosen_output_is_named_with_its_value() -> None:
    page = OpenedPage(address={"sample": "address"}).tell("move", {"row": 3, "column": 12})
    assert page.conductor["sentence"] == "Output row 3, column 12 of 16 × 16: 8"
    assert page.at.number_input("row").value == 3


def test_pixel_that_is_chosen_is_looked_for() -> None:
    page = OpenedPage("column_matrix")
    assert page.conductor["choosesPixels"]
    page.tell("pixel", {"row": 0, "column": 27})
    assert page.boxes("input", "copies") == [box(range(1), range(27, 28))]
    text = " ".join(str(each.value) for each in page.at.markdown)
    assert "Pixel (0, 27) is read by **4** outputs" in text
    assert page.place == (14, 14)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("place", [(-40, -40), (10**6, 10**6), (-3, 10**9), (10**18, 10**18)])
def test_what_the_browser_chooses_is_brought_inside(page: str, place: tuple[int, int]) -> None:
    found = OpenedPage(page)
    for event in ("move", "pixel"):
        found.tell(event, {"row": place[0], "column": place[1]})
        found.check_answers()
        assert found.errors == []
        assert all(0 <= at < 28 for at in found.place)


def test_window_follows_the_chosen_column() -> None:
    page = OpenedPage("column_matrix", {"window": "50"})
    for row, column in ((0, 0), (14, 3), (27, 27)):
        page.tell("move", {"row": row, "column": column})
        trace = page.panels["columns"].figure["data"][0]
        shown = range(trace["x0"], trace["x0"] + trace["z"].shape[1])
        assert len(shown) == 50
        assert row * 28 + column in shown
        assert page.boxes("overview", "window") == [box(range(9), shown)]


def test_every_panel_keeps_its_place_from_run_to_run() -> None:
    """A panel that changes its place among the elements is taken down and built anew."""
    for name in PAGES:
        page = OpenedPage(name, {"sample": "zone-plate"})
        orders = [list(page.panels)]
        page.tell("move", {"row": 3, "column": 4})
        orders.append(list(page.panels))
        page.at.slider("kernel").set_value(5)
        orders.append(list(page.run().panels))
        assert all(one == other for one, other in pairwise(orders))


def test_whoever_comes_without_a_link_sees_the_first_example() -> None:
    page = OpenedPage(bare=True)
    assert (page.place, page.conductor["value"], page.conductor["walks"]) == ((2, 1), 36, True)
    widgets = page.bound_widgets()
    assert (widgets["sample"], widgets["padding"]) == ("digits", 0)
    said = {"sample": "digits", "padding": "0", "row": "2", "column": "1"}
    assert page.address().items() >= said.items()
    assert not OpenedPage(address={"kernel": 3}).conductor["walks"]
