"""The README's own operator, as pasted: in the terminal, in the app, as a module that trains."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from streamlit.testing.v1 import AppTest

import rfviz
from rfviz.export.operator_module import module_code

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```py\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_operators.py"
    path.write_text(BLOCKS[0])
    return path


def by_hand(fields: torch.Tensor, weight: torch.Tensor, sharpness: float) -> torch.Tensor:
    """(K, n) and (F, K) to (F, n), one product at a time."""
    products = torch.einsum("fk,kn->fkn", weight, fields)
    shares = (sharpness * products).exp()
    return (shares * products).sum(1) / shares.sum(1)


def test_commands_of_the_readme_name_the_file() -> None:
    assert "`python -m rfviz operators my_operators.py`" in README
    assert "`RFVIZ_OPERATORS=my_operators.py streamlit run app.py`" in README


def test_in_the_terminal(file: Path) -> None:
    command = [sys.executable, "-m", "rfviz", "operators", str(file)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "soft_maximum: Soft maximum" in run.stdout
    assert "sharpness from 0.1 to 10, by default 1" in run.stdout
    assert "it can be trained" in run.stdout


def test_in_the_library(file: Path) -> None:
    (entry,) = rfviz.load_operators(file)
    image, weight = torch.rand(2, 6, 7).double(), torch.rand(3, 2, 3, 3).double()
    out = rfviz.apply_operator(image, weight, entry, parameters={"sharpness": 2.0})
    expected = by_hand(F.unfold(image[None], 3)[0], weight.flatten(1), 2.0)
    torch.testing.assert_close(out.flatten(1), expected)


def test_in_the_app(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFVIZ_OPERATORS", str(file))
    at = AppTest.from_file(ROOT / "app.py", default_timeout=120)
    at.switch_page("rfviz/pages/operators.py")
    at.query_params.update(
        {"operator": "soft-maximum", "operator_soft_maximum_sharpness": "2", "values": "0 to 1"}
    )
    at.run()
    assert not at.exception
    assert not at.error
    assert at.selectbox(key="operator").value == "soft-maximum"
    assert at.number_input(key="operator_soft_maximum_sharpness").value == 2.0
    assert "it can be trained" in at.success[0].value
    written = next(code.value for code in at.code if "The operator gives" in code.value)
    picture = rfviz.load_sample("glyph").double() / 255
    weight = rfviz.filter_bank("sobel-x", 3, 1, 1, dtype=torch.float64)
    expected = by_hand(picture[:, 13:16, 13:16].reshape(-1, 1), weight.flatten(1), 2.0)
    (given,) = re.findall(r"The operator gives (\S+)", written)
    assert float(given.replace("−", "-")) == pytest.approx(float(expected), abs=1e-5)


def test_as_a_module_that_trains(
    file: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.chdir(file.parent)
    names: dict[str, Any] = {}
    with torch.random.fork_rng():
        exec(compile(BLOCKS[1], "README.md", "exec"), names)  # noqa: S102 - our own text
    losses = names["losses"]
    assert losses[-1] < 0.25 * losses[0]
    assert not recwarn.list


def test_as_code_that_needs_torch_alone(file: Path) -> None:
    (entry,) = rfviz.load_operators(file)
    spec = rfviz.Conv2dSpec(3, stride=2, padding=1)
    names: dict[str, Any] = {"__name__": "exported"}
    code = module_code(entry, spec, 2, 3, parameters={"sharpness": 3.0})
    assert "rfviz" not in code
    exec(compile(code, "exported.py", "exec"), names)  # noqa: S102 - our own text
    made: Callable[[], torch.nn.Module] = names["SoftMaximum2d"]
    layer = rfviz.OperatorConv2d(entry, spec, 2, 3, parameters={"sharpness": 3.0})
    exported = made()
    exported.load_state_dict(layer.state_dict())
    image = torch.rand(2, 2, 8, 9)
    torch.testing.assert_close(exported(image), layer(image))
