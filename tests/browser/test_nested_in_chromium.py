"""The stack page's explorer in Chromium: units and layers pointed at, against nested fields."""

import json
import random
from functools import partial
from typing import Any

from app_page import AppPage
from conftest import Open
from linked_page import drawn_boxes, drawn_marks, hover, leave
from playwright.sync_api import expect
from random_stacks import fits, random_stack

from rfviz.conv.receptive_field.architectures import architecture
from rfviz.conv.receptive_field.nested import (
    NestedField,
    fields_in,
    nested_fields,
    nested_maps,
    places,
)
from rfviz.explorer.stack_component import maps_as_json

SIZE = (161, 150)
N_UNITS = 200
ASK = """async (cases) => {
  const { nestedFields } = await import("/rfviz/js/laws/units.js");
  return JSON.parse(cases).map(([maps, unit]) => nestedFields(maps, unit));
}"""
ALEXNET = {"stack_preset": "AlexNet", "sample": "scene"}


def ends(taps: range) -> list[int] | None:
    return [taps[0], taps[-1]] if taps else None


def test_units_of_random_stacks_read_what_the_library_says(open_app: Open) -> None:
    app = open_app("rfviz/js/laws/units.js")
    rng = random.Random(3)  # noqa: S311 - reproducible, no secret
    cases: list[Any] = []
    expected: list[list[NestedField]] = []
    seed = 0
    while len(cases) < N_UNITS:
        seed += 1
        stack = random_stack(seed, transposed=seed % 2 == 0)
        if not fits(stack, SIZE):
            continue
        path = rng.choice(places(stack, SIZE, 3)).path
        maps = nested_maps(path, SIZE)
        unit = (rng.randrange(maps[-1].size[0]), rng.randrange(maps[-1].size[1]))
        cases.append([maps_as_json(maps), unit])
        expected.append(fields_in(maps, unit))
    answers = app.page.evaluate(ASK, json.dumps(cases))
    for answer, fields in zip(answers, expected, strict=True):
        for got, field in zip(answer, fields, strict=True):
            assert got["read"] == [ends(field.window.rows), ends(field.window.columns)]
            assert got["middle"] == list(field.middle)
            assert got["field"] == [ends(field.field.rows), ends(field.field.columns)]


def shows(app: AppPage, unit: tuple[int, int], state: str) -> None:
    assert app.place == unit
    assert app.conductor.get_attribute("data-state") == state
    preset = architecture("AlexNet")
    expected = nested_fields(preset.layers, preset.input_size, unit)
    boxes = [
        [each.field.columns[0] - 0.5, each.field.rows[0] - 0.5,
         each.field.columns[-1] + 0.5, each.field.rows[-1] + 0.5]
        for each in expected[1:]
    ]  # fmt: skip
    assert drawn_boxes(app) == boxes


def test_a_unit_follows_the_pointer_and_a_click_pins_it(open_app: Open) -> None:
    app = open_app("stack", ALEXNET)
    app.settle()
    last = places(architecture("AlexNet").layers, architecture("AlexNet").input_size, 3)[-1]
    jump, start = last.geometry.jump[0], last.geometry.start[0]
    for unit in ((0, 0), (2, 3), (4, 1)):
        hover(app, "stack-fields", start + unit[0] * jump + 2, start + unit[1] * jump - 3)
        app.eventually(partial(shows, app, unit, "preview"))
    # At the edge a part lies outside, hatched, and the sentence says how much.
    hover(app, "stack-fields", start, start)
    app.eventually(partial(shows, app, (0, 0), "preview"))
    marks = drawn_marks(app, "stack-fields")
    assert [mark["role"] for mark in marks if mark["kind"] == "frame"] == ["outside"]
    expect(app.conductor).to_contain_text("outside the picture")
    app.click_cell("stack-fields", start + jump, start + 3 * jump)
    app.eventually(partial(shows, app, (1, 3), "confirmed"))
    assert "stack_unit_row=1" in app.page.url
    # Pinned, the innermost box around the pointer is named in place of another unit.
    field = nested_fields(
        architecture("AlexNet").layers, architecture("AlexNet").input_size, (1, 3)
    )[1]
    hover(app, "stack-fields", field.field.rows[5], field.field.columns[5])
    app.eventually(lambda: highlighted(app, "conv1"))
    app.page.keyboard.press("Escape")
    leave(app)
    app.eventually(partial(shows, app, (1, 3), "confirmed"))


def highlighted(app: AppPage, name: str) -> None:
    marks = drawn_marks(app, "stack-fields")
    assert [mark["label"].split(":")[0] for mark in marks if "label" in mark] == [name]
    assert name in (app.conductor.text_content() or "")


def test_layers_of_the_growth_chart_are_boxes_on_the_picture(open_app: Open) -> None:
    app = open_app("stack", ALEXNET)
    app.settle()
    names = [place.geometry.name for place in places(
        architecture("AlexNet").layers, architecture("AlexNet").input_size, 3
    )]  # fmt: skip
    hover(app, "stack-growth", 20, 3)
    app.eventually(lambda: highlighted(app, names[2]))
    bands = drawn_marks(app, "stack-growth")
    assert [mark["boxes"][0][::2] for mark in bands] == [[2.6, 3.4]]
    app.page.mouse.down()
    app.page.mouse.up()
    expect(app.widget("stack_layer").locator("input")).to_have_value("3")
    app.settle()
    assert len(drawn_boxes(app)) == 3


def test_keys_move_the_unit(open_app: Open) -> None:
    app = open_app("stack", {**ALEXNET, "stack_unit_row": 2, "stack_unit_column": 2})
    app.settle()
    app.panel("stack-fields").focus()
    app.page.keyboard.press("ArrowDown")
    app.page.keyboard.press("End")
    app.eventually(partial(shows, app, (3, 4), "confirmed"))
    app.conductor.get_by_label("First position", exact=True).click()
    app.eventually(partial(shows, app, (0, 0), "confirmed"))


def test_one_explorer_takes_the_place_of_the_other(open_app: Open) -> None:
    """Turning the page to and fro: of two explorers on two pages, one is there, and works."""
    app = open_app("", {"row": 5, "column": 6}).settle()
    for _ in range(2):
        app.turn_to("Stack of layers")
        app.drawn("stack-fields")
        app.settle()
        expect(app.conductor).to_have_count(1)
        unit = app.place
        app.conductor.get_by_label("Next position").click()
        app.wait_for_place(unit[0], unit[1] + 1)
        app.conductor.get_by_label("Previous position").click()
        app.wait_for_place(*unit)
        app.turn_to("Explore")
        app.drawn("patch")
        app.settle()
        expect(app.conductor).to_have_count(1)
        hover(app, "output", 9, 11)
        app.eventually(lambda: at(app, (9, 11)))
        leave(app)
        app.eventually(lambda: at(app, (5, 6)))


def at(app: AppPage, place: tuple[int, int]) -> None:
    assert app.place == place
