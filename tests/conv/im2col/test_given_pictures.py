"""Column matrices of what people hold in a notebook: arrays, PIL images, batches, layers."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from random_specs import random_case, unfold_by_torch
from torch import nn

import rfviz
from rfviz.conv.errors import InputError
from rfviz.conv.html import html_table

PICTURE = torch.randint(0, 256, (3, 9, 11), dtype=torch.uint8)


def unfolded(batch: torch.Tensor, layer: nn.Conv2d) -> torch.Tensor:
    return unfold_by_torch(batch.double(), rfviz.Conv2dSpec.from_module(layer))


def test_an_array_and_a_pil_image_are_the_tensor_that_they_hold() -> None:
    layer = nn.Conv2d(3, 4, 3, stride=2, padding=1)
    expected = unfolded(PICTURE[None], layer)[0]
    image = Image.fromarray(PICTURE.permute(1, 2, 0).numpy())
    for given in (PICTURE, PICTURE.numpy(), image):
        torch.testing.assert_close(rfviz.ColumnMatrix(given, layer).dense().double(), expected)
    grey = Image.fromarray(PICTURE[0].numpy())
    assert torch.equal(rfviz.ColumnMatrix(grey, rfviz.Conv2dSpec(1)).image, PICTURE[:1])


def test_an_array_shares_its_memory_and_one_that_cannot_is_copied() -> None:
    array = np.zeros((1, 3, 3), dtype=np.float32)
    matrix = rfviz.ColumnMatrix(array, rfviz.Conv2dSpec(3))
    array[0, 0, 0] = 5
    assert matrix[0, 0].item() == 5
    odd = [array[:, ::-1], array.astype(">f4"), np.broadcast_to(array[:, :1], (1, 3, 3))]
    for each in odd:
        found = rfviz.ColumnMatrix(each, rfviz.Conv2dSpec(3)).dense()
        np.testing.assert_array_equal(found[:, 0].numpy(), np.ascontiguousarray(each).reshape(-1))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (PICTURE.permute(1, 2, 0).numpy(), r"torch.from_numpy\(picture\).permute\(2, 0, 1\)"),
        (np.zeros((2, 8, 9, 3)), r"permute\(0, 3, 1, 2\)"),
        (np.array([["a"]]), "no type of numbers"),
        (Image.new("RGBA", (4, 4)), r"convert\(.RGB.\)"),
        (Image.new("1", (4, 4)), r"convert\(.L.\)"),
        (np.zeros((4, 4)), r"picture\[None\]"),
        (object(), "torch.Tensor"),
    ],
)
def test_what_is_no_picture_gets_a_sentence(given: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        rfviz.ColumnMatrix(given, rfviz.Conv2dSpec(1))


@pytest.mark.parametrize("seed", range(12))
def test_a_batch_is_what_unfold_gives(seed: int) -> None:
    case = random_case(seed)
    first = case.image if case.image.ndim == 3 else case.image[0]
    batch = torch.stack([first, first + 1, first * 2])
    matrices = rfviz.ColumnMatrices(batch, case.spec)
    expected = unfold_by_torch(batch, case.spec)
    torch.testing.assert_close(matrices.dense(), expected, rtol=0, atol=0)
    assert matrices.shape == tuple(matrices.dense().shape)


def test_a_batch_of_arrays_and_images_by_a_layer() -> None:
    layer = nn.Conv2d(3, 4, 3, padding=1)
    batch = torch.stack([PICTURE, PICTURE.flip(1)])
    images = [Image.fromarray(each.permute(1, 2, 0).numpy()) for each in batch]
    expected = unfolded(batch, layer)
    for given in (batch, batch.numpy(), images, list(batch)):
        matrices = rfviz.ColumnMatrices(given, layer)
        torch.testing.assert_close(matrices.dense().double(), expected)
        assert torch.equal(matrices[-1].dense(), matrices.dense()[1])
        assert len(list(matrices)) == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (PICTURE, "a batch"),
        ([PICTURE, PICTURE[:, :4]], "one shape"),
        ([], "none"),
        (PICTURE[None][:0], "no picture"),
    ],
)
def test_what_is_no_batch_gets_a_sentence(given: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        rfviz.ColumnMatrices(given, rfviz.Conv2dSpec(1))
    with pytest.raises(InputError, match="no picture 5"):
        rfviz.ColumnMatrices(PICTURE[None], rfviz.Conv2dSpec(1))[5]


class Balanced(HTMLParser):
    """Notes tags that are opened, and that each is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_notebook_shows_a_few_lines_of_each() -> None:
    spec = rfviz.Conv2dSpec(3, padding=1, stride=(1, 2))
    weight = torch.rand(2, 3, 3, 3)
    layer = nn.Sequential(nn.Conv2d(3, 4, 3))
    values: dict[str, Any] = {
        "stride": spec,
        "27 × 54": rfviz.ColumnMatrix(PICTURE, spec),
        "Column matrices": rfviz.ColumnMatrices(PICTURE[None], spec),
        "agree": rfviz.compare_with_conv2d(PICTURE, weight, spec=spec),
        "receptive field": rfviz.trace(layer, (3, 9, 9)),
    }
    for words, value in values.items():
        html = value._repr_html_()
        page = Balanced()
        page.feed(html)
        assert page.open == []
        assert page.seen <= {"p", "b", "table", "thead", "tbody", "tr", "th", "td"}
        assert words in html
        assert len(html) < 4000
    entries = values["27 × 54"][:6, :6].tolist()
    assert f"<th>row 4</th><td>{entries[4][0]}</td>" in values["27 × 54"]._repr_html_()


def test_a_few_lines_hold_no_markup_of_what_they_show() -> None:
    html = html_table("<b>", [("<i>", "</td><script>")])
    assert "<script" not in html
    assert "<i>" not in html
