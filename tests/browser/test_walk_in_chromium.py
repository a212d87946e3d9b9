"""A walk through the pages at any speed on a busy machine: settings, address and explorer agree.

``RFVIZ_WALK`` sets the number of steps, for longer walks by hand.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import torch.nn.functional as F
from app_page import IDLE, AppPage
from conftest import Open
from playwright.sync_api import TimeoutError as NotInTime
from playwright.sync_api import expect

from rfviz.io.kernels.bank import filter_bank
from rfviz.io.pictures.samples import load_sample

N_STEPS = int(os.environ.get("RFVIZ_WALK", "60"))
# The heading of each page by its link, and whether an explorer is on it.
HEADINGS = {
    "Receptive field": "Receptive field", "Column matrix": "Column matrix",
    "Matmul": "Convolution as a matmul", "Output shape": "Output shape",
    "Stack of layers": "Stack of layers", "Practice": "Practice",
}  # fmt: skip
WITH_EXPLORER = ("Receptive field", "Column matrix", "Matmul")
START = {"kernel": 5, "stride": 2, "padding": 2, "row": 5, "column": 6}
MOST = {"kernel": 7, "stride": 3, "padding": 4}
USUAL = {"kernel": 3, "stride": 1, "padding": 1, "row": -1, "column": -1}


@pytest.fixture
def busy() -> Iterator[None]:
    """Another process that takes a core for itself."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    process.kill()
    process.wait()


def said_in(url: str) -> dict[str, int]:
    """The settings that an address says; what it does not say is as usual."""
    said = parse_qs(urlsplit(url).query)
    return {name: int(said[name][0]) if name in said else USUAL[name] for name in START}


def check_all_say(app: AppPage, expected: dict[str, int], link: str) -> None:
    def agree() -> None:
        expect(app.page.get_by_role("heading", level=1)).to_have_text(HEADINGS[link], timeout=1000)
        said = said_in(app.page.url)
        # The chosen output is in the address of the pages that have one.
        names = expected if link in WITH_EXPLORER else MOST
        assert {name: said[name] for name in names} == {name: expected[name] for name in names}
        for name in MOST:
            slider = app.widget(name).locator("input[type=range]")
            # While a run goes on, Streamlit may show a widget of the run before beside its own.
            assert slider.count() == 1, name
            assert slider.input_value(timeout=1000) == str(expected[name]), name
        if link in WITH_EXPLORER:
            assert app.conductor.get_attribute("data-state", timeout=1000) == "confirmed"
            assert app.place == (expected["row"], expected["column"])
            assert app.value == pytest.approx(value_for(expected), rel=1e-5, abs=1e-3)

    def agree_or_not_yet() -> None:
        try:
            agree()
        except NotInTime as error:
            raise AssertionError(f"Not on the screen: {error}") from error

    app.eventually(agree_or_not_yet)


def value_for(settings: dict[str, int]) -> float:
    """What torch says of the chosen output, by the sample and kernel that come first."""
    kernel, stride, padding = settings["kernel"], settings["stride"], settings["padding"]
    weight = filter_bank("sobel-x", (kernel, kernel), 1, 1, 1, across="mean", seed=0)
    picture = load_sample("glyph").float()
    output = F.conv2d(picture, weight.float(), stride=stride, padding=padding)
    return output[0, settings["row"], settings["column"]].item()


@pytest.mark.usefixtures("busy")
@pytest.mark.timeout(60 + 30 * N_STEPS)
def test_widget_address_and_explorer_agree_on_a_walk_at_any_speed(open_app: Open) -> None:
    chance = random.Random(11)  # noqa: S311 - a walk that can be taken again
    expected, link = dict(START), "Receptive field"
    app = open_app("", START).settle()
    for step in range(N_STEPS):
        if chance.random() < 0.3:
            name = chance.choice(sorted(MOST))
            stroke = "ArrowLeft" if expected[name] == MOST[name] else "ArrowRight"
            check_all_say(app, expected, link)
            app.page.wait_for_selector(IDLE)
            app.slide(name, stroke)
            expected[name] += 1 if stroke == "ArrowRight" else -1
        else:
            link = chance.choice(sorted(set(HEADINGS) - {link}))
            app.page.get_by_test_id("stTopNavLink").filter(has_text=link).click()
        # At once, or after some part of a run or of several.
        app.page.wait_for_timeout(chance.choice((0, 0, 60, 300, 1000, 3000)))
        if chance.random() < 0.5 or step == N_STEPS - 1:
            check_all_say(app, expected, link)
    if link not in WITH_EXPLORER:
        link = "Matmul"
        app.turn_to(link, HEADINGS[link])
        check_all_say(app, expected, link)
    copied = parse_qs(urlsplit(app.page.url).query)
    other = open_app("", {name: values[-1] for name, values in copied.items()})
    check_all_say(other, expected, "Receptive field")
