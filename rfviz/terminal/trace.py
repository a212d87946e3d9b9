"""`rfviz trace MODULE:NAME`: the receptive field of every layer of a network, as a table."""

import argparse
import contextlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from rfviz.terminal.foreign import without_exit


def add_to(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "trace",
        help="receptive field and cost of every layer of a network",
        description="Follow a network's forward pass and list the field and cost of each layer.",
        epilog="For example: rfviz trace my_networks:Net --input-size 3,224,224",
    )
    parser.add_argument(
        "network",
        help="MODULE:NAME of a torch module, or of a class or function that makes one; it is run",
    )
    parser.add_argument(
        "--input-size", required=True, help="height,width or channels,height,width, or one side"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="as JSON; - is standard output")
    parser.set_defaults(run=show)


def show(options: argparse.Namespace) -> int:
    """Trace the network and write the table; the exit code."""
    from rfviz.conv.trace.trace import trace  # noqa: PLC0415 - imports torch
    from rfviz.terminal.output import STANDARD_OUTPUT, Report  # noqa: PLC0415

    found: list[Any] = []
    report = Report(options.json, lambda: json.dumps(_document(options, found), indent=1) + "\n")
    size = _size(options.input_size)
    table = trace(_network(options.network), size)
    found += table
    if report.path != STANDARD_OUTPUT:
        # Not every terminal has the signs of a printed page.
        sys.stdout.write(f"{table}\n".replace("×", "x").replace("–", "-"))
    report.write()
    return 0


def _network(name: str) -> Any:
    """The module of `package.module:attribute`, made if the attribute makes one."""
    from torch import nn  # noqa: PLC0415

    from rfviz.conv.errors import InputError  # noqa: PLC0415
    from rfviz.conv.operators.foreign import ForeignCode  # noqa: PLC0415

    module, colon, attribute = name.partition(":")
    remedy = "Give MODULE:NAME, for example my_networks:Net"
    if not (module and colon and attribute):
        raise InputError(f"{name!r} names no network.", remedy=remedy)
    # As `python -m` does: what lies in this folder can be named.
    sys.path.insert(0, str(Path.cwd()))
    spec = _found(module)
    if spec is None:
        raise InputError(f"There is no module {module!r} here or installed.", remedy=remedy)
    file = spec.origin or module
    with ForeignCode(f"Module {module!r}", file), without_exit(f"Module {module!r}"):
        found = getattr(importlib.import_module(module), attribute, None)
    if found is None:
        raise InputError(f"Module {module!r} has no {attribute!r}.", remedy=remedy)
    if not isinstance(found, nn.Module) and callable(found):
        with ForeignCode(f"Making {name!r}", file), without_exit(f"Module {module!r}"):
            found = found()
    if not isinstance(found, nn.Module):
        raise InputError(f"{name!r} is no torch module, but {type(found).__name__}.", remedy=remedy)
    return found


def _found(module: str) -> Any:
    from rfviz.conv.operators.foreign import ForeignCode  # noqa: PLC0415 - imports torch

    # To find a module in a package, Python runs the package.
    what = f"Module {module!r}"
    with ForeignCode(what, module), without_exit(what), contextlib.suppress(ModuleNotFoundError):
        return importlib.util.find_spec(module)
    return None


def _size(text: str) -> tuple[int, ...]:
    from rfviz.conv.errors import InputError  # noqa: PLC0415

    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"--input-size {text!r} is no size.", remedy="Write 224,224 or 3,224,224"
        ) from error
    return numbers * 2 if len(numbers) == 1 else numbers


def _document(options: argparse.Namespace, found: Any) -> dict[str, Any]:
    return {
        "schema": "rfviz.trace/1",
        "network": options.network,
        "input_size": options.input_size,
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "in_channels": layer.in_channels,
                "out_channels": layer.out_channels,
                "output_size": layer.output_size,
                "receptive_field": layer.receptive_field,
                "jump": layer.jump,
                "start": layer.start,
                "projective_field": layer.projective_field,
                "parameters": layer.parameters,
                "multiply_adds": layer.multiply_adds,
                "standing": layer.standing,
            }
            for layer in found
        ],
    }
