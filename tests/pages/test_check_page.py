"""The check page: a row for each picture and type, one verdict, and reports to take away."""

import csv
import io
import json
from typing import Any

import torch
from opened import OpenedPage
from streamlit.testing.v1 import AppTest

import rfviz
from rfviz.check import LayerCheck, Row
from rfviz.export.report import report_csv, report_json
from rfviz.io.pictures.picture import picture_png
from rfviz.io.pictures.preprocessing import Preprocessing
from rfviz.ui.check.panels import table

DTYPES = ["float64", "float32", "bfloat16", "float16"]


def opened(address: dict[str, Any] | None = None) -> OpenedPage:
    page = OpenedPage("check", address)
    assert not page.at.exception
    return page


def shown(at: AppTest) -> dict[str, list[Any]]:
    frame = at.dataframe[0].value
    return {str(name): frame[name].tolist() for name in frame.columns}


def test_every_type_of_the_sidebar_s_picture_agrees() -> None:
    page = opened({"weights": "gaussian", "filters": "2", "kernel": "5"})
    rows = shown(page.at)
    assert rows["dtype"] == DTYPES
    assert rows["verdict"] == ["agrees"] * 4
    assert rows["allclose"] == [True] * 4
    assert page.at.success[0].value.startswith("All 4 checks agree")
    picture = rfviz.load_sample("glyph")
    spec = rfviz.Conv2dSpec(5, padding=1)
    weight = rfviz.filter_bank("gaussian", 5, 1, 2)
    row = LayerCheck(weight.double(), None, spec, Preprocessing(1.0)).row("Letter", picture)
    assert rows["largest absolute error"][0] == row.max_abs_error


def test_overflow_is_found_and_located() -> None:
    # 65,504 is the largest float16; what is added to it may be rounded away or overflow.
    page = opened({"with_bias": "true", "bias": "65504", "weights": "identity",
                   "check_dtypes": "float16", "sample": "glyph"})  # fmt: skip
    rows = shown(page.at)
    picture = rfviz.load_sample("glyph")[0]
    over = (picture.double() + 65504).half().isinf()
    assert rows["verdict"] == ["alike, NaN and infinite too"]
    assert rows["infinite"] == [int(over.sum())]
    assert rows["NaN"] == [0]
    first = ", ".join(map(str, [0, *over.nonzero()[0].tolist()]))
    assert rows["first at (filter, row, column)"] == [first]
    assert "float16" in page.errors[0]
    assert f"({first})" in page.errors[0]


def test_uploads_are_checked_and_what_is_no_picture_is_a_row() -> None:
    page = opened({"check_dtypes": "float32"})
    grey = picture_png(torch.randint(0, 256, (1, 9, 8), dtype=torch.uint8))
    colour = picture_png(torch.randint(0, 256, (3, 9, 8), dtype=torch.uint8))
    page.at.file_uploader("check_upload").set_value(
        [("a.png", grey, "image/png"), ("b.png", b"no picture", "image/png"),
         ("c.png", colour, "image/png")]
    )  # fmt: skip
    page.run()
    rows = shown(page.at)
    assert rows["picture"] == ["Letter", "a.png", "b.png", "c.png"]
    assert rows["verdict"] == ["agrees", "agrees", "not checked", "not checked"]
    assert "3 channels and the weight reads 1" in rows["why not checked"][3]
    assert "2 of 4 could not be checked" in page.errors[0]
    page.at.selectbox(key="check_channels").select("grey")
    page.run()
    assert shown(page.at)["verdict"] == ["agrees", "agrees", "not checked", "agrees"]


def test_preprocessing_is_that_of_the_code_shown() -> None:
    page = opened({"sample": "scene", "reduce": "16", "check_values": "ImageNet",
                   "check_dtypes": "float64"})  # fmt: skip
    code = str(page.at.code[0].value)
    assert "0.485, 0.456, 0.406" in code
    picture = torch.randint(0, 256, (3, 4, 4), dtype=torch.uint8)
    names: dict[str, Any] = {"torch": torch, "picture": picture}
    exec(code, names)  # noqa: S102 - our own text
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = (picture / 255 - mean[:, None, None]) / std[:, None, None]
    torch.testing.assert_close(names["x"], expected)
    assert "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225" in str(page.at.code[-1].value)


def test_resize_and_crop_are_those_of_the_code_shown() -> None:
    page = opened({"sample": "scene", "check_values": "0 to 1",
                   "check_grey": "true", "check_resize": "64", "check_crop": "32, 48",
                   "weights": "gaussian"})  # fmt: skip
    assert "1 channel" in shown(page.at)["why not checked"][0]
    page.at.selectbox(key="check_channels").select("repeat")
    page.run()
    assert shown(page.at)["verdict"] == ["agrees"] * len(DTYPES)
    picture = rfviz.load_sample("scene")
    names: dict[str, Any] = {"torch": torch, "picture": picture}
    exec(str(page.at.code[0].value), names)  # noqa: S102 - our own text
    preprocessing = Preprocessing(255.0, grey=True, resize=64, crop=(32, 48))
    ours = preprocessing.values(1, torch.float32)(preprocessing.part(picture))
    assert ours.shape == (1, 32, 48)
    torch.testing.assert_close(names["x"], ours, rtol=0, atol=0)
    command = str(page.at.code[-1].value)
    assert all(option in command for option in ("--grey", "--resize 64 --crop 32,48"))
    page = opened({"check_crop": "99"})
    assert "A crop of 99 × 99 is larger than the picture of 28 × 28" in page.errors[0]
    page = opened({"check_resize": "0"})
    assert page.errors[0].startswith("Resize to takes one or two whole numbers from 1 to 20,000")


def test_wrong_numbers_are_a_sentence() -> None:
    page = opened({"check_values": "mean and std", "check_mean": "half"})
    assert page.errors == [
        "Mean must be numbers with commas between, such as 0.485, 0.456, 0.406; got 'half'."
    ]
    page = opened({"check_values": "mean and std", "check_std": "0"})
    assert "must be larger than 0" in page.errors[0]
    page = opened({"check_values": "mean and std", "check_mean": "1,2"})
    assert "could not be checked" in page.errors[0]


def test_no_type_is_a_sentence() -> None:
    page = opened()
    page.at.multiselect(key="check_dtypes").set_value([])
    page.run()
    assert page.errors == ["No type is chosen."]
    assert not page.at.dataframe


def test_reports_tell_types_and_kinds_apart() -> None:
    overflow = Row("a.png", "float16", allclose=True, n_not_finite=5, n_nan=2)
    rows = [overflow, Row("b.png", "float32", error="No.")]
    lines = list(csv.DictReader(io.StringIO(report_csv(rows))))
    assert [(line["picture"], line["dtype"], line["n_nan"]) for line in lines] == [
        ("a.png", "float16", "2"), ("b.png", "float32", "0"),
    ]  # fmt: skip
    document = json.loads(report_json(rows, {}, complete=False))
    assert [each["dtype"] for each in document["pictures"]] == ["float16", "float32"]
    assert table(rows)["infinite"] == [3, None]
