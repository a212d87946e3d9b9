"""Pointing at a place in one panel shows what it is in all the others, with torch's numbers."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from app_page import AppPage
from conftest import Open
from linked_cases import CASES, DILATED, Convolution, Pair
from linked_page import Shown, box_around, columns_in_view, hover, leave, scattered, shown


@pytest.fixture(params=CASES.values(), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Convolution:
    assert isinstance(request.param, Convolution)
    return request.param


def eventually(app: AppPage, check: Callable[[Shown], None]) -> None:
    app.eventually(lambda: check(shown(app)))


def has_value_of(case: Convolution, now: Shown) -> None:
    """The value is torch's, to 1e-5, or to a part of its terms where they cancel."""
    size = 255 * case.weight[0].abs().sum().item()
    assert now.value == pytest.approx(case.output[now.output].item(), rel=1e-5, abs=1e-6 * size)


@pytest.fixture
def app(look: Open, case: Convolution) -> AppPage:
    """The page of a case, with nothing pointed at."""
    app = look("", case.address).settle()
    leave(app)
    return app.settle()


def test_outputs_and_pixels(app: AppPage, case: Convolution) -> None:
    before = shown(app)
    height, width = case.output.shape
    for output in scattered(0, 6, height, width):
        if output != before.output:
            hover(app, "output", *output)
            eventually(app, partial(output_is_linked, case, output))
    for pixel in scattered(1, 6, *case.picture.shape[1:]):
        hover(app, "input", *pixel)
        eventually(app, partial(pixel_is_linked, case, pixel))
    leave(app)
    eventually(app, partial(is_confirmed_again, before))
    has_value_of(case, before)


def is_confirmed_again(before: Shown, now: Shown) -> None:
    # Whether torch's number has been compared with ours yet depends on the pixels held.
    assert now._replace(note="") == before._replace(note="")
    assert now.state == "confirmed"
    assert "equals nn.Conv2d" in now.note


def output_is_linked(case: Convolution, output: Pair, now: Shown) -> None:
    assert (now.output, now.state) == (output, "preview")
    has_value_of(case, now)
    assert now.cells("output", "chosen") == {output}
    assert now.boxes("input", "chosen") == [box_around(*case.taps(output))]
    at = case.column_of(output)
    assert now.boxes("columns", "chosen") == [[at - 0.5, -0.5, at + 0.5, case.n_rows - 0.5]]


def pixel_is_linked(case: Convolution, pixel: Pair, now: Shown) -> None:
    entries = case.entries(pixel)
    outputs = {case.output_of(column) for _, column in entries}
    read = f"{len(outputs):,} {'output' if len(outputs) == 1 else 'outputs'}"
    copied = f"{len(entries):,} {'copy' if len(entries) == 1 else 'copies'}"
    expected = f"Pixel ({pixel[0]}, {pixel[1]}): read by {read}, {copied} in the column matrix"
    assert now.sentence == expected
    assert now.cells("output", "read") == outputs
    assert now.cells("input", "copies") == {pixel}
    assert now.cells("columns", "copies") == entries


def test_entries_weights_bars_and_cells(app: AppPage, case: Convolution) -> None:
    output = shown(app).output
    columns = columns_in_view(app)
    for row, offset in scattered(2, 4, case.n_rows, len(columns)):
        hover(app, "columns", row, columns[offset])
        eventually(app, partial(entry_is_linked, case, row, columns[offset]))
    for _, entry in scattered(3, 3, 1, case.weight[0].numel()):
        hover(app, "weights", 0, entry)
        eventually(app, partial(weight_is_linked, case, entry))
        hover(app, "vector", 0, entry)
        eventually(app, partial(tap_is_linked, case, output, entry))
        leave(app)
        hover_product(app, case, output, entry)
        eventually(app, partial(tap_is_linked, case, output, entry))


def hover_product(app: AppPage, case: Convolution, output: Pair, entry: int) -> None:
    """Point at the product of an entry: the third line of maps, one a channel."""
    channel = case.tap_of(entry)[0]
    nth = 2 * case.weight.shape[1] + channel + 1
    pixel = case.pixel_of(entry, case.column_of(output))
    hover(app, "patch", *pixel, subplot=f"x{nth}y{nth}")


def entry_in_words(case: Convolution, row: int, column: int) -> str:
    tap, pixel = case.tap_of(row), case.pixel_of(row, column)
    return f"entry {row} is tap {tap} on pixel {pixel}".replace("-", "−")


def entry_is_linked(case: Convolution, row: int, column: int, now: Shown) -> None:
    assert now.output == case.output_of(column)
    has_value_of(case, now)
    assert now.sentence.endswith(entry_in_words(case, row, column))
    assert now.cells("input", "copies") == {case.pixel_of(row, column)}
    assert now.cells("weights", "read") == {(0, row)}
    assert now.cells("output", "chosen") == {now.output}


def weight_is_linked(case: Convolution, entry: int, now: Shown) -> None:
    assert now.sentence.startswith(f"Weight {case.tap_of(entry)} of filter 0: row {entry} of")
    n_columns = case.output.numel()
    met = {case.pixel_of(entry, column) for column in range(n_columns)}
    rows, columns = torch.tensor(sorted(met)).T
    assert now.boxes("input", "window") == [box_around(rows, columns)]
    # So many boxes would be a grey area: the outline must do.
    assert now.cells("input", "read") == (met if n_columns <= 2000 else set())
    assert now.cells("weights", "read") == {(0, entry)}
    assert now.boxes("columns", "read") == [[-0.5, entry - 0.5, n_columns - 0.5, entry + 0.5]]


def tap_is_linked(case: Convolution, output: Pair, entry: int, now: Shown) -> None:
    column = case.column_of(output)
    assert (now.output, now.state) == (output, "confirmed")
    assert now.sentence.endswith(entry_in_words(case, entry, column))
    assert now.cells("input", "copies") == {case.pixel_of(entry, column)}
    ((_, bar),) = now.cells("vector", "read")
    assert bar == entry
    # The same tap in the maps of pixels, weights and products.
    assert [mark["subplot"] for mark in now.marks["patch"]] == subplots(case, entry)


def subplots(case: Convolution, entry: int) -> list[str]:
    shown_channels, channel = case.weight.shape[1], case.tap_of(entry)[0]
    nths = [line * shown_channels + channel + 1 for line in range(3)]
    return ["xy" if nth == 1 else f"x{nth}y{nth}" for nth in nths]


def test_the_matmul_page_is_linked_too(open_app: Open) -> None:
    app = open_app("matmul", DILATED.address).settle()
    start, count = round(app.trace("columns", "x0")), app.z("columns").shape[1]
    for row, offset in scattered(4, 3, DILATED.n_rows, count):
        column = start + offset
        hover(app, "columns", row, column)
        eventually(app, partial(product_is_linked, column))
        leave(app)
        hover(app, "product", 0, column)
        eventually(app, partial(product_is_linked, column))
        leave(app)
        hover(app, "by-conv2d", *DILATED.output_of(column))
        eventually(app, partial(product_is_linked, column))


def product_is_linked(column: int, now: Shown) -> None:
    output = DILATED.output_of(column)
    assert now.output == output
    has_value_of(DILATED, now)
    assert now.cells("product", "chosen") == {(0, column)}
    for name in ("by-matmul", "by-conv2d", "difference"):
        assert now.cells(name, "chosen") == {output}
