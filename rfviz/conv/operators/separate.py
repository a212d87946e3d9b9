"""Whether an operator looks at one receptive field at a time, so that it can be done in blocks."""

from collections.abc import Mapping

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.operators.evaluate import evaluate
from rfviz.conv.operators.operator import Operator
from rfviz.conv.operators.trial import trial


def check_separate(operator: Operator, n_entries: int, values: Mapping[str, float]) -> None:
    """Raise `InputError` where an operator mixes receptive fields, such as by their common mean.

    Then its result depends on which fields are in a block. Tried on fields of `n_entries`, or on a
    small picture where it reads more than those.

    >>> from rfviz.conv.operators.catalogue import operator_named
    >>> check_separate(operator_named("adder"), 9, {})
    """
    try:
        with torch.no_grad():
            if operator.reads.is_plain:
                together, apart = _field_by_field(operator, n_entries, values)
            else:
                together, apart = _row_by_row(operator, values)
    except InputError:
        # What it does with the picture's own numbers is said there.
        return
    if not torch.allclose(together, apart, rtol=1e-3, atol=1e-4, equal_nan=True):
        raise InputError(
            f"Operator '{operator.name}' gives other values for a receptive field when other "
            f"fields stand beside it, so that they depend on how a picture is cut into blocks.",
            remedy="Let it use sums and means over dimension 0 alone, and no random numbers",
        )


def _field_by_field(
    operator: Operator, n_entries: int, values: Mapping[str, float]
) -> tuple[torch.Tensor, torch.Tensor]:
    # Irregular fractions in place of random numbers, which vmap refuses to draw.
    fractions = (torch.arange(9 * n_entries, dtype=torch.float64) * 0.6180339887).frac().float()
    patches, weight = fractions[: 6 * n_entries].view(-1, 6), fractions[6 * n_entries :].view(3, -1)
    mask = torch.ones_like(patches) if operator.reads_mask else None
    together = evaluate(operator, patches, weight, values, mask)
    # Whatever field an extreme value is in, it is missing in two of three parts.
    parts = [
        evaluate(
            operator, patches[:, part], weight, values, None if mask is None else mask[:, part]
        )
        for part in (slice(0, 2), slice(2, 4), slice(4, 6))
    ]
    return together, torch.cat(parts, dim=1)


def _row_by_row(
    operator: Operator, values: Mapping[str, float]
) -> tuple[torch.Tensor, torch.Tensor]:
    work, pictures, tensors = trial(operator, values)
    n_rows, maps = work.output_size[0], work.map_names()

    def on_rows(rows: range) -> torch.Tensor:
        near = {name: each[:, :, work.rows_read(rows)] for name, each in pictures.items()}
        part = slice(rows.start, rows.stop)
        own = {name: t[:, :, part] if name in maps else t for name, t in tensors.items()}
        return work.on_padded(near, own, rows)

    apart = [on_rows(range(row, row + 1)) for row in range(n_rows)]
    return on_rows(range(n_rows)), torch.cat(apart, dim=2)
