"""Numbers, limits, ticks and titles are the same whether Python or the browser makes them."""

import json
import math
import random
import struct
from typing import Any

import pytest
import torch
from app_page import AppPage
from conftest import Open

from rfviz.conv.wording import number
from rfviz.figures.axes import round_ticks
from rfviz.figures.style import symmetric_limit, wrapped_title

N_NUMBERS = 1000
SPECIAL = (
    0.0, -0.0, math.inf, -math.inf, math.nan, 1.234e-5, 1234567.0, 1000.5, 1001.5, 999.5, -999.95,
    0.0625, 0.1875, 2.5, 0.15, 1e-300, 1e300, 5e-324, 1e6, 999999.5, 9.9995e-5, 1e-4, 123456.5,
    -201.0,
)  # fmt: skip
# JSON has neither infinity nor NaN: they go as text.
WRITE = """async (text) => {
  const { shortNumber } = await import("/rfviz/js/laws/numbers.js");
  return JSON.parse(text).map(([value, digits]) => shortNumber(Number(value), digits));
}"""
LIMITS = """async (text) => {
  const { symmetricLimit } = await import("/rfviz/js/laws/numbers.js");
  return JSON.parse(text).map((values) => symmetricLimit(values.map(Number)));
}"""
TICKS = """async (text) => {
  const { roundTicks, shortNumber } = await import("/rfviz/js/laws/numbers.js");
  return JSON.parse(text).map((asked) => {
    const places = roundTicks(...asked);
    return [places, places.map((place) => shortNumber(place))];
  });
}"""
TITLES = """async (text) => {
  const { wrapTitle } = await import("/rfviz/js/draw/fitting.js");
  return JSON.parse(text).map(([title, most]) => wrapTitle(title, most));
}"""
WORDS = (
    "Feature map",
    "512 × 512",
    "means of 2 × 1.6",
    "a<b",
    "R&D",
    "half-open",
    "x" * 40,
    "of",
    "1",
)


@pytest.fixture
def app(look: Open) -> AppPage:
    # A script of the app is a page too, and one that opens at once.
    return look("rfviz/js/laws/numbers.js")


def drawn(rng: random.Random) -> float:
    """A number of any kind: whole, halfway between two, of any size, of any bits."""
    kind = rng.randrange(5)
    if kind == 0:
        return float(rng.randint(-3_000_000, 3_000_000))
    if kind == 1:
        return math.ldexp(rng.randint(-40_000, 40_000), -rng.randint(1, 12))
    if kind == 2:
        return rng.choice((-1.0, 1.0)) * math.exp(rng.uniform(-28, 28))
    if kind == 3:
        return rng.gauss(0, 300)
    (bits,) = struct.unpack("<d", rng.randbytes(8))
    return float(bits)


def numbers() -> list[float]:
    rng = random.Random(5)  # noqa: S311 - reproducible, no secret
    return [*SPECIAL, *(drawn(rng) for _ in range(N_NUMBERS - len(SPECIAL)))]


def plain(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def test_numbers_are_written_alike(app: AppPage) -> None:
    asked = [(value, digits) for value in numbers() for digits in (1, 2, 3, 4, 6, 7)]
    text = json.dumps([[plain(value), digits] for value, digits in asked])
    written: list[str] = app.page.evaluate(WRITE, text)
    wrong = [
        (value, digits, there, number(value, digits))
        for (value, digits), there in zip(asked, written, strict=True)
        if there != number(value, digits)
    ]
    assert not wrong, wrong[:20]


def test_colour_ranges_end_alike(app: AppPage) -> None:
    rng = random.Random(6)  # noqa: S311
    every = numbers()
    lists: list[list[float]] = [[], [math.inf], [1.0, math.inf], [math.nan, -2.0], [0.0, -0.0]]
    lists += [rng.sample(every, rng.randint(1, 30)) for _ in range(N_NUMBERS)]
    found: list[float] = app.page.evaluate(
        LIMITS, json.dumps([[plain(v) for v in values] for values in lists])
    )
    expected = [symmetric_limit(torch.tensor(values, dtype=torch.float64)) for values in lists]
    assert found == expected
    assert all(map(math.isfinite, found))


def test_ticks_stand_and_are_written_alike(app: AppPage) -> None:
    rng = random.Random(7)  # noqa: S311
    asked: list[tuple[float, float, float, float]] = [(0, 0, 6, 0), (3, 3, 6, 1), (0, 255, 6, 0)]
    while len(asked) < N_NUMBERS:
        low, size = rng.gauss(0, 10 ** rng.uniform(-5, 6)), 10 ** rng.uniform(-6, 7)
        asked.append((low, low + size, rng.choice((2, 4.5, 6, 11)), rng.choice((0, 0, 1))))
    found: list[Any] = app.page.evaluate(TICKS, json.dumps(asked))
    for numbers_asked, (places, labels) in zip(asked, found, strict=True):
        ticks = round_ticks(*numbers_asked)
        assert places == ticks.positions, numbers_asked
        assert labels == ticks.labels, numbers_asked


def test_titles_are_broken_into_the_same_lines(app: AppPage) -> None:
    rng = random.Random(8)  # noqa: S311
    titles = [" ".join(rng.choices(WORDS, k=rng.randint(1, 9))) for _ in range(N_NUMBERS)]
    widths = [rng.randint(5, 60) for _ in titles]
    # The browser gets what the server has broken for another width.
    sent = ["<br>".join(wrapped_title(title, 46)) for title in titles]
    found: list[list[str]] = app.page.evaluate(
        TITLES, json.dumps(list(zip(sent, widths, strict=True)))
    )
    expected = [wrapped_title(title, most) for title, most in zip(titles, widths, strict=True)]
    assert found == expected
