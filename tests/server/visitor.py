"""A visitor without a browser: says what Streamlit's page says, and sends plain requests."""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

SECONDS = 60


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    port: int, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Answer:
    """One request, with these headers only beside the client's own Host."""
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    given = headers or {}
    try:
        connection.putrequest(method, path, skip_host="Host" in given)
        for name, value in given.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


class Visitor:
    """One session: a websocket, and what the last run of the script has sent."""

    def __init__(self, port: int) -> None:
        self._open = ExitStack()
        client = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream", origin=Origin(f"http://127.0.0.1:{port}"),
            subprotocols=[Subprotocol("streamlit")], max_size=None, open_timeout=SECONDS,
        )  # fmt: skip
        self._socket: ClientConnection = self._open.enter_context(client)
        self.scene: dict[str, Any] = {}
        self.errors: list[str] = []

    def open(self, **address: object) -> float:
        """Open the first page at this address; the seconds until its run has ended."""
        began = time.monotonic()
        message = BackMsg()
        message.rerun_script.query_string = urlencode(address)
        self.say(message)
        self._read_run()
        return time.monotonic() - began

    def say(self, message: BackMsg) -> None:
        self._socket.send(message.SerializeToString())

    def close(self) -> None:
        self._open.close()

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_run(self) -> None:
        self.errors = []
        while True:
            message = ForwardMsg()
            data = self._socket.recv(SECONDS)
            assert isinstance(data, bytes)
            message.ParseFromString(data)
            if message.WhichOneof("type") == "script_finished":
                return
            if message.WhichOneof("type") == "delta":
                self._read(message)

    def _read(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in {"exception", "alert"}:
            self.errors.append(str(getattr(element, kind)))
        if kind == "bidi_component" and '"scene"' in element.bidi_component.json:
            self.scene = json.loads(element.bidi_component.json)["scene"]
