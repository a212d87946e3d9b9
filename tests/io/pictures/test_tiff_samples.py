"""TIFF of every kind of number: order is kept, the range is said, and nothing wraps."""

import io
import struct
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.io.pictures.picture import load_picture
from rfviz.io.pictures.reading import read_apart

Order = Literal["<", ">"]
FORMATS = {"u": 1, "i": 2, "f": 3}
SAVED_BY_PILLOW = ["tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma"]


def tiff(
    values: NDArray[Any], *, order: Order = "<", rows: int | None = None, bits: int | None = None,
    big: bool = False, packed: bytes | None = None, **tags: int,
) -> bytes:  # fmt: skip
    """A TIFF of (height, width, bands) values by hand, in strips of so many rows."""
    height, width, n_bands = values.shape
    rows = rows or height
    kind = FORMATS[values.dtype.kind]
    raw = values.astype(values.dtype.newbyteorder(order)).tobytes() if packed is None else packed
    step = len(raw) // height * rows
    strips = [raw[start : start + step] for start in range(0, len(raw), step)]
    bits = bits or 8 * values.dtype.itemsize
    known = {256: [width], 257: [height], 258: [bits] * n_bands, 259: [1], 262: [1],
             277: [n_bands], 278: [rows], 279: [len(strip) for strip in strips],
             339: [kind] * n_bands}  # fmt: skip
    known |= {int(name[1:]): [value] for name, value in tags.items()}
    return with_directory(strips, known, order, big=big)


def with_directory(
    strips: list[bytes], tags: dict[int, list[int]], order: Order, *, big: bool
) -> bytes:
    number, size, kind = ("Q", 8, 16) if big else ("I", 4, 4)
    head = (b"II" if order == "<" else b"MM") + struct.pack(
        order + ("HHHQ" if big else "HI"), *((43, 8, 0, 16) if big else (42, 8))
    )
    tags[273] = [0] * len(strips)
    count = struct.pack(order + ("Q" if big else "H"), len(tags))
    tables_at = len(head) + len(count) + len(tags) * (4 + 2 * size) + size
    strips_at = tables_at + sum(size * len(v) for v in tags.values() if len(v) > 1)
    tags[273] = [strips_at + sum(map(len, strips[:nth])) for nth in range(len(strips))]
    entries, tables = b"", b""
    for tag in sorted(tags):
        values = struct.pack(f"{order}{len(tags[tag])}{number}", *tags[tag])
        if len(tags[tag]) > 1:
            values, place = struct.pack(order + number, tables_at + len(tables)), values
            tables += place
        entries += struct.pack(f"{order}HH{number}", tag, kind, len(tags[tag])) + values
    return head + count + entries + bytes(size) + tables + b"".join(strips)


def stretched(values: NDArray[Any]) -> Tensor:
    """Smallest 0, largest 255, linear between, in exact fractions of Python; (C, H, W)."""
    exact = [Fraction(value) for value in values.flatten().tolist()]
    low, high = min(exact), max(exact)
    grey = [round((value - low) * 255 / (high - low)) for value in exact]
    found = torch.tensor(grey, dtype=torch.uint8).view(*values.shape)
    return found.permute(2, 0, 1)[:3]


WHOLE = ["uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "float32", "float64"]


def ramp(dtype: str, n_bands: int = 1) -> NDArray[Any]:
    """Values over the whole range of a type, ends included, (12, 7, bands)."""
    count = 12 * 7 * n_bands
    if np.dtype(dtype).kind == "f":
        return np.linspace(-1000, 3000, count).astype(dtype).reshape(12, 7, n_bands)
    ends = np.iinfo(dtype)
    steps = [ends.min + (ends.max - ends.min) * nth // (count - 1) for nth in range(count)]
    return np.array(steps, dtype).reshape(12, 7, n_bands)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("rows", [12, 5, 1])
@pytest.mark.parametrize("dtype", [*WHOLE, *FLOATS])
def test_order_is_kept_over_the_whole_range_of_a_type(dtype: str, order: Order, rows: int) -> None:
    values = ramp(dtype)
    grey = load_picture(tiff(values, order=order, rows=rows)).flatten()
    assert (grey.int().diff() >= 0).all()
    assert (grey[0].item(), grey[-1].item()) == (0, 255)
    # 64-bit integers are more than float64 tells apart, which a value just between two may feel.
    off = 1 if dtype in {"int64", "uint64"} else 0
    torch.testing.assert_close(grey.int(), stretched(values).flatten().int(), rtol=0, atol=off)


@pytest.mark.parametrize(
    ("values", "grey"),
    [([0, 2**31 - 1, 2**31, 2**32 - 1], [0, 127, 128, 255]), ([7, 2**31, 7, 2**31], [0, 255] * 2)],
)
def test_numbers_past_31_bits_do_not_wrap(values: list[int], grey: list[int]) -> None:
    data = tiff(np.array(values, np.uint32).reshape(1, 4, 1))
    assert load_picture(data).flatten().tolist() == grey


@pytest.mark.parametrize("dtype", FLOATS)
def test_what_is_not_finite_takes_no_part_in_the_range(dtype: str) -> None:
    values = np.array([np.nan, -np.inf, 2, 3, 4, np.inf], dtype).reshape(1, 6, 1)
    assert load_picture(tiff(values)).flatten().tolist() == [0, 0, 0, 128, 255, 255]


def test_the_whole_range_of_float64_is_a_range() -> None:
    ends = np.finfo(np.float64)
    values = np.array([ends.min, 0, ends.max]).reshape(1, 3, 1)
    assert load_picture(tiff(values)).flatten().tolist() == [0, 128, 255]


@pytest.mark.parametrize("value", [0, 5, -3])
def test_a_constant_picture_is_black(value: int) -> None:
    assert load_picture(tiff(np.full((2, 2, 1), value, np.int32))).tolist() == [[[0, 0], [0, 0]]]


@pytest.mark.parametrize("bits", [3, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15])
def test_odd_depths_run_from_0_to_their_largest(bits: int) -> None:
    """12 bits of a camera: 4,095 is white."""
    values = np.linspace(0, 2**bits - 1, 21).astype(np.uint16).reshape(3, 7, 1)
    each = ["".join(f"{value:0{bits}b}" for value in row) for row in values.reshape(3, 7).tolist()]
    packed = b"".join(
        int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8), "big")
        for row in each
    )
    data = tiff(values, bits=bits, packed=packed)
    expected = [round(int(v) * 255 / (2**bits - 1)) for v in values.flatten()]
    assert load_picture(data).flatten().tolist() == expected


