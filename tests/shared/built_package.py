"""The package as it is built of this repository, in environments that hold nothing else.

They are empty but for the wheel and the libraries that it asks for, which are those of the
environment that runs the tests, linked: so nothing is downloaded, and what is not asked for is not
there.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
BUILD = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""


def run(*command: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, **options
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def built_sdist(made: pytest.TempPathFactory) -> Path:
    """Built of the files that git knows, or would know: no other lies beside them."""
    copy, out = made.mktemp("copy"), made.mktemp("sdist")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name, follow_symlinks=False)
    run(sys.executable, "-c", BUILD, "build_sdist", str(out), cwd=copy)
    (built,) = out.iterdir()
    return built


def built_wheel(sdist: Path, made: pytest.TempPathFactory) -> Path:
    """Built of an sdist unpacked elsewhere, as pip builds what no wheel is offered of."""
    unpacked, out = made.mktemp("unpacked"), made.mktemp("wheel")
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
    metadata = Distribution.at(_metadata(wheel)).requires or []
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
def _metadata(wheel: Path) -> Path:
    folder = wheel.parent / "read"
    shutil.unpack_archive(wheel, folder, "zip")
    (metadata,) = folder.glob("*.dist-info")
    return metadata


def _link_into(site: Path, name: str) -> None:
    """Link what a distribution installed here into another environment."""
    for file in distribution(name).files or ():
        top = file.parts[0]
        source = Path(str(distribution(name).locate_file(top)))
        if top not in ("..", "__pycache__", "bin") and source.exists():
            target = site / top
            if not target.exists():
                target.symlink_to(source)


def made_environment(folder: Path, wheel: Path, extra: str = "") -> Path:
    """Make an environment that holds the wheel and what it asks for with an extra: its python."""
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in closure(asked_by(wheel, *([extra] if extra else []))):
        _link_into(site, name)
    # What pip does with a wheel of Python alone, its command included.
    shutil.unpack_archive(wheel, site, "zip")
    return folder / "bin" / "python"
