"""The script that a page gives away runs, and prints what the page shows."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[3]
ADDRESSES = (
    "",
    "sample=scene&region=true&region_top=900&region_left=500&grey=true&reduce=2&kernel=5&stride=2",
    "sample=stripes&padding_kind=same&dilation=2&values=0 to 1&with_bias=true&bias=0.5&filters=3",
    "sample=address&weights=random&seed=7&padding_mode=reflect&padding=2&dtype=float64&row=3",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_code_prints_the_number_on_the_page(address: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in parse_qsl(address):
        app.query_params[name] = value
    app.run()
    assert not app.exception
    script = next(block.value for block in app.code if block.language == "python")
    shown = next(block.value for block in app.code if "nn.Conv2d gives" in block.value)
    number = re.search(r"nn.Conv2d gives ([−\d.e]+)", shown)
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
    )
    printed = re.search(r"output: (\S+)", run.stdout)
    assert number is not None
    assert printed is not None
    expected = float(number[1].replace("−", "-"))
    assert float(printed[1]) == pytest.approx(expected, rel=1e-4, abs=1e-3)
    assert "as nn.Conv2d: True" in run.stdout
