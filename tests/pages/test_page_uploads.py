"""Photographs that a person brings: the same numbers, and a sentence where there is none yet."""

import io
from typing import Any

import numpy as np
import pytest
import skimage
import torch
from chosen_parameters import answers_to
from opened import PAGES, OpenedPage
from PIL import Image
from torch import Tensor
from torch.testing import assert_close

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def photograph() -> Image.Image:
    pixels = skimage.data.astronaut()[40:240, 100:380]  # type: ignore[no-untyped-call]
    return Image.fromarray(np.ascontiguousarray(pixels))


def file_of(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels_of(data: bytes) -> Tensor:
    """As Pillow alone reads it, (C, H, W)."""
    pixels = torch.from_numpy(np.array(Image.open(io.BytesIO(data))))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)


def upload(page: OpenedPage, *files: tuple[str, bytes]) -> OpenedPage:
    page.at.file_uploader("upload").set_value([(name, data, "image/png") for name, data in files])
    page.run()
    return page


@pytest.mark.parametrize("kind", KINDS)
def test_photograph_gives_torchs_numbers(kind: str) -> None:
    data = file_of(photograph(), kind)
    page = OpenedPage(address={"source": "Upload", "kernel": "5", "padding": "2"})
    upload(page, (f"astronaut.{kind.lower()}", data))
    page.check_answers()
    assert page.errors == []
    answers = answers_to({"kernel": 5, "padding": 2}, pixels_of(data))
    expected = answers.padded.to(torch.uint8)
    assert_close(page.panels["input"].picture(), expected, rtol=0, atol=0)
    row, column = page.place
    assert (row, column) == (100, 140)
    answers.assert_close(page.conductor["value"], answers.output[0, row, column])


def test_same_upload_on_every_page() -> None:
    data = file_of(photograph(), "PNG")
    page = upload(OpenedPage(address={"source": "Upload"}), ("astronaut.png", data))
    answers = answers_to({}, pixels_of(data))
    for name in PAGES[1:]:
        page.turn_to(name)
        page.check_answers()
        row, column = page.place
        answers.assert_close(page.conductor["value"], answers.output[0, row, column])
    assert f"{answers.output.numel():,} outputs" in page.at.success[0].value


def test_region_grey_and_reduction_of_an_upload() -> None:
    chosen = {
        "region": True, "region_top": 30, "region_left": 81, "region_height": 99,
        "region_width": 120, "grey": True, "reduce": 4,
    }  # fmt: skip
    data = file_of(photograph(), "PNG")
    address = {name: str(value).lower() for name, value in chosen.items()}
    page = upload(OpenedPage(address=address | {"source": "Upload"}), ("photo.png", data))
    answers = answers_to(chosen, pixels_of(data))
    expected = answers.padded.to(torch.uint8)
    assert_close(page.panels["input"].picture(), expected, rtol=0, atol=0)


def test_one_of_several_uploads_is_chosen_by_name() -> None:
    files = [file_of(photograph().rotate(angle), "PNG") for angle in (0, 90, 180)]
    page = OpenedPage(address={"source": "Upload", "padding": "0"})
    upload(page, *(("same name.png", data) for data in files))
    picker = page.at.selectbox("picked")
    assert picker.options == [f"{number}. same name.png" for number in (1, 2, 3)]
    for number, data in enumerate(files, 1):
        page.at.selectbox("picked").set_value(f"{number}. same name.png")
        page.run()
        assert_close(page.panels["input"].picture(), pixels_of(data), rtol=0, atol=0)


def test_new_upload_replaces_the_last_and_none_brings_the_sample_back() -> None:
    first, second = file_of(photograph(), "PNG"), file_of(photograph().rotate(180), "PNG")
    page = upload(OpenedPage(address={"source": "Upload", "padding": "0"}), ("a.png", first))
    upload(page, ("a.png", second))
    assert_close(page.panels["input"].picture(), pixels_of(second), rtol=0, atol=0)
    page.at.file_uploader("upload").clear()
    page.run()
    assert page.panels["input"].picture().shape == (1, 28, 28)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("source", "why"), [("Camera", "No photo taken yet"), ("Upload", "No picture uploaded yet")]
)
def test_without_a_picture_a_sample_stands_in_and_says_so(page: str, source: str, why: str) -> None:
    found = OpenedPage(page, {"source": source})
    found.check_answers()
    assert found.errors == []
    assert f"{why}: a sample stands in." in " ".join(found.captions)
    assert found.scene["spec"]["inputSize"] == [28, 28]


def test_photo_of_the_camera() -> None:
    data = file_of(photograph(), "JPEG")
    page = OpenedPage(address={"source": "Camera", "padding": "0"})
    page.at.camera_input("camera").set_value(("shot.jpg", data, "image/jpeg"))
    page.run()
    page.check_answers()
    assert_close(page.panels["input"].picture(), pixels_of(data), rtol=0, atol=0)


def test_upload_turned_by_its_exif_orientation_stands_upright() -> None:
    exif = Image.Exif()
    exif[274] = 6
    page = OpenedPage(address={"source": "Upload", "padding": "0"})
    upload(page, ("turned.png", file_of(photograph(), "PNG", exif=exif)))
    upright = pixels_of(file_of(photograph().rotate(-90, expand=True), "PNG"))
    assert_close(page.panels["input"].picture(), upright, rtol=0, atol=0)


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>.png",
        "**bold** `code` [a](b).png",
        "\u202egnp.exe.png",
        "a" * 5000 + ".png",
    ],
)
def test_any_file_name_is_taken_as_text(name: str) -> None:
    data = file_of(photograph(), "PNG")
    page = OpenedPage(address={"source": "Upload"})
    upload(page, (name, data), (name, b"no picture"))
    page.check_answers()
    assert page.errors == []
    page.at.selectbox("picked").set_value(f"2. {name}")
    page.run()
    page.check_answers()
    assert page.errors


@pytest.mark.parametrize("page", PAGES)
def test_bad_file_is_said_and_no_choice_is_lost_by_it(page: str) -> None:
    found = OpenedPage(page, {"source": "Upload", "kernel": "5", "grey": "true", "reduce": "2"})
    upload(found, ("broken.png", file_of(photograph(), "PNG")[:500]))
    found.check_answers()
    assert "ends too early" in " ".join(found.errors)
    assert "goes on with the picture before it: Letter" in " ".join(found.captions)
    assert found.scene["spec"]["inputSize"] == [14, 14]
    kept = found.bound_widgets()
    assert (kept["kernel"], kept["grey"], kept["reduce"]) == (5, True, 2)
    upload(found, ("whole.png", file_of(photograph(), "PNG")))
    found.check_answers()
    assert found.errors == []
    kept = found.bound_widgets()
    assert (kept["kernel"], kept["grey"], kept["reduce"]) == (5, True, 2)
    assert found.scene["spec"]["inputSize"] == [100, 140]
    upload(found, ("letter.pdf", b"%PDF-1.7"))
    assert "a PDF document" in " ".join(found.errors)
    assert "goes on with the picture before it: whole.png" in " ".join(found.captions)
    assert found.scene["spec"]["inputSize"] == [100, 140]
