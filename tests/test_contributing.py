"""CONTRIBUTING.md speaks of the tree as it is: its folders, and the files that a change touches."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
ROWS = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", TEXT, re.MULTILINE))
FOLDERS = sorted(path.parent for path in (ROOT / "rfviz").rglob("__init__.py"))
SOURCES = [path for path in (ROOT / "rfviz").rglob("*") if path.suffix in {".py", ".js"}]
# What marks one page, panel, format, mode, operator and question that is there, in the code, and
# the files that mention it without having to change for another.
TOKENS = {
    "a page": (
        r'\bresponses\.py|rfviz\.ui\.responses\b|\bresponses_view\b|PlacePage\("responses"',
        (),
    ),
    # The page that shows the panel.
    "a kind of panel": (r'"growth"|^\s*growth:|GrowthPanel', ("rfviz/ui/stack/panels.py",)),
    "a weights format": (r'\bread_npz\b|"\.npz"', ()),
    "a padding mode": (r'"circular"|^\s*circular:', ()),
    # Its terms are written out as the others' are; one without an entry there has none.
    "an operator": (
        r'"erosion"|\bdef erosion\b|formulas\.erosion\b',
        ("rfviz/conv/operators/worked.py",),
    ),
    "a question": (r"\bsame_padding\b(?!_)", ()),
}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_folder_is_described_in_its_own_words(folder: Path) -> None:
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert said is not None
    first = " ".join(said.split("\n\n")[0].split())
    assert ROWS[folder.relative_to(ROOT).as_posix()] == first


def test_no_folder_is_described_that_is_not_there() -> None:
    named = [name for name in ROWS if name.startswith("rfviz")]
    assert [name for name in named if not (ROOT / name / "__init__.py").is_file()] == []


@pytest.mark.parametrize("what", TOKENS)
def test_a_change_touches_the_files_that_are_listed(what: str) -> None:
    listed = re.findall(r"`([^`]+)`", ROWS[what])
    pattern, mention = TOKENS[what]
    found = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if re.search(pattern, path.read_text(), re.MULTILINE)
    }
    assert 1 <= len(listed) <= 3
    assert all((ROOT / name).is_file() for name in listed)
    # A room's own files beside the listed one may speak of their room.
    rest = {
        name for name in found - {*listed, *mention} if not name.startswith("rfviz/ui/responses/")
    }
    assert rest == set()
    assert len(found & set(listed)) >= 2


def test_it_is_one_page() -> None:
    # A table's row is a line, whatever its length.
    assert len(TEXT.splitlines()) < 90
