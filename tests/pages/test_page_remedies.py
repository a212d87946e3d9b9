"""What does not fit is said with its numbers, and each remedy's button mends it."""

from typing import Any

import pytest
from opened import PAGES, OpenedPage
from torch_answers import address_of

WAITING = {"receptive_field": 5, "column_matrix": 5, "matmul": 5}

# Each: the parameters, what the sentence says, and whether a button can mend it.
MISFITS: dict[str, tuple[dict[str, Any], tuple[str, ...], bool]] = {
    "kernel larger than the picture": (
        {"sample": "address", "kernel": 16, "dilation": 2, "padding": 0},
        ("16 × 16 kernel with dilation 2 × 2 spans 31 × 31", "16 × 16 pixels"), True,
    ),
    "kernel larger, with stride 2": (
        {"sample": "address", "kernel": 16, "stride": 2, "dilation": 2, "padding": 3},
        ("spans 31 × 31", "with its padding, 22 × 22"), True,
    ),
    "kernel larger in width alone": (
        {"sample": "address", "kernel": (3, 16), "dilation": (1, 3), "padding": (1, 2)},
        ("A 3 × 16 kernel with dilation 1 × 3 spans 3 × 46", "18 × 20"), True,
    ),
    "kernel larger than a region": (
        {"region": True, "region_top": 3, "region_left": 3, "region_height": 2, "region_width": 9,
         "kernel": 5, "padding": 0},
        ("spans 5 × 5", "picture of 2 × 9"), True,
    ),
    "kernel larger, padding per side": (
        {"sample": "address", "kernel": 16, "dilation": 2, "padding_kind": "per side",
         "pad_top": 1, "pad_bottom": 2, "pad_left": 3, "pad_right": 0},
        ("spans 31 × 31", "with its padding, 19 × 19"), True,
    ),
    "kernel larger, valid": (
        {"sample": "address", "kernel": 16, "dilation": 3, "padding_kind": "valid"},
        ("spans 46 × 46", "with its padding, 16 × 16"), True,
    ),
    "reflect padding too large": (
        {"sample": "address", "padding": 16, "padding_mode": "reflect"},
        ("Reflect padding must be smaller", "padding 16", "16 × 16 pixels"), True,
    ),
    "reflect padding of one row": (
        {"region": True, "region_top": 5, "region_left": 5, "region_height": 1, "region_width": 9,
         "padding_mode": "reflect"},
        ("Reflect padding must be smaller", "padding 1", "1 × 9 pixels"), True,
    ),
    "circular padding too large": (
        {"sample": "address", "padding_kind": "per side", "pad_left": 17, "pad_right": 0,
         "padding_mode": "circular"},
        ("Circular padding must be no larger", "(17, 0)", "16 × 16"), True,
    ),
    "same, reflected, too large": (
        {"sample": "address", "kernel": 16, "dilation": 8, "padding_kind": "same",
         "padding_mode": "reflect"},
        ("Reflect padding must be smaller", "padding 60"), True,
    ),
    "same with stride": (
        {"stride": 2, "padding_kind": "same"},
        ("padding 'same' needs stride 1", "stride 2 × 2"), True,
    ),
    "same with stride, large kernel": (
        {"stride": (1, 3), "padding_kind": "same", "kernel": (16, 1), "dilation": (8, 1),
         "weights": "random"},
        ("padding 'same' needs stride 1", "stride 1 × 3"), True,
    ),
    "groups that do not divide the channels": (
        {"sample": "scene", "reduce": 40, "groups": 2, "filters": 4},
        ("2 groups must divide the channels evenly", "3 in_channels"), True,
    ),
    "groups that do not divide the filters": (
        {"sample": "scene", "reduce": 40, "groups": 3, "filters": 4},
        ("3 groups", "4 out_channels"), True,
    ),
    "groups of a grey picture": ({"groups": 64}, ("64 groups", "1 in_channels"), True),
    "Sobel of one tap": ({"kernel": 1}, ("sobel-x", "1 × 1 does not make sense"), False),
    "Gabor of two rows": (
        {"kernel": (2, 7), "weights": "gabor"}, ("gabor", "2 × 7 does not make sense"), False,
    ),
    "bias beyond float16": (
        {"with_bias": True, "bias": 1e6, "dtype": "float16"},
        ("bias is 1,000,000", "float16 ends at 65,504"), False,
    ),
    "region outside the picture": (
        {"region": True, "region_top": 20, "region_height": 64},
        ("64 rows from row 20", "rows 0 to 27"), False,
    ),
    "region far outside": (
        {"region": True, "region_top": 100_000, "region_left": 99_999, "region_height": 1,
         "region_width": 1},
        ("row 100,000", "0 to 27"), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", MISFITS)
def test_misfit_is_said_and_the_panels_wait(name: str, page: str) -> None:
    parameters, parts, mendable = MISFITS[name]
    found = OpenedPage(page, address_of(parameters))
    found.check_answers()
    sentence = " ".join(found.errors)
    assert [part for part in parts if part not in sentence] == []
    assert found.panels == {}
    assert len(found.at.info) == WAITING[page]
    assert all("waits until" in str(info.value) for info in found.at.info)
    assert bool(found.remedies) == mendable


@pytest.mark.parametrize("name", [name for name, case in MISFITS.items() if case[2]])
def test_each_remedy_mends_it_and_changes_only_what_it_says(name: str) -> None:
    address = address_of(MISFITS[name][0])
    found = OpenedPage(address=address)
    for place, label in enumerate(found.remedies):
        if place:
            found = OpenedPage(address=address)
        before = found.bound_widgets()
        found.at.button(f"remedy-{place}").click()
        found.run()
        found.check_answers()
        assert found.errors == [], label
        assert found.remedies == []
        assert {"input", "vector", "patch"} <= found.panels.keys()
        assert not _changed_beside(label, before, found.bound_widgets())


def _changed_beside(label: str, before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Widgets with another value, other than those that the label speaks of."""
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    words = ("kernel", "padding", "stride", "dilation", "groups", "filters", "mode")
    stems = {word.removesuffix("ding") for word in words if word in label}
    # Pairs that become equal, or stop being so, switch between one slider and two.
    return {key for key in changed if key != "separate" and not any(s in key for s in stems)}


def test_region_and_named_kernel_say_what_to_do() -> None:
    page = OpenedPage(address={"kernel": "1"})
    advice = " ".join(str(text.value) for text in page.at.markdown)
    assert "Set the kernel size to 3 × 3, or choose another kernel" in advice
    page = OpenedPage(address={"region": "true", "region_top": "20"})
    advice = " ".join(str(text.value) for text in page.at.markdown).replace("\\", "")
    assert "Take at most 8 rows from row 20 on" in advice


def test_mended_by_hand_the_page_comes_back_whole() -> None:
    page = OpenedPage(address={"sample": "address", "kernel": "16", "dilation": "3"})
    assert page.errors
    page.at.slider("dilation").set_value(1)
    page.run()
    page.check_answers()
    assert page.errors == []
    assert page.at.info.len == 0
