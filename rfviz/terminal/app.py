"""`rfviz app`: the app in the browser, from wherever the package is installed."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Never

from rfviz.extras import require

APP = Path(__file__).parents[1] / "app" / "app.py"


def add_to(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "app",
        help="open the app in the browser",
        description="Open the app in the browser. Options of Streamlit's own are passed on to it.",
        epilog="For example: rfviz app --server.port 8600 --server.headless true",
    )
    parser.set_defaults(run=start, passes_on=True)


def start(options: argparse.Namespace) -> Never:
    """Become Streamlit with the app, until it is stopped.

    The app's configuration is that beside `app.py`, which options on the command line override.
    """
    require("app", "The app")
    # In place of this process, so that whoever ends it ends the server.
    sys.stdout.flush()
    command = [sys.executable, "-m", "streamlit", "run", str(APP), *options.rest]
    os.execv(sys.executable, command)  # noqa: S606 - typed by its user
