"""Which rule follows which operator of torch."""

from typing import Any

import torch

from rfviz.conv.trace import call_names
from rfviz.conv.trace.calls import Call, Rule, everything, word_of_call
from rfviz.conv.trace.followed import Followed, Standing
from rfviz.conv.trace.joins import concatenating, elementwise
from rfviz.conv.trace.mixes import (
    along,
    attending,
    cumulative,
    multiplying,
    normalizing,
    reducing,
)
from rfviz.conv.trace.moves import moving, reshaping
from rfviz.conv.trace.windows import (
    adapting,
    convolving,
    folding,
    interpolating,
    padding,
    pooling,
    unfolding,
)

RULES: tuple[tuple[frozenset[str], Rule], ...] = (
    (frozenset({"convolution"}), convolving),
    (frozenset({"im2col"}), unfolding),
    (frozenset({"col2im"}), folding),
    (frozenset({"constant_pad_nd"}), padding),
    (call_names.MOVES, moving),
    (call_names.RESHAPES, reshaping),
    (frozenset({"cat", "stack"}), concatenating),
    (call_names.POOLS, pooling),
    (call_names.ADAPTIVE, adapting),
    (call_names.INTERPOLATIONS, interpolating),
    (call_names.NORMALISATIONS, normalizing),
    (call_names.REDUCTIONS, reducing),
    (call_names.ALONG, along),
    (call_names.CUMULATIVE, cumulative),
    (call_names.PRODUCTS, multiplying),
    (call_names.ATTENTIONS, attending),
)


def rule_of(func: Any, name: str) -> Rule | None:
    """Return the rule of an operator, None where there is none.

    >>> rule_of(torch.ops.aten.relu.default, "relu").__name__
    'elementwise'
    """
    found = next((rule for names, rule in RULES if name in names), None)
    if found is not None:
        return found
    if name in call_names.DATA_DEPENDENT:
        return _looking
    if name in call_names.VECTOR_PRODUCTS:
        return everything
    pointwise = torch.Tag.pointwise in func.tags or name in call_names.POINTWISE
    return elementwise if pointwise else None


def _looking(call: Call, outputs: Any) -> list[Followed]:
    """Follow what looks where numbers tell it to."""
    why = f"{word_of_call(call.name)} looks where numbers tell it to"
    return everything(call, outputs, Standing("depends on data", why))
