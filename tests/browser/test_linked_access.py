"""The linked view by keyboard, by touch, without motion, and as axe-core judges it."""

from importlib.resources import files
from typing import Any

import pytest
from app_page import IDLE, PAGES, AppPage
from conftest import Open
from linked_page import PLACE, shown

# Who has the focus, and how thick the line around it is, in pixels; 0 for none or for the unseen.
FOCUS = """() => {
  const node = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  const name = node.dataset.testid ?? node.getAttribute("aria-label") ?? node.tagName;
  const own = Boolean(node.closest(".rfviz-panel, .rfviz-conductor"));
  const seen = node.checkVisibility({ checkOpacity: true }) && outlineStyle !== "none";
  return [name, own, seen ? parseFloat(outlineWidth) : 0];
}"""
MOVING = """() => [...document.querySelectorAll(".rfviz-panel, .rfviz-conductor")].flatMap((own) =>
  [own, ...own.querySelectorAll("*")].filter((node) => {
    const style = getComputedStyle(node);
    const lasts = style.transitionDuration.split(", ").some((each) => parseFloat(each) > 0);
    return lasts || style.animationName !== "none" || node.getAnimations().length > 0;
  }).map((node) => node.outerHTML.slice(0, 80)))"""
# Violations of our own elements alone; those of Streamlit's are not ours to mend.
AXE = """async () => {
  const ours = [".rfviz-panel", ".rfviz-conductor"].filter((one) => document.querySelector(one));
  const found = await axe.run(
    { include: ours.map((one) => [one]) }, { resultTypes: ["violations"] });
  const where = (nodes) => nodes.map((node) => node.html.slice(0, 200));
  return found.violations.map(({ id, impact, nodes }) => [id, impact, where(nodes)]);
}"""
# How a page is looked at that several tests share.
PLAIN: dict[str, Any] = {"color_scheme": "light", "reduced_motion": "reduce"}
BUTTONS = (
    "First position", "Previous position", "Play through all positions", "Next position",
    "Last position", "Speed of playing",
)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_tab_reaches_every_control_and_panel(look: Open, name: str) -> None:
    # Without motion, since what fades in cannot be seen at once.
    app = look(name, {}, **PLAIN).settle()
    app.conductor.get_by_label(BUTTONS[0]).focus()
    app.page.keyboard.press("Shift+Tab")
    reached = {}
    panels = {f"rfviz-panel-{panel}" for panel in app.panel_names}
    for _ in range(80):
        app.page.keyboard.press("Tab")
        focused, ours, outline = app.page.evaluate(FOCUS)
        if ours:
            reached[focused] = outline
        if panels <= reached.keys():
            break
    assert panels | set(BUTTONS) <= reached.keys()
    own = [outline for who, outline in reached.items() if who in panels | set(BUTTONS)]
    assert min(own) >= 2, reached
    # The buttons that plotly adds have the browser's own line.
    assert min(reached.values()) >= 1, reached


def test_a_tap_chooses_an_output(open_app: Open) -> None:
    app = open_app("", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    app.settle()
    place = app.panel("output").evaluate(PLACE, ["xy", 20, 7])
    app.page.touchscreen.tap(*place)
    app.wait_for_place(7, 20)
    assert app.page.evaluate("() => matchMedia('(pointer: coarse)').matches")
    assert shown(app).cells("output", "chosen") == {(7, 20)}
    # A tap on a pixel chooses the output whose field is centred on it.
    app.page.touchscreen.tap(*app.panel("input").evaluate(PLACE, ["xy", 4, 11]))
    app.wait_for_place(11, 4)


def test_nothing_moves_by_itself(open_app: Open) -> None:
    app = open_app("", {"row": 0, "column": 0}, reduced_motion="reduce").settle()
    app.conductor.get_by_label("Speed of playing").select_option("fast")
    app.conductor.get_by_label("Play through all positions").click()
    for _ in range(5):
        assert app.page.evaluate(MOVING) == []
    app.eventually(lambda: has_gone_on(app))
    app.conductor.get_by_label("Pause").click()


def has_gone_on(app: AppPage) -> None:
    assert shown(app).output > (0, 3)


# The address of a page, and a panel of it that has come when it is looked at.
LOOKED_AT: list[tuple[str, dict[str, object], str]] = [
    *((name, {}, "columns" if name else "output") for name in PAGES),
    ("", {"hide": "true"}, "output"),
    ("output_shape", {}, "strip-rows"),
    ("stack", {"stack_preset": "LeNet-5", "stack_effective": "true"}, "stack-effective"),
    ("filters", {"filters": 4}, "filters"),
    ("operators", {}, "operator"),
    ("practice", {"practice_seed": 7}, "practice"),
]


@pytest.mark.parametrize(("name", "address", "panel"), LOOKED_AT)
def test_axe_finds_nothing_serious(
    look: Open, name: str, address: dict[str, object], panel: str
) -> None:
    app = look(name, address, **PLAIN)
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    if panel == "practice":
        app.page.get_by_role("button", name="Next question").click()
    for scheme in ("dark", "light"):
        app.page.emulate_media(color_scheme=scheme)
        app.page.evaluate(script)
        app.drawn(panel)
        app.page.wait_for_selector(IDLE)
        found: list[Any] = app.page.evaluate(AXE)
        assert [each for each in found if each[1] in {"serious", "critical"}] == [], scheme
