"""Every reader of a text that can come from an address or a file takes time in proportion to it."""

import time
from collections.abc import Callable

import pytest

from rfviz.conv.errors import InputError
from rfviz.conv.receptive_field.text import padding_in, pair_in, stack_in
from rfviz.conv.torch_messages.explain import translate_torch_error
from rfviz.io.pictures.preprocessing import size_in
from rfviz.io.weights.by_hand_text import kernels_in
from rfviz.io.weights.text import load_text
from rfviz.ui.check.choice import numbers_in
from rfviz.ui.sidebar.explain import as_code, as_text

READERS: dict[str, Callable[[str], object]] = {
    "torch's message": translate_torch_error,
    "stack": stack_in,
    "pair": lambda text: pair_in(text, "kernel"),
    "padding": padding_in,
    "by hand": kernels_in,
    "weights file": lambda text: load_text(text.encode()),
    "numbers": lambda text: numbers_in(text, "Mean"),
    "size": lambda text: size_in(text, "Resize to"),
    "plain words": as_text,
    "code": as_code,
}
# What is repeated, between what it begins and ends with: blanks between digits, separators,
# brackets that never close, and the beginnings of what is looked for.
UNITS = (" ", "\t", "\u3000", ",", " , ", "1 ", "1,", "1\n", "\n", "#", "(", "()", "[1, ", ":", "`",
         "\\", "x", "3x", "c3,", "c3~a", "add(", "add(c3|", "-", "0.", "Expected ", "size ",
         "groups=", "Given groups=1, weight of size [",
         "Calculated padded input size per ")  # fmt: skip
ENDS = (("", ""), ("1", "1"), ("c3~", "!"), ("RuntimeError: Given groups=1, weight of size [", "x"))
SMALLEST, LARGEST = 1, 512  # kB
# Of the processor: a text of eight times the length takes eight times as long, or 64 times where
# it is read anew at every sign.
QUICK, EIGHT_TIMES = 0.2, 28


def seconds(read: Callable[[str], object], text: str) -> float:
    begun = time.thread_time()
    try:
        read(text)
    except InputError as error:
        refused = str(error)
    else:
        refused = ""
    taken = time.thread_time() - begun
    assert len(refused) < 1000, "the refusal quotes all of the text"
    return taken


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_time_in_proportion_to_its_text(name: str) -> None:
    for unit in UNITS:
        for start, end in ENDS:
            before, size = 0.0, SMALLEST
            while size <= LARGEST:
                text = start + unit * (size * 1024 // len(unit)) + end
                taken = seconds(READERS[name], text)
                if taken > QUICK and before:
                    again = min(taken, seconds(READERS[name], text))
                    assert again < max(QUICK, EIGHT_TIMES * before), (unit, start, size)
                before, size = taken, size * 8


def test_blanks_between_two_numbers_are_read_at_once() -> None:
    """An address of 100,000 blanks once held everybody up for minutes."""
    assert kernels_in(f"1{' ' * 100_000}1").shape == (1, 1, 2)
    assert seconds(kernels_in, f"1{' ' * 500_000}1") < QUICK
    assert load_text(b"1" + b" " * 999_990 + b", 2")["weight"].flatten().tolist() == [1, 2]


def test_numbers_with_blanks_around_their_separators_are_read_as_before() -> None:
    found = load_text(b" 1 ,\t2 ;3\n4 , 5 , 6,\n")["weight"].flatten().tolist()
    assert found == [1, 2, 3, 4, 5, 6]


def test_a_sentence_that_quotes_a_whole_file_is_cut_and_says_how_long_it_was() -> None:
    said = as_text("x" * 10**6)
    assert len(said) < 10_000
    assert said.endswith("\\(1,000,000 characters\\)")
