"""The land of the sample scene: noise, sky, mountains, forest, lake and meadow, as torch tensors.

A picture is float32 (3, height, width) in 0..1. Positions are (row, column)
in pixels of the full scene.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

HEIGHT, WIDTH = 1536, 2048
SHORE = 812
SUN = (640.0, 800.0)


class Range(NamedTuple):
    """A range of mountains: seed, mean row, relief and width in pixels, colour, haze, snow."""

    seed: int
    level: float
    relief: float
    cell: float
    tone: tuple[float, float, float]
    haze: float
    snow: bool


RANGES = (
    Range(21, 600, 250, 520, (0.40, 0.40, 0.48), 0.62, snow=True),
    Range(22, 680, 190, 420, (0.33, 0.36, 0.42), 0.46, snow=False),
    Range(23, 735, 130, 330, (0.25, 0.30, 0.31), 0.31, snow=False),
    Range(24, 775, 80, 260, (0.18, 0.24, 0.20), 0.18, snow=False),
)


def colour(red: float, green: float, blue: float) -> Tensor:
    """A colour (3, 1, 1) in 0..1."""
    return torch.tensor([red, green, blue]).view(3, 1, 1)


def rows_and_columns(height: int = HEIGHT, width: int = WIDTH) -> tuple[Tensor, Tensor]:
    """Row and column of each pixel: (height, 1) and (1, width) float32."""
    return torch.arange(float(height))[:, None], torch.arange(float(width))[None]


def smooth_step(low: float, high: float, x: Tensor) -> Tensor:
    """0 below low, 1 above high, a cubic between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def mix(a: Tensor, b: Tensor, share: Tensor | float) -> Tensor:
    """a where share is 0, b where it is 1."""
    return a + (b - a) * share


def noise(
    seed: int,
    height: int,
    width: int,
    cell: tuple[float, float],
    *,
    octaves: int = 5,
    gain: float = 0.5,
) -> Tensor:
    """Fractal noise (height, width) around 0.5: each octave at half the cell."""
    generator = torch.Generator().manual_seed(seed)
    total, weight, weights = torch.zeros(height, width), 1.0, 0.0
    for octave in range(octaves):
        n_rows = max(2, math.ceil(height / cell[0] * 2**octave)) + 1
        n_columns = max(2, math.ceil(width / cell[1] * 2**octave)) + 1
        if n_rows > height or n_columns > width:
            n_rows, n_columns = min(n_rows, height), min(n_columns, width)
        grid = torch.rand((1, 1, n_rows, n_columns), generator=generator)
        total += (
            weight * F.interpolate(grid, (height, width), mode="bicubic", align_corners=True)[0, 0]
        )
        weights += weight * weight
        weight *= gain
    return 0.5 + (total - total.mean()) / weights**0.5


