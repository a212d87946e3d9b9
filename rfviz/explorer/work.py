"""Work that a request asks for: in a thread, a few at once, in a short queue, and stoppable.

A server that begins all it is asked for can be kept from everything else by one person, and goes
on for those who have hung up long ago.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

SECONDS_BETWEEN_LOOKS = 0.02
# As `nice` counts: what a person waits for in a move goes first.
NICENESS = 10


class Busy(Exception):  # noqa: N818 - no error of the program's
    """Too many wait already, or this one has waited too long."""


class WorkForRequests:
    """At most so many at once; the others wait for a moment, or are told that it is busy."""

    def __init__(self, *, n_at_once: int, most_waiting: int, seconds_of_waiting: float) -> None:
        """Nothing runs yet."""
        self._places = threading.BoundedSemaphore(n_at_once)
        self._waiting = threading.BoundedSemaphore(most_waiting)
        self._seconds_of_waiting = seconds_of_waiting
        # Apart from the server's own, which are to answer everybody else meanwhile.
        self._threads = ThreadPoolExecutor(n_at_once, "work", initializer=_give_way)

    async def run(
        self,
        work: Callable[[Callable[[], bool]], T],
        lock: threading.Lock,
        gone: Callable[[], Awaitable[bool]],
    ) -> T | None:
        """The work's result; None for a client that is gone meanwhile, whose work is stopped.

        ``work`` is given a function that says when to stop, ``lock`` admits one at a time of those
        that share it. Raises :class:`Busy`.
        """
        if not self._waiting.acquire(blocking=False):
            raise Busy
        try:
            if not await self._entered(lock, gone):
                return None
        finally:
            self._waiting.release()
        stop = threading.Event()

        def in_thread() -> T:
            # Given back by the thread: it may end after the request has.
            try:
                return work(stop.is_set)
            finally:
                lock.release()
                self._places.release()

        task = asyncio.get_running_loop().run_in_executor(self._threads, in_thread)
        try:
            while not task.done():
                await asyncio.wait([task], timeout=SECONDS_BETWEEN_LOOKS)
                if not task.done() and await gone():
                    return None
            return await task
        finally:
            stop.set()

    async def _entered(self, lock: threading.Lock, gone: Callable[[], Awaitable[bool]]) -> bool:
        """Whether there is a place, taken with its lock; not for a client that is gone."""
        until = time.monotonic() + self._seconds_of_waiting
        while not self._enter(lock):
            if await gone():
                return False
            if time.monotonic() > until:
                raise Busy
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        return True

    def _enter(self, lock: threading.Lock) -> bool:
        if not lock.acquire(blocking=False):
            return False
        if self._places.acquire(blocking=False):
            return True
        lock.release()
        return False


def _give_way() -> None:
    """Let other threads go first, where the system knows that of a thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
