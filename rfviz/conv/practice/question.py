"""A question about a convolution: its answer, and what each known wrong number comes from.

Whoever answers wrongly has mostly computed something else correctly: forgotten the dilation, or
added the padding once. So each question carries the numbers that such slips give, each computed by
the formula that the slip amounts to, and a wrong answer is explained by the one it equals.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Slip(NamedTuple):
    """A wrong answer, and the sentence that says how one comes to it."""

    answer: tuple[int, ...]
    why: str


class Board(NamedTuple):
    """A map to click on: its first and last rows and columns, and what they are called.

    Of a picture, `size` is its (height, width), and rows and columns reach into the padding. One
    click is a cell's (row, column); two are the corners of a rectangle, whichever they are.
    """

    name: str
    rows: range
    columns: range
    size: tuple[int, int]
    n_clicks: int

    def answer(self, clicks: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
        """The numbers that clicked cells (row, column) stand for; None while some are missing.

        >>> Board("Input", range(-1, 5), range(5), (4, 4), 2).answer([(3, 0), (1, 2)])
        (1, 0, 3, 2)
        """
        if len(clicks) < self.n_clicks:
            return None
        rows = [row for row, _ in clicks]
        columns = [column for _, column in clicks]
        if self.n_clicks == 1:
            return rows[0], columns[0]
        return min(rows), min(columns), max(rows), max(columns)


@dataclass(frozen=True)
class Question:
    """A question with whole numbers for an answer, one for each of `labels`.

    `solution` is the arithmetic with the numbers in it; `slips` are wrong answers, each once.
    `board` is what can be clicked on instead of writing the numbers, if there is anything.
    """

    kind: str
    text: str
    labels: tuple[str, ...]
    answer: tuple[int, ...]
    solution: str
    slips: tuple[Slip, ...]
    board: Board | None = None

    def explain(self, given: tuple[int, ...]) -> str:
        """Say what a wrong answer comes from, as far as a known slip gives it.

        >>> question = asked("size", "3 pixels, kernel 3?", ("Rows",), (1,), "3 − 3 + 1 = 1",
        ...                  [((0,), "The first place counts as well: + 1.")])
        >>> question.explain((0,)), question.explain((3,))
        ('The first place counts as well: + 1.', 'Rows: 2 too large.')
        """
        if given == self.answer:
            return "Right."
        for slip in self.slips:
            if slip.answer == given:
                return slip.why
        if len(given) == 2 and given[::-1] == self.answer:
            return "The right numbers the other way round."
        off = [
            f"{label}: {abs(got - right):,} too {'large' if got > right else 'small'}"
            for label, got, right in zip(self.labels, given, self.answer, strict=True)
            if got != right
        ]
        return f"{'; '.join(off)}."


def asked(  # noqa: PLR0917 - as a question is read
    kind: str,
    text: str,
    labels: tuple[str, ...],
    answer: tuple[int, ...],
    solution: str,
    slips: Iterable[tuple[tuple[int, ...], str]],
    board: Board | None = None,
) -> Question:
    """Return a question whose slips differ from the answer and from each other.

    >>> asked("sum", "1 + 1?", ("Sum",), (2,), "1 + 1 = 2", [((2,), "No slip.")]).slips
    ()
    """
    different: dict[tuple[int, ...], Slip] = {}
    for value, why in slips:
        if value != answer:
            different.setdefault(value, Slip(value, why))
    return Question(kind, text, labels, answer, solution, tuple(different.values()), board)
