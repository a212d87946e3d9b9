"""One receptive field under an operator, step by step: a term for each entry, then what is done."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from rfviz.conv.operators.catalogue import OPERATORS
from rfviz.conv.operators.operator import Operator

Values = Mapping[str, float]


class Step(NamedTuple):
    """A number on the way to the output, and how it comes about."""

    what: str
    value: float


class WorkedSteps(NamedTuple):
    """The term of each entry, (K,) float64, what it is called, and the steps after it."""

    term: str
    terms: Tensor
    steps: tuple[Step, ...]


def worked_steps(
    operator: Operator,
    patch: Tensor,
    weight: Tensor,
    values: Values,
    mask: Tensor | None = None,
) -> WorkedSteps | None:
    """Work one receptive field (K,) out under one filter (K,), in float64.

    None for an operator that is none of ours, or reads more than its receptive field. The last step
    is the output without its bias. Formulas and sources are those of the operators.

    >>> from rfviz.conv.operators.catalogue import operator_named
    >>> worked = worked_steps(operator_named("adder"), torch.ones(3), torch.zeros(3), {})
    >>> worked.terms.tolist(), worked.steps[-1].value
    ([1.0, 1.0, 1.0], -3.0)
    """
    if operator not in OPERATORS or operator.name not in _WORKED:
        return None
    known = torch.ones_like(patch) if mask is None else mask
    x, w, m = (each.detach().double() for each in (patch, weight, known))
    return _WORKED[operator.name](x, w, m, values)


def _sum(terms: Tensor) -> Step:
    return Step("Their sum", float(terms.sum()))


def _dot_product(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    return WorkedSteps("w · x", w * x, (_sum(w * x),))


def _cosine_similarity(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    total, eps = _sum(w * x), values["eps"]
    lengths = [max(eps, float(torch.linalg.vector_norm(vector))) for vector in (w, x)]
    return WorkedSteps(
        "w · x",
        w * x,
        (
            total,
            Step("Length of the weight", lengths[0]),
            Step("Length of the receptive field", lengths[1]),
            Step("The sum over both lengths", total.value / lengths[0] / lengths[1]),
        ),
    )


def _squared_l2_distance(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    terms = (x - w).square()
    return WorkedSteps("(x − w)²", terms, (_sum(terms),))


def _l1_distance(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    terms = (x - w).abs()
    return WorkedSteps("|x − w|", terms, (_sum(terms),))


def _adder(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    terms = (x - w).abs()
    total = _sum(terms)
    return WorkedSteps("|x − w|", terms, (total, Step("Minus the sum", -total.value)))


def _gaussian_kernel(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    terms = (x - w).square()
    total = _sum(terms)
    exponent = -values["gamma"] * total.value
    steps = (total, Step("Times −γ", exponent), Step("exp of that", math.exp(exponent)))
    return WorkedSteps("(x − w)²", terms, steps)


def _polynomial_kernel(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    total = _sum(w * x)
    shifted = total.value + values["constant"]
    # A float64 tensor overflows to an infinity, where a Python float would raise.
    power = float(torch.tensor(shifted, dtype=torch.float64) ** values["degree"])
    steps = (total, Step("Plus c", shifted), Step(f"To the power {values['degree']}", power))
    return WorkedSteps("w · x", w * x, steps)


def _dilation(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    return WorkedSteps("x + w", x + w, (Step("The largest of them", float((x + w).max())),))


def _erosion(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    return WorkedSteps("x − w", x - w, (Step("The smallest of them", float((x - w).min())),))


def _max_pooling(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    return WorkedSteps("x", x, (Step("The largest of them", float(x.max())),))


def _mean_pooling(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    mean = Step(f"The sum over K = {len(x)}", float(x.mean()))
    return WorkedSteps("x", x, (_sum(x), mean))


def _median_pooling(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    middle = Step("The middle one, of two the lower", float(x.median()))
    return WorkedSteps("x", x, (middle,))


def _local_variance(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    terms = (x - x.mean()).square()
    steps = (
        Step("Mean of the receptive field", float(x.mean())),
        _sum(terms),
        Step(f"The sum over K = {len(x)}", float(terms.mean())),
    )
    return WorkedSteps("(x − mean)²", terms, steps)


def _partial_convolution(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    terms = w * x.where(m != 0, 0) * m
    total, left = _sum(terms), float(m.sum())
    scale = len(x) / left if left else 0.0
    steps = (
        total,
        Step(f"K = {len(x)} over the sum of the mask, {left:g}", scale),
        Step("The product of the two", total.value * scale),
    )
    return WorkedSteps("w · m · x", terms, steps)


def _normalised_convolution(x: Tensor, w: Tensor, m: Tensor, values: Values) -> WorkedSteps:
    terms = w * x.where(m != 0, 0) * m
    total, certain = _sum(terms), float((w.abs() * m).sum())
    quotient = total.value / certain if certain > values["eps"] else 0.0
    steps = (total, Step("Sum of |w| · m", certain), Step("The one over the other", quotient))
    return WorkedSteps("w · m · x", terms, steps)


_WORKED: Mapping[str, Callable[[Tensor, Tensor, Tensor, Values], WorkedSteps]] = MappingProxyType(
    {
        "dot_product": _dot_product,
        "cosine_similarity": _cosine_similarity,
        "squared_l2_distance": _squared_l2_distance,
        "l1_distance": _l1_distance,
        "adder": _adder,
        "gaussian_kernel": _gaussian_kernel,
        "polynomial_kernel": _polynomial_kernel,
        "dilation": _dilation,
        "erosion": _erosion,
        "max_pooling": _max_pooling,
        "mean_pooling": _mean_pooling,
        "median_pooling": _median_pooling,
        "local_variance": _local_variance,
        "partial_convolution": _partial_convolution,
        "normalised_convolution": _normalised_convolution,
    }
)
