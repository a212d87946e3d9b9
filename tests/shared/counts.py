"""Counts of what was tried and what came out wrong, as one table: run it as a script.

    PYTHONPATH=. python tests/shared/counts.py

Networks and single calls are judged by gradients in float64, messages by the rule and the numbers
that they must be told with, checkpoints by what their layers answer in torch.
"""

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.torch_messages.explain import translate_torch_error
from rfviz.conv.trace.trace import trace

TESTS = Path(__file__).parents[1]
FOLDERS = ("shared", "conv/layers", "conv/trace", "conv/torch_messages", "io/weights")


class Count(NamedTuple):
    """One line of the table: what was tried, how many, how many wrong, and how many refused."""

    what: str
    tried: int
    wrong: tuple[str, ...]
    refused: tuple[str, ...]
    at_least: int


def load(name: str) -> Any:
    """A file of the tests by its name."""
    for folder in FOLDERS:
        path = str(TESTS / folder)
        if path not in sys.path:
            sys.path.insert(0, path)
    return importlib.import_module(name)


def judged(what: str, tries: Iterator[tuple[str, Callable[[], list[str]]]], least: int) -> Count:
    """Run each; what is found wrong, and what is refused with a sentence."""
    wrong, refused, n = [], [], 0
    for name, run in tries:
        n += 1
        try:
            faults = run()
        except InputError as error:
            refused.append(f"{name}: {error}")
        else:
            wrong += [f"{name}: {fault}" for fault in faults]
    return Count(what, n, tuple(wrong), tuple(refused), least)


def single_calls() -> Count:
    """Each call of torch that people write, on a map of 16 × 20 pixels."""
    judge, calls = load("gradient_judge"), load("single_calls").CALLS

    def one(body: Any) -> Callable[[], list[str]]:
        return lambda: list(judge.judged(judge.Function(body), (16, 20)).faults)

    return judged("single calls by gradients", ((n, one(b)) for n, b in calls.items()), 80)


def networks() -> Count:
    """Networks written by hand, random stacks, and published ones of pytorchcv."""
    judge, many = load("gradient_judge"), load("test_trace_networks")

    def handmade(name: str) -> Callable[[], list[str]]:
        return lambda: list(judge.judged(many.HANDMADE[name](), (24, 28), exact=False).faults)

    def published(name: str) -> Callable[[], list[str]]:
        return lambda: faults_of_published(judge, many.get_model(name).eval())

    tries = [(name, handmade(name)) for name in many.HANDMADE]
    tries += [(name, published(name)) for name in many.QUICK + many.SLOW]
    return judged("whole networks by gradients", iter(tries), 60)


def faults_of_published(judge: Any, network: Any) -> list[str]:
    """Each convolution has its row, and gradients of five units of the features lie inside."""
    size, channels = tuple(network.in_size), getattr(network, "in_channels", 3)
    rows = trace(network, (channels, *size))
    run = judge.convolutions_run(network, torch.rand(1, channels, *size))
    found = sum(row.call.startswith("conv") for row in rows)
    faults = [] if found == run else [f"{found} of {run} convolutions have a row"]
    side = min(size[0], 64)
    try:
        verdict = judge.judged(network.features, (side, side), channels, exact=False)
    except InputError:
        return faults  # its features alone do not run on so small a picture
    return faults + list(verdict.faults)


def messages() -> Count:
    """Real messages of torch, of this version and older ones."""
    wordings, explain = load("test_wordings"), translate_torch_error
    cases = [(wordings.message_of(each[0]), *each[1:3]) for each in wordings.PROVOKED]
    cases += [each[:3] for each in wordings.OLDER]
    wrong, denied = [], []
    for message, rule, numbers in cases:
        found = explain(message)
        if not found.recognised:
            denied.append(message)
        elif found.rule != rule or {n: found.numbers.get(n) for n in numbers} != numbers:
            wrong.append(f"{found.rule}, not {rule}: {message}")
    return Count("messages of torch", len(cases), tuple(wrong), tuple(denied), 100)


def checkpoints() -> Count:
    """Checkpoints as libraries lay them out, each layer by what it answers."""
    made = load("checkpoints")
    every = list(made.checkpoints())
    wrong = tuple(line for each in every for line in made.wrong_in(each))
    return Count("checkpoints of real layouts", len(every), wrong, (), 40)


def table(counts: list[Count]) -> str:
    """The counts, a line each, and below them what is wrong or refused."""
    lines = [f"{'tried':32} {'number':>7} {'wrong':>6} {'refused, or not recognised':>27}"]
    lines += [
        f"{one.what:32} {one.tried:7,} {len(one.wrong):6,} {len(one.refused):27,}" for one in counts
    ]
    lines += [f"  wrong: {line}" for one in counts for line in one.wrong]
    lines += [f"  refused: {line}" for one in counts for line in one.refused]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the table; 1 where anything is wrong or too little was tried."""
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts = [checkpoints(), messages(), single_calls(), networks()]
    sys.stdout.write(table(counts))
    return any(one.wrong or one.tried < one.at_least for one in counts)


if __name__ == "__main__":
    sys.exit(main())
