"""`rfviz.show` in an executed notebook, opened without a network: hovering says what torch gives.

The cells are run by a kernel of their own, as a notebook's are, and what is opened is the HTML that
the notebook holds afterwards.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Profiles
from linked_page import scattered
from playwright.sync_api import Frame, Page
from torch import nn

import rfviz

READY = '[data-testid="rfviz-panel-product"][data-draws]'
PLACE = """async ([panel, x, y]) => {
  const { frameOf } = await import("rfviz/js/draw/axes.js");
  const host = document.querySelector(`[data-testid="rfviz-panel-${panel}"]`);
  const figure = host.querySelector(".js-plotly-plot"), box = figure.getBoundingClientRect();
  const frame = frameOf(figure, "xy");
  return [box.left + frame.x(x), box.top + frame.y(y)];
}"""
SAID = """async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  await frame();
  await frame();
  const { dataset } = document.querySelector('[data-testid="rfviz-explorer"]');
  return [Number(dataset.outputRow), Number(dataset.outputColumn), Number(dataset.outputValue)];
}"""
RUN = """
import sys, nbclient, nbformat
path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
nbformat.write(notebook, path)
"""
CELLS = (
    """
import rfviz, torch
torch.manual_seed(0)
picture = rfviz.load_sample("scene")[:, :48, :56]
layer = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1, padding_mode="reflect").double()
rfviz.show(picture, layer, filter_index=2)
""",
    """
network = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU()).double()
maps = rfviz.trace(network, (3, 48, 56))["0"].activations(picture / 255)
weight = torch.randn(2, 3, 3, 3, dtype=torch.float64)
rfviz.show(maps, rfviz.Conv2dSpec(3, dilation=2, groups=2), weight, filter_index=1)
""",
)


def executed(cells: tuple[str, ...], folder: Path) -> list[str]:
    """The HTML that each cell of an executed notebook ends with."""
    path = folder / "executed.ipynb"
    made: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"cell{index}", "metadata": {}, "execution_count": None,
         "outputs": [], "source": source.strip()}
        for index, source in enumerate(cells)
    ]  # fmt: skip
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(path)], cwd=Path(__file__).parents[2], check=False,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    results = json.loads(path.read_text())["cells"]
    return ["".join(cell["outputs"][-1]["data"]["text/html"]) for cell in results]


@pytest.fixture(scope="module")
def opened(
    profiles: Profiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[Page, list[str]]]]:
    """Opens HTML as a page of its own, without a network, and notes what it complains of."""
    folder = tmp_path_factory.mktemp("pages")
    browser = profiles().browser
    assert browser is not None
    context = browser.new_context(offline=True, viewport={"width": 1300, "height": 1700})
    context.set_default_timeout(60_000)

    def open_html(html: str) -> tuple[Page, list[str]]:
        path = folder / f"page{len(context.pages)}.html"
        path.write_text(html, encoding="utf-8")
        page, troubles = context.new_page(), []
        page.on(
            "console", lambda said: troubles.append(said.text) if said.type == "error" else None
        )
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("requestfailed", lambda asked: troubles.append(asked.url[:100]))
        page.goto(path.as_uri())
        return page, troubles

    yield open_html
    context.close()


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return executed(CELLS, tmp_path_factory.mktemp("notebook"))


def by_torch() -> list[torch.Tensor]:
    """What the cells show: the chosen filters' feature maps, (rows, columns) float64."""
    torch.manual_seed(0)
    picture = rfviz.load_sample("scene")[:, :48, :56]
    layer = nn.Conv2d(3, 4, 3, stride=2, padding=1, padding_mode="reflect").double()
    network = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU()).double()
    weight = torch.randn(2, 3, 3, 3, dtype=torch.float64)
    with torch.no_grad():
        first = layer(picture.double()[None])[0, 2]
        maps = network[0]((picture / 255).double()[None])
        second = nn.functional.conv2d(maps, weight, dilation=2, groups=2)[0, 1]
    return [first, second]


