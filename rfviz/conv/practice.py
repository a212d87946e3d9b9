"""Questions about convolutions from a seed, with the answer and what a wrong number comes from.

Whoever answers wrongly has mostly computed something else correctly: forgotten the dilation, or
added the padding once. So each question carries the numbers that such slips give, each computed by
the formula that the slip amounts to, and a wrong answer is explained by the one it equals.
"""

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from rfviz.conv.arithmetic import substitution
from rfviz.conv.field import reads_per_axis
from rfviz.conv.layers import Layer
from rfviz.conv.parameters import whole_number
from rfviz.conv.spec import Conv2dSpec, InputError
from rfviz.conv.stack import stack_geometry

LEVELS = (1, 2, 3)
MOST_QUESTIONS = 50
LARGEST_SEED = 10**9


class Slip(NamedTuple):
    """A wrong answer, and the sentence that says how one comes to it."""

    answer: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class Question:
    """A question with whole numbers for an answer, one for each of `labels`.

    `solution` is the arithmetic with the numbers in it; `slips` are wrong answers, each once.
    """

    kind: str
    text: str
    labels: tuple[str, ...]
    answer: tuple[int, ...]
    solution: str
    slips: tuple[Slip, ...]

    def explain(self, given: tuple[int, ...]) -> str:
        """Say what a wrong answer comes from, as far as a known slip gives it.

        >>> question = practice_series(0, 1, 1)[0]
        >>> question.explain(question.answer)
        'Right.'
        """
        if given == self.answer:
            return "Right."
        for slip in self.slips:
            if slip.answer == given:
                return slip.why
        if len(given) == 2 and given[::-1] == self.answer:
            return "The right numbers the other way round."
        off = [
            f"{label}: {abs(got - right):,} too {'large' if got > right else 'small'}"
            for label, got, right in zip(self.labels, given, self.answer, strict=True)
            if got != right
        ]
        return f"{'; '.join(off)}."


def practice_series(seed: object, level: object, count: object) -> list[Question]:
    """The questions of a seed: the same for everybody who has the seed, the level and the count.

    Raises `InputError` for a level other than 1, 2 or 3, and for numbers out of range.

    >>> [question.kind for question in practice_series(7, 1, 3)]
    ['output size', 'receptive field', 'column']
    """
    number = whole_number("seed", seed, least=0)
    grade = whole_number("level", level, least=1)
    n_questions = whole_number("number of questions", count, least=1)
    if grade not in LEVELS or number > LARGEST_SEED or n_questions > MOST_QUESTIONS:
        raise InputError(
            f"A series has a seed up to {LARGEST_SEED:,}, a level from 1 to 3 and at most "
            f"{MOST_QUESTIONS} questions, got {number:,}, {grade} and {n_questions:,}.",
            remedy="Choose smaller numbers",
        )
    kinds = list(_KINDS.values())
    questions = []
    for index in range(n_questions):
        # Text as a seed gives the same numbers on every machine.
        rng = random.Random(f"{number} {grade} {index}")  # noqa: S311 - no secret
        questions.append(kinds[index % len(kinds)](rng, grade))
    return questions


def _question(  # noqa: PLR0917 - as a question is read
    kind: str,
    text: str,
    labels: tuple[str, ...],
    answer: tuple[int, ...],
    solution: str,
    slips: Iterable[tuple[tuple[int, ...], str]],
) -> Question:
    """A question whose slips differ from the answer and from each other."""
    different: dict[tuple[int, ...], Slip] = {}
    for value, why in slips:
        if value != answer:
            different.setdefault(value, Slip(value, why))
    return Question(kind, text, labels, answer, solution, tuple(different.values()))


