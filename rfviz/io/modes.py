"""Every mode that Pillow decodes to, as uint8: grey, or red, green and blue; alpha over white.

A picture is converted tile by tile, so that beside Pillow's picture no second one in another mode
is ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import torch
from PIL import Image
from PIL.ImageFile import ImageFile
from torch import Tensor

# pixels converted at once; tiles are not much wider than high, so that turning them stays fast
TILE_PIXELS = 2**19
_TILE_COLUMNS = 1024

TileReader = Callable[[Image.Image], Tensor]

_TIFF_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0


def tiles(height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    """(top, left, bottom, right) of tiles that cover a picture, each of at most TILE_PIXELS.

    >>> list(tiles(2, 3))
    [(0, 0, 2, 3)]
    """
    n_columns = min(width, _TILE_COLUMNS)
    n_rows = TILE_PIXELS // n_columns
    for top in range(0, height, n_rows):
        for left in range(0, width, n_columns):
            yield top, left, min(top + n_rows, height), min(left + n_columns, width)


def tile_reader(image: ImageFile, data: bytes) -> tuple[int, TileReader]:
    """Channels (1 or 3) of a decoded picture, and the function from a tile to uint8 (C, h, w).

    `data` is the picture's file: the bit depth and colour type of a PNG are read from it, since
    Pillow does not keep them.
    """
    mode = image.mode
    if mode.startswith("I;16"):
        key = image.info.get("transparency")
        return 1, partial(_read_16_bit, white_is_zero=_white_is_zero(image), key=key)
    if mode in ("I", "F"):
        low, high = _range(image)
        return 1, partial(_read_range, low=low, high=high, white_is_zero=_white_is_zero(image))
    depth, colour_type = (data[24], data[25]) if image.format == "PNG" else (8, None)
    if mode in ("1", "L", "RGB"):
        key = _key_colour(image, depth)
        return len(image.getbands()), partial(
            _read_opaque, n_channels=len(image.getbands()), key=key
        )
    grey = mode in ("LA", "La") or colour_type == 4 or _has_grey_palette(image)
    read = _read_alpha if image.has_transparency_data else _read_opaque
    return (1 if grey else 3), partial(read, n_channels=1 if grey else 3)


def _read_opaque(tile: Image.Image, *, n_channels: int, key: Tensor | None = None) -> Tensor:
    """Channels of a tile without alpha; white where all of them equal the key colour (C, 1, 1)."""
    wanted = "L" if tile.mode in ("1", "L") else "RGB"
    pixels = _channels(tile if tile.mode == wanted else tile.convert(wanted))[:n_channels]
    if key is not None:
        pixels = pixels.masked_fill((pixels == key).all(0), 255)
    return pixels


def _read_alpha(tile: Image.Image, *, n_channels: int) -> Tensor:
    """Channels of a tile over white: 255 - (255 - value) * alpha / 255, rounded."""
    if tile.mode == "La":
        tile = tile.convert("LA")
    pixels = _channels(tile.convert("RGBA")).to(torch.int32)
    darkness = (255 - pixels[:n_channels]) * pixels[3]
    return (255 - (darkness + 127) // 255).to(torch.uint8)


def _read_16_bit(tile: Image.Image, *, white_is_zero: bool, key: int | None) -> Tensor:
    """Grey of a 16-bit tile: value * 255 / 65535 rounded; as 65535 = 255 * 257 no halves occur."""
    first, second = _channels(tile).to(torch.int32).unbind()
    values = second + 256 * first if tile.mode == "I;16B" else first + 256 * second
    grey = (values + 128) // 257
    if white_is_zero:
        grey = 255 - grey
    if key is not None:
        grey = grey.masked_fill(values == key, 255)
    return grey.to(torch.uint8).unsqueeze(0)


def _read_range(tile: Image.Image, *, low: float, high: float, white_is_zero: bool) -> Tensor:
    """Grey of a tile of 32-bit integers or floats: low is 0, high is 255, NaN is 0."""
    values = _numbers(tile)
    scaled = (values - low) * (255 / (high - low)) if high > low else torch.zeros_like(values)
    grey = scaled.nan_to_num(nan=0, posinf=255, neginf=0).round().clamp(0, 255)
    if white_is_zero:
        grey = 255 - grey
    return grey.to(torch.uint8).unsqueeze(0)


def _range(image: ImageFile) -> tuple[float, float]:
    """Smallest and largest finite value in mode I or F; (0, 0) where none is finite."""
    low, high = float("inf"), float("-inf")
    for top, left, bottom, right in tiles(image.height, image.width):
        values = _numbers(image.crop((left, top, right, bottom)))
        values = values[values.isfinite()]
        if values.numel():
            low, high = min(low, values.min().item()), max(high, values.max().item())
    return (low, high) if low <= high else (0.0, 0.0)


def _numbers(tile: Image.Image) -> Tensor:
    """Values (h, w) of a tile in mode I or F in float64, which holds both exactly."""
    dtype = torch.int32 if tile.mode == "I" else torch.float32
    values = torch.frombuffer(bytearray(tile.tobytes()), dtype=dtype)
    return values.view(tile.height, tile.width).to(torch.float64)


def _channels(tile: Image.Image) -> Tensor:
    """Bytes of a tile as (bytes per pixel, h, w)."""
    pixels = torch.frombuffer(bytearray(tile.tobytes()), dtype=torch.uint8)
    return pixels.view(tile.height, tile.width, -1).permute(2, 0, 1)


def _key_colour(image: ImageFile, depth: int) -> Tensor | None:
    """The one colour (C, 1, 1) that a file declares transparent, as Pillow scales the pixels."""
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and len(key) == 3:
        values = [value >> 8 if depth == 16 else value for value in cast("tuple[int, ...]", key)]
    elif image.mode != "RGB" and isinstance(key, int):
        # Pillow scales grey of 2 and 4 bits to 8, but not the key; of 1 bit it scales both
        scale = 255 // (2**depth - 1) if image.mode == "L" and depth < 8 else 1
        values = [key * scale]
    else:
        return None
    return torch.tensor(values).view(-1, 1, 1)


def _has_grey_palette(image: ImageFile) -> bool:
    if image.mode not in ("P", "PA"):
        return False
    colours = image.getpalette("RGB") or []
    return colours[0::3] == colours[1::3] == colours[2::3]


def _white_is_zero(image: ImageFile) -> bool:
    """Whether a TIFF stores black as its largest value, which Pillow minds only up to 8 bits."""
    tags = getattr(image, "tag_v2", {})
    return bool(tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO)