def hovered(page: Page, frame: Frame, place: list[Any]) -> list[float]:
    """Point at (panel, x, y) inside a frame; the row, column and value that are then said."""
    at = frame.frame_element().bounding_box() if frame.parent_frame else {"x": 0, "y": 0}
    assert at is not None
    x, y = frame.evaluate(PLACE, place)
    page.mouse.move(at["x"] + x, at["y"] + y)
    found: list[float] = frame.evaluate(SAID)
    return found


@pytest.mark.parametrize("cell", [0, 1])
def test_hovering_in_an_executed_notebook_says_what_torch_gives(
    cell: int, notebook: list[str], opened: Callable[[str], tuple[Page, list[str]]]
) -> None:
    expected = by_torch()[cell]
    page, troubles = opened(f"<!doctype html><body style='margin: 0'>{notebook[cell]}")
    frame = page.frames[1]
    frame.wait_for_selector(READY)
    for row, column in scattered(cell, 100, *expected.shape):
        said = hovered(page, frame, ["output", column, row])
        assert said[:2] == [row, column]
        assert abs(said[2] - expected[row, column].item()) <= 1e-9 * expected.abs().max().item()
    assert troubles == []


def test_a_display_is_the_stage_on_one_screen(
    notebook: list[str], opened: Callable[[str], tuple[Page, list[str]]]
) -> None:
    """As the app's first page: all panels within the frame, and the rows of all filters."""
    page, troubles = opened(f"<!doctype html><body style='margin: 0'>{notebook[0]}")
    frame = page.frames[1]
    frame.wait_for_selector(READY)
    height = frame.evaluate("window.innerHeight")
    tops = {}
    for name in ("input", "patch", "vector", "output", "columns", "weights", "product"):
        place = frame.locator(f'.rfviz-stage .rfviz-slot [data-testid="rfviz-panel-{name}"]')
        box = place.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height
        tops[name] = box["y"]
    assert abs(tops["input"] - tops["output"]) < 1
    assert tops["patch"] < tops["vector"] < tops["columns"] < tops["product"]
    # Beside the chosen filter's, the other rows of the product are worked out in the browser too.
    filters = frame.evaluate(
        """async () => (await import("rfviz/js/parts/page.js")).page.bank.filters"""
    )
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, 3, stride=2, padding=1, padding_mode="reflect").double()
    assert layer.bias is not None
    torch.testing.assert_close(
        torch.tensor(filters["weights"], dtype=torch.float64), layer.weight.detach().flatten(1)
    )
    torch.testing.assert_close(
        torch.tensor(filters["biases"], dtype=torch.float64), layer.bias.detach()
    )
    assert troubles == []


def test_two_displays_on_one_page_do_not_disturb_each_other(
    notebook: list[str], opened: Callable[[str], tuple[Page, list[str]]]
) -> None:
    page, troubles = opened("<!doctype html><body style='margin: 0'>" + "".join(notebook))
    first, second = page.frames[1:]
    for frame in (first, second):
        frame.wait_for_selector(READY)
    before = second.evaluate(SAID)
    said = hovered(page, first, ["output", 3, 2])
    assert said[:2] == [2, 3]
    assert second.evaluate(SAID) == before
    assert troubles == []


def test_a_saved_file_is_the_same_explorer(
    tmp_path: Path, opened: Callable[[str], tuple[Page, list[str]]]
) -> None:
    picture = rfviz.load_sample("address")
    weight = rfviz.filter_bank("sobel-x", 3, 1, 1)
    path = rfviz.show(picture, 3, weight).save(tmp_path / "explorer.html")
    page, troubles = opened(path.read_text(encoding="utf-8"))
    page.wait_for_selector(READY)
    frame = page.main_frame
    expected = nn.functional.conv2d(picture[None].float(), weight)[0, 0]
    assert hovered(page, frame, ["output", 5, 4])[2] == expected[4, 5].item()
    # A click on a pixel chooses the output whose field is centred on it.
    hovered(page, frame, ["input", 8, 3])
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(1, 1)
    said = frame.evaluate(SAID)
    assert said == [2, 7, expected[2, 7].item()]
    page.locator('[data-testid="rfviz-panel-output"]').focus()
    page.keyboard.press("Home")
    assert frame.evaluate(SAID)[1] == 0
    assert troubles == []
