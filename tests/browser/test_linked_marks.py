"""What is highlighted for what is pointed at: the cells that the column matrix says, all of them.

For scenes drawn at random, the scripts are asked as the page asks them, without the drawing.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from app_page import AppPage
from conftest import Open
from linked_scenes import Drawn, drawn

KINDS = ("input", "output", "columns", "weights", "product")
# Points at places and gives, for each, what it is, the marks of every panel, and the sentence.
POINT = """async ([text, kinds]) => {
  const { sentenceOf } = await import("/rfviz/js/laws/links.js");
  const { classOf } = await import("/rfviz/js/parts/kinds.js");
  return JSON.parse(text).map(({ scene, kind, place }) => {
    const pointed = classOf(kind).pointedAt(place, scene);
    if (!pointed) return null;
    const marks = kinds.map((each) => [each, classOf(each).marksOf(pointed, scene)]);
    return { pointed, marks: Object.fromEntries(marks), sentence: sentenceOf(pointed, scene, "7") };
  });
}"""
Cells = set[tuple[float, float]]


@pytest.fixture
def app(look: Open) -> AppPage:
    # A script of the app is a page too, and one that opens at once.
    return look("rfviz/js/laws/geometry.js")


def point(app: AppPage, kind: str, places: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Point at one place in each scene."""
    asked = [
        {"scene": one.as_json()["scene"], "kind": kind, "place": {"subplot": "xy", **place}}
        for one, place in zip(drawn(), places, strict=True)
    ]
    answers: list[dict[str, Any]] = app.page.evaluate(POINT, [json.dumps(asked), KINDS])
    return answers


def place(row: float, column: float) -> dict[str, float]:
    # Anywhere in a cell is that cell.
    return {"x": column + 0.3, "y": row - 0.4}


def boxes(answer: dict[str, Any], panel: str, role: str) -> list[list[float]]:
    return [box for mark in answer["marks"][panel] if mark["role"] == role for box in mark["boxes"]]


def cells(answer: dict[str, Any], panel: str, role: str) -> Cells:
    """The (row, column) of every box, each of which must be one cell."""
    found = boxes(answer, panel, role)
    assert all(right - left == bottom - top == 1 for left, top, right, bottom in found)
    assert len({tuple(box) for box in found}) == len(found)
    return {(top + 0.5, left + 0.5) for left, top, _, _ in found}


def box_of(rows: range, columns: range) -> list[float]:
    return [columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5]


def column_box(one: Drawn, column: int, n_rows: int) -> list[float]:
    return box_of(range(n_rows), range(column, column + 1))


def output_is_marked(one: Drawn, answer: dict[str, Any], output: tuple[int, int]) -> None:
    """The marks of one output in every panel."""
    field = one.spec.receptive_field(output)
    assert boxes(answer, "input", "chosen") == [box_of(field.rows, field.columns)], one
    taps = {(row, column) for row in field.rows for column in field.columns}
    if max(one.spec.dilation) > 1:
        assert cells(answer, "input", "taps") == taps, one
    assert cells(answer, "output", "chosen") == {output}, one
    column = one.columns.column_index(*output)
    rows = one.columns.shape[0]
    assert boxes(answer, "columns", "chosen") == [column_box(one, column, rows)], one
    assert boxes(answer, "product", "window") == [column_box(one, column, len(one.weight))], one
    assert cells(answer, "product", "chosen") == {(one.filter_index, column)}, one


def test_an_output(app: AppPage) -> None:
    answers = point(app, "output", [place(*one.output) for one in drawn()])
    for one, answer in zip(drawn(), answers, strict=True):
        output_is_marked(one, answer, one.output)
        whole_row = box_of(
            range(one.filter_index, one.filter_index + 1), range(one.columns.shape[0])
        )
        assert boxes(answer, "weights", "chosen") == [whole_row], one
        height, width = one.columns.output_size
        row, column = one.output
        assert answer["sentence"] == f"Output row {row}, column {column} of {height} × {width}: 7"


def test_an_output_through_the_product(app: AppPage) -> None:
    answers = point(app, "product", [place(0, one.column) for one in drawn()])
    for one, answer in zip(drawn(), answers, strict=True):
        output_is_marked(one, answer, one.output)


