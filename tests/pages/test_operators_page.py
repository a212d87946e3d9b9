"""The operators page: maps as torch has them, owner's operators with their mistakes, and code."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from opened import OpenedPage

import rfviz
from rfviz.conv.operators.catalogue import OPERATORS

PANELS = {"operator", "convolution", "operator-difference", "operator-histogram", "input"}
PLAIN = {"operator_shown": "values", "sample": "address", "kernel": "3", "dtype": "float64"}
OWN = """
import rfviz


@rfviz.operator(title="Doubled", parameters={"times": (2, 0.5, 9), "shift": (0.0, -1.0, 1.0)})
def doubled(patches, weight, times, shift):
    return times * (weight @ patches) + shift
"""


def opened(address: dict[str, Any] | None = None) -> OpenedPage:
    page = OpenedPage("operators", address)
    page.check_answers()
    return page


def code_of(page: OpenedPage, words: str) -> str:
    return next(str(code.value) for code in page.at.code if words in code.value)


def test_page_opens_with_maps_steps_verdict_and_code() -> None:
    page = opened()
    assert set(page.panels) == PANELS
    assert not page.errors
    kinds = {name: page.panels[name].header["kind"] for name in PANELS}
    assert kinds == dict.fromkeys(PANELS, "output") | {
        "operator-histogram": None, "input": "input"
    }  # fmt: skip
    assert set(page.conductor["expected"]) == PANELS - {"input"}
    assert "it can be trained" in page.at.success[0].value


def test_maps_are_those_of_torch() -> None:
    page = opened(PLAIN | {"operator": "adder", "stride": "2", "padding": "2"})
    picture = rfviz.load_sample("address").double()
    weight = rfviz.filter_bank("sobel-x", 3, 1, 1, dtype=torch.float64)
    fields = F.unfold(picture[None], 3, padding=2, stride=2)[0]
    adder = -torch.cdist(weight.flatten(1), fields.T, p=1)
    conv = F.conv2d(picture[None], weight, stride=2, padding=2)[0, 0]
    adder = adder.view(conv.shape)
    torch.testing.assert_close(page.panels["operator"].z().double(), adder)
    torch.testing.assert_close(page.panels["convolution"].z().double(), conv)
    torch.testing.assert_close(page.panels["operator-difference"].z().double(), adder - conv)
    scales = [page.panels[name].figure["data"][0]["zmax"] for name in ("operator", "convolution")]
    assert scales[0] == scales[1] == max(adder.abs().max(), conv.abs().max())


def test_standard_scores_have_mean_zero_and_deviation_one() -> None:
    page = opened(PLAIN | {"operator_shown": "standard scores", "operator": "gaussian-kernel",
                           "values": "0 to 1"})  # fmt: skip
    for name in ("operator", "convolution"):
        scores = page.panels[name].z().double()
        assert float(scores.mean()) == pytest.approx(0, abs=1e-6)
        assert float(scores.std(correction=0)) == pytest.approx(1, abs=1e-6)


def test_groups_and_bias_are_those_of_the_chosen_filter() -> None:
    page = opened({"sample": "scene", "reduce": "16", "groups": "3", "filters": "3", "filter": "2",
                   "operator": "max-pooling", "with_bias": "true", "bias": "5", "kernel": "2",
                   "padding": "0", "operator_shown": "values", "dtype": "float64"})  # fmt: skip
    picture = rfviz.load_sample("scene").double().unfold(1, 16, 16).unfold(2, 16, 16).mean((3, 4))
    expected = F.max_pool2d(picture[2:].round(), 2, 1)[0] + 5
    torch.testing.assert_close(
        page.panels["operator"].z().double(), expected, rtol=0, atol=1.0 + 1e-6
    )


@pytest.mark.parametrize("entry", OPERATORS, ids=lambda each: each.name)
def test_every_operator_gives_maps_and_code(entry: Any) -> None:
    page = opened({"operator": entry.name.replace("_", "-"), "operator_mask": "random pixels"})
    assert set(page.panels) == PANELS
    assert not page.errors
    if entry.reads.is_plain:
        assert f"def {entry.name}(" in code_of(page, "class ")
    else:
        assert f"'{entry.name}', spec" in code_of(page, "rfviz.OperatorConv2d(")
    assert "The operator gives" in code_of(page, "nn.Conv2d gives")


def test_an_operator_of_the_owner_is_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    monkeypatch.setenv("RFVIZ_OPERATORS", str(path))
    page = opened(PLAIN | {"operator": "doubled", "operator_doubled_times": "3"})
    times = page.at.number_input(key="operator_doubled_times")
    assert (times.value, times.min, times.max) == (3, 1, 9)
    conv, own = page.panels["convolution"].z(), page.panels["operator"].z()
    torch.testing.assert_close(own, 3 * conv)
    path.write_text(OWN.replace("+ shift", "+ 7"))
    page.run()
    torch.testing.assert_close(page.panels["operator"].z(), 3 * conv + 7)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1 / 0", "failed at line 1 of own"),
        ("import rfviz\n@rfviz.operator()\ndef f(patches, weight):\n    return patches",
         "must give (filters, n)"),
        ("x = 1", "makes no operator"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_a_sentence_and_the_page_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    path = tmp_path / "own.py"
    path.write_text(code)
    monkeypatch.setenv("RFVIZ_OPERATORS", str(path))
    page = opened({"operator": "f"})
    assert page.errors[0].startswith("The operators named by RFVIZ_OPERATORS are left out.")
    assert words in page.errors[0]
    assert set(page.panels) == PANELS


def test_a_missing_file_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RFVIZ_OPERATORS", str(tmp_path / "none.py"))
    page = opened()
    assert "No such file" in page.errors[0]
    assert set(page.panels) == PANELS


def test_a_function_that_fails_on_the_picture_alone_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        "import rfviz\n@rfviz.operator()\ndef odd(patches, weight):\n"
        "    if patches.shape[1] > 9:\n        raise RuntimeError('too many')\n"
        "    return weight @ patches"
    )
    monkeypatch.setenv("RFVIZ_OPERATORS", str(path))
    page = opened({"operator": "odd"})
    assert any("RuntimeError" in error and "too many" in error for error in page.errors)
    assert set(page.panels) == {"input"}
    page.run()
    assert any("too many" in error for error in page.errors)
    assert not any(caption.endswith("done.") for caption in page.captions)
    said = {each["message"] for each in page.conductor["expected"].values()}
    assert said == {"Nothing to show: the reason is above."}


def test_a_slow_function_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    monkeypatch.setenv("RFVIZ_OPERATORS", str(path))
    monkeypatch.setattr("rfviz.ui.operators.panels.SECONDS_ALLOWED", 1e-9)
    page = opened({"operator": "doubled"})
    assert any("is too slow for this picture" in error for error in page.errors)
    assert set(page.panels) == {"input"}
    assert set(opened({"operator": "adder"}).panels) == PANELS


def test_nonsense_in_the_address_falls_back() -> None:
    page = opened({"operator": "none", "operator_shown": "x", "operator_cosine_similarity_eps": "9",
                   "operator_mask": "?", "operator_unknown": "inf"})  # fmt: skip
    assert page.at.selectbox(key="operator").value == "cosine-similarity"
    assert page.at.number_input(key="operator_cosine_similarity_eps").value == 1e-8
