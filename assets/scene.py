"""The sample scene: a lake at sunset with a brick house, a fence and a tree, all computed.

It has something for every kernel to find: sharp edges, soft gradients, fine bars, brick and tile
patterns, texture of grass and leaves, and film grain.
"""

from __future__ import annotations

import io

import scene_land as land
import torch
from PIL import Image
from scene_growth import with_growth
from scene_house import with_house
from scene_land import HEIGHT, SHORE, WIDTH
from torch import Tensor


def scene() -> Tensor:
    """Uint8 (3, 1536, 2048): the whole scene."""
    above = land.with_forest(land.with_mountains(land.sky()))
    picture = torch.cat([above, land.lake(above, HEIGHT - SHORE)], 1)
    picture = with_house(land.with_meadow(picture))
    return finished(with_growth(picture))


def finished(picture: Tensor) -> Tensor:
    """The painted scene as a photograph: darker corners, film grain, 8 bits."""
    rows, columns = land.rows_and_columns()
    off_centre = ((rows / HEIGHT - 0.5) ** 2 + (columns / WIDTH - 0.5) ** 2) * 2
    picture = picture * (1.03 - 0.30 * off_centre**1.5)
    generator = torch.Generator().manual_seed(99)
    grain = torch.randn((1, HEIGHT, WIDTH), generator=generator)
    grain = grain + 0.4 * torch.randn((3, HEIGHT, WIDTH), generator=generator)
    return (255 * picture + 2.2 * grain).round().clamp(0, 255).to(torch.uint8)


def scene_jpeg(picture: Tensor) -> bytes:
    """JPEG file of a uint8 picture (3, H, W)."""
    _, height, width = picture.shape
    pixels = picture.permute(1, 2, 0).contiguous().numpy().tobytes()
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), pixels).save(
        file, "JPEG", quality=90, optimize=True, progressive=True, subsampling=2
    )
    return file.getvalue()
