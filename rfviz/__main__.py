"""The command `rfviz`, also as `python -m rfviz`: check, operators, trace and app.

Torch takes seconds to import, so it is left to the command that needs it: `--help` answers at once,
and Ctrl-C is answered from the first moment on.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

AGREE, DISAGREE, WRONG_INPUT, STOPPED = 0, 1, 2, 130
EXIT_CODES = (
    "Exit code: 0 where all is well, 1 where something disagrees, 2 for wrong input, 130 after "
    "Ctrl-C."
)


def main(arguments: list[str] | None = None) -> int:
    """Run a command, and return its exit code.

    0 where all is well, 1 where a picture disagrees or an operator cannot be trained, 2 for input
    that is wrong and output that cannot be written, 130 after Ctrl-C.
    """
    try:
        command, options = _asked(sys.argv[1:] if arguments is None else arguments)
        from rfviz.terminal.output import answered  # noqa: PLC0415 - see above

        return answered(command, options)
    except KeyboardInterrupt:
        sys.stderr.write("\nrfviz: stopped.\n")
        return STOPPED


def _asked(arguments: list[str]) -> tuple[Callable[[Any], int], argparse.Namespace]:
    from rfviz.terminal import app, check, operators, trace  # noqa: PLC0415 - see above
    from rfviz.version import __version__  # noqa: PLC0415

    parser = argparse.ArgumentParser(
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
    return options.run, options


if __name__ == "__main__":
    sys.exit(main())
