"""Another function than the dot product over the same receptive fields, in blocks, lazily.

The column matrix is never held: a block of receptive fields is copied from the padded picture, the
operator is applied to it, and the next block takes its place.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.blocks import HALVES, Prepare, ReceptiveFields
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.unfolded import (
    is_followed,
    is_transformed,
    refuse_transforms,
    unfolded,
    without_autocast,
)
from rfviz.conv.memory import Allocation
from rfviz.conv.operators.catalogue import OPERATORS, operator_named
from rfviz.conv.operators.foreign import ForeignCode
from rfviz.conv.operators.operator import Operator, OperatorParameter
from rfviz.conv.spec.check_picture import check_dimensions, check_plain
from rfviz.conv.spec.check_tensors import check_convolution
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.wording import by, shown

__all__ = [
    "OPERATORS",
    "Operator",
    "OperatorParameter",
    "OperatorStrip",
    "apply_operator",
    "evaluate",
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
) -> torch.Tensor:
    """Apply an operator to every receptive field of a (C, H, W) picture: (F, H_out, W_out).

    `weight` is (F, C / groups, kh, kw) and also gives the type of the result; `bias` (F,) is added
    to what the operator gives. With groups, each group of filters reads its own channels.
    `mask` is (H, W) or (C, H, W), 1 where the picture is known, for operators that read one; by
    default the picture is known and padding of zeros is not. `prepare` is as in `conv2d_strips`.
    Raises `InputError` where shapes, types or parameters do not go together, and for what an
    operator of one's own gets wrong. Where autograd or torch.func asks for gradients the picture
    is unfolded whole, within 1 GiB.

    >>> image = torch.arange(9.0).reshape(1, 3, 3)
    >>> apply_operator(image, torch.zeros(1, 1, 2, 2), "dilation").tolist()
    [[[4.0, 5.0], [7.0, 8.0]]]
    """
    with Allocation("The operator's result"):
        if mask is not None:
            check_plain("The mask", mask)
        if _all_tensors(image, weight, bias) and is_followed(image, weight, bias, mask):
            work = _application(image, weight, operator, spec, bias, parameters, mask, prepare)
            return work.whole()
        strips = operator_strips(
            image, weight, operator, spec, bias, parameters=parameters, mask=mask, prepare=prepare
        )
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
    work = _application(image, weight, operator, spec, bias, parameters, mask, prepare)
    refuse_transforms("An operator in strips", image, weight, bias)
    columns = work.fields.columns
    if rows_per_strip is None:
        entries = columns.shape[0] * columns.output_size[1] * len(weight)
        rows_per_strip = max(1, _ENTRIES_PER_STRIP // entries)
    rows_per_strip = whole_number("rows_per_strip", rows_per_strip, least=1)
    return _strips(work, rows_per_strip, seconds_limit)


def _application(  # noqa: PLR0917 - the arguments of `apply_operator`, in their order
    image: torch.Tensor,
    weight: torch.Tensor,
    operator: Operator | str,
    spec: Conv2dSpec | None,
    bias: torch.Tensor | None,
    parameters: Mapping[str, object] | None,
    mask: torch.Tensor | None,
    prepare: Prepare | None,
) -> "_Application":
    """All that an operator is applied to, checked, and the operator held to one field at a time."""
    entry = operator if isinstance(operator, Operator) else operator_named(operator)
    check_dimensions(image, (3,), "one (C, H, W)")
    if not (prepare is None or callable(prepare)):
        raise InputError(f"prepare must be a function of the picture, got {shown(prepare)}.")
    _, spec = check_convolution(image, weight, bias, spec)
    columns = ColumnMatrix(image, spec)
    known = ColumnMatrix(_checked_mask(mask, image), spec) if entry.reads_mask else None
    values = entry.values(parameters)
    check_separate(entry, columns.shape[0] // spec.groups, values)
    fields = ReceptiveFields(columns, known, weight.dtype, prepare)
    return _Application(fields, entry, values, weight, bias)


def check_separate(operator: Operator, n_entries: int, values: Mapping[str, float]) -> None:
    """Raise `InputError` where an operator mixes receptive fields, such as by their common mean.

    Then its result depends on which fields are in a block. Tried on fields of `n_entries`.

    >>> check_separate(operator_named("adder"), 9, {})
    """
    # Irregular fractions in place of random numbers, which vmap refuses to draw.
    fractions = (torch.arange(9 * n_entries, dtype=torch.float64) * 0.6180339887).frac().float()
    patches, weight = fractions[: 6 * n_entries].view(-1, 6), fractions[6 * n_entries :].view(3, -1)
    masks = (torch.ones_like(patches),) if operator.reads_mask else ()
    try:
        with torch.no_grad():
            together = evaluate(operator, patches, weight, values, *masks)
            # Whatever field an extreme value is in, it is missing in two of three parts.
            parts = [
                evaluate(operator, patches[:, part], weight, values, *(m[:, part] for m in masks))
                for part in (slice(0, 2), slice(2, 4), slice(4, 6))
            ]
    except InputError:
        # What it does with the picture's own numbers is said there.
        return
    if not torch.allclose(together, torch.cat(parts, dim=1), rtol=1e-3, atol=1e-4, equal_nan=True):
        raise InputError(
            f"Operator '{operator.name}' gives other values for a receptive field when other "
            f"fields stand beside it, so that they depend on how a picture is cut into blocks.",
            remedy="Let it use sums and means over dimension 0 alone, and no random numbers",
        )


def of_fields(
    operator: Operator,
    values: Mapping[str, float],
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    fields: list[torch.Tensor],
) -> torch.Tensor:
    """Apply to the fields of a picture, and of its mask, as `unfolded` gives them: (F, H, W).

    On any device, and in the types that are given, whatever autocast would choose.
    """
    summed = torch.float32 if weight.dtype in HALVES else weight.dtype
    groups, size = fields[0].shape[0] // weight.shape[1], fields[0].shape[-2:]
    by_group = [part.to(summed).reshape(groups, -1, size.numel()) for part in fields]
    weights = weight.to(summed).reshape(groups, len(weight) // groups, -1)
    with without_autocast(weight.device):
        found = torch.cat(
            [
                evaluate(operator, parts[0], weight, values, *parts[1:])
                for weight, *parts in zip(weights, *by_group, strict=True)
            ]
        )
    if bias is not None:
        found = found + bias.to(summed)[:, None]
    return found.to(weight.dtype).reshape(len(found), *size)


def _all_tensors(*given: object) -> bool:
    return all(one is None or isinstance(one, torch.Tensor) for one in given)


def evaluate(
    operator: Operator,
    patches: torch.Tensor,
    weight: torch.Tensor,
    values: Mapping[str, float],
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Call an operator on patches (K, n) and weight (F, K), and return its checked (F, n).

    Raises `InputError`, with both shapes, for an exception in its function, a result that is no
    tensor, of another shape or type, and NaN made of finite numbers.

    >>> evaluate(operator_named("adder"), torch.ones(4, 3), torch.zeros(2, 4), {}).shape
    torch.Size([2, 3])
    """
    shapes = f"patches of {tuple(patches.shape)} and weight of {tuple(weight.shape)}"
    given = f"It was given {shapes}."
    arguments = (patches, weight) if mask is None else (patches, weight, mask)
    file = getattr(getattr(operator.function, "__code__", None), "co_filename", "")
    with ForeignCode(f"Operator '{operator.name}'", file, given):
        result: object = operator.function(*arguments, **values)
    expected = (len(weight), patches.shape[1])
    if not isinstance(result, torch.Tensor):
        got = type(result).__name__
        raise InputError(f"Operator '{operator.name}' gave no tensor but {got}. {given}")
    if result.shape != expected:
        raise InputError(
            f"Operator '{operator.name}' gave {tuple(result.shape)} for {shapes}; it must give "
            f"(filters, n), here {expected}."
        )
    if result.dtype != patches.dtype:
        raise InputError(
            f"Operator '{operator.name}' gave {result.dtype} for {patches.dtype}. {given}",
            remedy="Let it keep the type of the patches",
        )
    _check_numbers(operator, result, patches, weight)
    return result


