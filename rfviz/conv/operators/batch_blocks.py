"""A batch cut into blocks: some padded pictures, some output rows, and what is read of each."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from rfviz.conv.im2col.padded_batch import PaddedBatch
from rfviz.conv.operators.of_batch import BatchOperator, Tensors

HALVES = (torch.bfloat16, torch.float16)
# Measured from 128 KiB to 4 MiB: shorter blocks spend their time in calls, longer ones leave the
# cache, the more so the more filters a function takes at once.
BLOCK_BYTES = 2**20


class Part(NamedTuple):
    """Some pictures, padded, by name, and where they are in the batch."""

    which: slice
    padded: dict[str, torch.Tensor]


def summed_type(dtype: torch.dtype) -> torch.dtype:
    """The type that operators compute in: half types are computed in float32.

    >>> summed_type(torch.bfloat16)
    torch.float32
    """
    return torch.float32 if dtype in HALVES else dtype


def block(
    work: BatchOperator, part: Part, tensors: Tensors, bias: torch.Tensor | None, rows: range
) -> torch.Tensor:
    """(n, F, rows, W_out): the operator on some output rows of some pictures, with its bias."""
    near = {name: each[:, :, work.rows_read(rows)] for name, each in part.padded.items()}
    found = work.on_padded(near, own_part(work, tensors, part.which, rows), rows)
    return found if bias is None else found + bias.to(found.dtype)[:, None, None]


def own_part(work: BatchOperator, tensors: Tensors, which: slice, rows: range) -> dict[str, Any]:
    """The tensors, and of the maps the part for some pictures and rows."""
    maps = work.map_names()
    part = slice(rows.start, rows.stop)
    return {n: each[which, :, part] if n in maps else each for n, each in tensors.items()}


def parts(work: BatchOperator, pictures: Tensors, dtype: torch.dtype) -> Iterator[Part]:
    """Pictures so many at a time that their columns are a block; at least one."""
    image = pictures["image"]
    rows, columns = work.output_size
    n_bytes = image.shape[1] * work.spec.n_taps * rows * columns * dtype.itemsize
    n = max(1, min(image.shape[0], BLOCK_BYTES // n_bytes))
    padded = {name: PaddedBatch(each, work.spec, n, dtype) for name, each in pictures.items()}
    for together in zip(*(each.parts() for each in padded.values()), strict=True):
        yield Part(together[0][0], dict(zip(padded, (part for _, part in together), strict=True)))


def row_blocks(
    work: BatchOperator, channels: int, weight: torch.Tensor, strip: range
) -> Iterator[range]:
    """Output rows of a part, so many at a time that their columns are a block."""
    width = work.output_size[1]
    bytes_per_row = channels * work.spec.n_taps * width * weight.element_size()
    step = max(1, BLOCK_BYTES // bytes_per_row)
    for top in range(strip.start, strip.stop, step):
        yield range(top, min(top + step, strip.stop))
