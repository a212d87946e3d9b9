"""The output-shape page in Chromium: panels, a click on the sweep, a remedy, a narrow screen."""

import re

from app_page import AppPage
from conftest import Open
from playwright.sync_api import expect


def output_size(app: AppPage, size: str) -> None:
    metric = app.page.get_by_test_id("stMetricValue").first
    expect(metric).to_have_text(size)


def test_a_click_on_the_sweep_sets_both_values_and_the_address(open_app: Open) -> None:
    app = open_app("output_shape")
    output_size(app, "26 × 26")
    app.drawn("sweep")
    app.drawn("strip-rows")
    app.click_cell("sweep", 2, 5)
    output_size(app, "12 × 26")
    app.page.wait_for_url("**shape_stride_height=2**")
    assert "shape_kernel_height=5" in app.page.url
    app.page.goto(app.page.url)
    output_size(app, "12 × 26")


def test_a_remedy_mends_and_the_strips_come_back(open_app: Open) -> None:
    app = open_app("output_shape", {"shape_kernel_height": 40})
    app.alert("12 more than the picture").first.wait_for()
    app.page.get_by_role("button", name="Set padding to 6").click()
    output_size(app, "1 × 1")
    app.drawn("strip-rows")


def test_it_fits_a_narrow_screen(open_app: Open) -> None:
    app = open_app("output_shape", viewport={"width": 390, "height": 800})
    output_size(app, "26 × 26")
    app.drawn("strip-columns")
    width = app.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


def test_a_layer_goes_to_the_other_pages_and_back(open_app: Open) -> None:
    app = open_app("output_shape", {"shape_kernel_height": 7, "shape_stride_height": 2})
    output_size(app, "11 × 11")
    app.page.get_by_role("button", name="Use this layer").click()
    app.page.wait_for_url(re.compile(r"[?&]kernel=7(&|$)"))
    app.turn_to("Explore")
    app.eventually(lambda: same_shape(app, (7, 7)))
    app.slide("kernel", "ArrowLeft")
    app.eventually(lambda: same_shape(app, (6, 6)))
    app.turn_to("Output shape")
    app.page.get_by_role("button", name="Take the sidebar's").click()
    output_size(app, "12 × 12")


def same_shape(app: AppPage, size: tuple[int, int]) -> None:
    app.settle()
    assert app.z("patch").shape == size
