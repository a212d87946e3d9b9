"""What small files of large pictures cost, by hand.

`python tests/benchmarks/bench_hostile_pictures.py [alone] [app]`

alone: each file read in its process: seconds to the draft and to the picture, processor seconds,
the process's peak. app: each uploaded in Chromium while a second person moves a slider: seconds to
the draft and to the panels of the picture, the second person's moves (milliseconds to the new
numbers, median and 95th percentile) and the server's peak.
"""

import io
import os
import statistics
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(1, str(Path(__file__).parents[1] / "browser"))

from app_page import AppPage
from app_server import AppServer
from bench_pages import Meter, moved, opened
from chromium import installed_browser, launch
from PIL import Image
from playwright.sync_api import Browser, Error, sync_playwright

from rfviz.conv.errors import InputError
from rfviz.io.pictures.reading import Reading

LONGEST = 120
# When the draft and the panels of the uploaded picture come, in milliseconds after the upload.
ARM = """() => {
  const seen = { begun: performance.now(), first: null, whole: null, said: null };
  window.uploadSeen = seen;
  const note = () => {
    const sidebar = document.querySelector("[data-testid=stSidebar]");
    const now = performance.now() - seen.begun;
    if (sidebar.querySelector("[data-testid=stImage] img")) seen.first ??= now;
    if (sidebar.querySelector("[data-testid=stAlert]")) seen.said ??= now;
    if (document.querySelector("[data-testid=stMain]").textContent.includes(",000 + 1")) {
      seen.whole ??= now;
    }
  };
  new MutationObserver(note).observe(document.body,
    { subtree: true, childList: true, characterData: true });
}"""


def chunk(kind: bytes, payload: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + payload))
    return struct.pack(">I", len(payload)) + kind + payload + check


def png(side: int, depth: int, colour_type: int, channels: int) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, depth, colour_type, 0, 0, 0)
    rows = zlib.compress(bytes((channels * depth // 8 * side + 1) * side), 9)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def saved(kind: str, size: tuple[int, int], mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 0 if mode == "F" else "#0a141e80").save(file, kind, **options)
    return file.getvalue()


def scans(side: int, count: int) -> bytes:
    data = saved("JPEG", (side, side), progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * count + b"\xff\xd9"


FILES: Mapping[str, Callable[[], bytes]] = MappingProxyType(
    {
        "comments named .png, 1 kB": lambda: b"<!---->" * 150,
        "WebP past its limit, 16,383 x 6,103": lambda: saved(
            "WEBP", (16_383, 6_103), lossless=True
        ),
        "WebP 10,000 x 7,000": lambda: saved("WEBP", (10_000, 7_000), lossless=True),
        "PNG, 100 MP": lambda: png(10_000, 8, 2, 3),
        "PNG of 16-bit RGBA, 100 MP": lambda: png(10_000, 16, 6, 4),
        "PNG of 16-bit grey, 100 MP": lambda: png(10_000, 16, 0, 1),
        "TIFF of floats, 100 MP": lambda: saved(
            "TIFF", (10_000, 10_000), "F", compression="tiff_adobe_deflate"
        ),
        "JPEG of 60 scans, 100 MP": lambda: scans(10_000, 60),
        "JPEG of 10 scans, 100 MP": lambda: saved("JPEG", (10_000, 10_000), progressive=True),
        "AVIF with alpha, 100 MP": lambda: saved("AVIF", (10_000, 10_000), "RGBA", speed=10),
        "JPEG 2000, 49 MP": lambda: saved("JPEG2000", (7_000, 7_000)),
    }
)


def bench_alone() -> None:
    print(f"{'file':<38}{'bytes':>9}{'draft s':>9}{'all s':>8}{'cpu s':>8}{'peak MB':>9}")
    for name, make in FILES.items():
        data = make()
        begun = time.monotonic()
        draft, peak, cpu = float("nan"), 0, 0.0
        try:
            reading = Reading(data)
            while not reading.poll(0.02):
                if reading.draft is not None and draft != draft:  # noqa: PLR0124 - not yet a number
                    draft = time.monotonic() - begun
                peak = max(peak, status_bytes(reading._process.pid, "VmHWM"))
                cpu = max(cpu, processor_seconds(reading._process.pid))
            said = "x".join(map(str, reading.result().pixels.shape))
        except InputError as error:
            said = error.what
        took = time.monotonic() - begun
        print(
            f"{name:<38}{len(data):9,}{draft:9.2f}{took:8.2f}{cpu:8.2f}{peak / 1e6:9.0f}  "
            f"{said[:90]}",
            flush=True,
        )


def bench_app(browser: Browser, server: AppServer) -> None:
    head = f"{'file':<38}{'draft s':>9}{'panels s':>9}{'said s':>8}"
    print(f"{head}{'moves':>7}{'median':>8}{'p95 ms':>8}{'server MB':>10}")
    other, meter = opened(browser, server)
    other.open()
    other.settle()
    moved(other, meter, "ArrowRight")
    quiet = [moved(other, meter, stroke).panels for stroke in ["ArrowLeft", "ArrowRight"] * 10]
    print_moves("(nobody else)", (None, None, None), quiet, server)
    for name, make in FILES.items():
        victim, _ = opened(browser, server)
        victim.open("", {"source": "Upload"})
        victim.settle()
        victim.page.evaluate(ARM)
        victim.upload("picture.png", make(), "image/png")
        moves = moves_beside(victim, other, meter)
        seen = victim.page.evaluate("() => window.uploadSeen")
        print_moves(name, (seen["first"], seen["whole"], seen["said"]), moves, server)
        victim.page.context.close()


def moves_beside(victim: AppPage, other: AppPage, meter: Meter) -> list[float]:
    """The second person's moves, until the first one's panels or sentence are there."""
    moves: list[float] = []
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        moves.append(moved(other, meter, "ArrowLeft" if len(moves) % 2 else "ArrowRight").panels)
        if len(moves) % 2 == 0 and len(moves) >= 10:
            done = "() => window.uploadSeen.whole !== null || window.uploadSeen.said !== null"
            if victim.page.evaluate(done):
                break
    return moves


def print_moves(
    name: str, seen: tuple[float | None, ...], moves: list[float], server: AppServer
) -> None:
    times = "".join(f"{'-' if at is None else f'{at / 1000:.2f}':>9}" for at in seen)
    last = sorted(moves)[int(0.95 * (len(moves) - 1))]
    print(
        f"{name:<38}{times}{len(moves):6}{statistics.median(moves):8.0f}{last:8.0f}"
        f"{status_bytes(server.pid, 'VmHWM') / 1e6:10.0f}",
        flush=True,
    )


def status_bytes(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field)), 0)


def processor_seconds(pid: int) -> float:
    try:
        parts = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    wanted = sys.argv[1:] or ["alone", "app"]
    if "alone" in wanted:
        bench_alone()
    if "app" not in wanted:
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = installed_browser(playwright)
        if path is None:
            raise SystemExit("There is no Chromium: run tests/install")
        server, browser = AppServer(Path(folder) / "log.txt"), launch(playwright, path)
        try:
            bench_app(browser, server)
        except Error as error:
            print(error, server.log[-2000:])
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
