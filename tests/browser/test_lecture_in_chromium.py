"""In a lecture: answers stay hidden under the pointer, and a series is answered by keyboard."""

import re

from conftest import Open
from linked_page import hover, shown
from playwright.sync_api import expect

from rfviz.conv.practice.series import practice_series

SIZE = "(panel) => [panel.clientWidth, panel.clientHeight, panel.offsetTop]"


def test_pointing_at_hidden_answers_tells_nothing(open_app: Open) -> None:
    app = open_app("", {"hide": "true"})
    app.panel("columns").wait_for()
    app.conductor.wait_for()
    expect(app.panel("output")).to_contain_text("Hidden: what do you expect?")
    hover(app, "input", 9, 9)
    app.eventually(lambda: says_no_value(app.conductor.get_attribute("data-output-value")))
    hover(app, "columns", 2, 400)
    app.page.wait_for_selector("[data-testid=rfviz-explorer][data-output-row='14']")
    assert says_no_value(app.conductor.get_attribute("data-output-value"))
    assert shown(app).sentence.endswith(": ?")
    # One answer of its own, by keyboard, in the place where it waited.
    expect(app.panel("output")).to_have_attribute("data-draws", re.compile(r"\d+"))
    before = app.panel("output").evaluate(SIZE)
    reveal = app.panel("output").get_by_role("button", name="Reveal")
    reveal.focus()
    reveal.press("Enter")
    expect(app.panel("output")).not_to_contain_text("Hidden")
    expect(app.panel("patch")).to_contain_text("Hidden: what do you expect?")
    assert app.panel("output").evaluate(SIZE) == before
    app.widget("hide").locator("label").first.click()
    expect(app.panel("patch")).not_to_contain_text("Hidden")
    app.settle()
    assert float(app.conductor.get_attribute("data-output-value") or "nan") == 67


def says_no_value(value: str | None) -> bool:
    assert value == ""
    return True


def test_a_series_is_answered_by_keyboard(open_app: Open) -> None:
    app = open_app("practice", {"practice_seed": 7, "practice_level": 2, "practice_count": 3})
    first, second, _ = practice_series(7, 2, 3)
    expect(app.page.get_by_text(first.text)).to_be_visible()
    field = app.page.get_by_label(first.labels[0])
    field.fill(str(first.slips[0].answer[0]))
    field.press("Enter")
    expect(app.alert(first.slips[0].why)).to_be_visible()
    field.fill(str(first.answer[0]))
    field.press("Enter")
    expect(app.alert("right.")).to_be_visible()
    following = app.page.get_by_role("button", name="Next question")
    following.focus()
    following.press("Enter")
    expect(app.page.get_by_text(second.text)).to_be_visible()


def test_a_rectangle_is_clicked_on(open_app: Open) -> None:
    app = open_app("practice", {"practice_seed": 7, "practice_level": 2, "practice_count": 3})
    _, question, _ = practice_series(7, 2, 3)
    app.page.get_by_role("button", name="Next question").click()
    expect(app.page.get_by_text("Click on one corner.")).to_be_visible()
    top, left, bottom, right = question.answer
    app.click_cell("practice", bottom, left)
    expect(app.page.get_by_text("Click on the opposite corner.")).to_be_visible()
    app.click_cell("practice", top, right)
    for label, number in zip(question.labels, question.answer, strict=True):
        expect(app.page.get_by_label(label)).to_have_value(str(number))
    app.page.get_by_test_id("stBaseButton-primaryFormSubmit").click()
    expect(app.alert("right.")).to_be_visible()
