"""What the first bytes of a file say, and opening it with Pillow without Pillow's surprises.

Pillow decides by trying, answers in a dozen kinds of exception, warns on standard error and
allocates some canvases before it can be asked for their size. Here the format and the declared
size are read first, one decoder is chosen, and whatever goes wrong becomes one InputError.
"""

from __future__ import annotations

import io
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import cast

from PIL import Image, ImageCms
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from rfviz.conv.spec import InputError

MAX_PIXELS = 100_000_000

READABLE = "JPEG, PNG, WebP, GIF, BMP or TIFF"
_SAVE_AGAIN = "Copy or download it again, or save it anew from an image editor."
_SAVE_AS = f"Save the picture as {READABLE} and load that."

_DECODERS: MappingProxyType[str, Callable[[io.BytesIO], ImageFile]] = MappingProxyType(
    {
        "JPEG": JpegImageFile,  # of a multi-picture JPEG (MPO), the first picture
        "PNG": PngImageFile,
        "GIF": GifImageFile,
        "BMP": BmpImageFile,
        "TIFF": TiffImageFile,
        "WebP": WebPImageFile,
    }
)

_SIGNATURES = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"GIF8[79]a", "GIF"),
    (rb"BM", "BMP"),
    (rb"II[*+]\0|MM\0[*+]|II\0\*|MM\*\0", "TIFF"),
    (rb"RIFF....WEBP", "WebP"),
)

_FOREIGN_SIGNATURES = (
    (rb"%PDF", "a PDF document"),
    (rb"....ftyp(?:hei|hev|mif1|msf1)", "a HEIC or HEIF photograph"),
    (rb"....ftypavi[fs]", "an AVIF picture"),
    (rb"....ftyp", "a video (MP4 or QuickTime)"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (rb"\x93NUMPY", "a NumPy array (.npy)"),
    (rb"PK\x03\x04|PK\x05\x06", "a ZIP archive (also .docx, .npz and .pt are ZIP archives)"),
    (rb"\x1f\x8b", "a gzip archive"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (rb"Rar!", "a RAR archive"),
    (rb"8BPS", "a Photoshop document"),
    (rb"\0\0[\x01\x02]\0", "an icon or cursor (.ico, .cur)"),
    (rb"P[1-7]\s", "a portable anymap (.pbm, .pgm, .ppm)"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript document"),
    (rb"\x89HDF", "an HDF5 file"),
    (rb"SIMPLE  =", "a FITS file"),
    (rb"RIFF....(?:WAVE|AVI )", "a sound or video file (RIFF)"),
    (rb"\x7fELF|MZ", "a program"),
    (
        rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg",
        "an SVG drawing",
    ),
    (rb"(?i:(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html))", "an HTML page"),
    (rb"(?:\xef\xbb\xbf)?\s*<\?xml", "an XML document"),
)

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
    """Name of the format of a file's bytes, one of JPEG, PNG, GIF, BMP, TIFF and WebP.

    InputError says what the bytes look like when they are none of these.

    >>> format_name(b"GIF89a")
    'GIF'
    """
    if not data:
        raise InputError("The file is empty: it has 0 bytes.", remedy="Choose another file.")
    for pattern, name in _SIGNATURES:
        if re.match(pattern, data, re.DOTALL):
            return name
    head = bytes(data[:1024])
    for pattern, name in _FOREIGN_SIGNATURES:
        if re.match(pattern, head, re.DOTALL):
            raise InputError(f"The file is {name}, which is not read here.", remedy=_SAVE_AS)
    start = " ".join(f"{byte:02x}" for byte in head[:8])
    what = f"The file is not a picture that is read here: its first bytes are {start}."
    raise InputError(what, remedy=_SAVE_AS)


@contextmanager
def opened(data: bytes) -> Iterator[ImageFile]:
    """The first frame of a picture file, decoded; Pillow's errors in the block become InputError.

    The size is checked against MAX_PIXELS before anything is allocated for it. Pillow's warnings
    are silent inside the block.
    """
    name = format_name(data)
    declared = _declared_size(name, data)
    if declared is not None:
        check_size(name, *declared)
    with _pillow_silent():
        try:
            with _DECODERS[name](io.BytesIO(data)) as image:
                check_size(name, image.height, image.width)
                image.load()
                yield image
        except InputError:
            raise
        except _PILLOW_ERRORS as error:
            raise _explained(error, name, data) from error


def check_size(name: str, height: int, width: int) -> None:
    """InputError unless a picture of (height, width) pixels has some and at most MAX_PIXELS.

    >>> check_size("PNG", 3000, 4000)
    """
    if height <= 0 or width <= 0:
        what = f"The {name} file declares {height:,} × {width:,} pixels (rows × columns)."
        raise InputError(what, remedy=_SAVE_AGAIN)
    if height * width > MAX_PIXELS:
        what = (
            f"The {name} file declares {height:,} × {width:,} pixels (rows × columns), "
            f"{height * width / 1e6:,.1f} megapixels; at most {MAX_PIXELS / 1e6:,.0f} are read."
        )
        raise InputError(what, remedy="Reduce or crop it in an image editor first.")


def _declared_size(name: str, data: bytes) -> tuple[int, int] | None:
    """(height, width) of a header, where it stands at a fixed place; None for JPEG and TIFF."""
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
        return InputError(
            f"There is not enough memory to decode this {name} file.",
            remedy="Reduce it in an image editor first.",
        )
    if isinstance(error, Image.DecompressionBombError):
        what = (
            f"The {name} file declares more than {MAX_PIXELS / 1e6:,.0f} megapixels, the most read."
        )
        return InputError(what, remedy="Reduce or crop it in an image editor first.")
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
    ends = {"PNG": b"IEND", "JPEG": b"\xff\xd9", "GIF": b";"}
    return name in ends and ends[name] not in data[-16:]
