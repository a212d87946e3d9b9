"""The receptive field in numbers, and its three rows of maps."""

import math

import pytest
import torch
import torch.nn.functional as F

from rfviz.conv.errors import InputError
from rfviz.conv.wording import channel_name
from rfviz.figures.axes import channel_names
from rfviz.figures.patch import patch_figure, receptive_field_numbers

RGB = [channel_name(channel, 3) for channel in range(3)]
PATCH = torch.arange(27, dtype=torch.uint8).view(3, 3, 3)
SOBEL = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]).expand(3, 3, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_numbers_are_those_of_conv2d(dtype: torch.dtype) -> None:
    weight = SOBEL.to(dtype)
    numbers = receptive_field_numbers(PATCH, weight, bias=0.5)
    expected = F.conv2d(PATCH[None].to(dtype), weight[None], torch.tensor([0.5], dtype=dtype))
    assert numbers.products.dtype == dtype
    torch.testing.assert_close(numbers.total, expected.item())
    torch.testing.assert_close(numbers.channel_sums.sum(), numbers.products.sum())


def test_shapes_must_agree() -> None:
    with pytest.raises(InputError, match=r"got \(3, 3, 3\) and \(1, 3, 3\)"):
        receptive_field_numbers(PATCH, SOBEL[:1])


def test_three_rows_of_maps_share_their_scales() -> None:
    numbers = receptive_field_numbers(PATCH, SOBEL)
    figure = patch_figure(numbers, channels=RGB, rows=range(44, 47), columns=range(9, 12))
    assert len(figure.data) == 9
    shown = [torch.tensor(trace.z.tolist()) for trace in figure.data]
    torch.testing.assert_close(torch.stack(shown[:3]), PATCH.long())
    torch.testing.assert_close(torch.stack(shown[3:6]), SOBEL)
    torch.testing.assert_close(torch.stack(shown[6:]), numbers.products)
    limits = [{(trace.zmin, trace.zmax) for trace in figure.data[i : i + 3]} for i in (0, 3, 6)]
    assert limits == [{(0, 255)}, {(-2.0, 2.0)}, {(-46.0, 46.0)}]
    assert [figure.data[i].z.dtype.name for i in (0, 3, 6)] == ["uint8", "float32", "float32"]


def test_maps_lie_at_the_taps_that_are_read() -> None:
    figure = patch_figure(
        receptive_field_numbers(PATCH, SOBEL),
        channels=RGB,
        rows=range(4, 9, 2),
        columns=range(-1, 4, 2),
        panel_width=700,
    )
    assert figure.layout.yaxis.ticktext == ("4", "6", "8")
    assert figure.layout.xaxis7.ticktext == ("−1", "1", "3")
    assert figure.layout.yaxis.range == (9, 3)
    assert (figure.data[0].y0, figure.data[0].dy, figure.data[0].x0) == (4, 2, -1)
    assert [figure.layout[f"xaxis{i}"].title.text for i in ("", "2", "3")] == RGB
    assert figure.layout.xaxis9.title.text == "<b>sum 8</b>"


def test_text_and_no_colour_bar_where_cells_are_large() -> None:
    numbers = receptive_field_numbers(PATCH, SOBEL)
    figure = patch_figure(numbers, channels=RGB, rows=range(3), columns=range(3))
    assert list(figure.data[3].text[1]) == ["−2", "0", "2"]
    assert not any(trace.showscale for trace in figure.data)


def test_one_colour_bar_a_row_where_cells_are_small() -> None:
    values = torch.rand(3, 7, 7)
    figure = patch_figure(
        receptive_field_numbers(values, values), channels=RGB, rows=range(7), columns=range(7)
    )
    assert all(trace.text is None for trace in figure.data)
    assert [i for i, trace in enumerate(figure.data) if trace.showscale] == [0, 3, 6]
    wide = patch_figure(
        receptive_field_numbers(values, values),
        channels=RGB,
        rows=range(7),
        columns=range(7),
        panel_width=1400,
    )
    assert all(trace.text is not None for trace in wide.data)


def test_the_title_writes_out_the_sum() -> None:
    figure = patch_figure(
        receptive_field_numbers(PATCH, SOBEL, bias=-0.5),
        channels=RGB,
        rows=range(3),
        columns=range(3),
    )
    assert figure.layout.title.text == "27 products, sum 24 + bias −0.5 = 23.5"
    assert figure.layout.meta["name"] == "patch"
    assert "3 × 3 × 3 pixels" in figure.layout.meta["alt"]


def test_of_many_channels_the_first_four_are_shown() -> None:
    values = torch.ones(64, 3, 3)
    figure = patch_figure(
        receptive_field_numbers(values, values),
        channels=channel_names(64),
        rows=range(3),
        columns=range(3),
    )
    assert len(figure.data) == 12
    assert figure.layout.title.text.replace("<br>", " ") == (
        "576 products, sum 576; first 4 of 64 channels shown"
    )


def test_one_tap_zero_weights_and_nan_still_draw() -> None:
    patch = torch.full((1, 1, 1), math.nan)
    numbers = receptive_field_numbers(patch, torch.zeros(1, 1, 1))
    figure = patch_figure(numbers, channels=["grey"], rows=range(1), columns=range(1))
    assert (figure.data[1].zmin, figure.data[1].zmax) == (-1.0, 1.0)
    assert list(figure.data[0].text[0]) == ["nan"]


def test_names_must_agree_with_the_patch() -> None:
    numbers = receptive_field_numbers(PATCH, SOBEL)
    with pytest.raises(InputError, match=r"\(1, 3, 3\) channels, rows and columns"):
        patch_figure(numbers, channels=["grey"], rows=range(3), columns=range(3))
