"""What every request passes first: who may ask, and what a browser may do with the answer.

A foreign page in a visitor's browser can name this server by a host name of its own (DNS
rebinding), or open a websocket to it; both are refused here, before Streamlit looks anything up.
What is answered says by its headers that a page runs the app's own scripts and asks no other host.
"""

import base64
import hashlib
import logging
import os
import re
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import get_option
from streamlit.proto.BackMsg_pb2 import BackMsg

# Host names, with commas between, by which others than this machine may call the app.
HOSTS_VARIABLE = "RFVIZ_HOSTS"
# Origins, with commas between, whose pages may show the app in a frame.
FRAMES_VARIABLE = "RFVIZ_FRAME_ANCESTORS"
# What a visitor's page may say: the others reach into what all share, or only serve development.
MESSAGES = ("rerun_script", "stop_script", "file_urls_request", "app_heartbeat",
            "backend_operation_request")  # fmt: skip
# Of one message: reading the worst of this length holds everybody up for a fifth of a second, and
# the list of 3,000 uploaded files is shorter.
MOST_BYTES = 1_250_000
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
)
# Only ever searched in the one page that Streamlit ships.
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_HOST = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.*:\[\]-]{1,253}")
_LOG = logging.getLogger(__name__)


class Guard:
    """ASGI middleware: refuses foreign hosts, origins and messages; sets the headers."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the app."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what may pass."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = _only(scope, b"host")
        guarded = _with_headers(send, policy_for(host or ""))
        if not is_known_host(host):
            await _refuse(guarded, 421, _unknown_host(host))
        elif _foreign(scope, host) and scope["method"] not in SAFE_METHODS:
            await _refuse(guarded, 403, "This page may not send anything here.")
        else:
            await self._answered(_without_foreign_origin(scope, host), receive, guarded)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The app's answer; where it breaks before it has begun, one from here, with the headers.

        Starlette's own would be sent from outside of this.
        """
        begun = ended = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
            ended = True
        finally:
            if not (begun or ended):
                await _refuse(send, 500, "Something went wrong in the app; its log says what.")

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = _only(scope, b"host")
        if not is_known_host(host) or _foreign(scope, host):
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "Foreign page."})
            return
        await self.app(scope, lambda: _allowed(receive), send)


async def _allowed(receive: Receive) -> Message:
    """The next message that a visitor may send."""
    while True:
        message = await receive()
        data = message.get("bytes") if message["type"] == "websocket.receive" else None
        if data and len(data) > MOST_BYTES:
            _LOG.warning("A message of %d bytes was not read: its visitor is sent away.", len(data))
            return {"type": "websocket.disconnect", "code": 1009}
        kind = _kind(data) if data else None
        if kind is None or kind in MESSAGES:
            return message
        _LOG.warning("A message of a kind that no visitor may send was dropped: %s.", kind)


def _kind(data: bytes) -> str | None:
    """What a message asks for; None for what Streamlit cannot read either, and answers itself."""
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except ValueError:
        return None
    # DecodeError is a ValueError; a message may also hold nothing at all.
    kind: Any = message.WhichOneof("type")
    return None if kind is None else str(kind)


def is_known_host(host: str | None) -> bool:
    """Whether a Host header names this server: an address, this machine, or a name that is set.

    An address cannot be rebound to another one.

    >>> [is_known_host(host) for host in ("localhost:8501", "192.168.1.7:8501", "evil.example")]
    [True, True, False]
    """
    name = _name(host)
    return name is not None and (_is_address(name) or name in _own_names())


def policy_for(host: str, document: bytes = b"") -> str:
    """The Content-Security-Policy of an answer; ``document`` is a page whose inline scripts run."""
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in _INLINE.findall(document)
    ]
    # 'self' is no websocket for every browser.
    own = f"ws://{host} wss://{host}" if _name(host) else ""
    parts = {
        "default-src": "'self'",
        # Components of Streamlit run from blobs that its own script makes; charts from plotly.js.
        "script-src": f"'self' blob: 'wasm-unsafe-eval' {' '.join(hashes)}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' data: blob: {own}",
        "worker-src": "'self' blob:",
        "frame-src": "'self' blob:",
        "frame-ancestors": f"'self' {' '.join(_frame_ancestors())}",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
    }
    return "; ".join(f"{name} {value.strip()}" for name, value in parts.items())


def _frame_ancestors() -> list[str]:
    return [each for each in _listed(FRAMES_VARIABLE) if _ORIGIN.fullmatch(each)]


def _listed(variable: str) -> list[str]:
    return [
        part.strip().lower() for part in os.environ.get(variable, "").split(",") if part.strip()
    ]


def _name(host: str | None) -> str | None:
    """The name or address in a Host header, without its port."""
    if host is None or len(host) > 300:
        return None
    name, colon, port = host.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and len(port) <= 5):
        name = host
    return name.lower().rstrip(".") if _HOST.fullmatch(name) else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _own_names() -> set[str]:
    """This machine's names, asked of nobody, and those that whoever started the app has set."""
    machine = socket.gethostname().lower().rstrip(".")
    said = [*_listed(HOSTS_VARIABLE), *get_option("server.allowedHosts")]
    address = str(get_option("browser.serverAddress") or "localhost")
    return {"localhost", machine, f"{machine}.local", address.lower(), *map(str.lower, said)}


def _foreign(scope: Scope, host: str | None) -> bool:
    """Whether a browser says that another page than this app's asks."""
    origins = [value for name, value in scope["headers"] if name.lower() == b"origin"]
    return bool(origins) and not (len(origins) == 1 and _is_own(origins[0].decode("latin-1"), host))


def _is_own(origin: str, host: str | None) -> bool:
    if origin.lower() in (
        each.lower().rstrip("/") for each in get_option("server.corsAllowedOrigins")
    ):
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"}:
        return False
    # Behind a proxy that changes the Host, the origin is the name that was set for it.
    return parts.netloc == host or _name(parts.netloc) in _listed(HOSTS_VARIABLE)


def _without_foreign_origin(scope: Scope, host: str | None) -> Scope:
    """A foreign page's origin is not handed on: Streamlit would ask another host about it."""
    if not _foreign(scope, host):
        return scope
    kept = [(name, value) for name, value in scope["headers"] if name.lower() != b"origin"]
    return {**scope, "headers": kept}


def _only(scope: Scope, wanted: bytes) -> str | None:
    """A header's value; None where there is none or more than one."""
    values = [value for name, value in scope["headers"] if name.lower() == wanted]
    return values[0].decode("latin-1") if len(values) == 1 else None


def _with_headers(send: Send, policy: str) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": _added(message.get("headers", ()), policy)}
        await send(message)

    return guarded


def _added(headers: Iterable[tuple[bytes, bytes]], policy: str) -> list[tuple[bytes, bytes]]:
    kept = list(headers)
    names = {name.lower() for name, _ in kept}
    ours = (*HEADERS, (b"content-security-policy", policy.encode("latin-1")))
    return kept + [each for each in ours if each[0] not in names]


def _unknown_host(host: str | None) -> str:
    shown = _name(host) or "that is in the request"
    return (
        f"This app does not answer to the host name {shown}. Open it by its address, or start it "
        f"with {HOSTS_VARIABLE} set to the name."
    )


async def _refuse(send: Send, status: int, why: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": why.encode()})
