"""Work in steps that yield the fraction done and return a result: run to the end, or as a part."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def finished(steps: Generator[float, None, T]) -> T:
    """Take all steps, and return their result.

    >>> def work():
    ...     yield 0.5
    ...     yield 1.0
    ...     return "done"
    >>> finished(work())
    'done'
    """
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result


def part_of(steps: Generator[float, None, T], index: int, count: int) -> Generator[float, None, T]:
    """The same steps as part ``index`` of ``count`` equal ones: their fractions are the whole's.

    >>> def work():
    ...     yield 0.5
    ...     yield 1.0
    >>> list(part_of(work(), 1, 2))
    [0.75, 1.0]
    """
    while True:
        try:
            fraction = next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
        yield (index + fraction) / count
