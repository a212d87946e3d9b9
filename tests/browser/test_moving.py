"""Moving about: by click, by key, by playing, and by the sliders, while the panels stay."""

import pytest
from app_page import PAGES, PANELS, AppPage
from conftest import Open
from playwright.sync_api import expect

# Marks every panel as met, and at every frame notes a panel that has gone, is another element than
# before, or has nothing drawn in it.
WATCH = f"""() => {{
  const find = () => [...document.querySelectorAll("{PANELS}")];
  const met = new Map(find().map((panel) => [panel.dataset.testid, panel]));
  for (const panel of met.values()) panel.met = panel.dataset.mounts;
  const watch = {{ frames: 0, blanks: [] }};
  window.frameWatch = watch;
  const look = () => {{
    watch.frames += 1;
    for (const [name, panel] of met) {{
      const drawn = panel.querySelector(".main-svg")?.getBoundingClientRect();
      const whole = panel.isConnected && panel.met === panel.dataset.mounts;
      if (!whole || !(drawn?.width > 0 && drawn?.height > 0)) watch.blanks.push(name);
    }}
    watch.request = requestAnimationFrame(look);
  }};
  look();
}}"""
SEEN = """() => {
  cancelAnimationFrame(window.frameWatch.request);
  return [window.frameWatch.frames, [...new Set(window.frameWatch.blanks)]];
}"""
MET = f"""() => [...document.querySelectorAll("{PANELS}")].map((panel) => panel.met ?? null)"""
# Every place that the conductor shows, in order.
RECORD = """(conductor) => {
  window.places = [];
  const note = () => {
    const { outputRow, outputColumn } = conductor.dataset;
    const place = `${outputRow},${outputColumn}`;
    if (window.places.at(-1) !== place) window.places.push(place);
  };
  note();
  new MutationObserver(note).observe(conductor, { attributes: true });
}"""
Moves = list[tuple[str, str]]
# Thirty moves of four sliders that fit the sample at every step.
MOVES: Moves = [
    *[("kernel", "ArrowRight")] * 6, *[("stride", "ArrowRight")] * 3,
    *[("padding", "ArrowRight")] * 4, *[("dilation", "ArrowRight")] * 2,
    *[("kernel", "ArrowLeft")] * 5, *[("dilation", "ArrowLeft")] * 2,
    *[("stride", "ArrowLeft")] * 3, *[("padding", "ArrowLeft")] * 5,
]  # fmt: skip
# Each slider there and back.
FEW_MOVES: Moves = [
    (key, stroke)
    for stroke in ("ArrowRight", "ArrowLeft")
    for key in ("kernel", "stride", "padding", "dilation")
]


def test_clicks_choose_the_output(open_app: Open) -> None:
    app = open_app("", {"sample": "address", "stride": 2, "padding": 2}).settle()
    app.click_cell("output", 3, 5)
    app.wait_for_place(3, 5)
    # The output (r, c) reads rows 2 r - 2 to 2 r, so its centre is input row 2 r - 1.
    app.settle().click_cell("input", 2 * 6 - 1, 2 * 1 - 1)
    app.wait_for_place(6, 1)
    app.settle().click_cell("input", 15, 15)
    app.wait_for_place(8, 8)


def test_a_column_chooses_its_output_and_a_pixel_its_copies(open_app: Open) -> None:
    app = open_app("column_matrix", {"sample": "address"}).settle()
    app.click_cell("columns", 4, 8 * 16 + 3)
    app.wait_for_place(8, 3)
    app.settle().click_cell("overview", 0, 2 * 16 + 9)
    app.wait_for_place(2, 9)
    app.settle().click_cell("input", 5, 7)
    copies = app.page.get_by_text("Pixel (5, 7) is read by 9 outputs")
    expect(copies).to_contain_text("stands 9 times in the column matrix")


def test_keys_move_the_position(open_app: Open) -> None:
    app = open_app().settle()
    app.panel("output").focus()
    row, column = app.place
    for key, place in (
        ("ArrowRight", (row, column + 1)),
        ("ArrowDown", (row + 1, column + 1)),
        ("ArrowLeft", (row + 1, column)),
        ("ArrowUp", (row, column)),
        ("Shift+ArrowRight", (row, column + 10)),
        ("Shift+ArrowUp", (row - 10, column + 10)),
        ("Home", (row - 10, 0)),
        ("End", (row - 10, 27)),
        ("Shift+Home", (0, 0)),
        ("ArrowUp", (0, 0)),
        ("Shift+End", (27, 27)),
    ):
        app.page.keyboard.press(key)
        app.wait_for_place(*place)


def test_fast_keys_end_where_they_lead(open_app: Open) -> None:
    app = open_app().settle()
    app.panel("input").focus()
    for _ in range(12):
        app.page.keyboard.press("ArrowRight")
        app.page.keyboard.press("ArrowUp")
    app.wait_for_place(2, 26)


def test_playing_shows_every_position_until_it_is_paused(open_app: Open) -> None:
    app = open_app("", {"row": 0, "column": 26}).settle()
    app.conductor.evaluate(RECORD)
    app.conductor.get_by_label("Speed of playing").select_option("fast")
    app.conductor.get_by_label("Play through all positions").click()
    app.eventually(lambda: has_played(app, 5))
    app.conductor.get_by_label("Pause").click()
    expect(app.conductor.get_by_label("Play through all positions")).to_be_visible()
    app.conductor.get_by_label("First position").click()
    app.wait_for_place(0, 0)
    *played, first = app.page.evaluate("() => window.places")
    expected = [f"{n // 28},{n % 28}" for n in range(26, 26 + len(played))]
    assert (played, first) == (expected, "0,0")


def has_played(app: AppPage, count: int) -> None:
    assert app.page.evaluate("() => window.places.length") > count


@pytest.mark.parametrize(
    ("name", "moves"), [(name, FEW_MOVES if name else MOVES) for name in PAGES], ids=PAGES
)
def test_panels_stay_while_sliders_move(open_app: Open, name: str, moves: Moves) -> None:
    app = open_app(name, {"weights": "gaussian"}).settle()
    names = app.panel_names
    app.page.evaluate(WATCH)
    for number, (key, stroke) in enumerate(moves, 1):
        app.slide(key, stroke)
        # Some moves follow at once, as a drag has them; others are waited for.
        if number % 3 == 0:
            app.eventually(lambda made=moves[:number]: shows(app, made))  # type: ignore[misc]
    app.eventually(lambda: shows(app, moves))
    frames, blanks = app.settle().page.evaluate(SEEN)
    assert (app.panel_names, blanks) == (names, [])
    assert frames > len(moves)
    assert None not in app.page.evaluate(MET)


def shows(app: AppPage, moves: Moves) -> None:
    """The page states the arithmetic of the parameters after these moves."""
    state = {"kernel": 3, "stride": 1, "padding": 1, "dilation": 1}
    for key, stroke in moves:
        state[key] += 1 if stroke == "ArrowRight" else -1
    kernel, stride, padding, dilation = state.values()
    reach = f"{dilation}·({kernel} − 1)"
    formula = f"⌊(28 + {padding} + {padding} − {reach} − 1) / {stride}⌋"
    text = app.page.get_by_test_id("stMain").get_by_text("Output size").first.text_content()
    assert formula in (text or "")
