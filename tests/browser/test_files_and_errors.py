"""What a person brings along or gets wrong: photographs, broken files, numbers that do not fit."""

import io
import re

import pytest
import torch
import torch.nn.functional as F
from app_page import AppPage
from conftest import Open
from photographs import jpeg, twelve_megapixels
from PIL import Image
from playwright.sync_api import expect

from rfviz import filter_bank, load_picture, load_sample

UPLOAD = {"source": "Upload"}


def sobel_at(data: bytes, row: int, column: int, kernel: int) -> float:
    """The output there of the default convolution, by torch, on the pixels that it reads."""
    picture = load_picture(data)
    weight = filter_bank("sobel-x", kernel, picture.shape[0], 1)
    top, left = row - 1, column - 1
    patch = picture[None, :, top : top + kernel, left : left + kernel].float()
    return F.conv2d(patch, weight).item()


def shows_photograph(app: AppPage, data: bytes, kernel: int = 3) -> None:
    expected = sobel_at(data, *app.place, kernel)
    assert app.value == pytest.approx(expected, rel=1e-4, abs=2e-3)
    top, left = app.place[0] - 1, app.place[1] - 1
    patch = load_picture(data)[:, top : top + kernel, left : left + kernel].double()
    # One by one: while the page changes, a map of before may stand beside one of after.
    for channel, pixels in enumerate(patch):
        torch.testing.assert_close(app.z("patch", channel), pixels, rtol=0, atol=0)


def test_a_photograph_is_read_as_it_is(open_app: Open) -> None:
    app = open_app("", UPLOAD).settle()
    expect(app.page.get_by_text("a sample stands in")).to_be_visible()
    data = jpeg()
    app.upload("astronaut.jpg", data)
    app.wait_for_place(256, 256)
    app.settle()
    shows_photograph(app, data)


def test_a_photograph_of_twelve_megapixels_answers_before_all_is_computed(open_app: Open) -> None:
    app = open_app("", {**UPLOAD, "row": 1234, "column": 2345, "filters": 4}).settle()
    data = twelve_megapixels()
    app.upload("large.jpg", data)
    app.page.get_by_text("3,000 + 1").first.wait_for()
    app.enter("row", 1234)
    app.enter("column", 2345)
    app.wait_for_place(1234, 2345)
    app.slide("kernel", "ArrowRight")
    app.eventually(lambda: shows_photograph(app, data, kernel=4))
    app.settle()
    means = app.z("output")
    expect(app.panel("output")).to_have_attribute("aria-label", re.compile("means of"))
    assert means.isfinite().all()


def test_a_broken_file_gives_a_sentence_and_the_page_goes_on(open_app: Open) -> None:
    app = open_app("", UPLOAD).settle()
    app.upload("broken.jpg", jpeg()[:700])
    expect(app.page.get_by_test_id("stSidebar").get_by_test_id("stAlert")).to_be_visible()
    expect(app.page.get_by_text("goes on with the picture before it: Letter")).to_be_visible()
    app.settle()
    assert app.value == 67
    expect(app.page.get_by_test_id("stException")).to_have_count(0)
    app.widget("source").get_by_text("Sample").click()
    app.settle()
    assert app.value == 67


def test_a_slow_picture_shows_a_draft_beside_the_page_and_then_itself(open_app: Open) -> None:
    app = open_app("", {**UPLOAD, "reduce": 16}).settle()
    file = io.BytesIO()
    Image.new("RGB", (8000, 8000), (10, 200, 30)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    start = data.rindex(b"\xff\xda")
    app.upload("slow.jpg", data[:start] + data[start:-2] * 120 + b"\xff\xd9")
    sidebar = app.page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_test_id("stImage").locator("img")).to_be_visible()
    expect(app.widget("stop-reading")).to_be_visible()
    assert app.panel_names
    app.page.get_by_text("500 + 1").first.wait_for()
    expect(app.widget("stop-reading")).to_have_count(0)


def test_what_does_not_fit_is_explained_and_mended_by_a_button(open_app: Open) -> None:
    app = open_app("", {"sample": "address", "kernel": 9, "dilation": 4, "padding": 0})
    problem = app.alert("33").first
    expect(problem).to_contain_text("16")
    assert app.panel_names == []
    app.widget("remedy-0").get_by_role("button").click()
    app.settle()
    expect(problem).to_have_count(0)
    assert app.z("output").shape[0] >= 1
    state = app.place, app.value
    elsewhere = open_app()
    elsewhere.page.goto(app.page.url)
    elsewhere.settle()
    assert (elsewhere.place, elsewhere.value) == state


def test_a_job_can_be_stopped_and_goes_on(open_app: Open) -> None:
    app = open_app("matmul", {"sample": "scene", "kernel": 11, "padding": 5, "filters": 32})
    app.page.get_by_role("button", name="Stop", exact=True).last.click()
    expect(app.page.get_by_text("stopped at")).to_be_visible()
    assert "difference" not in app.panel_names
    # The rest of the page answers while the job is stopped.
    height, width = load_sample("scene").shape[1:]
    app.page.keyboard.press("Escape")
    app.panel("product").focus()
    app.page.keyboard.press("ArrowRight")
    app.wait_for_place(height // 2, width // 2 + 1)
    app.page.get_by_role("button", name="Go on").click()
    app.panel("difference").wait_for()
    app.settle()
    expect(app.alert("agree on all")).to_be_visible()
