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
from processor_time import is_done_within
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import Message
from torch import Tensor

from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.explorer.picture_store import MOST_BYTES, PICTURES, PictureStore, column_bytes
from rfviz.explorer.routes import routes

SPEC = Conv2dSpec((3, 2), stride=(1, 2), padding=((1, 0), (2, 1)), dilation=2)
QUERY = {"first": "0", "last": "20", "height": "18", "width": "20"}


def a_store() -> PictureStore:
    return PictureStore(lambda _: True)


def never() -> bool:
    return False


def picture(n_channels: int = 3, height: int = 20, width: int = 30) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    size = (n_channels, height, width)
    return torch.randint(0, 256, size, dtype=torch.uint8, generator=generator)


def as_tensor(data: bytes | None, *shape: int) -> Tensor:
    assert data is not None
    return torch.from_numpy(np.frombuffer(data, np.uint8).copy()).view(*shape)


def test_a_window_is_the_pictures_own_bytes() -> None:
    store, image = a_store(), picture()
    shown = store.put(image, SPEC)
    window = as_tensor(store.window(shown.token, 4, 5, 6, 7), 3, 6, 7)
    torch.testing.assert_close(window, image[:, 4:10, 5:12], rtol=0, atol=0)
    assert store.window(shown.token, 0, 0, 20, 30) == image.numpy().tobytes()


def test_a_token_is_of_one_picture_one_spec_and_one_session() -> None:
    store, image = a_store(), picture()
    shown = store.put(image, SPEC, "a")
    assert store.put(image, SPEC, "a", shown) is shown
    assert len(shown.token) >= 16
    other = store.put(image, Conv2dSpec(5), "a", shown)
    assert (other.token == shown.token, other.matrix_token == shown.matrix_token) == (True, False)
    assert store.matrix_of(shown.matrix_token) is None
    assert store.matrix_of(other.matrix_token) is other
    for picture_of, session in ((image.clone(), "a"), (image, "b")):
        third = store.put(picture_of, Conv2dSpec(5), session, other)
        assert third.token != other.token
        assert store.window(other.token, 0, 0, 1, 1) is None
        assert store.window(third.token, 0, 0, 1, 1) is not None
        other = third
    # One token does not open the other's route.
    assert store.matrix_of(other.token) is None
    assert store.window(other.matrix_token, 0, 0, 1, 1) is None


def test_a_token_is_worth_nothing_at_the_moment_when_its_sessions_browser_is_gone() -> None:
    connected = {"a", "b"}
    store, image = PictureStore(connected.__contains__), picture()
    first, second = store.put(image, SPEC, "a"), store.put(image, SPEC, "b")
    connected.remove("a")
    assert store.window(first.token, 0, 0, 1, 1) is None
    assert store.matrix_of(first.matrix_token) is None
    assert store.window(second.token, 0, 0, 1, 1) is not None
    # A browser that comes back to its session finds what it had.
    connected.add("a")
    assert store.window(first.token, 0, 0, 1, 1) is not None


def test_the_store_does_not_keep_a_picture_alive() -> None:
    store, image = a_store(), picture()
    shown = store.put(image, SPEC)
    token, matrix_token = shown.token, shown.matrix_token
    del shown
    gc.collect()
    assert store.window(token, 0, 0, 1, 1) is None
    assert store.matrix_of(matrix_token) is None


@pytest.mark.parametrize(
    "box", [(-1, 0, 2, 2), (0, -1, 2, 2), (0, 0, 0, 2), (0, 0, 2, -1), (19, 0, 2, 1), (0, 29, 1, 2)]
)
def test_a_window_outside_the_picture_is_nothing(box: tuple[int, int, int, int]) -> None:
    store = a_store()
    shown = store.put(picture(), SPEC)
    assert store.window(shown.token, *box) is None


