"""The column matrix, the weight matrix and their product: coordinates, names, blocks, payload."""

import json
import math

import pytest
import torch
import torch.nn.functional as F

from rfviz.conv.errors import InputError
from rfviz.figures.columns import column_overview_figure, column_window_figure
from rfviz.figures.weights import product_figure, weight_matrix_figure


def test_a_window_lies_in_the_coordinates_of_the_matrix() -> None:
    image = torch.arange(3 * 6 * 8, dtype=torch.float32).view(1, 3, 6, 8)
    columns = F.unfold(image, 3)[0]
    rows, across = range(9, 18), range(4, 20)
    figure = column_window_figure(
        columns[9:18, 4:20], rows, across, kernel_size=(3, 3), n_channels=3, output_width=6
    )
    trace, layout = figure.data[0], figure.layout
    assert (trace.y0, trace.x0) == (9, 4)
    torch.testing.assert_close(torch.tensor(trace.z.tolist()), columns[9:18, 4:20])
    assert layout.yaxis.range == (17.5, 8.5)
    assert layout.yaxis.ticktext[4] == "G 1,1"
    assert list(zip(layout.xaxis.tickvals, layout.xaxis.ticktext, strict=True)) == [
        (6, "1, 0"),
        (12, "2, 0"),
        (18, "3, 0"),
    ]


def test_a_window_with_steps_has_cells_as_wide_as_the_step() -> None:
    figure = column_window_figure(
        torch.zeros(2, 3), range(0, 4, 2), range(0, 30, 10), kernel_size=(2, 2), n_channels=1,
        output_width=10,
    )  # fmt: skip
    assert (figure.data[0].dy, figure.data[0].dx) == (2, 10)
    assert figure.layout.xaxis.range == (-5.0, 25.0)
    assert "columns 0 to 20 by 10" in figure.layout.title.text.replace("<br>", " ")


def test_bytes_stay_bytes_on_their_way() -> None:
    window = torch.zeros(363, 1200, dtype=torch.uint8)
    figure = column_window_figure(
        window, range(363), range(1200), kernel_size=(11, 11), n_channels=3, output_width=3990
    )
    binary = window.numel() * 4 / 3
    assert figure.data[0].z.dtype.name == "uint8"
    assert len(json.dumps(figure.to_dict())) < binary + 5000
    assert figure.layout.yaxis.ticktext == ("R 0,0", "G 0,0", "B 0,0")


def test_text_in_a_small_window_only() -> None:
    small = column_window_figure(
        torch.full((27, 10), 7), range(27), range(10), kernel_size=(3, 3), n_channels=3,
        output_width=5,
    )  # fmt: skip
    tall = column_window_figure(
        torch.full((75, 10), 7), range(75), range(10), kernel_size=(5, 5), n_channels=3,
        output_width=5,
    )  # fmt: skip
    assert small.data[0].text[0][0] == "7"
    assert tall.data[0].text is None


def test_window_sizes_must_agree() -> None:
    with pytest.raises(InputError, match=r"9 rows and 3 columns .* shape \(9, 4\)"):
        column_window_figure(
            torch.zeros(9, 4), range(9), range(3), kernel_size=(3, 3), n_channels=1, output_width=2
        )
    with pytest.raises(InputError, match="make 9 rows, got 10"):
        column_window_figure(
            torch.zeros(1, 1), range(9, 10), range(1), kernel_size=(3, 3), n_channels=1,
            output_width=2,
        )  # fmt: skip


def test_an_overview_covers_the_matrix_and_says_what_a_cell_is() -> None:
    shape = (363, 11_928_004)
    figure = column_overview_figure(
        torch.rand(121, 600), shape, kernel_size=(11, 11), n_channels=3, output_width=3990
    )
    trace = figure.data[0]
    assert trace.y0 - trace.dy / 2 == -0.5
    assert trace.x0 - trace.dx / 2 == -0.5
    torch.testing.assert_close(trace.y0 + trace.dy * 120.5, 362.5)
    torch.testing.assert_close(trace.x0 + trace.dx * 599.5, shape[1] - 0.5)
    assert figure.layout.title.text.replace("<br>", " ") == (
        "Column matrix, 363 × 11,928,004; a cell is the mean of 3 × 19,880 ≈ 59,640 entries"
    )


