"""What the process does that decodes one stranger's picture; `reading` is its parent.

It has no torch, the limits below, and nothing but two files and a pipe: the picture's bytes, a file
for the pixels, and lines of JSON that tell the parent how far it is.
"""

from __future__ import annotations

import base64
import io
import json
import mmap
import os
import resource
import sys
import time
from collections.abc import Generator
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from rfviz.conv.errors import InputError
from rfviz.io.pictures.files import opened
from rfviz.io.pictures.planes import planes_of

# Of addresses, which are more than the memory: the libraries alone take a third of a gigabyte.
MOST_MEMORY = 1_900_000_000
MOST_SECONDS = 120
DRAFT_SIDE = 320
SECONDS_TO_DRAFT, SECONDS_BETWEEN_DRAFTS = 0.2, 1.0
SECONDS_BETWEEN_WORDS = 0.05
# Of the whole work, the part before pixels are written.
_READING = 0.7


def main(source: int, target: int) -> None:
    """Decode the file of one descriptor into another's; say how it goes, and wait for the word."""
    _limit()
    with os.fdopen(source, "rb") as file:
        data = file.read()
    told = _Told(data)
    try:
        with planes_of(data, told) as planes:
            shape = planes.shape
            n_bytes = shape[0] * shape[1] * shape[2]
            os.truncate(target, n_bytes)
            with mmap.mmap(target, n_bytes) as memory:
                note = told.writes(planes.write(np.ndarray(shape, np.uint8, memory)))
        told.say(shape=shape, note=note)
    except InputError as error:
        told.say(error=error.what, remedies=[remedy.label for remedy in error.remedies])
    except MemoryError:
        told.say(
            error="There is not enough memory to decode this picture.",
            remedies=["Reduce it in an image editor first"],
        )


def _limit() -> None:
    """Bound memory and processor time, and give way to the server."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)  # a large picture takes no time from those who move a slider


class _Told:
    """Tells the parent; a `rfviz.io.pictures.planes.Watch`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.last = 0.0
        self.next_draft = time.monotonic() + SECONDS_TO_DRAFT
        self.drafted = False

    def say(self, **words: Any) -> None:
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()

    def needs(self, n_bytes: int) -> None:
        """Say it, and wait for the word to go on."""
        self.say(needs=n_bytes)
        if not sys.stdin.readline():
            sys.exit()

    def reads(self, image: ImageFile, fraction: float) -> None:
        now = time.monotonic()
        if now >= self.next_draft:
            self._draft(image)
            self.next_draft = time.monotonic() + SECONDS_BETWEEN_DRAFTS
        self._fraction(_READING * fraction)

    def writes(self, steps: Generator[float, None, str]) -> str:
        """Take the steps of writing pixels; their sentence."""
        while True:
            try:
                self._fraction(_READING + (1 - _READING) * next(steps))
            except StopIteration as stop:
                return str(stop.value)

    def _draft(self, image: ImageFile) -> None:
        """Say what can be seen of the picture by now, as a small JPEG."""
        if image.format == "JPEG":
            if not self.drafted:
                self._say_picture(_coarse_jpeg(self.data))
        elif image.im is not None:
            # Not through load(), which is under way.
            self._say_picture(image._new(image.im))
        self.drafted = True

    def _say_picture(self, canvas: Image.Image) -> None:
        scale = max(canvas.size) / DRAFT_SIDE
        # Every eighth pixel is what the first pass of an interlaced picture brings.
        step = 8 * round(scale / 8) if scale >= 8 else max(1, round(scale))
        size = -(-canvas.width // step), -(-canvas.height // step)
        small = canvas.resize(size, Image.Resampling.NEAREST)
        file = io.BytesIO()
        small.convert("RGB").save(file, "JPEG", quality=80)
        self.say(draft=base64.b64encode(file.getvalue()).decode())

    def _fraction(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self.last > SECONDS_BETWEEN_WORDS:
            self.last = now
            self.say(fraction=fraction)


def _coarse_jpeg(data: bytes) -> Image.Image:
    """An eighth of a JPEG: of a progressive one its first scan, which holds the means of blocks."""
    first = data.find(b"\xff\xda")
    second = data.find(b"\xff\xda", first + 2)
    with opened(data if second < 0 else data[:second] + b"\xff\xd9") as image:
        image.draft("RGB", (DRAFT_SIDE, DRAFT_SIDE))
        image.load()
        return image.copy()
