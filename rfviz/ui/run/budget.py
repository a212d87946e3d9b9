"""One budget of memory and of heavy work for everybody whom this process serves.

A limit on one picture bounds nothing: eight people with a large one each, or one person with eight
tabs, take eight times as much. What is large asks here first. It waits in a queue that says its
place, or is refused by a sentence; what a session keeps is weighed until it is gone.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from weakref import finalize

from rfviz.conv.errors import InputError
from rfviz.conv.memory import readable_bytes

# In megabytes; for a server that runs other things beside, or nothing else.
MEMORY_VARIABLE = "RFVIZ_MEMORY_MB"
# Of the machine's memory, where the variable says nothing.
SHARE_OF_MEMORY = 4
# What the largest picture alone needs; less would refuse it on every small machine.
LEAST_BYTES = 1_500_000_000
MOST_WAITING = 8
SECONDS_OF_WAITING = 20.0
# What has been collected gives its bytes back unheard, and a session may end: looked at so often.
SECONDS_BETWEEN_LOOKS = 0.1
# Work that a person has stopped does not look, and must not stand in the way of those behind it.
SECONDS_OF_ABSENCE = 2.0

T = TypeVar("T")


class Waiting(float):
    """Nothing is done yet, and so many wait before: what a step of work says while it waits.

    >>> Waiting(3) == 0.0, Waiting(3).sentence
    (True, 'waiting for memory of the server, 3 before you')
    """

    def __new__(cls, n_before: int) -> "Waiting":
        """0 done."""
        return super().__new__(cls, 0.0)

    def __init__(self, n_before: int) -> None:
        """Keep the number."""
        self.n_before = n_before

    @property
    def sentence(self) -> str:
        """What a person reads meanwhile."""
        place = f"{self.n_before:,} before you" if self.n_before else "you are next"
        return f"waiting for memory of the server, {place}"


class Budget:
    """Bytes and heavy jobs of the whole process. Every method can be called from any thread."""

    def __init__(
        self,
        n_bytes: int,
        n_jobs: int,
        *,
        most_waiting: int = MOST_WAITING,
        seconds_of_waiting: float = SECONDS_OF_WAITING,
    ) -> None:
        """Nothing is held and nobody waits yet."""
        self.n_bytes = n_bytes
        self.n_jobs = n_jobs
        self._most_waiting = most_waiting
        self._seconds_of_waiting = seconds_of_waiting
        self._changed = threading.Condition()
        self._held = 0
        self._running: dict[int, int] = {}
        # Who waits, in their order, and when each looked last.
        self._queue: dict[object, float] = {}
        # A finalizer runs wherever the collector does, perhaps inside of a method of this class:
        # it only leaves a number here, which takes no lock.
        self._given_back: deque[int] = deque()

    @property
    def held(self) -> int:
        """Bytes that are promised or held at this moment."""
        with self._changed:
            return self._settled()

    @property
    def n_waiting(self) -> int:
        """How many wait for room."""
        with self._changed:
            return len(self._present())

    @contextmanager
    def reserve(
        self, n_bytes: int, what: str, waiting: Callable[[int], object] | None = None
    ) -> Iterator[None]:
        """Bytes and the place of one heavy job, for as long as the block runs.

        First come, first served. ``waiting`` is called with the number of those before, again and
        again while there are any; what it raises ends the waiting, as does the end of a session.
        A block inside of a block of the same thread takes bytes alone.

        Raises :class:`rfviz.InputError` for more than the whole budget, for a queue that is full,
        and after ``seconds_of_waiting``.

        >>> budget = Budget(1000, 1)
        >>> with budget.reserve(600, "A picture"):
        ...     budget.held
        600
        >>> budget.held
        0
        """
        self._check_total(n_bytes, what)
        self._enter(n_bytes, what, waiting)
        try:
            yield
        finally:
            self._leave(n_bytes)

    def steps(
        self, n_bytes: int, what: str, work: Callable[[], Generator[float, None, T]]
    ) -> Generator[float, None, T]:
        """The work's steps with its bytes held from the first to the last, closed or ended.

        It never blocks: while there is no room each step is a :class:`Waiting`, 0 done with the
        place in the queue, and waits a moment only.
        Raises as :meth:`reserve` does.
        """
        self._check_total(n_bytes, what)
        yield from self._in_turn(n_bytes, what)
        try:
            return (yield from work())
        finally:
            self._given_back.append(n_bytes)

    def hold(self, owner: object, n_bytes: int, what: str) -> None:
        """Weigh the bytes of an object from now until it is collected; it is not kept alive.

        Raises :class:`rfviz.InputError` at once where there is no room.
        """
        self._check_total(n_bytes, what)
        with self._changed:
            if self._settled() + n_bytes > self.n_bytes:
                raise self._busy(n_bytes, what, len(self._present()))
            self._held += n_bytes
        finalize(owner, self._given_back.append, n_bytes).atexit = False

    def _enter(self, n_bytes: int, what: str, waiting: Callable[[int], object] | None) -> None:
        thread = threading.get_ident()
        for place in self._places(n_bytes, what, takes_job=True):
            if waiting and thread not in self._running:
                waiting(place)
            with self._changed:
                self._changed.wait(SECONDS_BETWEEN_LOOKS)

    def _in_turn(self, n_bytes: int, what: str) -> Generator[float, None, None]:
        for place in self._places(n_bytes, what, takes_job=False):
            time.sleep(SECONDS_BETWEEN_LOOKS)
            yield Waiting(place)

    def _places(self, n_bytes: int, what: str, *, takes_job: bool) -> Iterator[int]:
        """The number of those before, until there is room: then it is taken, and this ends."""
        ticket = object()
        until = time.monotonic() + self._seconds_of_waiting
        self._queue_up(ticket, n_bytes, what)
        try:
            while (place := self._place(ticket, n_bytes, takes_job=takes_job)) is not None:
                if time.monotonic() > until:
                    raise self._busy(n_bytes, what, place)
                yield place
        finally:
            with self._changed:
                del self._queue[ticket]
                self._changed.notify_all()

    def _queue_up(self, ticket: object, n_bytes: int, what: str) -> None:
        with self._changed:
            n_before = len(self._present())
            if n_before >= self._most_waiting:
                raise self._busy(n_bytes, what, n_before)
            self._queue[ticket] = time.monotonic()

    def _present(self) -> list[object]:
        since = time.monotonic() - SECONDS_OF_ABSENCE
        return [ticket for ticket, looked in self._queue.items() if looked >= since]

    def _place(self, ticket: object, n_bytes: int, *, takes_job: bool) -> int | None:
        """None where it is this ticket's turn and there is room, which is then taken."""
        with self._changed:
            thread = threading.get_ident()
            inside = takes_job and thread in self._running
            self._queue[ticket] = time.monotonic()
            place = 0 if inside else self._present().index(ticket)
            job_free = not takes_job or inside or len(self._running) < self.n_jobs
            if place or not job_free or self._settled() + n_bytes > self.n_bytes:
                return place
            self._held += n_bytes
            if takes_job:
                self._running[thread] = self._running.get(thread, 0) + 1
            return None

    def _leave(self, n_bytes: int) -> None:
        with self._changed:
            thread = threading.get_ident()
            self._held -= n_bytes
            self._running[thread] -= 1
            if not self._running[thread]:
                del self._running[thread]
            self._changed.notify_all()

    def _settled(self) -> int:
        while self._given_back:
            self._held -= self._given_back.popleft()
        return self._held

    def _check_total(self, n_bytes: int, what: str) -> None:
        if n_bytes > self.n_bytes:
            raise InputError(
                f"{what} needs {readable_bytes(n_bytes)} of memory; this server has "
                f"{readable_bytes(self.n_bytes)} for all its visitors together.",
                remedy="Take a smaller picture, or a region of it",
            )

    def _busy(self, n_bytes: int, what: str, place: int) -> InputError:
        return InputError(
            f"The server is busy with other large pictures: {what} needs "
            f"{readable_bytes(n_bytes)}, {readable_bytes(self._settled())} of "
            f"{readable_bytes(self.n_bytes)} are in use, {place:,} before you.",
            remedy="Try again in a minute, or take a smaller picture",
        )


def bytes_for_all(environment: Mapping[str, str], machine: int) -> int:
    """The budget in bytes: what the environment says, or a share of the machine's memory.

    Raises `InputError` for a variable that is no number of megabytes.

    >>> bytes_for_all({}, 24 * 10**9), bytes_for_all({"RFVIZ_MEMORY_MB": "2000"}, 24 * 10**9)
    (6000000000, 2000000000)
    """
    said = environment.get(MEMORY_VARIABLE, "").strip()
    if not said:
        return max(machine // SHARE_OF_MEMORY, LEAST_BYTES)
    if not (said.isascii() and said.isdigit() and 0 < len(said) <= 9 and int(said)):
        raise InputError(
            f"{MEMORY_VARIABLE} must be a number of megabytes, got {said[:40]!r}.",
            remedy=f"Write for example {MEMORY_VARIABLE}=4000, or leave it out",
        )
    return int(said) * 10**6


def machine_bytes() -> int:
    """The memory of this machine, or of the container where that has less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    said = limit.read_text().strip() if limit.is_file() else ""
    return min(machine, int(said)) if said.isdigit() else machine


BUDGET = Budget(bytes_for_all(os.environ, machine_bytes()), max(2, os.cpu_count() or 1))
