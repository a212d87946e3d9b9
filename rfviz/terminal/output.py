"""Where commands write: a terminal, a pipe whose reader has left, a disk that is full.

None of them ends in a traceback, and none in the exit code that means "something disagrees".
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rfviz.check import shown_path
from rfviz.conv.errors import InputError

WRONG_INPUT = 2
# What a shell says of a program that was ended by a pipe without a reader: 128 + SIGPIPE.
NO_READER = 141
STANDARD_OUTPUT = Path("-")


def answered(command: Callable[[Any], int], options: Any) -> int:
    """Run a command, and return its exit code, or that of what kept it from writing."""
    # A terminal that has no × or − gets a question mark in its place.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = command(options)
        sys.stdout.flush()
    except InputError as error:
        return _wrong(str(error))
    except BrokenPipeError:
        _forget_output()
        return NO_READER
    except OSError as error:
        _forget_output()
        return _wrong(f"The output cannot be written: {error.strerror or error}.")
    return code


def _wrong(sentence: str) -> int:
    sys.stderr.write(f"rfviz: {sentence}\n")
    return WRONG_INPUT


def _forget_output() -> None:
    """Let Python's own flush at the end go nowhere, where it would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


class Report:
    """A file that a report goes to at the end; whether it can be written is known at once.

    `-` is the standard output. The file is replaced as a whole, so that one of before stays whole
    until then. Raises `InputError` for what cannot be written.
    """

    def __init__(self, path: Path | None, text: Callable[[], str]) -> None:
        """Try the place, and keep what will be written there."""
        self.path, self._text = path, text
        if path is None or path == STANDARD_OUTPUT:
            return
        try:
            existed = path.exists()
            with path.open("a", encoding="utf-8"):
                pass
            if not existed:
                path.unlink()
        except OSError as error:
            raise self._refused(error) from error

    def write(self) -> None:
        """Write it, if it was asked for."""
        if self.path == STANDARD_OUTPUT:
            sys.stdout.write(self._text())
        elif self.path is not None:
            try:
                self.path.write_text(self._text(), encoding="utf-8")
            except OSError as error:
                raise self._refused(error) from error

    def _refused(self, error: OSError) -> InputError:
        return InputError(
            f"The report cannot be written to {shown_path(self.path or Path())!r}: "
            f"{error.strerror or error}."
        )
