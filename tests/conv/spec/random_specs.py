"""Seeded random convolutions, and torch's own answers to them: the judge in these tests."""

import random
from typing import NamedTuple

import torch
import torch.nn.functional as F

from rfviz.conv.errors import InputError
from rfviz.conv.spec.spec import Conv2dSpec

TORCH_MODES = {"zeros": "constant"}


class Case(NamedTuple):
    """A spec that fits, with what it is applied to."""

    spec: Conv2dSpec
    image: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None


def random_spec(rng: random.Random) -> Conv2dSpec:
    def two(low: int, high: int) -> tuple[int, int]:
        return rng.randint(low, high), rng.randint(low, high)

    padding = rng.choice([rng.randint(0, 3), two(0, 3), (two(0, 3), two(0, 3)), "valid", "same"])
    return Conv2dSpec(
        two(1, 5),
        stride=1 if padding == "same" else two(1, 4),
        padding=padding,
        dilation=two(1, 3),
        groups=rng.choice([1, 1, 2, 3]),
        padding_mode=rng.choice(["zeros", "reflect", "replicate", "circular"]),
    )


def random_case(seed: int, dtype: torch.dtype = torch.float64) -> Case:
    """Draw until the spec fits the picture; groups up to depthwise, batches and rectangles."""
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    generator = torch.Generator().manual_seed(seed)
    while True:
        spec = random_spec(rng)
        size = (rng.randint(1, 16), rng.randint(1, 16))
        try:
            spec.output_size(size)
        except InputError:
            continue
        channels = spec.groups * rng.choice([1, 1, 2])
        filters = spec.groups * rng.randint(1, 3)
        batch = rng.choice([(), (), (1,), (3,)])
        shape = (filters, channels // spec.groups, *spec.kernel_size)
        image = torch.randn(*batch, channels, *size, generator=generator, dtype=dtype)
        weight = torch.randn(shape, generator=generator, dtype=dtype)
        bias = torch.randn(filters, generator=generator, dtype=dtype)
        return Case(spec, image, weight, rng.choice([None, bias]))


def pad_by_torch(image: torch.Tensor, spec: Conv2dSpec) -> torch.Tensor:
    (top, bottom), (left, right) = spec.pads
    mode = TORCH_MODES.get(spec.padding_mode, spec.padding_mode)
    batch = image if image.ndim == 4 else image[None]
    padded = F.pad(batch, (left, right, top, bottom), mode=mode)
    return padded if image.ndim == 4 else padded[0]


def unfold_by_torch(image: torch.Tensor, spec: Conv2dSpec) -> torch.Tensor:
    padded = pad_by_torch(image, spec)
    return F.unfold(padded, spec.kernel_size, spec.dilation, 0, spec.stride)


def conv2d_by_torch(case: Case) -> torch.Tensor:
    spec = case.spec
    padded = pad_by_torch(case.image, spec)
    return F.conv2d(padded, case.weight, case.bias, spec.stride, 0, spec.dilation, spec.groups)
