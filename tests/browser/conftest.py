"""A server for all tests of the browser, a Chromium for each file, and pages that are watched."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from app_page import SECONDS, AppPage
from app_server import AppServer
from chromium import installed_browser, launch
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

Open = Callable[..., AppPage]
Profiles = Callable[..., BrowserContext]
SIZE = {"width": 1440, "height": 1000}
expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    server = AppServer(tmp_path_factory.mktemp("server") / "log.txt")
    try:
        yield server
    finally:
        server.stop()
    # The second: what a watcher of files says that cannot follow.
    for word in ("Traceback", "overflowed"):
        assert word not in server.log, server.log


# For each file, because playwright keeps an event loop running as long as it lives, in which no
# other test could start its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = installed_browser(playwright)
        if path is None:
            missing = "There is no Chromium: run tests/install"
            if os.environ.get("CI"):
                pytest.fail(missing)
            pytest.skip(missing)
        browser = launch(playwright, path)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def profiles(browser: Browser) -> Iterator[Profiles]:
    """Makes a browser profile; one for each file and choice of options, so that it has a cache."""
    made: dict[str, BrowserContext] = {}

    def profile(**options: Any) -> BrowserContext:
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = browser.new_context(**{"viewport": SIZE, **options})
            # Every tab starts as if nobody had been there, with the sidebar as it comes.
            made[key].add_init_script("localStorage.clear()")
        return made[key]

    yield profile
    for context in made.values():
        context.close()


@pytest.fixture
def open_app(server: AppServer, profiles: Profiles) -> Iterator[Open]:
    """Opens a page of the app at an address, in a tab of its own.

    At the end of the test none of them may have met an error, a warning or another host.
    """
    opened: list[AppPage] = []

    def open_page(
        name: str = "", address: Mapping[str, Any] | None = None, **options: Any
    ) -> AppPage:
        page = AppPage(profiles(**options).new_page(), server.url)
        opened.append(page)
        page.open(name, address)
        return page

    yield open_page
    for page in opened:
        page.page.close()
    assert [trouble for page in opened for trouble in page.troubles] == []
