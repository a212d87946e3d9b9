"""The responses page: maps, and the receptive fields of a search, against torch."""

import pytest
import torch
import torch.nn.functional as F
from opened import OpenedPage

import rfviz
from rfviz.conv.feature_maps.strongest import strongest_fields
from rfviz.io.pictures.picture import picture_png

GABOR = {"weights": "gabor", "filters": "4", "kernel": "5"}


def opened(address: dict[str, str]) -> OpenedPage:
    page = OpenedPage("responses", address)
    assert not page.at.exception
    return page


def test_the_answers_are_those_of_the_search() -> None:
    page = opened({**GABOR, "filter": "2", "answers_shown": "3"})
    assert not page.errors
    picture = rfviz.load_sample("glyph").float()
    spec = rfviz.Conv2dSpec(5, padding=1)
    weight = rfviz.filter_bank("gabor", 5, 1, 4)
    frame = page.at.dataframe[0].value
    expected = [
        response
        for largest in (True, False)
        for response in strongest_fields([picture], weight, None, spec, k=3, largest=largest)[2]
    ]
    assert frame["rank"].tolist() == ["1", "2", "3", "−1", "−2", "−3"]
    assert frame["response"].tolist() == [response.value for response in expected]
    places = zip(frame["output row"].tolist(), frame["output column"].tolist(), strict=True)
    assert list(places) == [response[2:] for response in expected]
    page.at.slider(key="answers_shown").set_value(1)
    page.run()
    assert len(page.at.dataframe[0].value) == 2


def test_every_upload_is_searched_and_another_kind_is_left_out() -> None:
    torch.manual_seed(0)
    pictures = [torch.randint(0, 256, (3, 40, 30), dtype=torch.uint8) for _ in range(2)]
    pictures[1][:, 20:26, 9:15] = 255
    grey = torch.randint(0, 256, (1, 9, 8), dtype=torch.uint8)
    page = opened({"source": "Upload", "weights": "box", "answers_shown": "2"})
    files = [("a.png", pictures[0]), ("b.png", pictures[1]), ("c.png", grey)]
    page.at.file_uploader("upload").set_value(
        [(name, picture_png(pixels), "image/png") for name, pixels in files]
    )
    page.run()
    frame = page.at.dataframe[0].value
    assert frame["picture"].tolist()[0] == "2. b.png"
    weight = rfviz.filter_bank("box", 3, 3, 1)
    maps = [F.conv2d(each[None].float(), weight, padding=1)[0, 0] for each in pictures]
    assert frame["response"].tolist()[0] == pytest.approx(max(m.max().item() for m in maps))
    assert frame["response"].tolist()[2] == pytest.approx(min(m.min().item() for m in maps))
    assert "c.png" in page.at.warning[0].value
    assert "channel" in page.at.warning[0].value


def test_grey_repeated_and_many_filters() -> None:
    page = opened({"weights": "random", "filters": "40", "filter": "39", "kernel": "3"})
    assert not page.errors
    assert len(page.at.dataframe[0].value) == 12
