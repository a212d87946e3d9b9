import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from rfviz.conv.errors import InputError
from rfviz.io.kernels.bank import kernel_2d
from rfviz.io.pictures import samples
from rfviz.io.pictures.samples import SAMPLES, Sample, load_sample

ASSETS = Path(__file__).parents[3] / "rfviz" / "assets"
SIZES = {
    "scene": (3, 1536, 2048),
    "address": (1, 16, 16),
    "digits": (1, 8, 8),
    "glyph": (1, 28, 28),
    "stripes": (1, 64, 64),
    "zone-plate": (1, 256, 256),
    "impulse": (1, 15, 15),
}


@pytest.fixture
def make_samples(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The script that draws the samples, as a module."""
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "assets")
    yield importlib.import_module("make_samples")
    for name in ("make_samples", "scene", "scene_land", "scene_house", "scene_growth"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_loads_and_says_what_it_teaches(sample: Sample) -> None:
    picture = load_sample(sample.name)
    assert tuple(picture.shape) == SIZES[sample.name]
    assert picture.dtype == torch.uint8
    assert sample.title
    assert sample.teaches.endswith(".")


def test_script_draws_the_same_grey_samples(make_samples: Any) -> None:
    for file, draw in make_samples.GREY_SAMPLES.items():
        picture = draw()
        stored = load_sample(file.removesuffix(".png"))[0]
        torch.testing.assert_close(picture, stored, rtol=0, atol=0)
        assert make_samples.grey_png(picture) == (ASSETS / file).read_bytes()


def test_scene_is_a_jpeg_of_three_megapixels_for_download() -> None:
    data = (ASSETS / "scene.jpg").read_bytes()
    assert len(data) < 1_600_000
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert image.width * image.height >= 3_000_000


def test_scene_has_sharp_edges_and_a_flat_sky_with_grain() -> None:
    grey = load_sample("scene").double().mean(0)
    house, sky = grey[800:1120, 1330:1930], grey[:200, 700:860]
    sobel = kernel_2d("sobel-x", 3)[None, None]
    edges, flat = (F.conv2d(part[None, None], sobel).abs() for part in (house, sky))
    assert edges.quantile(0.9) > 4 * flat.quantile(0.9)
    assert 0.5 < (sky[1:] - sky[:-1]).std() < 6


def test_address_is_its_own_index() -> None:
    expected = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    torch.testing.assert_close(load_sample("address"), expected)


def test_response_to_the_impulse_is_the_flipped_kernel() -> None:
    kernel = kernel_2d("emboss", 5)
    picture = load_sample("impulse").double() / 255
    response = F.conv2d(picture[None], kernel[None, None], padding=2)[0, 0]
    torch.testing.assert_close(response[5:10, 5:10], kernel.flip(0, 1))
    torch.testing.assert_close(response.sum(), kernel.sum())


def test_zone_plate_shows_four_false_centres_under_a_stride_of_2() -> None:
    plate = load_sample("zone-plate")[0]
    strided = plate[::2, ::2]
    torch.testing.assert_close(strided[:64, :64], strided[64:, 64:], rtol=0, atol=0)
    assert not torch.equal(plate[:128, :128], plate[128:, 128:])


def test_unknown_name_lists_the_samples() -> None:
    with pytest.raises(InputError, match="zone-plate"):
        load_sample("lena")


def test_missing_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(samples, "_ASSETS", tmp_path)
    with pytest.raises(InputError, match=r"address\.png .* assets/make_samples\.py"):
        load_sample("address")
