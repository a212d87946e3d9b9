"""A picture file decoded into planes of bytes, with a watch on how far it is and what it needs.

Needs Pillow and numpy only: a process that decodes a stranger's picture starts without torch.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile

from rfviz.conv.errors import InputError
from rfviz.io.pictures.files import bytes_to_decode, check_size, format_name, opened
from rfviz.io.pictures.modes import TILE_PIXELS, Pixels, tile_reader, tiles
from rfviz.io.pictures.orientation import Turn, exif_turn, turn_of
from rfviz.io.pictures.tiff_directory import TILE_WIDTH, Directory, first_directory
from rfviz.io.pictures.tiff_samples import (
    Samples,
    as_bytes,
    check_bytes,
    samples_of,
    values_of,
)

_TIFF_ORIENTATION = 274
# Bytes that a decoder takes at once: few of a small file, since a kilobyte can be many megapixels.
_BLOCKS, _SMALLEST_BLOCK, _LARGEST_BLOCK = 1000, 512, 2**16
# Formats whose pixels come all at once, and are then read as raw rows; the most bytes of a pixel.
_DECODED_IN_ONE = frozenset({"WEBP", "AVIF"})
_BYTES_OF_A_PIXEL = 8

Write = Callable[[Pixels], Generator[float, None, str]]


class Watch(Protocol):
    """Is told what decoding will take and how far it is; may end it with an InputError."""

    def needs(self, n_bytes: int) -> None:
        """Before anything of this size is asked for."""

    def reads(self, image: ImageFile, fraction: float) -> None:
        """While the file is read; the picture's canvas may hold a part already."""


class Unwatched:
    """Nobody is told."""

    def needs(self, n_bytes: int) -> None:
        """Nothing."""

    def reads(self, image: ImageFile, fraction: float) -> None:
        """Nothing."""


class Planes(NamedTuple):
    """A decoded picture: its upright shape (C, H, W), and how its pixels are had.

    ``write(into)`` fills a uint8 array of that shape; it yields the fraction done and returns a
    sentence on what had to be changed, empty where the file has 8 bits and no transparency.
    """

    shape: tuple[int, int, int]
    write: Write


@contextmanager
def planes_of(data: bytes, watch: Watch | None = None) -> Iterator[Planes]:
    """The first frame of a picture file, upright, C = 1 or 3.

    InputError: empty, truncated or damaged data, no picture, another format, too many pixels.
    """
    watch = watch or Unwatched()
    directory = first_directory(data) if format_name(data) == "TIFF" else None
    if directory is not None and directory.is_raw_photograph:
        raise InputError(
            "The file is a camera's raw photograph, whose pixels are not red, green and blue yet.",
            remedy="Develop it in a photo program (such as darktable or RawTherapee) to TIFF, or "
            "save the camera's own JPEG.",
        )
    samples = samples_of(directory) if directory is not None else None
    with ExitStack() as files:
        if directory is not None and samples is not None:
            yield _sample_planes(directory, samples, watch, files)
        else:
            file = _WatchedFile(data)
            image = files.enter_context(opened(data, file))
            watch.needs(bytes_to_decode(image))
            _load(image, file, watch)
            yield _pillow_planes(image, data)


class _WatchedFile(io.BytesIO):
    """A file in memory that says after each read how far it has been read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.length = len(data)
        self.told: Callable[[float], None] | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file, and say so."""
        found = super().read(size)
        if self.told is not None:
            self.told(self.tell() / self.length)
        return found


