"""`rfviz operators [FILE]`: those there are, or a file of one's own, tried before the app does."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfviz.terminal.foreign import without_exit

if TYPE_CHECKING:
    from rfviz.conv.operators.operator import Operator

ALL_TRAIN, ONE_DOES_NOT = 0, 1


def add_to(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "operators",
        help="list the operators there are, or try a file of one's own",
        description="Without a file, list the operators that come with rfviz: what each is applied "
        "as, what it reads and what it can be set to. With one, run that Python file of operators, "
        "try each, and say whether it can be trained.",
        epilog="Exit code: 0 all can be trained, 1 one cannot, 2 wrong input, 130 stopped.",
    )
    parser.add_argument(
        "file", nargs="?", help="a file that you wrote or have read: it is run as it is"
    )
    parser.set_defaults(run=list_or_try)


def list_or_try(options: argparse.Namespace) -> int:
    """List what comes with rfviz, or try the file that is given; the exit code."""
    return list_operators() if options.file is None else try_file(options)


def list_operators() -> int:
    """Say of each operator that comes with rfviz its name, what it reads, and its source."""
    from rfviz.conv.operators.catalogue import OPERATORS  # noqa: PLC0415 - imports torch

    for entry in OPERATORS:
        _say(entry)
        if more := _read_besides(entry):
            sys.stdout.write(f"  reads {', '.join(more)}\n")
        sys.stdout.write(f"  {entry.source}\n")
    return ALL_TRAIN


def _say(entry: "Operator") -> None:
    """The name by which it is applied, its title, and what it can be set to."""
    sys.stdout.write(f"{entry.name}: {entry.title}\n")
    for parameter in entry.parameters:
        words = (
            f"  {parameter.name} from {parameter.low:g} to {parameter.high:g}, "
            f"by default {parameter.default:g} {parameter.does}"
        )
        sys.stdout.write(f"{words.rstrip()}\n")


def _read_besides(entry: "Operator") -> list[str]:
    """What it reads besides receptive fields and one weight, in words."""
    reads = entry.reads
    asked = (
        (entry.reads_mask, "a mask"),
        (reads.guide, "a guide picture"),
        (reads.weight_per_column, "a weight for each output"),
        (reads.query, "the pixel under the middle of the kernel"),
        (reads.position, "the position of the output"),
        (reads.sampled, "pixels between pixels"),
    )
    own = [f"{each.name}, which is learned" for each in reads.learned]
    maps = [f"the map {each.name}" for each in reads.maps]
    return [*(words for is_read, words in asked if is_read), *own, *maps]


def try_file(options: argparse.Namespace) -> int:
    """Load the file, say of each operator what it takes and whether it trains; the exit code."""
    from rfviz.conv.operators.own import (  # noqa: PLC0415 - imports torch
        gradcheck_operator,
        load_operators,
    )

    code = ALL_TRAIN
    what = f"Operator file {Path(options.file).name!r}"
    with without_exit(what):
        entries = load_operators(options.file)
    for entry in entries:
        _say(entry)
        with without_exit(what):
            found = gradcheck_operator(entry)
        sys.stdout.write(f"  {found.sentence}\n")
        if not found.trainable:
            code = ONE_DOES_NOT
    return code
