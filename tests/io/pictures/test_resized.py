"""A picture resized some rows at a time equals the picture that torch resizes whole."""

import pytest
import torch
import torch.nn.functional as F

from rfviz.io.pictures.resized import Resized, row_weights

SIZES = ((1, 9), (2, 2), (7, 20), (61, 3), (150, 80))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resized", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_any_rows_are_those_of_the_whole(
    size: tuple[int, int], resized: tuple[int, int], channels: int
) -> None:
    torch.manual_seed(sum(size) + sum(resized))
    picture = torch.randint(0, 256, (channels, *size), dtype=torch.uint8)
    whole = F.interpolate(picture[None].float(), resized, mode="bilinear", antialias=True)[0]
    crop = (resized[0] + 1) // 2, (resized[1] + 1) // 2
    top, left = ((side - part) // 2 for side, part in zip(resized, crop, strict=True))
    middle = whole[:, top : top + crop[0], left : left + crop[1]]
    chosen = torch.rand(crop[0]) < 0.6
    chosen[-1] = True
    rows = chosen.nonzero()[:, 0]
    found = Resized(picture, resized, crop).rows(rows)
    torch.testing.assert_close(found, middle[:, rows], rtol=0, atol=0.005)


@pytest.mark.parametrize("resized", [(7, 1), (1, 1), (2, 1)])
def test_of_one_column_every_row_is_its_own(resized: tuple[int, int]) -> None:
    picture = torch.randint(0, 256, (1, 4, 5), dtype=torch.uint8)
    lying = F.interpolate(
        picture.transpose(1, 2)[None].float(), resized[::-1], mode="bilinear", antialias=True
    )[0]
    found = Resized(picture, resized, resized).rows(torch.arange(resized[0]))
    torch.testing.assert_close(found, lying.transpose(1, 2), rtol=0, atol=0.005)


def test_weights_of_a_row_sum_to_one_and_none_is_negative() -> None:
    for height, resized in ((300, 10_000), (10_000, 300), (7, 7), (1, 5), (5, 1)):
        weights, start = row_weights(height, resized, resized // 2, 1)
        assert bool((weights >= 0).all())
        assert 0 <= start < start + weights.shape[1] <= height
        torch.testing.assert_close(weights.sum(1), torch.ones(1))