def test_no_answer_is_larger_than_the_limit() -> None:
    store = a_store()
    shown = store.put(picture(1, 1001, 2000), Conv2dSpec(3))
    data = store.window(shown.token, 0, 0, 1000, 2000)
    assert data is not None
    assert len(data) == MOST_BYTES
    assert store.window(shown.token, 0, 0, 1001, 2000) is None
    assert column_bytes(shown, range(10**6), 9, 10**6, stopped=never) is None


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_columns_are_entries_or_their_means(mode: str) -> None:
    spec = Conv2dSpec(
        (3, 2), stride=(1, 2), padding=((1, 0), (2, 1)), dilation=2, padding_mode=mode
    )
    image = picture()
    shown, matrix = a_store().put(image, spec), ColumnMatrix(image, spec)
    rows, part = matrix.shape[0], range(7, 67)
    every = as_tensor(column_bytes(shown, part, rows, 60, stopped=never), rows, 60)
    torch.testing.assert_close(every, matrix.dense()[:, 7:67], rtol=0, atol=0)
    means = as_tensor(column_bytes(shown, part, rows // 3, 12, stopped=never), rows // 3, 12)
    bins = matrix.dense()[:, 7:67].double().view(rows // 3, 3, 12, 5).mean((1, 3))
    torch.testing.assert_close(means.double(), bins, rtol=0, atol=0.5)


def test_columns_outside_the_matrix_are_nothing() -> None:
    shown = a_store().put(picture(), SPEC)
    for part in (range(-1, 5), range(10**6, 10**6 + 5), range(5, 5), range(7, 5), range(10**40)):
        assert column_bytes(shown, part, 2, 2, stopped=never) is None


def test_work_ends_when_it_is_stopped_when_its_time_is_over_and_where_it_is_too_much() -> None:
    shown = a_store().put(picture(3, 900, 900), Conv2dSpec(9))
    ask = range(800_000 - 9000)
    asked: list[int] = []

    def after_three() -> bool:
        asked.append(1)
        return len(asked) > 3

    assert column_bytes(shown, ask[:700_000], 9, 9, stopped=after_three) is None
    assert len(asked) == 4
    assert column_bytes(shown, ask[:700_000], 9, 9, stopped=never, seconds=0) is None
    assert column_bytes(shown, ask[:700_000], 9, 9, stopped=never) is not None
    # Padding that makes a picture of 64 pixels larger than the largest one.
    vast = a_store().put(picture(1, 8, 8), Conv2dSpec(1, padding=9000))
    ask = range(18_000 * 18_000)
    assert column_bytes(vast, ask, 1, 9, stopped=never) is None
    assert is_done_within(0.2, lambda: column_bytes(vast, ask, 1, 9, stopped=never))


class Answer(NamedTuple):
    status: int
    kind: str
    content: bytes


def get(path: str, query: Mapping[str, object] | None = None, raw: str = "") -> Answer:
    """Ask the routes as a server would; an error inside of them is raised here."""
    messages: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "root_path": "", "headers": [],
        "query_string": (raw or urlencode(query or {})).encode(),
    }  # fmt: skip
    asyncio.run(Starlette(routes=routes())(scope, receive, send))
    start, *bodies = messages
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return Answer(start["status"], kind, b"".join(body["body"] for body in bodies))


def test_the_routes_give_what_the_store_gives() -> None:
    image = picture()
    shown, matrix = PICTURES.put(image, SPEC), ColumnMatrix(image, SPEC)
    box = {"top": 1, "left": 2, "height": 3, "width": 4}
    answer = get(f"/rfviz/pixels/{shown.token}", box)
    assert answer.status == 200
    assert answer.content == PICTURES.window(shown.token, 1, 2, 3, 4)
    # What an address says of the convolution is not read.
    answer = get(f"/rfviz/columns/{shown.matrix_token}", QUERY | {"kernel": "9,9", "pads": "4096"})
    window = as_tensor(answer.content, matrix.shape[0], 20)
    torch.testing.assert_close(window, matrix[:, :20], rtol=0, atol=0)


@pytest.mark.parametrize(
    "query",
    ["first=0&last=1e21&height=18&width=20", f"first=0&last={10**21}&height=18&width=20",
     f"first=0&last={10**400}&height=18&width=20", "first=-5&last=20&height=18&width=20",
     "first=&last=20&height=18&width=20", "first=0&last=%D9%A2%D9%A0&height=18&width=20",
     "first=0&first=1&last=20&height=18&width=20", "first=0&last=+20&height=18&width=20",
     "first=0&last=2_0&height=18&width=20", "first=20&last=0&height=18&width=20",
     "first=0&last=20&height=0&width=20", "first=0&last=20&height=999999999999&width=20",
     "last=20&height=18&width=20", "", "first[]=0&last=20&height=18&width=20"],
)  # fmt: skip
def test_a_nonsense_number_gets_nothing(query: str) -> None:
    shown = PICTURES.put(picture(), SPEC)
    answer = get(f"/rfviz/columns/{shown.matrix_token}", raw=query)
    assert (answer.status, answer.content) == (204, b"")
    other = query.replace("first", "top").replace("last", "left")
    assert get(f"/rfviz/pixels/{shown.token}", raw=other).status == 204


def test_scripts_and_plotly_are_served_and_no_other_file() -> None:
    assert get("/rfviz/js/explorer.js").kind.startswith("text/javascript")
    assert get("/rfviz/explorer.css").kind.startswith("text/css")
    for name in (
        "components.py",
        "../app.py",
        "%2e%2e/app.py",
        "routes.py",
        "js/explorer.js.map",
        "",
    ):
        assert get(f"/rfviz/{name}").status == 404


NONSENSE = (
    "", "0", "-1", "1", "3", "2,2", "0,0", "-1,4", "1,2,3", "1,1,1,1", "nan", "inf", "1e9", "1.5",
    "9" * 30, "99999999,99999999,99999999,99999999", "1000000000", "4096,4096,4096,4096", "zeros",
    "reflect", "same", "None", "٣", "1,,2", " 4", "\x00", "../..", "🙂", "[1,2]", "0x10", "1_0",
)  # fmt: skip


def fuzzed(rng: random.Random, known: dict[str, str]) -> dict[str, str]:
    """A query of which some values are nonsense, and some are not there."""
    query = {key: value for key, value in known.items() if rng.random() > 0.05}
    for key in rng.sample(sorted(known), rng.randint(0, 2)):
        query[key] = rng.choice(NONSENSE)
    return query


def test_nonsense_gets_nothing_and_never_an_error() -> None:
    rng = random.Random(0)  # noqa: S311 - reproducible tests, no secret
    shown = PICTURES.put(picture(), SPEC)
    tokens = {"pixels": shown.token, "columns": shown.matrix_token}
    box = {"top": "0", "left": "0", "height": "5", "width": "5"}
    seen = []
    for _ in range(300):
        kind, known = rng.choice([("pixels", box), ("columns", QUERY)])
        token = rng.choice((tokens[kind], secrets.token_urlsafe(12)))
        query = fuzzed(rng, known)
        answer = get(f"/rfviz/{kind}/{token}", query)
        assert answer.status in {200, 204}, (kind, query)
        assert len(answer.content) <= MOST_BYTES, (kind, query)
        assert answer.status == 204 or token == tokens[kind], (kind, query)
        seen.append(answer.status)
    # Some of it makes sense by chance, which is what makes the rest close to sense.
    assert 5 < seen.count(200) < 100
