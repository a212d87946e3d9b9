"""Where commands write: a terminal, a pipe whose reader has left, a disk that is full.

None of them ends in a traceback, and none in the exit code that means "something disagrees".
"""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from rfviz.conv.errors import InputError
from rfviz.extras import MissingExtraError

WRONG_INPUT = 2
# What a shell says of a program that was ended by a pipe without a reader: 128 + SIGPIPE.
NO_READER = 141
STANDARD_OUTPUT = Path("-")


def answered(command: Callable[[], int]) -> int:
    """Run a command, and return its exit code, or that of what kept it from writing."""
    _prepare_streams()
    try:
        code = _ended(command)
        sys.stdout.flush()
    except (InputError, MissingExtraError) as error:
        return _wrong(str(error))
    except BrokenPipeError:
        _forget_output()
        return NO_READER
    except OSError as error:
        _forget_output()
        return _wrong(f"The output cannot be written: {error.strerror or error}.")
    return code


def told(text: str) -> None:
    """Write to standard error, of which nobody need be able to read anything."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _ended(command: Callable[[], int]) -> int:
    try:
        return command()
    except SystemExit as ended:  # argparse's, after --help, --version and wrong options
        sys.stdout.flush()
        if ended.code:
            raise
        return 0


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        # A terminal that has no × or − gets a question mark in its place.
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _wrong(sentence: str) -> int:
    told(f"rfviz: {sentence}\n")
    return WRONG_INPUT


def _forget_output() -> None:
    """Let Python's own flush at the end go nowhere, where it would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


class Report:
    """A file that a report goes to at the end; whether it can be written is known at once.

    `-` is the standard output. A file of before stays whole until then. Raises `InputError` for
    what cannot be written.
    """

    def __init__(self, path: Path | None, text: Callable[[], str]) -> None:
        """Try the place, and keep what will be written there."""
        self.path, self._text = path, text
        if path is None or path == STANDARD_OUTPUT:
            return
        try:
            _try_place(path)
        except OSError as error:
            raise self._refused(error) from error

    def write(self) -> None:
        """Write it, if it was asked for; in UTF-8, whatever the terminal can show."""
        if self.path == STANDARD_OUTPUT:
            sys.stdout.flush()
            sys.stdout.buffer.write(self._text().encode())
        elif self.path is not None:
            try:
                self.path.write_text(self._text(), encoding="utf-8")
            except OSError as error:
                raise self._refused(error) from error

    def _refused(self, error: OSError) -> InputError:
        from rfviz.check import shown_path  # noqa: PLC0415 - imports torch

        return InputError(
            f"The report cannot be written to {shown_path(self.path or Path())!r}: "
            f"{error.strerror or error}."
        )


def check_places(reports: list[Report]) -> None:
    """`InputError` for two reports in one place, of which one would be lost."""
    paths = [report.path.absolute() for report in reports if report.path is not None]
    if len(set(paths)) < len(paths):
        raise InputError(
            "Two reports cannot be written to one place.", remedy="Give each a file of its own"
        )


def _try_place(path: Path) -> None:
    if path.exists() and not path.is_file() and not path.is_dir():
        # A device or a pipe, whose reader would take an opening and closing for the whole report.
        path.stat()
        return
    existed = path.exists()
    with path.open("a", encoding="utf-8"):
        pass
    if not existed:
        path.unlink()
