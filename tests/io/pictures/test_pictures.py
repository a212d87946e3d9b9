import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
import torch
from PIL import Image, ImageCms, TiffImagePlugin
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.io.pictures.picture import (
    crop_picture,
    load_picture,
    picture_png,
    reduce_picture,
    to_grey,
)

PHOTOGRAPHS = Path(skimage.data.__path__[0])
LOSSLESS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "BMP": {},
    "TIFF": {},
    "WEBP": {"lossless": True, "exact": True},
}


def photo(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A part of a photograph in one of Pillow's modes."""
    with Image.open(PHOTOGRAPHS / "astronaut.png") as whole:
        image = whole.crop((180, 100, 180 + size[0], 100 + size[1]))
    if mode in ("LA", "RGBA", "PA", "La", "RGBa"):
        alpha = Image.linear_gradient("L").resize(size)
        image.putalpha(alpha)
        return image if mode == "RGBA" else image.convert(mode)
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")
        assert converted is not None
        return converted
    return image.convert(mode)


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels_of(image: Image.Image) -> Tensor:
    """Pillow's own pixels as (C, H, W)."""
    array = np.array(image)
    return torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1)


def on_white(channels: Tensor, alpha: Tensor) -> Tensor:
    """255 - (255 - value) * alpha / 255, by exact integers with halves impossible (255 is odd)."""
    return (255 - ((255 - channels.long()) * alpha.long() * 2 + 255) // 510).to(torch.uint8)


def expect(data: bytes, expected: Tensor) -> None:
    loaded = load_picture(data)
    assert loaded.dtype == torch.uint8
    assert loaded.is_contiguous()
    torch.testing.assert_close(loaded, expected, rtol=0, atol=0)


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + payload))
    return struct.pack(">I", len(payload)) + kind + payload + check


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, *extra: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = [png_chunk(b"IHDR", header), *extra, png_chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + png_chunk(b"IEND", b"")


def tiff(pixels: bytes, width: int, height: int, **tags: int) -> bytes:
    """A little-endian TIFF of one strip with the given tag numbers (as t258=16)."""
    entries = {256: width, 257: height, 259: 1, 277: 1, 278: height, 279: len(pixels)}
    entries |= {int(name[1:]): value for name, value in tags.items()}
    entries[273] = 8 + 2 + 12 * (len(entries) + 1) + 4
    body = b"".join(struct.pack("<HHII", tag, 4, 1, entries[tag]) for tag in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + b"\0\0\0\0" + pixels


@pytest.mark.parametrize("kind", LOSSLESS)
def test_colour_survives_lossless_formats(kind: str) -> None:
    expect(file_of(photo(), kind, **LOSSLESS[kind]), pixels_of(photo()))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "JPEG"])
def test_grey_stays_one_channel(kind: str) -> None:
    data = file_of(photo("L"), kind)
    expect(data, pixels_of(Image.open(io.BytesIO(data)).convert("L")))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_one_bit_becomes_0_and_255(kind: str) -> None:
    expect(file_of(photo("1"), kind), pixels_of(photo("1").convert("L")))


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("WEBP", "RGB"), ("JPEG", "CMYK")])
def test_lossy_formats_equal_pillow(kind: str, mode: str) -> None:
    data = file_of(photo(mode), kind)
    expect(data, pixels_of(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize(
    "name", ["astronaut.png", "camera.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg"]
)
def test_photographs_equal_pillow(name: str) -> None:
    with Image.open(PHOTOGRAPHS / name) as image:
        expect((PHOTOGRAPHS / name).read_bytes(), pixels_of(image))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB", "RGBX"])
def test_other_colour_spaces_become_red_green_blue(mode: str) -> None:
    data = file_of(photo(mode), "TIFF")
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode in (mode, "RGB")
        expect(data, pixels_of(image.convert("RGB")))


def test_lab_comes_back_as_the_photograph() -> None:
    difference = load_picture(file_of(photo("LAB"), "TIFF")).int() - pixels_of(photo()).int()
    assert difference.abs().max() <= 6


def test_adobe_cmyk_jpeg_is_not_inverted() -> None:
    """Photoshop stores CMYK in JPEG inverted, and so does Pillow: white paper has to stay white."""
    white, cyan = Image.new("CMYK", (8, 8), 0), Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    assert load_picture(file_of(white, "JPEG")).min() >= 253
    mean = load_picture(file_of(cyan, "JPEG")).double().mean((1, 2))
    torch.testing.assert_close(mean, torch.tensor([0.0, 255, 255]).double(), atol=3, rtol=0)


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("RGBA", "TIFF"), ("RGBA", "WEBP")])
def test_alpha_is_laid_over_white(mode: str, kind: str) -> None:
    image = photo(mode)
    channels = pixels_of(image)
    data = file_of(image, kind, **LOSSLESS[kind])
    expect(data, on_white(channels[:3], channels[3]))


