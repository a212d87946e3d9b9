"""A visitor without a browser: says what Streamlit's page says, and sends plain requests."""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPConnection
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

SECONDS = 60
UPLOAD: Mapping[str, str] = MappingProxyType({"source": "Upload"})


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


def upload(port: int, session: str, file: str, data: bytes) -> int:
    """Send a file of a session as Streamlit's page does; the status of the answer."""
    boundary = "rfviz-boundary"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    body = head + data + f"\r\n--{boundary}--\r\n".encode()
    token = ask(port, "/_stcore/health").headers["set-cookie"].split("=", 1)[1].split(";")[0]
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Cookie": f"_streamlit_xsrf={token}", "X-Xsrftoken": token.strip('"'),
    }  # fmt: skip
    try:
        connection.request("PUT", f"/_stcore/upload_file/{session}/{file}", body, headers)
        return connection.getresponse().status
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
        self.session = ""
        self._uploaders: dict[str, str] = {}
        self.errors: list[str] = []
        # What this visitor has ever read of waiting, and of what there is no room for.
        self.said: list[str] = []

    def open(self, **address: object) -> float:
        """Open the first page at this address; the seconds until its run has ended."""
        began = time.monotonic()
        message = BackMsg()
        message.rerun_script.query_string = urlencode(address)
        self.say(message)
        self._read_run()
        return time.monotonic() - began

    def open_page(self, page: str, address: Mapping[str, str], seconds: float) -> bool:
        """Open a page; whether its run has ended within so many seconds."""
        message = BackMsg()
        message.rerun_script.query_string = urlencode(address)
        message.rerun_script.page_name = page
        self.say(message)
        return self._read_run(seconds)

    def list_files(
        self,
        label: str,
        files: Mapping[str, str],
        page: str = "",
        address: Mapping[str, str] = UPLOAD,
        seconds: float = 10 * SECONDS,
    ) -> bool:
        """Run again with these files, {id: name}, in an uploader; whether that ends in time."""
        message = BackMsg()
        message.rerun_script.query_string = urlencode(address)
        message.rerun_script.page_name = page
        widget = message.rerun_script.widget_states.widgets.add()
        widget.id = self._uploaders[label]
        for file, name in files.items():
            listed = widget.file_uploader_state_value.uploaded_file_info.add()
            listed.file_id, listed.name, listed.size = file, name, 1
        self.say(message)
        return self._read_run(seconds)

    def say(self, message: BackMsg) -> None:
        self._socket.send(message.SerializeToString())

    def close(self) -> None:
        self._open.close()

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_run(self, seconds: float = 10 * SECONDS) -> bool:
        """Read what a run sends; whether it has ended in time."""
        self.errors = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            message = ForwardMsg()
            data = self._socket.recv(SECONDS)
            assert isinstance(data, bytes)
            message.ParseFromString(data)
            if message.WhichOneof("type") == "script_finished":
                return True
            if message.WhichOneof("type") == "new_session":
                self.session = message.new_session.initialize.session_id
            if message.WhichOneof("type") == "delta":
                self._read(message)
        return False

    def _read(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in {"exception", "alert"}:
            self.errors.append(str(getattr(element, kind)))
        if kind == "alert":
            self.said.append(element.alert.body)
        if kind == "progress" and "waiting" in element.progress.text:
            self.said.append(element.progress.text)
        if kind == "file_uploader":
            self._uploaders[element.file_uploader.label] = element.file_uploader.id
        if kind == "bidi_component" and '"scene"' in element.bidi_component.json:
            self.scene = json.loads(element.bidi_component.json)["scene"]
