"""Figures of the linked view, by hand: `python tests/benchmarks/bench_explorer.py`, or `... b`.

(a) Pointer and arrow keys over the feature map: event to drawn, draws a second, the drawing itself.
(b) A slider dragged: previews a second; let go: to confirmed by torch, and what the socket carried;
    beside it a page of plain st.plotly_chart figures.
(c) Panning the column matrix of a 12-megapixel photograph under an 11 x 11 kernel.

Starts its own servers. Event to drawn is from the event's own time stamp to the end of the drawing,
in the frame that shows it. The machine's load is printed: figures are worth what it allows.
"""

import os
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from app_page import AppPage
from chromium import installed_browser, launch
from linked_page import PLACE
from photographs import jpeg, twelve_megapixels
from playwright.sync_api import Browser, WebSocket, sync_playwright

ROOT = Path(__file__).parents[2]
SWEEP_SECONDS = 5
N_CHANGES = 7
N_PANS = 15
PICTURES: dict[str, Callable[[], bytes]] = {
    "64 x 64": lambda: jpeg((64, 64)),
    "256 x 256": lambda: jpeg((256, 256)),
    "512 x 512": lambda: jpeg((512, 512)),
    "4000 x 3000": twelve_megapixels,
}
KEYS = ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")

LISTEN = """() => {
  window.draws = [];
  const conductor = document.querySelector("[data-testid=rfviz-explorer]");
  conductor.addEventListener("rfviz-drawn", ({ detail }) => window.draws.push(
    [detail.drawn - detail.since, detail.took, conductor.dataset.state === "preview"]));
}"""
DRAWS = "() => window.draws.splice(0)"
# Time from the pointer's release to the first state that is no preview, or to the last change of
# anything within an element.
TIME_CHANGES = """([selector, attribute]) => {
  const times = { released: 0, last: 0 };
  window.changeTimes = times;
  window.addEventListener("pointerup", ({ timeStamp }) => {
    Object.assign(times, { released: timeStamp, last: 0 });
  }, true);
  const note = (records) => {
    if (!times.released) return;
    if (attribute === null) times.last = performance.now();
    else if (records.some(({ target }) => target.dataset[attribute] !== "preview")) {
      times.last ||= performance.now();
    }
  };
  const options = attribute === null ? { childList: true, subtree: true }
    : { attributes: true, attributeFilter: [`data-${attribute}`] };
  new MutationObserver(note).observe(document.querySelector(selector), options);
}"""
TAKEN = (
    "() => (window.changeTimes.last ? window.changeTimes.last - window.changeTimes.released : null)"
)


class Draws(NamedTuple):
    """Draws in some seconds: ms from event to drawn, ms of drawing, previews among them."""

    waits: list[float]
    tooks: list[float]
    n_previews: int
    seconds: float

    def line(self, name: str) -> str:
        # A drawing that no event has asked for is due when it starts: it does not count here.
        pairs = zip(self.waits, self.tooks, strict=True)
        waits = sorted(wait for wait, took in pairs if wait > took)
        p95, rate = waits[int(0.95 * (len(waits) - 1))], len(self.waits) / self.seconds
        return (
            f"{name:34}{statistics.median(waits):9.1f}{p95:9.1f}{rate:9.1f}"
            f"{statistics.median(self.tooks):9.2f}"
        )


class Visit:
    """One page in a browser profile of its own, with the bytes that its socket has received."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._context = browser.new_context(viewport={"width": 1440, "height": 1000})
        page = self._context.new_page()
        self.received = 0
        page.on("websocket", self._listen)
        self.app = AppPage(page, url)

    def _listen(self, opened: WebSocket) -> None:
        opened.on("framereceived", self._count)

    def _count(self, payload: str | bytes) -> None:
        self.received += len(payload)

    def close(self) -> None:
        self._context.close()


@contextmanager
def serving(script: str) -> Iterator[tuple[str, int]]:
    """A server of a script: its address and process."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        "--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1",
    ]  # fmt: skip
    command = [sys.executable, "-m", "streamlit", "run", script, *options, "--logger.level=error"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url)
            yield url, process.pid
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    while True:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health").close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return


