"""A person's settings outlast a random walk over the pages, at random speed, on a busy machine.

At each check the sliders and the address say what was set; at the end the code does so too, and a
link opened in another window shows what the first one shows. `RFVIZ_MANY=1` takes 1,000 steps.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from app_page import IDLE, TWO_FRAMES, AppPage
from conftest import Open
from random_sets import MANY

LINKS = (
    "Receptive field", "Column matrix", "Matmul", "Output shape", "Stack of layers", "Filters",
    "Responses", "Operators", "Check", "Practice",
)  # fmt: skip
SLIDERS = ("kernel", "stride", "padding", "dilation")
DEFAULTS = {"kernel": 3, "stride": 1, "padding": 1, "dilation": 1}
MOST = {"kernel": 6, "stride": 5, "padding": 4, "dilation": 3}
N_STEPS = 1000
SEED = 5


@pytest.fixture
def busy() -> Iterator[None]:
    """Another program that takes all of a processor."""
    program = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    program.kill()
    program.wait()


class Walk:
    """What the person has set so far, and the tab that they do it in."""

    def __init__(self, app: AppPage, chance: random.Random) -> None:
        self.app, self.chance = app, chance
        self.set = dict(DEFAULTS)
        self.done: list[str] = []

    def turn(self) -> None:
        link = self.chance.choice(LINKS)
        self.done.append(link)
        self.app.page.get_by_test_id("stTopNavLink").filter(has_text=link).first.click()

    def slide(self) -> None:
        """One key on a slider that shows what was set: what it says then is what was wanted."""
        name = self.chance.choice(SLIDERS)
        self.agree()
        slider = self.app.widget(name).locator("input[type=range]").first
        slider.focus()
        before = self.set[name]
        up = before <= (name == "kernel") or (before < MOST[name] and self.chance.random() < 0.5)
        slider.press("ArrowRight" if up else "ArrowLeft")
        self.app.page.evaluate(TWO_FRAMES)
        # What the slider shows now is what the person believes to have set.
        self.set[name] = int(slider.input_value())
        self.done.append(f"{name}={self.set[name]}")

    def wait(self) -> None:
        self.app.page.wait_for_timeout(self.chance.choice((0, 30, 150, 600, 1500)))

    def agree(self) -> None:
        """Widget and address say what was set, and so does the explorer where there is one."""

        def all_say_it() -> None:
            said = parse_qs(urlsplit(self.app.page.url).query)
            in_address = {name: int(said.get(name, [str(DEFAULTS[name])])[0]) for name in SLIDERS}
            shown = {
                name: int(self.app.widget(name).locator("input[type=range]").first.input_value())
                for name in SLIDERS
            }
            said_by = {"address": in_address, "widget": shown}
            assert said_by == {"address": self.set, "widget": self.set}, f"{self.done[-8:]}"

        self.app.eventually(all_say_it, seconds=25)


def code_says(app: AppPage, wanted: dict[str, int]) -> None:
    """The code beside the explorer has the numbers that were set."""
    text = " ".join(app.page.locator("[data-testid=stCode]").all_text_contents())
    for name in ("stride", "dilation"):
        assert f"{name}=({wanted[name]}, {wanted[name]})" in text, text[-400:]


@pytest.mark.skipif(not MANY, reason="it takes minutes on a busy machine: RFVIZ_MANY=1")
@pytest.mark.usefixtures("busy")
def test_settings_outlast_a_random_walk(open_app: Open) -> None:
    app = open_app("", {}).settle()
    walk = Walk(app, random.Random(SEED))  # noqa: S311 - reproducible tests, no secret
    for step in range(N_STEPS):
        kind = walk.chance.random()
        if kind < 0.7:
            walk.turn()
        else:
            walk.slide()
        walk.wait()
        if step % 10 == 9:
            walk.agree()
    app.turn_to("Receptive field")
    app.page.wait_for_selector(IDLE)
    walk.agree()
    app.eventually(lambda: code_says(app, walk.set))
    other = open_app("", {})
    other.page.goto(app.page.url)
    there = Walk(other, walk.chance)
    there.set = walk.set
    there.agree()
    other.settle()
    other.eventually(lambda: code_says(other, walk.set))
    # A picture of a page that was left before it was there is no longer kept.
    for one in (app, other):
        one.troubles[:] = [t for t in one.troubles if "404" not in t]
