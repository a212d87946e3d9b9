"""The call of an operator's function, whoever wrote it, and what its result is held to."""

from collections.abc import Mapping
from types import MappingProxyType

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.unfolded import is_transformed
from rfviz.conv.operators.foreign import ForeignCode
from rfviz.conv.operators.operator import Operator

Named = Mapping[str, torch.Tensor | None]


def call_function(  # noqa: PLR0917 - what an operator is given
    operator: Operator,
    patches: torch.Tensor,
    weight: torch.Tensor,
    values: Mapping[str, float],
    mask: torch.Tensor | None,
    named: Named,
) -> torch.Tensor:
    """Call the function as its operator declares it; nothing is looked at.

    >>> from rfviz.conv.operators.catalogue import operator_named
    >>> dot = operator_named("dot_product")
    >>> call_function(dot, torch.ones(4, 1), torch.ones(1, 4), {}, None, {}).item()
    4.0
    """
    arguments = (patches, weight) if mask is None else (patches, weight, mask)
    return operator.function(*arguments, **values, **named)


def evaluate(  # noqa: PLR0917 - what an operator is given
    operator: Operator,
    patches: torch.Tensor,
    weight: torch.Tensor,
    values: Mapping[str, float],
    mask: torch.Tensor | None = None,
    named: Named = MappingProxyType({}),
) -> torch.Tensor:
    """Call an operator on patches (K, n) and weight (F, K), and return its checked (F, n).

    `named` is what it reads beside them, by name.
    Raises `InputError`, with both shapes, for an exception in its function, a result that is no
    tensor, of another shape or type, and NaN made of finite numbers.

    >>> from rfviz.conv.operators.catalogue import operator_named
    >>> evaluate(operator_named("adder"), torch.ones(4, 3), torch.zeros(2, 4), {}).shape
    torch.Size([2, 3])
    """
    shapes = f"patches of {tuple(patches.shape)} and weight of {tuple(weight.shape)}"
    given = f"It was given {shapes}."
    file = getattr(getattr(operator.function, "__code__", None), "co_filename", "")
    with ForeignCode(f"Operator '{operator.name}'", file, given):
        result: object = call_function(operator, patches, weight, values, mask, named)
    expected = (weight.shape[0], patches.shape[-1])
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
    finite = patches.isfinite().flatten(0, -2).all(0) & weight.isfinite().all()
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