@pytest.mark.parametrize("n_bands", [2, 3, 4, 5, 8, 13])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
def test_of_many_bands_the_first_three_are_red_green_and_blue(dtype: str, n_bands: int) -> None:
    values = ramp(dtype, n_bands)
    loaded = load_picture(tiff(values, rows=5))
    used = values[:, :, : 3 if n_bands >= 3 else 1]
    if dtype.startswith("u"):
        scale = {"uint8": 1, "uint16": 257}[dtype]
        expected = torch.from_numpy(((used.astype(int) + scale // 2) // scale).astype(np.uint8))
        expected = expected.permute(2, 0, 1)
    else:
        expected = stretched_exactly(used)
    torch.testing.assert_close(loaded.int(), expected.int(), rtol=0, atol=0)


def stretched_exactly(values: NDArray[Any]) -> Tensor:
    low, high = float(values.min()), float(values.max())
    grey = np.rint((values.astype(np.float64) - low) / (high - low) * 255)
    return torch.from_numpy(grey.astype(np.uint8)).permute(2, 0, 1)


@pytest.mark.parametrize("compression", SAVED_BY_PILLOW)
@pytest.mark.parametrize("mode", ["F", "I"])
def test_compressed_numbers_are_those_stored(mode: str, compression: str) -> None:
    values = np.arange(600).reshape(20, 30) * (7 if mode == "I" else 0.25) - 900
    image = Image.fromarray(values.astype(np.int32 if mode == "I" else np.float32))
    file = io.BytesIO()
    image.save(file, "TIFF", compression=compression)
    expected = stretched_exactly(np.array(image)[:, :, None])
    torch.testing.assert_close(load_picture(file.getvalue()), expected, rtol=0, atol=0)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint32", "int16", "float32"])
def test_differences_of_a_predictor_are_summed(dtype: str, order: Order) -> None:
    """Predictor 2 by hand, wrapping as libtiff does."""
    values = ramp(dtype, 3)
    as_whole = values.view(f"u{values.dtype.itemsize}")
    differences = np.diff(as_whole, axis=1, prepend=np.zeros((12, 1, 3), as_whole.dtype))
    packed = differences.astype(as_whole.dtype.newbyteorder(order)).tobytes()
    data = tiff(values, order=order, packed=packed, t317=2, rows=5)
    torch.testing.assert_close(load_picture(data), stretched_exactly(values), rtol=0, atol=0)


def test_the_predictor_of_floats_is_undone() -> None:
    """Predictor 3: bytes of a row by significance, then differences of bytes."""
    values = ramp("float32")
    by_significance = values.astype(">f4").view(np.uint8).reshape(12, 7, 4).transpose(0, 2, 1)
    rows = by_significance.reshape(12, 28)
    packed = np.diff(rows, axis=1, prepend=np.zeros((12, 1), np.uint8)).tobytes()
    data = tiff(values, packed=packed, t317=3)
    torch.testing.assert_close(load_picture(data), stretched_exactly(values), rtol=0, atol=0)


def test_bands_in_planes_of_their_own() -> None:
    values = ramp("int16", 5)
    planes = np.ascontiguousarray(values.transpose(2, 0, 1)).reshape(60, 7, 1)
    data = bytearray(tiff(planes, rows=12))
    # The same strips, declared as five bands of 12 rows.
    tags = {256: [7], 257: [12], 258: [16] * 5, 259: [1], 262: [1], 277: [5], 278: [12],
            279: [168] * 5, 284: [2], 339: [2] * 5}  # fmt: skip
    raw = planes.astype("<i2").tobytes()
    strips = [raw[start : start + 168] for start in range(0, len(raw), 168)]
    data = bytearray(with_directory(strips, tags, "<", big=False))
    used = values[:, :, :3]
    torch.testing.assert_close(load_picture(data), stretched_exactly(used), rtol=0, atol=0)


@pytest.mark.parametrize("order", ["<", ">"])
def test_big_tiff(order: Order) -> None:
    values = ramp("float64")
    data = tiff(values, order=order, big=True, rows=5)
    torch.testing.assert_close(
        load_picture(tiff(ramp("uint8"), order=order, big=True)),
        torch.from_numpy(ramp("uint8")).permute(2, 0, 1),
        rtol=0,
        atol=0,
    )
    torch.testing.assert_close(load_picture(data), stretched_exactly(values), rtol=0, atol=0)


def test_0_is_white_and_orientation_are_minded() -> None:
    values = ramp("int16")
    grey = stretched_exactly(values)
    torch.testing.assert_close(load_picture(tiff(values, t262=0)), 255 - grey, rtol=0, atol=0)
    turned = load_picture(tiff(values, t274=6))
    torch.testing.assert_close(turned, grey.transpose(1, 2).flip(2), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff(np.array([[[0], [2**32 - 1]]], np.uint32)),
         "TIFF of 32-bit unsigned integers: 0 to 4,294,967,295 became 0 to 255."),
        (tiff(np.array([[[-1.5], [0.25]]], np.float64)), "64-bit floats: −1.5 to 0.25 became 0"),
        (tiff(ramp("uint8", 5)), "Of 5 bands the first three are read as red, green and blue."),
        (tiff(ramp("int16", 2)), "Of 2 bands the first is read as grey."),
        (tiff(ramp("int16"), t262=0), r"(white to black)"),
    ],
)  # fmt: skip
def test_the_range_is_said(data: bytes, words: str) -> None:
    assert words in read_apart(data).note


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff(ramp("float32"), t259=34887), "1 band of 32-bit floats, compressed by LERC"),
        (tiff(ramp("uint8", 5), t259=7), "5 bands of 8-bit unsigned integers, compressed by JPEG"),
        (tiff(ramp("float32"), bits=24), "24-bit floats"),
        (tiff(ramp("uint16"), t266=2, bits=12), "12-bit unsigned integers"),
        (tiff(ramp("float32"), t339=5), "32-bit numbers"),
    ],
    ids=["LERC", "JPEG of five bands", "24-bit floats", "bits turned", "complex"],
)
def test_a_layout_that_is_not_read_is_named_and_not_called_damaged(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        load_picture(data)
    assert "12 × 7 pixels" in str(caught.value)
    assert "damaged" not in str(caught.value)
    assert "Export it as 8-bit or 16-bit TIFF" in str(caught.value)


@pytest.mark.parametrize("tag", [273, 279, 258, 339, 324, 325])
def test_a_table_longer_than_any_picture_needs_is_refused(tag: int) -> None:
    data = bytearray(tiff(ramp("uint8")))
    start = next(
        place
        for place in range(10, 200, 12)
        if struct.unpack_from("<H", data, place)[0] in (tag, 339)
    )
    struct.pack_into("<HHI", data, start, tag, 3, 2**24)
    with pytest.raises(InputError, match=f"16,777,216 numbers in its tag {tag}"):
        load_picture(bytes(data))


@pytest.mark.parametrize(("tag", "kind"), [(273, 4), (279, 4), (273, 9), (279, 9), (273, 16)])
@pytest.mark.parametrize("value", [-1, 2**31, 10_000])
def test_parts_outside_the_file_are_said_to_be(tag: int, kind: int, value: int) -> None:
    """Negative, past 32 bits, or past the end, in each type that a table may have."""
    data = bytearray(tiff(ramp("int16"), big=kind == 16))
    step = 20 if kind == 16 else 12
    start = next(
        place
        for place in range(24 if kind == 16 else 10, 300, step)
        if struct.unpack_from("<H", data, place)[0] == tag
    )
    struct.pack_into("<H", data, start + 2, kind)
    struct.pack_into(
        "<q" if kind == 16 else "<i" if kind == 9 else "<I",
        data,
        start + step - (8 if kind == 16 else 4),
        value % 2**32 if kind == 4 else min(value, 2**31 - 1) if kind == 9 else value * 2**20,
    )
    with pytest.raises(InputError, match="said to lie outside it"):
        load_picture(bytes(data))


def test_more_bytes_than_fit_are_refused_before_they_are_asked_for() -> None:
    with pytest.raises(InputError, match=r"64-bit floats take 1,\d{3} MB; at most 800 are read"):
        load_picture(tiff(ramp("float64"), t256=10_000, t257=10_000, t277=2))
