"""The histogram figure draws shares of all outputs where its bins are."""

import torch

from rfviz.conv.feature_maps.histogram import Histogram
from rfviz.figures.histogram import histogram_figure

FIRST = Histogram(torch.tensor([1, 0, 3]), -1.0, 0.5)
SECOND = Histogram(torch.tensor([2]), 100.0, 8.0)


def test_bars_stand_in_the_middle_of_their_bins() -> None:
    figure = histogram_figure([FIRST, SECOND], names=["Adder", "Convolution"])
    upper, lower = figure.data
    assert upper.x.tolist() == [-0.75, -0.25, 0.25]
    assert upper.y.tolist() == [0.25, 0.0, 0.75]
    assert upper.width == 0.5
    assert (lower.x.tolist(), lower.y.tolist(), lower.width) == ([104.0], [1.0], 8.0)


def test_both_share_the_axis_of_values_and_are_named_in_words() -> None:
    figure = histogram_figure([FIRST, SECOND], names=["Adder", "Convolution"], values="Score")
    upper, lower = figure.data
    assert (upper.xaxis, lower.xaxis, upper.yaxis, lower.yaxis) == ("x", "x", "y", "y2")
    assert upper.marker.color != lower.marker.color
    assert [note.text for note in figure.layout.annotations] == ["Adder", "Convolution"]
    assert figure.layout.xaxis.title.text == "Score"
    assert "Adder from −1 to 0.5; Convolution from 100 to 108" in figure.layout.meta["alt"]


def test_nothing_finite_is_an_empty_row() -> None:
    empty = Histogram(torch.zeros(0, dtype=torch.int64), 0.0, 1.0)
    figure = histogram_figure([empty, SECOND], names=["a", "b"])
    assert len(figure.data[0].x) == 0
