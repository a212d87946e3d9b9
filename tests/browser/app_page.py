"""A page of the app in Chromium: what a person does there, and what the panels then show.

Nothing here waits for a fixed time: actions return at once, and reading waits for a state.
"""

import base64
import io
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import (
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    expect,
)
from playwright.sync_api import (
    TimeoutError as NotInTime,
)

PAGES = ("", "column_matrix", "matmul")
USUAL = {"sample": "glyph"}
# Pages by their headings: their place in the navigation, and the link to them there.
WAYS = {
    "Explore": ("Explore", None),
    "Column matrix": ("Explore", "Whole matrix"),
    "Convolution as a matmul": ("Explore", "Against nn.Conv2d"),
    "Operators": ("Explore", "Another function"),
    "Output shape": ("Sizes", None),
    "Stack of layers": ("Networks", None),
    "Filters": ("Your weights", None),
    "Responses": ("Your weights", "Where each filter"),
    "Check": ("Your weights", "Check on every"),
    "Practice": ("Learn", None),
}
# Long enough for a machine that does much else at the same time.
SECONDS = 60

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
CONDUCTOR = "[data-testid=rfviz-explorer]"
PANELS = "[data-testid^=rfviz-panel-]"

TWO_FRAMES = """() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""

# The script has ended, and every panel that is there is drawn and waits for nothing.
SETTLED = f"""() => {{
  const panels = [...document.querySelectorAll("{PANELS}")];
  return document.querySelector("{IDLE}") && panels.length > 0
    && document.querySelector("{CONDUCTOR}[data-state=confirmed]")
    && panels.every((panel) => panel.dataset.draws && panel.getAttribute("aria-busy") === "false");
}}"""

# A part of a trace; typed arrays as lists.
TRACE = """(panel, [index, name]) => {
  const plain = (value) => (value?.map ? Array.from(value, plain) : value);
  return plain(panel.querySelector(".js-plotly-plot").data[index][name]);
}"""

# The middle of a cell on screen, from the area that plotly itself drags and the axes' ranges.
CELL = """(panel, [row, column]) => {
  panel.scrollIntoView({ block: "center" });
  const area = panel.querySelector(".nsewdrag[data-subplot=xy]").getBoundingClientRect();
  const { xaxis, yaxis } = panel.querySelector(".js-plotly-plot").layout;
  const along = (value, [start, stop]) => (value - start) / (stop - start);
  return [
    area.left + along(column, xaxis.range) * area.width,
    area.top + (1 - along(row, yaxis.range)) * area.height,
  ];
}"""


class AppPage:
    """One tab with the app; :attr:`troubles` lists what must not happen in any test."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.troubles: list[str] = []
        self._url = url
        page.set_default_timeout(SECONDS * 1000)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        page.on("request", self._on_request)
        page.on("response", self._on_response)

    def open(
        self, name: str = "", address: Mapping[str, Any] | None = None, *, bare: bool = False
    ) -> None:
        """Open a page by its name in the address, at some parameters, and wait for nothing.

        An address that says nothing shows the first example, which steps by itself: only ``bare``.
        """
        said = urlencode(address or ({} if bare else USUAL))
        self.page.goto(f"{self._url}/{name}?{said}")

    def settle(self) -> "AppPage":
        """Wait until the page has come to rest with panels on it."""
        self.page.wait_for_function(SETTLED)
        return self

    def eventually(self, check: Callable[[], Any], seconds: float = SECONDS) -> None:
        """Check until it holds; the last failure is the test's."""
        end = time.monotonic() + seconds
        while True:
            try:
                check()
            except AssertionError:
                if time.monotonic() > end:
                    raise
                self.page.evaluate("() => new Promise(requestAnimationFrame)")
            else:
                return

    def turn_to(self, page: str, heading: str | None = None) -> None:
        """Go to a page by the navigation, and the links of its place, and wait for its heading."""
        place, link = WAYS[page]
        further = self.page.locator(".st-key-place a").filter(has_text=link or " ")
        if link is None or not further.count():
            self.page.get_by_test_id("stTopNavLink").filter(has_text=place).click()
        if link is not None:
            further.click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading or page)

    @property
    def conductor(self) -> Locator:
        return self.page.locator(CONDUCTOR)

    @property
    def place(self) -> tuple[int, int]:
        """Row and column of the chosen output."""
        row, column = (self.conductor.get_attribute(f"data-output-{n}") for n in ("row", "column"))
        return int(row or -1), int(column or -1)

    @property
    def value(self) -> float:
        """The chosen output's value, as the server gave it."""
        return float(self.conductor.get_attribute("data-output-value") or "nan")

    def wait_for_place(self, row: int, column: int) -> None:
        place = f"[data-output-row='{row}'][data-output-column='{column}']"
        try:
            self.page.wait_for_selector(f"{CONDUCTOR}[data-state=confirmed]{place}")
        except NotInTime as error:
            said = self.conductor.get_attribute("data-state")
            raise AssertionError(f"The explorer shows {self.place}, {said}.") from error

    def panel(self, name: str) -> Locator:
        return self.page.locator(f"[data-testid=rfviz-panel-{name}]")

    def drawn(self, name: str) -> Locator:
        """A panel that plotly has drawn; until then it has no axes and no cells to point at."""
        self.page.wait_for_selector(f"[data-testid=rfviz-panel-{name}][data-draws]")
        return self.panel(name)

    @property
    def panel_names(self) -> list[str]:
        names = self.page.locator(PANELS).evaluate_all(
            "all => all.map((one) => one.dataset.testid)"
        )
        return [name.removeprefix("rfviz-panel-") for name in names]

    def trace(self, panel: str, name: str, index: int = 0) -> Any:
        """One attribute of a trace that the panel has drawn, once it has."""
        return self.drawn(panel).evaluate(TRACE, [index, name])

    def z(self, panel: str, index: int = 0) -> torch.Tensor:
        """The values of a heatmap that the panel has drawn, float64."""
        return torch.tensor(self.trace(panel, "z", index), dtype=torch.float64)

    def picture(self, panel: str) -> torch.Tensor:
        """The pixels of an image that the panel has drawn, uint8 (C, H, W)."""
        source = self.trace(panel, "source").split(",", 1)[1]
        image = Image.open(io.BytesIO(base64.b64decode(source)))
        pixels = torch.from_numpy(np.array(image))
        return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)

    def click_cell(self, panel: str, row: float, column: float) -> None:
        """Click on a cell of a panel, in the panel's own coordinates, once it is drawn."""
        self.page.mouse.click(*self.rested(panel, CELL, [row, column]))

    def rested(self, panel: str, script: str, argument: list[Any]) -> tuple[float, float]:
        """Where a script finds a place of a drawn panel, once it is the same in two frames."""
        drawn = self.drawn(panel)
        place = drawn.evaluate(script, argument)
        while True:
            self.page.evaluate("() => new Promise(requestAnimationFrame)")
            before, place = place, drawn.evaluate(script, argument)
            if place == before:
                return place[0], place[1]

    def widget(self, key: str) -> Locator:
        """The widget of this key, which is also its name in the address."""
        return self.page.locator(f".st-key-{key}")

    def slide(self, key: str, *strokes: str) -> None:
        """Press keys on a slider, each once the one before has reached the screen.

        Streamlit's slider takes its value from its own state after it has been drawn; a key pressed
        before that moves the thumb from a value that is then taken back.
        """
        slider = self.widget(key).locator("input[type=range]")
        for stroke in strokes:
            slider.press(stroke)
            self.page.evaluate(TWO_FRAMES)

    def enter(self, key: str, value: float) -> None:
        """Write a number into a field."""
        field = self.widget(key).locator("input")
        field.fill(str(value))
        field.press("Enter")

    def upload(self, name: str, data: bytes, kind: str = "image/jpeg") -> None:
        file = {"name": name, "mimeType": kind, "buffer": data}
        self.widget("upload").locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]

    def alert(self, text: str) -> Locator:
        """A message in a box, wherever it stands."""
        return self.page.get_by_test_id("stAlert").filter(has_text=text)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console {message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:", "blob:")):
            self.troubles.append(f"another host: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"status {response.status}: {response.url}")
