"""The app as a person starts it: `streamlit run app.py`, in a process of its own, with its log."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket

ROOT = Path(__file__).parents[2]
START_SECONDS = 120
FROM_THE_CHECKOUT = (sys.executable, "-m", "streamlit", "run", "app.py")


class AppServer:
    """A running server at :attr:`url`; :meth:`stop` ends it.

    `command` starts it in `folder`; Streamlit's own options are added.
    """

    def __init__(
        self,
        log: Path,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = FROM_THE_CHECKOUT,
        folder: Path = ROOT,
    ) -> None:
        self._command, self._folder = command, folder
        self._log = log
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._environment = {**os.environ, **(environment or {})}
        self._begin()

    def restart(self) -> None:
        """End it, and start another at the same address, which knows nothing of the first."""
        self.stop()
        self._begin()

    def _begin(self) -> None:
        options = {
            "server.port": str(self._port),
            "server.address": "127.0.0.1",
            "server.headless": "true",
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", value)]
        with self._log.open("ab") as stream:
            self._process = subprocess.Popen(
                [*self._command, *flags],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
                env=self._environment,
            )  # fmt: skip
        self._wait()

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"The app did not start:\n{self.log}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/_stcore/health")
            return connection.getresponse().status == 200
        except (HTTPException, OSError):
            return False
        finally:
            connection.close()


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
