"""Seeded random layers of the five types, and torch's own answer to each: the judge here."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F

Pair = tuple[int, int]


class Draw(NamedTuple):
    """What was drawn: a torch class name, its parameters, an input size."""

    kind: str
    parameters: dict[str, Any]
    input_size: Pair


def random_layer(rng: random.Random) -> Draw:
    def two(low: int, high: int) -> Pair:
        return rng.randint(low, high), rng.randint(low, high)

    kind = rng.choice(["Conv2d", "ConvTranspose2d", "MaxPool2d", "AvgPool2d", "Unfold"])
    parameters: dict[str, Any] = {"kernel_size": two(1, 6), "stride": two(1, 5)}
    parameters["padding"] = two(0, rng.choice([0, 1, 3, 6]))
    if kind != "AvgPool2d":
        parameters["dilation"] = two(1, rng.choice([1, 2, 4]))
    if kind == "ConvTranspose2d":
        parameters["output_padding"] = two(0, rng.choice([0, 1, 4]))
    if kind.endswith("Pool2d"):
        parameters["ceil_mode"] = rng.random() < 0.5
        parameters["padding"] = two(0, rng.choice([0, 1, 3]))
    if kind == "Conv2d" and rng.random() < 0.3:
        parameters["padding"] = rng.choice(["same", "valid"])
    return Draw(kind, parameters, two(1, rng.choice([4, 12])))


def torch_size(draw: Draw, device: str) -> Pair:
    """Run torch's function on one channel; RuntimeError or ValueError where torch refuses."""
    kind, given, size = draw.kind, dict(draw.parameters), draw.input_size
    # In float64 torch's own kernels answer, without the set-up that each new shape costs oneDNN,
    # which also lets some transposed convolutions through with an output of no pixels.
    picture = torch.zeros(1, 1, *size, device=device, dtype=torch.float64)
    kernel = given.pop("kernel_size")
    if kind.startswith("Conv"):
        weight = torch.zeros(1, 1, *kernel, device=device, dtype=torch.float64)
        if given["padding"] == "same" and given["stride"] != (1, 1):
            # The module refuses this when it is built, the function when it is called.
            raise ValueError
        convolve = F.conv2d if kind == "Conv2d" else F.conv_transpose2d
        return _size(convolve(picture, weight, **given))
    if kind == "Unfold":
        n_columns = F.unfold(picture, kernel, **given).shape[2]
        spans = [d * (k - 1) + 1 for k, d in zip(kernel, given["dilation"], strict=True)]
        across = (size[1] + 2 * given["padding"][1] - spans[1]) // given["stride"][1] + 1
        assert n_columns % across == 0
        return n_columns // across, across
    pool = F.max_pool2d if kind == "MaxPool2d" else F.avg_pool2d
    return _size(pool(picture, kernel, **given))


def _size(output: torch.Tensor) -> Pair:
    height, width = output.shape[-2:]
    return height, width


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors of a few pixels are slower on many threads than on one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
