"""A long sitting with the linked view: nothing is rebuilt, nothing grows, nobody else is asked."""

from collections.abc import Callable, Iterator
from itertools import cycle, islice

from app_page import PAGES, AppPage
from conftest import Open
from linked_page import PLACE, Watched, drag, hover, leave, scattered, shown
from playwright.sync_api import CDPSession, Route

KEYS = ("ArrowDown", "ArrowRight", "Shift+ArrowLeft", "ArrowUp", "End", "Home", "Escape")
MOVES = ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft")


def mixed(app: AppPage) -> Iterator[Callable[[], None]]:
    """Ten kinds of interaction, for ever, each time at another place."""
    places = cycle(scattered(5, 50, 26, 26))
    keys, moves = cycle(KEYS), cycle(MOVES)
    sizes = cycle((5, 3, 4, 3))
    while True:
        yield lambda: hover(app, "output", *next(places))
        yield lambda: hover(app, "input", *next(places))
        yield lambda: hover(app, "vector", 0, next(places)[1] % 9)
        yield lambda: hover(app, "weights", 0, next(places)[1] % 9)
        yield lambda: app.panel("output").press(next(keys))
        yield lambda: app.click_cell("output", *next(places))
        yield lambda: app.slide("stride", next(moves))
        yield lambda: app.conductor.get_by_label("Next position").click()
        yield lambda: drag_and_let_go(app, next(sizes))
        yield lambda: leave(app)


def drag_and_let_go(app: AppPage, size: int) -> None:
    with drag(app, "kernel", size):
        pass


def test_a_thousand_interactions_rebuild_nothing_and_leave_nothing_behind(open_app: Open) -> None:
    app = open_app("", {"weights": "gaussian"}).settle()
    names, watched = app.panel_names, Watched(app)
    # After so many the sliders are where they were.
    for act in islice(mixed(app), 120):
        act()
    leave(app)
    app.settle()
    assert (app.panel_names, watched.blanks()) == (names, [])
    assert shown(app).state == "confirmed"
    session = app.page.context.new_cdp_session(app.page)
    session.send("Performance.enable")
    hover_and_step(app, 100)
    before = measured(session)
    hover_and_step(app, 1000)
    after = measured(session)
    assert after["Nodes"] <= before["Nodes"] + 200
    assert after["JSEventListeners"] <= before["JSEventListeners"] + 100
    assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] + 3e6


def hover_and_step(app: AppPage, count: int) -> None:
    """Sweep the pointer over the output and the input, with a step by key now and then."""
    panels = [app.panel(name) for name in ("output", "input")]
    corners = [
        [panel.evaluate(PLACE, ["xy", *at]) for at in ((0, 0), (27, 27))] for panel in panels
    ]
    for number, (row, column) in enumerate(scattered(6, count, 28, 28)):
        (left, top), (right, bottom) = corners[number // 100 % 2]
        app.page.mouse.move(left + (right - left) * column / 27, top + (bottom - top) * row / 27)
        if number % 25 == 0:
            app.page.keyboard.press(KEYS[number // 25 % 4])
    leave(app)
    app.settle()


def measured(session: CDPSession) -> dict[str, float]:
    """What the page holds once its garbage is collected."""
    session.send("HeapProfiler.collectGarbage")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}


def test_no_host_but_the_apps_own_is_needed(open_app: Open) -> None:
    app = open_app("rfviz/js/parts/page.js")
    own = app.page.url.split("rfviz/")[0]
    refused: list[str] = []

    def only_own(route: Route) -> None:
        if route.request.url.startswith((own, "data:", "blob:")):
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    app.page.route("**/*", only_own)
    for name in PAGES:
        app.open(name)
        app.settle()
    app.open()
    hover(app.settle(), "output", 3, 4)
    app.eventually(lambda: is_drawn(app))
    assert refused == []


def is_drawn(app: AppPage) -> None:
    now = shown(app)
    assert (now.output, now.state) == ((3, 4), "preview")
    assert now.value == now.value
