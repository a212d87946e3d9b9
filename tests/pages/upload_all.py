"""Run as a script: uploads hostile files one after the other and says what the app answered.

A process of its own, so that its memory is that of the app alone. Prints JSON: an answer for each
file, errors logged, and the resident megabytes after some of them and after all.
"""

import json
import logging
import random
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

from opened import PAGES, OpenedPage

GENERATORS = Path(__file__).parents[1] / "io" / "pictures" / "test_hostile_pictures.py"
N_BEFORE = 20


class Kept(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Truncated, with flipped bits, one format in another, random, bombs; from one seed."""
    made = runpy.run_path(str(GENERATORS))
    dice = random.Random("uploads")  # noqa: S311 - breaks files, keeps no secret
    yield "empty", b""
    for kind in made["KINDS"]:
        whole = made["photo_file"](kind)
        for tenth in range(1, 10, 2):
            yield f"{kind} to {tenth} tenths", whole[: len(whole) * tenth // 10]
        for nth in range(8):
            data = bytearray(whole)
            for _ in range(1 + nth):
                data[dice.randrange(len(data) if nth % 2 else 200)] ^= 1 << dice.randrange(8)
            yield f"{kind} with {1 + nth} flipped bits", bytes(data)
        yield f"{kind} and then nothing of it", whole[:12] + dice.randbytes(400)
    for name, data in made["BOMBS"].items():
        yield f"bomb: {name}", data
    for length in (1, 7, 100, 3000, 100_000):
        yield f"{length} random bytes", dice.randbytes(length)


def answer_of(page: OpenedPage) -> str:
    """What the page shows: "picture", "sentence", or what it must not."""
    if page.at.exception:
        return f"exception: {page.at.exception[0].value}"
    if page.errors:
        return "sentence" if all(page.errors) else "empty sentence"
    return "picture" if page.panels else "nothing"


def resident_megabytes() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def main() -> None:
    kept = Kept()
    logging.getLogger().addHandler(kept)
    page = OpenedPage(PAGES[0], {"source": "Upload"})
    answers, before = {}, 0.0
    for nth, (name, data) in enumerate(hostile_files()):
        page.at.file_uploader("upload").set_value([("picture.png", data, "image/png")])
        answers[name] = answer_of(page.run())
        if nth == N_BEFORE:
            before = resident_megabytes()
    result = {"answers": answers, "errors": kept.messages}
    sys.stdout.write(json.dumps(result | {"before": before, "after": resident_megabytes()}))


if __name__ == "__main__":
    main()
