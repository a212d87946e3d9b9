"""Bytes of a picture file to a uint8 tensor (C, H, W), and back to PNG.

Values are what the file stores: no colour profile is applied and nothing is resized. What has to be
changed to fit into 8 bits and one or three channels is listed at load_picture.
"""

from __future__ import annotations

import io

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from rfviz.conv.errors import InputError
from rfviz.conv.spec.check_picture import channels_last, check_plain
from rfviz.io.pictures.files import MAX_PIXELS
from rfviz.io.pictures.modes import tiles
from rfviz.io.pictures.planes import planes_of

__all__ = [
    "MAX_PIXELS",
    "crop_picture",
    "load_picture",
    "picture_png",
    "reduce_picture",
    "to_grey",
]


def load_picture(data: bytes | bytearray | memoryview) -> Tensor:
    """Picture of a file as a uint8 tensor (C, H, W), C = 1 or 3.

    Read are JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF and JPEG 2000: the first frame, upright (EXIF
    orientation), red, green, blue or one grey channel. Grey stays C = 1, also with alpha and in a
    palette that has only greys. Other than 8-bit values become:

    - 1 bit: 0 and 255. Unsigned integers of n bits up to 16: v * 255 / (2^n - 1) rounded. 16-bit
      colour in red, green and blue: the high byte.
    - signed and 32- or 64-bit integers, and floats: the smallest value 0, the largest 255, linear
      between and rounded; a constant picture and NaN become 0. Order is always kept. Grey TIFF in
      which 0 is white is inverted.
    - alpha a over white: 255 - (255 - v) * a / 255 rounded; a transparent colour becomes white.
    - TIFF of more than three bands: the first three are red, green and blue; of two the first.
    - CMYK without a profile: red = (255 - cyan) * (255 - black) / 255, and so on. YCbCr by
      ITU-R 601, CIELAB to sRGB.

    Memory is at most 1.5 GB. InputError: empty, truncated or damaged data, no picture, another
    format, more than MAX_PIXELS (decided from the header, before decoding; 70 megapixels of WebP
    and 50 of JPEG 2000, whose decoders hold several copies).

    >>> load_picture(picture_png(torch.arange(6, dtype=torch.uint8).view(1, 2, 3)))
    tensor([[[0, 1, 2],
             [3, 4, 5]]], dtype=torch.uint8)
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        what = f"A picture is loaded from the bytes of its file, got {type(data).__name__}."
        raise InputError(what, remedy="Pass open(path, 'rb').read().")
    with planes_of(bytes(data)) as planes:
        picture = torch.empty(planes.shape, dtype=torch.uint8)
        for _ in planes.write(picture.numpy()):
            pass
    return picture


def picture_png(picture: Tensor) -> bytes:
    """PNG file of a uint8 picture (1 or 3, H, W), compressed for speed rather than size.

    >>> picture_png(torch.zeros(3, 2, 2, dtype=torch.uint8))[1:4]
    b'PNG'
    """
    file = io.BytesIO()
    _as_image(picture).save(file, "PNG", compress_level=1)
    return file.getvalue()


def picture_jpeg(picture: Tensor, quality: int = 88) -> bytes:
    """JPEG file of a uint8 picture (1 or 3, H, W): small, and close to the values, not equal.

    >>> picture_jpeg(torch.zeros(3, 2, 2, dtype=torch.uint8))[:2].hex()
    'ffd8'
    """
    file = io.BytesIO()
    _as_image(picture).save(file, "JPEG", quality=quality)
    return file.getvalue()


def _as_image(picture: Tensor) -> Image.Image:
    _check_picture(picture)
    n_channels, height, width = picture.shape
    rows = picture[0] if n_channels == 1 else picture.permute(1, 2, 0)
    pixels = rows.cpu().contiguous().numpy().tobytes()
    return Image.frombytes("L" if n_channels == 1 else "RGB", (width, height), pixels)


def to_grey(picture: Tensor) -> Tensor:
    """Luma (1, H, W) of a uint8 picture (1 or 3, H, W): 0.299 R + 0.587 G + 0.114 B, rounded.

    ITU-R BT.601 in 16-bit fixed point, equal to Pillow's convert("L"). A grey picture is returned
    as it is.

    >>> to_grey(torch.tensor([255, 0, 0], dtype=torch.uint8).view(3, 1, 1)).item()
    76
    """
    _check_picture(picture)
    n_channels, height, width = picture.shape
    if n_channels == 1:
        return picture
    grey = torch.empty((1, height, width), dtype=torch.uint8)
    for top, left, bottom, right in tiles(height, width):
        red, green, blue = picture[:, top:bottom, left:right].to(torch.int32)
        luma = red * 19595 + green * 38470 + blue * 7471 + 0x8000
        grey[0, top:bottom, left:right] = luma >> 16
    return grey


def reduce_picture(picture: Tensor, factor: int) -> Tensor:
    """Picture (C, ceil(H / factor), ceil(W / factor)): the mean of each box of pixels, rounded.

    A box has factor x factor pixels. Means are exact, halves are rounded up. Where the size is no
    multiple of the factor, the last boxes are the mean of the pixels that they have, as with
    Pillow's Image.reduce. InputError unless the factor is an integer of at least 1.

    >>> reduce_picture(torch.tensor([[[0, 1, 9], [2, 4, 7]]], dtype=torch.uint8), 2)
    tensor([[[2, 8]]], dtype=torch.uint8)
    """
    _check_picture(picture)
    if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
        what = f"A picture is reduced by an integer of at least 1, got {factor!r}."
        raise InputError(what, remedy="Use 1 for the full size, 2 for half of it.")
    n_channels, height, width = picture.shape
    factor = min(factor, max(height, width))
    row_counts, column_counts = _box_counts(height, factor), _box_counts(width, factor)
    reduced = torch.empty((n_channels, len(row_counts), len(column_counts)), dtype=torch.uint8)
    to_full_box = len(column_counts) * factor - width
    for row, n_rows in enumerate(row_counts.tolist()):
        # 32 bits where a box's sum fits: four times as fast.
        dtype = torch.int32 if factor <= 2000 else torch.int64
        band = picture[:, row * factor : row * factor + n_rows].sum(1, dtype=dtype).long()
        sums = F.pad(band, (0, to_full_box)).view(n_channels, -1, factor).sum(2)
        counts = n_rows * column_counts
        reduced[:, row] = (2 * sums + counts) // (2 * counts)
    return reduced


def crop_picture(picture: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """Region (C, height, width) of a picture (C, H, W), its first pixel at (top, left); a view.

    InputError with the numbers unless the whole region lies in the picture.

    >>> crop_picture(torch.arange(9, dtype=torch.uint8).view(1, 3, 3), 1, 0, 1, 2)
    tensor([[[3, 4]]], dtype=torch.uint8)
    """
    _check_picture(picture)
    sides = (("row", top, height, picture.shape[1]), ("column", left, width, picture.shape[2]))
    for axis, start, length, size in sides:
        if not all(isinstance(n, int) and not isinstance(n, bool) for n in (start, length)):
            what = f"A region is given in whole pixels, got {axis} {start!r} and length {length!r}."
            raise InputError(what, remedy="Use integers.")
        if start < 0 or length < 1 or start + length > size:
            what = (
                f"The region takes {length:,} {axis}s from {axis} {start:,} on; "
                f"the picture has {axis}s 0 to {size - 1:,}."
            )
            longest = size - start if 0 <= start < size else size
            remedy = f"Take at most {longest:,} {axis}s from {axis} {size - longest:,} on."
            raise InputError(what, remedy=remedy)
    return picture[:, top : top + height, left : left + width]


def _check_picture(picture: Tensor) -> None:
    if not isinstance(picture, Tensor):
        what = f"A picture is a uint8 tensor (1 or 3, H, W), got {type(picture).__name__}."
        raise InputError(what, remedy="Load it with load_picture.")
    shape = tuple(picture.shape)
    wrong_shape = len(shape) != 3 or shape[0] not in (1, 3) or 0 in shape
    if wrong_shape or picture.dtype != torch.uint8:
        what = f"A picture is a uint8 tensor (1 or 3, H, W), got {picture.dtype} {shape}."
        raise InputError(what, remedy=channels_last(shape) or "Load it with load_picture.")
    check_plain("The picture", picture)


def _box_counts(size: int, factor: int) -> Tensor:
    """How many of `size` pixels each box of `factor` has: all but the last are full."""
    starts = torch.arange(0, size, factor)
    return (size - starts).clamp(max=factor)
