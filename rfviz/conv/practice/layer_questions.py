"""Practice questions on one layer: sizes, padding, what an output reads, who reads a pixel."""

import random
from typing import NamedTuple

from rfviz.conv.im2col.reads import reads_per_axis
from rfviz.conv.layers.formula import substitution
from rfviz.conv.layers.layer import Layer
from rfviz.conv.practice.question import Board, Question, asked
from rfviz.conv.spec.spec import Conv2dSpec


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
        return Conv2dSpec(
            self.kernel, stride=self.stride, padding=self.padding, dilation=self.dilation
        )

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


def output_size(rng: random.Random, level: int) -> Question:
    """Ask for the rows of an output."""
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
    return asked(
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


def pixels(rng: random.Random, level: int) -> Question:
    """Ask for the rectangle of pixels that an output reads, to be clicked on."""
    size = (rng.randint(5, 7), rng.randint(5, 7))
    kernel = (rng.choice([2, 3]), rng.choice([2, 3])) if level > 1 else (3, 3)
    spec = Conv2dSpec(
        kernel,
        stride=rng.choice([1, 2]),
        # Less than the kernel, so that no output reads padding alone.
        padding=rng.randrange(min(kernel)) if level > 1 else rng.choice([0, 1]),
        dilation=2 if level == 3 else 1,
    )
    height, width = spec.output_size(size)
    output = (rng.randrange(height), rng.randrange(width))
    field = spec.receptive_field(output)
    answer = _corners(field.rows, field.columns)
    stride, padding, dilation = spec.stride[0], spec.pads[0][0], spec.dilation[0]

    def corner(start: tuple[int, int], reach: tuple[int, int]) -> tuple[int, ...]:
        return (*start, start[0] + reach[0] - 1, start[1] + reach[1] - 1)

    first, reach = (field.rows[0], field.columns[0]), spec.effective_kernel_size
    unpadded = (first[0] + padding, first[1] + padding)
    unstrided = (output[0] - padding, output[1] - padding)
    inside = [range(max(taps[0], 0), min(taps[-1], n - 1) + 1)
              for taps, n in zip((field.rows, field.columns), size, strict=True)]  # fmt: skip
    slips = [
        (corner(unpadded, reach), "That forgets the padding, which moves the field up and left."),
        (corner(unstrided, reach), "That forgets the stride: each output is one stride on."),
        (corner(first, kernel), "That forgets the dilation, which spreads the taps."),
        (_corners(*inside), "The padding is read too, as zeros: its rows and columns count."),
        ((answer[1], answer[0], answer[3], answer[2]), "Rows come before columns."),
    ]
    dilated = f", dilation {dilation}" if dilation > 1 else ""
    rows, columns = (range(-padding, n + padding) for n in size)
    board = Board("Input", rows, columns, size, 2)
    return asked(
        "pixels",
        f"A picture of {size[0]} × {size[1]} pixels is read with a kernel of {kernel[0]} × "
        f"{kernel[1]}, stride {stride}, padding {padding}{dilated}. Which pixels does output "
        f"{output} read? Click on two opposite corners of the rectangle from the first to the "
        "last, or write them; the padding has rows and columns below 0 and past the last.",
        ("Top row", "Left column", "Bottom row", "Right column"),
        answer,
        "\n".join(
            f"{name} = {at} · {stride} − {padding} = {taps[0]} to {taps[0]} + {dilation} · "
            f"({taps_there} − 1) = {taps[-1]}"
            for name, at, taps, taps_there in zip(
                ("rows", "columns"), output, (field.rows, field.columns), kernel, strict=True
            )
        ),
        slips,
        board,
    )


def _corners(rows: range, columns: range) -> tuple[int, ...]:
    """Top, left, bottom and right of a rectangle."""
    return rows[0], columns[0], rows[-1], columns[-1]


def receptive_field(rng: random.Random, level: int) -> Question:
    """Ask for the first and last row that an output reads."""
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
    return asked(
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


def same_padding(rng: random.Random, level: int) -> Question:
    """Ask for the padding that keeps the size."""
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
    return asked(
        "same",
        f"Stride 1, kernel {kernel}{dilated}. How much padding at each end keeps the output as "
        "large as the picture?",
        ("Padding",),
        (right,),
        f"{dilation} · ({kernel} − 1) / 2 = {right}",
        [((value,), why) for value, why in slips],
    )


def reads(rng: random.Random, level: int) -> Question:
    """Ask how many outputs read a pixel."""
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
    return asked(
        "reads",
        f"A picture of {a.size} × {a.size} pixels is read with {a.words}. How many outputs read "
        f"the pixel in row {row}, column {column}?",
        ("Outputs",),
        (right,),
        f"{taps} column {column}: {per_row[row]} · {per_row[column]} = {right}",
        [((value,), why) for value, why in slips],
    )
