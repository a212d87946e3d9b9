"""Convolutions as an address of the app and as torch computes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from rfviz import filter_bank, load_sample

Pair = tuple[int, int]


@dataclass(frozen=True)
class Convolution:
    """An address and what torch makes of it; ``pads`` as F.pad takes them."""

    address: Mapping[str, Any]
    picture: Tensor
    weight: Tensor
    pads: tuple[int, int, int, int]
    mode: str = "constant"
    bias: float = 0.0
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    groups: int = 1

    @cached_property
    def output(self) -> Tensor:
        """The first filter's feature map, (rows, columns), float64."""
        padded = F.pad(self.picture.double()[None], self.pads, self.mode)
        out = F.conv2d(
            padded, self.weight, stride=self.stride, dilation=self.dilation, groups=self.groups
        )
        return out[0, 0] + self.bias

    @cached_property
    def sources(self) -> Tensor:
        """The column matrix of one channel, its entries the pixels' own numbers, from 1.

        0 is a zero of the padding.
        """
        _, height, width = self.picture.shape
        numbers = torch.arange(1.0, height * width + 1, dtype=torch.float64)
        padded = F.pad(numbers.view(1, 1, height, width), self.pads, self.mode)
        size = self.weight.shape[2:]
        return F.unfold(padded, size, self.dilation, 0, self.stride)[0].long()

    @property
    def n_rows(self) -> int:
        """Rows of the column matrix."""
        return self.picture.shape[0] * self.weight.shape[2] * self.weight.shape[3]

    def entries(self, pixel: Pair) -> set[Pair]:
        """(row, column) of every copy of a pixel, in every channel."""
        width = self.picture.shape[2]
        sources = self.sources
        found = torch.nonzero(sources == 1 + pixel[0] * width + pixel[1]).tolist()
        channels = range(self.picture.shape[0])
        return {(row + len(sources) * channel, at) for row, at in found for channel in channels}

    def taps(self, output: Pair) -> tuple[Tensor, Tensor]:
        """Rows and columns that an output reads, beyond the picture in the padding."""
        left, _, top, _ = self.pads
        height, width = self.weight.shape[2:]
        rows = output[0] * self.stride[0] - top + self.dilation[0] * torch.arange(height)
        return rows, output[1] * self.stride[1] - left + self.dilation[1] * torch.arange(width)

    def pixel_of(self, row: int, column: int) -> Pair:
        """The pixel that an entry of the column matrix reads."""
        rows, columns = self.taps(self.output_of(column))
        tap = row % (len(rows) * len(columns))
        return int(rows[tap // len(columns)]), int(columns[tap % len(columns)])

    def tap_of(self, row: int) -> tuple[int, int, int]:
        """(channel, kernel row, kernel column) of a row of the column matrix."""
        height, width = self.weight.shape[2:]
        return row // (height * width), row // width % height, row % width

    def output_of(self, column: int) -> Pair:
        return divmod(column, self.output.shape[1])

    def column_of(self, output: Pair) -> int:
        return output[0] * self.output.shape[1] + output[1]


def bank(*arguments: Any, **options: Any) -> Tensor:
    # As the page has it, in float32: its rounding belongs to the weights, not to the comparison.
    return filter_bank(*arguments, **options).double()


DEFAULT = Convolution({}, load_sample("glyph"), bank("sobel-x", 3, 1, 1), (1, 1, 1, 1))
DILATED = Convolution(
    {
        "sample": "address", "kernel": 3, "stride": 2, "dilation": 2, "padding": 4,
        "padding_mode": "reflect", "weights": "random", "seed": 5, "filters": 3,
        "with_bias": "true", "bias": 2.5,
    },
    load_sample("address"), bank("random", 3, 1, 3, seed=5), (4, 4, 4, 4), "reflect", 2.5, (2, 2),
    (2, 2),
)  # fmt: skip
RECTANGULAR = Convolution(
    {
        "sample": "impulse", "separate": "true", "kernel_height": 3, "kernel_width": 5,
        "stride_height": 2, "stride_width": 1, "padding_kind": "per side", "pad_top": 0,
        "pad_bottom": 3, "pad_left": 1, "pad_right": 2, "padding_mode": "circular",
        "weights": "gabor", "filters": 2,
    },
    load_sample("impulse"), bank("gabor", (3, 5), 1, 2), (1, 2, 0, 3), "circular", stride=(2, 1),
)  # fmt: skip
IN_GROUPS = Convolution(
    {
        "sample": "scene", "region": "true", "region_top": 700, "region_left": 400,
        "region_height": 40, "region_width": 60, "groups": 3, "filters": 6, "weights": "random",
        "seed": 1,
    },
    load_sample("scene")[:, 700:740, 400:460], bank("random", 3, 3, 6, 3, seed=1), (1, 1, 1, 1),
    groups=3,
)  # fmt: skip
CASES = {"dilated": DILATED, "rectangular": RECTANGULAR, "in groups": IN_GROUPS}
