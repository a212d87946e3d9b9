"""What every explanation of a message of torch is made of: a rule, its pattern and its sentence.

Patterns have no nested repetition and every repetition has a bound, so that the time that they
take grows no faster than the text. Each family of messages has a file of its own.
"""

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

from rfviz.conv.errors import Remedy

Numbers = dict[str, int]
Told = tuple[str, Numbers, tuple[Remedy, ...]]
Explain = Callable[[re.Match[str]], Told]

N = r"(-?\d{1,18})"
# A shape as torch writes it: [1, 3], (5 x 6), (3x5x6), {1, 3} or torch.Size([1, 3]).
LIST = r"(?:torch\.Size\()?[\[({]{1,2}([-\d, x]{0,120})[\])}]"
WORD = r"([\w.]{1,60})"
AXES = MappingProxyType({1: ("length",), 2: ("rows", "columns"), 3: ("depth", "rows", "columns")})
SHAPE = "shape_of_"


class Rule(NamedTuple):
    """A name, the pattern of a message, and the explanation of a match."""

    name: str
    pattern: str
    explain: Explain


def number(name: str) -> str:
    """Return the pattern of a whole number that is called `name` in the explanation."""
    return rf"(?P<{name}>-?\d{{1,18}})"


def sizes(name: str) -> str:
    """Return the pattern of a shape that is called `name` in the explanation."""
    return LIST.replace("([-", f"(?P<{SHAPE}{name}>[-", 1)


def word(name: str, most: int = 60) -> str:
    """Return the pattern of a name, dotted or not, that is called `name` in the explanation."""
    return rf"(?P<{name}>[\w.]{{1,{most}}})"


def told(what: str, numbers: Numbers, *remedies: str | Remedy) -> Told:
    """Return a sentence, its numbers and the remedies, those without changes given as text."""
    made = tuple(r if isinstance(r, Remedy) else Remedy(r) for r in remedies)
    return what, numbers, made


def integers(text: str) -> list[int]:
    """Return the whole numbers in a text, in their order.

    >>> integers("(2048x-5x1)")
    [2048, -5, 1]
    """
    return [int(part) for part in re.findall(r"-?\d{1,18}", text)]


def shape(text: str | list[int]) -> str:
    """Return a shape in the one way in which the explanations write shapes.

    >>> shape("3x5x6"), shape("64 3 7 7"), shape([8])
    ('(3, 5, 6)', '(64, 3, 7, 7)', '(8,)')
    """
    return str(tuple(integers(text) if isinstance(text, str) else text))


def extent(lengths: list[int]) -> str:
    """Return lengths of axes as a size, such as 5 × 6."""
    return " × ".join(map(str, lengths))


def axes_of(count: int) -> tuple[str, ...]:
    """Return the names of the axes of a map of so many dimensions, after batch and channels."""
    return AXES.get(count, tuple(f"axis {i}" for i in range(count)))


def axis_name(dimension: int) -> str:
    """Return a dimension with what lies along it, if the tensor is a batch of maps.

    >>> axis_name(2)
    'dimension 2 (rows, in a batch of maps)'
    """
    usual = ("batch", "channels", "rows", "columns")
    known = f" ({usual[dimension]}, in a batch of maps)" if 0 <= dimension < len(usual) else ""
    return f"dimension {dimension}{known}"


def said(what: str, *remedies: str | Remedy) -> Explain:
    """Return an explanation whose words are filled with the named parts of the match.

    Parts that are whole numbers also become its numbers; shapes are written as tuples.
    """

    def explain(match: re.Match[str]) -> Told:
        parts = {name: part or "" for name, part in match.groupdict().items()}
        shown = {name.removeprefix(SHAPE): _shown(name, part) for name, part in parts.items()}
        numbers = {
            name.replace("_", " "): int(part)
            for name, part in parts.items()
            if not name.startswith(SHAPE) and re.fullmatch(r"-?\d{1,18}", part)
        }
        filled = (r if isinstance(r, Remedy) else r.format(**shown) for r in remedies)
        return told(what.format(**shown), numbers, *filled)

    return explain


def _shown(name: str, part: str) -> str:
    return shape(part) if name.startswith(SHAPE) else part
