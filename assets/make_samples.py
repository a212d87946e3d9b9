"""Draw the sample pictures: python assets/make_samples.py writes them to rfviz/assets.

Everything is computed, so the pictures can be changed and anybody may use them. The small ones are
saved as PNG and come out the same everywhere; the scene is a JPEG (see scene.py).
"""

import io
import math
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from scene import scene, scene_jpeg
from torch import Tensor

FOLDER = Path(__file__).parents[1] / "rfviz" / "assets"


def address() -> Tensor:
    """Uint8 (16, 16): every pixel is its own index, row * 16 + column."""
    return torch.arange(256, dtype=torch.uint8).view(16, 16)


def digits() -> Tensor:
    """Uint8 (8, 8): a letter K in the digits 0 to 9, so that sums can be made in the head."""
    inside = (590083, 590760, 596800, 599400, 594920, 590592)
    lines = [f"{line:08d}" for line in (0, *inside, 0)]
    return torch.tensor([[int(digit) for digit in line] for line in lines], dtype=torch.uint8)


def glyph() -> Tensor:
    """Uint8 (28, 28): a letter R with soft edges, drawn from the distance to its strokes."""
    side = 28
    rows, columns = _pixel_grid(side, side)
    stem = _to_segment(rows, columns, (5.5, 8.5), (22.5, 8.5))
    distance = torch.minimum(stem, _to_bowl(rows, columns))
    distance = torch.minimum(distance, _to_segment(rows, columns, (14.0, 13.5), (22.5, 20.0)))
    return _to_bytes(255 * ((2.1 - distance) / 1.6).clamp(0, 1))


def stripes() -> Tensor:
    """Uint8 (64, 64): quarters of vertical, horizontal and both kinds of diagonal bars, 4 wide."""
    rows, columns = _pixel_grid(64, 64)
    top, left = rows < 32, columns < 32
    phase = torch.where(top & left, columns, torch.where(left, rows, rows + columns))
    phase = torch.where(~top & ~left, rows - columns + 64, phase)
    phase = torch.where(top & ~left, rows + columns, phase)
    return torch.where((phase // 4) % 2 == 0, 255, 0).to(torch.uint8)


def zone_plate() -> Tensor:
    """Uint8 (256, 256): rings cos(pi r^2 / 256), at the edges half a cycle per pixel."""
    rows, columns = _pixel_grid(256, 256)
    squares = (rows - 128) ** 2 + (columns - 128) ** 2
    # the phase is reduced exactly and halves are nudged up, so that every machine rounds alike
    phase = math.pi * (squares % 512) / 256
    return _to_bytes(127.5 + 127.5 * torch.cos(phase) + 1e-6)


def impulse() -> Tensor:
    """Uint8 (15, 15): black, with one pixel of 255 in the centre."""
    picture = torch.zeros((15, 15), dtype=torch.uint8)
    picture[7, 7] = 255
    return picture


GREY_SAMPLES: dict[str, Callable[[], Tensor]] = {
    "address.png": address,
    "digits.png": digits,
    "glyph.png": glyph,
    "stripes.png": stripes,
    "zone-plate.png": zone_plate,
    "impulse.png": impulse,
}


def grey_png(picture: Tensor) -> bytes:
    """PNG file of a uint8 picture (H, W)."""
    height, width = picture.shape
    file = io.BytesIO()
    image = Image.frombytes("L", (width, height), bytes(picture.flatten().tolist()))
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _pixel_grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    rows = torch.arange(height, dtype=torch.float64)
    columns = torch.arange(width, dtype=torch.float64)
    return rows[:, None].expand(height, width), columns.expand(height, width)


def _to_segment(
    rows: Tensor, columns: Tensor, start: tuple[float, float], end: tuple[float, float]
) -> Tensor:
    """Distance of each pixel to a straight stroke between two (row, column) points."""
    (row_0, column_0), (row_1, column_1) = start, end
    d_row, d_column = row_1 - row_0, column_1 - column_0
    along = (rows - row_0) * d_row + (columns - column_0) * d_column
    along = (along / (d_row**2 + d_column**2)).clamp(0, 1)
    return (
        (rows - row_0 - along * d_row) ** 2 + (columns - column_0 - along * d_column) ** 2
    ).sqrt()


def _to_bowl(rows: Tensor, columns: Tensor) -> Tensor:
    """Distance of each pixel to the round stroke of the letter: two straights and a half circle."""
    radius, row, column = 4.25, 9.75, 15.0
    arc = (((rows - row) ** 2 + (columns - column) ** 2).sqrt() - radius).abs()
    arc = torch.where(columns >= column, arc, torch.inf)
    upper = _to_segment(rows, columns, (row - radius, 8.5), (row - radius, column))
    lower = _to_segment(rows, columns, (row + radius, 8.5), (row + radius, column))
    return torch.minimum(arc, torch.minimum(upper, lower))


def _to_bytes(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255).to(torch.uint8)


def main() -> None:
    """Write every sample picture."""
    for name, draw in GREY_SAMPLES.items():
        (FOLDER / name).write_bytes(grey_png(draw()))
    (FOLDER / "scene.jpg").write_bytes(scene_jpeg(scene()))


if __name__ == "__main__":
    main()
