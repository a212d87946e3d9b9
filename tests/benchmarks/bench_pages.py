"""What a move of a slider costs, by hand: `python tests/benchmarks/bench_pages.py [moves] [soak]`.

moves: on each page, with the default sample, the sample scene and a photograph of 12 megapixels,
the kernel slider moves by a key in Chromium. Milliseconds from the key to the first panel or value
that is new, to the last panel that no job brings, and to the end of everything; bytes that the
websocket received. Medians of 7 moves. The first value may be the browser's
own, ahead of the server's.

soak: 300 moves of one session, and the server's resident memory on the way.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(1, str(Path(__file__).parents[1] / "browser"))

from app_page import CONDUCTOR, IDLE, PAGES, PANELS, AppPage
from app_server import AppServer
from chromium import installed_browser, launch
from photographs import twelve_megapixels
from playwright.sync_api import Browser, WebSocket, sync_playwright

N_MOVES = 7
SOAKED = (1, 50, 150, 300)
LONGEST = 180_000

# Notes the time of the key and of everything that is drawn, said or awaited after it.
ARM = """() => {
  const times = { key: null, first: null, drawn: {}, awaited: [], last: null };
  window.moveTimes = times;
  addEventListener("keydown", () => { times.key ??= performance.now(); },
    { capture: true, once: true });
  const note = (records) => {
    if (times.key === null) return;
    const now = performance.now();
    for (const { target, attributeName } of records) {
      const name = target.dataset.testid ?? "";
      if (attributeName === "data-draws") times.drawn[name] = now;
      if (attributeName === "data-output-value" || attributeName === "data-draws") {
        times.first ??= now;
      }
      if (attributeName === "aria-busy" && target.getAttribute("aria-busy") === "true") {
        times.awaited.push(name);
      }
    }
    times.last = now;
  };
  const attributeFilter =
    ["data-draws", "data-output-value", "data-test-script-state", "aria-busy"];
  window.moveWatch?.disconnect();
  window.moveWatch = new MutationObserver(note);
  window.moveWatch.observe(document.body, { subtree: true, attributes: true, attributeFilter });
}"""
# Nothing has happened for half a second.
DONE = f"""() => {{
  const {{ first, last }} = window.moveTimes;
  const panels = [...document.querySelectorAll("{PANELS}")];
  return first !== null && performance.now() - last > 500
    && document.querySelector("{IDLE}") && document.querySelector("{CONDUCTOR}")
    && panels.every((panel) => panel.getAttribute("aria-busy") === "false");
}}"""


class Move(NamedTuple):
    """Milliseconds after the key, and bytes received."""

    first: float
    panels: float
    idle: float
    received: int


class Meter:
    """Counts what the websocket of a page receives."""

    socket: WebSocket

    def __init__(self, app: AppPage) -> None:
        self.received = 0
        app.page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        self.socket = socket
        socket.on("framereceived", self._add)

    def _add(self, payload: bytes | str) -> None:
        self.received += len(payload if isinstance(payload, bytes) else payload.encode())


def open_default(app: AppPage, name: str) -> None:
    app.open(name)


def open_scene(app: AppPage, name: str) -> None:
    app.open(name, {"sample": "scene"})


def open_photograph(app: AppPage, name: str) -> None:
    app.open(name, {"source": "Upload"})
    app.upload("photograph.jpg", twelve_megapixels())
    app.page.get_by_text("3,000 + 1").first.wait_for()


PICTURES: dict[str, Callable[[AppPage, str], None]] = {
    "letter, 28 x 28": open_default,
    "scene, 3 MP": open_scene,
    "photograph, 12 MP": open_photograph,
}


def moved(app: AppPage, meter: Meter, stroke: str) -> Move:
    app.page.evaluate(ARM)
    meter.received = 0
    # What the browser shows by itself comes first: the end is that of the server's answer.
    with meter.socket.expect_event("framereceived", timeout=LONGEST):
        app.slide("kernel", stroke)
    app.page.wait_for_function(DONE, timeout=LONGEST)
    times: dict[str, Any] = app.page.evaluate("() => window.moveTimes")
    start = times["key"]
    direct = [at for name, at in times["drawn"].items() if name not in times["awaited"]]
    return Move(
        times["first"] - start,
        max(direct, default=times["first"]) - start,
        times["last"] - start,
        meter.received,
    )


def bench_moves(browser: Browser, server: AppServer) -> None:
    print(f"{'page':<16}{'picture':<20}{'first':>8}{'panels':>8}{'idle':>8}{'kB':>9}{'most kB':>9}")
    for name in PAGES:
        for picture, open_picture in PICTURES.items():
            app, meter = opened(browser, server)
            open_picture(app, name)
            app.settle()
            strokes = ["ArrowRight", "ArrowLeft"] * N_MOVES
            # The first move of all pays for what is made once.
            moves = [moved(app, meter, stroke) for stroke in strokes[: N_MOVES + 1]][1:]
            report(name or "receptive_field", picture, moves)
            app.page.context.close()


def report(name: str, picture: str, moves: list[Move]) -> None:
    first, panels, idle, received = (statistics.median(each) for each in zip(*moves, strict=True))
    most = max(move.received for move in moves)
    print(
        f"{name:<16}{picture:<20}{first:8.0f}{panels:8.0f}{idle:8.0f}"
        f"{received / 1000:9.0f}{most / 1000:9.0f}",
        flush=True,
    )


def bench_soak(browser: Browser, server: AppServer) -> None:
    app, meter = opened(browser, server)
    open_scene(app, "")
    app.settle()
    for count in range(1, SOAKED[-1] + 1):
        # Eight kernel sizes up and down again, so that caches are filled and turned over.
        moved(app, meter, "ArrowRight" if (count - 1) % 16 < 8 else "ArrowLeft")
        if count in SOAKED:
            print(f"after {count:>3} reruns: {resident_bytes(server.pid) / 1e6:.0f} MB", flush=True)
    app.page.context.close()


def opened(browser: Browser, server: AppServer) -> tuple[AppPage, Meter]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    app = AppPage(context.new_page(), server.url)
    app.page.set_default_timeout(LONGEST)
    return app, Meter(app)


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    wanted = sys.argv[1:] or ["moves", "soak"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = installed_browser(playwright)
        if path is None:
            raise SystemExit("There is no Chromium: run tests/install")
        server, browser = AppServer(Path(folder) / "log.txt"), launch(playwright, path)
        try:
            if "moves" in wanted:
                bench_moves(browser, server)
            if "soak" in wanted:
                bench_soak(browser, server)
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