def _check_numbers(
    operator: Operator, result: torch.Tensor, patches: torch.Tensor, weight: torch.Tensor
) -> None:
    if is_transformed(result, patches, weight) or result.is_meta:
        return
    wrong = result.detach().isnan()
    if not wrong.any():
        return
    finite = patches.isfinite().all(0) & weight.isfinite().all()
    wrong &= finite
    if wrong.any():
        n_filter, n = (int(index) for index in wrong.nonzero()[0])
        raise InputError(
            f"Operator '{operator.name}' gave NaN for {int(wrong.sum())} of {wrong.numel()} "
            f"outputs, first for filter {n_filter} and receptive field {n}, where all numbers are "
            f"finite. It was given patches of {tuple(patches.shape)} and weight of "
            f"{tuple(weight.shape)}.",
            remedy="Look for 0 / 0, the root or logarithm of a negative number, or overflow",
        )


@dataclass(frozen=True)
class _Application:
    """An operator and all that it is applied to."""

    fields: ReceptiveFields
    operator: Operator
    values: Mapping[str, float]
    weight: torch.Tensor
    bias: torch.Tensor | None

    def whole(self) -> torch.Tensor:
        """(F, H_out, W_out) at once, by steps that autograd follows."""
        columns = self.fields.columns
        if self.fields.prepare is not None:
            raise InputError("prepare cannot be followed.", remedy="Prepare the picture first")
        sources = columns.row_sources, columns.column_sources
        parts = [columns.image] + ([] if self.fields.mask is None else [self.fields.mask.image])
        fields = [unfolded(part, sources, columns.spec) for part in parts]
        return of_fields(self.operator, self.values, self.weight, self.bias, fields)

    def fill(self, out: torch.Tensor, strip: range) -> Iterator[int]:
        """Write some output rows tile by tile; yields the number of outputs of them that are done.

        With groups, filters of a group read the rows of the column matrix that are its channels.
        """
        groups, summed = self.fields.columns.spec.groups, self.fields.summed
        weights = self.weight.detach().to(summed).reshape(groups, len(out) // groups, -1)
        added = 0 if self.bias is None else self.bias.detach().to(summed)[:, None]
        done = 0
        for rows, across, blocks in self.fields.blocks(strip):
            by_group = [block.chunk(groups) for block in blocks]
            values = torch.cat(
                [
                    evaluate(self.operator, parts[0], weight, self.values, *parts[1:])
                    for weight, *parts in zip(weights, *by_group, strict=True)
                ]
            )
            tile = out[:, rows.start - strip.start :][:, : len(rows), across.start : across.stop]
            tile.copy_((values + added).view(len(out), len(rows), len(across)))
            done += len(rows) * len(across)
            yield done


def _strips(
    work: _Application, rows_per_strip: int, seconds_limit: float | None
) -> Iterator[OperatorStrip]:
    n_rows, n_columns = work.fields.columns.output_size
    spent = 0.0
    for top in range(0, n_rows, rows_per_strip):
        rows = range(top, min(top + rows_per_strip, n_rows))
        # The tiles of a strip cover it, so that every output is written.
        with Allocation("The operator's result"):
            out = torch.empty(len(work.weight), len(rows), n_columns, dtype=work.weight.dtype)
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


def _check_seconds(work: _Application, seconds: float, done: int, limit: float | None) -> None:
    n_outputs = work.fields.columns.shape[1]
    needed = seconds / done * n_outputs
    if limit is not None and seconds > min(1.0, limit) and needed > limit:
        raise InputError(
            f"Operator '{work.operator.name}' is too slow for this picture: {done:,} of "
            f"{n_outputs:,} outputs took {seconds:.1f} s, so all would take {needed:,.0f} s, more "
            f"than the {limit:g} s allowed.",
            remedy="Choose a smaller region, a larger stride, or a faster function",
        )


def _checked_mask(mask: object, image: torch.Tensor) -> torch.Tensor:
    """Return the mask as (C, H, W), all known by default; a (H, W) mask is not copied."""
    size = tuple(image.shape[1:])
    if mask is None:
        return torch.ones(1, 1, 1).expand(image.shape)
    if not isinstance(mask, torch.Tensor):
        raise InputError(f"The mask must be a torch.Tensor, got {type(mask).__name__}.")
    if tuple(mask.shape) not in {size, tuple(image.shape)}:
        raise InputError(
            f"The mask must be {by((size[0], size[1]))} (rows × columns) like the picture, or one "
            f"for each of its {image.shape[0]} channels, got {shown(tuple(mask.shape))}."
        )
    check_plain("The mask", mask)
    if is_transformed(mask):
        raise InputError("A mask is no argument of a transform.", remedy="Let it be a constant")
    low, high = (float(value) for value in mask.aminmax())
    if not 0 <= low <= high <= 1:
        raise InputError(
            f"The mask must be from 0 (unknown) to 1 (known), got {low:g} to {high:g}.",
            remedy="Divide it by its largest value",
        )
    return mask.expand(image.shape)
