"""How an operator is saved with a layer: by where it comes from, as pickle saves any function."""

import copyreg
import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from rfviz.conv.custom import load_operators
from rfviz.conv.errors import InputError
from rfviz.conv.operator_entry import Operator
from rfviz.conv.operator_table import OPERATORS, operator_named

Origin = tuple[Callable[..., Operator], tuple[str, ...]]


def saved(operator: Operator) -> Origin:
    """Return what makes the operator again: its name in the table, a module, or a file.

    Raises `InputError` for a function of no name, such as a lambda.

    >>> saved(OPERATORS[0])[1]
    ('dot_product',)
    """
    if operator in OPERATORS:
        return operator_named, (operator.name,)
    function = operator.function
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    if vars(sys.modules.get(module, object)).get(name) is operator:
        return _imported, (module, name)
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    if module.startswith("operators_of_") and Path(file).is_file():
        return _loaded, (file, operator.name)
    raise InputError(
        f"Operator '{operator.name}' cannot be saved: its function is not found by its name.",
        remedy="Write @rfviz.operator(...) above a function at the top level of a file",
    )


def _imported(module: str, name: str) -> Operator:
    found: object = getattr(importlib.import_module(module), name, None)
    if isinstance(found, Operator):
        return found
    raise InputError(f"Module {module} has no operator '{name}' any more.")


def _loaded(path: str, name: str) -> Operator:
    for entry in load_operators(path):
        if entry.name == name:
            return entry
    raise InputError(f"Operator file {Path(path).name!r} has no operator '{name}' any more.")


copyreg.pickle(Operator, saved)
