"""Practice questions on the order of the column matrix, and on stacks of layers."""

import math
import random
from collections.abc import Iterable

from rfviz.conv.layers.layer import Layer
from rfviz.conv.practice.question import Board, Question, asked
from rfviz.conv.receptive_field.stack import stack_geometry


def column(rng: random.Random, level: int) -> Question:
    """Ask for the column of an output."""
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
    return asked(
        "column",
        f"The output has {height} rows and {width} columns. Which column of the column matrix, "
        f"counted from 0, is the receptive field of output ({row}, {column})?",
        ("Column",),
        (right,),
        f"{row} · {width} + {column} = {right}",
        [((value,), why) for value, why in slips],
    )


def position(rng: random.Random, level: int) -> Question:
    """Ask for the output of a column, to be clicked on."""
    height, width = rng.sample(range(3, 7 if level == 1 else 10), 2)
    column = rng.randrange(width, height * width)
    answer = divmod(column, width)
    slips = [
        ((column % height, column // height), "That counts down the columns: outputs are counted "
         "row by row."),
        (divmod(column, height), f"An output row has {width} outputs, not {height}."),
        (divmod(column - 1, width), "Columns are counted from 0."),
        ((answer[0] + 1, answer[1] + 1), "Rows and columns of outputs are counted from 0."),
        (answer[::-1], "The right numbers the other way round."),
    ]  # fmt: skip
    return asked(
        "position",
        f"The output has {height} rows and {width} columns. Which output's receptive field is "
        f"column {column} of the column matrix, counted from 0? Click on it, or write where it is.",
        ("Row", "Column"),
        answer,
        f"{column} = {answer[0]} · {width} + {answer[1]}",
        slips,
        Board("Output", range(height), range(width), (height, width), 1),
    )


def entry(rng: random.Random, level: int) -> Question:
    """Ask for the row of the matrix that a tap has."""
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
    return asked(
        "entry",
        f"{channels} channels are read with a kernel of {height} × {width}. Which row of the "
        f"column matrix, counted from 0, is channel {channel}, kernel row {row}, kernel column "
        f"{column}?",
        ("Row",),
        (right,),
        f"({channel} · {height} + {row}) · {width} + {column} = {right}",
        [((value,), why) for value, why in slips],
    )


def stack(rng: random.Random, level: int) -> Question:
    """Ask for the receptive field of a stack."""
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
    return asked(
        "stack",
        f"A stack of convolutions: {shown}. How many rows of the picture does one unit of the "
        "last map see?",
        ("Rows",),
        (right,),
        f"1 + {' + '.join(terms)} = {right}",
        [((value,), why) for value, why in slips],
    )


def jump(rng: random.Random, level: int) -> Question:
    """Ask for the jump of a stack."""
    strides = [rng.choice([1, 2, 2, 3]) for _ in range(level + 1)]
    kernels = [rng.choice([3, 3, 5]) for _ in strides]
    layers = [Layer("Conv2d", k, s) for k, s in zip(kernels, strides, strict=True)]
    right = int(stack_geometry(layers, (1024, 1024))[-1].jump[0])
    slips = [
        (strides[-1], "That is the last layer's stride, counted in units of the map before it."),
        (sum(strides), "Strides multiply: each step of a layer is a step of all those below it."),
        (math.prod(strides[:-1]), "That leaves out the last layer's stride."),
        (math.prod(kernels), "Kernels make the field larger; the strides alone set the steps."),
        (1, "So it would be without any stride."),
    ]
    return asked(
        "jump",
        f"A stack of convolutions with strides {', '.join(map(str, strides))} in this order, and "
        f"kernels {', '.join(map(str, kernels))}. How many pixels of the picture lie between the "
        "centres of two neighbouring units of the last map?",
        ("Pixels",),
        (right,),
        f"{' · '.join(map(str, strides))} = {right}",
        [((value,), why) for value, why in slips],
    )
