"""A convolution band by band is the convolution of the whole picture."""

import pytest
import torch
from random_specs import conv2d_by_torch, random_case

from rfviz.conv.errors import InputError
from rfviz.conv.matmul import bands as bands_module
from rfviz.conv.matmul.bands import bands
from rfviz.conv.spec.spec import Conv2dSpec


@pytest.mark.parametrize("seed", range(60))
def test_bands_give_the_outputs_of_the_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(seed)
    picture = case.image.reshape(-1, *case.image.shape[-3:])[0]
    row = picture.shape[0] * picture.shape[2] * 8
    monkeypatch.setattr(bands_module, "_BYTES_PER_BAND", seed % 5 * row)
    expected = conv2d_by_torch(case._replace(image=picture))
    n_rows = 0
    for band in bands((picture.shape[1], picture.shape[2]), case.spec, row):
        rows = picture[:, band.sources.clamp(min=0)]
        rows[:, band.sources < 0] = 0
        found = conv2d_by_torch(case._replace(image=rows, spec=band.spec))
        assert band.rows.start == n_rows
        torch.testing.assert_close(found, expected[:, band.rows.start : band.rows.stop])
        n_rows = band.rows.stop
    assert n_rows == expected.shape[1]


def test_rows_that_fit_no_budget_are_a_sentence() -> None:
    with pytest.raises(InputError, match=r"reads 3 rows of 10,000,000 columns.* 720 MB"):
        next(bands((10, 10_000_000), Conv2dSpec(3), 240_000_000))


def test_a_large_dilation_needs_the_rows_of_its_taps_alone() -> None:
    (first, *_) = bands((10_000, 10_000), Conv2dSpec(3, dilation=4096), 240_000)
    assert first.sources[:3].tolist() == [0, 4096, 8192]
    assert len(first.sources) * 240_000 <= 2**24
