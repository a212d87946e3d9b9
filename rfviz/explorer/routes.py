"""The files that the browser fetches from the app's own server: plotly.js and the explorer.

plotly.js is the one that the installed plotly package ships, so that the page needs no other
host and the repository no copy of it.
"""

import json
from importlib.metadata import version
from importlib.resources import files

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import get_option

from rfviz.conv.spec import Conv2dSpec
from rfviz.explorer.pictures import PICTURES

PREFIX = "rfviz"
PLOTLY = f"{PREFIX}/plotly-{version('plotly')}.min.js"
SCRIPTS = (
    "axes.js",
    "bar.js",
    "chooser.js",
    "conductor.js",
    "explorer.js",
    "fitting.js",
    "geometry.js",
    "grid.js",
    "links.js",
    "live.js",
    "marks.js",
    "nested.js",
    "numbers.js",
    "page.js",
    "panel.js",
    "payload.js",
    "pixels.js",
    "preview.js",
    "preview_maps.js",
    "scales.js",
    "sketch.js",
    "tiles.js",
    "values.js",
)
STYLES = ("explorer.css",)


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
    return [Middleware(OneBackend)]


def _plotly(_: Request) -> Response:
    source = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    # The version is in the name, so the browser need never ask again.
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(source, media_type="text/javascript", headers=headers)


def _file(request: Request) -> Response:
    name = request.url.path.rsplit("/", 1)[-1]
    kind = "text/css" if name in STYLES else "text/javascript"
    source = files("rfviz.explorer").joinpath(name).read_bytes()
    return Response(source, media_type=kind, headers={"Cache-Control": "no-cache"})


def _pixels(request: Request) -> Response:
    """A window of a picture."""
    try:
        box = [int(request.query_params[side]) for side in ("top", "left", "height", "width")]
    except (KeyError, ValueError):
        return _bytes(None)
    return _bytes(PICTURES.window(request.path_params["token"], *box))


def _columns(request: Request) -> Response:
    """Some columns of a picture's column matrix, or the means of their bins."""
    query = request.query_params
    try:
        numbers = {
            name: tuple(int(number) for number in query[name].split(","))
            for name in ("kernel", "stride", "dilation", "pads")
        }
        top, bottom, left, right = numbers["pads"]
        spec = Conv2dSpec(
            numbers["kernel"],
            stride=numbers["stride"],
            padding=((top, bottom), (left, right)),
            dilation=numbers["dilation"],
            padding_mode=query["mode"],
        )
        part = range(int(query["first"]), int(query["last"]))
        size = int(query["height"]), int(query["width"])
        return _bytes(PICTURES.columns(request.path_params["token"], spec, part, *size))
    except (KeyError, ValueError):
        # InputError is a ValueError: an address that makes no sense, in either way, gets nothing.
        return _bytes(None)


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
        # Uncompressed, to be added to; Streamlit compresses inside of this.
        raw = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
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
            await send(_resized(start, document := _with_backend(start, body)))
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


def _resized(start: Message, body: bytes) -> Message:
    headers = MutableHeaders(raw=list(start["headers"]))
    if "content-length" in headers:
        headers["content-length"] = str(len(body))
    return {**start, "headers": headers.raw}
