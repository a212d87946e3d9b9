"""Preprocessing equals the code that it shows, and plain torch."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

import rfviz
from rfviz.io.pictures.picture import to_grey
from rfviz.io.pictures.preprocessing import Preprocessing

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("resize", [None, 7, 40, (9, 30)])
@pytest.mark.parametrize("crop", [None, 5, (7, 6)])
@pytest.mark.parametrize("values", [(1.0,), (255.0,), (255.0, (0.5,), (0.25,))])
def test_it_is_the_code_that_is_shown(
    channels: int, grey: bool, resize: Any, crop: Any, values: Any
) -> None:
    torch.manual_seed(0)
    picture = torch.randint(0, 256, (channels, 20, 26), dtype=torch.uint8)
    preprocessing = Preprocessing(*values)._replace(grey=grey, resize=resize, crop=crop)
    part = preprocessing.part(picture)
    ours = preprocessing.values(len(part), torch.float32)(part.float())
    names: dict[str, Any] = {"torch": torch, "picture": picture}
    exec(preprocessing.code, names)  # noqa: S102 - our own text
    torch.testing.assert_close(names["x"].float(), ours, rtol=0, atol=0)


def test_imagenet_in_plain_torch() -> None:
    picture = rfviz.load_sample("scene")
    preprocessing = Preprocessing(255.0, *IMAGENET)._replace(resize=256, crop=224)
    part = preprocessing.part(picture)
    ours = preprocessing.values(3, torch.float64)(part.double())
    height, width = 256, 256 * picture.shape[2] // picture.shape[1]
    resized = F.interpolate(
        picture[None].float(), (height, width), mode="bilinear", antialias=True
    )[0]
    top, left = (height - 224) // 2, (width - 224) // 2
    cropped = resized[:, top : top + 224, left : left + 224].double()
    mean, std = (torch.tensor(each, dtype=torch.float64)[:, None, None] for each in IMAGENET)
    torch.testing.assert_close(ours, (cropped / 255 - mean) / std, rtol=0, atol=0)


def test_grey_is_luma_and_leaves_grey_alone() -> None:
    picture = rfviz.load_sample("scene")[:, :9, :9]
    assert torch.equal(Preprocessing(grey=True).part(picture), to_grey(picture))
    assert torch.equal(Preprocessing(grey=True).part(picture[:1]), picture[:1])


def test_a_crop_that_is_too_large_is_a_sentence() -> None:
    with pytest.raises(rfviz.InputError, match=r"crop of 9 × 3 .* picture of 8 × 16") as caught:
        Preprocessing(crop=(9, 3)).part(torch.zeros(1, 8, 16, dtype=torch.uint8))
    assert "at most 8 × 16" in str(caught.value)


def test_a_resize_to_too_much_is_a_sentence() -> None:
    with pytest.raises(rfviz.InputError, match=r"Resized to 20,000 × 20,000 .* 400,000,000"):
        Preprocessing(resize=(20_000, 20_000)).part(torch.zeros(1, 8, 16, dtype=torch.uint8))