@pytest.mark.parametrize(("mode", "kind"), [("LA", "PNG"), ("LA", "TIFF")])
def test_grey_with_alpha_stays_one_channel(mode: str, kind: str) -> None:
    channels = pixels_of(photo(mode))
    expect(file_of(photo(mode), kind), on_white(channels[:1], channels[1]))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_palette_is_looked_up(kind: str) -> None:
    image = photo().quantize(40)
    expect(file_of(image, kind), pixels_of(image.convert("RGB")))


def test_palette_of_greys_is_one_channel() -> None:
    image = photo("L").quantize(16)
    expect(file_of(image, "PNG"), pixels_of(image.convert("L")))


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_transparent_palette_entry_is_white(kind: str) -> None:
    image = photo().quantize(40)
    data = file_of(image, kind, transparency=3)
    shown = pixels_of(image.convert("RGB"))
    with Image.open(io.BytesIO(data)) as stored:
        alpha = pixels_of(stored.convert("RGBA"))[3]
    assert (alpha == 0).any()
    expect(data, torch.where(alpha == 0, 255, shown).to(torch.uint8))


def test_palette_with_alpha_for_each_entry() -> None:
    image = photo().quantize(8)
    alphas = bytes(range(0, 256, 32))
    data = file_of(image, "PNG", transparency=alphas)
    shown = pixels_of(image.convert("RGB"))
    alpha = torch.tensor(list(alphas))[pixels_of(image)[0].long()]
    expect(data, on_white(shown, alpha))


@pytest.mark.parametrize(
    ("depth", "row", "key", "grey"),
    [
        (1, b"\x40", 1, [0, 255, 0]),
        (2, b"\x1b", 2, [0, 85, 255]),
        (4, b"\x5a\xf0", 10, [85, 255, 255]),
        (8, b"\x01\x02\x03", 2, [1, 255, 3]),
        (16, b"\x00\x80\x01\x00\xff\xff", 256, [0, 255, 255]),
    ],
)
def test_transparent_grey_is_white_at_every_depth(
    depth: int, row: bytes, key: int, grey: list[int]
) -> None:
    data = png(3, 1, depth, 0, b"\0" + row, png_chunk(b"tRNS", struct.pack(">H", key)))
    expect(data, torch.tensor(grey, dtype=torch.uint8).view(1, 1, 3))


