"""What the first bytes of a file say, and opening it with Pillow without Pillow's surprises.

Pillow decides by trying, answers in a dozen kinds of exception, warns on standard error and
allocates some canvases before it can be asked for their size. Here the format and the declared
size are read first, one decoder is chosen, and whatever goes wrong becomes one InputError.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import cast

from PIL import Image, ImageCms
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from rfviz.conv.errors import InputError
from rfviz.io.pictures.bmp_runs import RunsFile
from rfviz.io.pictures.foreign_files import SAVE_AS, foreign_file
from rfviz.io.pictures.tiff_directory import first_directory
from rfviz.io.pictures.tiff_samples import not_read

MAX_PIXELS = 100_000_000
# Scans of a progressive JPEG, each of which goes over every pixel; encoders write about ten.
MOST_SCANS = 1000
MOST_SCANNED_PIXELS = 100 * MAX_PIXELS

_SAVE_AGAIN = "Copy or download it again, or save it anew from an image editor."
_REDUCE = "Reduce or crop it in an image editor first."


class _WideTiff(TiffImageFile):
    """A TIFF whose rows are bytes of samples: more bytes than Pillow lets a picture have pixels."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.core.new(self.mode, self.size)  # type: ignore[attr-defined]
        super().load_prepare()


# The only decoders that a file can reach: none runs another program, none follows a path.
_DECODERS: MappingProxyType[str, Callable[[io.BytesIO], ImageFile]] = MappingProxyType(
    {
        "JPEG": JpegImageFile,  # of a multi-picture JPEG (MPO), the first picture
        "PNG": PngImageFile,
        "GIF": GifImageFile,
        "BMP": RunsFile,
        "TIFF": TiffImageFile,
        "WebP": WebPImageFile,
        "AVIF": AvifImageFile,
        "JPEG 2000": Jpeg2KImageFile,
    }
)

# Formats whose decoders hold several copies of the picture: what fits into 1.5 GB.
_MOST_PIXELS = MappingProxyType({"WebP": 70_000_000, "JPEG 2000": 50_000_000})
# Bytes a pixel that decoding takes at most, the result of three included; measured.
_BYTES_A_PIXEL = MappingProxyType({"WebP": 19, "JPEG 2000": 26, "AVIF": 14})

_SIGNATURES = (
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("GIF", 0, b"GIF87a"),
    ("GIF", 0, b"GIF89a"),
    ("BMP", 0, b"BM"),
    *(("TIFF", 0, mark) for mark in (b"II*\0", b"II+\0", b"MM\0*", b"MM\0+", b"II\0*", b"MM*\0")),
    ("JPEG 2000", 0, b"\0\0\0\x0cjP  "),
    ("JPEG 2000", 0, b"\xff\x4f\xff\x51"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})

_PILLOW_ERRORS = (
    OSError,  # truncated or damaged pixel data; UnidentifiedImageError is one
    SyntaxError,  # Pillow's word for a broken header
    ValueError,  # a field out of its range, text that is not text, an unknown conversion
    struct.error,  # a header shorter than its fields
    zlib.error,  # a damaged deflate stream in PNG text and profiles
    EOFError,  # no first frame
    IndexError,  # a table shorter than an index into it
    KeyError,  # an unknown mode or compression
    TypeError,  # a tag of another type than its meaning asks for
    AttributeError,  # a PNG chunk that Pillow has no handler for, tags that are missing
    AssertionError,  # Pillow's own statements about a well-formed file
    NotImplementedError,  # a layout that Pillow declares but does not read
    RuntimeError,  # a decoder library that could not start
    OverflowError,  # a size that does not fit the decoder's integers
    ZeroDivisionError,  # a tile or unit of size 0
    MemoryError,  # more memory asked for than there is
    Image.DecompressionBombError,  # a frame or tile larger than the declared picture
    ImageCms.PyCMSError,  # a colour transform that cannot be built
)


def format_name(data: bytes) -> str:
    """Name of the format of a file's bytes: JPEG, PNG, GIF, BMP, TIFF, WebP, AVIF or JPEG 2000.

    InputError says what the bytes look like when they are none of these, and what to do.

    >>> format_name(b"GIF89a")
    'GIF'
    """
    if not data:
        raise InputError("The file is empty: it has 0 bytes.", remedy="Choose another file.")
    for name, offset, mark in _SIGNATURES:
        if data.startswith(mark, offset):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp" and _AVIF_BRANDS & _brands(data):
        return "AVIF"
    foreign = foreign_file(data)
    if foreign is not None:
        what = f"The file is {foreign.name}, which is not read here as a picture."
        raise InputError(what, remedy=foreign.remedy)
    start = " ".join(f"{byte:02x}" for byte in data[:8])
    what = f"The file is not a picture that is read here: its first bytes are {start}."
    raise InputError(what, remedy=SAVE_AS)


