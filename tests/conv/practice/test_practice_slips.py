"""Every slip of a practice question is true of the number it names; torch is the judge."""

import math
import re
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from practice_texts import (
    SEEDS,
    numbers,
    of_kind,
    parameters,
    pixels_in,
    reading,
    rectangle,
    strides_and_kernels,
)
from torch import nn

from rfviz.conv.practice.question import Question
from rfviz.conv.practice.series import KINDS, LEVELS, practice_series


def rows_of(  # noqa: PLR0917 - in torch's order
    size: int, kernel: int, stride: int, before: int, after: int, dilation: int
) -> int:
    """Rows of torch's output on the meta device; 0 where torch refuses."""
    line = F.pad(torch.empty(1, size, 1, device="meta"), (0, 0, before, after))
    layer = nn.Conv2d(1, 1, (kernel, 1), (stride, 1), 0, (dilation, 1), device="meta")
    try:
        return int(layer(line).shape[1])
    except RuntimeError:
        return 0


# What each slip claims, by the start of its sentence: the number it would give, from torch.
Claim = Callable[[Question], tuple[int, ...] | None]


def size_of(question: Question) -> tuple[int, int, int, int, int]:
    return (numbers(question.text)[0], *parameters(question))


def output_size_claims() -> dict[str, Claim]:
    def claim(change: Callable[[int, int, int, int, int], int]) -> Claim:
        return lambda question: (change(*size_of(question)),)

    return {
        "That is the size without the padding":
            claim(lambda n, k, s, p, d: rows_of(n, k, s, 0, 0, d)),
        "That adds the padding at one end only":
            claim(lambda n, k, s, p, d: rows_of(n, k, s, p, 0, d)),
        "That forgets the dilation": claim(lambda n, k, s, p, d: rows_of(n, k, s, p, p, 1)),
        "The kernel's first place counts":
            claim(lambda n, k, s, p, d: rows_of(n, k, s, p, p, d) - 1),
        # One more row of the picture for each that the last stride lacks.
        "That rounds up": claim(lambda n, k, s, p, d: rows_of(n + s - 1, k, s, p, p, d)),
        "That moves the kernel by one pixel":
            claim(lambda n, k, s, p, d: rows_of(n, k, 1, p, p, d)),
        # So many strides fit into the padded picture.
        "That leaves the kernel's own size out":
            claim(lambda n, k, s, p, d: rows_of(n, 1, s, p, p + 1, 1) - 1 if s == 1
                  else len(range(s - 1, n + 2 * p, s))),
    }  # fmt: skip


def field_claims() -> dict[str, Claim]:
    def taps(question: Question, **changes: int) -> tuple[int, int]:
        kernel, stride, padding, dilation = parameters(question)
        known = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        known |= changes
        row = int(re.findall(r"output row (\d+)", question.text)[0])
        # A long line, and the place where its reading begins, from the gradient.
        line = torch.zeros(1, 1, 4000, 1, dtype=torch.float64, requires_grad=True)
        weight = torch.ones(1, 1, known["kernel"], 1, dtype=torch.float64)
        step, spread = (known["stride"], 1), (known["dilation"], 1)
        output = F.conv2d(line, weight, None, step, 0, spread).flatten()
        (gradient,) = torch.autograd.grad(output[row], line)
        read = gradient.flatten().nonzero().flatten()
        return int(read[0]) - known["padding"], int(read[-1]) - known["padding"]

    def padding_added(question: Question) -> tuple[int, int]:
        return taps(question, padding=-parameters(question)[2])

    return {
        "That forgets the padding": lambda question: taps(question, padding=0),
        "That forgets the stride": lambda question: taps(question, stride=1),
        "That forgets the dilation": lambda question: taps(question, dilation=1),
        "The last row is one too far": lambda question: (taps(question)[0], taps(question)[1] + 1),
        "The padding is taken away, not added": padding_added,
        "Rows of the padding count too":
            lambda question: (max(0, taps(question)[0]), taps(question)[1]),
    }  # fmt: skip


def place_claims() -> dict[str, Claim]:
    def grid(question: Question) -> tuple[int, int, int, int]:
        height, width = numbers(question.text)[:2]
        row, column = numbers(question.text)[-2:]
        return height, width, row, column

    def claim(change: Callable[[int, int, int, int], int]) -> Claim:
        return lambda question: (change(*grid(question)),)

    return {
        # The same place where the map is stored transposed.
        "That counts down the columns": claim(
            lambda h, w, r, c: int(torch.arange(h * w).view(w, h).T[r, c])
        ),
        "Each output row has": claim(lambda h, w, r, c: r * h + c),
        "Columns are counted from 0": claim(
            lambda h, w, r, c: int(torch.arange(1, h * w + 1).view(h, w)[r, c])
        ),
        "Rows are counted from 0 as well": claim(
            lambda h, w, r, c: int(torch.arange(h * w).view(h, w)[r - 1, c])
        ),
        "That is how many outputs the rectangle": claim(
            lambda h, w, r, c: int(torch.ones(h, w)[: r + 1, : c + 1].sum())
        ),
    }


