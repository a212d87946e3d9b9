"""The documentation is built without a warning, and what its how-tos say is what happens."""

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

import rfviz

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
HOW_TOS = sorted((DOCS / "howto").glob("*.md"))
BLOCK = re.compile(r"^```(python|sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the how-tos speak of, to work in."""
    shutil.copy(DOCS / "howto" / "my_operators.py", tmp_path)
    shutil.copy(ROOT / "rfviz" / "assets" / "scene.jpg", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def test_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(DOCS), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    page = (tmp_path / "api.html").read_text()
    assert [name for name in rfviz.__all__ if f'id="rfviz.{name}"' not in page] == []
    fetched = re.findall(
        r'(?:src|href)="(https?://[^"]+)"[^>]*(?:rel="stylesheet"|></script>)', page
    )
    assert fetched == []


@pytest.mark.parametrize("path", HOW_TOS, ids=lambda path: path.stem)
def test_how_to_does_what_it_says(path: Path, folder: Path) -> None:
    names: dict[str, object] = {}
    printed = ""
    for language, block in BLOCK.findall(path.read_text()):
        if language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(block, path.name, "exec"), names)  # noqa: S102 - our own text
            printed = out.getvalue()
        elif language == "sh":
            program, *arguments = shlex.split(block)
            assert program == "python"
            subprocess.run([sys.executable, *arguments], cwd=folder, check=True)
        else:
            assert printed == block


def test_addresses_of_the_how_tos_set_what_there_is() -> None:
    text = "\n".join(path.read_text() for path in HOW_TOS)
    addresses = re.findall(r"\((http://localhost:8501[^)]*)\)", text)
    assert len(addresses) >= 5
    sources = "\n".join(path.read_text() for path in (ROOT / "rfviz" / "ui").rglob("*.py"))
    for address in addresses:
        parts = urlsplit(address)
        page = parts.path.strip("/") or "receptive_field"
        assert (ROOT / "rfviz" / "pages" / f"{page}.py").is_file(), address
        for key, _ in parse_qsl(parts.query, strict_parsing=True):
            assert f'"{key}"' in sources, (address, key)
