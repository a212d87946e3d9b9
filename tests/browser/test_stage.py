"""The stage: all of the link on one screen, at every size, and the same position in all of it."""

import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from app_page import AppPage
from conftest import Open
from linked_page import box_around, drag, hover, leave, scattered, shown
from playwright.sync_api import expect
from random_sets import how_many
from stage_shares import Shares, area, common, shares_of

from rfviz import Conv2dSpec, filter_bank, load_sample

NAMES = {"input", "patch", "vector", "output", "columns", "weights", "product"}
CASES: dict[str, dict[str, Any]] = {
    "digits": {"sample": "digits", "padding": 0},
    "letter": {"sample": "glyph"},
    "scene": {"sample": "scene", "kernel": 5, "filters": 8},
    "groups": {"sample": "scene", "groups": 3, "filters": 3},
    "wide kernel": {"sample": "scene", "kernel": 11, "dilation": 2},
}
# Width, height, and the least share of panels and of plots; None where the page scrolls.
SIZES = {
    (1440, 900): (0.70, 0.54),
    (1280, 720): (0.60, 0.45),
    (1920, 1080): (0.70, 0.54),
    (820, 1180): (0.60, 0.35),
    (390, 844): None,
}
LEAST_TYPE = 12


@pytest.mark.parametrize("name", CASES)
def test_the_whole_link_fills_one_screen(open_app: Open, name: str) -> None:
    app = open_app("", CASES[name], sidebar=False, reduced_motion="reduce").settle()
    for (width, height), least in SIZES.items():
        app.page.set_viewport_size({"width": width, "height": height})
        app.eventually(lambda least=least: fills(app, least))  # type: ignore[misc]
        found = shares_of(app)
        print(f"{name} {width}x{height}: panels {found.panels:.1%}, plots {found.plots:.1%}")  # noqa: T201 - the figures are what it is for


def fills(app: AppPage, least: tuple[float, float] | None) -> None:
    found = shares_of(app.settle())
    assert set(found.boxes) == NAMES
    assert found.type >= LEAST_TYPE
    nothing_overlaps(found)
    if least is None:
        return
    assert found.whole
    assert (found.panels, found.plots) >= least
    assert found.plots >= least[1]


def nothing_overlaps(found: Shares) -> None:
    boxes = list(found.boxes.items())
    for index, (one, box) in enumerate(boxes):
        for other, beside in boxes[index + 1 :]:
            assert area(common(box, beside)) < 1, (one, other)


