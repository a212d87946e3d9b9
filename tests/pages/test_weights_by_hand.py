"""Weights by hand: the text is the state, changes of whole filters, undo, other sizes."""

import json

import pytest
from opened import OpenedPage

HAND = {"weights_source": "By hand"}
TEXT = "1 2 3\n4 5 6\n7 8 9"


def click(page: OpenedPage, key: str) -> OpenedPage:
    page.at.button(key).click()
    return page.run()


def written(page: OpenedPage) -> list[float]:
    weights: list[float] = page.scene["weights"]
    return weights


def edit_cell(page: OpenedPage, row: int, column: int, value: float) -> OpenedPage:
    """What the browser does once a person has written into the table."""
    table = next(each for each in page.at.sidebar if (each.key or "").startswith("hand_cells"))
    states = page.at._tree.get_widget_states()
    widget = states.widgets.add()
    widget.id = table.proto.id
    rows = {"edited_rows": {row: {str(column): value}}, "added_rows": [], "deleted_rows": []}
    widget.string_value = json.dumps(rows)
    page.at._run(states)
    page._forget()
    return page


def test_starts_from_the_named_kernel() -> None:
    named, by_hand = OpenedPage(), OpenedPage(address=HAND)
    by_hand.check_answers()
    assert written(by_hand) == written(named)


def test_text_in_the_address_is_the_weights() -> None:
    page = OpenedPage(address={**HAND, "hand": TEXT})
    page.check_answers()
    assert written(page) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert page.address()["hand"] == TEXT


def test_cell_is_changed_and_in_the_address_and_undone() -> None:
    page = OpenedPage(address={**HAND, "hand": TEXT})
    edit_cell(page, 0, 2, -30.5)
    page.check_answers()
    assert written(page) == [1, 2, -30.5, 4, 5, 6, 7, 8, 9]
    again = OpenedPage(address=page.address())
    assert again.scene == page.scene
    click(page, "hand-undo")
    assert written(page) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("hand-Flip", [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("hand-Transpose", [1, 4, 7, 2, 5, 8, 3, 6, 9]),
        ("hand-Sum to 0", [-4, -3, -2, -1, 0, 1, 2, 3, 4]),
        ("hand-Sum to 1", [n / 45 for n in range(1, 10)]),
        ("hand-Norm 1", [n / 285**0.5 for n in range(1, 10)]),
        ("hand-scale", [2, 4, 6, 8, 10, 12, 14, 16, 18]),
    ],
)
def test_change_of_the_whole_filter(key: str, expected: list[float]) -> None:
    page = click(OpenedPage(address={**HAND, "hand": TEXT}), key)
    page.check_answers()
    assert written(page) == pytest.approx(expected, rel=1e-6)
    assert written(click(page, "hand-undo")) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_change_that_cannot_be_is_a_sentence() -> None:
    page = click(OpenedPage(address=HAND), "hand-Sum to 1")
    page.check_answers()
    assert "sum to 0" in " ".join(str(each.value) for each in page.at.warning)


def test_change_of_one_filter_or_of_all() -> None:
    text = "1 2\n3 4\n\n1 2\n3 4"
    address = {**HAND, "hand": text, "kernel": "2", "filters": "2"}
    page = click(OpenedPage("filters", address), "hand-Flip")
    assert page.address()["hand"] == "4 3\n2 1\n\n1 2\n3 4"
    click(page, "hand-undo")
    page.at.segmented_control("hand_scope").set_value("All filters")
    page.run()
    click(page, "hand-Flip")
    assert page.address()["hand"] == "4 3\n2 1\n\n4 3\n2 1"


def test_text_of_another_size_is_kept_and_can_be_taken() -> None:
    page = OpenedPage(address={**HAND, "hand": "1 0\n0 1\n\n5 0\n0 5"})
    page.check_answers()
    assert written(page) == written(OpenedPage())
    click(page, "hand_take_size")
    page.check_answers()
    bound = page.bound_widgets()
    assert (bound["kernel"], bound["filters"]) == (2, 2)
    assert written(page) == [1, 0, 0, 1]


def test_one_kernel_lies_on_the_mean_of_the_channels() -> None:
    address = {**HAND, "hand": TEXT, "sample": "scene", "reduce": "16"}
    page = OpenedPage(address=address)
    assert written(page) == pytest.approx([n / 3 for n in range(1, 10)] * 3)


@pytest.mark.parametrize(
    "text", ["one two", "1 2\n3", "nan 1", "inf 1", "1e39", "#", "<b>", "\x00"]
)
def test_text_that_is_no_weights_is_a_sentence_and_can_be_left(text: str) -> None:
    page = OpenedPage(address={**HAND, "hand": text})
    page.check_answers()
    assert page.errors
    click(page, "hand-anew")
    page.check_answers()
    assert page.errors == []


def test_many_weights_are_not_in_the_address_but_stay() -> None:
    address = {**HAND, "weights": "random", "kernel": "9", "sample": "scene", "reduce": "16",
               "filters": "2"}  # fmt: skip
    page = click(OpenedPage(address=address), "hand-scale")
    page.check_answers()
    before = written(page)
    assert "hand" not in page.address()
    assert any("too many for the address" in caption for caption in page.captions)
    assert written(page.turn_to("matmul")) == before
    page.at.segmented_control("weights_source").set_value("Named")
    page.run()
    page.at.segmented_control("weights_source").set_value("By hand")
    assert written(page.run()) == before


def test_bad_parameters_keep_their_remedies() -> None:
    page = OpenedPage(address={**HAND, "kernel": "9", "dilation": "4", "sample": "address"})
    page.check_answers()
    assert page.remedies
