"""What the README says is true: its numbers, commands, links and addresses."""

import contextlib
import io
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import torch

from rfviz.io.kernels.catalogue import KERNELS
from rfviz.io.pictures.samples import SAMPLES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
LINKS = re.findall(r"\]\(([^)\s]+)\)", README)
ADDRESSES = [link for link in LINKS if link.startswith("http://localhost:8501")]
FILES = [link for link in LINKS if "://" not in link]


def blocks(language: str) -> list[str]:
    """The code blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def sources(*folders: str) -> str:
    """All Python of some folders of rfviz, as one text."""
    paths = (path for folder in folders for path in (ROOT / "rfviz" / folder).rglob("*.py"))
    return "\n".join(path.read_text() for path in sorted(paths))


def test_proof_prints_what_the_readme_says() -> None:
    (proof,), (expected,) = blocks("python"), blocks("text")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), torch.random.fork_rng():
        exec(compile(proof, "README.md", "exec"), {})  # noqa: S102 - our own text
    assert printed.getvalue() == expected


def test_first_command_installs_and_starts_what_is_there() -> None:
    first, second, cpu_build = (block.strip() for block in blocks("sh"))
    steps = first.split(" && ")
    assert steps[0] == "python3 -m venv .venv"
    assert steps[1] == ".venv/bin/pip install -r requirements.txt"
    assert steps[2] == ".venv/bin/streamlit run app.py"
    assert second == "sh tests/run"
    assert cpu_build.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    for name in ("requirements.txt", "app.py", "tests/run"):
        assert (ROOT / name).is_file(), name


def test_first_command_asks_nothing() -> None:
    config = (ROOT / ".streamlit" / "config.toml").read_text()
    assert re.search(r"^showEmailPrompt = false$", config, re.MULTILINE)
    assert re.search(r"^gatherUsageStats = false$", config, re.MULTILINE)


def test_gate_ends_with_the_second_command() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-1] == blocks("sh")[1].strip()
    assert "set -euo pipefail" in lines


def test_torch_of_the_cpu_build_is_the_pinned_one() -> None:
    (pin,) = re.findall(r"^torch==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert f" {pin} " in blocks("sh")[2]


@pytest.mark.parametrize("link", FILES)
def test_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).exists()


def test_screenshot_has_a_text_in_its_place() -> None:
    (text,) = re.findall(r"!\[([^]]+)\]\(assets/screenshot\.png\)", README)
    assert len(text) > 40


def test_three_things_to_try() -> None:
    assert len(ADDRESSES) == 3


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_names_a_page_and_parameters_that_exist(address: str) -> None:
    parts = urlsplit(address)
    page = parts.path.strip("/") or "receptive_field"
    assert (ROOT / "rfviz" / "pages" / f"{page}.py").is_file()
    parameters = dict(parse_qsl(parts.query, strict_parsing=True))
    text = sources("ui", "pages")
    for key in parameters:
        assert f'"{key}"' in text, f"no widget of rfviz/ui has the key {key}"
    assert parameters["sample"] in [sample.name for sample in SAMPLES]
    assert parameters.get("weights", "identity") in [kernel.name for kernel in KERNELS]


def test_map_names_every_folder_of_the_package() -> None:
    folders = {f"rfviz/{path.parent.name}" for path in (ROOT / "rfviz").glob("*/__init__.py")}
    assert folders <= set(FILES)
