"""The store of pictures by token, and the routes that hand parts of them to the browser."""

import asyncio
import gc
import random
import secrets
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np
import pytest
import torch
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import Message
from torch import Tensor

from rfviz.conv.columns import ColumnMatrix
from rfviz.conv.spec import Conv2dSpec, InputError
from rfviz.explorer.pictures import MOST_BYTES, PICTURES, PictureStore
from rfviz.explorer.routes import routes

SPEC = Conv2dSpec((3, 2), stride=(1, 2), padding=((1, 0), (2, 1)), dilation=2)
QUERY = {
    "kernel": "3,2", "stride": "1,2", "dilation": "2,2", "pads": "1,0,2,1", "mode": "zeros",
    "first": "0", "last": "20", "height": "18", "width": "20",
}  # fmt: skip


def picture(n_channels: int = 3, height: int = 20, width: int = 30) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    size = (n_channels, height, width)
    return torch.randint(0, 256, size, dtype=torch.uint8, generator=generator)


def as_tensor(data: bytes | None, *shape: int) -> Tensor:
    assert data is not None
    return torch.from_numpy(np.frombuffer(data, np.uint8).copy()).view(*shape)


def test_a_window_is_the_pictures_own_bytes() -> None:
    store, image = PictureStore(), picture()
    token = store.put(image)
    window = as_tensor(store.window(token, 4, 5, 6, 7), 3, 6, 7)
    torch.testing.assert_close(window, image[:, 4:10, 5:12], rtol=0, atol=0)
    assert store.window(token, 0, 0, 20, 30) == image.numpy().tobytes()


def test_a_token_is_kept_and_is_not_guessed() -> None:
    store, image = PictureStore(), picture()
    token = store.put(image)
    assert store.put(image, token) == token
    assert store.put(image) != token
    assert len(token) >= 16
    assert store.window("another", 0, 0, 1, 1) is None


def test_the_store_does_not_keep_a_picture_alive() -> None:
    store, image = PictureStore(), picture()
    token = store.put(image)
    assert store.window(token, 0, 0, 1, 1) is not None
    del image
    gc.collect()
    assert store.window(token, 0, 0, 1, 1) is None
    assert store.columns(token, SPEC, range(1), 1, 1) is None


@pytest.mark.parametrize(
    "box", [(-1, 0, 2, 2), (0, -1, 2, 2), (0, 0, 0, 2), (0, 0, 2, -1), (19, 0, 2, 1), (0, 29, 1, 2)]
)
def test_a_window_outside_the_picture_is_nothing(box: tuple[int, int, int, int]) -> None:
    store, image = PictureStore(), picture()
    assert store.window(store.put(image), *box) is None


def test_no_answer_is_larger_than_the_limit() -> None:
    store, image = PictureStore(), picture(1, 1001, 2000)
    token = store.put(image)
    data = store.window(token, 0, 0, 1000, 2000)
    assert data is not None
    assert len(data) == MOST_BYTES
    assert store.window(token, 0, 0, 1001, 2000) is None
    assert store.columns(token, Conv2dSpec(3), range(10_000), 363, MOST_BYTES) is None


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_columns_are_entries_or_their_means(mode: str) -> None:
    spec = Conv2dSpec(
        (3, 2), stride=(1, 2), padding=((1, 0), (2, 1)), dilation=2, padding_mode=mode
    )
    store, image = PictureStore(), picture()
    token, matrix = store.put(image), ColumnMatrix(image, spec)
    rows, part = matrix.shape[0], range(7, 67)
    every = as_tensor(store.columns(token, spec, part, rows, 60), rows, 60)
    torch.testing.assert_close(every, matrix.dense()[:, 7:67], rtol=0, atol=0)
    means = as_tensor(store.columns(token, spec, part, rows // 3, 12), rows // 3, 12)
    bins = matrix.dense()[:, 7:67].double().view(rows // 3, 3, 12, 5).mean((1, 3))
    torch.testing.assert_close(means.double(), bins, rtol=0, atol=0.5)


def test_columns_outside_the_matrix_are_an_error() -> None:
    store, image = PictureStore(), picture()
    token = store.put(image)
    for part in (range(-1, 5), range(10**6, 10**6 + 5), range(5, 5)):
        with pytest.raises(InputError):
            store.columns(token, SPEC, part, 2, 2)


class Answer(NamedTuple):
    status: int
    kind: str
    content: bytes


def get(path: str, query: Mapping[str, object] | None = None) -> Answer:
    """Ask the routes as a server would; an error inside of them is raised here."""
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "root_path": "", "headers": [],
        "query_string": urlencode(query or {}).encode(),
    }  # fmt: skip
    asyncio.run(Starlette(routes=routes())(scope, receive, send))
    start, *bodies = messages
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return Answer(start["status"], kind, b"".join(body["body"] for body in bodies))


def test_the_routes_give_what_the_store_gives() -> None:
    image = picture()
    token, matrix = PICTURES.put(image), ColumnMatrix(image, SPEC)
    box = {"top": 1, "left": 2, "height": 3, "width": 4}
    answer = get(f"/rfviz/pixels/{token}", box)
    assert answer.status == 200
    assert answer.content == PICTURES.window(token, 1, 2, 3, 4)
    answer = get(f"/rfviz/columns/{token}", QUERY)
    window = as_tensor(answer.content, matrix.shape[0], 20)
    torch.testing.assert_close(window, matrix[:, :20], rtol=0, atol=0)


def test_scripts_and_plotly_are_served_and_no_other_file() -> None:
    assert get("/rfviz/explorer.js").kind.startswith("text/javascript")
    assert get("/rfviz/explorer.css").kind.startswith("text/css")
    for name in ("mount.py", "../app.py", "%2e%2e/app.py", "routes.py", "explorer.js.map", ""):
        assert get(f"/rfviz/{name}").status == 404


NONSENSE = (
    "", "0", "-1", "1", "3", "2,2", "0,0", "-1,4", "1,2,3", "1,1,1,1", "nan", "inf", "1e9", "1.5",
    "9" * 30, "99999999,99999999,99999999,99999999", "1000000000", "4096,4096,4096,4096", "zeros",
    "reflect", "same", "None", "٣", "1,,2", " 4", "\x00", "../..", "🙂", "[1,2]", "0x10", "1_0",
)  # fmt: skip


def fuzzed(rng: random.Random, known: dict[str, str]) -> dict[str, str]:
    """A query of which some values are nonsense, and some are not there."""
    query = {key: value for key, value in known.items() if rng.random() > 0.1}
    for key in rng.sample(sorted(known), rng.randint(1, 3)):
        query[key] = rng.choice(NONSENSE)
    return query


def test_nonsense_gets_nothing_and_never_an_error() -> None:
    rng = random.Random(0)  # noqa: S311 - reproducible tests, no secret
    image = picture()
    tokens = [PICTURES.put(image), secrets.token_urlsafe(12)]
    box = {"top": "0", "left": "0", "height": "5", "width": "5"}
    seen = []
    for _ in range(300):
        kind, known = rng.choice([("pixels", box), ("columns", QUERY)])
        token, query = rng.choice(tokens), fuzzed(rng, known)
        answer = get(f"/rfviz/{kind}/{token}", query)
        assert answer.status in {200, 204}, (kind, query)
        assert len(answer.content) <= MOST_BYTES, (kind, query)
        assert answer.status == 204 or token == tokens[0], (kind, query)
        seen.append(answer.status)
    # Some of it makes sense by chance, which is what makes the rest close to sense.
    assert 5 < seen.count(200) < 100
