"""The command `rfviz`, also as `python -m rfviz`: check, operators, trace and app.

Torch takes seconds to import, so it is left to the command that needs it: `--help` answers at once,
and Ctrl-C is answered from the first moment on.
"""

import argparse
import os
import signal
import sys
from types import FrameType
from typing import Any

AGREE, DISAGREE, WRONG_INPUT, STOPPED = 0, 1, 2, 130
EXIT_CODES = (
    "Exit code: 0 where all is well, 1 where something disagrees, 2 for wrong input, 130 after "
    "Ctrl-C, 141 where nobody reads the output any more."
)


def main(arguments: list[str] | None = None) -> int:
    """Run a command, and return its exit code; `arguments` are by default those of the program.

    0 where all is well, 1 where a picture disagrees or an operator cannot be trained, 2 for input
    that is wrong and output that cannot be written, 130 after Ctrl-C, 141 after a closed pipe.
    """
    if arguments is None:
        signal.signal(signal.SIGINT, _stop_at_once)
        arguments = sys.argv[1:]
    from rfviz.terminal.output import answered, told  # noqa: PLC0415 - see above

    try:
        return answered(lambda: _run(arguments))
    except KeyboardInterrupt:
        told("\nrfviz: stopped.\n")
        return STOPPED


def _stop_at_once(_number: int, _frame: FrameType | None) -> None:
    """End without an exception, which code that is imported may swallow or take for its own.

    What has something to keep first, such as a report, asks for the exception while it runs.
    """
    os.write(2, b"\nrfviz: stopped.\n")
    os._exit(STOPPED)


def _run(arguments: list[str]) -> int:
    options = _asked(arguments)
    code: int = options.run(options)
    return code


class _Parser(argparse.ArgumentParser):
    """A parser whose help is not lost in silence where it cannot be written."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)


def _asked(arguments: list[str]) -> argparse.Namespace:
    from rfviz.terminal import app, check, operators, trace  # noqa: PLC0415 - see above
    from rfviz.version import __version__  # noqa: PLC0415

    parser = _Parser(
        prog="rfviz", description="See and check what a 2-D convolution reads.", epilog=EXIT_CODES
    )
    parser.add_argument("--version", action="version", version=f"rfviz {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (app, check, operators, trace):
        command.add_to(commands)
    options, rest = parser.parse_known_args(arguments)
    if rest and not getattr(options, "passes_on", False):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    return options


if __name__ == "__main__":
    sys.exit(main())
