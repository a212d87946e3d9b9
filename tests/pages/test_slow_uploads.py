"""A picture that takes long: the page goes on, a bar stands beside it, and it can be stopped."""

import io
import time
from collections.abc import Iterator

import pytest
from opened import OpenedPage
from PIL import Image

from rfviz.conv.errors import InputError
from rfviz.io.pictures.reading import Reading
from rfviz.ui.run import caches
from rfviz.ui.run.budget import BUDGET


def many_scans(side: int, count: int) -> bytes:
    """A progressive JPEG of so many scans, larger than a small file by what nobody reads."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (10, 200, 30)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * count + b"\xff\xd9" + bytes(2_100_000)


SLOW = many_scans(6000, 90)


@pytest.fixture
def page() -> Iterator[OpenedPage]:
    caches.decoded.clear()
    found = OpenedPage(address={"source": "Upload", "reduce": "8"})
    yield found
    reading = reading_of(found)
    if reading is not None:
        reading.stop()


def upload(page: OpenedPage, name: str, data: bytes) -> None:
    page.at.file_uploader("upload").set_value([(name, data, "image/jpeg")])
    page.run()


def reading_of(page: OpenedPage) -> Reading | None:
    state = page.at.session_state
    return state["uploading"].reading if "uploading" in state else None


def finished(page: OpenedPage) -> None:
    reading = reading_of(page)
    assert reading is not None
    end = time.monotonic() + 120
    while not reading.poll(0.1) and time.monotonic() < end:
        pass
    assert reading.ended


def buttons(page: OpenedPage) -> list[str]:
    return [button.label for button in page.at.button]


def test_the_page_goes_on_until_the_picture_is_there(page: OpenedPage) -> None:
    upload(page, "slow.jpg", SLOW)
    page.check_answers()
    assert page.errors == []
    assert "goes on with the picture before it: Letter" in " ".join(page.captions)
    assert page.panels
    assert "Stop reading" in buttons(page)
    page.at.slider("kernel").set_value(4)
    page.run()
    assert page.bound_widgets()["kernel"] == 4
    assert page.scene["spec"]["inputSize"] == [4, 4]
    finished(page)
    page.run()
    assert page.scene["spec"]["inputSize"] == [750, 750]
    assert page.bound_widgets()["kernel"] == 4
    assert "Stop reading" not in buttons(page)
    assert reading_of(page) is None


def test_it_can_be_stopped_and_read_after_all(page: OpenedPage) -> None:
    upload(page, "slow.jpg", SLOW)
    reading = reading_of(page)
    assert reading is not None
    page.at.button("stop-reading").click()
    page.run()
    assert reading._process.returncode is not None
    assert "reading stopped at" in " ".join(page.captions)
    assert page.scene["spec"]["inputSize"] == [4, 4]
    page.at.slider("kernel").set_value(4)
    page.run()
    assert "Read it after all" in buttons(page)
    page.at.button("read-again").click()
    page.run()
    finished(page)
    page.run()
    assert page.scene["spec"]["inputSize"] == [750, 750]


def test_another_upload_ends_the_one_before(page: OpenedPage) -> None:
    upload(page, "slow.jpg", SLOW)
    first = reading_of(page)
    assert first is not None
    file = io.BytesIO()
    Image.new("L", (64, 48), 7).save(file, "PNG")
    upload(page, "quick.png", file.getvalue())
    assert first._process.returncode is not None
    assert page.scene["spec"]["inputSize"] == [6, 8]


def test_a_damaged_picture_is_read_once_not_at_every_move(
    page: OpenedPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    Image.new("L", (64, 48), 7).save(file, "PNG")
    upload(page, "broken.png", file.getvalue()[:60])
    assert "ends too early" in " ".join(page.errors)
    begun: list[int] = []
    monkeypatch.setattr(Reading, "__init__", lambda *_: begun.append(1))
    page.at.slider("kernel").set_value(4)
    page.run()
    assert "ends too early" in " ".join(page.errors)
    assert begun == []


def test_a_server_that_is_full_says_so_and_the_next_run_asks_again(page: OpenedPage) -> None:
    class Visitor:
        """Holds what is left."""

    file = io.BytesIO()
    Image.new("L", (640, 480), 7).save(file, "PNG")
    other = Visitor()
    BUDGET.hold(other, BUDGET.n_bytes - BUDGET.held, "Another picture")
    upload(page, "picture.png", file.getvalue())
    assert "The server is busy with other large pictures" in " ".join(page.errors)
    assert page.scene["spec"]["inputSize"] == [4, 4]
    del other
    page.run()
    assert page.errors == []
    assert page.scene["spec"]["inputSize"] == [60, 80]


def test_what_decoding_takes_is_given_back() -> None:
    held = BUDGET.held
    with caches.room_for_pictures(1_000_000):
        assert BUDGET.held == held + 1_000_000
    assert BUDGET.held == held
    with pytest.raises(InputError, match="needs"), caches.room_for_pictures(10**15):
        pass


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7", "a PDF document"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heic", "a HEIC or HEIF photograph"),
        (b"<!---->" * 150 + b"x", "not a picture"),
        (b"PK\x03\x04" + bytes(26) + b"word/document.xml", "a text document"),
    ],
)
def test_any_file_is_let_in_and_named(page: OpenedPage, data: bytes, words: str) -> None:
    assert page.at.file_uploader("upload").proto.type == []
    upload(page, "anything.xyz", data)
    page.check_answers()
    assert words in " ".join(page.errors)
    assert page.panels
