"""The steps written out end where the operator does."""

import pytest
import torch

from rfviz.conv.operators.catalogue import OPERATORS
from rfviz.conv.operators.evaluate import evaluate
from rfviz.conv.operators.operator import Operator
from rfviz.conv.operators.worked import worked_steps

PLAIN = [each for each in OPERATORS if each.reads.is_plain]


@pytest.mark.parametrize("operator", PLAIN, ids=lambda each: each.name)
@pytest.mark.parametrize("seed", range(5))
def test_last_step_is_what_the_operator_gives(operator: Operator, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    patch, weight = torch.randn(2, 12, generator=generator, dtype=torch.float64)
    mask = (torch.rand(12, generator=generator) > 0.5).double()
    given = (mask[:, None],) if operator.reads_mask else ()
    values = operator.values()
    expected = evaluate(operator, patch[:, None], weight[None], values, *given)
    worked = worked_steps(operator, patch, weight, values, mask)
    assert worked is not None
    assert worked.terms.shape == (12,)
    assert worked.steps[-1].value == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("name", ["partial_convolution", "normalised_convolution"])
def test_nothing_known_gives_nothing(name: str) -> None:
    (operator,) = [each for each in OPERATORS if each.name == name]
    patch, hidden = torch.full((4,), torch.nan), torch.zeros(4)
    worked = worked_steps(operator, patch, torch.ones(4), operator.values(), hidden)
    assert worked is not None
    assert worked.steps[-1].value == 0.0


def test_steps_of_someone_elses_operator_are_unknown() -> None:
    own = Operator("dot_product", "Own", lambda patches, weight: weight @ patches)
    assert worked_steps(own, torch.ones(4), torch.ones(4), {}) is None
