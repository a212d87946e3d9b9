"""Moving about in the linked view: pins, keys and buttons, and sliders while they are dragged."""

import re
from dataclasses import replace
from functools import partial

import pytest
import torch
from app_page import PAGES, TWO_FRAMES, AppPage
from conftest import Open
from linked_cases import DEFAULT, Convolution, bank
from linked_page import Shown, Watched, drag, hover, leave, shown
from playwright.sync_api import expect

FIXED = {"row": 5, "column": 6}


def confirmed_at(app: AppPage, row: int, column: int) -> None:
    now = shown(app)
    assert (now.output, now.state) == ((row, column), "confirmed")
    size = 255 * DEFAULT.weight[0].abs().sum().item()
    assert now.value == pytest.approx(DEFAULT.output[row, column].item(), abs=1e-6 * size)
    assert now.cells("output", "chosen") == {(row, column)}


def test_a_click_pins_and_escape_frees(open_app: Open) -> None:
    app = open_app("", FIXED).settle()
    app.click_cell("output", 20, 9)
    app.page.wait_for_url(re.compile(r"row=20(&|$)"))
    app.page.wait_for_url(re.compile(r"column=9(&|$)"))
    app.eventually(partial(confirmed_at, app, 20, 9))
    # Pinned, the position stays, and what is pointed at is shown beside it.
    hover(app, "output", 3, 4)
    hover(app, "input", 7, 8)
    app.eventually(lambda: pixel_beside_pin(shown(app)))
    app.page.keyboard.press("Escape")
    hover(app, "output", 3, 4)
    app.eventually(lambda: follows(app, 3, 4))
    app.page.keyboard.press("Escape")
    app.eventually(partial(confirmed_at, app, 20, 9))
    leave(app)
    assert app.settle().place == (20, 9)


def pixel_beside_pin(now: Shown) -> None:
    assert now.output == (20, 9)
    assert now.cells("output", "chosen") == {(20, 9)}
    assert now.cells("input", "copies") == {(7, 8)}
    assert now.held


def follows(app: AppPage, row: int, column: int) -> None:
    now = shown(app)
    assert (now.output, now.state) == ((row, column), "preview")


def test_keys_show_the_position_before_the_server_knows(open_app: Open) -> None:
    app = open_app("", FIXED).settle()
    for name in ("input", "patch", "columns", "weights"):
        app.panel(name).focus()
        row, column = shown(app).output
        app.page.keyboard.press("ArrowDown")
        app.eventually(lambda at=(row + 1, column): is_at(app, *at))  # type: ignore[misc]
        app.page.keyboard.press("Shift+ArrowRight" if column < 10 else "Shift+ArrowLeft")
        column += 10 if column < 10 else -10
        app.eventually(lambda at=(row + 1, column): is_at(app, *at))  # type: ignore[misc]
    app.page.keyboard.press("End")
    app.page.keyboard.press("Shift+Home")
    app.eventually(partial(confirmed_at, app, 0, 0))
    app.page.wait_for_url(re.compile(r"row=0(&|$)"))


def is_at(app: AppPage, row: int, column: int) -> None:
    now = shown(app)
    assert now.output == (row, column)
    assert now.value == pytest.approx(DEFAULT.output[row, column].item(), abs=1e-2)


LOSE_ONE = """async () => {
  const { page } = await import("/rfviz/js/parts/page.js");
  const { component } = page.conductor;
  const send = component.setTriggerValue;
  page.conductor.component = { ...component, setTriggerValue: () => {
    window.lost = true;
    page.conductor.component = component;
    component.setTriggerValue = send;
  } };
}"""


def test_a_move_that_gets_lost_is_sent_again(open_app: Open) -> None:
    app = open_app("", FIXED).settle()
    app.page.evaluate(LOSE_ONE)
    app.click_cell("output", 20, 9)
    app.page.wait_for_function("() => window.lost")
    app.eventually(partial(confirmed_at, app, 20, 9))


