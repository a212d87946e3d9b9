"""Scenes drawn at random from a seed, as torch has them and as the server sends them."""

import json
import random
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.explorer.scene import Scene

N_SCENES = 200


class Part(NamedTuple):
    """A rectangle of a picture or of a feature map."""

    rows: range
    columns: range


class Drawn(NamedTuple):
    """A picture under a spec that fits, the weights, and what a person might point at."""

    image: Tensor
    spec: Conv2dSpec
    weight: Tensor
    bias: float
    divisor: int
    filter_index: int
    output: Pair
    pixel: Pair
    part: Part
    held: Part

    @property
    def columns(self) -> ColumnMatrix:
        return ColumnMatrix(self.image, self.spec)

    @property
    def size(self) -> Pair:
        return self.image.shape[1], self.image.shape[2]

    @property
    def column(self) -> int:
        return self.columns.column_index(*self.output)

    @property
    def channels(self) -> range:
        size = len(self.image) // self.spec.groups
        group = self.filter_index // (len(self.weight) // self.spec.groups)
        return range(group * size, (group + 1) * size)

    def conv2d(self, dtype: torch.dtype) -> Tensor:
        """The chosen filter's feature map, by F.conv2d on the padded picture."""
        padded = self.columns.padded_rows(0, len(self.columns.row_sources)).to(dtype)
        out = F.conv2d(
            padded[None] / self.divisor,
            self.weight.to(dtype),
            stride=self.spec.stride,
            dilation=self.spec.dilation,
            groups=self.spec.groups,
        )
        return out[0, self.filter_index] + self.bias

    def as_json(self) -> dict[str, Any]:
        """What a script is asked about, pictures included."""
        whole = Part(range(self.size[0]), range(self.size[1]))
        return {
            "scene": {**self.scene().as_json(), "position": self.output},
            "pixel": self.pixel,
            "column": self.column,
            "part": [[side.start, side.stop] for side in self.part],
            "whole": self.pixels(whole),
            "held": self.pixels(self.held),
        }

    def scene(self) -> Scene:
        weights = self.weight[self.filter_index].double().flatten().tolist()
        return Scene(
            self.spec, self.size, len(self.image), self.columns.shape, self.filter_index,
            len(self.weight), self.channels, [str(channel) for channel in self.channels], weights,
            self.bias, self.divisor, 255 / self.divisor, "token", "matrix token",
        )  # fmt: skip

    def pixels(self, part: Part) -> dict[str, Any]:
        """A part of the picture, as the browser holds it."""
        rows, columns = part
        pixels = self.image[:, rows.start : rows.stop, columns.start : columns.stop]
        return {
            "top": rows.start, "left": columns.start, "height": len(rows), "width": len(columns),
            "channels": len(self.image), "data": pixels.flatten().tolist(),
        }  # fmt: skip


def spec_json(spec: Conv2dSpec, size: Pair, n_channels: int) -> dict[str, Any]:
    """A spec as the browser gets it, whether or not it fits the picture."""
    scene = Scene(
        spec,
        size,
        n_channels,
        (1, 1),
        0,
        1,
        range(1),
        [],
        [],
        0.0,
        1,
        255.0,
        "token",
        "matrix token",
    )
    spec_part: dict[str, Any] = json.loads(json.dumps(scene.as_json()["spec"]))
    return spec_part


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - reproducible tests, no secret


def draw_spec(rng: random.Random, n_channels: int) -> Conv2dSpec:
    def two(low: int, high: int) -> Pair:
        return rng.randint(low, high), rng.randint(low, high)

    padding = rng.choice([rng.randint(0, 4), two(0, 4), (two(0, 4), two(0, 4)), "valid", "same"])
    return Conv2dSpec(
        rng.choice([rng.randint(1, 5), two(1, 5)]),
        stride=1 if padding == "same" else rng.choice([1, rng.randint(1, 4), two(1, 4)]),
        padding=padding,
        dilation=rng.choice([1, rng.randint(1, 3), two(1, 3)]),
        groups=rng.choice([1, n_channels]),
        padding_mode=rng.choice(["zeros", "reflect", "replicate", "circular"]),
    )


def draw(seed: int) -> Drawn:
    """Draw until the spec fits the picture."""
    rng = seeded(seed)
    generator = torch.Generator().manual_seed(seed)

    def some_of(n: int, most: int) -> range:
        start = rng.randrange(min(n, most))
        return range(start, max(start + 1, n - rng.randrange(most)))

    while True:
        n_channels, size = rng.choice([1, 3]), (rng.randint(1, 18), rng.randint(1, 18))
        spec = draw_spec(rng, n_channels)
        try:
            height, width = spec.output_size(size)
        except InputError:
            continue
        filters = spec.groups * rng.randint(1, 2)
        shape = (filters, n_channels // spec.groups, *spec.kernel_size)
        return Drawn(
            torch.randint(0, 256, (n_channels, *size), dtype=torch.uint8, generator=generator),
            spec,
            torch.randn(shape, generator=generator),
            rng.choice([0.0, 1.5]),
            rng.choice([1, 255]),
            rng.randrange(filters),
            (rng.randrange(height), rng.randrange(width)),
            (rng.randrange(size[0]), rng.randrange(size[1])),
            Part(some_of(height, 18), some_of(width, 18)),
            Part(some_of(size[0], 4), some_of(size[1], 4)),
        )


@cache
def drawn() -> tuple[Drawn, ...]:
    return tuple(map(draw, range(N_SCENES)))