def test_transparent_colour_is_white() -> None:
    data = png(2, 1, 8, 2, bytes([0, 1, 2, 3, 4, 5, 6]), png_chunk(b"tRNS", b"\0\1\0\2\0\3"))
    expect(data, torch.tensor([[255, 4], [255, 5], [255, 6]], dtype=torch.uint8).view(3, 1, 2))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_exactly(kind: str, order: str) -> None:
    values = np.arange(65536, dtype=order + "u2").reshape(256, 256)
    image = Image.frombytes("I;16" if order == "<" else "I;16B", (256, 256), values.tobytes())
    exact = torch.tensor([(2 * value * 255 + 65535) // (2 * 65535) for value in range(65536)])
    expect(file_of(image, kind), exact.to(torch.uint8).view(1, 256, 256))


def test_16_bit_grey_in_which_0_is_white_is_inverted() -> None:
    pixels = struct.pack("<3H", 0, 257, 65535)
    expect(
        tiff(pixels, 3, 1, t258=16, t262=0),
        torch.tensor([255, 254, 0], dtype=torch.uint8).view(1, 1, 3),
    )


def test_16_bit_colour_keeps_the_high_byte() -> None:
    data = png(1, 1, 16, 2, b"\0\x12\xff\x34\x00\x56\x80")
    expect(data, torch.tensor([0x12, 0x34, 0x56], dtype=torch.uint8).view(3, 1, 1))


def test_16_bit_grey_with_alpha_is_one_channel() -> None:
    data = png(2, 1, 16, 4, b"\0\x80\x00\xff\xff\x80\x00\x00\x00")
    expect(data, torch.tensor([128, 255], dtype=torch.uint8).view(1, 1, 2))


@pytest.mark.parametrize(
    ("mode", "values", "grey"),
    [
        ("I", [-5, 0, 5], [0, 128, 255]),
        ("I", [0, 100_000, 200_000], [0, 128, 255]),
        ("F", [0.0, 0.25, 1.0], [0, 64, 255]),
        ("F", [7.0, 7.0, 7.0], [0, 0, 0]),
        ("F", [float("nan"), 2.0, 4.0], [0, 0, 255]),
        ("F", [float("inf"), 2.0, 4.0], [255, 0, 255]),
        ("F", [-3e38, 0.0, 3e38], [0, 128, 255]),
        ("F", [float("nan")] * 3, [0, 0, 0]),
    ],
)
def test_32_bit_values_run_from_smallest_to_largest(
    mode: str, values: Any, grey: list[int]
) -> None:
    image = Image.new(mode, (3, 1))
    image.putdata(values)
    expect(file_of(image, "TIFF"), torch.tensor(grey, dtype=torch.uint8).view(1, 1, 3))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_first_frame_is_taken(kind: str) -> None:
    frames = [photo(), Image.new("RGB", (64, 48), "navy")]
    options = {"lossless": True} if kind == "WEBP" else {}
    first = frames[0].quantize(64) if kind == "GIF" else frames[0]
    data = file_of(first, kind, save_all=True, append_images=frames[1:], **options)
    expect(data, pixels_of(first.convert("RGB")))


def upright(picture: Tensor, orientation: int) -> Tensor:
    """The picture as EXIF 2.32 describes it: which side row 0 and column 0 of the file are."""
    if orientation >= 5:
        picture = picture.transpose(1, 2)
    flips = {2: [2], 3: [1, 2], 4: [1], 6: [2], 7: [1, 2], 8: [1]}
    return picture.flip(flips.get(orientation, []))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, mode) for kind in ("JPEG", "PNG", "TIFF") for mode in ("L", "RGB")] + [("WEBP", "RGB")],
)
def test_every_orientation_is_turned_upright(kind: str, orientation: int, mode: str) -> None:
    exif = Image.Exif()
    plain = load_picture(file_of(photo(mode), kind, **LOSSLESS.get(kind, {})))
    exif[274] = orientation
    data = file_of(photo(mode), kind, exif=exif, **LOSSLESS.get(kind, {}))
    torch.testing.assert_close(load_picture(data), upright(plain, orientation), rtol=0, atol=0)


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40,
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\0\0\0\0",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x03abc\0\0\0\0\0",
    ],
    ids=["no header", "endless entries", "orientation 99", "orientation as text"],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nonsense_in_exif_is_ignored(kind: str, exif: bytes) -> None:
    plain = load_picture(file_of(photo(), kind))
    payload = exif if kind == "JPEG" else exif[6:]
    torch.testing.assert_close(load_picture(file_of(photo(), kind, exif=payload)), plain)


@pytest.mark.parametrize("size", [(1, 1), (10_000, 1), (1, 10_000), (1_200_000, 1), (700, 1500)])
def test_any_shape_loads(size: tuple[int, int]) -> None:
    width, height = size
    values = torch.arange(width * height).view(1, height, width).to(torch.uint8)
    expect(picture_png(values), values)
    exif = Image.Exif()
    exif[274] = 6
    image = Image.frombytes("L", size, values.numpy().tobytes())
    expect(file_of(image, "PNG", exif=exif), upright(values, 6))


def test_bytes_may_come_as_a_memoryview() -> None:
    data = file_of(photo())
    torch.testing.assert_close(load_picture(memoryview(data)), load_picture(data))


@pytest.mark.parametrize("n_channels", [1, 3])
def test_picture_png_round_trip(n_channels: int) -> None:
    picture = torch.randint(0, 256, (n_channels, 7, 5)).to(torch.uint8)
    expect(picture_png(picture), picture)
    expect(picture_png(picture.transpose(1, 2)), picture.transpose(1, 2).contiguous())


def test_grey_equals_pillow_for_all_colours() -> None:
    """All combinations of 52 levels and of the levels beside them, where rounding could differ."""
    levels = torch.arange(0, 256, 5)
    colours = torch.cartesian_prod(levels, levels, levels)
    colours = torch.cat([colours, (colours + 1).clamp(max=255)]).to(torch.uint8)
    picture = colours.T.reshape(3, 2 * 52, 52 * 52).contiguous()
    image = Image.frombytes("RGB", (52 * 52, 2 * 52), picture.permute(1, 2, 0).numpy().tobytes())
    torch.testing.assert_close(to_grey(picture), pixels_of(image.convert("L")), rtol=0, atol=0)
    grey = picture[:1]
    torch.testing.assert_close(to_grey(grey), grey)


