"""What is built of this repository works away from it: a wheel of the sdist, with any extras.

The environments are empty but for the wheel and the libraries that it asks for, which are those of
the environment that runs the tests, linked: so nothing is downloaded, and what is not asked for is
not there.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Callable
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
EXTRAS = ("weights", "figures", "app")
OF_THE_APP = {"streamlit", "plotly", "pandas", "starlette"}
BUILD = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""
USED = """
import pathlib, rfviz, torch
assert "site-packages" in rfviz.__file__, rfviz.__file__
photo = rfviz.load_sample("scene").double()
conv = torch.nn.Conv2d(3, 2, 3, dtype=torch.float64)
spec = rfviz.Conv2dSpec.from_module(conv)
args = photo[:, :50, :60], conv.weight.detach(), conv.bias.detach()
print(rfviz.compare_with_conv2d(*args, spec=spec).allclose, rfviz.__version__)
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


def run(*command: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, **options
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of the files that git knows, or would know: no other lies beside them."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("sdist")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name, follow_symlinks=False)
    run(sys.executable, "-c", BUILD, "build_sdist", str(out), cwd=copy)
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    unpacked, out = tmp_path_factory.mktemp("unpacked"), tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (folder,) = unpacked.iterdir()
    run(sys.executable, "-c", BUILD, "build_wheel", str(out), cwd=folder)
    (built,) = out.iterdir()
    return built


@cache
def closure(requirements: tuple[str, ...]) -> frozenset[str]:
    """The names of all libraries that some requirements bring, by what is installed here."""
    found: set[str] = set()
    waiting = [(Requirement(each), "") for each in requirements]
    while waiting:
        asked, extra = waiting.pop()
        if asked.marker and not asked.marker.evaluate({"extra": extra}):
            continue
        name = re.sub(r"[-_.]+", "-", asked.name).lower()
        if name == "rfviz" or (name in found and not asked.extras):
            continue
        found.add(name)
        for each in distribution(name).requires or ():
            waiting += [(Requirement(each), inner) for inner in ("", *asked.extras)]
    return frozenset(found)


def asked_by(wheel: Path, *extras: str) -> tuple[str, ...]:
    """The requirements of the wheel with some extras, of which an extra may name others."""
    metadata = Distribution.at(wheel_metadata(wheel)).requires or []
    found: list[str] = []
    waiting = [(each, extra) for each in metadata for extra in ("", *extras)]
    while waiting:
        text, extra = waiting.pop()
        each = Requirement(text)
        if each.marker and not each.marker.evaluate({"extra": extra}):
            continue
        if each.name == "rfviz":
            waiting += [(other, inner) for other in metadata for inner in each.extras]
        else:
            found.append(text.split(";")[0])
    return tuple(sorted(set(found)))


@cache
def wheel_metadata(wheel: Path) -> Path:
    folder = wheel.parent / "read"
    shutil.unpack_archive(wheel, folder, "zip")
    (metadata,) = folder.glob("*.dist-info")
    return metadata


def link_into(site: Path, name: str) -> None:
    """Link what a distribution installed here into another environment."""
    for file in distribution(name).files or ():
        top = file.parts[0]
        source = Path(str(distribution(name).locate_file(top)))
        if top not in ("..", "__pycache__", "bin") and source.exists():
            target = site / top
            if not target.exists():
                target.symlink_to(source)


@pytest.fixture(scope="module", params=["", "weights", "figures", "app"])
def environment(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    extra: str = request.param
    folder = tmp_path_factory.mktemp(f"environment-{extra}")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in closure(asked_by(wheel, *([extra] if extra else []))):
        link_into(site, name)
    # What pip does with a wheel of Python alone, its command included.
    shutil.unpack_archive(wheel, site, "zip")
    return extra, folder / "bin" / "python"


def test_each_extra_brings_what_it_says_and_no_more(wheel: Path) -> None:
    bare = closure(asked_by(wheel))
    assert {"torch", "pillow", "numpy"} <= bare
    assert not (OF_THE_APP | {"safetensors"}) & bare
    assert "safetensors" in closure(asked_by(wheel, "weights"))
    assert not OF_THE_APP & closure(asked_by(wheel, "weights"))
    assert {"plotly"} == OF_THE_APP & closure(asked_by(wheel, "figures"))
    assert OF_THE_APP | {"safetensors"} <= closure(asked_by(wheel, "app"))


def test_library_works_with_every_choice_of_extras(
    environment: tuple[str, Path], tmp_path: Path
) -> None:
    _, python = environment
    said = run(str(python), "-c", USED, cwd=tmp_path)
    version = run(str(python), "-m", "rfviz", "--version", cwd=tmp_path)
    assert said.stdout.split() == ["True", version.stdout.split()[-1]]
    assert run(str(python), "-m", "rfviz", "check", "--help", cwd=tmp_path).stdout


def test_a_missing_extra_is_named(environment: tuple[str, Path], tmp_path: Path) -> None:
    extra, python = environment
    if extra == "app":
        assert "Streamlit" in run(str(python), "-m", "rfviz", "app", "--help", cwd=tmp_path).stdout
        return
    done = run(str(python), "-m", "rfviz", "app", check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'rfviz[app]'" in done.stderr
    assert "Traceback" not in done.stderr
    if extra != "weights":
        # Reading such a file needs no library; writing one does.
        header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        data = len(header).to_bytes(8, "little") + header + bytes(4)
        script = (
            "import rfviz\nfrom rfviz.io.weights.write import safetensors_of\n"
            f"w = rfviz.load_weights({data!r}, 'w.safetensors')['w']\n"
            "try:\n  safetensors_of(w)\nexcept ImportError as e:\n  print(w.tolist(), e)"
        )
        said = run(str(python), "-c", script, cwd=tmp_path).stdout
        assert "[0.0]" in said
        assert "rfviz[weights]" in said
