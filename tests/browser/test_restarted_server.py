"""A server that is started anew under an open tab: settings return, lost files are asked for."""

from collections.abc import Iterator

import pytest
import torch.nn.functional as F
from app_page import AppPage
from app_server import AppServer
from conftest import Profiles
from photographs import jpeg
from playwright.sync_api import expect

from rfviz import filter_bank, load_sample


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    server = AppServer(tmp_path_factory.mktemp("own") / "log.txt")
    try:
        yield server
    finally:
        server.stop()
    assert "Traceback" not in server.log, server.log


def test_after_a_restart_the_page_goes_on_and_says_which_file_is_gone(
    own_server: AppServer, profiles: Profiles
) -> None:
    app = AppPage(profiles().new_page(), own_server.url)
    app.open("", {"source": "Upload", "kernel": 4, "row": 5, "column": 6})
    app.settle()
    app.upload("astronaut.jpg", jpeg())
    app.page.get_by_text("512 + 1").first.wait_for()
    app.settle()
    own_server.restart()
    # What is on screen stays there until the person goes on; Streamlit runs the page then.
    app.panel("input").focus()
    app.page.keyboard.press("ArrowRight")
    expect(app.alert("The server no longer has this file")).to_be_visible()
    # Said once: the link's own words about a file to choose would say the same again.
    expect(app.page.get_by_text("This link was made with")).to_have_count(0)
    expect(app.page.get_by_text("No picture is there: a sample stands in")).to_be_visible()
    app.page.get_by_text("28 + 1").first.wait_for()
    app.settle()
    assert app.place == (5, 7)
    # While there was no server the browser could not but say so.
    assert [each for each in app.troubles if each.startswith(("page error", "another host"))] == []
    app.troubles.clear()
    app.panel("input").focus()
    for row, column, key in ((5, 8, "ArrowRight"), (6, 8, "ArrowDown"), (6, 9, "ArrowRight")):
        app.page.keyboard.press(key)
        app.wait_for_place(row, column)
    app.settle()
    weight = filter_bank("sobel-x", 4, 1, 1)
    patch = load_sample("glyph")[None, :, 5:9, 8:12].float()
    assert app.value == pytest.approx(F.conv2d(patch, weight).item(), rel=1e-5)
    assert app.troubles == []
    app.page.close()
