"""The files that the browser fetches from the app's own server: plotly.js and the explorer.

plotly.js is the one that the installed plotly package ships, so that the page needs no other
host and the repository no copy of it.
"""

import json
from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import files

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import get_option

from rfviz.explorer.guard import Guard, policy_for
from rfviz.explorer.picture_store import PICTURES, column_bytes
from rfviz.explorer.scripts import HERE, SCRIPTS
from rfviz.explorer.work import Busy, WorkForRequests

PREFIX = "rfviz"
PLOTLY = f"{PREFIX}/plotly-{version('plotly')}.min.js"
STYLES = ("explorer.css",)
# More columns than any matrix has; a longer text is not read at all.
MOST_DIGITS = 12
# What a document is not asked with. It comes uncompressed, to be added to (Streamlit compresses
# inside of this), and whole each time: an answer that it has not changed carries no scripts, and
# its policy would forbid those of the document that the browser has kept.
UNTOLD = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range", b"if-range")
COLUMNS_AT_ONCE = 2
MOST_COLUMNS_WAITING = 8
COLUMN_WORK = WorkForRequests(
    n_at_once=COLUMNS_AT_ONCE, most_waiting=MOST_COLUMNS_WAITING, seconds_of_waiting=2.0
)


def routes() -> list[Route]:
    """Routes for ``st.App``: each file by name, nothing else of the package."""
    return [
        Route(f"/{PLOTLY}", _plotly),
        Route(f"/{PREFIX}/pixels/{{token}}", _pixels),
        Route(f"/{PREFIX}/columns/{{token}}", _columns),
        *(Route(f"/{PREFIX}/{name}", _file) for name in SCRIPTS + STYLES),
    ]


def middleware() -> list[Middleware]:
    """What every request passes through, for ``st.App``."""
    return [Middleware(Guard), Middleware(OneBackend)]


def _plotly(_: Request) -> Response:
    source = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    # The version is in the name, so the browser need never ask again.
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(source, media_type="text/javascript", headers=headers)


def _file(request: Request) -> Response:
    name = request.url.path.removeprefix(f"/{PREFIX}/")
    kind = "text/css" if name in STYLES else "text/javascript"
    source = (HERE / name).read_bytes()
    return Response(source, media_type=kind, headers={"Cache-Control": "no-cache"})


def _pixels(request: Request) -> Response:
    """A window of a picture."""
    box = [_number(request, side) for side in ("top", "left", "height", "width")]
    top, left, height, width = box
    if top is None or left is None or height is None or width is None:
        return _bytes(None)
    return _bytes(PICTURES.window(request.path_params["token"], top, left, height, width))


async def _columns(request: Request) -> Response:
    """Some columns of a session's column matrix, or the means of their bins."""
    shown = PICTURES.matrix_of(request.path_params["token"])
    first, last = _number(request, "first"), _number(request, "last")
    height, width = _number(request, "height"), _number(request, "width")
    if shown is None or first is None or last is None or height is None or width is None:
        return _bytes(None)
    part = range(first, last)

    def work(stopped: Callable[[], bool]) -> bytes | None:
        return column_bytes(shown, part, height, width, stopped=stopped)

    try:
        return _bytes(await COLUMN_WORK.run(work, shown.lock, request.is_disconnected))
    except Busy:
        # The page keeps what it has, and asks again.
        return Response("busy", 503, headers={"Retry-After": "1", "Cache-Control": "no-store"})


def _number(request: Request, name: str) -> int | None:
    """A number of the address, given once and in plain digits; None for anything else."""
    texts = request.query_params.getlist(name)
    if len(texts) != 1 or not 0 < len(texts[0]) <= MOST_DIGITS:
        return None
    return int(texts[0]) if texts[0].isascii() and texts[0].isdigit() else None


def _bytes(data: bytes | None) -> Response:
    """The bytes; no content where there is none, which the browser does not take for an error."""
    if data is None:
        return Response(status_code=204)
    headers = {"Cache-Control": "private, max-age=600"}
    return Response(data, media_type="application/octet-stream", headers=headers)


class OneBackend:
    """ASGI middleware: tells the page, in its head, that the server is at the root of the app.

    Opened at the address of a page, such as ``/matmul``, Streamlit's client first looks for a
    server below that page, which costs two failed requests and two errors in the browser's console
    before it looks at the root. The client skips the search where ``BACKEND_BASE_URL`` is given.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the Streamlit app."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the script to documents; hand everything else on untouched."""
        if not _asks_for_document(scope):
            await self.app(scope, receive, send)
            return
        raw = [(name, value) for name, value in scope["headers"] if name not in UNTOLD]
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body", False):
                return
            document = _with_backend(start, body)
            await send(_with_policy(scope, _resized(start, document), document))
            await send({"type": "http.response.body", "body": document})

        await self.app({**scope, "headers": raw}, receive, collect)


def _asks_for_document(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or "/_stcore/" in scope["path"]:
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


def _with_backend(start: Message, body: bytes) -> bytes:
    headers = Headers(raw=start["headers"])
    if not headers.get("content-type", "").startswith("text/html"):
        return body
    path = json.dumps(f"/{get_option('server.baseUrlPath').strip('/')}")
    script = f"window.__streamlit = {{BACKEND_BASE_URL: new URL({path}, location.href).href}};"
    return body.replace(b"<head>", f"<head><script>{script}</script>".encode(), 1)


def _with_policy(scope: Scope, start: Message, document: bytes) -> Message:
    """The document's own policy: its inline scripts, and no other, may run."""
    headers = MutableHeaders(raw=list(start["headers"]))
    if headers.get("content-type", "").startswith("text/html"):
        host = Headers(scope=scope).get("host", "")
        headers["content-security-policy"] = policy_for(host, document)
    return {**start, "headers": headers.raw}


def _resized(start: Message, body: bytes) -> Message:
    headers = MutableHeaders(raw=list(start["headers"]))
    if "content-length" in headers:
        headers["content-length"] = str(len(body))
    return {**start, "headers": headers.raw}
