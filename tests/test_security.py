"""The page SECURITY.md: each number in it is the one that the program works with."""

import re
import tomllib
from pathlib import Path

import pytest

from rfviz.explorer import guard, routes
from rfviz.explorer import picture_store as pictures
from rfviz.io.pictures.files import MAX_PIXELS
from rfviz.ui.check.panels import STRIP_BYTES
from rfviz.ui.panels.maps import LARGEST_FIELD, MOST_CELLS
from rfviz.ui.run import budget, upload_bound

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
SERVER = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))["server"]


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("a file", (SERVER["maxUploadSize"],)),
        ("a picture", (MAX_PIXELS // 10**6,)),
        ("pictures, weights and checks of all visitors together", (budget.LEAST_BYTES // 10**6,)),
        ("a check, beside its picture", (STRIP_BYTES // 10**6,)),
        ("a resized picture", (MAX_PIXELS // 10**6,)),
        ("a receptive field that is drawn and sent", (LARGEST_FIELD,)),
        ("entries of the column matrix in one panel", (MOST_CELLS,)),
        ("uploaded files, beside that", (upload_bound.MOST_OF_ONE // 10**6,)),
        ("waiting for room in that memory", (budget.MOST_WAITING, int(budget.SECONDS_OF_WAITING))),
        ("one message of a page's connection", (guard.MOST_BYTES // 1000,)),
        ("a session after its browser has left", (SERVER["disconnectedSessionTTL"],)),
        (
            "columns of a matrix for one request",
            (
                pictures.MOST_BYTES // 10**6, int(pictures.SECONDS_AT_MOST),
                routes.COLUMNS_AT_ONCE, routes.MOST_COLUMNS_WAITING,
            ),
        ),
    ],
)  # fmt: skip
def test_the_numbers_are_the_programs(line: str, numbers: tuple[int, ...]) -> None:
    (cells,) = re.findall(rf"^\| {re.escape(line)} \| (.*) \|$", TEXT, re.MULTILINE)
    assert tuple(int(number) for number in re.findall(r"\d+", cells)) == numbers


def test_a_quarter_is_the_share() -> None:
    assert budget.SHARE_OF_MEMORY == 4
    assert "a quarter of the machine's memory" in TEXT


def test_a_half_of_the_budget_is_for_files() -> None:
    assert upload_bound.SHARE_OF_BUDGET == 2
    assert upload_bound.UPLOADS.most_of_all == budget.BUDGET.n_bytes // 2


def test_only_this_machine_is_answered_unless_asked_for() -> None:
    assert SERVER["address"] == "127.0.0.1"
    assert "--server.address 0.0.0.0" in TEXT
    assert "--server.address 0.0.0.0" in (ROOT / "README.md").read_text(encoding="utf-8")