class _Axis(NamedTuple):
    """Parameters along one axis that fit."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int

    @property
    def spec(self) -> Conv2dSpec:
        """The same on both axes."""
        return Conv2dSpec(self.kernel, self.stride, self.padding, self.dilation)

    @property
    def reach(self) -> int:
        """Pixels from the first tap to the last."""
        return self.spec.effective_kernel_size[0]

    @property
    def outputs(self) -> int:
        """Rows of the output."""
        return self.spec.output_size((self.size, self.size))[0]

    @property
    def words(self) -> str:
        dilated = f", dilation {self.dilation}" if self.dilation > 1 else ""
        return f"kernel {self.kernel}, stride {self.stride}, padding {self.padding}{dilated}"


def _axis(rng: random.Random, level: int) -> _Axis:
    kernel = rng.choice([2, 3, 3, 5] if level < 3 else [2, 3, 4, 5, 7])
    return _Axis(
        size=rng.randint(8, 16) if level == 1 else rng.randint(12, 64),
        kernel=kernel,
        stride=rng.choice([1, 2]) if level == 1 else rng.choice([1, 2, 2, 3]),
        padding=rng.randint(0, kernel // 2),
        dilation=1 if level < 3 else rng.choice([1, 2, 2, 3]) if kernel < 5 else 1,
    )


def _output_size(rng: random.Random, level: int) -> Question:
    a = _axis(rng, level)
    layer = Layer("Conv2d", a.kernel, a.stride, a.padding, a.dilation)
    room = a.size + 2 * a.padding - a.reach
    slips = [
        (_moved(a.size - a.reach, a.stride), "That is the size without the padding."),
        (_moved(a.size + a.padding - a.reach, a.stride), "That adds the padding at one end only."),
        (
            _moved(a.size + 2 * a.padding - a.kernel, a.stride),
            f"That forgets the dilation: the taps reach over {a.reach} pixels, not {a.kernel}.",
        ),
        (
            room // a.stride,
            "The kernel's first place counts as well: + 1.",
        ),
        (
            -(-room // a.stride) + 1,
            "That rounds up: a kernel that does not fit whole gives no output.",
        ),
        (room + 1, "That moves the kernel by one pixel, not by the stride."),
        ((a.size + 2 * a.padding) // a.stride, "That leaves the kernel's own size out."),
    ]
    return _question(
        "output size",
        f"A picture of {a.size} × {a.size} pixels is read with {a.words}. How many rows does the "
        "output have?",
        ("Rows",),
        (a.outputs,),
        " = ".join(step.text for step in substitution(layer, (a.size, a.size), 0).steps[1:]),
        [((value,), why) for value, why in slips],
    )


def _moved(room: int, stride: int) -> int:
    return room // stride + 1


def _receptive_field(rng: random.Random, level: int) -> Question:
    a = _axis(rng, level)
    row = rng.randrange(a.outputs)
    taps = a.spec.receptive_field((row, row)).rows
    first, last = taps[0], taps[-1]

    def at(start: int, reach: int) -> tuple[int, int]:
        return start, start + reach - 1

    slips = [
        (at(row * a.stride, a.reach), "That forgets the padding, which moves all rows up."),
        (at(row - a.padding, a.reach), "That forgets the stride: each output is one stride on."),
        (
            at(first, a.kernel),
            f"That forgets the dilation: {a.kernel} taps, {a.dilation} apart, reach over "
            f"{a.reach} rows.",
        ),
        ((first, last + 1), "The last row is one too far: both ends are read."),
        (at(first + a.padding + a.padding, a.reach), "The padding is taken away, not added."),
        ((max(first, 0), last), "Rows of the padding count too: they are negative."),
    ]
    return _question(
        "receptive field",
        f"A picture of {a.size} rows, numbered from 0, is read with {a.words}. Which is the first "
        f"and which the last input row that output row {row} reads? Rows of the padding above are "
        "negative.",
        ("First row", "Last row"),
        (first, last),
        f"first = {row} · {a.stride} − {a.padding} = {first}; last = {first} + {a.dilation} · "
        f"({a.kernel} − 1) = {last}",
        slips,
    )


def _column(rng: random.Random, level: int) -> Question:
    height, width = rng.sample(range(3, 9 if level == 1 else 30), 2)
    row, column = rng.randrange(1, height), rng.randrange(1, width)
    right = row * width + column
    slips = [
        (column * height + row, "That counts down the columns: outputs are counted row by row."),
        (row * height + column, f"Each output row has {width} outputs, not {height}."),
        (right + 1, "Columns are counted from 0."),
        ((row - 1) * width + column, "Rows are counted from 0 as well."),
        ((row + 1) * (column + 1), "That is how many outputs the rectangle up to there has."),
    ]
    return _question(
        "column",
        f"The output has {height} rows and {width} columns. Which column of the column matrix, "
        f"counted from 0, is the receptive field of output ({row}, {column})?",
        ("Column",),
        (right,),
        f"{row} · {width} + {column} = {right}",
        [((value,), why) for value, why in slips],
    )


def _entry(rng: random.Random, level: int) -> Question:
    channels = rng.choice([2, 3] if level == 1 else [3, 4, 8])
    height, width = rng.sample([2, 3, 4, 5], 2) if level > 1 else (3, 3)
    channel = rng.randrange(1, channels)
    row, column = rng.randrange(height), rng.randrange(width)
    right = (channel * height + row) * width + column
    slips = [
        (
            (row * width + column) * channels + channel,
            "That puts the channel last: nn.Unfold counts channel by channel.",
        ),
        ((channel * width + column) * height + row, "Within a kernel rows come before columns."),
        ((channel * height + row) * height + column, f"A kernel row has {width} taps."),
        (channel + row * width + column, f"A channel has {height} · {width} entries, not one."),
        (right + 1, "Entries are counted from 0."),
    ]
    return _question(
        "entry",
        f"{channels} channels are read with a kernel of {height} × {width}. Which row of the "
        f"column matrix, counted from 0, is channel {channel}, kernel row {row}, kernel column "
        f"{column}?",
        ("Row",),
        (right,),
        f"({channel} · {height} + {row}) · {width} + {column} = {right}",
        [((value,), why) for value, why in slips],
    )


def _same_padding(rng: random.Random, level: int) -> Question:
    kernel = rng.choice([3, 5, 7] if level < 3 else [3, 5, 7, 9, 11])
    dilation = 1 if level == 1 else rng.choice([1, 2, 3, 4])
    ((right, _), _) = Conv2dSpec(kernel, padding="same", dilation=dilation).pads
    dilated = f" and dilation {dilation}" if dilation > 1 else ""
    grown = 2 * kernel - dilation * (kernel - 1)
    slips = [
        ((kernel - 1) // 2, "That is right without the dilation, which spreads the taps."),
        (dilation * (kernel - 1), "That is the padding of both ends together."),
        (kernel // 2 * dilation + 1, "One too many: half of what the kernel reaches beyond one."),
        (
            kernel,
            f"With the kernel's own size the output {'grows' if grown > 0 else 'shrinks'} by "
            f"{abs(grown)}: the taps reach {dilation * (kernel - 1)} pixels beyond the first.",
        ),
    ]
    return _question(
        "same",
        f"Stride 1, kernel {kernel}{dilated}. How much padding at each end keeps the output as "
        "large as the picture?",
        ("Padding",),
        (right,),
        f"{dilation} · ({kernel} − 1) / 2 = {right}",
        [((value,), why) for value, why in slips],
    )


def _reads(rng: random.Random, level: int) -> Question:
    a = _axis(rng, level)
    per_row = reads_per_axis((a.size, a.size), a.spec).rows.tolist()
    row, column = rng.randrange(a.size), rng.randrange(a.size)
    right = per_row[row] * per_row[column]
    slips = [
        (
            a.kernel**2,
            "That is the number of taps: so many read it with stride 1, away from edges.",
        ),
        (per_row[row], "That counts the rows of outputs alone: times those of the columns."),
        (per_row[row] + per_row[column], "Rows and columns of outputs multiply."),
        (max(per_row) ** 2, "So many read it at the most; count for this pixel."),
    ]
    taps = f"{per_row[row]} rows of outputs reach row {row}, {per_row[column]} columns of outputs"
    return _question(
        "reads",
        f"A picture of {a.size} × {a.size} pixels is read with {a.words}. How many outputs read "
        f"the pixel in row {row}, column {column}?",
        ("Outputs",),
        (right,),
        f"{taps} column {column}: {per_row[row]} · {per_row[column]} = {right}",
        [((value,), why) for value, why in slips],
    )


def _stack(rng: random.Random, level: int) -> Question:
    layers = [
        Layer("Conv2d", rng.choice([3, 3, 5]), rng.choice([1, 2] if level > 1 else [1, 1, 2]))
        for _ in range(level + 1)
    ]
    kernels = [layer.kernel_size[0] for layer in layers]
    strides = [layer.stride[0] for layer in layers]
    last = stack_geometry(layers, (512, 512))[-1]
    right = last.receptive_field[0]
    jumps = [math.prod(strides[:index]) for index in range(len(layers))]
    terms = [f"({kernel} − 1) · {jump}" for kernel, jump in zip(kernels, jumps, strict=True)]
    after = [math.prod(strides[: index + 1]) for index in range(len(layers))]

    def grown(steps: Iterable[int]) -> int:
        return 1 + sum((k - 1) * step for k, step in zip(kernels, steps, strict=True))

    slips = [
        (
            grown([1] * len(kernels)),
            "That forgets the strides: each layer's taps lie a jump apart.",
        ),
        (grown(after), "That counts a layer's own stride; only those before it spread its taps."),
        (sum(kernels), "The kernels overlap by one pixel where they meet: add k − 1 each time."),
        (math.prod(kernels), "The field grows by sums, not by products."),
        (kernels[-1], "That is the last kernel's field in the map before it, not in the picture."),
    ]
    shown = ", then ".join(
        f"{kernel} × {kernel} with stride {stride}"
        for kernel, stride in zip(kernels, strides, strict=True)
    )
    return _question(
        "stack",
        f"A stack of convolutions: {shown}. How many rows of the picture does one unit of the "
        "last map see?",
        ("Rows",),
        (right,),
        f"1 + {' + '.join(terms)} = {right}",
        [((value,), why) for value, why in slips],
    )


_KINDS: Mapping[str, Callable[[random.Random, int], Question]] = MappingProxyType(
    {
        "output size": _output_size,
        "receptive field": _receptive_field,
        "column": _column,
        "same": _same_padding,
        "entry": _entry,
        "reads": _reads,
        "stack": _stack,
    }
)
