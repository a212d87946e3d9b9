"""Hide the answers: what a lecturer asks for is in no text and in no panel until it is revealed."""

import re
from typing import Any

import pytest
from opened import OpenedPage

# Output 37 rows by 41 columns of 39 by 43 pixels: numbers that occur nowhere else.
REGION = {"sample": "scene", "region": "true", "region_height": "39", "region_width": "43",
          "region_top": "0", "region_left": "0", "padding": "0", "kernel": "3"}  # fmt: skip
ANSWERS = {
    "receptive_field": {"output", "patch"},
    "column_matrix": {"overview", "reads"},
    "matmul": {"by-matmul", "by-conv2d", "difference", "product"},
}


def texts_of(page: OpenedPage) -> str:
    at = page.at
    kinds: list[Any] = [at.markdown, at.caption, at.code, at.metric, at.success, at.error, at.info]
    return "\n".join(str(each.value) for kind in kinds for each in kind)


@pytest.mark.parametrize("name", ANSWERS)
def test_no_text_and_no_panel_tells(name: str) -> None:
    shown = OpenedPage(name, REGION)
    value = f"{shown.conductor['value']:.7g}".replace("-", "−")
    assert re.search(r"\b37\b", texts_of(shown))
    page = OpenedPage(name, {**REGION, "hide": "true"})
    assert not page.at.exception
    text = texts_of(page)
    assert not re.search(r"\b(37|41)\b", text)
    assert "Hidden" in text or name == "receptive_field"
    assert value not in text
    assert page.conductor["value"] == "NaN"
    assert page.conductor["sentence"] == page.conductor["hidden"] != ""
    for panel in ANSWERS[name]:
        assert "data" not in page.panels[panel].figure or not page.panels[panel].figure["data"]
        assert page.panels[panel].header["hidden"]
    assert not any("1,517" in str(panel.header) for panel in page.panels.values())
    # What is asked about is still there.
    assert "columns" in page.panels
    page.at.toggle(key="hide").set_value(False)
    page.run()
    assert texts_of(page) == texts_of(shown)
    assert page.conductor["value"] == shown.conductor["value"]


def test_output_shapes_wait() -> None:
    address = {"shape_height": "39", "shape_width": "43"}
    page = OpenedPage("output_shape", {**REGION, **address, "hide": "true"})
    assert not page.at.exception
    assert not page.at.metric
    assert not page.panels
    page.at.toggle(key="hide").set_value(False)
    assert page.run().at.metric


def test_stacks_wait() -> None:
    page = OpenedPage("stack", {"hide": "true"})
    assert not page.at.exception
    # The chart waits in its place; nothing of it has reached the browser.
    assert set(page.panels) == {"stack-growth"}
    assert not page.panels["stack-growth"].figure["data"]
    assert "Hidden" in texts_of(page)
    page.at.toggle(key="hide").set_value(False)
    assert page.run().panels


def test_answers_are_revealed_one_by_one() -> None:
    page = OpenedPage("receptive_field", {**REGION, "hide": "true"})
    assert "= ?`" in texts_of(page)
    page.at.button(key="reveal-size").click()
    page.run()
    assert re.search(r"= 37`", texts_of(page))
    assert page.panels["output"].header["hidden"]
    assert page.conductor["value"] == "NaN"
    # A panel's own button, as the browser sends it; then the sum is no secret either.
    page.tell("reveal", True, to="panel-output")
    assert not page.panels["output"].header["hidden"]
    assert page.panels["output"].figure["data"]
    assert page.panels["patch"].header["hidden"]
    assert isinstance(page.conductor["value"], float)
    # Hidden anew, all of it is.
    for value in (False, True):
        page.at.toggle(key="hide").set_value(value)
        page.run()
    assert page.panels["output"].header["hidden"]
    assert "= ?`" in texts_of(page)


def test_every_answer_of_a_shape_has_a_button_of_its_own() -> None:
    page = OpenedPage("output_shape", {**REGION, "hide": "true"})
    page.at.button(key="reveal-shape").click()
    page.run()
    assert page.at.metric
    assert "Formula" not in texts_of(page)
    for item in ("formula", "placements", "costs", "sweep", "solver"):
        page.at.button(key=f"reveal-{item}").click()
        page.run()
        assert not page.at.exception
    assert page.panels
    assert "Hidden" not in texts_of(page)


@pytest.mark.parametrize("name", ["column_matrix", "matmul", "stack"])
def test_every_answer_has_a_button_of_its_own(name: str) -> None:
    page = OpenedPage(name, {**REGION, "hide": "true"})
    for _ in range(12):
        keys = [str(each.key) for each in page.at.button]
        waiting = [key for key in keys if key.startswith("reveal-")]
        panels = [panel for panel in page.panels.values() if panel.header.get("reveals")]
        if waiting:
            page.at.button(key=waiting[0]).click()
            page.run()
        elif panels:
            page.tell("reveal", True, to=f"panel-{panels[0].header['name']}")
        assert not page.at.exception
    assert "Hidden" not in texts_of(page)
    assert not any(panel.header.get("hidden") for panel in page.panels.values())
