"""Axes: whole ticks, where rasters lie, names of entries and outputs."""

import pytest

from rfviz.figures.axes import (
    cells,
    channel_names,
    entry_of,
    entry_ticks,
    integer_axis,
    map_axes,
    output_ticks,
    range_cells,
    round_ticks,
)


@pytest.mark.parametrize(
    ("last", "mode"), [(0, "linear"), (11, "linear"), (12, "auto"), (4000, "auto")]
)
def test_ticks_are_whole_numbers_on_any_size(last: int, mode: str) -> None:
    axis = integer_axis("Input row", 0, last)
    assert axis["tickmode"] == mode
    assert axis["tickformat"] == "d"
    assert axis["range"] == [-0.5, last + 0.5]
    # Few numbers have a tick each; many have at most 8, so that a step is at least 1.
    assert axis["dtick"] == 1 if mode == "linear" else (last + 1) / axis["nticks"] > 1


def test_row_0_is_at_the_top_and_pixels_are_square() -> None:
    axes = map_axes("Input", (-1, 6), (-2, 8))
    assert axes["yaxis"]["range"] == [6.5, -1.5]
    assert axes["xaxis"]["range"] == [-2.5, 8.5]
    assert (axes["yaxis"]["scaleanchor"], axes["yaxis"]["scaleratio"]) == ("x", 1)
    assert axes["xaxis"]["constrain"] == axes["yaxis"]["constrain"] == "domain"
    assert [axes[a]["title"]["text"] for a in ("xaxis", "yaxis")] == ["Input column", "Input row"]


def test_axes_leave_grid_and_zero_line_colours_to_the_page() -> None:
    assert not {"gridcolor", "zerolinecolor", "color"} & set(integer_axis("Input row", 0, 5))


@pytest.mark.parametrize(
    ("top", "left", "step"), [(0, 0, (1, 1)), (-2, 5, (3, 4)), (7, 0, (7.5, 2.5))]
)
def test_the_first_cell_starts_where_its_first_pixel_does(
    top: int, left: int, step: tuple[float, float]
) -> None:
    place = cells(top, left, step)
    assert place["y0"] - place["dy"] / 2 == top - 0.5
    assert place["x0"] - place["dx"] / 2 == left - 0.5
    assert (place["dy"], place["dx"]) == step


def test_cells_of_ranges_are_centred_on_their_numbers() -> None:
    assert range_cells(range(4, 9, 2), range(-1, 2)) == {"x0": -1, "dx": 1, "y0": 4, "dy": 2}


def test_entries_are_in_the_order_of_unfold() -> None:
    every = [(c, i, j) for c in range(3) for i in range(2) for j in range(4)]
    assert [entry_of(row, (2, 4)) for row in range(24)] == every


def test_entry_ticks_name_each_kernel_row_or_channel() -> None:
    names = channel_names(3)
    each = entry_ticks(range(27), (3, 3), names)
    assert (each.positions[13], each.labels[13]) == (13, "G 1,1")
    assert entry_ticks(range(75), (5, 5), names).positions == list(range(0, 75, 5))
    channel_starts = entry_ticks(range(363), (11, 11), names, most=8)
    assert channel_starts.labels == ["R 0,0", "G 0,0", "B 0,0"]


def test_entry_ticks_of_a_window_without_any_start() -> None:
    ticks = entry_ticks(range(122, 150), (11, 11), channel_names(3), most=1)
    assert ticks.labels == ["G 0,1"]


def test_entry_ticks_of_many_channels_are_thinned() -> None:
    ticks = entry_ticks(range(4608), (3, 3), channel_names(512))
    assert len(ticks.labels) <= 27
    assert ticks.labels[0] == "c0 0,0"


@pytest.mark.parametrize(
    ("columns", "width", "labels"),
    [
        (range(3), 8, ["0, 0", "0, 1", "0, 2"]),
        (range(6, 30), 8, ["1, 0", "2, 0", "3, 0"]),
        (range(1), 1, ["0, 0"]),
    ],
)
def test_output_ticks(columns: range, width: int, labels: list[str]) -> None:
    assert list(output_ticks(columns, width).labels) == labels


@pytest.mark.parametrize("n", [1, 2, 7, 100, 1200, 118_604])
@pytest.mark.parametrize("start", [0, 3, 1000])
@pytest.mark.parametrize("width", [1, 8, 398])
def test_output_ticks_fit_and_lie_in_the_window(n: int, start: int, width: int) -> None:
    columns = range(start, start + n)
    ticks = output_ticks(columns, width)
    assert 1 <= len(ticks.labels) <= 5
    assert all(position in columns for position in ticks.positions)
    for position, label in zip(ticks.positions, ticks.labels, strict=True):
        row, column = map(int, label.split(","))
        assert row * width + column == position


@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 1), (-1e-5, 3e-5), (-2, 0), (-1e6, 1e6)])
def test_round_ticks_hold_zero_and_stay_inside(low: float, high: float) -> None:
    ticks = round_ticks(low, high)
    assert 2 <= len(ticks.positions) <= 8
    assert "0" in ticks.labels
    assert low <= min(ticks.positions) <= max(ticks.positions) <= high
