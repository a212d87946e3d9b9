"""Names that are Markdown, HTML, formulas or links, in Chromium: nothing is fetched or clickable.

A server beside the app counts what is asked of it: every name tries to reach it.
"""

import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import torch
from app_page import AppPage
from conftest import Open
from PIL import Image
from playwright.sync_api import FilePayload
from torch import nn

MADE = """host => [...document.querySelectorAll("a, img, svg a, iframe, [src], [href], image")]
  .map((one) => one.outerHTML)
  .filter((html) => html.includes(host) || html.includes("qZq"))"""
FORMED = """() => [...document.querySelectorAll(
    "h1, h2, h3, h4, em, code, ol, .katex, [data-testid=stIconMaterial], [class*=colored]")]
  .map((one) => one.textContent).filter((text) => text.includes("qZq"))"""


class Sink:
    """A server that answers nothing, and what has been asked of it."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Counting(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.asked = asked
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.stop()


def words(host: str) -> list[str]:
    return [
        f"![qZq](//{host}/markdown)",
        f"![qZq](http://{host}/markdown)",
        f"<img src=//{host}/html>qZq",
        f'<a href="http://{host}/plotly">qZq</a>',
        f"http://{host}/qZq",
        f"www.qZq.{host}",
        "me@qZq.invalid",
        f"$\\includegraphics{{http://{host}/formula}} qZq$",
        ":red[qZq] :material/home: **qZq**",
        "`qZq`",
    ]


def check_page(app: AppPage, sink: Sink) -> None:
    assert "qZq" in app.page.evaluate("() => document.body.innerText"), "the words are nowhere"
    assert app.page.evaluate(MADE, sink.host) == []
    assert app.page.evaluate(FORMED) == []
    assert sink.asked == []


def test_the_names_of_a_weights_file_reach_no_other_host(open_app: Open, sink: Sink) -> None:
    layer = nn.Conv2d(3, 2, 3)
    tensors: dict[str, torch.Tensor] = {}
    for word in words(sink.host):
        tensors[f"{word}.weight"] = layer.weight.detach()
        tensors[f"{word}.bias"] = layer.bias.detach()  # type: ignore[union-attr]
        tensors[f"{word}.running_mean"] = torch.zeros(4)
    stream = io.BytesIO()
    torch.save(tensors, stream)
    app = open_app("", {"weights_source": "File"}).settle()
    app.widget("weights_file").locator("input[type=file]").set_input_files(
        {"name": f"{words(sink.host)[0][:4]}.pt", "mimeType": "", "buffer": stream.getvalue()}
    )
    app.page.get_by_text("2-D convolutions").first.click()
    app.page.get_by_text("running_mean").first.wait_for()
    app.settle()
    check_page(app, sink)
    # Its tooltip has the name of the bias.
    app.widget("without_bias").get_by_test_id("stTooltipIcon").first.hover()
    app.page.get_by_text("beside the weight").wait_for()
    check_page(app, sink)


@pytest.mark.parametrize(
    ("page", "key", "more"),
    [
        ("check", "check_resize", {}),
        ("check", "check_crop", {}),
        ("check", "check_mean", {"check_values": "own numbers"}),
        ("stack", "stack_layers", {}),
        ("", "hand", {"weights_source": "By hand"}),
    ],
)
def test_the_texts_of_a_link_reach_no_other_host(
    page: str, key: str, more: dict[str, str], open_app: Open, sink: Sink
) -> None:
    for word in (f"![qZq](//{sink.host})", f"http://{sink.host}/qZq", "**qZq** `qZq`"):
        app = open_app(page, {key: word, **more})
        app.page.get_by_test_id("stAlert").first.wait_for()
        app.page.wait_for_timeout(300)
        assert app.page.evaluate(MADE, sink.host) == []
        assert app.page.evaluate(FORMED) == []
        assert sink.asked == []


def test_the_names_of_pictures_reach_no_other_host(open_app: Open, sink: Sink) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (12, 12)).save(stream, "PNG")
    app = open_app("responses", {"source": "Upload"})
    app.page.get_by_text("a sample stands in").wait_for()
    files: list[FilePayload] = [
        {"name": f"{word}.png", "mimeType": "image/png", "buffer": data}
        for word in (f"http:{sink.host} qZq", "![qZq](x)", ":red[qZq]")
        for data in (stream.getvalue(), b"no picture")
    ]
    app.widget("upload").locator("input[type=file]").set_input_files(files)
    app.page.get_by_text("Left out").wait_for()
    check_page(app, sink)
