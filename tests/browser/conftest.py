"""A server and a Chromium for all tests of the browser, and pages that are watched."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from app_page import SECONDS, AppPage
from app_server import AppServer
from chromium import installed_browser, launch
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

Open = Callable[..., AppPage]
Profiles = Callable[..., BrowserContext]
SIZE = {"width": 1440, "height": 1000}
FOLDER = Path(__file__).parent
expect.set_options(timeout=SECONDS * 1000)


class Chromium:
    """A browser that starts when it is first needed, with a profile for each choice of options.

    A profile is a cache: what one page has loaded of the app, the next one has.
    """

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._profiles: dict[str, BrowserContext] = {}

    def profile(self, **options: Any) -> BrowserContext:
        key = repr(sorted(options.items()))
        if key not in self._profiles:
            made = self._started().new_context(**{"viewport": SIZE, **options})
            # Every tab starts as if nobody had been there, with the sidebar as it comes.
            made.add_init_script("localStorage.clear()")
            self._profiles[key] = made
        return self._profiles[key]

    def stop(self) -> None:
        self._profiles.clear()
        if self._browser is not None:
            self._browser.close()
            self._browser = None
        if self._playwright is not None:
            self._playwright.stop()
            self._playwright = None

    def _started(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            self.stop()
            self._playwright = sync_playwright().start()
            path = installed_browser(self._playwright)
            if path is None:
                missing = "There is no Chromium: run tests/install"
                if os.environ.get("CI"):
                    pytest.fail(missing)
                pytest.skip(missing)
            self._browser = launch(self._playwright, path)
        return self._browser


CHROMIUM = pytest.StashKey[Chromium]()


def pytest_configure(config: pytest.Config) -> None:
    """One for the process."""
    config.stash[CHROMIUM] = Chromium()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End Chromium where tests without one follow.

    Playwright keeps an event loop running as long as it lives, in which no other test could start
    its own.
    """
    yield
    if nextitem is None or FOLDER not in nextitem.path.parents:
        item.config.stash[CHROMIUM].stop()


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


@pytest.fixture(scope="module")
def profiles(request: pytest.FixtureRequest) -> Profiles:
    """Gives the browser's profile for a choice of options."""
    return request.config.stash[CHROMIUM].profile


# The sidebar, which starts closed, open: most of what these tests set is in it.
WITH_SIDEBAR = """
const kept = Storage.prototype.getItem;
Storage.prototype.getItem = function (key) {
  return key.startsWith("stSidebarCollapsed-") ? "false" : kept.call(this, key);
};"""


def new_tab(
    profiles: Profiles,
    *,
    sidebar: bool = True,
    viewport: Any = None,
    color_scheme: Any = None,
    reduced_motion: Any = None,
    **options: Any,
) -> Page:
    """A tab of its own; a size, a scheme or no motion alone needs no other profile."""
    if options and viewport:
        options["viewport"] = viewport
    page = profiles(**options).new_page()
    if sidebar:
        page.add_init_script(WITH_SIDEBAR)
    if viewport:
        page.set_viewport_size(viewport)
    page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
    return page


class Tabs:
    """The tabs that were opened; :meth:`close` ends them and tells what they met."""

    def __init__(self, server: AppServer, profiles: Profiles) -> None:
        self._server, self._profiles = server, profiles
        self._opened: list[AppPage] = []

    def open(
        self,
        name: str = "",
        address: Mapping[str, Any] | None = None,
        *,
        bare: bool = False,
        **options: Any,
    ) -> AppPage:
        page = AppPage(new_tab(self._profiles, **options), self._server.url)
        self._opened.append(page)
        page.open(name, address, bare=bare)
        return page

    def close(self) -> list[str]:
        for page in self._opened:
            page.page.close()
        return [trouble for page in self._opened for trouble in page.troubles]


@pytest.fixture
def open_app(server: AppServer, profiles: Profiles) -> Iterator[Open]:
    """Opens a page of the app at an address, in a tab of its own.

    At the end of the test none of them may have met an error, a warning or another host.
    """
    tabs = Tabs(server, profiles)
    yield tabs.open
    assert tabs.close() == []


@pytest.fixture(scope="module")
def look(server: AppServer, profiles: Profiles) -> Iterator[Open]:
    """Opens a page as `open_app` does, once for all tests of a file that do no more than look.

    It must be left as it was found. No test before may have left it with an error, a warning or
    another host.
    """
    tabs = Tabs(server, profiles)
    known: dict[str, AppPage] = {}

    def open_once(
        name: str = "", address: Mapping[str, Any] | None = None, **options: Any
    ) -> AppPage:
        key = repr((name, sorted((address or {}).items()), sorted(options.items())))
        if key not in known:
            known[key] = tabs.open(name, address, **options)
        page = known[key]
        assert page.troubles == []
        return page

    yield open_once
    assert tabs.close() == []
