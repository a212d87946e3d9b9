"""Practice questions read as a person reads them: the numbers in the text, and torch's answers."""

import re
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from random_sets import how_many

from rfviz.conv.practice.question import Question
from rfviz.conv.practice.series import KINDS, LEVELS, practice_series

SEEDS = range(how_many(20, 60))
PARAMETERS = re.compile(r"kernel (\d+), stride (\d+), padding (\d+)(?:, dilation (\d+))?")


@cache
def questions() -> list[Question]:
    return [
        question
        for seed in SEEDS
        for level in LEVELS
        for question in practice_series(seed, level, len(KINDS))
    ]


def of_kind(kind: str) -> list[Question]:
    found = [question for question in questions() if question.kind == kind]
    assert len(found) == len(SEEDS) * len(LEVELS)
    return found


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def parameters(question: Question) -> tuple[int, int, int, int]:
    """Kernel, stride, padding and dilation that the text names."""
    match = PARAMETERS.search(question.text)
    assert match is not None
    kernel, stride, padding, dilation = (int(part or 1) for part in match.groups())
    return kernel, stride, padding, dilation


def reading(question: Question, size: int) -> torch.Tensor:
    """How often each output reads each pixel, (outputs, pixels) along one axis, by autograd."""
    kernel, stride, padding, dilation = parameters(question)
    line = torch.zeros(1, 1, size, 1, dtype=torch.float64, requires_grad=True)
    weight = torch.ones(1, 1, kernel, 1, dtype=torch.float64)
    output = F.conv2d(line, weight, None, (stride, 1), (padding, 0), (dilation, 1)).flatten()
    return torch.stack(
        [torch.autograd.grad(each, line, retain_graph=True)[0].flatten() for each in output]
    )


class Pixels(NamedTuple):
    """What the text of a question on pixels says."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: int
    padding: int
    dilation: int
    output: tuple[int, int]


def pixels_in(question: Question) -> Pixels:
    words = re.search(
        r"(\d+) × (\d+) pixels .* kernel of (\d+) × (\d+), stride (\d+), padding (\d+)"
        r"(?:, dilation (\d+))?\. .* output \((\d+), (\d+)\)", question.text,
    )  # fmt: skip
    assert words is not None
    a, b, c, d, stride, padding, dilation, row, column = (int(word or 1) for word in words.groups())
    return Pixels((a, b), (c, d), stride, padding, dilation, (row, column))


def rectangle(pixels: Pixels) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of what the output reads of a padded picture, by autograd."""
    height, width = (n + 40 for n in pixels.size)
    picture = torch.zeros(1, 1, height, width, dtype=torch.float64, requires_grad=True)
    weight = torch.ones(1, 1, *pixels.kernel, dtype=torch.float64)
    output = F.conv2d(picture, weight, None, pixels.stride, 0, pixels.dilation)
    (gradient,) = torch.autograd.grad(output[0, 0, pixels.output[0], pixels.output[1]], picture)
    read = gradient[0, 0].nonzero() - pixels.padding
    return (*read.amin(0).tolist(), *read.amax(0).tolist())


def strides_and_kernels(question: Question) -> tuple[list[int], list[int]]:
    strides, kernels = re.findall(r"(?:strides|kernels) ([\d, ]+)", question.text)
    return numbers(strides), numbers(kernels)