# Of the chosen output: is its column in view in both matrices, and what stands in it there.
COLUMN = """async () => {
  const { page } = await import("/rfviz/js/parts/page.js");
  const { frameOf } = await import("/rfviz/js/draw/axes.js");
  const { columnOf } = await import("/rfviz/js/laws/geometry.js");
  const { dataset } = page.conductor.host, { scene } = page.conductor;
  const at = columnOf(scene.spec, [Number(dataset.outputRow), Number(dataset.outputColumn)]);
  return Object.fromEntries(["columns", "product"].map((name) => {
    const panel = page.panels.get(name), frame = frameOf(panel.figure, "xy");
    const x = frame.x(at + panel.shift), seen = x >= frame.left && x <= frame.left + frame.width;
    const trace = panel.figure.data[0], { followed } = page.conductor;
    const [first, last] = panel.shift ? followed.columns : [0, 0], n = last - first;
    const kind = name === "columns" ? "inputs" : "outputs";
    const held = panel.shift && followed.matrix[kind];
    const values = panel.shift
      ? Array.from({ length: held.length / n }, (_, row) => held[row * n + at - first])
      : trace.z.map((row) => row[at - (trace.x0 ?? 0)]);
    return [name, { seen, values: Array.from(values) }];
  }));
}"""
FOLLOWED: dict[str, tuple[dict[str, Any], int, int]] = {
    "letter": ({"sample": "glyph", "weights": "random", "filters": 3}, 3, 3),
    "scene": ({"sample": "scene", "kernel": 5, "weights": "random", "filters": 3}, 5, 3),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_both_matrices_follow_the_pointer_with_torch_s_numbers(open_app: Open, name: str) -> None:
    address, kernel, n_filters = FOLLOWED[name]
    picture = load_sample(str(address["sample"])).double()
    weight = filter_bank("random", kernel, len(picture), n_filters).double()
    spec = Conv2dSpec(kernel, padding=1)
    app = open_app("", address, sidebar=False).settle()
    height, width = spec.output_size(tuple(picture.shape[1:]))
    padded = F.pad(picture, (1, 1, 1, 1))
    for row, column in scattered(5, how_many(12, 500), height, width):
        hover(app, "output", row, column)
        at = shown(app).output
        top, left = at
        patch = padded[:, top : top + kernel, left : left + kernel]
        expected = patch.flatten(), (weight * patch).sum((1, 2, 3))
        app.eventually(lambda at=at, expected=expected: column_is(app, at, *expected))  # type: ignore[misc]
        field = spec.receptive_field(at)
        assert shown(app).boxes("input", "chosen") == [
            box_around(torch.tensor(field.rows), torch.tensor(field.columns))
        ]
    leave(app)
    app.settle()
    assert app.troubles == []


def column_is(
    app: AppPage, at: tuple[int, int], column: torch.Tensor, outputs: torch.Tensor
) -> None:
    now = shown(app)
    assert now.output == at
    found = app.page.evaluate(COLUMN)
    assert found["columns"]["seen"]
    assert found["product"]["seen"]
    values = torch.tensor(found["columns"]["values"], dtype=torch.float64)
    torch.testing.assert_close(values, column, rtol=0, atol=0)
    values = torch.tensor(found["product"]["values"], dtype=torch.float64)
    torch.testing.assert_close(values, outputs, rtol=1e-5, atol=2e-3)
    assert now.cells("product", "chosen") == {(0, app.page.evaluate(AT))}


AT = """async () => {
  const { page } = await import("/rfviz/js/parts/page.js");
  const { columnOf } = await import("/rfviz/js/laws/geometry.js");
  const { dataset } = page.conductor.host;
  const at = [Number(dataset.outputRow), Number(dataset.outputColumn)];
  return columnOf(page.conductor.scene.spec, at);
}"""


def test_whoever_comes_without_a_link_sees_sums_made_in_the_head(open_app: Open) -> None:
    app = open_app("", {}, sidebar=False, reduced_motion="reduce", bare=True).settle()
    assert app.page.url.count("sample=digits") == 1
    assert (app.place, app.value) == ((2, 1), 36)
    expect(app.page.get_by_text("0·(−1) + 5·0 + 9·1 + 0·(−2)").first).to_be_visible()
    assert app.z("columns").shape == (9, 36)
    app.slide("padding", "ArrowRight")
    app.page.wait_for_url(re.compile("sample=digits"))


def test_the_first_example_steps_until_a_person_does_anything(open_app: Open) -> None:
    app = open_app("", {}, sidebar=False, bare=True)
    app.conductor.wait_for()
    app.eventually(lambda: stands_elsewhere(app))
    app.page.mouse.move(3, 3)
    leave(app)
    before = app.place
    app.page.wait_for_timeout(2500)
    assert app.place == before


def stands_elsewhere(app: AppPage) -> None:
    assert app.conductor.get_attribute("data-state") == "preview"


def test_a_lecture_has_the_stage_alone_and_type_for_the_last_row(open_app: Open) -> None:
    app = open_app("", CASES["digits"], sidebar=False, viewport={"width": 1280, "height": 720})
    app.settle()
    before = shares_of(app)
    app.page.keyboard.press("l")
    app.eventually(lambda: lectures(app, before))
    app.page.keyboard.press("4")
    app.eventually(lambda: fills_the_window(app, "output"))
    app.page.keyboard.press("Escape")
    app.page.keyboard.press("h")
    expect(app.panel("output")).not_to_be_visible()
    app.page.keyboard.press("r")
    expect(app.panel("output")).to_be_visible()
    app.page.keyboard.press("l")
    app.eventually(lambda: fills(app, SIZES[1280, 720]))


def lectures(app: AppPage, before: Shares) -> None:
    now = shares_of(app.settle())
    assert now.whole
    assert now.panels > before.panels
    assert now.type >= 18


def fills_the_window(app: AppPage, panel: str) -> None:
    box = shares_of(app).boxes[panel]
    assert area(box) > 0.9 * 1280 * 720


def test_a_panel_s_menu_is_reached_by_keyboard_and_saves_a_picture(open_app: Open) -> None:
    app = open_app("", CASES["letter"], sidebar=False).settle()
    app.panel("output").focus()
    app.page.keyboard.press("Tab")
    app.page.keyboard.press("Enter")
    with app.page.expect_download() as saved:
        app.panel("output").get_by_role("button", name="Save as PNG").click()
    assert saved.value.suggested_filename == "rfviz-output.png"
    assert app.troubles == []


def test_a_kernel_that_there_is_not_is_previewed_without_a_sum(open_app: Open) -> None:
    """Sobel of one tap: no weights are sent for its preview, and nothing may break over it."""
    app = open_app("", CASES["letter"], sidebar=False).settle()
    with drag(app, "kernel", 1):
        expect(app.conductor).to_have_attribute("data-output-value", "")
        expect(app.page.locator(".rfviz-position")).to_have_text(re.compile("…$"))
    expect(app.alert("1 × 1 does not make sense")).to_be_visible()
    assert app.troubles == []
