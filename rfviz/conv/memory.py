"""How much memory something takes, in words, and when that is too much."""

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


def check_budget(what: str, n_bytes: int, memory_budget: int) -> None:
    """Raise `InputError` naming both sizes, unless `n_bytes` is within the budget.

    >>> check_budget("A window of 2 × 2", 16, 2**30)
    """
    if n_bytes > memory_budget:
        raise InputError(
            f"{what} entries takes {readable_bytes(n_bytes)}, more than the "
            f"{readable_bytes(memory_budget)} allowed.",
            remedy="Take a smaller window of it, or an overview of its means",
        )
