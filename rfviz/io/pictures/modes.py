"""Every mode that Pillow decodes to, as uint8: grey, or red, green and blue; alpha over white.

A picture is converted tile by tile, so that beside Pillow's picture no second one in another mode
is ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from rfviz.conv.errors import InputError

# pixels converted at once; tiles are not much wider than high, so that turning them stays fast
TILE_PIXELS = 2**19
_TILE_COLUMNS = 1024

Pixels = NDArray[np.uint8]
TileReader = Callable[[Image.Image], Pixels]

_TIFF_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0
_GREY = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"})
_COLOUR = frozenset({"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})


def tiles(height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    """(top, left, bottom, right) of tiles that cover a picture, each of at most TILE_PIXELS.

    A picture of few rows has wide ones: a hundred thousand small tiles take many times as long.

    >>> list(tiles(2, 3))
    [(0, 0, 2, 3)]
    """
    n_columns = min(width, max(_TILE_COLUMNS, TILE_PIXELS // height))
    n_rows = TILE_PIXELS // n_columns
    for top in range(0, height, n_rows):
        for left in range(0, width, n_columns):
            yield top, left, min(top + n_rows, height), min(left + n_columns, width)


def tile_reader(image: ImageFile, data: bytes) -> tuple[int, TileReader]:
    """Channels (1 or 3) of a decoded picture, and the function from a tile to uint8 (C, h, w).

    `data` is the picture's file: the bit depth and colour type of a PNG are read from it, since
    Pillow does not keep them. InputError for a mode that no format here should have.
    """
    mode = image.mode
    if mode not in _GREY | _COLOUR:
        what = f"The {image.format} file decodes to Pillow's mode {mode}, which is not read here."
        raise InputError(what, remedy="Save it as PNG with 8 or 16 bits.")
    if mode.startswith("I;16"):
        key = image.info.get("transparency")
        return 1, partial(_read_16_bit, white_is_zero=_white_is_zero(image), key=key)
    depth, colour_type = (data[24], data[25]) if image.format == "PNG" else (8, None)
    if mode in ("1", "L", "RGB"):
        key = _key_colour(image, depth)
        return len(image.getbands()), partial(
            _read_opaque, n_channels=len(image.getbands()), key=key
        )
    grey = mode in ("LA", "La") or colour_type == 4 or _has_grey_palette(image)
    read = _read_alpha if image.has_transparency_data else _read_opaque
    return (1 if grey else 3), partial(read, n_channels=1 if grey else 3)


def _read_opaque(
    tile: Image.Image, *, n_channels: int, key: NDArray[np.int64] | None = None
) -> Pixels:
    """Channels of a tile without alpha; white where all of them equal the key colour (C, 1, 1)."""
    wanted = "L" if tile.mode in ("1", "L") else "RGB"
    pixels = _channels(tile if tile.mode == wanted else tile.convert(wanted))[:n_channels]
    if key is None:
        return pixels
    white: Pixels = np.where((pixels == key).all(0), np.uint8(255), pixels)
    return white


def _read_alpha(tile: Image.Image, *, n_channels: int) -> Pixels:
    """Channels of a tile over white: 255 - (255 - value) * alpha / 255, rounded."""
    if tile.mode != "RGBA":
        tile = (tile.convert("LA") if tile.mode == "La" else tile).convert("RGBA")
    pixels = _channels(tile)
    alpha = pixels[3].astype(np.uint16)
    if alpha.min() == 255:
        return pixels[:n_channels]
    product = (255 - pixels[:n_channels]) * alpha + np.uint16(128)  # at most 65153
    # Division by 255, rounded: exact up to 65535, and many times faster than //.
    product += product >> 8
    over_white: Pixels = 255 - (product >> 8).astype(np.uint8)
    return over_white


def _read_16_bit(tile: Image.Image, *, white_is_zero: bool, key: int | None) -> Pixels:
    """Grey of a 16-bit tile: value * 255 / 65535 rounded; as 65535 = 255 * 257 no halves occur."""
    order = ">" if tile.mode == "I;16B" else "<"
    values = np.frombuffer(tile.tobytes(), order + "u2").reshape(1, tile.height, tile.width)
    grey: Pixels = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    grey = np.bitwise_not(grey) if white_is_zero else grey
    if key is not None:
        grey[values == key] = 255
    return grey


def _channels(tile: Image.Image) -> Pixels:
    """Bytes of an 8-bit tile as (channels, h, w)."""
    # Split by Pillow: planes that lie together are computed with many times faster.
    bands = [np.frombuffer(band.tobytes(), np.uint8) for band in tile.split()]
    return np.stack(bands).reshape(-1, tile.height, tile.width)


def _key_colour(image: ImageFile, depth: int) -> NDArray[np.int64] | None:
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
    # A key beyond the pixels' range is no pixel's.
    return np.array(values, np.int64).reshape(-1, 1, 1)


def _has_grey_palette(image: ImageFile) -> bool:
    if image.mode not in ("P", "PA"):
        return False
    colours = image.getpalette("RGB") or []
    return colours[0::3] == colours[1::3] == colours[2::3]


def _white_is_zero(image: ImageFile) -> bool:
    """Whether a TIFF stores black as its largest value, which Pillow minds only up to 8 bits."""
    tags = getattr(image, "tag_v2", {})
    return bool(tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO)