def position_claims() -> dict[str, Claim]:
    def grid(question: Question) -> tuple[int, int, int]:
        height, width, column = numbers(question.text)[:3]
        return height, width, column

    def where(table: torch.Tensor, value: int) -> tuple[int, ...] | None:
        found = (table == value).nonzero()
        return tuple(found[0].tolist()) if len(found) else None

    def down(question: Question) -> tuple[int, ...] | None:
        height, width, column = grid(question)
        return where(torch.arange(height * width).view(width, height).T, column)

    def other_width(question: Question) -> tuple[int, ...] | None:
        height, _, column = grid(question)
        return where(torch.arange(height * 200).view(200, height), column)

    def from_one(question: Question) -> tuple[int, ...] | None:
        height, width, column = grid(question)
        return where(torch.arange(1, height * width + 1).view(height, width), column)

    return {
        "That counts down the columns": down,
        "An output row has": other_width,
        "Columns are counted from 0": from_one,
        "Rows and columns of outputs are counted from 0":
            lambda question: tuple(number + 1 for number in question.answer),
        "The right numbers the other way round": lambda question: question.answer[::-1],
    }  # fmt: skip


def entry_claims() -> dict[str, Claim]:
    def claim(change: Callable[[torch.Tensor, int, int, int], torch.Tensor | int]) -> Claim:
        def answer(question: Question) -> tuple[int]:
            channels, height, width = numbers(question.text)[:3]
            table = torch.arange(channels * height * width).view(channels, height, width)
            return (int(change(table, *numbers(question.text)[-3:])),)

        return answer

    def stored(table: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
        """The same tensor stored in another order of its dimensions."""
        shape = [table.shape[dim] for dim in order]
        back = [order.index(dim) for dim in range(3)]
        return torch.arange(table.numel()).view(shape).permute(back)

    return {
        "That puts the channel last": claim(lambda t, n, r, c: stored(t, (1, 2, 0))[n, r, c]),
        "Within a kernel rows come before": claim(lambda t, n, r, c: stored(t, (0, 2, 1))[n, r, c]),
        "A kernel row has": claim(lambda t, n, r, c: (n * t.shape[1] + r) * t.shape[1] + c),
        "A channel has": claim(lambda t, n, r, c: n + t[0, r, c]),
        "Entries are counted from 0": claim(lambda t, n, r, c: t[n, r, c] + 1),
    }


def same_claims() -> dict[str, Claim]:
    def parts(question: Question) -> tuple[int, int]:
        _, kernel, *rest = numbers(question.text)
        return kernel, rest[0] if "dilation" in question.text else 1

    def keeps(kernel: int, dilation: int, ends: int) -> int:
        """The padding, on so many ends, with which torch keeps 200 rows."""
        return next(
            pad for pad in range(200)
            if rows_of(200, kernel, 1, pad, pad if ends == 2 else 0, dilation) == 200
        )  # fmt: skip

    return {
        "That is right without the dilation":
            lambda question: (keeps(parts(question)[0], 1, 2),),
        "That is the padding of both ends": lambda question: (keeps(*parts(question), 1),),
        "One too many": lambda question: (keeps(*parts(question), 2) + 1,),
        "With the kernel's own size": lambda question: (parts(question)[0],),
    }  # fmt: skip


def reads_claims() -> dict[str, Claim]:
    def counts(question: Question) -> tuple[torch.Tensor, int, int]:
        per_pixel = (reading(question, numbers(question.text)[0]) > 0).sum(0)
        row, column = numbers(question.text)[-2:]
        return per_pixel, row, column

    def claim(change: Callable[[torch.Tensor, int, int], torch.Tensor]) -> Claim:
        return lambda question: (int(change(*counts(question))),)

    return {
        "That is the number of taps": lambda question: (parameters(question)[0] ** 2,),
        "That counts the rows of outputs": claim(lambda per, row, column: per[row]),
        "Rows and columns of outputs multiply": claim(
            lambda per, row, column: per[row] + per[column]
        ),
        "So many read it at the most": claim(lambda per, row, column: per.max() ** 2),
    }


def field_of_stack(kernels: list[int], strides: list[int]) -> int:
    """Rows that a unit reads, by autograd."""
    line = torch.zeros(1, 1, 4000, 1, dtype=torch.float64, requires_grad=True)
    values = line
    for kernel, stride in zip(kernels, strides, strict=True):
        weight = torch.ones(1, 1, kernel, 1, dtype=torch.float64)
        values = F.conv2d(values, weight, None, (stride, 1))
    (gradient,) = torch.autograd.grad(values[0, 0, 2, 0], line)
    read = gradient.flatten().nonzero().flatten()
    return int(read[-1] - read[0]) + 1


def stack_claims() -> dict[str, Claim]:
    def layers(question: Question) -> tuple[list[int], list[int]]:
        found = re.findall(r"(\d+) × \d+ with stride (\d+)", question.text)
        return [int(kernel) for kernel, _ in found], [int(stride) for _, stride in found]

    def own_stride(question: Question) -> tuple[int]:
        kernels, strides = layers(question)
        # As if each layer were strided before its taps: a first layer of one tap does that.
        return (field_of_stack([1, *kernels], [*strides, 1]),)

    return {
        "That forgets the strides":
            lambda question: (field_of_stack(layers(question)[0], [1] * len(layers(question)[0])),),
        "That counts a layer's own stride": own_stride,
        "The kernels overlap by one pixel": lambda question: (sum(layers(question)[0]),),
        "The field grows by sums": lambda question: (math.prod(layers(question)[0]),),
        "That is the last kernel's field": lambda question: (layers(question)[0][-1],),
    }  # fmt: skip


def jump_claims() -> dict[str, Claim]:
    return {
        "That is the last layer's stride": lambda q: (strides_and_kernels(q)[0][-1],),
        "Strides multiply": lambda q: (sum(strides_and_kernels(q)[0]),),
        "That leaves out the last layer's stride":
            lambda q: (math.prod(strides_and_kernels(q)[0][:-1]),),
        "Kernels make the field larger": lambda q: (math.prod(strides_and_kernels(q)[1]),),
        "So it would be without any stride": lambda q: (1,),
    }  # fmt: skip


def pixels_claims() -> dict[str, Claim]:
    def claim(name: str, value: int) -> Claim:
        return lambda question: rectangle(pixels_in(question)._replace(**{name: value}))  # type: ignore[arg-type]

    def without_padding_cells(question: Question) -> tuple[int, ...]:
        pixels = pixels_in(question)
        top, left, bottom, right = rectangle(pixels)
        height, width = pixels.size
        return max(0, top), max(0, left), min(height - 1, bottom), min(width - 1, right)

    def swapped(question: Question) -> tuple[int, ...]:
        top, left, bottom, right = rectangle(pixels_in(question))
        return left, top, right, bottom

    return {
        "That forgets the padding": claim("padding", 0),
        "That forgets the stride": claim("stride", 1),
        "That forgets the dilation": claim("dilation", 1),
        "The padding is read too": without_padding_cells,
        "Rows come before columns": swapped,
    }


CLAIMS = {
    "output size": output_size_claims, "receptive field": field_claims, "column": place_claims,
    "position": position_claims, "entry": entry_claims, "same": same_claims,
    "reads": reads_claims, "stack": stack_claims, "jump": jump_claims, "pixels": pixels_claims,
}  # fmt: skip


@pytest.mark.parametrize("kind", CLAIMS)
def test_every_slip_is_what_its_sentence_says(kind: str) -> None:
    claims = CLAIMS[kind]()
    met = dict.fromkeys(claims, 0)
    for question in of_kind(kind)[::2]:
        for slip in question.slips:
            (start,) = [start for start in claims if slip.why.startswith(start)]
            assert claims[start](question) == slip.answer, (question.text, slip)
            met[start] += 1
    assert all(met.values()), met


def test_slips_are_wrong_and_told_apart() -> None:
    explained = 0
    for seed in SEEDS:
        for level in LEVELS:
            for question in practice_series(seed, level, len(KINDS)):
                answers = [slip.answer for slip in question.slips]
                assert question.answer not in answers
                assert len(set(answers)) == len(answers)
                for slip in question.slips:
                    assert question.explain(slip.answer) == slip.why
                    assert "forgets the dilation" not in slip.why or "dilation" in question.text
                explained += len(answers)
                off = tuple(number + 1000 for number in question.answer)
                assert "1,000 too large" in question.explain(off)
    assert explained > 3 * len(SEEDS) * len(LEVELS) * len(KINDS)


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
