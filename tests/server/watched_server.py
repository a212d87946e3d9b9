"""A running server for the tests that ask it as a stranger can, with a list of whom it asks."""

from collections.abc import Mapping
from pathlib import Path

from app_server import AppServer

# Python reads this file at each start: every look-up and every connection is written down.
HOOK = """
import os, sys

def heard(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        address = arguments[1] if event in {"socket.connect", "socket.sendto"} else arguments[0]
        with open(os.environ["ASKED"], "a") as asked:
            asked.write(f"{event} {address}\\n")

sys.addaudithook(heard)
"""


class WatchedServer(AppServer):
    """The app, and all that it has asked or looked up beside this machine itself."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        (folder / "sitecustomize.py").write_text(HOOK)
        self._asked = folder / "asked.txt"
        watched = {"PYTHONPATH": str(folder), "ASKED": str(self._asked)}
        super().__init__(folder / "log.txt", {**watched, **(environment or {})})

    @property
    def asked(self) -> list[str]:
        lines = self._asked.read_text().splitlines() if self._asked.exists() else []
        return [line for line in lines if "127.0.0.1" not in line and "/" not in line]
