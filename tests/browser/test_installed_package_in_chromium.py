"""The app of the built package, with nothing of the checkout beside it: `rfviz app`."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from app_page import AppPage
from app_server import AppServer
from built_package import built_sdist, built_wheel, made_environment
from conftest import Profiles, new_tab

import rfviz

SOBEL = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)


def test_installed_app_shows_torch_s_numbers_and_turns_its_pages(
    tmp_path_factory: pytest.TempPathFactory, profiles: Profiles, tmp_path: Path
) -> None:
    wheel = built_wheel(built_sdist(tmp_path_factory), tmp_path_factory)
    python = made_environment(tmp_path / "environment", wheel, "app")
    away = tmp_path / "away"
    away.mkdir()
    # The checkout is not found by way of the tests' own environment either.
    server = AppServer(
        tmp_path / "log.txt", {"PYTHONPATH": ""}, (str(python), "-m", "rfviz", "app"), away
    )
    try:
        app = AppPage(new_tab(profiles), server.url)
        app.open("", {"sample": "digits", "padding": 0, "row": 2, "column": 1})
        app.settle()
        sums = F.conv2d(rfviz.load_sample("digits")[None].double(), SOBEL[None, None])
        assert (app.place, app.value) == ((2, 1), sums[0, 0, 2, 1].item())
        app.turn_to("Output shape")
        assert app.troubles == []
        # Of the system's own list: `ps` cuts a line where it takes a terminal to end.
        arguments = Path(f"/proc/{server.pid}/cmdline").read_bytes().decode().split("\0")
        assert any(each.endswith("site-packages/rfviz/app/app.py") for each in arguments)
    finally:
        server.stop()
    assert "Traceback" not in server.log