def memory_of(pid: int) -> float:
    """Resident memory of a process, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def opened(browser: Browser, url: str, picture: str, name: str = "", **address: object) -> Visit:
    """A page with a photograph uploaded, come to rest."""
    visit = Visit(browser, url)
    visit.app.open(name, {"source": "Upload", **address})
    visit.app.settle()
    visit.app.upload("photograph.jpg", PICTURES[picture]())
    size = picture.replace(" x ", " × ").split(" × ")
    expected = f"{int(size[1]):,}" if len(size) == 2 else size[0]
    visit.app.page.get_by_text(expected).first.wait_for(state="attached")
    visit.app.page.wait_for_timeout(500)
    visit.app.settle()
    return visit


def drawn_during(app: AppPage, act: Callable[[int], None]) -> Draws:
    """Act again and again for some seconds; what was drawn meanwhile."""
    app.page.evaluate(DRAWS)
    start, count = time.monotonic(), 0
    while time.monotonic() < start + SWEEP_SECONDS:
        act(count)
        count += 1
    seconds = time.monotonic() - start
    draws: list[list[Any]] = app.page.evaluate(DRAWS)
    waits, tooks, previews = zip(*draws, strict=True)
    return Draws(list(waits), list(tooks), sum(previews), seconds)


def sweep(app: AppPage) -> Draws:
    """The pointer to and fro over the feature map, as fast as the browser takes its moves."""
    panel = app.panel("output")
    area = panel.evaluate(AREA)
    app.page.evaluate(LISTEN)

    def move(count: int) -> None:
        across, down = (count * 7) % 400 / 400, (count * 3) % 611 / 611
        app.page.mouse.move(area[0] + across * area[2], area[1] + down * area[3])

    move(0)
    app.page.wait_for_timeout(300)
    return drawn_during(app, move)


AREA = """(panel) => {
  panel.scrollIntoView({ block: "center" });
  const box = panel.querySelector(".nsewdrag").getBoundingClientRect();
  return [box.left + 2, box.top + 2, box.width - 4, box.height - 4];
}"""


def step_by_keys(app: AppPage) -> Draws:
    app.page.mouse.move(1, 1)
    app.panel("output").focus()
    return drawn_during(app, lambda count: app.page.keyboard.press(KEYS[count // 9 % 4]))


class Thumb:
    """A slider's thumb under the mouse."""

    def __init__(self, app: AppPage, key: str) -> None:
        self.app = app
        slider = app.widget(key).locator("input[type=range]")
        slider.scroll_into_view_if_needed()
        low, high, self.value = (int(slider.get_attribute(n) or 0) for n in ("min", "max", "value"))
        box = app.widget(key).get_by_test_id("stSliderThumbValue").locator("..").bounding_box()
        track = app.widget(key).get_by_role("group").locator("> div").first.bounding_box()
        assert box is not None
        assert track is not None
        self._x, self._y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self._step = track["width"] / (high - low)

    def grasp(self) -> None:
        self.app.page.mouse.move(self._x, self._y)
        self.app.page.mouse.down()

    def move(self, value: int) -> None:
        self.app.page.mouse.move(self._x + (value - self.value) * self._step, self._y)


def previews_while_dragged(app: AppPage) -> Draws:
    """Kernel sizes 11 and 10 in turn, one a move of the mouse."""
    thumb = Thumb(app, "kernel")
    thumb.grasp()
    draws = drawn_during(app, lambda count: thumb.move(11 - count % 2))
    thumb.move(thumb.value)
    app.page.mouse.up()
    return draws


def changes(visit: Visit, watch: Sequence[str | None], rest: Callable[[], object], key: str) -> str:
    """Let a slider go at other values: ms until the page shows them, and kB."""
    app, times, kilobytes = visit.app, [], []
    app.page.evaluate(TIME_CHANGES, list(watch))
    for _ in range(N_CHANGES):
        thumb = Thumb(app, key)
        thumb.grasp()
        # Always to a new value: what was sent before is not sent again.
        thumb.move(thumb.value + 1)
        app.page.wait_for_timeout(200)
        visit.received = 0
        app.page.mouse.up()
        app.page.wait_for_function(TAKEN)
        rest()
        times.append(app.page.evaluate(TAKEN))
        kilobytes.append(visit.received / 1000)
    return f"{statistics.median(times):9.0f}{max(times):9.0f}{statistics.median(kilobytes):9.0f}"


