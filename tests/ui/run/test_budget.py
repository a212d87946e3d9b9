"""One budget for the whole process: what it admits, in which order, and that all comes back."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Generator

import pytest
import torch

from rfviz.conv.errors import InputError
from rfviz.ui.run.budget import LEAST_BYTES, Budget, Waiting, bytes_for_all, machine_bytes


class StopScript(BaseException):
    """As Streamlit ends a script: no Exception."""


def until(said: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not said():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_never_more_than_the_budget_is_held_and_all_of_it_comes_back() -> None:
    budget = Budget(1000, 3, most_waiting=100)
    numbers = random.Random(3)  # noqa: S311 - reproducible tests, no secret
    peaks: list[tuple[int, int]] = []
    running: list[int] = []

    def work(n_bytes: int) -> None:
        with budget.reserve(n_bytes, "A picture"):
            running.append(1)
            peaks.append((budget.held, len(running)))
            time.sleep(0.003)
            running.pop()

    threads = [threading.Thread(target=work, args=(numbers.randint(1, 1000),)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(peaks) == 40
    assert max(held for held, _ in peaks) <= 1000
    assert max(jobs for _, jobs in peaks) <= 3
    assert (budget.held, budget.n_waiting) == (0, 0)


def test_first_come_first_served_and_each_is_told_its_place() -> None:
    budget = Budget(100, 9)
    order: list[int] = []
    places: dict[int, list[int]] = {number: [] for number in range(4)}

    def work(number: int, n_bytes: int) -> None:
        with budget.reserve(n_bytes, "A picture", places[number].append):
            order.append(number)

    threads = []
    with budget.reserve(90, "The first"):
        # The last would fit at once, and waits its turn all the same.
        for number, n_bytes in enumerate((100, 50, 50, 1)):
            threads.append(threading.Thread(target=work, args=(number, n_bytes)))
            threads[-1].start()
            until(lambda waiting=number + 1: budget.n_waiting == waiting)  # type: ignore[misc]
        until(lambda: all(places.values()))
    for thread in threads:
        thread.join(5)
    assert [places[number][0] for number in range(4)] == [0, 1, 2, 3]
    assert order[0] == 0
    assert sorted(order) == [0, 1, 2, 3]


def test_waiting_ends_with_a_sentence_of_the_place_and_the_sizes() -> None:
    budget = Budget(5_000_000, 2, most_waiting=1, seconds_of_waiting=0.05)
    with budget.reserve(4_000_000, "The first"):
        error = _error_in_a_thread(lambda: budget.reserve(2_000_000, "A check").__enter__())
    assert "busy with other large pictures: A check needs 2 MB, 4 MB of 5 MB" in str(error)
    assert "0 before you" in str(error)
    assert error.remedies
    assert (budget.held, budget.n_waiting) == (0, 0)


def _error_in_a_thread(work: Callable[[], object]) -> InputError:
    caught: list[InputError] = []

    def run() -> None:
        try:
            work()
        except InputError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5)
    return caught[0]


def test_a_full_queue_and_more_than_everything_are_refused_at_once() -> None:
    budget = Budget(100, 2, most_waiting=0)
    with pytest.raises(InputError, match="0 before you"), budget.reserve(1, "A picture"):
        pass
    for ask in (
        lambda: budget.hold(torch.zeros(1), 101, "An upload"),
        lambda: budget.reserve(101, "An upload").__enter__(),
        lambda: next(budget.steps(101, "An upload", _two_steps)),
    ):
        with pytest.raises(InputError, match="101 bytes of memory; this server has 100 bytes"):
            ask()
    assert budget.held == 0


@pytest.mark.parametrize("ending", [StopScript, InputError, MemoryError])
def test_bytes_come_back_however_the_block_ends(ending: type[BaseException]) -> None:
    budget = Budget(100, 1)
    with pytest.raises(ending), budget.reserve(100, "A picture"):
        raise ending("it ends")
    with budget.reserve(100, "A picture"):
        assert budget.held == 100


def test_a_script_that_is_stopped_while_it_waits_leaves_the_queue() -> None:
    budget = Budget(100, 1)
    stopped: list[int] = []

    def stop(_: int) -> None:
        raise StopScript

    def work() -> None:
        try:
            with budget.reserve(10, "A picture", stop):
                pass
        except StopScript:
            stopped.append(1)

    with budget.reserve(100, "The first"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(5)
        assert stopped
        assert budget.n_waiting == 0


def test_a_block_inside_of_a_block_does_not_wait_for_itself() -> None:
    budget = Budget(100, 1, seconds_of_waiting=0.2)
    with budget.reserve(60, "A picture"), budget.reserve(40, "A part of it"):
        assert budget.held == 100
    with budget.reserve(100, "A picture"):
        pass


def _two_steps() -> Generator[float, None, str]:
    yield 0.5
    yield 1.0
    return "done"


def test_steps_hold_their_bytes_until_they_end_or_are_closed_or_forgotten() -> None:
    budget = Budget(100, 1)
    steps = budget.steps(80, "A check", _two_steps)
    assert budget.held == 0
    assert next(steps) == 0.5
    assert budget.held == 80
    # Another one's step says that nothing is done, and does not block.
    other = budget.steps(80, "A check", _two_steps)
    assert next(other) == 0.0
    assert budget.n_waiting == 1
    steps.close()
    assert budget.held == 0
    assert list(other) == [0.5, 1.0]
    third = budget.steps(80, "A check", _two_steps)
    next(third)
    del third
    assert (budget.held, budget.n_waiting) == (0, 0)
    with budget.reserve(100, "The first"):
        waiting = budget.steps(80, "A check", _two_steps)
        next(waiting)
        del waiting
        assert budget.n_waiting == 0


def test_stopped_work_does_not_stand_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rfviz.ui.run.budget.SECONDS_OF_ABSENCE", 0.3)
    budget = Budget(100, 2)
    stopped = budget.steps(100, "A check", _two_steps)
    with budget.reserve(60, "The first"):
        assert next(stopped) == 0.0
        # Nobody takes its next step: the one behind it fits, and begins.
        began = time.monotonic()
        error_free: list[int] = []
        thread = threading.Thread(target=lambda: error_free.extend(_entered(budget, 40)))
        thread.start()
        thread.join(5)
        assert error_free == [1]
        assert 0.2 < time.monotonic() - began < 2
    assert list(stopped) == [0.5, 1.0]


def _entered(budget: Budget, n_bytes: int) -> list[int]:
    with budget.reserve(n_bytes, "A picture"):
        return [1]


def test_what_is_kept_is_weighed_until_it_is_collected() -> None:
    budget = Budget(100, 1)
    kept = [torch.zeros(1) for _ in range(12)]
    n_held = 0
    for picture in kept:
        with contextlib.suppress(InputError):
            budget.hold(picture, 30, "An upload")
            n_held += 1
    with pytest.raises(InputError, match="90 bytes of 100 bytes are in use"):
        budget.hold(picture, 30, "An upload")
    assert (n_held, budget.held) == (3, 90)
    del picture, kept
    assert budget.held == 0


def test_the_size_is_the_environments_or_a_share_of_the_machine() -> None:
    assert bytes_for_all({}, 10**9) == LEAST_BYTES
    assert bytes_for_all({"RFVIZ_MEMORY_MB": " 12 "}, 10**9) == 12_000_000
    assert machine_bytes() > 10**8
    for said in ("0", "-4", "4 GB", "1e4", "٤", "9" * 40):
        with pytest.raises(InputError, match="number of megabytes"):
            bytes_for_all({"RFVIZ_MEMORY_MB": said}, 10**9)


def test_each_step_of_work_that_waits_has_its_place() -> None:
    budget = Budget(100, 9)

    def work() -> Generator[float, None, str]:
        yield 1.0
        return "done"

    with budget.reserve(80, "Another"):
        waiting = [budget.steps(50, f"Work {number}", work) for number in range(3)]
        places = [next(steps) for steps in waiting]
    assert [isinstance(place, Waiting) and place.n_before for place in places] == [0, 1, 2]
    assert places == [0.0, 0.0, 0.0]
    for steps in waiting:
        steps.close()
    assert (budget.held, budget.n_waiting) == (0, 0)