def test_an_input_pixel(app: AppPage) -> None:
    answers = point(app, "input", [place(*one.pixel) for one in drawn()])
    for one, answer in zip(drawn(), answers, strict=True):
        entries = one.columns.entries_of_pixel(*one.pixel).tolist()
        assert cells(answer, "columns", "copies") == {(row, column) for row, column in entries}, one
        outputs = {divmod(column, one.columns.output_size[1]) for _, column in entries}
        assert cells(answer, "output", "read") == outputs, one
        assert cells(answer, "input", "copies") == {one.pixel}, one
        row, column = one.pixel
        read, copied = (
            counted(len(outputs), "output", "outputs"),
            counted(len(entries), "copy", "copies"),
        )
        expected = f"Pixel ({row}, {column}): read by {read}, {copied} in the column matrix"
        assert answer["sentence"] == expected, one


def counted(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"


def test_an_entry_of_the_column_matrix(app: AppPage) -> None:
    rows = [one.column % one.columns.shape[0] for one in drawn()]
    places = [place(row, one.column) for row, one in zip(rows, drawn(), strict=True)]
    for one, row, answer in zip(drawn(), rows, point(app, "columns", places), strict=True):
        entry = one.columns.index_of(row, one.column)
        output_is_marked(one, answer, one.output)
        pixel = (entry.input_row, entry.input_column)
        assert cells(answer, "input", "copies") == {pixel}, one
        assert cells(answer, "weights", "read") == {(one.filter_index, row)}, one
        whole_row = box_of(range(row, row + 1), range(one.columns.shape[1]))
        assert boxes(answer, "columns", "read") == [whole_row], one
        tap = f"tap ({entry.channel}, {entry.kernel_row}, {entry.kernel_column})"
        on = f"pixel ({pixel[0]}, {pixel[1]})".replace("-", "−")
        assert answer["sentence"].endswith(f": 7; entry {row} is {tap} on {on}"), one


def test_a_weight(app: AppPage) -> None:
    taps = [one.spec.n_taps for one in drawn()]
    # A weight of the chosen filter, in the channels of its group.
    entries = [
        one.channels.start * n + one.column % (len(one.channels) * n)
        for one, n in zip(drawn(), taps, strict=True)
    ]
    places = [place(one.filter_index, entry) for one, entry in zip(drawn(), entries, strict=True)]
    for one, entry, answer in zip(drawn(), entries, point(app, "weights", places), strict=True):
        n_outputs = one.columns.shape[1]
        met = {one.columns.index_of(entry, column)[5:] for column in range(n_outputs)}
        assert cells(answer, "input", "read") == met, one
        assert cells(answer, "weights", "read") == {(one.filter_index, entry)}, one
        whole_row = box_of(range(entry, entry + 1), range(n_outputs))
        assert boxes(answer, "columns", "read") == [whole_row], one
        assert f"one pixel for each of the {n_outputs:,} outputs" in answer["sentence"], one
        assert f"row {entry:,} of the matrix" in answer["sentence"], one


def test_a_place_where_two_groups_have_no_weight(app: AppPage) -> None:
    places = []
    for one in drawn():
        other = (one.channels.stop % len(one.image)) * one.spec.n_taps
        places.append(place(one.filter_index, other))
    for one, answer in zip(drawn(), point(app, "weights", places), strict=True):
        assert (answer is None) == (one.spec.groups > 1), one


def test_a_bar_and_a_cell_of_the_patch(app: AppPage) -> None:
    own = [one.column % (len(one.channels) * one.spec.n_taps) for one in drawn()]
    bars = point(app, "vector", [{"x": n - 0.2, "y": 3} for n in own])
    taps = [
        (n // one.spec.n_taps, *divmod(n % one.spec.n_taps, one.spec.kernel_size[1]))
        for n, one in zip(own, drawn(), strict=True)
    ]
    patches = point(app, "patch", [{"x": 0, "y": 0, "tap": tap} for tap in taps])
    for one, n, bar, patch in zip(drawn(), own, bars, patches, strict=True):
        assert bar == patch
        entry = one.channels.start * one.spec.n_taps + n
        index = one.columns.index_of(entry, one.column)
        assert bar["pointed"]["entry"] == entry, one
        assert bar["pointed"]["pixel"] == list(index[5:]), one
        assert cells(bar, "input", "copies") == {index[5:]}, one
        assert cells(bar, "weights", "read") == {(one.filter_index, entry)}, one


@pytest.mark.parametrize("kind", ["input", "output", "columns", "product", "weights", "vector"])
def test_outside_of_a_panel_there_is_nothing(app: AppPage, kind: str) -> None:
    for far in (-1000.0, 1e6):
        answers = point(app, kind, [{"x": far, "y": far} for _ in drawn()])
        assert answers == [None] * len(answers)