def pans(browser: Browser, url: str, pid: int) -> None:
    visit = opened(browser, url, "4000 x 3000", "column_matrix", kernel=11, padding=0)
    app, before = visit.app, memory_of(pid)
    start = round(app.trace("columns", "x0"))
    rows, n_columns = app.page.evaluate(SHAPE)
    times = []
    for number in range(N_PANS):
        x, y = app.panel("columns").evaluate(PLACE, ["xy", start + 60, 180])
        x = max(700.0, min(1200.0, x)) if number == 0 else 1200.0
        app.page.mouse.move(x, y)
        app.page.mouse.down()
        app.page.evaluate(PAN)
        app.page.mouse.move(x - 350, y)
        app.page.wait_for_function("() => window.panTimes.painted")
        app.page.mouse.up()
        app.page.wait_for_timeout(300)
        times.append(app.page.evaluate("() => window.panTimes.painted - window.panTimes.moved"))
    print(
        f"\n(c) {len(times)} pans of {rows} x {n_columns:,}, to painted: median "
        f"{statistics.median(times):.0f} ms, longest {max(times):.0f} ms; server "
        f"{before:.0f} MiB before, {memory_of(pid):.0f} MiB after"
    )
    visit.close()


SHAPE = """async () => {
  const { page } = await import("/rfviz/js/parts/page.js");
  return page.conductor.scene.columnShape;
}"""
# From the move of a pan to the first tile that is painted after it.
PAN = """() => {
  const times = { moved: 0, painted: 0 };
  window.panTimes = times;
  const move = ({ timeStamp }) => { times.moved = timeStamp; };
  window.addEventListener("pointermove", move, { capture: true, once: true });
  const panel = document.querySelector("[data-testid=rfviz-panel-columns]");
  const seen = panel.dataset.tile;
  const observer = new MutationObserver(() => {
    if (!panel.dataset.tile || panel.dataset.tile === seen) return;
    requestAnimationFrame(() => { times.painted = performance.now(); });
    observer.disconnect();
  });
  observer.observe(panel, { attributes: true, attributeFilter: ["data-tile"] });
}"""


def linked(browser: Browser, url: str) -> None:
    print(f"{'(a) ms':34}{'median':>9}{'p95':>9}{'draws/s':>9}{'drawing':>9}")
    for picture in PICTURES:
        visit = opened(browser, url, picture)
        print(sweep(visit.app).line(f"{picture}, pointer"))
        print(step_by_keys(visit.app).line(f"{picture}, arrow keys"), flush=True)
        visit.close()


def sliders(browser: Browser, url: str) -> None:
    print(f"\n{'(b) a slider let go, ms':34}{'median':>9}{'longest':>9}{'kB':>9}")
    conductor = ("[data-testid=rfviz-explorer]", "state")
    for picture in ("64 x 64", "256 x 256", "512 x 512", "4000 x 3000"):
        visit = opened(browser, url, picture, weights="gaussian")
        if picture == "256 x 256":
            visit.app.page.evaluate(LISTEN)
            draws = previews_while_dragged(visit.app)
            print(
                f"{f'{picture}, dragged':34}{draws.n_previews / draws.seconds:9.1f} previews a "
                f"second, {statistics.median(draws.tooks):.1f} ms each"
            )
        line = changes(visit, conductor, visit.app.settle, "kernel")
        print(f"{f'{picture}, kernel':34}{line}", flush=True)
        visit.close()


def plain(browser: Browser, url: str) -> None:
    for side in (64, 256, 512):
        visit = Visit(browser, url)
        visit.app.open("", {"side": side})
        visit.app.page.wait_for_function(
            "() => document.querySelectorAll('.main-svg').length >= 12"
        )
        # The figures of one change come one after the other, for seconds.
        at_rest = partial(visit.app.page.wait_for_timeout, 4000)
        at_rest()
        for key in ("kernel", "row"):
            line = changes(visit, ("[data-testid=stMain]", None), at_rest, key)
            print(f"{f'{side} x {side}, plotly_chart, {key}':34}{line}", flush=True)
        visit.close()


def main(parts: str) -> None:
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    print(f"{os.cpu_count()} cores, load averages {load}")
    with sync_playwright() as playwright:
        path = installed_browser(playwright)
        assert path is not None, "There is no Chromium: run tests/install"
        browser = launch(playwright, path)
        with serving("app.py") as (url, pid):
            if "a" in parts:
                linked(browser, url)
            if "b" in parts:
                sliders(browser, url)
                with serving("tests/benchmarks/plain_page.py") as (other, _):
                    plain(browser, other)
            if "c" in parts:
                pans(browser, url, pid)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "abc")
