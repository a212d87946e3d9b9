"""Long exact work: strip by strip, with progress, a way to stop, and no way to be in the way.

Streamlit ends a script as soon as a person moves a control, at the next element that it draws.
A job draws its progress after every strip, so the next move never waits longer than for one strip;
and it lives in the session, so that a mere change of position goes on with it where it was.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

import streamlit as st


@dataclass
class Job:
    """Work under way: ``steps`` yields the fraction done after each step."""

    key: Hashable
    steps: Iterator[float]
    fraction: float = 0.0
    stopped: bool = field(default=False)

    @property
    def done(self) -> bool:
        """Whether every step has been taken."""
        return self.fraction >= 1.0


def job_for(name: str, key: Hashable, start: Callable[[], Iterator[float]]) -> Job:
    """The session's job of this name; begun anew where the key is another than before."""
    jobs: dict[str, Job] = st.session_state.setdefault("jobs", {})
    if name not in jobs or jobs[name].key != key:
        jobs[name] = Job(key, start())
    return jobs[name]


def run(name: str, job: Job, what: str) -> None:
    """Take the job's steps to the end, showing how far it is and a button that stops it.

    A stopped job shows a button that goes on with it. On leaving, it is done or stopped.
    """
    if job.done:
        return
    if job.stopped:
        st.caption(f"{what}: stopped at {job.fraction:.0%}.")
        st.button("Go on", key=f"{name}-go-on", on_click=_set_stopped, args=(job, False))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.empty()
        st.button("Stop", key=f"{name}-stop", on_click=_set_stopped, args=(job, True))
    bar.progress(job.fraction, what)
    for fraction in job.steps:
        job.fraction = fraction
        bar.progress(min(1.0, fraction), f"{what}: {fraction:.0%}")


def _set_stopped(job: Job, stopped: bool) -> None:
    job.stopped = stopped
