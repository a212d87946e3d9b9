"""Each setting that an address carries is in one table, and comes back when it was lost."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opened import PAGES, OpenedPage

import rfviz
from rfviz.ui.sidebar.settings import SETTINGS, setting_of

SOURCES = sorted(
    path for room in ("ui", "pages") for path in (Path(rfviz.__file__).parent / room).rglob("*.py")
)
# What no literal says: a slider's own key, and the sides of the padding, by name.
BY_NAME = {
    ("convolution.py", "slider.key"): ("kernel", "stride", "padding", "dilation"),
    ("convolution.py", "key"): ("pad_top", "pad_bottom", "pad_left", "pad_right"),
}


def keywords_of(call: ast.Call) -> dict[str | None, ast.expr]:
    return {each.arg: each.value for each in call.keywords}


def bound_in(tree: ast.AST) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if "bind" in keywords_of(call)]


def written(node: ast.expr | None, constants: dict[str, str]) -> str | None:
    """A literal name, ``*`` for each part that only a run knows; None where it is no literal."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(written(part, constants) or "*" for part in node.values)
    return constants.get(node.id) if isinstance(node, ast.Name) else None


def assigned(tree: ast.Module) -> dict[str, str]:
    """Names that stand for one literal text in a file."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        pairs = [(node.targets[0], node.value)]
        if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(node.targets[0].elts, node.value.elts, strict=True))
        for target, value in pairs:
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant | ast.JoinedStr):
                found[f"{target.id}"] = written(value, {}) or ""
    return found


def keys_in(path: Path) -> Iterator[tuple[str, str | None]]:
    """Each key that is bound to the address: its source, and the literal name that it is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = assigned(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for function in [None, *(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))]:
        names = [each.arg for each in function.args.args] if function else []
        for call in bound_in(function) if function else ():
            key = keywords_of(call)["key"]
            if isinstance(key, ast.Name) and function and key.id in names:
                at = names.index(key.id)
                for caller in calls:
                    if isinstance(caller.func, ast.Name) and caller.func.id == function.name:
                        yield ast.unparse(caller.args[at]), written(caller.args[at], constants)
            else:
                yield ast.unparse(key), written(key, constants)
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef):
            for call in bound_in(statement):
                key = keywords_of(call)["key"]
                yield ast.unparse(key), written(key, constants)


def bound_names() -> set[str]:
    found: set[str] = set()
    for path in SOURCES:
        for source, name in keys_in(path):
            found |= {name} if name else set(BY_NAME[path.name, source])
    return found


def is_same(name: str, other: str) -> bool:
    """Whether a name of the source can be a name of the table; both may have open parts."""
    pattern = r"[\w-]+".join(re.escape(part) for part in name.split("*"))
    return name == other or re.fullmatch(pattern, other) is not None


def test_every_widget_of_the_address_is_in_the_table_and_nothing_else() -> None:
    bound = bound_names()
    assert len(bound) > 70
    table = [each.name for each in SETTINGS]
    assert len(set(table)) == len(table)
    assert [name for name in bound if not any(is_same(name, each) for each in table)] == []
    assert [each for each in table if not any(is_same(name, each) for name in bound)] == []


@pytest.mark.parametrize("name", ["operator_download", "check_csv", "check_upload", "stack_table",
                                  "stack_cells_3", "practice", "hand_table", "picked"])  # fmt: skip
def test_buttons_files_and_tables_are_no_settings(name: str) -> None:
    assert setting_of(name) is None


def lost(page: OpenedPage, name: str) -> None:
    """What Streamlit does to a widget that the browser has not yet drawn."""
    page.at.query_params.clear()
    if name in page.at.session_state:
        del page.at.session_state[name]


@pytest.mark.parametrize(
    ("page", "setting", "value"),
    [
        ("matmul", "product_window", 21),
        ("output_shape", "shape_kernel_height", 5),
        ("stack", "stack_preset", "VGG-16"),
        ("practice", "practice_seed", 77),
        ("operators", "operator_shown", "values"),
        ("check", "check_values", "mean and std"),
    ],
)
def test_a_setting_of_one_page_is_there_on_returning(page: str, setting: str, value: Any) -> None:
    opened = OpenedPage(page, {setting: str(value)})
    said = opened.bound_widgets()[setting]
    assert said == value
    opened.turn_to(PAGES[0])
    lost(opened, setting)
    opened.turn_to(page)
    assert opened.bound_widgets()[setting] == said


def test_what_the_address_says_is_held_before_any_widget_is_drawn() -> None:
    address = {"stride": "3", "kernel": "99", "weights": "none", "bias": "1e999", "row": "inf",
               "hand": "1 " * 5000, "separate": "true", "unknown": "1"}  # fmt: skip
    held = OpenedPage(address=address).at.session_state["held"]
    assert held["stride"] == 3
    assert held["separate"] is True
    assert not {"kernel", "weights", "bias", "row", "hand", "unknown"} & {
        name for name, value in held.items() if str(value) == address.get(name)
    }


def test_an_address_that_was_overwritten_says_again_what_the_widgets_say() -> None:
    """A server's word on the address that arrives after a move says what was before the move."""
    page = OpenedPage("matmul", {"kernel": "5", "stride": "2"})
    page.at.slider("kernel").set_value(4)
    page.at.query_params.update({"kernel": "5", "stride": "2"})
    page.run()
    assert page.at.query_params["kernel"] == "4"
    assert page.bound_widgets()["kernel"] == 4
    del page.at.query_params["stride"]
    page.run()
    assert page.at.query_params["stride"] == "2"
    assert page.bound_widgets()["stride"] == 2