def test_buttons_step_and_play(open_app: Open) -> None:
    app = open_app("", {"row": 4, "column": 27}).settle()

    def press(name: str) -> None:
        app.conductor.get_by_label(name, exact=True).click()

    press("Next position")
    app.eventually(partial(confirmed_at, app, 5, 0))
    press("Previous position")
    app.eventually(partial(confirmed_at, app, 4, 27))
    press("Last position")
    app.eventually(partial(confirmed_at, app, 27, 27))
    # At the end there is nothing to play: it stops by itself.
    press("Play through all positions")
    expect(app.conductor.get_by_label("Play through all positions")).to_be_visible()
    press("First position")
    app.eventually(partial(confirmed_at, app, 0, 0))


USUAL = replace(DEFAULT, weight=bank("gaussian", 3, 1, 1))
# Slider, value to drag to, and the same convolution for torch.
DRAGS = {
    "kernel": (7, replace(USUAL, weight=bank("gaussian", 7, 1, 1))),
    "stride": (3, replace(USUAL, stride=(3, 3))),
    "padding": (5, replace(USUAL, pads=(5, 5, 5, 5))),
    "dilation": (4, replace(USUAL, dilation=(4, 4))),
}


def test_a_slider_previews_while_it_is_held(open_app: Open) -> None:
    app = open_app("", {"weights": "gaussian", **FIXED}).settle()
    watched = Watched(app)
    for key, (value, case) in DRAGS.items():
        with drag(app, key, value):
            app.eventually(partial(previews, app, case))
        app.eventually(partial(confirms, app, case))
        app.slide(key, "Home", *["ArrowRight"] * (2 if key == "kernel" else key == "padding"))
        app.eventually(partial(confirms, app, USUAL))
    assert watched.blanks() == []


def previews(app: AppPage, case: Convolution) -> None:
    """The numbers of the spec that the slider would make, before the server has heard of it."""
    now = shown(app)
    height, width = case.output.shape
    assert now.note == f"preview, {height} × {width} outputs"
    assert now.state == "preview"
    assert now.output == (min(5, height - 1), min(6, width - 1))
    assert now.value == pytest.approx(case.output[now.output].item(), abs=1e-3)
    assert now.boxes("input", "padding") or not any(case.pads)


def confirms(app: AppPage, case: Convolution) -> None:
    now = shown(app.settle())
    assert now.state == "confirmed"
    assert "equals nn.Conv2d" in now.note
    assert now.value == pytest.approx(case.output[now.output].item(), abs=1e-3)
    torch.testing.assert_close(app.z("output"), case.output, rtol=1e-5, atol=1e-3)


def test_a_slider_that_would_not_fit_says_so(open_app: Open) -> None:
    app = open_app("", {"sample": "address", "kernel": 4, **FIXED}).settle()
    with drag(app, "dilation", 8):
        app.eventually(lambda: does_not_fit(app))
    # Let go: the server says the same, with the numbers.
    expect(app.alert("25")).to_be_visible()
    app.slide("dilation", "Home")
    assert shown(app.settle()).state == "confirmed"


def does_not_fit(app: AppPage) -> None:
    assert "does not fit" in shown(app).note


# Notes every frame in which a panel shows what it showed when the watch began.
WATCH_OLD = """(names) => {
  const met = names.map((name) => document.querySelector(`[data-testid=rfviz-panel-${name}]`));
  const before = met.map((panel) => panel.dataset.revision);
  window.oldFigures = { frames: 0, seen: [] };
  const look = () => {
    window.oldFigures.frames += 1;
    met.forEach((panel, index) => {
      const covered = panel.classList.contains("rfviz-sketch");
      const old = panel.dataset.revision === before[index];
      if (old && !covered) window.oldFigures.seen.push(names[index]);
    });
    window.oldFigures.request = requestAnimationFrame(look);
  };
  look();
}"""
OLD_SEEN = """() => {
  cancelAnimationFrame(window.oldFigures.request);
  return [window.oldFigures.frames, window.oldFigures.seen];
}"""


