"""`rfviz app`: the app in the browser, from wherever the package is installed."""

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

APP = Path(__file__).parents[1] / "app" / "app.py"
NEEDED = ("streamlit", "plotly", "pandas", "starlette", "safetensors")


def add_to(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "app",
        help="open the app in the browser",
        description="Open the app in the browser. Options of Streamlit's own are passed on to it.",
        epilog="For example: rfviz app --server.port 8600 --server.headless true",
    )
    parser.set_defaults(run=start, passes_on=True)


def start(options: argparse.Namespace) -> int:
    """Run Streamlit on the app until it is stopped; its exit code.

    The app's configuration is that beside `app.py`, which options on the command line override.
    """
    from rfviz.conv.errors import InputError  # noqa: PLC0415 - imports torch

    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise InputError(
            f"The app needs {', '.join(missing)}, which the library alone does not bring.",
            remedy="Run: pip install 'rfviz[app]'",
        )
    command = [sys.executable, "-m", "streamlit", "run", str(APP), *options.rest]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - typed by its user
