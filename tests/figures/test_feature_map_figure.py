"""Feature maps, differences and reads: scales, placement, what titles say."""

import json
import math

import pytest
import torch
import torch.nn.functional as F

from rfviz.conv.errors import InputError
from rfviz.figures.feature_map import difference_figure, feature_map_figure
from rfviz.figures.reads import reads_figure


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_values_are_sent_as_float32_with_zero_in_the_middle(dtype: torch.dtype) -> None:
    values = torch.tensor([[1.0, -3.0, 0.5]], dtype=dtype)
    trace = feature_map_figure(values, output_size=(1, 3)).data[0]
    assert trace.z.dtype.name == "float32"
    assert trace.zmin == -trace.zmax == -3.0
    torch.testing.assert_close(torch.tensor(trace.z.tolist()), values.float())


def test_one_limit_for_maps_that_are_compared() -> None:
    maps = [feature_map_figure(torch.rand(2, 2), output_size=(2, 2), limit=7) for _ in range(2)]
    assert {(f.data[0].zmin, f.data[0].zmax) for f in maps} == {(-7, 7)}


@pytest.mark.parametrize("values", [torch.zeros(3, 4), torch.full((3, 4), 5.0), torch.ones(1, 1)])
def test_constant_maps_have_a_range(values: torch.Tensor) -> None:
    size = (values.shape[0], values.shape[1])
    trace = feature_map_figure(values, output_size=size).data[0]
    assert trace.zmin < 0 < trace.zmax
    assert trace.zmin == -trace.zmax


def test_a_part_of_a_reduced_map_lies_in_output_coordinates() -> None:
    figure = feature_map_figure(
        torch.zeros(5, 6), top=10, left=20, step=(4, 4), output_size=(100, 200)
    )
    trace = figure.data[0]
    assert (trace.y0 - trace.dy / 2, trace.x0 - trace.dx / 2) == (9.5, 19.5)
    assert figure.layout.yaxis.range == (99.5, -0.5)
    assert figure.layout.xaxis.range == (-0.5, 199.5)
    assert figure.layout.title.text == "Feature map, 100 × 200, means of 4 × 4"
    assert trace.hovertemplate.startswith("around output row")


def test_text_where_outputs_are_few() -> None:
    few = feature_map_figure(torch.ones(6, 8), output_size=(6, 8)).data[0]
    many = feature_map_figure(torch.ones(6, 12), output_size=(6, 12)).data[0]
    assert few.text[0][0] == "1"
    assert many.text is None


def test_values_that_are_not_finite_are_blank_and_counted() -> None:
    values = torch.tensor([[math.nan, math.inf, 2.0]])
    figure = feature_map_figure(values, output_size=(1, 3))
    assert figure.layout.title.text.replace("<br>", " ").endswith("2 values not finite (blank)")
    assert figure.data[0].zmax == 2.0


def test_a_figure_can_be_named() -> None:
    figure = feature_map_figure(torch.ones(1, 1), output_size=(1, 1), name="by_conv2d")
    assert figure.layout.meta["name"] == "by_conv2d"
    assert "1 × 1" in figure.layout.meta["alt"]


def test_difference_runs_from_zero() -> None:
    figure = difference_figure(torch.tensor([[-2e-6, 1e-6]]), output_size=(1, 2))
    trace = figure.data[0]
    assert trace.zmin == 0
    torch.testing.assert_close(trace.zmax, 2e-6)
    assert trace.z.min() >= 0
    assert "all zero" not in figure.layout.title.text


def test_difference_that_is_all_zero_says_so_and_keeps_a_range() -> None:
    figure = difference_figure(torch.zeros(4, 4), output_size=(4, 4))
    assert figure.layout.title.text == "Absolute difference, 4 × 4, all zero"
    assert 0 == figure.data[0].zmin < figure.data[0].zmax <= 1e-5


def test_difference_reduced_says_largest() -> None:
    figure = difference_figure(torch.ones(2, 2), step=(8, 8), output_size=(16, 16))
    assert (
        figure.layout.title.text.replace("<br>", " ")
        == "Absolute difference, 16 × 16, largest of each 8 × 8"
    )


def test_a_map_sends_its_values_once_in_binary() -> None:
    values = torch.rand(300, 400)
    figure = feature_map_figure(values, output_size=(300, 400))
    binary = values.numel() * 4 * 4 / 3
    assert binary < len(json.dumps(figure.to_dict())) < binary + 5000


def test_only_one_map_at_a_time() -> None:
    with pytest.raises(InputError, match="2 dimensions"):
        feature_map_figure(torch.zeros(3, 4, 5), output_size=(4, 5))


def test_reads_count_from_zero_with_whole_ticks() -> None:
    ones = torch.ones(1, 1, 6, 7)
    reads = F.fold(F.unfold(ones, 3), (6, 7), 3)[0, 0].long()
    figure = reads_figure(reads, input_size=(6, 7))
    counts, never = figure.data
    assert (counts.zmin, counts.zmax) == (0.0, 9.0)
    assert (counts.colorbar.dtick, counts.colorbar.tickformat) == (1, "d")
    torch.testing.assert_close(torch.tensor(counts.z.tolist()).long(), reads)
    assert bool(torch.tensor(never.z.tolist()).isnan().all())
    assert "never" not in figure.layout.title.text


def test_pixels_never_read_are_a_trace_of_their_own() -> None:
    reads = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    figure = reads_figure(reads, input_size=(2, 3))
    counts, never = figure.data
    assert torch.tensor(counts.z.tolist()).isnan().tolist() == (reads == 0).tolist()
    assert torch.tensor(never.z.tolist()).isnan().tolist() == (reads > 0).tolist()
    assert never.hovertemplate.startswith("row %{y:d}, column %{x:d}: never read")
    assert figure.layout.title.text.replace("<br>", " ").endswith("4 pixels never read (orange)")


def test_blocks_of_equal_reads_are_drawn_and_named_whole() -> None:
    figure = reads_figure(torch.tensor([[0, 2]]), edges=([0, 20], [0, 5, 30]), input_size=(20, 30))
    counts, never = figure.data
    assert (list(counts.x), list(counts.y)) == ([-0.5, 4.5, 29.5], [-0.5, 19.5])
    assert counts.hovertext[0][1] == "rows 0 to 19, columns 5 to 29: "
    assert never.hovertemplate.startswith("%{hovertext}never read")
    assert figure.layout.title.text.replace("<br>", " ").endswith("100 pixels never read (orange)")


def test_a_part_of_the_reads_says_which() -> None:
    figure = reads_figure(torch.full((4, 5), 9), top=3, left=10, input_size=(20, 30))
    said = figure.layout.title.text.replace("<br>", " ")
    assert "rows 3 to 6, columns 10 to 14 of 20 × 30 pixels" in said


def test_nothing_read_at_all_is_still_a_map() -> None:
    figure = reads_figure(torch.zeros(1, 1), input_size=(1, 1))
    assert figure.data[0].zmax == 1.0
    assert "1 pixel never read" in figure.layout.title.text.replace("<br>", " ")
