"""The stack page in Chromium: a link, a change by buttons, the effective field, a telephone."""

import re

from app_page import AppPage
from conftest import Open
from linked_page import drawn_boxes
from playwright.sync_api import expect

TOO_WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"
LINK = {"stack_layers": "c3p1o8,m2,c5p2", "stack_input": "picture", "stack_unit_row": 0}


def drawn(app: AppPage, panel: str) -> None:
    expect(app.panel(panel)).to_have_attribute("data-draws", re.compile(r"\d+"))
    expect(app.panel(panel)).to_have_attribute("aria-busy", "false")


def test_link_buttons_and_effective_field(open_app: Open) -> None:
    app = open_app("stack", LINK)
    drawn(app, "stack-fields")
    app.eventually(lambda: check_last(app, 6.5))
    app.widget("stack-remove").get_by_role("button").click()
    expect(app.widget("stack_layers").locator("input")).to_have_value("m2,c5p2")
    app.eventually(lambda: check_last(app, 5.5))
    assert "stack_layers=m2" in app.page.url
    app.widget("stack_effective").locator("label").first.click()
    drawn(app, "stack-effective")
    expect(app.page.get_by_test_id("stException")).to_have_count(0)


def check_last(app: AppPage, bottom: float) -> None:
    assert drawn_boxes(app)[-1][3] == bottom


def test_telephone_is_wide_enough(open_app: Open) -> None:
    app = open_app("stack", {"stack_preset": "ResNet-18"}, viewport={"width": 390, "height": 844})
    drawn(app, "stack-growth")
    drawn(app, "stack-fields")
    assert app.page.evaluate(TOO_WIDE) <= 0
