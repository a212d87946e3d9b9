"""The faults of tests/mutants.py can still be planted, and the tests named are still there."""

import ast
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MUTANTS: tuple[Any, ...] = runpy.run_path(str(ROOT / "tests" / "mutants.py"))["MUTANTS"]


def is_there(test: str) -> bool:
    file, _, name = test.partition("::")
    path = ROOT / file
    if not name:
        return path.exists()
    functions = ast.parse(path.read_text()).body if path.is_file() else []
    return any(isinstance(one, ast.FunctionDef) and one.name == name for one in functions)


def test_there_are_forty_in_every_part() -> None:
    assert len(MUTANTS) == len({(one.file, one.before) for one in MUTANTS}) == 40
    parts = ("spec", "im2col", "matmul", "layers", "trace", "io", "explorer/js", "ui")
    found = Counter(part for one in MUTANTS for part in parts if f"/{part}/" in one.file)
    assert all(found[part] >= 2 for part in parts), found


def test_each_fault_can_be_planted_in_one_place() -> None:
    places = {one: (ROOT / one.file).read_text().count(one.before) for one in MUTANTS}
    assert [(one.file, one.before, n) for one, n in places.items() if n != 1] == []
    assert [one for one in MUTANTS if one.before == one.after] == []


def test_each_test_named_is_there() -> None:
    assert [one.test for one in MUTANTS if not is_there(one.test)] == []
