"""A series of questions about convolutions from a seed, the same for everybody who has it."""

import random
from collections.abc import Callable

from rfviz.conv.errors import InputError
from rfviz.conv.practice.layer_questions import (
    output_size,
    pixels,
    reads,
    receptive_field,
    same_padding,
)
from rfviz.conv.practice.order_questions import column, entry, jump, position, stack
from rfviz.conv.practice.question import Question
from rfviz.conv.spec.parse import whole_number

# In this order, again and again: a short series has something of each kind.
KINDS: tuple[Callable[[random.Random, int], Question], ...] = (
    output_size,
    pixels,
    column,
    same_padding,
    receptive_field,
    position,
    entry,
    reads,
    stack,
    jump,
)
LEVELS = (1, 2, 3)
MOST_QUESTIONS = 50
LARGEST_SEED = 10**9


def practice_series(seed: object, level: object, count: object) -> list[Question]:
    """The questions of a seed: the same for everybody who has the seed, the level and the count.

    Raises `InputError` for a level other than 1, 2 or 3, and for numbers out of range.

    >>> [question.kind for question in practice_series(7, 1, 3)]
    ['output size', 'pixels', 'column']
    """
    number = whole_number("seed", seed, least=0)
    grade = whole_number("level", level, least=1)
    n_questions = whole_number("number of questions", count, least=1)
    if grade not in LEVELS or number > LARGEST_SEED or n_questions > MOST_QUESTIONS:
        raise InputError(
            f"A series has a seed up to {LARGEST_SEED:,}, a level from 1 to 3 and at most "
            f"{MOST_QUESTIONS} questions, got {number:,}, {grade} and {n_questions:,}.",
            remedy="Choose smaller numbers",
        )
    questions = []
    for index in range(n_questions):
        # Text as a seed gives the same numbers on every machine.
        rng = random.Random(f"{number} {grade} {index}")  # noqa: S311 - no secret
        questions.append(KINDS[index % len(KINDS)](rng, grade))
    return questions
