"""TIFF of samples that Pillow knows no mode for: any integers and floats, any number of bands.

Pillow decompresses, and is told that the rows are bytes: a second directory, appended to the file,
calls the same strips a grey picture as wide as its rows have bytes. What the bytes mean is worked
out here. Source: TIFF Revision 6.0, sections 14 and 19, and Adobe's Technical Note 3.
"""

from __future__ import annotations

import struct
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rfviz.conv.errors import InputError
from rfviz.io.pictures import tiff_directory as tag
from rfviz.io.pictures.tiff_directory import Directory

MOST_BYTES = 800_000_000

_PLAIN = frozenset({1, 5, 8, 32773, 32946, 34925, 50000})
_COMPRESSIONS = MappingProxyType(
    {2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "old JPEG", 7: "JPEG", 33003: "JPEG 2000",
     33005: "JPEG 2000", 34712: "JPEG 2000", 34887: "LERC", 50001: "WebP", 50002: "JPEG XL"}
)  # fmt: skip
_KINDS = MappingProxyType({1: "u", 2: "i", 3: "f"})
_WORDS = MappingProxyType({"u": "unsigned integers", "i": "signed integers", "f": "floats"})
_AGAIN = "Copy or download it again, or save it anew from an image editor."
_EXPORT = "Export it as 8-bit or 16-bit TIFF or PNG, of one or three bands."


