"""What is kept between reruns has its room in the budget of all, weights as pictures."""

import gc
import io

import numpy as np
import pytest

from rfviz.conv.errors import InputError
from rfviz.ui.run import caches
from rfviz.ui.run.budget import Budget

ROOM = 150_000_000


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> Budget:
    caches.weights_in.clear()
    budget = Budget(ROOM, 2, seconds_of_waiting=0.3)
    monkeypatch.setattr(caches, "BUDGET", budget)
    return budget


def npy(n: int) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ones((1, 1, n), np.float32))
    return buffer.getvalue()


def test_weights_are_weighed_as_long_as_they_are_kept(budget: Budget) -> None:
    file = caches.weights_in("one", ".npy", npy(1_000_000))
    # The file's own bytes, of which the tensor is a view, or a copy of its numbers.
    assert 4_000_000 <= budget.held <= 4_001_000
    assert caches.weights_in("one", ".npy", b"") is file
    caches.weights_in.clear()
    del file
    gc.collect()
    assert budget.held == 0


def test_weights_wait_for_the_room_of_the_most_that_they_may_hold(budget: Budget) -> None:
    full = pytest.raises(InputError, match=r"100 MB.* of 150 MB are in use")
    with budget.reserve(100_000_000, "A picture"), full:
        caches.weights_in("two", ".npy", npy(9))
    assert caches.weights_in("two", ".npy", npy(9)).tensors
    caches.weights_in.clear()
