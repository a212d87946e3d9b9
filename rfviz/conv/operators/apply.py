"""Another function than the dot product over the same receptive fields, in blocks, lazily.

The column matrix is never held: a block of receptive fields is copied from the padded picture, the
operator is applied to it, and the next block takes its place.
"""

import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.blocks import Prepare
from rfviz.conv.im2col.unfolded import (
    is_followed,
    refuse_transforms,
    without_autocast,
)
from rfviz.conv.memory import Allocation
from rfviz.conv.operators.application import Application, application_of
from rfviz.conv.operators.catalogue import OPERATORS, operator_named
from rfviz.conv.operators.evaluate import evaluate
from rfviz.conv.operators.operator import Operator, OperatorParameter
from rfviz.conv.spec.check_picture import check_plain
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.spec.spec import Conv2dSpec

__all__ = [
    "OPERATORS",
    "Operator",
    "OperatorParameter",
    "OperatorStrip",
    "apply_operator",
    "evaluate",
    "operator_at",
    "operator_named",
    "operator_strips",
]

_ENTRIES_PER_STRIP = 40_000_000


class OperatorStrip(NamedTuple):
    """Some output rows of an operator, (F, rows, W_out), and the seconds that they took."""

    rows: range
    values: torch.Tensor
    seconds: float


def apply_operator(
    image: torch.Tensor,
    weight: torch.Tensor,
    operator: Operator | str,
    spec: Conv2dSpec | None = None,
    bias: torch.Tensor | None = None,
    *,
    parameters: Mapping[str, object] | None = None,
    mask: torch.Tensor | None = None,
    prepare: Prepare | None = None,
    tensors: Mapping[str, torch.Tensor] | None = None,
) -> torch.Tensor:
    """Apply an operator to every receptive field of a (C, H, W) picture: (F, H_out, W_out).

    `weight` is (F, C / groups, kh, kw) and also gives the type of the result; `bias` (F,) is added
    to what the operator gives. With groups, each group of filters reads its own channels.
    `mask` is (H, W) or (C, H, W), 1 where the picture is known, for operators that read one; by
    default the picture is known and padding of zeros is not. `prepare` is as in `conv2d_strips`.
    `tensors` are what else the operator reads, by name: what it learns, maps (channels, H_out,
    W_out), and a "guide" like the picture; by default what they begin as. A weight for each output
    is (F, C / groups, kh, kw, H_out, W_out). Raises `InputError` where shapes, types or parameters
    do not go together, and for what an operator of one's own gets wrong. Under the transforms of
    torch.func the picture is unfolded whole, within 1 GiB.

    >>> image = torch.arange(9.0).reshape(1, 3, 3)
    >>> apply_operator(image, torch.zeros(1, 1, 2, 2), "dilation").tolist()
    [[[4.0, 5.0], [7.0, 8.0]]]
    """
    with Allocation("The operator's result"):
        if mask is not None:
            check_plain("The mask", mask)
        more = tuple((tensors or {}).values())
        if _all_tensors(image, weight, bias, *more) and is_followed(
            image, weight, bias, mask, *more
        ):
            work = application_of(
                image, weight, operator, spec, bias, parameters, mask, prepare, tensors
            )
            return work.followed()
        strips = operator_strips(
            image, weight, operator, spec, bias,
            parameters=parameters, mask=mask, prepare=prepare, tensors=tensors,
        )  # fmt: skip
        return torch.cat([strip.values for strip in strips], dim=1)


def operator_strips(
    image: torch.Tensor,
    weight: torch.Tensor,
    operator: Operator | str,
    spec: Conv2dSpec | None = None,
    bias: torch.Tensor | None = None,
    *,
    parameters: Mapping[str, object] | None = None,
    mask: torch.Tensor | None = None,
    prepare: Prepare | None = None,
    tensors: Mapping[str, torch.Tensor] | None = None,
    rows_per_strip: int | None = None,
    seconds_limit: float | None = None,
) -> Iterator[OperatorStrip]:
    """`apply_operator` a strip of output rows at a time, from the top: a moment to stop, or go on.

    A strip takes some tenths of a second, unless `rows_per_strip` is given. `seconds_limit` is how
    long the operator may take for the whole picture: `InputError` as soon as it is seen to need
    longer. Other errors as in `apply_operator`, those of shapes before the first strip.

    >>> strips = operator_strips(torch.ones(1, 3, 3), torch.ones(1, 1, 2, 2), "adder")
    >>> [strip.rows for strip in strips]
    [range(0, 2)]
    """
    work = application_of(image, weight, operator, spec, bias, parameters, mask, prepare, tensors)
    refuse_transforms("An operator in strips", image, weight, bias)
    columns = work.columns
    if rows_per_strip is None:
        entries = columns.shape[0] * columns.output_size[1] * len(weight)
        rows_per_strip = max(1, _ENTRIES_PER_STRIP // entries)
    rows_per_strip = whole_number("rows_per_strip", rows_per_strip, least=1)
    return _strips(work, rows_per_strip, seconds_limit)


def operator_at(
    image: torch.Tensor,
    weight: torch.Tensor,
    operator: Operator | str,
    spec: Conv2dSpec,
    position: Pair,
    *,
    parameters: Mapping[str, object] | None = None,
    mask: torch.Tensor | None = None,
    prepare: Prepare | None = None,
) -> torch.Tensor:
    """What `apply_operator` gives at one output (row, column), (F,), without the others' rows.

    >>> image = torch.arange(9.0).reshape(1, 3, 3)
    >>> operator_at(image, torch.zeros(1, 1, 2, 2), "dilation", Conv2dSpec(2), (1, 0)).tolist()
    [7.0]
    """
    work = application_of(image, weight, operator, spec, None, parameters, mask, prepare, None)
    row, column = position
    out = torch.empty(weight.shape[0], 1, work.columns.output_size[1], dtype=weight.dtype)
    with torch.no_grad():
        for _ in work.fill(out, range(row, row + 1)):
            pass
    return out[:, 0, column]


def _all_tensors(*given: object) -> bool:
    return all(one is None or isinstance(one, torch.Tensor) for one in given)


def _strips(
    work: Application, rows_per_strip: int, seconds_limit: float | None
) -> Iterator[OperatorStrip]:
    n_rows, n_columns = work.columns.output_size
    spent = 0.0
    for top in range(0, n_rows, rows_per_strip):
        rows = range(top, min(top + rows_per_strip, n_rows))
        # The tiles of a strip cover it, so that every output is written.
        with Allocation("The operator's result"):
            out = torch.empty(work.weight.shape[0], len(rows), n_columns, dtype=work.weight.dtype)
        # A generator runs in its caller's grad mode between strips, so it is entered for each one.
        with (
            Allocation("The operator's result"),
            torch.no_grad(),
            without_autocast(work.weight.device),
        ):
            start = time.perf_counter()
            for done in work.fill(out, rows):
                seconds = time.perf_counter() - start
                _check_seconds(work, spent + seconds, top * n_columns + done, seconds_limit)
        spent += seconds
        yield OperatorStrip(rows, out, seconds)


def _check_seconds(work: Application, seconds: float, done: int, limit: float | None) -> None:
    n_outputs = work.columns.shape[1]
    needed = seconds / done * n_outputs
    if limit is not None and seconds > min(1.0, limit) and needed > limit:
        raise InputError(
            f"Operator '{work.operator.name}' is too slow for this picture: {done:,} of "
            f"{n_outputs:,} outputs took {seconds:.1f} s, so all would take {needed:,.0f} s, more "
            f"than the {limit:g} s allowed.",
            remedy="Choose a smaller region, a larger stride, or a faster function",
        )
