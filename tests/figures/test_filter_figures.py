"""The grid of filters and the frequency response as figures."""

import pytest
import torch
from torch.testing import assert_close

from rfviz.conv.errors import InputError
from rfviz.figures.filter_grid import filter_grid_figure, grid_of
from rfviz.figures.frequency import frequency_figure


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (12, 3, 3, 3), (7, 1, 5, 2), (64, 3, 11, 11)])
def test_every_tap_is_where_the_grid_says(shape: tuple[int, int, int, int]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    figure, grid = filter_grid_figure(weight), grid_of(shape)
    z = torch.from_numpy(figure.data[0].z)
    assert tuple(z.shape) == grid.size
    assert int((~z.isnan()).sum()) == weight.numel()
    for index in range(shape[0]):
        top, left = grid.corner(index)
        for channel in range(shape[1]):
            start = left + channel * (shape[3] + 1)
            tile = z[top : top + shape[2], start : start + shape[3]]
            assert_close(tile, weight[index, channel])
    assert figure.data[0].zmax == -figure.data[0].zmin == weight.abs().max().item()


def test_hover_names_filter_channel_and_tap() -> None:
    figure = filter_grid_figure(torch.ones(2, 3, 2, 2))
    texts = {text for row in figure.data[0].hovertext for text in row}
    assert "filter 1, channel 2, tap (1, 0)" in texts
    assert len(texts) == 24 + 1


def test_chosen_filter_has_a_frame_and_title_says_what_is_left_out() -> None:
    figure = filter_grid_figure(torch.ones(300, 20, 1, 1), chosen=299)
    assert "first 256 of 300 filters and first 8 of 20 channels shown" in (
        figure.layout.title.text.replace("<br>", " ")
    )
    assert figure.layout.shapes == ()
    assert len(filter_grid_figure(torch.ones(3, 1, 2, 2), chosen=2).layout.shapes) == 1


def test_what_is_no_weight_is_refused() -> None:
    for weight, chosen in ((torch.ones(3, 3), 0), (torch.ones(2, 1, 1, 1), 2)):
        with pytest.raises(InputError):
            filter_grid_figure(weight, chosen=chosen)
    with pytest.raises(InputError):
        frequency_figure(torch.ones(3))


def test_response_runs_from_minus_a_half_to_a_half() -> None:
    trace = frequency_figure(torch.rand(65, 65)).data[0]
    assert (trace.x0, trace.x0 + 64 * trace.dx) == (-0.5, 0.5)
