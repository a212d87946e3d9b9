"""What an error message of torch means, read from its text alone, with the numbers and a remedy.

A pasted message may be anything: it is cut to a bound and matched by patterns without nested
repetition, so that no text takes long. Nothing in it is executed.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from rfviz.conv.errors import Remedy
from rfviz.conv.torch_messages.explanations import Numbers, Told
from rfviz.conv.torch_messages.rules import RULES

LONGEST_MESSAGE = 100_000
LONGEST_LINE = 2_000
MOST_LINES = 400


class Explanation(NamedTuple):
    """What a message means: whether it was recognised, the rule, a sentence, numbers, remedies."""

    recognised: bool
    rule: str
    what: str
    numbers: Numbers
    remedies: tuple[Remedy, ...]


def translate_torch_error(message: object) -> Explanation:
    """Explain an error message of torch about shapes, channels, padding or types.

    The message may stand in a whole traceback. Text that is not recognised gives an explanation
    whose `recognised` is False; nothing is raised.

    >>> found = translate_torch_error("Calculated padded input size per channel: (5 x 6). "
    ...     "Kernel size: (7 x 7). Kernel size can't be greater than actual input size")
    >>> found.rule, found.numbers["rows short"], found.remedies[1].label
    ('kernel larger than picture', 2, 'Use a kernel that spans at most 5 × 6 pixels')
    """
    for line in _lines(message):
        for name, pattern, explain in _compiled():
            match = pattern.search(line)
            if match is not None:
                what, numbers, remedies = explain(match)
                return Explanation(True, name, what, numbers, remedies)
    return Explanation(
        False,
        "not recognised",
        "This is not recognised as a message of torch about shapes, channels, padding or types.",
        {},
        (Remedy("Paste the last lines of the traceback, from RuntimeError on"),),
    )


def rule_names() -> tuple[str, ...]:
    """Return the names of the rules, in the order in which they are tried.

    >>> len(rule_names()) >= 25
    True
    """
    return tuple(rule.name for rule in RULES)


def _lines(message: object) -> list[str]:
    """Return the lines of a message, the last first: a traceback ends with what went wrong."""
    text = message if isinstance(message, str) else ""
    text = text[-LONGEST_MESSAGE:]
    lines = [line[:LONGEST_LINE] for line in text.splitlines()[-MOST_LINES:]]
    return [line for line in reversed(lines) if line.strip()]


def _compiled() -> list[tuple[str, re.Pattern[str], Callable[[re.Match[str]], Told]]]:
    # The re module keeps compiled patterns; this only looks them up.
    return [(rule.name, re.compile(rule.pattern), rule.explain) for rule in RULES]
