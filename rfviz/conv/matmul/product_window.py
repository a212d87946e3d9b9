"""The product of matrices around some columns: what stands beside each other when it is drawn."""

from typing import NamedTuple

import torch
from torch import Tensor


class ProductWindow(NamedTuple):
    """Weights (F, K), some columns (C * kh * kw, n) and their product (F, n), with its bias."""

    weights: Tensor
    entries: Tensor
    outputs: Tensor
    columns: range


def product_window(
    weight: Tensor, bias: Tensor | None, entries: Tensor, columns: range, groups: int = 1
) -> ProductWindow:
    """Multiply a (F, C / groups, kh, kw) weight with some columns, (C * kh * kw, n).

    With groups, each block of filters meets the rows of its own channels.

    >>> weight, entries = torch.ones(2, 1, 1, 2), torch.tensor([[1.0], [2.0]])
    >>> product_window(weight, None, entries, range(1)).outputs.tolist()
    [[3.0], [3.0]]
    """
    weights = weight.flatten(1)
    blocks = zip(weights.chunk(groups), entries.chunk(groups), strict=True)
    outputs = torch.cat([rows @ part for rows, part in blocks])
    if bias is not None:
        outputs = outputs + bias[:, None]
    return ProductWindow(weights, entries, outputs, columns)
