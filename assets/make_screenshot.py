"""Takes the README's screenshot from the running app: ``python assets/make_screenshot.py``.

It starts a server of its own on a free port and looks at it in headless Chromium. Nothing is timed:
the picture is taken when the page's own markers say that every panel shows its final figure.
"""

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
# A gable of the scene, and the output on the edge of one of its windows.
VIEW = (
    "sample=scene&region=true&region_top=800&region_left=1330&region_height=256&region_width=256"
    "&weights=sobel-x&row=230&column=137"
)
PANELS = ("input", "output", "patch", "vector", "columns", "product")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Milliseconds. A first start imports torch, which takes a while on a busy machine.
PATIENCE = 120_000


def main() -> None:
    """Write assets/screenshot.png."""
    with running_app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed_browser())
        page = browser.new_page(
            viewport={"width": 1440, "height": 900}, device_scale_factor=1, color_scheme="light"
        )
        page.goto(f"{address}/?{VIEW}")
        wait_until_drawn(page)
        page.screenshot(path=HERE / "screenshot.png")
        browser.close()


@contextmanager
def running_app() -> Iterator[str]:
    """A server with the app, as its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(HERE.parent / "app.py")]
    command += ["--server.headless=true", f"--server.port={port}"]
    with subprocess.Popen(command, cwd=HERE.parent) as server:  # noqa: S603 - written above
        try:
            yield wait_until_healthy(f"http://localhost:{port}", server)
        finally:
            server.terminate()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(address: str, server: subprocess.Popen[bytes]) -> str:
    """The address, once the server answers there."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):  # noqa: S310 - our own
                return address
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"The server ended with code {server.returncode} before it answered.")


def installed_browser() -> str | None:
    """The browser of this machine, or None for the one that playwright brings."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def wait_until_drawn(page: Page) -> None:
    """Return when every panel has drawn the figure that the page expects of it."""
    for name in PANELS:
        panel = f'[data-testid="rfviz-panel-{name}"][aria-busy="false"][data-draws]'
        page.wait_for_selector(panel, timeout=PATIENCE)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


if __name__ == "__main__":
    main()
