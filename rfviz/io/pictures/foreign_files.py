"""What a file is that is not read here, by its first bytes, and what to do to have it read.

Nothing is decoded and nothing is matched that could backtrack: fixed bytes at fixed places, and for
text the first word that is neither blank, comment nor declaration, in a head of limited length.
"""

from __future__ import annotations

from typing import NamedTuple

READABLE = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or JPEG 2000"
SAVE_AS = f"Save the picture as {READABLE} and load that"
_HEAD = 4096

_WEIGHTS = "For weights choose File under Weights, further down"
_EXPORT = f"Open it in the program that it is from and export the picture as {READABLE}"
_PAGE = "Export the page as PNG, or take a screenshot of it"
_DEVELOP = (
    "Develop it in a photo program (such as darktable or RawTherapee) to TIFF, or save the "
    "camera's own JPEG"
)
_STILL = "Save one frame of it as PNG, for example with ffmpeg -i FILE -frames:v 1 frame.png"
_UNPACK = "Unpack it and choose the picture inside"
_HEIC = (
    "Save it as JPEG: Photos and Preview on a Mac export it, and an iPhone shoots JPEG after "
    "Settings, Camera, Formats, Most Compatible"
)
_ARRAY = (
    "Save one image of it as PNG or TIFF, for example with "
    "PIL.Image.fromarray(array).save('picture.png')"
)


class Foreign(NamedTuple):
    """A kind of file that is not read as a picture: its name in a sentence, and the remedy."""

    name: str
    remedy: str


