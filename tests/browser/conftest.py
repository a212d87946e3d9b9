"""A server for all tests of the browser, a Chromium for each file, and pages that are watched."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from app_page import SECONDS, AppPage
from app_server import AppServer
from chromium import installed_browser, launch
from playwright.sync_api import Browser, expect, sync_playwright

Open = Callable[..., AppPage]
expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    server = AppServer(tmp_path_factory.mktemp("server") / "log.txt")
    try:
        yield server
    finally:
        server.stop()
    assert "Traceback" not in server.log, server.log


# For each file, because playwright keeps an event loop running as long as it lives, in which no
# other test could start its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = installed_browser(playwright)
        if path is None:
            missing = "There is no Chromium: run tests/install"
            pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
        browser = launch(playwright, path)
        yield browser
        browser.close()


@pytest.fixture
def open_app(server: AppServer, browser: Browser) -> Iterator[Open]:
    """Opens a page of the app at an address, in a browser profile of its own or beside another.

    At the end of the test none of them may have met an error, a warning or another host.
    """
    opened: list[AppPage] = []

    def open_page(
        name: str = "",
        address: Mapping[str, Any] | None = None,
        *,
        beside: AppPage | None = None,
        **options: Any,
    ) -> AppPage:
        size = {"width": 1440, "height": 1000}
        context = beside.page.context if beside else browser.new_context(
            **{"viewport": size, **options}
        )  # fmt: skip
        page = AppPage(context.new_page(), server.url)
        opened.append(page)
        page.open(name, address)
        return page

    yield open_page
    for context in {id(page.page.context): page.page.context for page in opened}.values():
        context.close()
    assert [trouble for page in opened for trouble in page.troubles] == []
