"""A histogram in pieces counts what one look at all numbers counts."""

import pytest
import torch

from rfviz.conv.feature_maps.histogram import N_BINS, GrowingHistogram


@pytest.mark.parametrize("scale", [1e-30, 0.3, 1.0, 4096.0, 1e30, 1e307])
def test_counts_are_those_of_all_numbers_at_once(scale: float) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(5000, generator=generator, dtype=torch.float64) * scale
    # Ever larger pieces, so that the bins must widen again and again.
    values = values * torch.logspace(-4, 0, 5000, dtype=torch.float64)
    seen = GrowingHistogram()
    for piece in values.view(-1, 100):
        seen.add(piece)
    counts, start, width = seen.counted()
    edges = start + torch.arange(len(counts) + 1, dtype=torch.float64) * width
    expected = torch.bucketize(values, edges, right=True) - 1
    torch.testing.assert_close(counts, torch.bincount(expected, minlength=len(counts)))
    assert seen.n == 5000
    assert len(counts) > N_BINS // 5


def test_edges_belong_to_the_bin_above() -> None:
    seen = GrowingHistogram()
    seen.add(torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]))
    counts, start, width = seen.counted()
    assert start == -2.0
    places = ((torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]) - start) / width).long()
    assert counts[places].tolist() == [1] * 5


def test_what_is_not_finite_is_left_out() -> None:
    seen = GrowingHistogram()
    seen.add(torch.tensor([torch.nan, torch.inf, -torch.inf]))
    assert len(seen.counted().counts) == 0
    seen.add(torch.tensor([0.0, 0.0]))
    assert (seen.n, seen.counted().counts.tolist()) == (2, [2])