def _load(image: ImageFile, file: _WatchedFile, watch: Watch) -> None:
    block = min(max(file.length // _BLOCKS, _SMALLEST_BLOCK), _LARGEST_BLOCK)
    if image.format in _DECODED_IN_ONE or any(each.codec_name == "raw" for each in image.tile):
        # Of raw rows Pillow takes whole ones, and copies what it has at every block until then.
        block = max(block, _LARGEST_BLOCK, image.width * _BYTES_OF_A_PIXEL)
    image.decodermaxblock = block
    file.told = lambda fraction: watch.reads(image, fraction)
    image.load()
    file.told = None


def _pillow_planes(image: ImageFile, data: bytes) -> Planes:
    n_channels, read = tile_reader(image, data)
    turn = exif_turn(image)

    def write(picture: Pixels) -> Generator[float, None, str]:
        for top, left, bottom, right in tiles(image.height, image.width):
            turn.place(picture, read(image.crop((left, top, right, bottom))), top, left)
            yield bottom / image.height
        return _note(image, data)

    return Planes((n_channels, *turn.size(image.height, image.width)), write)


def _note(image: ImageFile, data: bytes) -> str:
    """What was changed, in a sentence or two."""
    said = []
    if image.mode.startswith("I;16"):
        said.append("16-bit grey: 0 to 65,535 became 0 to 255.")
    elif image.format == "PNG" and data[24] == 16:
        said.append("16-bit colour: of each value the high byte is read.")
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        said.append(f"{image.mode} became red, green and blue, without a colour profile.")
    if image.has_transparency_data:
        said.append("Transparent parts lie over white.")
    return " ".join(said)


def _sample_planes(
    directory: Directory, samples: Samples, watch: Watch, files: ExitStack
) -> Planes:
    check_size("TIFF", samples.height, samples.width)
    check_bytes(samples)
    n_bytes = samples.row_bytes * samples.height * samples.n_planes
    watch.needs(n_bytes + samples.n_channels * samples.height * samples.width)
    images = []
    for plane in range(samples.n_planes):
        as_grey = as_bytes(directory, samples, plane)
        images.append(files.enter_context(opened(as_grey, sized=False)))
        images[-1].load()
    turn = turn_of(directory.number(_TIFF_ORIENTATION, 1))
    tile_width = directory.number(TILE_WIDTH) or samples.width
    source = _SampleRows(images, samples, tile_width)
    shape = (samples.n_channels, *turn.size(samples.height, samples.width))
    return Planes(shape, lambda picture: _write_samples(picture, source, turn))


class _SampleRows(NamedTuple):
    """Rows of a picture of samples as the values that they mean."""

    images: list[ImageFile]
    samples: Samples
    tile_width: int

    def blocks(self) -> Iterator[tuple[int, int]]:
        """(top, bottom) of rows that are worked on at once."""
        step = max(1, TILE_PIXELS // max(1, self.samples.row_bytes))
        for top in range(0, self.samples.height, step):
            yield top, min(top + step, self.samples.height)

    def values(self, top: int, bottom: int) -> NDArray[np.generic]:
        """Values (C, h, w) of some rows, in the type of the file."""
        planes = []
        for image in self.images:
            part = image.crop((0, top, self.samples.row_bytes, bottom)).tobytes()
            rows = np.frombuffer(part, np.uint8).reshape(bottom - top, -1)
            planes.append(values_of(self.samples, rows, self.tile_width))
        values = np.concatenate(planes, axis=2)[:, :, : self.samples.n_channels]
        return values.transpose(2, 0, 1)


def _write_samples(picture: Pixels, source: _SampleRows, turn: Turn) -> Generator[float, None, str]:
    samples = source.samples
    low, high, first = 0.0, float(2**samples.bits - 1), 0.0
    if samples.is_stretched:
        first = 0.5
        low, high = yield from _range(source, first)
    with np.errstate(all="ignore"):
        for top, bottom in source.blocks():
            tile = _grey(source.values(top, bottom), low, high)
            turn.place(picture, 255 - tile if samples.white_is_zero else tile, top, 0)
            yield first + (1 - first) * bottom / samples.height
    return _sample_note(samples, low, high)


def _range(source: _SampleRows, whole: float) -> Generator[float, None, tuple[float, float]]:
    """Smallest and largest finite value of the bands that are read; (0, 0) where none is finite."""
    low, high = float("inf"), float("-inf")
    for top, bottom in source.blocks():
        values = source.values(top, bottom)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
        yield whole * bottom / source.samples.height
    return (low, high) if low <= high else (0.0, 0.0)


def _grey(values: NDArray[np.generic], low: float, high: float) -> Pixels:
    """Bytes of values: low is 0, high is 255, linear between and rounded; NaN is 0."""
    if high <= low:
        return np.where(values == np.inf, np.uint8(255), np.uint8(0))
    # The range of float64 itself is no float64; a power of two changes no digit.
    scale = 2.0**-10 if max(abs(low), abs(high)) > 1e300 else 1.0
    above = (values.astype(np.float64) * scale - low * scale) * 255
    scaled = np.nan_to_num(above / (high * scale - low * scale), nan=0, posinf=255, neginf=0)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _sample_note(samples: Samples, low: float, high: float) -> str:
    to_white = " (white to black)" if samples.white_is_zero else ""
    said = f"TIFF of {samples.named}: {_said(low)} to {_said(high)} became 0 to 255{to_white}."
    if samples.n_bands == 1 or (samples.n_bands == 3 and samples.n_channels == 3):
        return said
    which = "first three are read as red, green and blue" if samples.n_channels == 3 else (
        "first is read as grey"
    )  # fmt: skip
    return f"{said} Of {samples.n_bands:,} bands the {which}."


def _said(value: float) -> str:
    whole = value.is_integer() and abs(value) < 1e15
    return (f"{value:,.0f}" if whole else f"{value:.6g}").replace("-", "−")
