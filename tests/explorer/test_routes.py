"""What the app's server gives a browser: its own few files, pixels by token, and one script."""

import asyncio
import gc
import posixpath
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message

from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.explorer.picture_store import MOST_BYTES, PICTURES
from rfviz.explorer.routes import (
    PLOTLY,
    PREFIX,
    STYLES,
    OneBackend,
    middleware,
    routes,
)
from rfviz.explorer.scripts import HERE, SCRIPTS

PAGE = "<!doctype html><html><head><title>App</title></head><body>é</body></html>"
DOCUMENT = {"accept": "text/html,application/xhtml+xml"}


class Answer(NamedTuple):
    """One response of an ASGI app."""

    status: int
    headers: dict[str, str]
    body: bytes


SPEC = Conv2dSpec(3)


def ask(
    app: ASGIApp,
    path: str,
    *,
    method: str = "GET",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    into: list[Message] | None = None,
) -> Answer:
    """Ask an ASGI app directly, so that no client has to be installed."""
    sent = [] if into is None else into
    pairs = [
        (name.encode(), value.encode())
        for name, value in {"host": "localhost", **(headers or {})}.items()
    ]
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
        "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "root_path": "", "headers": pairs, "client": ("127.0.0.1", 1), "server": ("test", 80),
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    async def answer() -> None:
        await app(scope, receive, send)

    asyncio.run(answer())
    start = sent[0]
    headers_found = {name.decode(): value.decode() for name, value in start["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(start["status"], headers_found, body)


async def page(_: Request) -> Response:
    return HTMLResponse(PAGE)


async def page_in_parts(_: Request) -> Response:
    def parts() -> Iterable[bytes]:
        yield from (PAGE.encode()[:10], PAGE.encode()[10:20], PAGE.encode()[20:])

    return StreamingResponse(parts(), media_type="text/html; charset=utf-8")


async def echo(request: Request) -> Response:
    return JSONResponse({"encoding": request.headers.get("accept-encoding")})


@pytest.fixture
def app() -> Starlette:
    others = [
        Route("/", page, methods=["GET", "HEAD"]),
        Route("/parts", page_in_parts),
        Route("/echo", echo),
        Route("/_stcore/page", page),
    ]
    return Starlette(routes=[*routes(), *others], middleware=middleware())


@pytest.mark.parametrize("name", SCRIPTS + STYLES)
def test_file_is_served_as_it_is(app: Starlette, name: str) -> None:
    answer = ask(app, f"/{PREFIX}/{name}")
    assert answer.status == 200
    assert answer.body == files("rfviz.explorer").joinpath(name).read_bytes()
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "no-cache"


def test_every_script_and_style_of_the_package_is_served(app: Starlette) -> None:
    browser_files = {
        path.relative_to(HERE).as_posix()
        for path in HERE.rglob("*")
        if path.suffix in {".js", ".css"}
    }
    assert browser_files == {*SCRIPTS, *STYLES}
    assert len(SCRIPTS) > 20


def test_every_import_of_a_script_is_served(app: Starlette) -> None:
    for name in SCRIPTS:
        source = files("rfviz.explorer").joinpath(name).read_text(encoding="utf-8")
        imported = re.findall(r'(?:from|import)\s*\(?\s*"(\.[^"]+)"', source)
        asked = [posixpath.normpath(f"{posixpath.dirname(name)}/{other}") for other in imported]
        assert [other for other in asked if other not in SCRIPTS] == []


def test_plotly_is_the_installed_one_and_kept_for_ever(app: Starlette) -> None:
    answer = ask(app, f"/{PLOTLY}")
    assert answer.status == 200
    assert answer.body == files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    assert "immutable" in answer.headers["cache-control"]
    assert re.search(r"plotly-\d+\.\d+", PLOTLY)


@pytest.mark.parametrize(
    "path",
    ["components.py", "routes.py", "payload.py", "__init__.py", "", "../app.py", "..%2Fapp.py",
     "js/explorer.js/", "js/explorer.js%00", "/etc/passwd", "js/EXPLORER.JS", "explorer.js",
     "plotly.min.js",
     "../ui/sidebar/inputs.py", "....//components.py", "__pycache__"],
)  # fmt: skip
def test_nothing_else_is_served(app: Starlette, path: str) -> None:
    answer = ask(app, f"/{PREFIX}/{path}")
    assert answer.status == 404 or (answer.status == 307 and path == "js/explorer.js/")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_files_can_only_be_read(app: Starlette, method: str) -> None:
    assert ask(app, f"/{PREFIX}/js/explorer.js", method=method).status == 405


def test_document_is_told_where_the_server_is(app: Starlette) -> None:
    answer = ask(app, "/", headers=DOCUMENT)
    text = answer.body.decode()
    assert text.count("BACKEND_BASE_URL") == 1
    assert text.startswith("<!doctype html><html><head><script>window.__streamlit")
    assert text.replace(re.findall(r"<script>.*?</script>", text)[0], "") == PAGE
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_document_in_parts_is_put_together(app: Starlette) -> None:
    text = ask(app, "/parts", headers=DOCUMENT).body.decode()
    assert "BACKEND_BASE_URL" in text
    assert text.endswith("</html>")


def test_document_is_asked_for_uncompressed(app: Starlette) -> None:
    answer = ask(app, "/echo", headers=DOCUMENT | {"accept-encoding": "gzip"})
    assert answer.body == b'{"encoding":null}'
    answer = ask(app, "/echo", headers={"accept": "*/*", "accept-encoding": "gzip"})
    assert answer.body == b'{"encoding":"gzip"}'


@pytest.mark.parametrize(
    "condition",
    [{"if-none-match": '"kept"'}, {"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"},
     {"range": "bytes=0-9"}, {"if-none-match": "*", "if-range": '"kept"', "range": "bytes=5-"}],
)  # fmt: skip
def test_a_document_that_is_asked_for_again_comes_whole_with_its_own_policy(
    condition: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text(PAGE.replace("</head>", "<script>1;</script></head>"))
    files_of_it = StaticFiles(directory=tmp_path, html=True)
    app = Starlette(routes=[Mount("/", files_of_it)], middleware=middleware())
    first, again = (ask(app, "/", headers=DOCUMENT | more) for more in ({}, condition))
    assert again.status == 200
    assert again.body == first.body
    policy = again.headers["content-security-policy"]
    assert policy == first.headers["content-security-policy"]
    assert policy.count("sha256-") == 2


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [("/", "GET", {}), ("/", "GET", {"accept": "*/*"}), ("/", "HEAD", DOCUMENT),
     ("/_stcore/page", "GET", DOCUMENT)],
)  # fmt: skip
def test_nothing_but_documents_is_added_to(
    app: Starlette, path: str, method: str, headers: dict[str, str]
) -> None:
    answer = ask(app, path, method=method, headers=headers)
    # The server itself drops the body of an answer to HEAD, not the app.
    assert answer.body == PAGE.encode()
    assert int(answer.headers["content-length"]) == len(PAGE.encode())


@pytest.mark.parametrize("name", [*SCRIPTS, *STYLES])
def test_script_opened_as_a_document_is_not_added_to(app: Starlette, name: str) -> None:
    answer = ask(app, f"/{PREFIX}/{name}", headers=DOCUMENT)
    assert answer.body == files("rfviz.explorer").joinpath(name).read_bytes()
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_middleware_leaves_websockets_and_start_up_alone() -> None:
    seen: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        return None

    async def start(kind: str) -> None:
        await OneBackend(inner)({"type": kind}, nothing, nothing)

    for kind in ("websocket", "lifespan"):
        asyncio.run(start(kind))
    assert seen == ["websocket", "lifespan"]


def test_an_answer_that_breaks_has_the_headers_too() -> None:
    async def broken(_: Request) -> Response:
        raise RuntimeError("a secret of the app")

    async def broken_later(_: Request) -> Response:
        def parts() -> Iterable[bytes]:
            yield b"begun"
            raise RuntimeError("a secret of the app")

        return StreamingResponse(parts())

    app = Starlette(
        routes=[Route("/", broken), Route("/later", broken_later)], middleware=middleware()
    )
    for path, status in (("/", 500), ("/later", 200)):
        sent: list[Message] = []
        with pytest.raises(RuntimeError, match="secret"):
            ask(app, path, into=sent)
        (start,) = [each for each in sent if each["type"] == "http.response.start"]
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        assert start["status"] == status
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert b"secret" not in b"".join(each.get("body", b"") for each in sent)


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.arange(3 * 40 * 50).remainder(251).to(torch.uint8).view(3, 40, 50)


def test_pixels_of_a_window(app: Starlette, picture: torch.Tensor) -> None:
    shown = PICTURES.put(picture, SPEC)
    query = "top=5&left=7&height=11&width=13"
    answer = ask(app, f"/{PREFIX}/pixels/{shown.token}", query=query)
    assert answer.status == 200
    assert answer.body == picture[:, 5:16, 7:20].contiguous().numpy().tobytes()
    assert answer.headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    "query",
    ["", "top=1", "top=-1&left=0&height=2&width=2", "top=0&left=0&height=0&width=2",
     "top=39&left=0&height=2&width=2", "top=0&left=49&height=1&width=2",
     "top=x&left=0&height=2&width=2", "top=1.5&left=0&height=2&width=2",
     "top=nan&left=inf&height=2&width=2", "top=0&left=0&height=1e9&width=2",
     f"top=0&left=0&height={10**30}&width=2", f"top={'9' * 5000}&left=0&height=1&width=1",
     "top=0&left=0&height=2&width=-2", "top=%00&left=%F0%9F%99%82&height=2&width=2"],
)  # fmt: skip
def test_no_pixels_where_there_are_none(app: Starlette, picture: torch.Tensor, query: str) -> None:
    shown = PICTURES.put(picture, SPEC)
    answer = ask(app, f"/{PREFIX}/pixels/{shown.token}", query=query)
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("token", ["guessed", "a" * 9000, "%00", "..", "🙂"])
def test_unknown_token_has_no_pixels(app: Starlette, token: str) -> None:
    query = "top=0&left=0&height=1&width=1"
    answer = ask(app, f"/{PREFIX}/pixels/{token}", query=query)
    assert answer.body == b"" or answer.status == 404


def test_window_is_bounded_and_a_picture_is_gone_with_its_session(app: Starlette) -> None:
    large = torch.zeros(3, 900, 900, dtype=torch.uint8)
    shown = PICTURES.put(large, SPEC)
    token = shown.token
    assert MOST_BYTES < 3 * 900 * 900
    assert PICTURES.window(token, 0, 0, 900, 900) is None
    assert PICTURES.window(token, 0, 0, 100, 900) is not None
    del large, shown
    gc.collect()
    assert PICTURES.window(token, 0, 0, 1, 1) is None
