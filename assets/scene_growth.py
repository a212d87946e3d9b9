"""What is drawn stroke by stroke in the sample scene: tree, fence, grass, flowers and birds.

Strokes are drawn at twice the size and reduced, which makes their edges smooth.
"""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw
from scene_land import HEIGHT, WIDTH, meadow_edge
from torch import Tensor

Colour = tuple[int, int, int]
Draw = ImageDraw.ImageDraw
# row and column of the foot, and its share of the meadow's depth
Blade = tuple[float, float, float]
_SCALE = 2

# strokes of a branch: offset and width as shares of its own, and colour, from shade to light
_WOOD = ((0.0, 1.0, (46, 34, 28)), (0.22, 0.42, (92, 68, 46)), (0.38, 0.14, (196, 140, 80)))


class Branch(NamedTuple):
    """A branch of the tree: where it starts, its direction in radians, its size, its generation."""

    foot: tuple[float, float]
    angle: float
    length: float
    width: float
    generation: int


def with_growth(picture: Tensor) -> Tensor:
    """The picture (3, HEIGHT, WIDTH) with birds, a tree, a fence, grass and flowers on top."""
    small = Image.frombytes("RGB", (WIDTH, HEIGHT), _bytes_of(picture))
    image = small.resize((WIDTH * _SCALE, HEIGHT * _SCALE), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(image)
    draw_birds(draw)
    edge = meadow_edge().tolist()
    behind, before = grass_by_fence(_dice(81), edge, 105_000)
    draw_grass(draw, _dice(82), behind)
    draw_tree(draw, _dice(27))
    draw_fence(draw, _dice(83))
    draw_grass(draw, _dice(84), before)
    draw_flowers(draw, _dice(85), edge)
    pixels = torch.frombuffer(bytearray(image.reduce(_SCALE).tobytes()), dtype=torch.uint8)
    return pixels.view(HEIGHT, WIDTH, 3).permute(2, 0, 1) / 255


def grass_by_fence(
    choose: random.Random, edge: list[float], n_blades: int
) -> tuple[list[Blade], list[Blade]]:
    """Blades behind and before the fence, each from far to near."""
    behind: list[Blade] = []
    before: list[Blade] = []
    for _ in range(n_blades):
        column = choose.uniform(-10, WIDTH + 10)
        top = edge[min(max(int(column), 0), WIDTH - 1)]
        near = 1.02 * choose.random() ** 0.8
        row = top + near * (HEIGHT - top)
        if not _hidden_by_house(row, column):
            (behind if row < _fence_row(column) else before).append((row, column, near))
    return sorted(behind), sorted(before)


def draw_grass(draw: Draw, choose: random.Random, blades: list[Blade]) -> None:
    """Bent blades, longer and darker towards the viewer, golden below the sun."""
    for row, column, near in blades:
        length = (5 + 62 * near**1.3) * choose.uniform(0.55, 1.15)
        lean = choose.gauss(0.10, 0.22) * length
        tone = choose.random()
        warm = math.exp(-(((column - 800) / 700) ** 2)) * (1 - 0.6 * near)
        fill = _between((44, 66, 16), (152, 146, 52), 0.75 * tone * (1 - 0.35 * near) + 0.30 * warm)
        if choose.random() < 0.06 + 0.10 * warm:
            fill = _between(fill, (238, 200, 112), 0.7)
        middle = (column + 0.35 * lean, row - 0.6 * length)
        points = [(column, row), middle, (column + lean, row - length)]
        _line(draw, points, fill, max(1.0, 0.7 + 1.5 * near))


def draw_flowers(draw: Draw, choose: random.Random, edge: list[float]) -> None:
    """Poppies, daisies and buttercups in clumps, larger towards the viewer."""
    kinds = ((206, 46, 34), (244, 240, 228), (246, 206, 60), (150, 110, 190))
    clumps = [
        (choose.uniform(0, WIDTH), choose.uniform(0.45, 1.0), choose.choice(kinds))
        for _ in range(90)
    ]
    flowers = []
    for middle, near, kind in clumps:
        for _ in range(choose.randint(3, 14)):
            column, share = middle + choose.gauss(0, 55), near + choose.gauss(0, 0.03)
            top = edge[min(max(int(column), 0), WIDTH - 1)]
            row = top + share * (HEIGHT - top)
            if row > _fence_row(column) + 8:
                flowers.append((row, column, share, kind))
    for row, column, near, kind in sorted(flowers):
        radius = 1.2 + 3.6 * near * choose.uniform(0.7, 1.2)
        head = (row - 26 * near, column + 3 * choose.gauss(0, 1))
        _line(draw, [(column, row), (head[1], head[0])], (70, 92, 34), 1.2)
        petals = _between(kind, (30, 20, 20), choose.uniform(0, 0.3))
        _dot(draw, head, (radius, radius * 0.8), petals)
        eye = (60, 44, 30) if kind[0] > kind[1] * 2 else (232, 176, 44)
        _dot(draw, head, (radius * 0.3, radius * 0.26), eye)


def draw_fence(draw: Draw, choose: random.Random) -> None:
    """White pickets on two rails, closer and smaller to the right as they recede."""
    column = -20.0
    uprights = []
    while column < WIDTH + 30:
        share = column / WIDTH
        size = 1.22 - 0.60 * share
        uprights.append((column, _fence_row(column), size))
        column += 24 * size
    for height in (0.28, 0.74):
        for (column, row, size), (next_column, next_row, _) in pairwise(uprights):
            level = row - 132 * size * height
            next_level = next_row - 132 * size * height
            _line(draw, [(column, level), (next_column, next_level)], (126, 112, 100), 9 * size)
            lit_edge = [(column, level - 3 * size), (next_column, next_level - 3 * size)]
            _line(draw, lit_edge, (196, 176, 150), 3 * size)
    for index, (column, row, size) in enumerate(uprights):
        _draw_picket(draw, choose, column, row, size * (1.14 if index % 9 == 4 else 1.0))


def _draw_picket(draw: Draw, choose: random.Random, column: float, row: float, size: float) -> None:
    """A board with a point, bright on the side of the sun, with two nails."""
    half, height = 6.2 * size, 132 * size * choose.uniform(0.985, 1.015)
    tilt = choose.gauss(0, 0.8)
    tone = choose.uniform(0.80, 1.0)
    board = (int(206 * tone), int(190 * tone), int(170 * tone))
    top = row - height
    outline = [
        (column - half, row),
        (column - half + tilt, top + half * 1.5),
        (column + tilt, top),
        (column + half + tilt, top + half * 1.5),
        (column + half, row),
    ]
    draw.polygon([(x * _SCALE, y * _SCALE) for x, y in outline], fill=board)
    shade = _between(board, (70, 62, 66), 0.55)
    _line(
        draw,
        [(column + half * 0.8, row), (column + half * 0.8 + tilt, top + half * 1.6)],
        shade,
        half * 0.42,
    )
    lit = _between(board, (255, 226, 170), 0.75)
    _line(
        draw,
        [(column - half * 0.8, row), (column - half * 0.8 + tilt, top + half * 1.6)],
        lit,
        half * 0.36,
    )
    for level in (0.28, 0.74):
        _dot(draw, (row - 132 * size * level, column), (1.1 * size, 1.1 * size), (74, 62, 54))


def draw_tree(draw: Draw, choose: random.Random) -> None:
    """An old tree on the left: trunk and branches by recursion, leaves at the ends."""
    leaves = []
    for row, column in _draw_branch(draw, choose, Branch((1345, 175), -1.55, 225, 52, 0)):
        leaves += [
            (choose.gauss(row, 24), choose.gauss(column, 27), choose.random()) for _ in range(64)
        ]
    choose.shuffle(leaves)
    leaves.sort(key=lambda leaf: leaf[2] > 0.55)
    for row, column, depth in leaves:
        to_sun = math.exp(-math.hypot(row - 640, column - 800) / 430)
        bright = (0.25 if depth <= 0.55 else 0.62) * choose.uniform(0.5, 1.2) + 0.5 * to_sun
        fill = _between((24, 38, 16), (132, 136, 44), min(bright, 1.0))
        if choose.random() < 0.10 + 0.6 * to_sun and depth > 0.55:
            fill = _between(fill, (250, 206, 96), 0.65)
        long, wide = choose.uniform(2.0, 4.6), choose.uniform(1.2, 2.6)
        if choose.random() < 0.5:
            long, wide = wide, long
        _dot(draw, (row, column), (long, wide), fill)


def _draw_branch(draw: Draw, choose: random.Random, branch: Branch) -> list[tuple[float, float]]:
    """Draw a branch and those that grow from it; the (row, column) of the ends that bear leaves."""
    (row, column), angle, length, width, generation = branch
    n_pieces = 12
    for piece in range(n_pieces):
        angle += choose.gauss(0, 0.045)
        next_row = row + math.sin(angle) * length / n_pieces
        next_column = column + math.cos(angle) * length / n_pieces
        thick = width * (1 - 0.38 * piece / n_pieces)
        for offset, share, fill in _WOOD:
            shift = offset * thick
            points = [(column + shift, row), (next_column + shift, next_row)]
            _line(draw, points, fill, thick * share)
        if thick > 16:
            _draw_bark(draw, choose, row, column, thick)
        row, column = next_row, next_column
    ends = [(row, column)] if generation >= 4 else []
    if generation == 6:
        return ends
    n_branches = 3 if generation < 3 else 2
    for index in range(n_branches):
        spread = (index - (n_branches - 1) / 2) * (0.95 if generation < 2 else 0.75)
        turned = angle + spread + choose.gauss(0, 0.12)
        turned += 0.22 * math.sin(-math.pi / 2 - turned)
        shorter = length * choose.uniform(0.66, 0.82)
        grown = Branch((row, column), turned, shorter, width * 0.58, generation + 1)
        ends += _draw_branch(draw, choose, grown)
    return ends


def _draw_bark(draw: Draw, choose: random.Random, row: float, column: float, thick: float) -> None:
    for _ in range(int(thick * 0.7)):
        x, y = column + choose.uniform(-0.36, 0.36) * thick, row + choose.uniform(-10, 10)
        fill = _between((30, 22, 20), (112, 84, 58), choose.random())
        _line(draw, [(x, y), (x + choose.gauss(0, 1.2), y + choose.uniform(4, 12))], fill, 1.0)


def draw_birds(draw: Draw) -> None:
    """A flock of nine in the sky."""
    choose = _dice(86)
    for index in range(9):
        row = 300 + 22 * abs(index - 3) + choose.gauss(0, 5)
        column = 1180 + 46 * index + choose.gauss(0, 8)
        span, lift = choose.uniform(9, 13), choose.uniform(3, 7)
        left = [(column - span, row - lift), (column - span * 0.4, row - lift * 1.3), (column, row)]
        right = [
            (column + span, row - lift),
            (column + span * 0.4, row - lift * 1.3),
            (column, row),
        ]
        _line(draw, left, (62, 56, 66), 1.8)
        _line(draw, right, (62, 56, 66), 1.8)


def _fence_row(column: float) -> float:
    """Row of the fence's foot: it recedes to the right and follows the ground."""
    return 1424 - 196 * column / WIDTH + 6 * math.sin(column / 190)


def _hidden_by_house(row: float, column: float) -> bool:
    """Whether a blade would stand where the house stands."""
    if 1322 < column < 1566:
        return row < 1121 + (column - 1330) * 14 / 232
    return 1560 <= column < 1940 and row < 1135 - (column - 1562) * 12 / 372


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - decides where leaves grow, not who may enter


def _line(draw: Draw, points: list[tuple[float, float]], fill: Colour, width: float) -> None:
    scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
    draw.line(
        scaled, fill=fill, width=max(1, round(width * _SCALE)), joint="curve" if width > 4 else None
    )


def _dot(
    draw: Draw, centre: tuple[float, float], half_size: tuple[float, float], fill: Colour
) -> None:
    (row, column), (half_height, half_width) = centre, half_size
    left, top = (column - half_width) * _SCALE, (row - half_height) * _SCALE
    right, bottom = (column + half_width) * _SCALE, (row + half_height) * _SCALE
    draw.ellipse((left, top, right, bottom), fill=fill)


def _between(a: Colour, b: Colour, share: float) -> Colour:
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


def _bytes_of(picture: Tensor) -> bytes:
    pixels = (255 * picture).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    return pixels.contiguous().numpy().tobytes()
