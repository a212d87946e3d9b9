"""Panning and zooming a matrix of a photograph: what comes into view is fetched, and is exact."""

from functools import cache
from urllib.parse import parse_qs, urlsplit

import numpy as np
import torch
from app_page import AppPage
from conftest import Open
from linked_page import PLACE
from playwright.sync_api import Response

from rfviz import ColumnMatrix, Conv2dSpec, load_sample

ADDRESS = {"sample": "scene", "kernel": 11, "padding": 0}


@cache
def matrix() -> ColumnMatrix:
    return ColumnMatrix(load_sample("scene"), Conv2dSpec(11))


class Tiles:
    """The parts of the column matrix that a page fetches."""

    def __init__(self, app: AppPage) -> None:
        self._app = app
        self._answers: list[Response] = []
        app.page.on("response", self._note)

    def _note(self, response: Response) -> None:
        if "/rfviz/columns/" in response.url:
            self._answers.append(response)

    def painted(self, panel: str) -> tuple[range, torch.Tensor]:
        """The columns of the tile that the panel shows, once it shows the last one fetched."""
        self._app.eventually(lambda: self._is_painted(panel))
        answer = self._answers[-1]
        query = {name: values[0] for name, values in parse_qs(urlsplit(answer.url).query).items()}
        height, width = int(query["height"]), int(query["width"])
        data = torch.from_numpy(np.frombuffer(answer.body(), np.uint8).copy())
        return columns_of(answer), data.view(height, width)

    def _is_painted(self, panel: str) -> None:
        tile = self._app.panel(panel).get_attribute("data-tile")
        assert self._answers
        assert tile is not None
        columns, rows = columns_of(self._answers[-1]), matrix().shape[0]
        box = [columns.start - 0.5, -0.5, columns.stop - 0.5, rows - 0.5]
        assert [float(side) for side in tile.split()] == box


def columns_of(answer: Response) -> range:
    query = parse_qs(urlsplit(answer.url).query)
    return range(int(query["first"][0]), int(query["last"][0]))


def test_a_pan_fetches_the_columns_that_come_into_view(open_app: Open) -> None:
    app = open_app("column_matrix", ADDRESS).settle()
    tiles, start = Tiles(app), round(app.trace("columns", "x0"))
    width = app.z("columns").shape[1]
    x, y = app.panel("columns").evaluate(PLACE, ["xy", start + width / 2, matrix().shape[0] / 2])
    app.page.mouse.move(x, y)
    app.page.mouse.down()
    app.page.mouse.move(x - 400, y, steps=8)
    app.page.mouse.up()
    columns, shown = tiles.painted("columns")
    assert columns.stop > start + width
    entries = matrix()[:, columns.start : columns.stop]
    torch.testing.assert_close(shown, entries, rtol=0, atol=0)
    # Back where the page's own columns are, no tile is needed.
    app.page.mouse.move(x - 400, y)
    app.page.mouse.down()
    app.page.mouse.move(x, y, steps=8)
    app.page.mouse.up()
    app.eventually(lambda: has_no_tile(app))


def has_no_tile(app: AppPage) -> None:
    assert app.panel("columns").get_attribute("data-tile") is None


def test_an_overview_zoomed_shows_exact_means(open_app: Open) -> None:
    app = open_app("column_matrix", ADDRESS).settle()
    tiles, n_columns = Tiles(app), matrix().shape[1]
    place = app.panel("overview").evaluate(PLACE, ["xy", n_columns / 3, 180])
    app.page.mouse.move(*place)
    # The wheel alone scrolls the page.
    app.page.keyboard.down("Control")
    for _ in range(4):
        app.page.mouse.wheel(0, -240)
    app.page.keyboard.up("Control")
    columns, means = tiles.painted("overview")
    assert 0 < len(columns) < n_columns
    height, width = means.shape
    expected = matrix().overview(height, width, columns).round().to(torch.uint8)
    torch.testing.assert_close(means, expected, rtol=0, atol=0)
