"""Long exact work: step by step, with progress, a way to stop, and never in the way.

Streamlit ends a script as soon as a person moves a control, at the next element that it draws.
A job draws its progress after every step, so the next move never waits longer than for one step;
and it lives in the session, so that a mere change of position goes on with it where it was.
"""

import hashlib
import time
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from rfviz.conv.errors import InputError
from rfviz.explorer.scene import Awaited
from rfviz.ui.run.budget import Waiting
from rfviz.ui.run.picture_reading import upload_has_ended
from rfviz.ui.sidebar.explain import as_text

T = TypeVar("T")

# A bar that is drawn for every step of a few milliseconds would cost more than the step.
SECONDS_BETWEEN_DRAWS = 0.1
# What ends this soon needs no bar, which would only flash.
QUIET_SECONDS = 0.15
# A line of text with its bar, and the button beside it.
PLACE_HEIGHT = 56


@dataclass
class Job(Generic[T]):
    """Work under way: ``steps`` yields the fraction done and returns the result."""

    name: str
    key: Hashable
    steps: Generator[float, None, T]
    fraction: float = 0.0
    stopped: bool = False
    result: T | None = None
    error: InputError | None = None

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to do: a result, or why there is none."""
        return self.result is not None or self.error is not None

    @property
    def revision(self) -> str:
        """A name for the result, known before it is."""
        return hashlib.blake2b(repr(self.key).encode(), digest_size=8).hexdigest()


def job_for(name: str, key: Hashable, start: Callable[[], Generator[float, None, T]]) -> Job[T]:
    """The session's job of this name; begun anew where the key is another than before."""
    jobs: dict[str, Job[T]] = st.session_state.setdefault("jobs", {})
    if name not in jobs or jobs[name].key != key:
        jobs[name] = Job(name, key, start())
    return jobs[name]


def job_place(job: Job[T]) -> st.delta_generator.DeltaGenerator:
    """Room for a job's progress, so that what follows it stays where it is from start to end.

    An error takes the room that its sentence needs.
    """
    return st.container(height="content" if job.error else PLACE_HEIGHT, border=False)


def awaited(job: Job[T], message: str) -> Awaited:
    """What a panel says until it shows the job's result: that it will not come, if that is so."""
    if job.error:
        message = "Nothing to show: the reason is above."
    elif job.stopped and not job.ended:
        message = "Stopped: Go on, above, brings it."
    return Awaited(job.revision, message)


def result_of(job: Job[T], what: str) -> T | None:
    """Take the job's remaining steps, showing how far it is and a button that stops it.

    None for a job that was stopped, with a button that goes on with it, and for one that met an
    :class:`rfviz.InputError`, with its sentence.
    """
    # Always the same elements, done or not: what follows keeps its place, and so is not rebuilt.
    place = st.empty()
    met_before = job.error
    if not job.ended and not job.stopped:
        _step_for(job, QUIET_SECONDS)
    if not job.ended and job.stopped:
        with place.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{what}: stopped at {job.fraction:.0%}.")
            _button(job, "Go on", stopped=False)
        return None
    if not job.ended:
        _take_steps(job, what, place.container(horizontal=True, vertical_alignment="center"))
    if job.error is not None:
        place.error(as_text(str(job.error)), icon=":material/rule:")
        if not met_before:
            # Again, with room for the sentence; the job keeps its error.
            st.rerun()
    else:
        place.caption(f"{what}: done.")
    return job.result


def _take_steps(job: Job[T], what: str, place: st.delta_generator.DeltaGenerator) -> None:
    bar = place.empty()
    with place:
        _button(job, "Stop", stopped=True)
    while not job.ended:
        if upload_has_ended():
            # The picture that a person waits for goes first.
            st.rerun()
        bar.progress(min(1.0, job.fraction), f"{what}: {_how_far(job.fraction)}")
        _step_for(job, SECONDS_BETWEEN_DRAWS)


def _how_far(fraction: float) -> str:
    return fraction.sentence if isinstance(fraction, Waiting) else f"{fraction:.0%}"


def _step_for(job: Job[T], seconds: float) -> None:
    """Take steps for this long, or to the end."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            job.fraction = next(job.steps)
    except StopIteration as stop:
        job.result = stop.value
    except InputError as error:
        job.error = error


def _button(job: Job[T], label: str, *, stopped: bool) -> None:
    def stop_or_go_on() -> None:
        job.stopped = stopped

    st.button(as_text(label), key=f"{job.name}-{label}", on_click=stop_or_go_on)
