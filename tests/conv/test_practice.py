"""Practice: right answers are torch's, and every slip is true of the number it names."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.practice import LEVELS, MOST_QUESTIONS, Question, practice_series

SEEDS = range(60)
PARAMETERS = re.compile(r"kernel (\d+), stride (\d+), padding (\d+)(?:, dilation (\d+))?")


def of_kind(kind: str) -> list[Question]:
    found = [
        question
        for seed in SEEDS
        for level in LEVELS
        for question in practice_series(seed, level, 7)
        if question.kind == kind
    ]
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


def test_slips_are_wrong_and_told_apart() -> None:
    explained = 0
    for seed in SEEDS:
        for level in LEVELS:
            for question in practice_series(seed, level, 7):
                answers = [slip.answer for slip in question.slips]
                assert question.answer not in answers
                assert len(set(answers)) == len(answers)
                for slip in question.slips:
                    assert question.explain(slip.answer) == slip.why
                    assert "forgets the dilation" not in slip.why or "dilation" in question.text
                explained += len(answers)
                off = tuple(number + 1000 for number in question.answer)
                assert "1,000 too large" in question.explain(off)
    assert explained > 3 * len(SEEDS) * len(LEVELS) * 7


def test_slips_are_the_formulas_they_name() -> None:
    for question in of_kind("output size"):
        size = numbers(question.text)[0]
        kernel, stride, padding, dilation = parameters(question)
        named = {slip.why: slip.answer[0] for slip in question.slips}
        line = torch.empty(1, size, 1, device="meta")
        without = named.get("That is the size without the padding.")
        if without is not None:
            layer = nn.Conv2d(1, 1, (kernel, 1), (stride, 1), 0, (dilation, 1), device="meta")
            assert layer(line).shape[1] == without
        undilated = [value for why, value in named.items() if "forgets the dilation" in why]
        for value in undilated:
            layer = nn.Conv2d(1, 1, (kernel, 1), (stride, 1), (padding, 0), device="meta")
            assert layer(line).shape[1] == value


def test_slips_of_padding_say_how_the_output_changes() -> None:
    told = 0
    for question in of_kind("same"):
        _, kernel, *rest = numbers(question.text)
        dilation = rest[0] if "dilation" in question.text else 1
        for slip in question.slips:
            if match := re.search(r"the output (grows|shrinks) by (\d+)", slip.why):
                line = torch.empty(1, 200, 1, device="meta")
                pad, kernels = (slip.answer[0], 0), (kernel, 1)
                layer = nn.Conv2d(1, 1, kernels, 1, pad, (dilation, 1), device="meta")
                change = int(match[2]) * (1 if match[1] == "grows" else -1)
                assert layer(line).shape[1] == 200 + change
                told += 1
    assert told > len(SEEDS)


def test_a_pixel_is_read_no_more_than_the_most() -> None:
    told = 0
    for question in of_kind("reads"):
        per_pixel = (reading(question, numbers(question.text)[0]) > 0).sum(0)
        for slip in question.slips:
            if "at the most" in slip.why:
                assert slip.answer == (int(per_pixel.max()) ** 2,)
                assert slip.answer > question.answer
                told += 1
    assert told


def test_a_series_is_the_same_for_everybody() -> None:
    assert practice_series(5, 2, 20) == practice_series(5, 2, 20)
    assert practice_series(5, 2, 9) == practice_series(5, 2, 20)[:9]
    assert practice_series(5, 2, 9) != practice_series(6, 2, 9)


@pytest.mark.parametrize("wrong", [(-1, 1, 1), (0, 4, 1), (0, 1, 51), (0, 1, 0), (10**10, 1, 1)])
def test_wrong_series_are_sentences(wrong: tuple[int, int, int]) -> None:
    assert MOST_QUESTIONS == 50
    with pytest.raises(InputError):
        practice_series(*wrong)
