"""What of a window the stage fills, measured in the page itself."""

from typing import NamedTuple

from app_page import AppPage

# Rectangles in pixels of the window: panels and plotted areas; and the smallest type.
MEASURE = """() => {
  const stage = document.querySelector(".rfviz-stage");
  const boxOf = (node) => {
    const { left, top, right, bottom } = node.getBoundingClientRect();
    return [left, top, right, bottom];
  };
  const panels = [...stage.querySelectorAll(".rfviz-panel")];
  const plots = panels.flatMap((panel) => [...panel.querySelectorAll(".nsewdrag")].map(boxOf));
  const texts = [...stage.querySelectorAll("text, span, p, b, div.rfviz-title, button, select")]
    .filter((node) => node.textContent.trim() && node.getClientRects().length);
  const sizes = texts.map((node) => parseFloat(getComputedStyle(node).fontSize));
  return {
    stage: boxOf(stage), size: [window.innerWidth, window.innerHeight],
    panels: Object.fromEntries(
      panels.map((panel) => [panel.dataset.testid.replace("rfviz-panel-", ""), boxOf(panel)])),
    plots, type: Math.min(...sizes),
  };
}"""

Box = tuple[float, float, float, float]


class Shares(NamedTuple):
    """Shares of the window, 0 to 1, the smallest type in pixels, and the panels' boxes."""

    panels: float
    plots: float
    type: float
    boxes: dict[str, Box]
    whole: bool


def shares_of(app: AppPage) -> Shares:
    """Measure the stage as it stands on screen, scrolled to the top."""
    found = app.page.evaluate(MEASURE)
    width, height = found["size"]
    window: Box = (0, 0, width, height)
    boxes: dict[str, Box] = {name: tuple(box) for name, box in found["panels"].items()}

    def share(each: list[Box]) -> float:
        filled: float = sum(area(common(box, window)) for box in each) / (width * height)
        return filled

    whole = all(common(box, window) == box for box in boxes.values())
    plots = [tuple(box) for box in found["plots"]]
    return Shares(share(list(boxes.values())), share(plots), found["type"], boxes, whole)


def common(one: Box, other: Box) -> Box:
    """What two boxes (left, top, right, bottom) have in common."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    return left, top, max(left, min(one[2], other[2])), max(top, min(one[3], other[3]))


def area(box: Box) -> float:
    """Square pixels of a box."""
    return (box[2] - box[0]) * (box[3] - box[1])
