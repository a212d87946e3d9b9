"""The house of the sample scene: faces in parallel projection, each with a computed texture."""

from __future__ import annotations

from collections.abc import Callable

import scene_land as land
import torch
from scene_land import colour, mix, smooth_step
from torch import Tensor

# a texture: pixels along and down the face in, colours (3, h, w) and coverage (h, w) out
Texture = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Vector = tuple[float, float]

_GLOW = colour(1.0, 0.80, 0.42)
_WHITE = colour(0.93, 0.88, 0.80)


def with_house(picture: Tensor) -> Tensor:
    """A house of bricks with a tiled roof, on the rise to the right."""
    picture = _with_shadow(picture)
    picture = _with_face(picture, (935, 1330), (14, 232), (186, 0), _gable)
    picture = _with_face(picture, (949, 1562), (-12, 372), (186, 0), _long_side)
    picture = _with_face(picture, (706, 1716), (3, 44), (118, 0), _chimney(1.0))
    picture = _with_face(picture, (709, 1760), (-6, 26), (100, 0), _chimney(0.62))
    picture = _with_face(picture, (801, 1436), (-9, 398), (164, 140), _roof)
    picture = _with_face(picture, (801, 1426), (154, -118), (12, 6), _board(0.95))
    return _with_face(picture, (795, 1428), (168, 142), (13, -4), _board(1.05))


def _with_face(picture: Tensor, origin: Vector, u: Vector, v: Vector, texture: Texture) -> Tensor:
    """Paint a parallelogram at origin + a u + b v, with the texture in pixels along u and v.

    The texture decides what is covered, also beyond the parallelogram (a gable's triangle).
    """
    reach = 150
    ends = [(0, 0), u, v, (u[0] + v[0], u[1] + v[1])]
    top = int(min(end[0] for end in ends) + origin[0]) - reach
    left = max(0, int(min(end[1] for end in ends) + origin[1]) - reach)
    bottom = int(max(end[0] for end in ends) + origin[0]) + reach
    right = min(land.WIDTH, int(max(end[1] for end in ends) + origin[1]) + reach)
    rows = torch.arange(float(top), float(bottom))[:, None] - origin[0]
    columns = torch.arange(float(left), float(right))[None] - origin[1]
    determinant = u[0] * v[1] - u[1] * v[0]
    a = (rows * v[1] - columns * v[0]) / determinant
    b = (columns * u[0] - rows * u[1]) / determinant
    paint, cover = texture(a * (u[0] ** 2 + u[1] ** 2) ** 0.5, b * (v[0] ** 2 + v[1] ** 2) ** 0.5)
    region = picture[:, top:bottom, left:right]
    picture[:, top:bottom, left:right] = mix(region, paint, cover)
    return picture


def _inside(x: Tensor, low: float, high: float, soft: float = 0.7) -> Tensor:
    """1 between low and high, 0 outside, with soft borders."""
    return torch.sigmoid((x - low) / soft * 2) * torch.sigmoid((high - x) / soft * 2)


def _random_of(seed: int, row: Tensor, column: Tensor) -> Tensor:
    """One random number in 0..1 for each pair of whole numbers."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.rand((128, 128), generator=generator)
    return table[row.long() % 128, column.long() % 128]


def _bricks(x: Tensor, y: Tensor, light: Tensor) -> Tensor:
    """Bricks of 22 by 8 pixels in running bond, each of its own tone, with pale mortar."""
    row = torch.floor(y / 8)
    shifted = x + 11 * (row % 2)
    column = torch.floor(shifted / 22)
    in_row, in_column = y - 8 * row, shifted - 22 * column
    tone = _random_of(71, row, column)
    brick = mix(colour(0.46, 0.24, 0.18), colour(0.68, 0.41, 0.30), tone)
    burnt = (_random_of(72, row, column) > 0.88).float() * 0.5
    brick = mix(brick, colour(0.30, 0.16, 0.15), burnt)
    bevel = 1 + 0.16 * _inside(in_row, 0.8, 2.2) - 0.16 * _inside(in_row, 6.2, 8.2)
    solid = smooth_step(0.3, 1.5, in_row) * smooth_step(0.3, 1.5, in_column)
    rough = 0.90 + 0.2 * land.noise(73, *x.shape, (3, 3), octaves=2)
    return mix(colour(0.66, 0.60, 0.53), brick * bevel, solid) * rough * light


def _with_window(
    paint: Tensor, x: Tensor, y: Tensor, place: tuple[float, float, float, float]
) -> Tensor:
    """A lit window with a white frame, six panes and a sill; place = left, top, width, height."""
    left, top, width, height = place
    frame = _inside(x, left - 5, left + width + 5) * _inside(y, top - 5, top + height + 5)
    paint = mix(paint, _WHITE * 0.86, frame)
    sill = _inside(x, left - 9, left + width + 9) * _inside(y, top + height + 5, top + height + 10)
    paint = mix(paint, _WHITE * 0.95, sill)
    shadow = _inside(x, left - 9, left + width + 9) * _inside(
        y, top + height + 10, top + height + 14
    )
    paint = paint * (1 - 0.5 * shadow)
    glass = _inside(x, left, left + width) * _inside(y, top, top + height)
    depth = ((y - top) / height).clamp(0, 1)
    lit = mix(_GLOW, colour(0.80, 0.45, 0.18), depth)
    curtain = _inside(x, left, left + 0.22 * width, 3) + _inside(
        x, left + 0.78 * width, left + width, 3
    )
    lit = mix(lit, colour(0.98, 0.90, 0.72), 0.6 * curtain.clamp(0, 1))
    paint = mix(paint, lit, glass)
    bars = _inside(x, left + width / 2 - 1.5, left + width / 2 + 1.5)
    for share in (1 / 3, 2 / 3):
        bars = torch.maximum(
            bars, _inside(y, top + share * height - 1.2, top + share * height + 1.2)
        )
    return mix(paint, _WHITE * 0.8, glass * bars)


def _gable(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The end wall with its triangle, warm on the side of the sun, with three windows."""
    width, height, peak = 232.4, 186.0, 140.0
    half = 0.5 * width * (1 + y.clamp(max=0) / peak)
    below = torch.sigmoid((half - (x - width / 2).abs()) * 2.5)
    cover = below * _inside(y, -peak, height)
    light = 1.12 - 0.22 * (x / width).clamp(0, 1) - 0.10 * (y / height).clamp(0, 1)
    paint = _bricks(x, y, light) * colour(1.12, 0.98, 0.84)
    for left in (38, 142):
        paint = _with_window(paint, x, y, (left, 52, 48, 74))
    distance = ((x - width / 2) ** 2 + (y + 42) ** 2).sqrt()
    paint = mix(paint, _WHITE * 0.9, torch.sigmoid(20 - distance))
    paint = mix(paint, _GLOW * 0.9, torch.sigmoid(15 - distance))
    cross = torch.maximum(_inside(x, width / 2 - 1, width / 2 + 1), _inside(y, -43, -41))
    paint = mix(paint, _WHITE * 0.8, cross * torch.sigmoid(15 - distance))
    plinth = _inside(y, height - 16, height + 2)
    return mix(paint, colour(0.46, 0.42, 0.38), 0.8 * plinth), cover


