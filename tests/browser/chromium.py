"""The Chromium that the tests and the benchmark of the pages drive."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def installed_browser(playwright: Playwright) -> str | None:
    """The machine's own Chromium, else the one that playwright has fetched; None without either."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    fetched = playwright.chromium.executable_path
    return found or (fetched if Path(fetched).exists() else None)


def launch(playwright: Playwright, path: str) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
