"""Whatever the bytes are, the answer is a picture or a sentence: no other error, no warning."""

import io
import random
import struct
import subprocess
import sys
import threading
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import skimage
import torch
from PIL import Image
from processor_time import is_done_within
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.io.pictures.files import MAX_PIXELS, format_name
from rfviz.io.pictures.picture import load_picture

KINDS: dict[str, dict[str, Any]] = {
    "JPEG": {},
    "JPEG progressive": {"progressive": True},
    "PNG": {},
    "WEBP": {},
    "WEBP lossless": {"lossless": True},
    "GIF": {},
    "BMP": {},
    "TIFF": {},
    "TIFF deflate": {"compression": "tiff_adobe_deflate"},
    "TIFF lzw": {"compression": "tiff_lzw"},
    "TIFF jpeg": {"compression": "jpeg"},
    "AVIF": {},
    "JPEG2000": {},
}


def photo_file(kind: str) -> bytes:
    file = io.BytesIO()
    with Image.open(Path(skimage.data.__path__[0]) / "astronaut.png") as image:
        image.crop((170, 80, 290, 180)).save(file, kind.split(maxsplit=1)[0], **KINDS[kind])
    return file.getvalue()


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + payload))
    return struct.pack(">I", len(payload)) + kind + payload + check


def png_bomb(width: int, height: int, payload: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", payload) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def real_png_bomb(side: int) -> bytes:
    """All the rows of a side x side 1-bit picture, in about a thousandth of their size."""
    return png_bomb(side, side, zlib.compress(bytes((side // 8 + 1) * side), 9))


def gif(width: int, height: int, frame_width: int, frame_height: int) -> bytes:
    """A GIF with a screen and one frame whose pixel data ends at once."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF0, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, frame_width, frame_height, 0)
    return head + frame + b"\x02\x02\x4c\x01\x00;"


def bmp(width: int, height: int, *, compression: int = 0) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 1078, 0, 0, 1078) + info + bytes(1024)


def tiff(width: int, height: int, **tags: int) -> bytes:
    """A grey TIFF without its pixels, and with other tags (as t258=16)."""
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 4}
    entries |= {int(name[1:]): value for name, value in tags.items()}
    body = b"".join(struct.pack("<HHII", tag, 4, 1, entries[tag]) for tag in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + b"\0\0\0\0"


def webp_canvas(width: int, height: int) -> bytes:
    low = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + low
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def jpeg_of_size(width: int, height: int) -> bytes:
    data = bytearray(photo_file("JPEG"))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


BOMBS = {
    "PNG header": png_bomb(100_000, 100_000),
    "PNG largest header": png_bomb(2**31 - 1, 2**31 - 1),
    "PNG real": real_png_bomb(30_000),
    "PNG just past the limit": png_bomb(10_001, 10_000),
    "PNG past Pillow's warning": png_bomb(11_000, 11_000),
    "JPEG": jpeg_of_size(65_535, 65_535),
    "JPEG just past the limit": jpeg_of_size(10_001, 10_000),
    "GIF screen": gif(65_535, 65_535, 1, 1),
    "GIF frame": gif(10, 10, 65_535, 65_535),
    "GIF frame past Pillow's warning": gif(10, 10, 11_000, 11_000),
    "BMP": bmp(60_000, 60_000),
    "BMP upside down": bmp(60_000, -60_000),
    "BMP runs": bmp(60_000, 60_000, compression=1),
    "TIFF": tiff(4_000_000_000, 4_000_000_000),
    "TIFF just past the limit": tiff(10_001, 10_000),
    "WebP canvas": webp_canvas(65_535, 65_535),
    "WebP largest canvas": webp_canvas(2**24, 2**24),
}


def dice(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - breaks files, keeps no secret


def check_sentence(error: InputError) -> None:
    sentence = str(error)
    assert len(sentence) < 400
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert error.remedies


def answer_to(data: bytes) -> Tensor | None:
    """The picture, or None after a sentence; any other error and any warning fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            picture = load_picture(data)
        except InputError as error:
            check_sentence(error)
            return None
    assert picture.dtype == torch.uint8
    assert picture.ndim == 3
    assert picture.shape[0] in (1, 3)
    assert picture.numel() > 0
    return picture


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_at_every_tenth_of_its_length(kind: str) -> None:
    data = photo_file(kind)
    for tenth in range(1, 10):
        answer_to(data[: len(data) * tenth // 10])
    if not kind.startswith("TIFF"):
        with pytest.raises(InputError, match=r"ends too early, after .* it is truncated"):
            load_picture(data[: len(data) // 2])


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_within_its_header(kind: str) -> None:
    data = photo_file(kind)
    for length in range(1, 60):
        assert answer_to(data[:length]) is None


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits(kind: str) -> None:
    choose = dice(kind)
    whole = photo_file(kind)
    for trial in range(40):
        data = bytearray(whole)
        reach = len(data) if trial % 2 else min(len(data), 200)
        for _ in range(1 + trial % 4):
            data[choose.randrange(reach)] ^= 1 << choose.randrange(8)
        answer_to(bytes(data))


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_one_file_in_another(kind: str) -> None:
    choose = dice(kind)
    data = photo_file(kind)
    for other in KINDS:
        inserted = photo_file(other)
        start = choose.randrange(8, len(data))
        answer_to(data[:start] + inserted + data[start:])
        answer_to(data[:12] + inserted[12:])


def test_random_bytes_with_and_without_a_signature() -> None:
    choose = dice("bytes")
    starts = [b"", *(photo_file(kind)[:12] for kind in KINDS)]
    for start in starts:
        for length in (1, 7, 100, 3000):
            assert answer_to(start + choose.randbytes(length)) is None


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(InputError, match="megapixels"):
        load_picture(BOMBS[name])
    assert answer_to(BOMBS[name]) is None


def test_bomb_names_its_numbers() -> None:
    with pytest.raises(InputError, match=r"30,000 × 30,000 .* 900\.0 megapixels; at most 100 are"):
        load_picture(BOMBS["PNG real"])


def peak_of_loading(folder: Path) -> tuple[float, list[str]]:
    """Megabytes by which loading a folder raises a fresh process's peak, and the answers."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak is read from /proc")
    command = [sys.executable, "-W", "error", "-c", _LOAD_ALL, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    *answers, peak = done.stdout.split()
    return float(peak), answers


def test_bombs_take_no_memory(tmp_path: Path) -> None:
    for index, data in enumerate(BOMBS.values()):
        (tmp_path / f"{index:02d}").write_bytes(data)
    peak, answers = peak_of_loading(tmp_path)
    assert answers == ["refused"] * len(BOMBS)
    assert peak < 60


@pytest.mark.parametrize(("kind", "orientation"), [("JPEG", 6), ("PNG", 1)])
def test_fifty_megapixels_peak_below_three_times_the_picture(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    """Pillow holds 4 bytes a pixel and the result 3; beside them there are only tiles."""
    exif = Image.Exif()
    exif[274] = orientation
    options = {"compress_level": 1} if kind == "PNG" else {}
    image = Image.linear_gradient("L").resize((8000, 6250)).convert("RGB")
    image.save(tmp_path / "picture", kind, exif=exif, **options)
    peak, answers = peak_of_loading(tmp_path)
    assert answers == ["3x6250x8000" if orientation == 1 else "3x8000x6250"]
    assert peak < 3 * (3 * 6250 * 8000 / 1e6)


def test_limit_itself_is_read() -> None:
    assert MAX_PIXELS == 10_000 * 10_000
    with pytest.raises(InputError, match=r"truncated|damaged"):
        load_picture(png_bomb(10_000, 10_000))


@pytest.mark.parametrize(("height", "width"), [(1, 60_000_000), (7, 9_000_000), (9_000_000, 1)])
def test_a_line_of_pixels_is_read_as_soon_as_a_square(height: int, width: int) -> None:
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "TIFF", compression="group4")

    def read() -> None:
        assert load_picture(file.getvalue()).shape == (1, height, width)

    assert is_done_within(4, read)


def webp_animation(width: int, height: int) -> bytes:
    """An animation of one small frame on a large canvas: half a kilobyte."""
    file = io.BytesIO()
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    data = bytearray(file.getvalue())
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def raw_tiff(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, "TIFF")
    return file.getvalue()


@pytest.mark.parametrize("size", [(2_000_000, 30), (1_000_000, 60)])
@pytest.mark.parametrize("make", [webp_animation, raw_tiff])
def test_rows_of_megabytes_are_not_copied_again_and_again(
    make: Callable[[int, int], bytes], size: tuple[int, int]
) -> None:
    data = make(*size)

    def read() -> None:
        assert load_picture(data).shape == (3, *size[::-1])

    assert is_done_within(8, read)


def bmff(brand: bytes, compatible: bytes = b"") -> bytes:
    """The first box of an ISO base media file, which names its brands."""
    return struct.pack(">I", 16 + len(compatible)) + b"ftyp" + brand + bytes(4) + compatible


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name in names:
            made.writestr(name, b"content")
    return file.getvalue()


FOREIGN = {
    "PDF": (b"%PDF-1.7", "a PDF document", "screenshot"),
    "HEIC": (bmff(b"heic"), "a HEIC or HEIF photograph", "Most Compatible"),
    "HEIC by its second name": (bmff(b"mif1", b"heic"), "a HEIC or HEIF photograph", "JPEG"),
    "CR3": (bmff(b"crx "), "a raw photograph of a Canon camera", "darktable"),
    "video": (bmff(b"isom"), r"a video \(MP4", "one frame"),
    "QuickTime": (bmff(b"qt  "), "a video", "one frame"),
    "Matroska": (b"\x1a\x45\xdf\xa3", "a video", "one frame"),
    "AVI": (b"RIFF\0\0\0\0AVI LIST", "a video", "one frame"),
    "sound": (b"RIFF\0\0\0\0WAVEfmt ", "a sound file", "Choose a picture"),
    "ZIP": (archive("a.txt"), "a ZIP archive", "Unpack it"),
    "docx": (archive("[Content_Types].xml", "word/document.xml"), "a text document", "export"),
    "xlsx": (archive("[Content_Types].xml", "xl/workbook.xml"), "a spreadsheet", "export"),
    "pptx": (archive("[Content_Types].xml", "ppt/slides.xml"), "a presentation", "export"),
    "PyTorch": (archive("net/data.pkl"), "a file of PyTorch weights", "under Weights"),
    "npz": (archive("weight.npy"), "NumPy arrays", "under Weights"),
    "npy": (b"\x93NUMPY\x01", "a NumPy array", "fromarray"),
    "pickle": (b"\x80\x02}q\0.", "a Python pickle", "under Weights"),
    "safetensors": (b'\x40\0\0\0\0\0\0\0{"w":', "a file of weights", "under Weights"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "under Weights"),
    "gzip": (b"\x1f\x8b\x08", "a gzip archive", "Unpack it"),
    "tar": (bytes(257) + b"ustar\0" + bytes(250), "a tar archive", "Unpack it"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'>", "an SVG drawing", "PNG"),
    "SVG after all": (
        b"<?xml version='1.0'?>\n<!-- drawn --><!DOCTYPE svg PUBLIC ''><SVG>",
        "an SVG drawing",
        "PNG",
    ),
    "HTML": (b"\xef\xbb\xbf<!DOCTYPE html><html>", "an HTML page", "not the page"),
    "HTML after a comment": (b" <!-- saved --> <html>", "an HTML page", "not the page"),
    "XML": (b"<?xml version='1.0'?><office/>", "an XML document", "JPEG, PNG"),
    "PSD": (b"8BPS\0\1", "a Photoshop document", "export"),
    "PPM": (b"P6\n3 3\n255\n", "a portable anymap", "JPEG, PNG"),
    "icon": (b"\0\0\x01\0\x01\0", "an icon", "JPEG, PNG"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript document", "PNG"),
    "JPEG XL": (b"\xff\x0a\0", "a JPEG XL picture", "JPEG, PNG"),
    "EXR": (b"\x76\x2f\x31\x01", "an OpenEXR picture", "JPEG, PNG"),
    "HDR": (b"#?RADIANCE\n", "a Radiance picture", "JPEG, PNG"),
    "DICOM": (bytes(128) + b"DICM", "a DICOM picture", "PNG or TIFF"),
    "NIfTI": (bytes(344) + b"n+1\0", "a NIfTI volume", "PNG or TIFF"),
    "FITS": (b"SIMPLE  =", "a FITS file", "PNG or TIFF"),
    "old Word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document", "export"),
    "RAF": (b"FUJIFILMCCD-RAW 0201", "a raw photograph of a Fujifilm", "darktable"),
    "words": (b"hello, world", "its first bytes are 68 65 6c 6c 6f 2c 20 77", "JPEG, PNG"),
    "zeros": (b"\0" * 20, "its first bytes are 00 00 00 00 00 00 00 00", "JPEG, PNG"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_another_kind_of_file_is_named_with_its_remedy(kind: str) -> None:
    data, words, remedy = FOREIGN[kind]
    with pytest.raises(InputError, match=words) as caught:
        load_picture(data)
    assert remedy in caught.value.remedies[0].label
    assert "damaged" not in str(caught.value)
    check_sentence(caught.value)


def raw_photograph(*entries: tuple[int, int, int], start: bytes = b"") -> bytes:
    """A camera's file: a TIFF whose first directory is a thumbnail of 4 x 4."""
    small = dict.fromkeys((256, 257), 4) | {258: 8, 259: 1, 262: 1, 277: 1, 278: 4, 279: 16}
    tags = {tag: (4, value) for tag, value in small.items()}
    tags |= {tag: (kind, value) for tag, kind, value in entries}
    head = b"II*\0" + struct.pack("<I", 8 + len(start)) + start
    tags[273] = (4, len(head) + 6 + 12 * (len(tags) + 1))
    body = b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in sorted(tags.items())
    )
    return head + struct.pack("<H", len(tags)) + body + bytes(4) + bytes(16)


@pytest.mark.parametrize(
    "data",
    [
        raw_photograph((50706, 1, 1)),
        raw_photograph((254, 4, 1), (271, 2, 0), (330, 4, 8)),
        raw_photograph(start=b"CR\x02\0" + bytes(4)),
    ],
    ids=["DNG", "NEF and ARW", "CR2"],
)
def test_thumbnail_of_a_raw_photograph_is_not_taken_for_it(data: bytes) -> None:
    with pytest.raises(InputError, match=r"raw photograph.*darktable"):
        load_picture(data)
    assert load_picture(raw_photograph()).shape == (1, 4, 4)


def seconds_to_name(data: bytes) -> float:
    """Processor seconds, the least of three, for saying what a file is."""
    taken = []
    for _ in range(3):
        begun = time.process_time()
        with suppress(InputError):
            format_name(data)
        taken.append(time.process_time() - begun)
    return min(taken)


@pytest.mark.parametrize(
    "unit",
    [b"<!---->", b"<!-- ", b"<?xml", b" ", b"<!DOCTYPE svg", b"\xef\xbb\xbf", b"<", b"--><!--",
     b"PK\x03\x04", b"\0\0\0\xffftyp", b"P1 ", b"<?xml version='1.0'?>"],
)  # fmt: skip
def test_naming_a_file_takes_no_longer_for_a_longer_one(unit: bytes) -> None:
    """Doubling from 1 to 512 kB: no pattern goes over the bytes twice."""
    for power in range(10):
        length = 1024 << power
        whole = unit * (length // len(unit) + 1)
        assert seconds_to_name(whole) < 0.02, f"{length} bytes"
        assert seconds_to_name(b"<?xml version='1.0'?>" + whole) < 0.02, f"{length} bytes"


def test_empty_file_is_named() -> None:
    with pytest.raises(InputError, match="empty: it has 0 bytes"):
        load_picture(b"")


@pytest.mark.parametrize("wrong", ["picture.png", None, 3, ["a"]])
def test_what_is_not_bytes_is_named(wrong: Any) -> None:
    with pytest.raises(InputError, match=f"got {type(wrong).__name__}"):
        load_picture(wrong)


@pytest.mark.parametrize(
    "data",
    [png_bomb(0, 5), png_bomb(5, 0), bmp(0, 4), tiff(0, 3), gif(0, 0, 0, 0), jpeg_of_size(0, 4)],
    ids=["PNG", "PNG rows", "BMP", "TIFF", "GIF", "JPEG"],
)
def test_picture_without_pixels_is_refused(data: bytes) -> None:
    assert answer_to(data) is None


def test_png_with_huge_text_is_refused_or_read_within_bounds() -> None:
    text = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    whole = photo_file("PNG")
    answer_to(whole[:33] + png_chunk(b"zTXt", text) + whole[33:])
    answer_to(whole[:33] + png_chunk(b"iCCP", text) + whole[33:])
    answer_to(whole[:33] + png_chunk(b"tEXt", b"Comment\0" + bytes(3_000_000)) * 30 + whole[33:])


def test_odd_png_chunks() -> None:
    whole = photo_file("PNG")
    for kind in b"acTL fcTL fdAT gAMA cHRM pHYs tRNS eXIf iTXt PLTE tIME call".split():
        for payload in (b"", b"\0", b"\0" * 8, b"\xff" * 40, b"\0" * 8 + b"\xff" * 20):
            answer_to(whole[:33] + png_chunk(kind, payload) * 2 + whole[33:])


@pytest.mark.parametrize("tag", [*range(254, 285), 317, 320, 322, 323, 330, 338, 339, 347, 530])
def test_odd_tiff_tags(tag: int) -> None:
    tiled = {"t322": 16, "t323": 16, "t324": 8, "t325": 4}
    for value in (0, 1, 2, 3, 5, 6, 7, 8, 9, 16, 32, 64, 34712, 65535, 2**31, 2**32 - 1):
        odd = {f"t{tag}": value}
        answer_to(tiff(4, 4, **odd) + bytes(64))
        answer_to(tiff(4, 4, **(tiled | odd)) + bytes(300))


def test_warnings_of_pillow_are_silent_in_every_thread() -> None:
    """Nothing is warned about, and the filters are afterwards what they were."""
    whole = photo_file("PNG")
    data = whole[:33] + png_chunk(b"acTL", bytes(8)) * 2 + whole[33:]
    failures = []

    def load_often() -> None:
        for _ in range(20):
            try:
                load_picture(data)
            except Warning as warning:
                failures.append(warning)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters = list(warnings.filters)
        threads = [threading.Thread(target=load_often) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert warnings.filters == filters
    assert failures == []


_LOAD_ALL = """
import sys
from pathlib import Path
from rfviz.conv.errors import InputError
from rfviz.io.pictures.picture import load_picture

def peak() -> None:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6

files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
before = peak()
for data in files:
    try:
        sys.stdout.write("x".join(str(size) for size in load_picture(data).shape) + " ")
    except InputError:
        sys.stdout.write("refused ")
sys.stdout.write(str(peak() - before))
"""
