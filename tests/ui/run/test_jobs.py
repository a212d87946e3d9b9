"""Long work: finished in one run or several, stopped, gone on with, and begun anew."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from rfviz.ui.run import jobs

SCRIPT = """
import streamlit as st
from rfviz.ui.run.jobs import job_for, result_of

def steps():
    for taken in range(4):
        st.session_state["steps"] = st.session_state.get("steps", 0) + 1
        yield (taken + 1) / 4
    return f"result of {key}"

key = st.session_state.get("key", "first")
job = job_for("work", key, steps)
st.write(f"{job.name}: {result_of(job, 'The work')}")
"""


@pytest.fixture
def steps_a_draw(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let a job take so many steps each time, whatever the time that they take."""

    def limit(n_steps: int, stop_after: int = 10**6) -> None:
        def step_for(job: jobs.Job[Any], _seconds: float) -> None:
            try:
                for _ in range(n_steps):
                    job.fraction = next(job.steps)
                    # As if a person had pressed the button, which ends the run at the next draw.
                    job.stopped = round(job.fraction * 4) >= stop_after
            except StopIteration as end:
                job.result = end.value

        monkeypatch.setattr(jobs, "_step_for", step_for)

    return limit


def opened() -> AppTest:
    at = AppTest.from_string(SCRIPT, default_timeout=20).run()
    assert not at.exception
    return at


def test_quick_work_is_done_in_one_run_without_a_bar() -> None:
    at = opened()
    assert at.markdown[0].value == "work: result of first"
    assert at.session_state["steps"] == 4
    assert not at.button


def test_done_work_is_not_done_again() -> None:
    at = opened().run().run()
    assert at.markdown[0].value == "work: result of first"
    assert at.session_state["steps"] == 4


def test_work_in_many_draws_comes_to_the_same_result(
    steps_a_draw: Callable[..., None],
) -> None:
    steps_a_draw(1)
    at = opened()
    assert at.markdown[0].value == "work: result of first"
    assert at.session_state["steps"] == 4


def test_another_key_begins_anew_and_the_old_result_is_not_shown() -> None:
    at = opened()
    at.session_state["key"] = "second"
    at.run()
    assert at.markdown[0].value == "work: result of second"
    assert at.session_state["steps"] == 8


def test_stopped_work_says_how_far_it_is_and_goes_on_from_there(
    steps_a_draw: Callable[..., None],
) -> None:
    steps_a_draw(1, stop_after=1)
    at = opened()
    assert at.markdown[0].value == "work: None"
    assert at.caption[0].value == "The work: stopped at 25%."
    assert at.session_state["steps"] == 1
    at.run()
    assert at.session_state["steps"] == 1

    steps_a_draw(5)
    at.button("work-Go on").click().run()
    assert at.markdown[0].value == "work: result of first"
    assert at.session_state["steps"] == 4
    assert at.caption[0].value == "The work: done."
    assert not at.button


def test_stopped_work_begins_anew_with_another_key(steps_a_draw: Callable[..., None]) -> None:
    steps_a_draw(1, stop_after=1)
    at = opened()
    steps_a_draw(5)
    at.session_state["key"] = "second"
    at.run()
    assert at.markdown[0].value == "work: result of second"


def never_ending() -> Generator[float, None, str]:
    yield 0.5
    return "done"


def test_revision_names_the_key() -> None:
    first, same, other = (
        jobs.Job("work", key, never_ending()) for key in (("a", 1), ("a", 1), ("a", 2))
    )
    assert first.revision == same.revision != other.revision


def test_work_that_cannot_be_done_says_why_and_does_not_begin_again() -> None:
    script = SCRIPT.replace(
        '    return f"result of {key}"',
        "    from rfviz import InputError\n"
        '    raise InputError("It is 3 too many", remedy="Take 2")',
    )
    at = AppTest.from_string(script, default_timeout=20).run()
    for _ in range(2):
        assert not at.exception
        assert "It is 3 too many" in at.error[0].value
        assert "Take 2" in at.error[0].value
        assert at.session_state["steps"] == 4
        at.run()


WAITING = """
from rfviz.ui.run import jobs
from rfviz.ui.run.budget import Budget

budget = Budget(100, 1, seconds_of_waiting=0.6)

def work():
    yield 1.0
    return "done"

with budget.reserve(80, "Another picture"):
    steps = lambda: budget.steps(50, "The work", work)
    jobs.result_of(jobs.job_for("work", "first", steps), "The work")
"""


def test_a_job_that_waits_says_its_place_and_at_last_why_it_cannot_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    progress = DeltaGenerator.progress

    def listened(self: DeltaGenerator, value: float, text: str) -> DeltaGenerator:
        said.append(text)
        return progress(self, value, text)

    monkeypatch.setattr(DeltaGenerator, "progress", listened)
    at = AppTest.from_string(WAITING, default_timeout=20).run()
    assert not at.exception
    assert said
    assert set(said) == {"The work: waiting for memory of the server, you are next"}
    assert "The server is busy with other large pictures" in at.error[0].value
