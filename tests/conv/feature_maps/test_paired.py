"""Two maps in strips: means, moments and correlation are those of the whole maps."""

import math

import pytest
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.feature_maps.paired import PairedMaps
from rfviz.conv.im2col.bins import mean_of_bins


def maps_of(size: tuple[int, int]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    first, noise = torch.randn(2, *size, generator=generator, dtype=torch.float64)
    return torch.stack([first + 1e6, 0.5 * first + noise])


def paired(maps: torch.Tensor, map_size: tuple[int, int], n_rows: int) -> PairedMaps:
    height, width = maps.shape[1:]
    found = PairedMaps((height, width), map_size)
    for top in range(0, height, n_rows):
        rows = range(top, min(top + n_rows, height))
        found.add(rows, *maps[:, top : rows.stop])
    return found


@pytest.mark.parametrize("n_rows", [1, 3, 40])
@pytest.mark.parametrize("map_size", [(1, 1), (7, 5), (99, 99)])
def test_strips_give_what_the_whole_gives(n_rows: int, map_size: tuple[int, int]) -> None:
    maps = maps_of((23, 31))
    found = paired(maps, map_size, n_rows)
    torch.testing.assert_close(found.means, mean_of_bins(maps, *map_size))
    for moments, values in zip(found.moments, maps, strict=True):
        assert moments.mean == pytest.approx(float(values.mean()), rel=1e-12)
        assert moments.deviation == pytest.approx(float(values.std(correction=0)), rel=1e-9)
    expected = float(torch.corrcoef(maps.flatten(1))[0, 1])
    assert found.correlation == pytest.approx(expected, abs=1e-9)
    assert [histogram.n for histogram in found.histograms] == [713, 713]
    assert found.fraction == 1.0


def test_moments_leave_out_what_is_not_finite_in_one_of_them() -> None:
    maps = maps_of((6, 6))
    maps[0, 2, 3], maps[1, 4, 4] = torch.nan, torch.inf
    found = paired(maps, (6, 6), 2)
    assert found.n_finite == 34
    kept = maps.flatten(1)[:, maps.isfinite().all(0).flatten()]
    assert found.correlation == pytest.approx(float(torch.corrcoef(kept)[0, 1]))
    assert bool(found.means[0, 2, 3].isnan())


def test_a_map_that_is_the_same_everywhere_has_no_correlation() -> None:
    found = PairedMaps((2, 2), (2, 2))
    found.add(range(2), torch.full((2, 2), 5.0), torch.rand(2, 2))
    assert math.isnan(found.correlation)
    assert found.moments[0] == (5.0, 0.0)


def test_strips_must_follow() -> None:
    found = PairedMaps((4, 3), (4, 3))
    with pytest.raises(InputError, match=r"Expected \(2, 3\) of both maps from row 0"):
        found.add(range(1, 3), torch.ones(2, 3), torch.ones(2, 3))
