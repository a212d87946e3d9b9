"""Weights by hand as text: read to a weight of the size asked for, and changed cell by cell."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pair
from rfviz.io.weights.text import load_text

Shape = tuple[int, int, int, int]

LONGEST_TEXT = 1_000_000  # 64 filters of 3 channels and 16 × 16 taps, with seven digits each


def kernels_in(text: str) -> Tensor:
    """The kernels of a text, (n, kh, kw) float32; InputError for what is no row of numbers.

    >>> kernels_in("1 0 -1\\n2 0 -2\\n\\n1 1 1\\n0 0 0").shape
    torch.Size([2, 2, 3])
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(
            f"The text has {len(text):,} characters; at most {LONGEST_TEXT:,} are read here.",
            remedy="Save the weights as .npy and give them as a file",
        )
    kernels = load_text(text.encode("utf-8", "replace"))["weight"][:, 0]
    if not bool(kernels.isfinite().all()):
        raise InputError("The text holds a number that is not finite.", remedy="Write numbers")
    return kernels


def weight_from(kernels: Tensor, shape: Shape) -> Tensor | None:
    """The kernels as a weight of this (F, C, kh, kw), or None where they do not make one.

    There may be a kernel for each channel of each filter, or one a filter, which then lies on the
    mean of the channels.
    """
    filters, channels, *size = shape
    if list(kernels.shape[1:]) != size:
        return None
    if len(kernels) == filters * channels:
        return kernels.reshape(shape)
    if len(kernels) == filters:
        return (kernels[:, None] / channels).expand(shape)
    return None


def size_of(kernels: Tensor) -> Pair:
    """(height, width) of the kernels."""
    return kernels.shape[1], kernels.shape[2]


def with_cells(weight: Tensor, kernel: Pair, cells: Mapping[int, Mapping[str, Any]]) -> Tensor:
    """A copy of a (F, C, kh, kw) weight with some numbers of one (filter, channel) changed.

    ``cells`` are the editor's: row, then column as text, then the number; an empty cell is 0.
    """
    changed = weight.clone()
    for row, numbers in cells.items():
        for column, value in numbers.items():
            changed[(*kernel, int(row), int(column))] = 0.0 if value is None else float(value)
    return changed
