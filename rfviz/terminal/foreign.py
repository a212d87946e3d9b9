"""Code of a person's own that a command runs: its exit code is not the command's verdict."""

import contextlib
from collections.abc import Iterator

from rfviz.conv.errors import InputError


@contextlib.contextmanager
def without_exit(what: str) -> Iterator[None]:
    """Raise `InputError` where the code in the block ends the program.

    >>> with without_exit("Module 'net'"):
    ...     raise SystemExit(0)
    Traceback (most recent call last):
    rfviz.conv.errors.InputError: Module 'net' ends the program, with exit code 0.
    """
    try:
        yield
    except SystemExit as ended:
        raise InputError(f"{what} ends the program, with exit code {ended.code}.") from ended