def test_an_overview_of_a_small_matrix_shows_every_entry() -> None:
    figure = column_overview_figure(
        torch.rand(9, 16), (9, 16), kernel_size=(3, 3), n_channels=1, output_width=4
    )
    assert figure.layout.title.text == "Column matrix, 9 × 16, every entry"
    assert figure.data[0].hovertemplate.startswith("row")


def test_the_weight_matrix_times_the_columns_is_the_convolution() -> None:
    weight, image = torch.rand(6, 2, 3, 3), torch.rand(1, 6, 5, 5)
    figure = weight_matrix_figure(weight.flatten(1), groups=3, kernel_size=(3, 3), n_channels=6)
    drawn = torch.tensor(figure.data[0].z.tolist())
    product = drawn.nan_to_num() @ F.unfold(image, 3)[0]
    torch.testing.assert_close(product.view(6, 3, 3), F.conv2d(image, weight, groups=3)[0])


def test_groups_are_blocks_and_the_rest_is_blank() -> None:
    figure = weight_matrix_figure(torch.ones(6, 9), groups=3, kernel_size=(3, 3), n_channels=3)
    blank = torch.tensor(figure.data[0].z.tolist()).isnan()
    expected = torch.ones(6, 27, dtype=torch.bool)
    for group in range(3):
        expected[2 * group : 2 * group + 2, 9 * group : 9 * group + 9] = False
    assert blank.tolist() == expected.tolist()
    assert figure.layout.title.text == "Weight matrix, 6 × 27, 3 groups as blocks"
    assert "blank outside its block" in figure.layout.meta["alt"]
    one = weight_matrix_figure(torch.ones(6, 27), groups=1, kernel_size=(3, 3), n_channels=3)
    assert figure.layout.plot_bgcolor != one.layout.plot_bgcolor == "rgba(0,0,0,0)"


@pytest.mark.parametrize("value", [0.0, 2.0, -3.0])
def test_weights_have_zero_in_the_middle(value: float) -> None:
    figure = weight_matrix_figure(
        torch.full((1, 1), value), groups=1, kernel_size=(1, 1), n_channels=1
    )
    assert figure.data[0].zmin == -figure.data[0].zmax < 0
    assert [list(row) for row in figure.data[0].text] == [[f"{value:.0f}".replace("-", "−")]]


@pytest.mark.parametrize("groups", [1, 512])
def test_of_a_large_weight_matrix_the_first_part_is_shown(groups: int) -> None:
    weights = torch.rand(512, 512 // groups * 9)
    figure = weight_matrix_figure(weights, groups=groups, kernel_size=(3, 3), n_channels=512)
    assert figure.data[0].z.shape == (64, 1024)
    title = figure.layout.title.text.replace("<br>", " ")
    assert title.endswith("first 64 of 512 filters and first 1,024 of 4,608 weights shown")
    assert len(json.dumps(figure.to_dict())) < 360_000


@pytest.mark.parametrize(("groups", "channels"), [(2, 3), (0, 3), (1, 4)])
def test_weight_sizes_must_agree(groups: int, channels: int) -> None:
    with pytest.raises(InputError, match=r"got shape \(5, 27\)"):
        weight_matrix_figure(
            torch.zeros(5, 27), groups=groups, kernel_size=(3, 3), n_channels=channels
        )


def test_a_product_names_filters_and_outputs() -> None:
    values = torch.tensor([[1.0, -4.0], [0.0, math.nan]])
    figure = product_figure(values, range(398, 400), output_width=398)
    assert figure.layout.xaxis.ticktext == ("1, 0", "1, 1")
    assert figure.layout.yaxis.ticktext == ("0", "1")
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-4.0, 4.0)
    title = figure.layout.title.text.replace("<br>", " ")
    assert "2 filters, columns 398 to 399" in title
    assert title.endswith("1 value not finite (blank)")


def test_a_product_of_many_filters_is_cut() -> None:
    figure = product_figure(torch.rand(512, 4), range(4), output_width=2, limit=1)
    assert figure.data[0].z.shape == (64, 4)
    assert "first 64 of 512 filters shown" in figure.layout.title.text.replace("<br>", " ")


def test_product_columns_must_agree() -> None:
    with pytest.raises(InputError, match=r"3 column numbers .* shape \(2, 4\)"):
        product_figure(torch.zeros(2, 4), range(3), output_width=2)
