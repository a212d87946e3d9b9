"""How much memory something takes, in words, and when that is too much."""

from contextlib import ContextDecorator
from types import TracebackType

from rfviz.conv.errors import InputError


def readable_bytes(n_bytes: int) -> str:
    """Return a number of bytes in the largest decimal unit that fits.

    >>> readable_bytes(17_300_000_000), readable_bytes(512)
    ('17.3 GB', '512 bytes')
    """
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes} bytes"


def check_budget(
    what: str,
    n_bytes: int,
    memory_budget: int,
    remedy: str = "Take a smaller window of it, or an overview of its means",
) -> None:
    """Raise `InputError` naming both sizes, unless `n_bytes` is within the budget.

    >>> check_budget("A window of 2 × 2 entries", 16, 2**30)
    """
    if isinstance(memory_budget, bool) or not isinstance(memory_budget, int | float):
        raise InputError(f"A memory budget is a number of bytes, got {memory_budget!r}.")
    # The other way round a budget that is not a number would allow everything.
    if not n_bytes <= memory_budget:
        raise InputError(
            f"{what} takes {readable_bytes(n_bytes)}, more than the "
            f"{readable_bytes(memory_budget)} allowed.",
            remedy=remedy,
        )


class Allocation(ContextDecorator):
    """A `with` block or a decorator in which memory that there is not becomes an `InputError`.

    torch words it as a RuntimeError of its allocator, with an address of its source in it.

    >>> import torch
    >>> with Allocation("A picture"):
    ...     torch.empty(2**60)
    Traceback (most recent call last):
    rfviz.conv.errors.InputError: A picture needs more memory than there is. Use a smaller one, ...
    """

    def __init__(self, what: str) -> None:
        """Keep what needs the memory, as the subject of the sentence."""
        self._what = what

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Explain the error, if it is one of memory; any other passes as it is."""
        if isinstance(error, RuntimeError | MemoryError) and _is_of_memory(error):
            raise InputError(
                f"{self._what} needs more memory than there is.",
                remedy="Use a smaller one, a smaller kernel or fewer filters",
            ) from error


def _is_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Whether it is an allocation that failed, in the words of torch's allocators."""
    words = ("allocate memory", "out of memory", "Storage size calculation overflowed")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)
