"""Single calls of torch, judged by gradients in float64: nothing read is left out."""

import pytest
from gradient_judge import Function, judged
from random_layers import one_thread  # noqa: F401 - a fixture
from single_calls import CALLS


@pytest.mark.parametrize("name", CALLS)
def test_a_single_call_reads_what_gradients_say(name: str) -> None:
    verdict = judged(Function(CALLS[name]), (16, 20))
    assert not verdict.faults
    assert verdict.n_units > 0
