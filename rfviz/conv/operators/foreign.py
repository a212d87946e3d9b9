"""The boundary to functions that someone else wrote: whatever they raise becomes a sentence."""

import traceback
from pathlib import Path
from types import TracebackType

from rfviz.conv.errors import InputError


class ForeignCode:
    """A `with` block around a call of someone else's function, from the file named.

    Any exception in it becomes an `InputError` with its type, its message and the line of that
    file, followed by `given`. An `InputError` passes as it is, and so does what is no error but a
    request to stop, such as Ctrl-C.

    >>> with ForeignCode("The operator 'half'", "half.py"):
    ...     1 / 0
    Traceback (most recent call last):
    rfviz.conv.errors.InputError: The operator 'half' failed: ZeroDivisionError: division by zero.
    """

    def __init__(self, what: str, file: str, given: str = "") -> None:
        """Keep the words of the sentence."""
        self._what, self._file, self._given = what, file, given

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Explain the error, if there is one. A function of anyone's may raise any class of it."""
        if not isinstance(error, Exception) or isinstance(error, InputError):
            return
        lines = [part.lineno for part in traceback.extract_tb(trace) if part.filename == self._file]
        where = f" at line {lines[-1]} of {Path(self._file).name}" if lines else ""
        if isinstance(error, SyntaxError) and error.filename == self._file:
            where = f" at line {error.lineno} of {Path(self._file).name}"
        said = " ".join(str(error).split())[:200].rstrip(".")
        sentence = f"{self._what} failed{where}: {type(error).__name__}: {said}."
        raise InputError(" ".join(filter(None, (sentence, self._given)))) from error
