"""Colours of values in the browser: of any value, and blank for what is not finite."""

import json
from typing import Any

from conftest import Open

from rfviz.figures.style import GREYS

STYLES = """async (text) => {
  const { lookup, raster, styleOf } = await import("/rfviz/js/draw/scales.js");
  const [stops, asked] = JSON.parse(text);
  const table = lookup(stops);
  return asked.map(([value, low, high]) => {
    const numbers = [value, low, high].map((each) => each === null ? undefined : Number(each));
    const canvas = raster([numbers[0]], 1, 1, table, numbers[1], numbers[2]);
    const pixel = canvas.getContext("2d").getImageData(0, 0, 1, 1).data;
    return { ...styleOf(table, ...numbers), pixel: Array.from(pixel) };
  });
}"""
FINITE = [(0, 0, 255), (255, 0, 255), (-1e308, -1e308, 1e308), (5, 5, 5), (-7, 0, 1), (9e9, 0, 1)]
NOT_FINITE = [
    (value, low, high)
    for value in ("NaN", "Infinity", "-Infinity", None)
    for low, high in ((0, 255), ("NaN", "NaN"), ("-Infinity", "Infinity"), (3, 3))
]


def styles(open_app: Open, asked: list[Any]) -> list[dict[str, Any]]:
    app = open_app("rfviz/js/draw/scales.js")
    found: list[dict[str, Any]] = app.page.evaluate(STYLES, json.dumps([GREYS, asked]))
    assert len(found) == len(asked)
    return found


def test_a_finite_value_has_a_colour(open_app: Open) -> None:
    for each in styles(open_app, FINITE):
        assert each["fill"].startswith("rgb(")
        assert each["pixel"][3] == 255


def test_what_is_not_finite_is_blank_and_nothing_throws(open_app: Open) -> None:
    for each in styles(open_app, [*NOT_FINITE, (1, "NaN", "NaN"), (1, None, None)]):
        assert each["fill"] == "rgba(0, 0, 0, 0)"
        assert each["pixel"] == [0, 0, 0, 0]


def test_limits_without_end_put_a_value_somewhere_or_nowhere(open_app: Open) -> None:
    for each in styles(open_app, [(1, "-Infinity", 3), (1, 0, "Infinity")]):
        assert each["pixel"][3] in {0, 255}
