"""The linked view on a page: pointing at places in its panels, and what it then shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from app_page import AppPage
from playwright.sync_api import expect
from torch import Tensor

# A place in a panel on the screen, from data coordinates, as the explorer itself maps them.
PLACE = """async (panel, [subplot, x, y]) => {
  const { frameOf } = await import("/rfviz/js/draw/axes.js");
  panel.scrollIntoView({ block: "center" });
  const figure = panel.querySelector(".js-plotly-plot");
  const frame = frameOf(figure, subplot), box = figure.getBoundingClientRect();
  return [box.left + frame.x(x), box.top + frame.y(y)];
}"""
MARKS = """async (name) => {
  const { page } = await import("/rfviz/js/parts/page.js");
  return JSON.parse(page.panels.get(name)?.painted ?? "[]");
}"""
SHOWN = """async () => {
  const { page } = await import("/rfviz/js/parts/page.js");
  const { dataset } = page.conductor.host;
  const text = (part) => page.conductor.host.querySelector(`.rfviz-${part}`).textContent;
  const marks = [...page.panels].map(([name, panel]) => [name, JSON.parse(panel.painted ?? "[]")]);
  return {
    output: [Number(dataset.outputRow), Number(dataset.outputColumn)],
    value: Number(dataset.outputValue || "NaN"), state: dataset.state,
    sentence: text("position"), note: text("confirmed"),
    held: !page.conductor.host.querySelector(".rfviz-held").matches(".rfviz-free"),
    marks: Object.fromEntries(marks),
  };
}"""


class Shown(NamedTuple):
    """What the conductor says and which highlights the panels have drawn."""

    output: tuple[int, int]
    value: float
    state: str
    sentence: str
    note: str
    held: bool
    marks: dict[str, list[dict[str, Any]]]

    def boxes(self, panel: str, role: str) -> list[list[float]]:
        drawn = self.marks[panel]
        return [box for mark in drawn if mark["role"] == role for box in mark["boxes"]]

    def cells(self, panel: str, role: str) -> set[tuple[float, float]]:
        """(row, column) of the middle of each box."""
        return {
            ((top + bottom) / 2, (left + right) / 2)
            for left, top, right, bottom in self.boxes(panel, role)
        }


def shown(app: AppPage) -> Shown:
    found = app.page.evaluate(SHOWN)
    return Shown(**{**found, "output": tuple(found["output"])})


def drawn_marks(app: AppPage, panel: str) -> list[dict[str, Any]]:
    """The highlights that a panel has drawn."""
    found: list[dict[str, Any]] = app.page.evaluate(MARKS, panel)
    return found


def drawn_boxes(app: AppPage) -> list[list[float]]:
    """The nested boxes in the order of the layers, as [left, top, right, bottom]."""
    marks = drawn_marks(app, "stack-fields")
    return [mark["boxes"][0] for mark in marks if mark["kind"] == "box"]


def hover(app: AppPage, panel: str, row: float, column: float, subplot: str = "xy") -> None:
    """Move the mouse to a place in a panel, in the panel's own coordinates, once it is drawn."""
    app.page.mouse.move(*app.rested(panel, PLACE, [subplot, column, row]))


def columns_in_view(app: AppPage) -> range:
    """The columns that the panel of the column matrix shows."""
    first, last = app.drawn("columns").evaluate(
        "(panel) => panel.querySelector('.js-plotly-plot').layout.xaxis.range"
    )
    return range(round(first + 0.5), round(last + 0.5))


def leave(app: AppPage) -> None:
    """Move the mouse away from every panel."""
    app.page.mouse.move(1, 1)


def scattered(seed: int, count: int, height: int, width: int) -> list[tuple[int, int]]:
    """(row, column) of places drawn at random, inside (height, width)."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.rand(count, 2, generator=generator) * torch.tensor([height, width])
    return [(int(row), int(column)) for row, column in places]


def box_around(rows: Tensor, columns: Tensor) -> list[float]:
    """The box of the cells from the least to the largest row and column."""
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    return [left.item() - 0.5, top.item() - 0.5, right.item() + 0.5, bottom.item() + 0.5]


# Notes at every frame a panel that is another element than before, or has nothing drawn in it.
WATCH = """() => {
  const met = [...document.querySelectorAll(".rfviz-panel, .rfviz-conductor")];
  const watch = { frames: 0, blanks: new Set() };
  window.linkedWatch = watch;
  const look = () => {
    watch.frames += 1;
    for (const each of met) {
      const part = each.querySelector(".main-svg, .rfviz-bar")?.getBoundingClientRect();
      const whole = each.isConnected && part?.width > 0 && part?.height > 0;
      if (!whole) watch.blanks.add(each.dataset.testid);
    }
    watch.request = requestAnimationFrame(look);
  };
  look();
}"""
SEEN = """() => {
  cancelAnimationFrame(window.linkedWatch.request);
  return [window.linkedWatch.frames, [...window.linkedWatch.blanks]];
}"""


class Watched:
    """Watches the panels and the conductor of a page, frame by frame."""

    def __init__(self, app: AppPage) -> None:
        self._page = app.page
        self._page.evaluate(WATCH)

    def blanks(self) -> list[str]:
        """Who was gone, replaced or empty in any frame."""
        frames, blanks = self._page.evaluate(SEEN)
        assert frames > 1
        return list(blanks)


@contextmanager
def drag(app: AppPage, key: str, value: int) -> Iterator[None]:
    """Drag a slider's thumb to a value with the mouse; it is held inside, and let go at the end."""
    slider = app.widget(key).locator("input[type=range]")
    slider.scroll_into_view_if_needed()
    low, high, now = (int(slider.get_attribute(n) or 0) for n in ("min", "max", "value"))
    thumb = app.widget(key).get_by_test_id("stSliderThumbValue").locator("..").bounding_box()
    track = app.widget(key).get_by_role("group").locator("> div").first.bounding_box()
    assert thumb is not None
    assert track is not None
    x, y = thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2
    app.page.mouse.move(x, y)
    app.page.mouse.down()
    app.page.mouse.move(x + (value - now) / (high - low) * track["width"], y, steps=6)
    expect(slider).to_have_js_property("value", str(value))
    yield
    app.page.mouse.up()