@pytest.mark.parametrize("factor", [1, 2, 3, 5, 7, 16, 47, 48, 63, 64, 1000])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_reduction_is_the_exact_mean_of_each_box(factor: Any, mode: str) -> None:
    picture = pixels_of(photo(mode))
    reduced = reduce_picture(picture, factor)
    n_channels, height, width = picture.shape
    assert reduced.shape == (n_channels, -(-height // factor), -(-width // factor))
    for row in range(reduced.shape[1]):
        for column in range(reduced.shape[2]):
            rows = slice(row * factor, (row + 1) * factor)
            columns = slice(column * factor, (column + 1) * factor)
            means = picture[:, rows, columns].double().mean((1, 2))
            torch.testing.assert_close(
                reduced[:, row, column].double(), (means + 1e-9).add(0.5).floor(), rtol=0, atol=0
            )
    assert (reduced.int() - pixels_of(photo(mode).reduce(factor)).int()).abs().max() <= 1


def test_crop_is_a_view_of_the_region() -> None:
    picture = torch.arange(60, dtype=torch.uint8).view(3, 4, 5)
    region = crop_picture(picture, 1, 2, 3, 3)
    torch.testing.assert_close(region, picture[:, 1:4, 2:5])
    assert region.data_ptr() == picture[:, 1:, 2:].data_ptr()


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ((0, 0, 5, 1), "5 rows from row 0 on; the picture has rows 0 to 3.*at most 4 rows"),
        ((3, 0, 2, 1), "Take at most 1 rows from row 3 on"),
        ((0, 5, 1, 1), "column 5 on; the picture has columns 0 to 4"),
        ((-1, 0, 1, 1), "row -1"),
        ((0, 0, 0, 1), "0 rows"),
        ((0, 0, 1, 1.5), r"1\.5"),
        ((True, 0, 1, 1), "True"),
    ],
)
def test_region_outside_is_named(region: Any, words: str) -> None:
    picture = torch.zeros(3, 4, 5, dtype=torch.uint8)
    with pytest.raises(InputError, match=words):
        crop_picture(picture, *region)


@pytest.mark.parametrize("factor", [0, -2, 1.5, "2", True, None])
def test_wrong_factor_is_named(factor: Any) -> None:
    with pytest.raises(InputError, match="integer of at least 1"):
        reduce_picture(torch.zeros(1, 2, 2, dtype=torch.uint8), factor)


@pytest.mark.parametrize(
    "wrong",
    [
        torch.zeros(2, 3, 3, dtype=torch.uint8),
        torch.zeros(3, 3, dtype=torch.uint8),
        torch.zeros(3, 0, 3, dtype=torch.uint8),
        torch.zeros(3, 3, 3),
        [[0]],
    ],
    ids=["two channels", "two dimensions", "no rows", "float", "list"],
)
@pytest.mark.parametrize("name", ["picture_png", "to_grey", "reduce_picture", "crop_picture"])
def test_what_is_no_picture_is_named(name: str, wrong: Any) -> None:
    calls: dict[str, Callable[[], object]] = {
        "picture_png": lambda: picture_png(wrong),
        "to_grey": lambda: to_grey(wrong),
        "reduce_picture": lambda: reduce_picture(wrong, 2),
        "crop_picture": lambda: crop_picture(wrong, 0, 0, 1, 1),
    }
    with pytest.raises(InputError, match=r"uint8 tensor \(1 or 3, H, W\), got"):
        calls[name]()


def test_every_mode_of_tiff_that_pillow_knows_gives_a_picture() -> None:
    """No mode in Pillow's table of TIFF layouts is unknown here."""
    modes = {mode for mode, _ in TiffImagePlugin.OPEN_INFO.values()}
    known = {"1", "L", "LA", "La", "P", "PA", "I", "F", "I;16", "I;16B"}
    known |= {"RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB"}
    assert modes <= known


def test_premultiplied_alpha_is_laid_over_white() -> None:
    """TIFF with ExtraSamples = 1 stores red, green and blue times alpha."""
    header = {256: 1, 257: 1, 259: 1, 262: 1, 277: 2, 278: 1, 279: 2, 338: 1}
    header[273] = 8 + 2 + 12 * 10 + 4
    entries = {tag: struct.pack("<HHII", tag, 4, 1, value) for tag, value in header.items()}
    entries[258] = struct.pack("<HHIHH", 258, 3, 2, 8, 8)
    body = b"".join(entries[tag] for tag in sorted(entries))
    data = b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + b"\0\0\0\0" + bytes([64, 128])
    loaded = load_picture(data)
    assert isinstance(loaded, Tensor)
    assert tuple(loaded.shape) == (1, 1, 1)
    assert abs(loaded.item() - (64 + 127)) <= 1
