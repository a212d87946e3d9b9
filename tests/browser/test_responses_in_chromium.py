"""The page Responses in Chromium: values on screen are torch's, clicks go where they say."""

import torch
import torch.nn.functional as F
from app_page import AppPage
from conftest import Open
from playwright.sync_api import expect

import rfviz
from rfviz.figures.filter_grid import grid_of

ADDRESS = {"weights": "gabor", "filters": 4, "kernel": 5, "padding": 2}
DRAWN = """() => {
  const panels = [...document.querySelectorAll("[data-testid^=rfviz-panel-]")];
  return document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]")
    && panels.length === 3 && panels.every((panel) => panel.dataset.draws);
}"""


def drawn(app: AppPage) -> AppPage:
    app.page.wait_for_function(DRAWN)
    return app


def maps() -> torch.Tensor:
    picture = rfviz.load_sample("glyph")[None].float()
    return F.conv2d(picture, rfviz.filter_bank("gabor", 5, 1, 4), padding=2)[0]


def test_the_gallery_holds_torch_s_maps_and_a_click_chooses_a_filter(open_app: Open) -> None:
    app = drawn(open_app("responses", ADDRESS))
    expected = maps()
    shown, grid = app.z("gallery"), grid_of((4, 1, 28, 28))
    for number in range(4):
        top, left = grid.corner(number)
        tile = shown[top : top + 28, left : left + 28]
        torch.testing.assert_close(tile, expected[number].double(), rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(app.z("zoomed"), expected[0].double(), rtol=1e-5, atol=1e-3)
    top, left = grid.corner(1)
    app.click_cell("gallery", top + 14, left + 14)
    expect(app.widget("filter").locator("input")).to_have_value("1")
    app.eventually(lambda: shows(app, expected[1]))


def shows(app: AppPage, expected: torch.Tensor) -> None:
    torch.testing.assert_close(app.z("zoomed"), expected.double(), rtol=1e-5, atol=1e-3)


def test_the_strongest_answer_is_the_largest_output(open_app: Open) -> None:
    app = drawn(open_app("responses", {**ADDRESS, "filter": 3, "answers_shown": 2}))
    strongest = maps()[3].max().item()
    caption = app.page.get_by_test_id("stMain").get_by_text(f"{strongest:.3g}").first
    expect(caption).to_be_visible()
    expect(app.page.get_by_role("img", name="receptive field of output")).to_have_count(4)
