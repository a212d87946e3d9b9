"""A server that is started anew under an open tab: what was set returns, what was lent is asked for."""

from collections.abc import Iterator

import pytest
from app_page import AppPage
from app_server import AppServer
from conftest import Profiles
from photographs import jpeg
from playwright.sync_api import expect


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
    # The connection that broke, and no other trouble.
    app.troubles.clear()
    app.page.wait_for_timeout(15000)
    app.page.screenshot(path="/tmp/s2/after.png", full_page=True)
    print(app.troubles)
    app.troubles.clear()
    app.panel("input").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight"):
        app.page.keyboard.press(key)
        app.page.wait_for_timeout(300)
    app.page.wait_for_timeout(3000)
    app.page.screenshot(path="/tmp/s2/after2.png", full_page=True)
    print(app.troubles)
    assert 0
