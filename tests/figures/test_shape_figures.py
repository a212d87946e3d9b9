"""The strip of an axis and the sweep: which cells say what, and how what does not fit is marked."""

import pytest
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.layers.placements import placements
from rfviz.figures.axis_strip import (
    BETWEEN,
    NEVER,
    ONCE,
    OUTSIDE,
    PADDING,
    SEVERAL,
    TAP,
    axis_strip_figure,
    strip_cells,
)
from rfviz.figures.sweep import sweep_figure


def test_the_strip_holds_padding_taps_gaps_and_what_is_never_read() -> None:
    placed = placements(Layer("Conv2d", 2, 4, 1, 2), (8, 8), 0)
    found = strip_cells(placed, range(-1, 9))
    assert found.cells[0].tolist() == [PADDING, NEVER, ONCE, NEVER, ONCE, NEVER, ONCE, NEVER,
                                       NEVER, PADDING]  # fmt: skip
    assert found.cells[1].tolist() == [OUTSIDE, BETWEEN, TAP] + [-1] * 7
    torch.testing.assert_close(found.counts, placed.counts)


def test_overlaps_are_counted() -> None:
    figure = axis_strip_figure(placements(Layer("Conv2d", 3), (5, 5), 1))
    assert figure.data[0].text[0] == ["1", "2", "3", "2", "1"]
    assert figure.data[0].z[0].tolist() == [ONCE, SEVERAL, SEVERAL, SEVERAL, ONCE]
    assert figure.layout.xaxis.title.text == "Input column"


def test_a_transposed_layer_is_laid_on_its_output() -> None:
    figure = axis_strip_figure(placements(Layer("ConvTranspose2d", 1, 2), (3, 3), 0))
    assert figure.layout.xaxis.title.text == "Output row"
    assert figure.layout.yaxis.title.text == "Input row"
    names = [trace.name for trace in figure.data if trace.showlegend]
    assert "never written" in names


def test_the_floor_is_named_where_it_drops_something() -> None:
    placed = placements(Layer("Conv2d", 3, 2), (8, 8), 0)
    dropped = axis_strip_figure(placed, discarded=1).data[-1]
    assert dropped.text[-1] == "dropped by the floor: 1"
    assert dropped.x[:2] == (6.5, 7.5)
    assert axis_strip_figure(placed).data[-1].text is None


def test_ends_of_a_long_strip_show_the_first_and_the_last_placements() -> None:
    placed = placements(Layer("Conv2d", 11, 4), (224, 224), 0)
    assert strip_cells(placed, range(24)).shown == range(6)
    last = strip_cells(placed, range(200, 224)).shown
    assert last.stop == len(placed.starts)
    with pytest.raises(InputError, match="from 0 to 223"):
        strip_cells(placed, range(200, 225))


def test_what_does_not_fit_is_crossed_with_its_reason() -> None:
    sizes = torch.tensor([[4, 0], [2, 1]])
    figure = sweep_figure(
        sizes, range(1, 3), range(3, 5), names=("stride", "kernel size"), axis="rows",
        reasons=[["", "too large"], ["", ""]], chosen=(2, 3),
    )  # fmt: skip
    fits, crosses, frame = figure.data
    assert torch.tensor(fits.z).isnan().tolist() == [[False, True], [False, False]]
    assert crosses.text == (["", "×"], ["", ""])
    assert crosses.hovertext[0][1] == "too large"
    assert (min(frame.x), max(frame.x), min(frame.y), max(frame.y)) == (2.5, 3.5, 1.5, 2.5)
    assert "1 that do not fit" in figure.layout.title.text.replace("<br>", " ")


def test_a_sweep_without_any_fit_is_still_a_map() -> None:
    figure = sweep_figure(
        torch.zeros(1, 2, dtype=torch.int64), range(1, 2), range(2), names=("a", "b"), axis="rows",
        reasons=[["no", "no"]],
    )  # fmt: skip
    assert figure.data[0].zmin == 0
    with pytest.raises(InputError, match="one size"):
        sweep_figure(torch.zeros(2, 2), range(1), range(2), names=("a", "b"), axis="rows",
                     reasons=[])  # fmt: skip
