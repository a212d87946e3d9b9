"""Kernels written as rows of numbers, in time that grows with the length of the text."""

import io
from array import array
from collections.abc import Iterator

import torch

from rfviz.conv.errors import InputError
from rfviz.io.weights.file import WeightsFile
from rfviz.io.weights.raw_numbers import own_copy

_MAX_BYTES = 20_000_000
_MAX_LINE = 1_000_000
_MAX_LINES = 500_000
_MAX_NUMBERS = 1_000_000
_MAX_DIGITS = 400  # the longest float64 in full has 325 places before its last digit
_AS_NPY = "Save the weights as .npy"


class _Kernels:
    """The numbers so far, and the rows of each kernel as how many numbers they have."""

    def __init__(self) -> None:
        self.numbers = array("d")
        self.widths: list[list[int]] = [[]]

    def add(self, row: list[float]) -> None:
        """Add a row to the last kernel."""
        self.numbers.extend(row)
        self.widths[-1].append(len(row))
        if len(self.numbers) > _MAX_NUMBERS:
            raise InputError(f"The text has more than {_MAX_NUMBERS:,} numbers.", remedy=_AS_NPY)

    def end(self) -> None:
        """Let the next row begin another kernel."""
        if self.widths[-1]:
            self.widths.append([])


def read_text(data: bytes) -> WeightsFile:
    """Read kernels written as text, see `load_text`."""
    return WeightsFile(load_text(data))


def load_text(data: bytes) -> dict[str, torch.Tensor]:
    """Kernels written as rows of numbers, as {"weight": (n, 1, height, width)} in float32.

    Numbers are separated by commas, semicolons, tabs or spaces; an empty line begins the next
    kernel, and what follows a # is skipped. `InputError` names the line that is wrong.

    >>> load_text(b"1, 0, -1\\n2, 0, -2\\n1, 0, -1\\n")["weight"].shape
    torch.Size([1, 1, 3, 3])
    """
    kernels = _Kernels()
    for number, line in enumerate(_lines(data), start=1):
        written = line.split("#", 1)[0].strip()
        if written:
            kernels.add(_row(written, number))
        elif "#" not in line:
            kernels.end()
    widths = [widths for widths in kernels.widths if widths]
    _check_rows(widths)
    raw = own_copy(kernels.numbers.tobytes())
    shape = (len(widths), 1, len(widths[0]), widths[0][0])
    return {"weight": raw.view(torch.float64).float().reshape(shape)}


def _lines(data: bytes) -> Iterator[str]:
    """Each line of UTF-8; line after line, so that other threads get their turn in between."""
    if len(data) > _MAX_BYTES:
        raise InputError(
            f"The text has {len(data):,} bytes; at most {_MAX_BYTES:,} are read.", remedy=_AS_NPY
        )
    place = n_lines = 0
    for line in io.BytesIO(data):
        # Old Macs ended a line with a carriage return alone.
        n_lines += line.rstrip(b"\r\n").count(b"\r") + 1
        if n_lines > _MAX_LINES or len(line) > _MAX_LINE:
            raise InputError(
                f"The text has more than {_MAX_LINES:,} lines, or line {n_lines:,} has more than "
                f"{_MAX_LINE:,} characters.",
                remedy=_AS_NPY,
            )
        yield from _decoded(line, place).rstrip("\r\n").split("\r")
        place += len(line)


def _decoded(line: bytes, place: int) -> str:
    try:
        return line.decode("utf-8-sig" if place == 0 else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The file is no text: byte {place + error.start} is {line[error.start]:#04x}.",
            remedy="Save the numbers as plain text, one row a line",
        ) from error


def _row(written: str, line: int) -> list[float]:
    """The numbers of a line. Blanks are taken away in one pass, not by a pattern."""
    commas = written.rstrip(",; \t").replace(";", ",")
    if "," in commas or "\t" in commas:
        parts = [cell.strip() for part in commas.split(",") for cell in _cells(part)]
    else:
        parts = commas.split()
    try:
        row = [float(part) for part in parts if len(part) <= _MAX_DIGITS or _refuse(part, line)]
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        _refuse(next(part for part in parts if not _is_float(part)), line)
    return row


def _cells(part: str) -> list[str]:
    """What stands between tabs; one beside a comma is a blank."""
    return [cell for cell in part.split("\t") if cell.strip()] or [""]


def _refuse(part: str, line: int) -> bool:
    raise InputError(
        f"Line {line:,} has {part[:30]!r} where a number is expected.",
        remedy="Write rows of numbers such as 1, 0, -1",
    )


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_rows(kernels: list[list[int]]) -> None:
    if not kernels or not kernels[0][0]:
        raise InputError("The text holds no number.", remedy="Write rows such as 1, 0, -1")
    size = (len(kernels[0]), kernels[0][0])
    for number, kernel in enumerate(kernels, start=1):
        widths = (min(kernel), max(kernel))
        if widths[0] != widths[1]:
            raise InputError(
                f"Kernel {number} has rows of {widths[0]} and of {widths[1]} numbers.",
                remedy="Give every row as many",
            )
        if (len(kernel), widths[0]) != size:
            raise InputError(
                f"Kernel {number} is {len(kernel)} × {widths[0]}, but the first is "
                f"{size[0]} × {size[1]}.",
                remedy="Give every kernel one size, with an empty line between two",
            )