@pytest.mark.parametrize("value", [2, 9])
def test_a_figure_of_before_is_not_seen_again_once_a_slider_is_let_go(
    open_app: Open, value: int
) -> None:
    app = open_app("", {"weights": "gaussian", **FIXED}).settle()
    case = replace(USUAL, weight=bank("gaussian", value, 1, 1))
    with drag(app, "kernel", value):
        app.eventually(partial(previews, app, case))
        app.page.evaluate(WATCH_OLD, ["output", "patch", "vector"])
    app.eventually(partial(confirms, app, case))
    frames, seen = app.page.evaluate(OLD_SEEN)
    assert frames > 1
    assert seen == []


def test_a_preview_goes_where_the_figure_stays_the_same(open_app: Open) -> None:
    # The receptive field of the first output is the same under any stride.
    app = open_app("", {"row": 0, "column": 0, "padding": 0}).settle()
    before = app.panel("vector").get_attribute("data-revision")
    with drag(app, "stride", 3):
        expect(app.panel("vector")).to_have_class(re.compile("rfviz-sketch"))
    app.settle()
    for name in ("vector", "patch", "output"):
        expect(app.panel(name)).not_to_have_class(re.compile("rfviz-sketch"))
    assert app.panel("vector").get_attribute("data-revision") == before


SHIFTS = """() => {
  window.shifts = [];
  const note = (list) => window.shifts.push(...list.getEntries().map(({ value }) => value));
  new PerformanceObserver(note).observe({ type: "layout-shift" });
}"""


def test_nothing_on_the_page_jumps(open_app: Open) -> None:
    """The browser's own measure of moved layout; web pages are advised to stay under 0.1."""
    app = open_app("", FIXED).settle()
    app.page.evaluate(SHIFTS)
    for row in range(4, 24, 2):
        hover(app, "output", row, 9)
    leave(app)
    with drag(app, "kernel", 6):
        pass
    app.settle()
    app.panel("output").focus()
    app.page.keyboard.press("ArrowLeft")
    app.settle()
    assert sum(app.page.evaluate("() => window.shifts")) < 0.02


# Every height that the bar above the panels has from now on, in pixels.
HEIGHTS = """(bar) => {
  window.heightsOf?.disconnect();
  window.heights = new Set();
  window.heightsOf = new ResizeObserver(() => window.heights.add(bar.offsetHeight));
  window.heightsOf.observe(bar);
}"""


@pytest.mark.parametrize("name", [*PAGES, "stack"])
def test_no_words_are_too_long_for_their_place(open_app: Open, name: str) -> None:
    """If the bar grew with its words, a panel would move away from under the pointer."""
    address = {"sample": "scene", "kernel": 11, "row": 1123, "column": 1567}
    app = open_app(name, address, reduced_motion="reduce").settle()
    for width in (1440, 1000, 700, 390):
        app.page.set_viewport_size({"width": width, "height": 900})
        app.page.keyboard.press("Escape")
        leave(app)
        app.page.evaluate(TWO_FRAMES)
        app.settle().conductor.locator(".rfviz-bar").evaluate(HEIGHTS)
        said = words_while_pointing(app)
        app.conductor.get_by_label("Next position").click()
        middle(app, app.panel_names[0], click=True)
        said |= words_while_pointing(app)
        # Two panels of one chosen unit have a sentence each, and no third.
        assert len(said) >= min(3, len(app.panel_names))
        assert len(app.page.evaluate("() => [...window.heights]")) == 1, width


def words_while_pointing(app: AppPage) -> set[str | None]:
    """Point at each panel in turn; what the bar says."""
    said = set()
    for panel in app.panel_names:
        middle(app, panel)
        app.page.evaluate(TWO_FRAMES)
        said.add(app.conductor.locator(".rfviz-position").text_content())
    return said


def middle(app: AppPage, panel: str, *, click: bool = False) -> None:
    """Point at the middle of a panel's first axes, or click there."""
    area = app.drawn(panel).locator(".nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if click:
        app.page.mouse.click(*place)
    else:
        app.page.mouse.move(*place)
