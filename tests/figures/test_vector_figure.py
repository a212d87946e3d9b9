"""The receptive field as a vector: entries, names, aligned zeros, payload."""

import itertools
import json

import plotly.graph_objects as go
import pytest
import torch

from rfviz.conv.errors import InputError
from rfviz.figures.axes import channel_names
from rfviz.figures.vector import vector_figure


def _figure(
    vector: torch.Tensor, weights: torch.Tensor | None, n_channels: int, k: int
) -> go.Figure:
    return vector_figure(
        vector,
        weights,
        channels=channel_names(n_channels),
        kernel_size=(k, k),
        rows=range(44, 44 + k),
        columns=range(119, 119 + k),
    )


def test_one_bar_an_entry_in_the_order_of_unfold() -> None:
    vector = torch.arange(27, dtype=torch.uint8)
    figure = _figure(vector, torch.linspace(-1, 1, 27), 3, 3)
    assert len(figure.data) == 4
    x = list(itertools.chain(*(bar.x.tolist() for bar in figure.data[:3])))
    y = list(itertools.chain(*(bar.y.tolist() for bar in figure.data[:3])))
    assert x == list(range(27))
    assert y == vector.tolist()
    assert [bar.name for bar in figure.data[:3]] == ["red", "green", "blue"]
    assert len({bar.marker.pattern.shape for bar in figure.data[:3]}) == 3


def test_hover_says_everything_of_an_entry() -> None:
    vector, weights = torch.zeros(27), torch.zeros(27)
    vector[13], weights[13] = 201, -1
    figure = _figure(vector, weights, 3, 3)
    assert figure.data[1].hovertext[4] == (
        "entry 13: green, kernel row 1, kernel column 1"
        "<br>input (45, 120): 201, weight −1, product −201"
    )


def test_each_of_few_entries_is_named() -> None:
    figure = _figure(torch.zeros(27), None, 3, 3)
    assert figure.layout.xaxis.ticktext[13] == "G 1,1"
    assert len(figure.layout.xaxis.ticktext) == 27


def test_channels_are_named_where_entries_are_many() -> None:
    figure = _figure(torch.zeros(363), None, 3, 11)
    assert figure.layout.xaxis.ticktext == ("R 0,0", "G 0,0", "B 0,0")
    assert all(not bar.marker.pattern.shape for bar in figure.data[:3])


@pytest.mark.parametrize(
    ("values", "weights"),
    [
        ([10.0, 255.0], [-1.0, 0.5]),
        ([-3.0, -1.0], [2.0, 4.0]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([1.0, float("nan")], [float("inf"), -1.0]),
        ([300.0, 0.0], [-1.0, -2.0]),
    ],
)
def test_both_zeros_are_at_one_height_and_all_fits(
    values: list[float], weights: list[float]
) -> None:
    figure = vector_figure(
        torch.tensor(values),
        torch.tensor(weights),
        channels=["grey"],
        kernel_size=(1, 2),
        rows=range(1),
        columns=range(2),
    )
    (low, high), (low2, high2) = figure.layout.yaxis.range, figure.layout.yaxis2.range
    assert low <= 0 < high
    torch.testing.assert_close(-low / (high - low), -low2 / (high2 - low2))
    for value in torch.tensor(values).nan_to_num(0, 0, 0).tolist():
        assert low <= value <= high
    for weight in torch.tensor(weights).nan_to_num(0, 0, 0).tolist():
        assert low2 <= weight <= high2


def test_without_weights_the_traces_stay_and_their_axis_goes() -> None:
    figure = _figure(torch.ones(9), None, 1, 3)
    assert len(figure.data) == len(_figure(torch.ones(9), torch.ones(9), 1, 3).data)
    assert len(figure.data[-1].x) == 0
    assert figure.layout.yaxis2.visible is False
    assert "weight" not in figure.data[0].hovertext[0]


def test_padding_taps_have_negative_coordinates() -> None:
    figure = vector_figure(
        torch.zeros(1), None, channels=["grey"], kernel_size=(1, 1), rows=range(-2, -1),
        columns=range(-1, 0),
    )  # fmt: skip
    assert "input (−2, −1): 0" in figure.data[0].hovertext[0]


def test_many_channels_become_two_traces_without_texts() -> None:
    figure = _figure(torch.rand(4608), torch.rand(4608), 512, 3)
    assert len(figure.data) == 3
    assert figure.data[0].hovertext is None
    assert sorted(figure.data[0].x.tolist() + figure.data[1].x.tolist()) == list(range(4608))
    binary = 2 * 4608 * (4 + 4) * 4 / 3  # bars and weights, each an x and a y of four bytes
    assert len(json.dumps(figure.to_dict())) < binary + 5000


@pytest.mark.parametrize(("n", "k"), [(26, 3), (27, 2)])
def test_sizes_must_agree(n: int, k: int) -> None:
    with pytest.raises(
        InputError, match=rf"3 channels of {k} × {k} make {3 * k * k} entries, got {n}"
    ):
        _figure(torch.zeros(n), None, 3, k)
    with pytest.raises(InputError, match="reads as many rows and columns, got 2 and 3"):
        vector_figure(
            torch.zeros(9), None, channels=["grey"], kernel_size=(3, 3), rows=range(2),
            columns=range(3),
        )  # fmt: skip
