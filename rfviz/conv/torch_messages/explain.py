"""What an error message of torch means, read from its text alone, with the numbers and a remedy.

A pasted message may be anything: it is cut to a bound and matched by patterns without nested
repetition, so that no text takes long. Nothing in it is executed.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from rfviz.conv.errors import Remedy
from rfviz.conv.torch_messages.explanations import Numbers
from rfviz.conv.torch_messages.rules import RULES

LONGEST_MESSAGE = 100_000
LONGEST_START = 20_000
MOST_LINES = 2_000
# The lines of load_state_dict belong together, the last of them alone tells a part.
OF_STATE_DICT = re.compile(
    r"\s{0,20}(?:Missing key|Unexpected key|size mismatch for|While copying the parameter)"
)
TORCH = re.compile(
    r"\btorch(?:vision|audio)?\b|\b[Tt]ensors?\b|\bCUDA\b|cudnn|\baten::|\bat::|\bc10\b|"
    r"^(?:RuntimeError: )?\w{1,60}\(\): |autograd|state_dict|\bnn\.[A-Z]|\bdtype\b|\baten/src\b"
)
OTHERS = re.compile(
    r"\b(?:tensorflow|keras|tf|jax|jaxlib|paddle|mxnet|chainer|theano|numpy|np|sklearn|"
    r"onnxruntime|KerasTensor|cv2|PIL)\b"
)
FRAME = re.compile(r'File "([^"\n]{1,400})", line \d{1,9}')
OF_TORCH = re.compile(r"[/\\]torch(?:vision|audio)?[/\\]")
PASTE = Remedy("Paste the last lines of the traceback, from RuntimeError on")


class Explanation(NamedTuple):
    """What a message means: whether it was recognised, the rule, a sentence, numbers, remedies."""

    recognised: bool
    rule: str
    what: str
    numbers: Numbers
    remedies: tuple[Remedy, ...]


def translate_torch_error(message: object) -> Explanation:
    """Explain an error message of torch: of its shapes, types, devices, gradients or weights.

    The message may stand in a whole traceback. A message that is torch's, but has no explanation
    here, is said to be torch's, and other text to be none; `recognised` is then False. Nothing is
    raised.

    >>> found = translate_torch_error("Calculated padded input size per channel: (5 x 6). "
    ...     "Kernel size: (7 x 7). Kernel size can't be greater than actual input size")
    >>> found.rule, found.numbers["rows short"], found.remedies[1].label
    ('kernel larger than picture', 2, 'Use a kernel that spans at most 5 × 6 pixels')
    """
    text = _cut(message if isinstance(message, str) else "")
    for piece in _pieces(text):
        for rule in RULES:
            match = re.search(rule.pattern, piece)
            if match is not None:
                return Explanation(True, rule.name, *rule.explain(match))
    return _unexplained(text)


def rule_names() -> tuple[str, ...]:
    """Return the names of the rules, in the order in which they are tried.

    >>> len(rule_names()) >= 200
    True
    """
    return tuple(rule.name for rule in RULES)


def _cut(text: str) -> str:
    """Keep the beginning of a long text and, since a traceback ends with what went wrong, more
    of its end.
    """
    if len(text) <= LONGEST_MESSAGE:
        return text
    return text[:LONGEST_START] + "\n" + text[LONGEST_START - LONGEST_MESSAGE :]


def _pieces(text: str) -> Iterator[str]:
    """Give the lines of a message, the last first, then all of it as one line.

    A terminal breaks long lines, so that a message may only be whole in the one line.
    """
    lines = [line for line in text.splitlines() if line.strip()][-MOST_LINES:]
    block: list[str] = []
    for line in reversed(lines):
        if OF_STATE_DICT.match(line):
            block.append(line)
            continue
        if block:
            yield "\n".join(reversed(block))
            block = []
        yield line
    if block:
        yield "\n".join(reversed(block))
    if len(lines) > 1:
        yield " ".join(text.split())


def _unexplained(text: str) -> Explanation:
    lines = [line for line in text.splitlines() if line.strip()]
    last, frames = (lines[-1] if lines else ""), FRAME.findall(text)
    through = [frame for frame in frames if OF_TORCH.search(frame)]
    # A sentence of torch's compiled part is raised from the line of a user's forward().
    inside = bool(through) and (frames[-1] in through[-1:] or last.startswith("RuntimeError"))
    if (inside or TORCH.search(last)) and not OTHERS.search(last):
        return Explanation(
            False,
            "torch's, about something else",
            "This is a message of torch's, about something else than sizes, channels, types or "
            "devices of a convolution; it has no explanation here.",
            {},
            (PASTE,),
        )
    return Explanation(
        False,
        "not recognised",
        "This is not recognised as a message of torch.",
        {},
        (PASTE,),
    )
