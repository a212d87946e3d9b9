"""The practice page: answers, the slips behind wrong ones, the score, and what is kept."""

from opened import OpenedPage

from rfviz.conv.practice.question import Question
from rfviz.conv.practice.series import practice_series

ADDRESS = {"practice_seed": "7", "practice_level": "1", "practice_count": "4"}
SERIES = practice_series(7, 1, 4)


def opened() -> OpenedPage:
    page = OpenedPage("practice", ADDRESS)
    assert not page.at.exception
    return page


def answer(page: OpenedPage, index: int, numbers: tuple[int, ...]) -> None:
    for label, number in zip(SERIES[index].labels, numbers, strict=True):
        page.at.number_input(key=f"practice-7-1-{index}-{label}").set_value(number)
    press(page, "Answer")


def press(page: OpenedPage, label: str) -> None:
    next(button for button in page.at.button if button.label == label).click()
    page.run()
    assert not page.at.exception


def asked(page: OpenedPage) -> Question:
    texts = {str(each.value) for each in page.at.markdown}
    (found,) = [question for question in SERIES if question.text in texts]
    return found


def score(page: OpenedPage) -> str:
    bars = [each for each in page.at.main if each.type == "progress"]
    return str(bars[0].proto.text)


def test_a_right_answer_is_said_to_be_and_shows_the_arithmetic() -> None:
    page = opened()
    assert asked(page) == SERIES[0]
    answer(page, 0, SERIES[0].answer)
    assert page.at.success[0].value.endswith("right.")
    assert page.at.code[0].value == SERIES[0].solution
    assert score(page) == "1 of 4 answered, 1 right, 1 of them at the first try"


def test_a_wrong_answer_is_explained_by_its_slip_and_keeps_the_solution_back() -> None:
    page = opened()
    slip = SERIES[0].slips[0]
    answer(page, 0, slip.answer)
    assert slip.why in page.errors[0]
    assert not page.at.code
    press(page, "Show the solution")
    assert page.at.code[0].value == SERIES[0].solution
    answer(page, 0, SERIES[0].answer)
    assert score(page) == "1 of 4 answered, 1 right, 0 of them at the first try"


def test_nothing_is_lost_by_going_on_or_to_another_page() -> None:
    page = opened()
    answer(page, 0, SERIES[0].slips[0].answer)
    press(page, "Next question")
    assert asked(page) == SERIES[1]
    page.turn_to("receptive_field").turn_to("practice")
    assert asked(page) == SERIES[1]
    press(page, "Previous question")
    assert SERIES[0].slips[0].why in page.errors[0]


def test_the_address_says_which_series() -> None:
    page = OpenedPage("practice", {**ADDRESS, "practice_level": "3"})
    texts = {str(each.value) for each in page.at.markdown}
    assert practice_series(7, 3, 4)[0].text in texts
    assert page.address().items() >= {**ADDRESS, "practice_level": "3"}.items()


def test_an_empty_answer_is_asked_for() -> None:
    page = opened()
    press(page, "Answer")
    assert "whole number into every field" in page.at.warning[0].value
    assert score(page).startswith("0 of 4")


def click(page: OpenedPage, row: int, column: int) -> None:
    """What the browser does once a person has clicked on a cell of the board."""
    page.tell("cell", {"row": row, "column": column}, to="panel-practice")
    assert not page.at.exception


def rectangles(page: OpenedPage) -> set[tuple[int, ...]]:
    """(top, left, bottom, right) of the boxes on the board."""
    shapes = page.panels["practice"].figure["layout"]["shapes"]
    return {
        (int(s["y0"] + 0.5), int(s["x0"] + 0.5), int(s["y1"] - 0.5), int(s["x1"] - 0.5))
        for s in shapes
    }


def test_a_rectangle_is_answered_by_two_clicks() -> None:
    page = opened()
    press(page, "Next question")
    question = asked(page)
    assert question.kind == "pixels"
    top, left, bottom, right = question.answer
    click(page, bottom, left)
    assert "opposite corner" in " ".join(page.captions)
    click(page, top, right)
    assert rectangles(page) == {question.answer}
    # Clicked outside the board, nothing happens; a third click starts anew.
    click(page, 99, 0)
    press(page, "Answer")
    assert page.at.success[0].value.endswith("right.")
    assert any("Dashed: the right answer" in text for text in page.captions)
    click(page, top, left)
    assert rectangles(page) == {question.answer, (top, left, top, left)}
    assert "opposite corner" in " ".join(page.captions)
    assert score(page) == "1 of 4 answered, 1 right, 1 of them at the first try"


def test_an_output_is_answered_by_one_click() -> None:
    page = OpenedPage("practice", {**ADDRESS, "practice_count": "6"})
    for _ in range(5):
        press(page, "Next question")
    question = practice_series(7, 1, 6)[5]
    assert question.kind == "position"
    row, column = question.answer
    click(page, row, column)
    press(page, "Answer")
    assert page.at.success[0].value.endswith("right.")


def test_a_series_ends_with_a_summary_and_the_next_one() -> None:
    page = opened()
    for index, question in enumerate(SERIES):
        assert "The series, answered" not in [each.value for each in page.at.subheader]
        wrong = question.slips[0].answer if index == 2 else question.answer
        answer(page, index, wrong)
        if index < len(SERIES) - 1:
            press(page, "Next question")
    table = page.at.dataframe[0].value
    assert list(table["question"]) == [1, 2, 3, 4]
    assert table["what it came from"][2] == SERIES[2].slips[0].why
    assert list(table["what it came from"][[0, 1, 3]]) == ["Right."] * 3
    assert any("To go over again: column" in str(each.value) for each in page.at.markdown)
    press(page, "Another series")
    assert page.address()["practice_seed"] == "8"
    assert score(page).startswith("0 of 4")
