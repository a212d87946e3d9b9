"""Pages as a person meets them: on a wide and a narrow screen, light and dark, by link, twice."""

import re

import pytest
import torch
from app_page import PAGES, AppPage
from conftest import Open
from playwright.sync_api import expect

TITLES = {
    "": "Explore",
    "column_matrix": "Column matrix",
    "matmul": "Convolution as a matmul",
}
PANELS = {
    "": {"input", "output", "patch", "vector", "weights", "columns", "product"},
    "column_matrix": {
        "overview", "columns", "input", "reads", "law-x", "law-reads", "law-fold",
    },
    "matmul": {"weights", "columns", "product", "by-matmul", "by-conv2d", "difference"},
}  # fmt: skip
PARAMETERS = {
    "sample": "address", "kernel": 5, "stride": 2, "padding": 3, "dilation": 2,
    "padding_mode": "reflect", "weights": "random", "seed": 7, "filters": 3, "filter": 2,
    "row": 1, "column": 6,
}  # fmt: skip
TOO_WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"
# How bright the labels of an axis are, 0 to 255, from a colour such as "rgb(20, 23, 27)".
BRIGHTNESS = """(panel) => {
  const { fill } = getComputedStyle(panel.querySelector("[class$=tick] text"));
  const parts = fill.match(/[\\d.]+/g).slice(0, 3).map(Number);
  return parts.reduce((sum, part) => sum + part, 0) / 3;
}"""

# On a telephone's stage the two maps stand beside each other.
BESIDE = {"input", "output"}
BUTTONS = {"Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"}
# Titles of the panels, and whether their figure's buttons lie on them.
COVERED = """(panel) => {
  const box = (selector) => panel.querySelector(selector)?.getBoundingClientRect();
  const title = box(".gtitle"), bar = box(".modebar");
  if (!title || !bar) return null;
  return title.right > bar.left && title.left < bar.right
    && title.bottom > bar.top && title.top < bar.bottom;
}"""


def shown(app: AppPage) -> tuple[tuple[int, int], float]:
    app.settle()
    return app.place, app.value


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_on_the_default_sample(look: Open, name: str) -> None:
    app = look(name).settle()
    expect(app.page.get_by_role("heading", level=1)).to_have_text(TITLES[name])
    panels_are(app, name)
    assert app.place == (14, 14)
    expect(app.page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize("name", [*PAGES, "operators"])
def test_a_telephone_is_filled_and_no_page_is_wider(open_app: Open, name: str) -> None:
    app = open_app(name, viewport={"width": 390, "height": 844}, sidebar=False).settle()
    assert app.page.evaluate(TOO_WIDE) <= 0
    for panel in app.panel_names:
        box = app.panel(panel).bounding_box()
        assert box is not None
        if not name and panel in BESIDE:
            assert box["width"] > 165, panel
            continue
        assert box["width"] > 340, panel
        # A square map as high as this width lets it become, or at the height that it may have.
        if app.panel(panel).get_attribute("data-kind") in {"input", "output"}:
            assert box["height"] > 300, panel
    expect(app.widget("source")).not_to_be_in_viewport()
    app.page.get_by_test_id("stExpandSidebarButton").click()
    expect(app.widget("source")).to_be_in_viewport()
    assert app.page.evaluate(TOO_WIDE) <= 0


@pytest.mark.parametrize("name", [*PAGES, "stack"])
def test_a_figure_s_buttons_send_nothing_away(look: Open, name: str) -> None:
    """plotly's own bar has a button that would upload the chart, and with it the picture."""
    app = look(name, {"sample": "scene"}).settle()
    buttons = app.page.locator(".modebar-btn")
    titles = buttons.evaluate_all("(all) => all.map((one) => one.dataset.title)")
    assert {"Zoom", "Pan"} <= set(titles) <= BUTTONS
    # The stage has menus of its own.
    expect(app.page.locator(".rfviz-stage .modebar-btn")).to_have_count(0)
    servers = app.page.locator(".js-plotly-plot").evaluate_all(
        "(all) => all.map((one) => one._context.plotlyServerURL)"
    )
    assert set(servers) == {""}


@pytest.mark.parametrize("name", [*PAGES[1:], "stack"])
def test_a_figure_s_buttons_lie_beside_its_title(look: Open, name: str) -> None:
    app = look(name, {"sample": "scene"}).settle()
    covered = {panel: app.panel(panel).evaluate(COVERED) for panel in app.panel_names}
    assert False in covered.values()
    assert True not in covered.values(), covered


def test_panels_follow_the_theme_without_being_rebuilt(open_app: Open) -> None:
    app = open_app(color_scheme="dark").settle()
    vector = app.panel("vector")
    mounts = vector.get_attribute("data-mounts")
    assert vector.evaluate(BRIGHTNESS) > 180
    app.page.emulate_media(color_scheme="light")
    app.eventually(lambda: labels_are_dark(app))
    assert vector.get_attribute("data-mounts") == mounts


def labels_are_dark(app: AppPage) -> None:
    assert app.panel("vector").evaluate(BRIGHTNESS) < 90


def test_a_link_opened_elsewhere_gives_the_same_state(open_app: Open) -> None:
    # Of one page: tests/pages/test_page_addresses.py has every control of every page.
    app = open_app("matmul", PARAMETERS)
    state = shown(app)
    assert state[0] == (1, 6)
    elsewhere = open_app()
    elsewhere.page.goto(app.page.url)
    assert shown(elsewhere) == state
    assert elsewhere.page.url == app.page.url


def test_what_is_changed_by_hand_is_in_the_link(open_app: Open) -> None:
    app = open_app("", {"weights": "box"}).settle()
    app.slide("kernel", "ArrowRight", "ArrowRight")
    app.page.wait_for_url(re.compile("kernel=5"))
    app.settle()
    app.widget("separate").locator("label").first.click()
    app.page.wait_for_selector(".st-key-kernel_width input[type=range]")
    app.settle()
    app.slide("kernel_width", "ArrowRight")
    app.eventually(lambda: patch_is(app, 5, 6))
    elsewhere = open_app()
    elsewhere.page.goto(app.page.url)
    elsewhere.settle()
    patch_is(elsewhere, 5, 6)


def patch_is(app: AppPage, height: int, width: int) -> None:
    app.settle()
    assert app.z("patch").shape == (height, width)


def test_parameters_stay_when_the_page_is_changed(open_app: Open) -> None:
    app = open_app("", PARAMETERS)
    state = shown(app)
    for name, title in (*list(TITLES.items())[1:], ("", TITLES[""])):
        app.turn_to(title)
        app.eventually(lambda name=name: panels_are(app, name))  # type: ignore[misc]
        assert shown(app) == state


def panels_are(app: AppPage, name: str) -> None:
    assert PANELS[name] <= set(app.panel_names)


def test_two_tabs_do_not_mix(open_app: Open) -> None:
    first = open_app("", {"weights": "box"}).settle()
    second = open_app("", {"weights": "box", "stride": 2}).settle()
    first.slide("kernel", "ArrowRight")
    second.slide("kernel", "End")
    first.eventually(lambda: patch_is(first, 4, 4))
    second.eventually(lambda: patch_is(second, 16, 16))
    patch_is(first, 4, 4)
    place = first.place
    second.click_cell("output", 2, 3)
    second.wait_for_place(2, 3)
    assert first.place == place == (13, 13)
    torch.testing.assert_close(first.z("patch", 1), torch.full((4, 4), 1 / 16, dtype=torch.float64))