def _long_side(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The long wall in the shade, with a door and four windows."""
    width, height = 372.2, 186.0
    under_eaves = smooth_step(0, 46, y)
    light = 0.34 + 0.26 * under_eaves
    paint = _bricks(x, y, light) * colour(0.98, 0.95, 1.06)
    for left in (34, 112, 258, 322):
        paint = _with_window(paint, x, y, (left, 58, 36 if left == 322 else 44, 66))
    door = _inside(x, 186, 230) * _inside(y, 74, height)
    frame = _inside(x, 181, 235) * _inside(y, 69, height)
    paint = mix(paint, _WHITE * 0.7, frame)
    plank = 0.8 + 0.2 * torch.sigmoid(((x - 186) % 11 - 1.5) * 4)
    paint = mix(paint, colour(0.13, 0.27, 0.28) * plank, door)
    knob = torch.sigmoid(3 - ((x - 222) ** 2 + (y - 134) ** 2).sqrt())
    paint = mix(paint, colour(0.95, 0.78, 0.35), knob)
    plinth = _inside(y, height - 16, height + 2) * (1 - frame)
    paint = mix(paint, colour(0.28, 0.27, 0.28), 0.8 * plinth)
    return paint, _inside(x, 0, width) * _inside(y, 0, height)


def _roof(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Overlapping tiles of 14 by 13 pixels with round ends, and ridge tiles on top."""
    width, height = 398.1, 215.6
    row = torch.floor(y / 13)
    shifted = x + 7 * (row % 2)
    column = torch.floor(shifted / 14)
    in_row, in_column = y - 13 * row, shifted - 14 * column - 7
    tone = _random_of(75, row, column)
    tile = mix(colour(0.36, 0.19, 0.15), colour(0.58, 0.33, 0.24), tone)
    tile = tile * (0.78 + 0.034 * in_row)
    end = 12 - 0.085 * in_column**2
    gap = torch.sigmoid((in_row - end) * 2.5)
    tile = tile * (1 - 0.62 * gap) * (1 - 0.4 * torch.sigmoid((in_column.abs() - 6.4) * 4))
    moss = smooth_step(0.62, 0.9, land.noise(76, *x.shape, (40, 60), octaves=5))
    tile = mix(tile, colour(0.34, 0.36, 0.16), 0.5 * moss)
    sheen = 0.78 + 0.42 * torch.exp(-x.clamp(min=0) / 190)
    paint = tile * sheen * colour(1.12, 0.98, 0.86)
    ridge = _inside(y, -3, 9)
    cap = 0.8 + 0.2 * torch.cos((x % 20 - 10) / 4)
    paint = mix(paint, colour(0.58, 0.30, 0.20) * cap, ridge)
    gutter = _inside(y, height - 5, height + 3)
    paint = mix(paint, colour(0.30, 0.27, 0.26), gutter)
    return paint, _inside(x, -6, width) * _inside(y, -3, height + 3)


def _chimney(light: float) -> Texture:
    def texture(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        width = 44.1 if light == 1.0 else 26.7
        paint = _bricks(x, y, torch.full_like(x + y, light)) * colour(1.08, 0.96, 0.86)
        crown = _inside(y, 0, 12)
        paint = mix(paint, colour(0.62, 0.54, 0.46) * light, crown)
        return paint, _inside(x, -2 * (light == 1.0), width) * _inside(y, 0, 160)

    return texture


def _board(light: float) -> Texture:
    def texture(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        length = 194.0 if light < 1 else 220.0
        grain = 0.94 + 0.1 * land.noise(77, *x.shape, (4, 40), octaves=3)
        return _WHITE * light * 0.92 * grain, _inside(x, -2, length) * _inside(y, 0, 12)

    return texture


def _with_shadow(picture: Tensor) -> Tensor:
    """The house's soft shadow on the grass, towards the viewer and to the right."""
    rows, columns = land.rows_and_columns()
    along = columns - 1330 - (rows - 1115) * 1.1
    ahead = rows - 1112
    cover = smooth_step(0, 70, along) * smooth_step(640, 500, along)
    cover = cover * smooth_step(-10, 6, ahead) * (1 - smooth_step(60, 150, ahead))
    return picture * (1 - 0.55 * cover)
