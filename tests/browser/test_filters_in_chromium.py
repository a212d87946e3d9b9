"""Weights from a file and by hand, and the page of filters, in the browser."""

import pytest
import torch
from conftest import Open
from playwright.sync_api import expect

from rfviz.io.weights.write import npy_of

HAND = {"weights_source": "By hand", "sample": "glyph"}


def test_a_change_by_hand_is_in_the_answer_and_the_address(open_app: Open) -> None:
    app = open_app("", HAND).settle()
    before = app.value
    app.page.get_by_role("button", name="Flip").click()
    app.page.wait_for_url("**hand=1+0+-1*")
    app.settle()
    after = -before
    app.eventually(lambda: _equal(app.value, after))
    elsewhere = open_app()
    elsewhere.page.goto(app.page.url)
    elsewhere.settle()
    _equal(elsewhere.value, after)
    app.page.get_by_role("button", name="Undo").click()
    app.eventually(lambda: _equal(app.value, before))


def test_a_layer_of_a_file_is_read_and_drawn(open_app: Open) -> None:
    app = open_app("filters", {"weights_source": "File", "sample": "glyph"})
    app.page.get_by_text("No weights file yet").wait_for()
    weight = torch.randn(4, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    file = {"name": "w.npy", "mimeType": "application/octet-stream", "buffer": npy_of(weight)}
    app.widget("weights_file").locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(app.page.get_by_text("1 × 5 × 5 (channels")).to_be_visible()
    app.eventually(
        lambda: torch.testing.assert_close(app.z("filter-rows"), weight.flatten(1).double())
    )
    kernel = app.page.locator(".st-key-strip").get_by_role("slider", name="Kernel size")
    expect(kernel).to_be_disabled()


def _equal(value: float, expected: float) -> None:
    assert value == pytest.approx(expected)
