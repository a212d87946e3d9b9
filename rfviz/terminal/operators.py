"""`rfviz operators FILE`: a file of operators of one's own, tried before the app gets it."""

import argparse
import sys
from pathlib import Path
from typing import Any

from rfviz.terminal.foreign import without_exit

ALL_TRAIN, ONE_DOES_NOT = 0, 1


def add_to(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "operators",
        help="try a file of operators of one's own",
        description="Run a Python file of operators, try each, and say whether it can be trained.",
        epilog="Exit code: 0 all can be trained, 1 one cannot, 2 wrong input, 130 stopped.",
    )
    parser.add_argument("file", help="a file that you wrote or have read: it is run as it is")
    parser.set_defaults(run=try_file)


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
        sys.stdout.write(f"{entry.name}: {entry.title}\n")
        for parameter in entry.parameters:
            words = (
                f"  {parameter.name} from {parameter.low:g} to {parameter.high:g}, "
                f"by default {parameter.default:g} {parameter.does}"
            )
            sys.stdout.write(f"{words.rstrip()}\n")
        with without_exit(what):
            found = gradcheck_operator(entry)
        sys.stdout.write(f"  {found.sentence}\n")
        if not found.trainable:
            code = ONE_DOES_NOT
    return code
