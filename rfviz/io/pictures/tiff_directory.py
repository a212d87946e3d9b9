"""The first directory of a TIFF file, read without trusting a single number in it.

Pillow builds every table of a directory in Python before anybody can ask how long it is, and says
"damaged" of layouts that it merely does not know. Here lengths are looked at first. Source: TIFF
Revision 6.0, section 2, and the BigTIFF design.
"""

from __future__ import annotations

import struct
from types import MappingProxyType
from typing import NamedTuple

from rfviz.conv.errors import InputError

MOST_ENTRIES = 4096
# Tiles of 16 x 16 pixels at 100 megapixels are 400,000.
MOST_NUMBERS = 2**20

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
FILL_ORDER, MAKE, OFFSETS, SAMPLES, ROWS_PER_STRIP, BYTE_COUNTS = 266, 271, 273, 277, 278, 279
PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTE_COUNTS = (
    284, 317, 322, 323, 324, 325,
)  # fmt: skip
SUB_DIRECTORIES, EXTRA_SAMPLES, SAMPLE_FORMAT, DNG_VERSION = 330, 338, 339, 50706

_TYPES = MappingProxyType({1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q", 17: "q"})
_SIZES = MappingProxyType({1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4,
                           12: 8, 13: 4, 16: 8, 17: 8, 18: 8})  # fmt: skip


class Entry(NamedTuple):
    """One tag: its type's number, how many values, and where in the file they begin."""

    kind: int
    length: int
    start: int


class Directory(NamedTuple):
    """The entries of a directory by tag, and the file's byte order, "<" or ">"."""

    data: bytes
    order: str
    big: bool
    entries: dict[int, Entry]

    def numbers(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The whole numbers of a tag; the default where it is missing or of another type.

        InputError for more than `MOST_NUMBERS`.
        """
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _TYPES:
            return default
        if entry.length > MOST_NUMBERS:
            what = f"The TIFF file has {entry.length:,} numbers in its tag {tag}; at most "
            raise InputError(f"{what}{MOST_NUMBERS:,} are read.", remedy="Save it anew as PNG.")
        try:
            return struct.unpack_from(
                f"{self.order}{entry.length}{_TYPES[entry.kind]}", self.data, entry.start
            )
        except struct.error:
            return default

    def number(self, tag: int, default: int = 0) -> int:
        """The first number of a tag, or the default."""
        return (self.numbers(tag) or (default,))[0]

    @property
    def is_raw_photograph(self) -> bool:
        """Whether this is a camera's raw file: what a reader of TIFF finds first is a thumbnail."""
        small = (
            self.number(SUBFILE) & 1 and SUB_DIRECTORIES in self.entries and MAKE in self.entries
        )
        return self.data[8:10] == b"CR" or DNG_VERSION in self.entries or bool(small)


def first_directory(data: bytes) -> Directory | None:
    """The first directory of a TIFF file; None where the file ends before it, or has none.

    InputError for a table of more numbers than any picture of the size that is read has.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = b"+" in data[2:4]
    try:
        if big:
            (start,) = struct.unpack_from(order + "Q", data, 8)
            (count,) = struct.unpack_from(order + "Q", data, start)
            first, inline = start + 8, 8
        else:
            (start,) = struct.unpack_from(order + "I", data, 4)
            (count,) = struct.unpack_from(order + "H", data, start)
            first, inline = start + 2, 4
        entries = _entries(data, order, range(min(count, MOST_ENTRIES)), first, inline)
    except (struct.error, OverflowError):
        return None
    directory = Directory(data, order, big, entries)
    for tag in (OFFSETS, BYTE_COUNTS, TILE_OFFSETS, TILE_BYTE_COUNTS, BITS, SAMPLE_FORMAT):
        directory.numbers(tag)
    return directory


def _entries(data: bytes, order: str, numbers: range, first: int, inline: int) -> dict[int, Entry]:
    """Entries by tag; values of at most `inline` bytes (4, in BigTIFF 8) stand in the entry."""
    entries: dict[int, Entry] = {}
    word = "Q" if inline == 8 else "I"
    for number in numbers:
        place = first + number * (4 + 2 * inline)
        tag, kind, length = struct.unpack_from(f"{order}HH{word}", data, place)
        start = place + 4 + inline
        if length * _SIZES.get(kind, 1) > inline:
            (start,) = struct.unpack_from(order + word, data, start)
        entries.setdefault(tag, Entry(kind, length, start))
    return entries
