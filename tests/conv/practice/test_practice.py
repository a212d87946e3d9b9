"""Practice: right answers are torch's, and a series is the same for everybody."""

import re

import pytest
import torch
import torch.nn.functional as F
from practice_texts import (
    numbers,
    of_kind,
    parameters,
    pixels_in,
    reading,
    rectangle,
    strides_and_kernels,
)
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.practice.series import MOST_QUESTIONS, practice_series


def test_output_sizes_are_torch_s() -> None:
    for question in of_kind("output size"):
        size = numbers(question.text)[0]
        assert question.answer == (len(reading(question, size)),)
        assert question.solution.endswith(f"= {question.answer[0]}")


def test_receptive_fields_are_the_gradients() -> None:
    for question in of_kind("receptive field"):
        size = numbers(question.text)[0]
        row = int(re.findall(r"output row (\d+)", question.text)[0])
        read = reading(question, size)[row].nonzero().flatten().tolist()
        kernel, _, _, dilation = parameters(question)
        first, last = question.answer
        assert last - first == dilation * (kernel - 1)
        taps = range(first, last + 1, dilation)
        assert [tap for tap in taps if 0 <= tap < size] == read


def test_columns_and_entries_are_those_of_unfold() -> None:
    for question in of_kind("column"):
        height, width, *_ = numbers(question.text)
        row, column = numbers(question.text)[-2:]
        image = torch.arange(height * width, dtype=torch.float64).view(1, 1, height, width)
        columns = F.unfold(image, 1)[0, 0]
        assert columns[question.answer[0]] == image[0, 0, row, column]
    for question in of_kind("entry"):
        channels, height, width = numbers(question.text)[:3]
        channel, row, column = numbers(question.text)[-3:]
        image = torch.arange(channels * height * width, dtype=torch.float64)
        image = image.view(1, channels, height, width)
        entries = F.unfold(image, (height, width))[0, :, 0]
        assert entries[question.answer[0]] == image[0, channel, row, column]


def test_padding_keeps_the_size() -> None:
    for question in of_kind("same"):
        _, kernel, *rest = numbers(question.text)
        dilation = rest[0] if "dilation" in question.text else 1
        layer = nn.Conv2d(1, 1, kernel, 1, question.answer[0], dilation, device="meta")
        assert layer(torch.empty(1, 40, 40, device="meta")).shape[1:] == (40, 40)


def test_reads_are_the_gradients() -> None:
    for question in of_kind("reads"):
        size = numbers(question.text)[0]
        row, column = numbers(question.text)[-2:]
        per_pixel = (reading(question, size) > 0).sum(0)
        assert question.answer == (int(per_pixel[row] * per_pixel[column]),)


def test_stacks_see_their_gradient() -> None:
    for question in of_kind("stack"):
        layers = re.findall(r"(\d+) × \d+ with stride (\d+)", question.text)
        line = torch.zeros(1, 1, 600, 1, dtype=torch.float64, requires_grad=True)
        values = line
        for kernel, stride in layers:
            weight = torch.ones(1, 1, int(kernel), 1, dtype=torch.float64)
            values = F.conv2d(values, weight, None, (int(stride), 1))
        (gradient,) = torch.autograd.grad(values[0, 0, 2, 0], line)
        assert question.answer == (int(gradient.count_nonzero()),)


def test_pixels_are_those_of_the_gradient() -> None:
    for question in of_kind("pixels"):
        pixels = pixels_in(question)
        assert question.answer == rectangle(pixels)
        assert question.board is not None
        top, left, bottom, right = question.answer
        assert {top, bottom} <= set(question.board.rows)
        assert {left, right} <= set(question.board.columns)
        # Any two opposite corners, in any order.
        for clicks in ([(top, right), (bottom, left)], [(bottom, right), (top, left)]):
            assert question.board.answer(clicks) == question.answer
        assert question.board.answer([(top, left)]) is None


def test_positions_are_those_of_unfold() -> None:
    for question in of_kind("position"):
        height, width, column = numbers(question.text)[:3]
        image = torch.arange(height * width, dtype=torch.float64).view(1, 1, height, width)
        row, across = question.answer
        assert F.unfold(image, 1)[0, 0, column] == image[0, 0, row, across]
        assert question.board is not None
        assert question.board.answer([question.answer]) == question.answer  # type: ignore[list-item]


def test_jumps_are_the_steps_of_the_gradient() -> None:
    for question in of_kind("jump"):
        strides, kernels = strides_and_kernels(question)
        line = torch.zeros(1, 1, 4000, 1, dtype=torch.float64, requires_grad=True)
        values = line
        for kernel, stride in zip(kernels, strides, strict=True):
            weight = torch.ones(1, 1, kernel, 1, dtype=torch.float64)
            values = F.conv2d(values, weight, None, (stride, 1))
        firsts = [
            int(torch.autograd.grad(values[0, 0, unit, 0], line, retain_graph=True)[0]
                .flatten().nonzero()[0])
            for unit in (2, 3)
        ]  # fmt: skip
        assert question.answer == (firsts[1] - firsts[0],)


def test_a_series_is_the_same_for_everybody() -> None:
    assert practice_series(5, 2, 20) == practice_series(5, 2, 20)
    assert practice_series(5, 2, 9) == practice_series(5, 2, 20)[:9]
    assert practice_series(5, 2, 9) != practice_series(6, 2, 9)


@pytest.mark.parametrize("wrong", [(-1, 1, 1), (0, 4, 1), (0, 1, 51), (0, 1, 0), (10**10, 1, 1)])
def test_wrong_series_are_sentences(wrong: tuple[int, int, int]) -> None:
    assert MOST_QUESTIONS == 50
    with pytest.raises(InputError):
        practice_series(*wrong)
