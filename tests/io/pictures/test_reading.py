"""Reading in a process of its own: the same pixels, bounds, drafts, and an end whenever wanted."""

import gc
import io
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from PIL import Image

from rfviz.conv.errors import InputError
from rfviz.io.pictures.picture import load_picture
from rfviz.io.pictures.reading import Reading, read_apart
from rfviz.io.pictures.samples import SAMPLES

ASSETS = Path(__file__).parents[3] / "rfviz" / "assets"


def chunk(kind: bytes, payload: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + payload))
    return struct.pack(">I", len(payload)) + kind + payload + check


def flat_png(side: int, depth: int, colour_type: int, channels: int) -> bytes:
    """A PNG of zeros: about a thousandth of its pixels."""
    header = struct.pack(">IIBBBBB", side, side, depth, colour_type, 0, 0, 0)
    rows = zlib.compress(bytes((channels * depth // 8 * side + 1) * side), 9)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def scanned_jpeg(side: int, n_scans: int) -> bytes:
    """A progressive JPEG whose last scan is there so many times."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (10, 200, 30)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * n_scans + b"\xff\xd9"


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


@pytest.mark.parametrize("name", [sample.file for sample in SAMPLES])
def test_it_gives_what_the_library_gives(name: str) -> None:
    data = (ASSETS / name).read_bytes()
    read = read_apart(data)
    torch.testing.assert_close(read.pixels, load_picture(data), rtol=0, atol=0)
    assert read.note == ""


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"\xff\xd8\xff\xe0", b"GIF89a\1\0\1\0"])
def test_it_says_what_the_library_says(data: bytes) -> None:
    with pytest.raises(InputError) as here:
        load_picture(data)
    with pytest.raises(InputError) as apart:
        read_apart(data)
    assert str(apart.value) == str(here.value)
    assert apart.value.remedies == here.value.remedies


@pytest.mark.parametrize(
    "data", [flat_png(6000, 8, 2, 3), scanned_jpeg(6000, 30)], ids=["PNG", "progressive JPEG"]
)
def test_a_draft_and_how_far_it_is_come_before_the_picture(data: bytes) -> None:
    reading = Reading(data)
    fractions = []

    def noted() -> bool:
        fractions.append(reading.fraction)
        return reading.poll()

    until(lambda: noted() or reading.draft is not None)
    assert reading.draft is not None
    assert not reading.ended
    with Image.open(io.BytesIO(reading.draft)) as draft:
        assert 100 < max(draft.size) <= 1000
    until(noted)
    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 5
    assert reading.result().pixels.shape == (3, 6000, 6000)


def test_a_stopped_reading_ends_its_process_at_once() -> None:
    reading = Reading(scanned_jpeg(8000, 60))
    until(lambda: reading.poll() or reading.fraction > 0)
    process = reading._process
    begun = time.monotonic()
    reading.stop()
    assert time.monotonic() - begun < 5
    assert process.returncode == -signal.SIGKILL
    with pytest.raises(InputError, match="stopped"):
        reading.result()


def test_a_reading_that_nobody_holds_ends_its_process() -> None:
    reading = Reading(scanned_jpeg(8000, 60))
    process = reading._process
    del reading
    gc.collect()
    assert process.returncode == -signal.SIGKILL


def test_room_is_asked_for_before_and_given_back_after() -> None:
    asked: list[int] = []
    held: list[int] = []

    @contextmanager
    def reserve(n_bytes: int) -> Iterator[None]:
        asked.append(n_bytes)
        held.append(n_bytes)
        yield
        held.remove(n_bytes)

    data = flat_png(1000, 8, 2, 3)
    read_apart(data, reserve)
    assert asked == [1000 * 1000 * 8]
    assert held == []
    reading = Reading(data, reserve)
    until(lambda: reading.poll() or bool(held))
    reading.stop()
    assert held == []


def test_where_there_is_no_room_that_is_said_and_may_be_tried_again() -> None:
    def full(n_bytes: int) -> object:
        raise InputError("The server is busy with other large pictures.", remedy="Try again soon")

    reading = Reading(flat_png(1000, 8, 2, 3), full)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="busy"):
        reading.result()
    assert reading.refused


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (signal.SIGSEGV, "its decoder broke on it"),
        (signal.SIGXCPU, r"longer than \d+ s"),
        (signal.SIGKILL, "more memory than there is"),
    ],
)
def test_a_decoder_that_dies_is_a_sentence(end: signal.Signals, words: str) -> None:
    reading = Reading(scanned_jpeg(8000, 60))
    until(lambda: reading.poll() or reading.fraction > 0)
    os.kill(reading._process.pid, end)
    with pytest.raises(InputError, match=words) as caught:
        reading.result()
    assert caught.value.remedies


def test_the_process_has_no_torch_and_no_secret_of_the_server() -> None:
    check = (
        "import sys, os, types; sys.modules['rfviz'] = package = types.ModuleType('rfviz');"
        "package.__path__ = [sys.argv[1]]; import rfviz.io.pictures.decoder;"
        "print('torch' in sys.modules, 'streamlit' in sys.modules)"
    )
    package = Path(__file__).parents[3] / "rfviz"
    run = subprocess.run(
        [sys.executable, "-c", check, str(package)], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "False"]


def test_no_process_and_no_file_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "of the server")
    files = Path("/proc/self/fd")
    if not files.exists():
        pytest.skip("open files are counted in /proc")
    data = flat_png(100, 8, 0, 1)
    read_apart(data)
    gc.collect()
    before = len(list(files.iterdir()))
    readings = [Reading(data) for _ in range(5)]
    environment = Path(f"/proc/{readings[0]._process.pid}/environ").read_bytes()
    assert b"A_SECRET" not in environment
    for reading in readings:
        reading.result()
    del readings, reading
    gc.collect()
    assert len(list(files.iterdir())) == before


BOUNDED = {
    "PNG of 100 megapixels": lambda: flat_png(10_000, 8, 2, 3),
    "PNG of 16-bit red, green, blue and alpha": lambda: flat_png(10_000, 16, 6, 4),
    "JPEG of 60 scans": lambda: scanned_jpeg(5000, 60),
    "WebP at its limit": lambda: saved("WEBP", (11_000, 6_300), lossless=True, method=0),
    "WebP past its limit": lambda: saved("WEBP", (16_383, 4_400), lossless=True, method=0),
    "JPEG 2000 at its limit": lambda: saved("JPEG2000", (7_000, 7_000)),
    "AVIF with alpha": lambda: saved("AVIF", (8_000, 8_000), mode="RGBA", speed=10),
    "TIFF of floats": lambda: saved("TIFF", (9_000, 9_000), mode="F", compression="tiff_lzw"),
}


def saved(kind: str, size: tuple[int, int], mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 0 if mode == "F" else "#0a141e80").save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("name", BOUNDED)
def test_small_files_of_large_pictures_stay_within_memory(name: str) -> None:
    """Of one at a time: its process and the pixels together stay under 1.5 GB."""
    reading = Reading(BOUNDED[name]())
    status = Path(f"/proc/{reading._process.pid}/status")
    if not status.exists():
        pytest.skip("the peak is read from /proc")
    peak = 0.0
    while not reading.poll(0.02):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            break
        peak = max(peak, int(lines.get("VmHWM", "0 kB").split()[0]) / 1e6)
    assert peak < 1.5
    if "past" in name:
        with pytest.raises(InputError, match="megapixels"):
            reading.result()
    else:
        assert reading.result().pixels[0].numel() > 20_000_000
        assert peak > 0.05