def _brands(data: bytes) -> set[bytes]:
    """What an ISO base media file says that it is compatible with."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    return {bytes(data[place : place + 4]) for place in range(8, length, 4) if place != 12}


@contextmanager
def opened(
    data: bytes, file: io.BytesIO | None = None, *, sized: bool = True
) -> Iterator[ImageFile]:
    """The first frame of a picture file, not yet loaded; Pillow's errors become InputError.

    The size is checked against the format's limit before anything is allocated for it. Pillow's
    warnings are silent inside the block. `file` is read in place of a new one on the same bytes.
    Not `sized`: a TIFF whose size whoever calls has bounded.
    """
    name = format_name(data)
    declared = _declared_size(name, data)
    if declared is not None and sized:
        check_size(name, *declared)
    with _pillow_silent():
        try:
            decoder = _DECODERS[name] if sized else _WideTiff
            with decoder(file or io.BytesIO(data)) as image:
                if sized:
                    check_size(name, image.height, image.width)
                if name == "JPEG":
                    _check_scans(data, image.height * image.width)
                yield image
        except InputError:
            raise
        except _PILLOW_ERRORS as error:
            raise _explained(error, name, data) from error


def bytes_to_decode(image: ImageFile) -> int:
    """Bytes that decoding a picture takes at most, its result included."""
    name = {"WEBP": "WebP", "JPEG2000": "JPEG 2000"}.get(image.format or "", image.format or "")
    return image.height * image.width * _BYTES_A_PIXEL.get(name, 8)


def check_size(name: str, height: int, width: int) -> None:
    """InputError unless a picture of (height, width) pixels has some, and at most the limit.

    >>> check_size("PNG", 3000, 4000)
    """
    if height <= 0 or width <= 0:
        what = f"The {name} file declares {height:,} × {width:,} pixels (rows × columns)."
        raise InputError(what, remedy=_SAVE_AGAIN)
    most = _MOST_PIXELS.get(name, MAX_PIXELS)
    if height * width > most:
        what = (
            f"The {name} file declares {height:,} × {width:,} pixels (rows × columns), "
            f"{height * width / 1e6:,.1f} megapixels; at most {most / 1e6:,.0f} are read"
        )
        as_other = (
            f" of {name}; as JPEG or PNG {MAX_PIXELS / 1e6:,.0f}" if most < MAX_PIXELS else ""
        )
        raise InputError(f"{what}{as_other}.", remedy=_REDUCE)


def _check_scans(data: bytes, n_pixels: int) -> None:
    """InputError for a JPEG of more scans than a picture needs: each costs the whole picture."""
    n_scans = data.count(b"\xff\xda")
    most = min(MOST_SCANS, MOST_SCANNED_PIXELS // n_pixels)
    if n_scans > most:
        what = (
            f"The JPEG file has {n_scans:,} scans of {n_pixels / 1e6:,.1f} megapixels; at most "
            f"{most:,} are read."
        )
        raise InputError(what, remedy="Save it anew from an image editor, not progressive.")


def _declared_size(name: str, data: bytes) -> tuple[int, int] | None:
    """(height, width) of a header, where it stands at a fixed place; else None."""
    with suppress(struct.error):
        if name == "PNG":
            width, height = struct.unpack_from(">II", data, 16)
            return height, width
        if name == "GIF":
            width, height = struct.unpack_from("<HH", data, 6)
            # a screen of 0 is common in old files: Pillow then takes the first frame's size
            return (height, width) if height and width else None
        if name == "BMP":
            old = struct.unpack_from("<I", data, 14) == (12,)
            width, height = struct.unpack_from("<HH" if old else "<ii", data, 18)
            return abs(height), width  # a negative height means stored from the top
        if name == "WebP":
            return _declared_webp_size(data)
        if name == "JPEG 2000" and data.startswith(b"\xff\x4f"):
            right, bottom, left, top = struct.unpack_from(">IIII", data, 8)
            return bottom - top, right - left
    return None


def _declared_webp_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) of a WebP canvas; source: RFC 9649, sections 2.5 to 2.7."""
    kind = data[12:16]
    if kind == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", data, 24)
        return low_h + (high_h << 16) + 1, low_w + (high_w << 16) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return height & 0x3FFF, width & 0x3FFF


@contextmanager
def _pillow_silent() -> Iterator[None]:
    """Ignore Pillow's warnings, and no others, without warnings.catch_warnings.

    catch_warnings restores the whole list of filters and so undoes what another thread has changed
    meanwhile. One entry of our own, unlike any other thread's, is added and taken away instead.
    """
    module = rf"PIL\.(?#{threading.get_ident()})"
    warnings.filterwarnings("ignore", module=module)
    ours = warnings.filters[0]
    try:
        yield
    finally:
        with suppress(ValueError):  # another thread may have restored a list without our entry
            cast("list[object]", warnings.filters).remove(ours)


def _explained(error: BaseException, name: str, data: bytes) -> InputError:
    """The InputError for one of Pillow's errors about a file of the format named."""
    if isinstance(error, MemoryError):
        what = f"There is not enough memory to decode this {name} file."
        return InputError(what, remedy="Reduce it in an image editor first.")
    if isinstance(error, Image.DecompressionBombError):
        most = MAX_PIXELS / 1e6
        what = f"The {name} file declares more than {most:,.0f} megapixels, the most read."
        return InputError(what, remedy=_REDUCE)
    directory = first_directory(data) if name == "TIFF" else None
    if directory is not None and isinstance(error, SyntaxError) and "mode" in str(error):
        return not_read(directory)
    if "truncated" in str(error).lower() or _ends_early(name, data):
        what = f"The {name} file ends too early, after {len(data):,} bytes: it is truncated."
        return InputError(what, remedy=_SAVE_AGAIN)
    said = " ".join(str(error).split())[:120] or type(error).__name__
    what = f"The {name} file ({len(data):,} bytes) is damaged or of a kind not read here ({said})."
    return InputError(what, remedy=_SAVE_AGAIN)


def _ends_early(name: str, data: bytes) -> bool:
    """Whether the last bytes show that the end of the file is missing."""
    if name == "WebP":
        return len(data) < 12 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data)
    if name == "BMP":
        return len(data) < 26 or struct.unpack_from("<I", data, 2)[0] > len(data)
    ends = {"PNG": b"IEND", "JPEG": b"\xff\xd9", "GIF": b";", "JPEG 2000": b"\xff\xd9"}
    return name in ends and ends[name] not in data[-16:]