class Samples(NamedTuple):
    """How the samples of a TIFF lie: bits each, their kind (u, i or f), and the bands a pixel."""

    height: int
    width: int
    bits: int
    kind: str
    n_bands: int
    separate: bool
    predictor: int
    order: str
    white_is_zero: bool

    @property
    def bands_a_row(self) -> int:
        """Bands that lie side by side in one row of the file."""
        return 1 if self.separate else self.n_bands

    @property
    def n_channels(self) -> int:
        """1 or 3: the first three bands are red, green and blue, of fewer the first is grey."""
        return 3 if self.n_bands >= 3 else 1

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return -(-self.width * self.bands_a_row * self.bits // 8)

    @property
    def n_planes(self) -> int:
        """Planes of the file that are read."""
        return self.n_channels if self.separate else 1

    @property
    def is_stretched(self) -> bool:
        """Whether the smallest and largest value become 0 and 255, not those of the type."""
        return self.kind != "u" or self.bits > 16

    @property
    def named(self) -> str:
        """The kind of number in words, such as "32-bit floats"."""
        return f"{self.bits}-bit {_WORDS[self.kind]}"


def samples_of(directory: Directory) -> Samples | None:
    """How the samples lie, where they are read here: wide, signed, float or of many bands.

    None for what Pillow has a mode for. InputError names a layout that neither reads.
    """
    bits, kinds = set(directory.numbers(tag.BITS, (1,))), directory.numbers(tag.SAMPLE_FORMAT, (1,))
    n_bands = directory.number(tag.SAMPLES, 1)
    photometric = directory.number(tag.PHOTOMETRIC, 1)
    depth = max(bits, default=1)
    numeric = set(kinds) != {1} or depth not in (1, 2, 4, 8, 16)
    many = (photometric in (0, 1) and n_bands > 2) or n_bands > 4
    # Pillow takes a BigTIFF for one only where its bytes are in the order of Intel.
    many = many or (directory.big and directory.order == ">")
    many = many or (n_bands == 2 and (depth != 8 or tag.EXTRA_SAMPLES not in directory.entries))
    if photometric not in (0, 1, 2) or not (numeric or many):
        return None
    kind = _KINDS.get(kinds[0] if kinds else 1)
    compression = directory.number(tag.COMPRESSION, 1)
    lies_here = len(bits) == 1 and len(set(kinds)) == 1 and kind and _known(kind, depth)
    predictor = directory.number(tag.PREDICTOR, 1)
    if not lies_here or compression not in _PLAIN or directory.number(tag.FILL_ORDER, 1) != 1 or (
        n_bands < 1
        or predictor not in (1, 2, 3) or (predictor != 1 and depth not in (8, 16, 32, 64))
    ):  # fmt: skip
        raise not_read(directory)
    assert kind is not None
    return Samples(
        directory.number(tag.HEIGHT), directory.number(tag.WIDTH), depth, kind, n_bands,
        n_bands > 1 and directory.number(tag.PLANAR, 1) == 2, predictor, directory.order,
        photometric == 0,
    )  # fmt: skip


def _known(kind: str, bits: int) -> bool:
    return bits in (16, 32, 64) if kind == "f" else 1 <= bits <= 32 or bits == 64


def not_read(directory: Directory) -> InputError:
    """The sentence for a layout that nothing here reads: what it is, and what to export."""
    bits, kinds = directory.numbers(tag.BITS, (1,)), directory.numbers(tag.SAMPLE_FORMAT, (1,))
    n_bands, compression = directory.number(tag.SAMPLES, 1), directory.number(tag.COMPRESSION, 1)
    kind = _WORDS.get(_KINDS.get(kinds[0] if len(set(kinds)) == 1 else 0, ""), "numbers")
    packed = _COMPRESSIONS.get(compression, f"method {compression}")
    by = "" if compression in _PLAIN else f", compressed by {packed}"
    depths = " and ".join(f"{depth}-bit" for depth in sorted(set(bits))[:4])
    what = (
        f"The TIFF file holds {directory.number(tag.HEIGHT):,} × {directory.number(tag.WIDTH):,} "
        f"pixels of {n_bands:,} {'band' if n_bands == 1 else 'bands'} of {depths} {kind}{by}: a "
        "layout that is not read here."
    )
    return InputError(what, remedy=_EXPORT)


def check_bytes(samples: Samples) -> None:
    """InputError where the rows, decompressed, are more than `MOST_BYTES`."""
    n_bytes = samples.row_bytes * samples.height * samples.n_planes
    if n_bytes > MOST_BYTES:
        what = (
            f"The TIFF file's {samples.height:,} × {samples.width:,} pixels of {samples.n_bands:,} "
            f"bands of {samples.named} take {n_bytes / 1e6:,.0f} MB; at most "
            f"{MOST_BYTES / 1e6:,.0f} are read."
        )
        raise InputError(what, remedy=f"Crop or reduce it first. {_EXPORT}")


def as_bytes(directory: Directory, samples: Samples, plane: int) -> bytes:
    """The file with a directory that calls one plane's rows a grey picture of bytes."""
    tiled = tag.TILE_OFFSETS in directory.entries
    offsets_tag, counts_tag = (
        (tag.TILE_OFFSETS, tag.TILE_BYTE_COUNTS) if tiled else (tag.OFFSETS, tag.BYTE_COUNTS)
    )
    offsets, counts = directory.numbers(offsets_tag), directory.numbers(counts_tag)
    share = len(offsets) // samples.n_bands if samples.separate else len(offsets)
    part = slice(plane * share, (plane + 1) * share)
    if not counts and len(offsets) == 1:
        counts = (len(directory.data) - offsets[0],)
    entries: dict[int, tuple[int, ...]] = {
        tag.WIDTH: (samples.row_bytes,), tag.HEIGHT: (samples.height,), tag.BITS: (8,),
        tag.COMPRESSION: (directory.number(tag.COMPRESSION, 1),), tag.PHOTOMETRIC: (1,),
        tag.SAMPLES: (1,), offsets_tag: offsets[part], counts_tag: counts[part],
    }  # fmt: skip
    largest = max((max(each, default=0) for each in (offsets, counts)), default=0)
    smallest = min((min(each, default=0) for each in (offsets, counts)), default=0)
    if smallest < 0 or largest > len(directory.data) or not offsets[part] or not counts[part]:
        what = (
            f"The TIFF file ({len(directory.data):,} bytes) is damaged: parts of its picture are "
        )
        raise InputError(f"{what}said to lie outside it.", remedy=_AGAIN)
    if tiled:
        width = directory.number(tag.TILE_WIDTH) * samples.bands_a_row * samples.bits // 8
        sides = {tag.TILE_WIDTH: (width,), tag.TILE_HEIGHT: (directory.number(tag.TILE_HEIGHT),)}
        entries |= sides
    else:
        rows = directory.number(tag.ROWS_PER_STRIP, samples.height)
        entries[tag.ROWS_PER_STRIP] = (min(rows, samples.height),)
    return _with_directory(directory, entries)


def _with_directory(directory: Directory, entries: dict[int, tuple[int, ...]]) -> bytes:
    """The file with these entries, all of 32 bits, as its first directory; never a BigTIFF."""
    order = directory.order
    start = max(8, len(directory.data) + len(directory.data) % 2)
    tables_at = start + 2 + 12 * len(entries) + 4
    rows, tables = bytearray(), bytearray()
    for each in sorted(entries):
        values = entries[each]
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            tables_end = tables_at + len(tables)
            tables += packed
            packed = struct.pack(order + "I", tables_end)
        rows += struct.pack(order + "HHI", each, 4, len(values)) + packed.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(order + "I", start)
    body = directory.data[8:].ljust(start - 8, b"\0")
    return b"".join((head, body, struct.pack(order + "H", len(entries)), rows, bytes(4), tables))


def values_of(samples: Samples, rows: NDArray[np.uint8], tile_width: int) -> NDArray[np.generic]:
    """Values (h, w, bands) of rows of bytes (h, row bytes); `tile_width` restarts the predictor."""
    h, n_values = rows.shape[0], samples.width * samples.bands_a_row
    if samples.bits not in (8, 16, 32, 64):
        values = _unpacked(rows, samples, n_values)
    else:
        values = _whole_bytes(rows, samples, tile_width)
    return values.reshape(h, samples.width, samples.bands_a_row)


def _whole_bytes(rows: NDArray[np.uint8], samples: Samples, tile_width: int) -> NDArray[np.generic]:
    size = samples.bits // 8
    word = f"{samples.order}{'u' if samples.predictor == 2 else samples.kind}{size}"
    if samples.predictor == 1:
        return np.ascontiguousarray(rows).view(word)
    step = tile_width * samples.bands_a_row * size
    parts = [rows[:, left : left + step] for left in range(0, rows.shape[1], step)]
    if samples.predictor == 3:
        return np.concatenate([_floats(part, samples) for part in parts], axis=1)
    return np.concatenate([_sums(part, samples, word) for part in parts], axis=1)


def _sums(part: NDArray[np.uint8], samples: Samples, word: str) -> NDArray[np.generic]:
    """Predictor 2: each sample is stored as its difference from the one to the left, wrapping."""
    differences = np.ascontiguousarray(part).view(word)
    by_band = differences.reshape(len(part), -1, samples.bands_a_row)
    native = np.dtype(word).newbyteorder("=")
    sums = np.cumsum(by_band, axis=1, dtype=native).reshape(len(part), -1)
    return sums.view(f"{samples.kind}{samples.bits // 8}")


def _floats(part: NDArray[np.uint8], samples: Samples) -> NDArray[np.generic]:
    """Predictor 3: the bytes of a row's floats, most significant first, as byte differences."""
    size = samples.bits // 8
    by_band = part.reshape(len(part), -1, samples.bands_a_row)
    summed = np.cumsum(by_band, axis=1, dtype=np.uint8).reshape(len(part), size, -1)
    return np.ascontiguousarray(summed.transpose(0, 2, 1)).view(f">{samples.kind}{size}")[..., 0]


def _unpacked(rows: NDArray[np.uint8], samples: Samples, n_values: int) -> NDArray[np.generic]:
    """Samples of any number of bits up to 32, most significant bit first."""
    bits = np.unpackbits(rows, axis=1, count=n_values * samples.bits)
    values = np.zeros((len(rows), n_values), np.uint32)
    for place in range(samples.bits):
        values = values << np.uint32(1) | bits[:, place :: samples.bits]
    if samples.kind == "i":
        shift = np.int32(32 - samples.bits)
        return values.view(np.int32) << shift >> shift
    return values
