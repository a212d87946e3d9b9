"""From the pixels of a picture to the numbers that a layer reads, as engineers do it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pair
from rfviz.io.pictures.files import MAX_PIXELS
from rfviz.io.pictures.picture import to_grey
from rfviz.io.pictures.resized import Resized

Size = int | Pair

_LARGEST = 20_000
_LUMA = "(x[0].int() * 19595 + x[1].int() * 38470 + x[2].int() * 7471 + 0x8000 >> 16)[None]"


class Preprocessing(NamedTuple):
    """Grey, resize, crop, then (pixel / scale - mean) / std with one number or one a channel.

    `resize`: the shorter side, or (height, width), bilinear with antialiasing, not rounded to whole
    values; `crop`: the side of a square, or (height, width), from the middle.
    """

    scale: float = 255.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    grey: bool = False
    resize: Size | None = None
    crop: Size | None = None

    def part(self, picture: Tensor) -> Tensor:
        """A picture, uint8 (C, H, W), made grey, resized (then float32) and cropped.

        Raises `InputError` where the crop is larger than what it is taken from, and for a resized
        picture of more than 100 megapixels.

        >>> picture = torch.zeros(3, 8, 16, dtype=torch.uint8)
        >>> Preprocessing(resize=4, crop=(2, 3)).part(picture).shape
        torch.Size([3, 2, 3])
        """
        picture, size = self._sized(picture)
        if self.resize is not None:
            picture = F.interpolate(
                picture[None].float(), size, mode="bilinear", antialias=True, align_corners=False
            )[0]
        return picture if self.crop is None else _centre(picture, _pair(self.crop))

    def rows_of(self, picture: Tensor) -> Tensor | Resized:
        """`part`, but what is resized is computed where its rows are asked for.

        >>> picture = torch.zeros(3, 8, 16, dtype=torch.uint8)
        >>> Preprocessing(resize=4, crop=(2, 3)).rows_of(picture).shape
        (3, 2, 3)
        """
        if self.resize is None:
            return self.part(picture)
        picture, size = self._sized(picture)
        return Resized(picture, size, _crop_in(size, self.crop))

    def _sized(self, picture: Tensor) -> tuple[Tensor, Pair]:
        """The picture, grey where that is asked for, and the size that it is resized to."""
        if self.grey and picture.shape[0] != 1:
            picture = to_grey(picture)
        size = (picture.shape[1], picture.shape[2])
        if self.resize is not None:
            size = resized_size(size, self.resize)
            if size[0] * size[1] > MAX_PIXELS:
                raise InputError(
                    f"Resized to {size[0]:,} × {size[1]:,} the picture has {size[0] * size[1]:,} "
                    f"pixels, more than {MAX_PIXELS:,}.",
                    remedy="Resize to less",
                )
        return picture, size

    def values(self, n_channels: int, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
        """The elementwise rest, for (C, h, w) pixels in this type.

        Raises `InputError` where there are neither one number nor as many as channels.

        >>> Preprocessing(2.0, (1.0,)).values(1, torch.float32)(torch.tensor([[[4.0, 2.0]]]))
        tensor([[[1., 0.]]])
        """
        mean, std = (torch.tensor(v, dtype=dtype)[:, None, None] for v in (self.mean, self.std))
        if {len(mean), len(std)} - {1, n_channels}:
            raise InputError(
                f"The mean has {len(mean)} numbers and the standard deviation {len(std)}; the "
                f"picture that the layer reads has {n_channels} channels.",
                remedy="Give one number, or one for each channel",
            )
        return lambda pixels: (pixels / self.scale - mean) / std

    @property
    def code(self) -> str:
        """The same in torch, for a picture as a uint8 (C, H, W) tensor."""
        lines = ["x = picture"]
        if self.grey:
            lines += ["if len(x) == 3:  # luma, ITU-R BT.601", f"    x = {_LUMA}"]
        if self.resize is not None:
            lines += _resize_code(self.resize)
        if self.crop is not None:
            height, width = _pair(self.crop)
            lines.append(f"top, left = (x.shape[1] - {height}) // 2, (x.shape[2] - {width}) // 2")
            lines.append(f"x = x[:, top : top + {height}, left : left + {width}]")
        if self.scale != 1:
            lines.append(f"x = x / {self.scale:g}")
        if (self.mean, self.std) != ((0.0,), (1.0,)):
            mean, std = (
                f"torch.tensor({list(each)})[:, None, None]" for each in (self.mean, self.std)
            )
            lines.append(f"x = (x - {mean}) / {std}")
        return "\n".join(lines)


TO_ONE = Preprocessing()
"""Pixels from 0 to 1, at full size."""


def size_in(text: str, what: str) -> Size:
    """One or two whole numbers from 1 to 20,000 with a comma between; else `InputError`.

    >>> size_in("256", "Resize"), size_in("480, 640", "Resize")
    (256, (480, 640))
    """
    parts = text.split(",")
    sides = tuple(int(part) for part in parts if part.strip().isdecimal() and len(part) < 9)
    if len(sides) != len(parts) or len(sides) > 2 or not all(0 < n <= _LARGEST for n in sides):
        raise InputError(
            f"{what} takes one or two whole numbers from 1 to {_LARGEST:,}, such as 224 or "
            f"480, 640; got {text.strip()[:40]!r}."
        )
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def resized_size(size: Pair, resize: Size) -> Pair:
    """(height, width) after a resize: the longer side keeps the proportion, rounded down.

    >>> resized_size((480, 640), 256), resized_size((480, 640), (8, 9))
    ((256, 341), (8, 9))
    """
    if not isinstance(resize, int):
        return resize
    height, width = size
    shorter = min(size)
    return max(1, height * resize // shorter), max(1, width * resize // shorter)


def _resize_code(resize: Size) -> list[str]:
    call = "x = torch.nn.functional.interpolate("
    rest = 'mode="bilinear", antialias=True)[0]'
    if not isinstance(resize, int):
        return [f"{call}x[None].float(), {resize}, {rest}"]
    return [
        "shorter = min(x.shape[1:])",
        f"size = [side * {resize} // shorter for side in x.shape[1:]]",
        f"{call}x[None].float(), size, {rest}",
    ]


def _pair(size: Size) -> Pair:
    return (size, size) if isinstance(size, int) else size


def _centre(picture: Tensor, crop: Pair) -> Tensor:
    height, width = _crop_in((picture.shape[1], picture.shape[2]), crop)
    top, left = (picture.shape[1] - height) // 2, (picture.shape[2] - width) // 2
    return picture[:, top : top + height, left : left + width]


def _crop_in(have: Pair, crop: Size | None) -> Pair:
    """(height, width) of a crop, the whole size where there is none; `InputError` if too large."""
    size = have if crop is None else _pair(crop)
    if size[0] > have[0] or size[1] > have[1]:
        raise InputError(
            f"A crop of {size[0]:,} × {size[1]:,} is larger than the picture of {have[0]:,} × "
            f"{have[1]:,} that it is taken from.",
            remedy=f"Crop at most {have[0]:,} × {have[1]:,}, or resize to more first",
        )
    return size
