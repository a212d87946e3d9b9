"""The rules of the house: who imports whom, what is public, what must not stand in a file."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions, version
from itertools import chain
from pathlib import Path

import pytest

import rfviz

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rfviz"
MODULES = sorted(PACKAGE.rglob("*.py"))
LIBRARY = [path for path in MODULES if path.parent.name != "pages"]

# A part may import itself and what stands to the right of it: app -> pages -> ui -> explorer ->
# figures, io -> conv. Figures and io do not know of each other.
MAY_IMPORT = {
    "app": {"pages", "ui", "explorer", "figures", "io", "conv"},
    "pages": {"ui", "explorer", "figures", "io", "conv"},
    "ui": {"export", "explorer", "figures", "check", "io", "conv"},
    "explorer": {"figures", "io", "conv"},
    "figures": {"extras", "conv"},
    "terminal": {"check", "export", "extras", "version", "io", "conv"},
    "export": {"check", "version", "io", "conv"},
    "io": {"extras", "conv"},
    "conv": set(),
    # What stands beside the library for whoever has plotly: figures in one call, the explorer.
    "plot": {"figures", "io", "conv"},
    "notebook": {"plot", "explorer", "figures", "io", "conv"},
    "rfviz": {"notebook", "plot", "terminal", "check", "version", "io", "conv"},
}
HOMES = {
    "torch": ("rfviz",),
    "streamlit": ("rfviz/app", "rfviz/ui", "rfviz/pages", "rfviz/explorer"),
    "plotly": (
        "rfviz/figures",
        "rfviz/explorer/payload.py",
        "rfviz/explorer/components.py",
        "rfviz/explorer/scene.py",
        "rfviz/plot",
    ),
    "PIL": ("rfviz/io",),
    "safetensors": ("rfviz/io/weights/write.py",),
    # For .npy and .npz, and for pixels in a process that starts without torch.
    "numpy": (
        "rfviz/io/pictures/modes.py",
        "rfviz/io/pictures/orientation.py",
        "rfviz/io/pictures/planes.py",
        "rfviz/io/pictures/tiff_samples.py",
        "rfviz/io/pictures/decoder.py",
    ),
    "starlette": (
        "rfviz/explorer/routes.py",
        "rfviz/explorer/guard.py",
        "rfviz/ui/run/upload_bound.py",
        "rfviz/app/app.py",
    ),
    "pandas": ("rfviz/app",),  # imported once at start
}
PUBLIC_NAMES = [
    "Branches",
    "ColumnMatrices",
    "ColumnMatrix",
    "Conv2dSpec",
    "InputError",
    "Layer",
    "Learned",
    "OPERATORS",
    "OperatorConv2d",
    "OutputMap",
    "Reads",
    "Remedy",
    "apply_operator",
    "architecture",
    "compare_with_conv2d",
    "conv2d_by_matmul",
    "effective_field",
    "filter_bank",
    "fold",
    "gradcheck_operator",
    "layers_of",
    "load_operators",
    "load_picture",
    "load_sample",
    "load_weights",
    "operator",
    "outputs_reading_pixel",
    "pixels_never_read",
    "read_weights",
    "reads_per_pixel",
    "reduce_picture",
    "show",
    "stack_geometry",
    "strongest_fields",
    "to_grey",
    "trace",
    "train_beside",
]
MUTABLE = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
MUTABLE_CALLS = {"dict", "list", "set", "bytearray", "defaultdict", "OrderedDict", "deque"}
# Written so that this file holds none of them.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.:/])/(?:work|tmp|opt|root|home|Users)/\w",
    "a note to do": r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b",
    "a merge conflict": r"^(?:<{7}|>{7}) ",
    "unescaped html": r"unsafe_allow" r"_html",
}
VAGUE_FILES = {"utils", "util", "helpers", "helper", "data", "process", "manager", "common", "misc"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part_of(path: Path) -> str:
    """The folder of the package that a file is in, however deep; its own name for a file beside."""
    inside = path.relative_to(ROOT).parts
    return path.stem if len(inside) == 1 else "rfviz" if len(inside) == 2 else inside[1]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, by its full name."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} imports relatively"
            # `from rfviz.ui import caches` names the module caches, and so its part.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def third_party(path: Path) -> set[str]:
    tops = {name.split(".")[0] for name in imported(path)}
    # Tests import what stands beside them; the package names itself in full.
    inside = path.is_relative_to(PACKAGE)
    beside = set() if inside else {neighbour.stem for neighbour in path.parent.glob("*.py")}
    return tops - sys.stdlib_module_names - {"rfviz"} - beside


def texts() -> list[Path]:
    """Every text file that belongs to the project."""
    suffixes = {".py", ".js", ".css", ".md", ".toml", ".txt", ".yml", ""}
    folders = ("rfviz", "tests", "assets", ".streamlit", ".ci")
    inside = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    found = [*ROOT.iterdir(), *inside]
    return sorted(path for path in found if path.is_file() and path.suffix in suffixes)


def may_import(part: str, name: str) -> bool:
    target = name.split(".")[1] if name.startswith("rfviz.") else part
    return name != "rfviz" and (target == part or target in MAY_IMPORT[part])


def test_imports_point_one_way() -> None:
    wrong = [
        f"{name_of(path)} imports {name}"
        for path in MODULES
        for name in imported(path)
        if not may_import(part_of(path), name)
    ]
    assert wrong == []


def is_at_home(library: str, path: Path) -> bool:
    return any((ROOT / home) in (path, *path.parents) for home in HOMES.get(library, ()))


def test_each_third_party_library_has_its_home() -> None:
    wrong = [
        f"{name_of(path)} imports {library}"
        for path in MODULES
        for library in third_party(path)
        if not is_at_home(library, path)
    ]
    assert wrong == []


def test_package_imports_neither_streamlit_nor_plotly() -> None:
    unwanted = {"streamlit", "plotly", "starlette", "safetensors"}
    check = f"import sys, rfviz; print(*{unwanted} & set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""


def test_public_names_are_the_written_ones() -> None:
    assert sorted(rfviz.__all__) == sorted(PUBLIC_NAMES)
    assert rfviz.plot.__name__ == "rfviz.plot"
    for name in PUBLIC_NAMES:
        # The table of operators is of a type that Python has.
        assert name == "OPERATORS" or getattr(rfviz, name).__module__.startswith("rfviz.")


def test_public_name_is_documented_with_an_example() -> None:
    # OPERATORS is a table, each of whose rows is documented by its fields.
    called = [name for name in PUBLIC_NAMES if callable(getattr(rfviz, name))]
    assert set(PUBLIC_NAMES) - set(called) == {"OPERATORS"}
    texts_of = {name: inspect.getdoc(getattr(rfviz, name)) for name in called}
    assert [name for name, text in texts_of.items() if ">>> " not in (text or "")] == []


def undocumented(path: Path) -> Iterator[str]:
    tree = parsed(path)
    if not ast.get_docstring(tree):
        yield f"{name_of(path)} does not say why it exists"
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    bodies = [tree.body, *(each.body for each in classes if not each.name.startswith("_"))]
    for node in chain.from_iterable(bodies):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not node.name.startswith("_") and not ast.get_docstring(node):
            yield f"{name_of(path)}:{node.lineno}: {node.name}"


def test_what_is_public_is_documented() -> None:
    assert [each for path in LIBRARY for each in undocumented(path)] == []


def mutable_state(path: Path) -> Iterator[str]:
    for node in parsed(path).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if all(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            continue
        if is_mutable(node.value):
            yield f"{name_of(path)}:{node.lineno}: {ast.unparse(targets[0])}"


def test_modules_hold_no_mutable_state() -> None:
    # A page is left out: it is a script, and its names live for one run.
    assert [each for path in LIBRARY for each in mutable_state(path)] == []


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        called = ast.unparse(value.func).rsplit(".", 1)[-1]
        return called in MUTABLE_CALLS
    return isinstance(value, MUTABLE)


def printed_or_swallowed(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            yield f"{name_of(path)}:{node.lineno} prints"
        if isinstance(node, ast.ExceptHandler):
            caught = "" if node.type is None else ast.unparse(node.type)
            if caught in {"", "Exception", "BaseException"}:
                yield f"{name_of(path)}:{node.lineno} catches {caught or 'all'}"


def test_nothing_is_printed_and_no_error_is_swallowed() -> None:
    assert [each for path in MODULES for each in printed_or_swallowed(path)] == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [
        f"{name_of(path)}: {match.group()!r}"
        for path in texts()
        for match in pattern.finditer(path.read_text())
    ]
    assert not found


def test_nothing_that_a_person_reads_holds_an_emoji() -> None:
    emoji = re.compile(r"[\U0001F000-\U0001FAFF\u2728\u2705\u274C]")
    # Tests are left out: they feed the app with anything.
    shown = [path for path in texts() if not path.is_relative_to(ROOT / "tests")]
    assert not [name_of(path) for path in shown if emoji.search(path.read_text())]


def test_no_file_has_a_vague_name() -> None:
    assert not [name_of(path) for path in MODULES if path.stem in VAGUE_FILES]


def pins(path: Path) -> dict[str, str]:
    """Name and version of every line; each must pin exactly and say why."""
    found = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith(("#", "-r ")):
            match = re.fullmatch(r"([a-z0-9-]+)==(\d+(?:\.\d+)*) +# \S.*", line)
            assert match, f"{name_of(path)}: {line}"
            found[match[1]] = match[2]
    return found


APP_PINS = pins(ROOT / "requirements.txt")
TEST_PINS = pins(ROOT / "tests" / "requirements.txt")


def test_tests_need_what_the_app_needs() -> None:
    first = (ROOT / "tests" / "requirements.txt").read_text().splitlines()[0]
    assert first == "-r ../requirements.txt"
    assert not APP_PINS.keys() & TEST_PINS.keys()


def test_what_is_tested_is_what_is_pinned() -> None:
    pinned = APP_PINS | TEST_PINS
    # A build of torch names itself after its version: 2.13.0+cpu.
    assert {name: version(name).split("+")[0] for name in pinned} == pinned


def test_every_library_imported_is_pinned() -> None:
    wheels = packages_distributions()
    others = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "assets").glob("*.py")]
    shared = {path.stem for path in others}
    for paths, allowed in (
        (MODULES, APP_PINS.keys()),
        (others, APP_PINS.keys() | TEST_PINS.keys()),
    ):
        for path in paths:
            for library in third_party(path) - shared - {"app"}:
                names = {name.lower() for name in wheels[library]}
                assert names & allowed, f"{name_of(path)} imports {library}"


def test_every_library_pinned_for_the_app_is_used() -> None:
    used = set().union(*map(third_party, MODULES))
    wheels = {name.lower() for library in used for name in packages_distributions()[library]}
    # Tensor.numpy() needs numpy without an import of ours.
    wheels |= {"numpy"} if any(".numpy()" in path.read_text() for path in MODULES) else set()
    assert wheels == APP_PINS.keys()


def rooms_above() -> dict[str, set[str]]:
    """Which sub-packages of rfviz/conv import from which others, types included."""
    conv = PACKAGE / "conv"
    above: dict[str, set[str]] = {path.parent.name: set() for path in conv.glob("*/__init__.py")}
    for room, targets in above.items():
        for path in (conv / room).rglob("*.py"):
            names = [name.split(".") for name in imported(path)]
            of_conv = {name[2] for name in names if name[:2] == ["rfviz", "conv"]}
            targets.update(of_conv & above.keys() - {room})
    return above


def test_rooms_of_the_mathematics_have_no_circle() -> None:
    waiting = rooms_above()
    while free := {room for room, below in waiting.items() if not below & waiting.keys()}:
        waiting = {room: below for room, below in waiting.items() if room not in free}
    assert waiting == {}


# Modules that know each other's types only, each group in one room.
CIRCLES = {
    frozenset({"spec.spec", "spec.remedies"}),
    frozenset({"layers.fit", "layers.layer", "layers.remedies"}),
    frozenset({"im2col.overview", "im2col.column_matrix", "im2col.products"}),
}


def test_modules_of_the_mathematics_have_no_circle_but_the_known_ones() -> None:
    conv = PACKAGE / "conv"
    names = {
        path.relative_to(conv).with_suffix("").as_posix().replace("/", "."): path
        for path in conv.rglob("*.py")
        if path.name != "__init__.py"
    }
    arrows = {
        name: {".".join(each.split(".")[2:-1]) for each in imported(path)} & names.keys() - {name}
        for name, path in names.items()
    }
    waiting = dict(arrows)
    while free := {name for name, below in waiting.items() if not below & waiting.keys()}:
        waiting = {name: below for name, below in waiting.items() if name not in free}

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        ahead = [start]
        while ahead:
            for name in arrows[ahead.pop()] - found:
                found.add(name)
                ahead.append(name)
        return found

    circles = {
        frozenset(other for other in reached(name) if name in reached(other))
        for name in waiting
        if name in reached(name)
    }
    assert circles <= CIRCLES