def sample(picture: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Picture (C, H, W) read at fractional positions, mirrored at its borders: (C, h, w)."""
    height, width = picture.shape[-2:]
    rows, columns = torch.broadcast_tensors(rows, columns)
    grid = torch.stack([2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1], -1)
    return F.grid_sample(
        picture[None], grid[None], mode="bilinear", padding_mode="reflection", align_corners=True
    )[0]


def sky() -> Tensor:
    """The sky down to the shore: a gradient, the sun with its glow, and clouds in perspective."""
    rows, columns = rows_and_columns(SHORE)
    stops = torch.tensor(
        [
            [0.20, 0.33, 0.56],
            [0.37, 0.50, 0.68],
            [0.62, 0.66, 0.72],
            [0.90, 0.76, 0.62],
            [0.99, 0.74, 0.46],
            [0.97, 0.64, 0.38],
        ]
    )
    gradient = F.interpolate(stops.T[None], SHORE, mode="linear", align_corners=True)[0]
    picture = gradient[:, :, None].expand(3, SHORE, WIDTH)
    distance = ((rows - SUN[0]) ** 2 + ((columns - SUN[1]) / 1.25) ** 2).sqrt()
    picture = mix(picture, colour(1.0, 0.88, 0.62), 0.85 * torch.exp(-distance / 210))
    picture = _with_clouds(picture, rows, columns, distance)
    glow = 0.55 * torch.exp(-distance / 70) + torch.exp(-((distance / 31) ** 6))
    return mix(picture, colour(1.0, 0.97, 0.86), glow.clamp(0, 1))


def _with_clouds(picture: Tensor, rows: Tensor, columns: Tensor, distance: Tensor) -> Tensor:
    """Clouds on a flat ceiling seen in perspective, lit from the sun's side and from below."""
    texture = noise(11, 1100, 2600, (210, 330), octaves=8, gain=0.56)[None]
    depth = 330 / (SHORE + 60 - rows)
    ceiling_rows, ceiling_columns = 250 * depth.sqrt() * 2.2, (columns - 900) * depth**0.55 + 1100
    density = sample(texture, ceiling_rows, ceiling_columns)[0]
    towards_sun = sample(texture, ceiling_rows + 14, ceiling_columns - 10)[0]
    cover = smooth_step(0.50, 0.80, density) * smooth_step(-80, 120, rows)
    light = (0.42 + 2.6 * (density - towards_sun)).clamp(0, 1)
    warmth = torch.exp(-distance / 520)
    lit = mix(colour(0.98, 0.86, 0.78), colour(1.0, 0.80, 0.48), warmth)
    shade = mix(colour(0.47, 0.48, 0.58), colour(0.80, 0.52, 0.40), warmth)
    thick = smooth_step(0.55, 1.0, density)
    return mix(picture, mix(lit, shade, (1 - light) * (0.35 + 0.65 * thick)), 0.93 * cover)


def with_mountains(picture: Tensor) -> Tensor:
    """Four ranges, each nearer one darker and less hazy, the highest with snow."""
    for mountains in RANGES:
        picture = _with_range(picture, mountains)
    return picture


def _with_range(picture: Tensor, mountains: Range) -> Tensor:
    seed, level, relief, cell, tone, haze, snow = mountains
    base = colour(*tone)
    rows, columns = rows_and_columns(SHORE)
    line = noise(seed, 1, WIDTH, (1, cell), octaves=8, gain=0.47)[0]
    peaks = smooth_step(0.1, 1.05, line)
    # lower towards the sun, so that it stands in a valley
    valley = 1 - 0.72 * torch.exp(-(((columns[0] - SUN[1] - 30) / 340) ** 2))
    ridge = level + 0.40 * relief - 1.45 * relief * peaks * valley
    depth = rows - ridge
    # ribs run down the slopes: the map is read along lines that fan out from the ridge
    relief_map = noise(seed + 50, SHORE, WIDTH, (cell / 1.6, cell / 5), octaves=8, gain=0.55)[None]
    fan = columns + 0.55 * depth * torch.sin(columns / cell * 5 + seed)
    height_map = sample(relief_map, rows.expand(-1, WIDTH), fan)[0]
    slope = F.pad(height_map[:, 9:] - height_map[:, :-9], (4, 5), mode="replicate")
    light = (0.45 + 3.2 * slope * torch.tanh((SUN[1] - columns) / 150)).clamp(0, 1)
    surface = mix(base * 0.62, base * 1.28 + colour(0.16, 0.08, 0.0), light)
    if snow:
        patches = smooth_step(0.0, 0.10, height_map - 0.33 - depth / 330)
        surface = mix(
            surface, mix(colour(0.62, 0.63, 0.74), colour(1.0, 0.87, 0.76), light), patches
        )
    distance = ((rows - SUN[0]) ** 2 + (columns - SUN[1]) ** 2).sqrt()
    air = mix(colour(0.66, 0.64, 0.70), colour(1.0, 0.76, 0.50), torch.exp(-distance / 520))
    thicker = haze + 0.25 * smooth_step(60, 300, depth)
    surface = mix(surface, air, thicker.clamp(0, 0.92))
    return mix(picture, surface, torch.sigmoid(depth / 0.6))


def with_forest(picture: Tensor) -> Tensor:
    """Two rows of conifers along the far shore."""
    rows, columns = rows_and_columns(SHORE)
    for seed, n_trees, tallest, tone in ((31, 420, 58, 0.5), (32, 330, 40, 0.0)):
        generator = torch.Generator().manual_seed(seed)
        stands = torch.rand(n_trees, generator=generator) * WIDTH
        tall = tallest * (0.35 + 0.65 * torch.rand(n_trees, generator=generator))
        tall *= 0.55 + 0.9 * noise(seed, 1, WIDTH, (1, 500), octaves=3)[0][stands.long()]
        reach = (columns[0][:, None] - stands).abs() / (0.24 * tall)
        rough = 5 * (noise(seed + 1, 1, WIDTH, (1, 4), octaves=2)[0] - 0.5)
        line = ((1 - reach) * tall).amax(1).clamp(min=6) + rough
        depth = rows - (SHORE - 3 - line)
        leaves = noise(seed + 2, SHORE, WIDTH, (14, 5), octaves=3)
        needles = mix(colour(0.07, 0.10, 0.08), colour(0.22, 0.23, 0.12), leaves.clamp(0, 1))
        distance = (columns - SUN[1]).abs()
        air = mix(colour(0.42, 0.42, 0.44), colour(0.92, 0.62, 0.36), torch.exp(-distance / 420))
        picture = mix(picture, mix(needles, air, 0.12 + 0.5 * tone), torch.sigmoid(depth / 0.6))
    return picture


def lake(above: Tensor, height: int) -> Tensor:
    """Water (3, height, WIDTH) below the shore, mirroring what is above it in ripples."""
    rows, columns = rows_and_columns(height)
    depth = 60 / (rows + 14)
    texture = noise(41, 900, 2048, (16, 46), octaves=5, gain=0.6)[None]
    ripples = sample(texture, 760 * depth**0.8, (columns - 1024) * depth**0.45 + 1024)[0] - 0.5
    fine = noise(42, height, WIDTH, (3, 40), octaves=3)[:height] - 0.5
    swell = ripples * (3 + rows * 0.16) + fine * (1 + rows * 0.05)
    mirrored = sample(above, SHORE - 2 - rows * 1.25 - swell * 2.2, columns + swell * 0.5)
    deep = mix(colour(0.10, 0.17, 0.22), colour(0.16, 0.20, 0.20), smooth_step(0, 300, rows))
    facing = 0.16 + 0.34 * smooth_step(0, 330, rows) + 0.5 * (ripples * 0.8).clamp(-0.25, 0.25)
    water = mix(mirrored * 0.94, deep, facing.clamp(0, 1))
    spread = 26 + rows * 0.42
    column_of_light = torch.exp(-(((columns - SUN[1]) / spread) ** 2))
    sparks = smooth_step(0.10, 0.42, ripples + 0.6 * fine) * column_of_light
    water = mix(water, colour(1.0, 0.90, 0.66), (0.95 * sparks).clamp(0, 1))
    shore_line = torch.exp(-rows / 2.5) * 0.55
    return mix(water, colour(0.16, 0.14, 0.10), shore_line)


def meadow_edge() -> Tensor:
    """Row at which the meadow begins, for each column: low on the left, a rise under the house."""
    columns = torch.arange(float(WIDTH))
    rise = 150 * torch.sigmoid((columns - 1180) / 120)
    return 1095 - rise + 26 * (noise(51, 1, WIDTH, (1, 420), octaves=5)[0] - 0.5)


def with_meadow(picture: Tensor) -> Tensor:
    """Ground under the grass: golden on the rise, darker towards the viewer, in patches."""
    rows, columns = rows_and_columns()
    depth = rows - meadow_edge()
    patches = noise(52, HEIGHT, WIDTH, (90, 420), octaves=7, gain=0.6)
    tufts = noise(53, HEIGHT, WIDTH, (22, 12), octaves=4, gain=0.7)
    near = smooth_step(0, 430, depth)
    ground = mix(colour(0.50, 0.45, 0.17), colour(0.16, 0.22, 0.07), near)
    ground = mix(ground, colour(0.62, 0.50, 0.22), (0.9 * (patches - 0.45)).clamp(0, 0.6))
    ground = ground * (0.72 + 0.55 * tufts)
    sunny = torch.exp(-(((columns - SUN[1]) / 620) ** 2)) * (1 - near)
    ground = mix(ground, colour(0.86, 0.63, 0.27), 0.35 * sunny)
    return mix(picture, ground.clamp(0, 1), torch.sigmoid(depth / 0.7))
