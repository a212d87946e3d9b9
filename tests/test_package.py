"""What is built of this repository works away from it: a wheel of the sdist, with any extras."""

from pathlib import Path

import pytest
from built_package import asked_by, built_sdist, built_wheel, closure, made_environment, run

OF_THE_APP = {"streamlit", "plotly", "pandas", "starlette"}
USED = """
import pathlib, rfviz, torch
assert "site-packages" in rfviz.__file__, rfviz.__file__
photo = rfviz.load_sample("scene").double()
conv = torch.nn.Conv2d(3, 2, 3, dtype=torch.float64)
spec = rfviz.Conv2dSpec.from_module(conv)
args = photo[:, :50, :60], conv.weight.detach(), conv.bias.detach()
print(rfviz.compare_with_conv2d(*args, spec=spec).allclose, rfviz.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(built_sdist(tmp_path_factory), tmp_path_factory)


@pytest.fixture(scope="module", params=["", "weights", "figures", "app"])
def environment(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    extra: str = request.param
    folder = tmp_path_factory.mktemp(f"environment-{extra}")
    return extra, made_environment(folder, wheel, extra)


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