# (offset, bytes, what it is); the first that matches is taken
_SIGNATURES: tuple[tuple[int, bytes, Foreign], ...] = (
    (0, b"%PDF", Foreign("a PDF document", _PAGE)),
    (0, b"\xff\x0a", Foreign("a JPEG XL picture", SAVE_AS)),
    (0, b"\0\0\0\x0cJXL ", Foreign("a JPEG XL picture", SAVE_AS)),
    (0, b"\x93NUMPY", Foreign("a NumPy array (.npy)", f"{_ARRAY}. {_WEIGHTS}")),
    (0, b"\x1f\x8b", Foreign("a gzip archive", _UNPACK)),
    (0, b"BZh", Foreign("a bzip2 archive", _UNPACK)),
    (0, b"\xfd7zXZ\0", Foreign("an xz archive", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", Foreign("a Zstandard archive", _UNPACK)),
    (0, b"7z\xbc\xaf\x27\x1c", Foreign("a 7-Zip archive", _UNPACK)),
    (0, b"Rar!", Foreign("a RAR archive", _UNPACK)),
    (257, b"ustar", Foreign("a tar archive", _UNPACK)),
    (0, b"8BPS", Foreign("a Photoshop document (.psd)", _EXPORT)),
    (0, b"gimp xcf", Foreign("a GIMP document (.xcf)", _EXPORT)),
    (0, b"\0\0\x01\0", Foreign("an icon (.ico)", SAVE_AS)),
    (0, b"\0\0\x02\0", Foreign("a cursor (.cur)", SAVE_AS)),
    (0, b"icns", Foreign("an icon (.icns)", SAVE_AS)),
    (0, b"DDS ", Foreign("a DirectDraw texture (.dds)", SAVE_AS)),
    (0, b"qoif", Foreign("a QOI picture", SAVE_AS)),
    (0, b"%!PS", Foreign("a PostScript document", _PAGE)),
    (0, b"\xc5\xd0\xd3\xc6", Foreign("a PostScript document (EPS)", _PAGE)),
    (0, b"\xd7\xcd\xc6\x9a", Foreign("a Windows metafile (.wmf)", _EXPORT)),
    (40, b" EMF", Foreign("a Windows metafile (.emf)", _EXPORT)),
    (0, b"\x89HDF", Foreign("an HDF5 file (.h5, Keras, MATLAB 7.3)", f"{_ARRAY}. {_WEIGHTS}")),
    (0, b"CDF", Foreign("a NetCDF file", _ARRAY)),
    (0, b"MATLAB 5.0", Foreign("a MATLAB file (.mat)", _ARRAY)),
    (0, b"SIMPLE  =", Foreign("a FITS file", _ARRAY)),
    (128, b"DICM", Foreign("a DICOM picture", f"Export it as PNG or TIFF. {_ARRAY}")),
    (344, b"n+1\0", Foreign("a NIfTI volume (.nii)", _ARRAY)),
    (344, b"ni1\0", Foreign("a NIfTI header", _ARRAY)),
    (4, b"n+2\0", Foreign("a NIfTI-2 volume (.nii)", _ARRAY)),
    (0, b"\x76\x2f\x31\x01", Foreign("an OpenEXR picture with high dynamic range", SAVE_AS)),
    (0, b"#?RADIANCE", Foreign("a Radiance picture with high dynamic range (.hdr)", SAVE_AS)),
    (0, b"#?RGBE", Foreign("a Radiance picture with high dynamic range (.hdr)", SAVE_AS)),
    (0, b"FUJIFILMCCD-RAW", Foreign("a raw photograph of a Fujifilm camera (.raf)", _DEVELOP)),
    (0, b"IIRO", Foreign("a raw photograph of an Olympus camera (.orf)", _DEVELOP)),
    (0, b"IIRS", Foreign("a raw photograph of an Olympus camera (.orf)", _DEVELOP)),
    (0, b"MMOR", Foreign("a raw photograph of an Olympus camera (.orf)", _DEVELOP)),
    (0, b"IIU\0", Foreign("a raw photograph of a Panasonic camera (.rw2)", _DEVELOP)),
    (0, b"\0MRM", Foreign("a raw photograph of a Minolta camera (.mrw)", _DEVELOP)),
    (0, b"FOVb", Foreign("a raw photograph of a Sigma camera (.x3f)", _DEVELOP)),
    (0, b"II\x1a\0\0\0HEAPCCDR", Foreign("a raw photograph of a Canon camera (.crw)", _DEVELOP)),
    (8, b"WAVE", Foreign("a sound file (.wav)", "Choose a picture")),
    (8, b"AVI ", Foreign("a video (.avi)", _STILL)),
    (0, b"\x1a\x45\xdf\xa3", Foreign("a video (Matroska or WebM)", _STILL)),
    (0, b"\0\0\x01\xba", Foreign("a video (MPEG)", _STILL)),
    (0, b"\0\0\x01\xb3", Foreign("a video (MPEG)", _STILL)),
    (0, b"FLV\1", Foreign("a video (Flash)", _STILL)),
    (0, b"OggS", Foreign("a sound or video file (Ogg)", _STILL)),
    (0, b"ID3", Foreign("a sound file (.mp3)", "Choose a picture")),
    (0, b"fLaC", Foreign("a sound file (.flac)", "Choose a picture")),
    (0, b"\x7fELF", Foreign("a program", "Choose a picture")),
    (0, b"MZ", Foreign("a program for Windows", "Choose a picture")),
    (0, b"\xcf\xfa\xed\xfe", Foreign("a program for macOS", "Choose a picture")),
    (0, b"SQLite format 3", Foreign("a database (SQLite)", "Choose a picture")),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Foreign("an office document of the old kind (.doc, .xls, .ppt)", _EXPORT),
    ),
    (0, b"{\\rtf", Foreign("a text document (RTF)", _EXPORT)),
    (0, b"AT&TFORM", Foreign("a DjVu document", _PAGE)),
    (0, b"\x80\x02", Foreign("a Python pickle, perhaps weights (.pt, .pth)", _WEIGHTS)),
    (0, b"\x80\x04", Foreign("a Python pickle, perhaps weights (.pt, .pth)", _WEIGHTS)),
    (8, b'{"', Foreign("a file of weights (.safetensors)", _WEIGHTS)),
)

_BRANDS: tuple[tuple[tuple[bytes, ...], Foreign], ...] = (
    ((b"hei", b"hev", b"mif1", b"msf1"), Foreign("a HEIC or HEIF photograph", _HEIC)),
    ((b"crx ",), Foreign("a raw photograph of a Canon camera (.cr3)", _DEVELOP)),
    ((b"M4A",), Foreign("a sound file (.m4a)", "Choose a picture")),
    ((b"",), Foreign("a video (MP4 or QuickTime)", _STILL)),
)

_IN_ARCHIVES: tuple[tuple[bytes, Foreign], ...] = (
    (b"word/", Foreign("a text document (.docx)", _EXPORT)),
    (b"xl/", Foreign("a spreadsheet (.xlsx)", _EXPORT)),
    (b"ppt/", Foreign("a presentation (.pptx)", _EXPORT)),
    (b"[Content_Types].xml", Foreign("an office document (.docx, .xlsx or .pptx)", _EXPORT)),
    (b"mimetypeapplication/vnd.oasis", Foreign("an OpenDocument file (.odt, .ods)", _EXPORT)),
    (b"data.pkl", Foreign("a file of PyTorch weights (.pt, .pth)", _WEIGHTS)),
    (b".npy", Foreign("NumPy arrays (.npz)", f"{_ARRAY}. {_WEIGHTS}")),
)
_ARCHIVE = Foreign("a ZIP archive (also .docx, .npz and .pt are ZIP archives)", _UNPACK)

_OPENINGS: tuple[tuple[bytes, Foreign], ...] = (
    (b"<svg", Foreign("an SVG drawing", f"Export it as PNG. {SAVE_AS}")),
    (b"<html", Foreign("an HTML page", f"Save the picture on it, not the page. {SAVE_AS}")),
    (b"<head", Foreign("an HTML page", f"Save the picture on it, not the page. {SAVE_AS}")),
    (b"<body", Foreign("an HTML page", f"Save the picture on it, not the page. {SAVE_AS}")),
)
_HTML = _OPENINGS[1][1]
_XML = Foreign("an XML document", SAVE_AS)
_BLANK = b" \t\r\n\f\v\0"
_ANYMAPS = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7", b"PF", b"Pf")


def foreign_file(data: bytes) -> Foreign | None:
    """What the bytes of a file are, where it is a known kind that is not read; else None.

    >>> foreign_file(b"%PDF-1.7").name
    'a PDF document'
    """
    head = bytes(data[:_HEAD])
    for offset, mark, foreign in _SIGNATURES:
        if head.startswith(mark, offset):
            return foreign
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return next(foreign for marks, foreign in _BRANDS if brand.startswith(marks))
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return next((foreign for mark, foreign in _IN_ARCHIVES if mark in head), _ARCHIVE)
    if head.startswith(_ANYMAPS) and head[2:3].isspace():
        return Foreign("a portable anymap (.pbm, .pgm, .ppm, .pfm)", SAVE_AS)
    return _markup(head)


def _markup(head: bytes) -> Foreign | None:
    """SVG, HTML or XML, by the first element after declarations and comments."""
    head = head.removeprefix(b"\xef\xbb\xbf")
    if head.startswith((b"\xff\xfe<\0", b"\xfe\xff\0<")):
        head = head[2:].replace(b"\0", b"")
    place = _past_blanks(head, 0)
    if head[place : place + 1] != b"<":
        return None
    declared = False
    while head.startswith((b"<!", b"<?"), place):
        word = head[place : place + 14].lower()
        if word.startswith(b"<!doctype html"):
            return _HTML
        declared = declared or word.startswith((b"<?xml", b"<!doctype"))
        end = b"-->" if word.startswith(b"<!--") else b">"
        found = head.find(end, place + 2)
        if found < 0:
            return _XML if declared else Foreign("a text with markup", SAVE_AS)
        place = _past_blanks(head, found + len(end))
    opening = head[place : place + 5].lower()
    for mark, foreign in _OPENINGS:
        if opening.startswith(mark):
            return foreign
    return _XML if declared else None


def _past_blanks(head: bytes, place: int) -> int:
    while place < len(head) and head[place] in _BLANK:
        place += 1
    return place
