"""A link made with a file says which file to supply, and what leaves with a file is said."""

import io
from typing import Any

import pytest
import torch
from opened import PAGES, OpenedPage
from PIL import Image
from torch import nn

PICTURE = {"source": "Upload"}
WEIGHTS = {"weights_source": "File", "sample": "scene", "reduce": "20"}


def png(side: int = 9) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side), (9, 90, 200)).save(stream, "png")
    return stream.getvalue()


def weights(side: int, seed: int = 0) -> bytes:
    torch.manual_seed(seed)
    stream = io.BytesIO()
    layers = nn.Sequential(nn.Conv2d(3, 4, side), nn.ReLU(), nn.Conv2d(3, 6, side))
    torch.save(layers.state_dict(), stream)
    return stream.getvalue()


def with_picture(page: OpenedPage, name: str, data: bytes) -> OpenedPage:
    page.at.file_uploader("upload").set_value([(name, data, "image/png")])
    return page.run()


def with_weights(page: OpenedPage, name: str, data: bytes) -> OpenedPage:
    page.at.file_uploader("weights_file").set_value((name, data, "application/octet-stream"))
    return page.run()


def address_of(page: OpenedPage) -> dict[str, Any]:
    """What a browser would show: bound widgets, and the files that the script itself wrote."""
    own = {key: value for key, value in page.at.query_params.items()
           if key in {"picture_file", "weights_of"}}  # fmt: skip
    return page.address() | {key: value[-1] if isinstance(value, list) else value
                             for key, value in own.items()}  # fmt: skip


def warned(page: OpenedPage) -> str:
    """All warnings, as a person reads them."""
    text = " ".join(str(each.value) for each in page.at.warning)
    return text.replace("\\", "").replace("\u2060", "")


def captions(page: OpenedPage) -> str:
    return " ".join(page.captions).replace("\\", "").replace("\u2060", "")


@pytest.mark.parametrize("name", ["photo.png", "zwei Wörter & mehr=1?.png", "*fett* [x](y).png"])
def test_a_link_says_which_picture_to_supply(name: str) -> None:
    data = png()
    first = with_picture(OpenedPage(PAGES[0], PICTURE), name, data)
    address = address_of(first)
    assert address["picture_file"] == f"{len(data)} {name}"
    opened = OpenedPage(PAGES[0], address)
    assert f"the picture '{name}' of {len(data):,} bytes" in warned(opened)
    assert warned(with_picture(opened, name, data)) == ""
    assert "The link was made with" not in captions(opened)


def test_another_file_than_the_link_was_made_with_is_told() -> None:
    opened = OpenedPage(PAGES[0], PICTURE | {"picture_file": "77 photo.png"})
    with_picture(opened, "other.png", png(11))
    assert "made with 'photo.png' of 77 bytes; this is 'other.png' of" in captions(opened)


def test_a_link_says_which_weights_file_to_supply() -> None:
    data = weights(5)
    first = with_weights(OpenedPage(PAGES[0], WEIGHTS), "net.pt", data)
    address = address_of(first)
    assert address["weights_of"] == f"{len(data)} net.pt"
    opened = OpenedPage(PAGES[0], address)
    assert f"the weights file 'net.pt' of {len(data):,} bytes" in warned(opened)
    opened.turn_to("matmul")
    assert "'net.pt'" in warned(opened)
    assert address_of(opened)["weights_of"] == address["weights_of"]


@pytest.mark.parametrize("said", ["", "photo.png", "-1 a", "9" * 40 + " a", "5 " + "a" * 5000,
                                  "5 a\nb", "5 "])  # fmt: skip
def test_what_no_page_has_written_names_no_file(said: str) -> None:
    opened = OpenedPage(PAGES[0], PICTURE | {"picture_file": said})
    opened.check_answers()
    assert warned(opened) == ""


def test_a_file_that_is_not_shown_is_not_in_the_address() -> None:
    page = with_picture(OpenedPage(PAGES[0], PICTURE), "photo.png", png())
    assert "picture_file" in address_of(page)
    page.at.session_state["source"] = "Sample"
    assert "picture_file" not in address_of(page.run())


def test_ones_own_kernel_comes_back_after_a_file_and_that_is_said() -> None:
    page = OpenedPage(PAGES[0], WEIGHTS | {"kernel": "7"})
    with_weights(page, "net.pt", weights(5))
    assert page.scene["spec"]["kernel"] == [5, 5]
    page.at.session_state["weights_source"] = "Named"
    page.run()
    assert page.scene["spec"]["kernel"] == [7, 7]
    sentence = "Your own again: kernel size 7 × 7; the weights file had 5 × 5."
    assert sentence in captions(page)
    page.at.slider("kernel").set_value(4)
    assert sentence not in captions(page.run())


def test_a_layer_is_given_back_for_its_own_file_only() -> None:
    one, other = weights(3), weights(3, seed=8)
    page = with_weights(OpenedPage(PAGES[0], WEIGHTS), "one.pt", one)
    page.at.selectbox("layer").set_value("2.weight")
    page.at.toggle("without_bias").set_value(True)
    page.run().run()
    with_weights(page, "other.pt", other)
    page.at.selectbox("layer").set_value("0.weight")
    page.at.toggle("without_bias").set_value(False)
    page.run().run()
    with_weights(page, "one.pt", one)
    bound = page.bound_widgets()
    assert (bound["layer"], bound["without_bias"]) == ("2.weight", True)
