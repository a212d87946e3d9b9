"""Words and numbers that must not mislead: signs of factors, remedies that are wished for."""

import re
from pathlib import Path

import pytest
from opened import OpenedPage
from torch import nn

from rfviz import Conv2dSpec, InputError, load_operators
from rfviz.ui.operators.panels import OWN_FILE


def said(page: OpenedPage) -> str:
    """All sentences of a page, without what escapes Markdown."""
    found = [*page.at.markdown, *page.at.caption, *page.at.info, *page.at.success]
    return "\n".join(str(each.value) for each in found).replace("\\", "")


@pytest.mark.parametrize(("kernel", "factor"), [("-1 0\n0 0", "−1"), ("2 0\n0 0", "2")])
def test_what_an_even_picture_is_multiplied_by_has_a_sign(kernel: str, factor: str) -> None:
    address = {"weights_source": "By hand", "hand": kernel, "kernel": 2, "sample": "digit"}
    page = OpenedPage("filters", address)
    assert f"An even picture is multiplied by **{factor}**." in said(page)
    assert ("the kernel smooths" in said(page)) == (factor == "2")


def test_one_group_for_each_channel_offers_as_many_filters() -> None:
    page = OpenedPage("receptive_field", {"groups": 3, "filters": 1, "sample": "scene"})
    labels = [label.replace("\\", "") for label in page.remedies]
    assert labels[0] == "Set filters to 3, one for each channel: a depthwise convolution"
    assert "Set groups to 1" in labels
    page.at.button(key="remedy-0").click()
    page.run()
    assert page.errors == []
    assert page.scene["filter"]["count"] == 3


@pytest.mark.parametrize(
    ("groups", "channels", "filters", "wanted"), [(3, 3, 1, 3), (4, 8, 6, 8), (2, 6, 3, 4)]
)
def test_filters_that_the_remedy_sets_are_taken_by_torch(
    groups: int, channels: int, filters: int, wanted: int
) -> None:
    spec = Conv2dSpec(3, groups=groups)
    with pytest.raises(InputError) as caught:
        spec.check_channels(channels, filters)
    first = caught.value.remedies[0]
    assert first.changes["out_channels"] == wanted
    assert ("depthwise" in first.label) == (groups == channels == wanted)
    nn.Conv2d(channels, wanted, 3, groups=groups)
    assert re.match(r"Set filters to \d+", first.label)


def test_the_number_of_the_chosen_outputs_column_stands_in_a_sentence() -> None:
    page = OpenedPage("column_matrix", {"sample": "digit", "row": 3, "column": 5, "stride": 2})
    width = page.conductor["scene"]["columnShape"][1]
    assert "column 47" in said(page).replace("*", "")
    assert 3 * 14 + 5 == 47 < width


def test_cancelled_sums_are_judged_by_the_bound_and_not_by_ulp() -> None:
    page = OpenedPage("matmul", {"sample": "digit", "weights": "random", "kernel": 9})
    labels = {metric.label: metric.value for metric in page.at.metric}
    share = float(labels["Of what rounding may do there"].rstrip("%"))
    assert 0 <= share < 100
    if float(labels["Largest absolute error"].replace("−", "-")) > 0:
        assert share > 0
        assert "ULP say nothing" in said(page)


def test_thumbnails_say_what_their_numbers_are_and_where_they_lie_in_the_picture() -> None:
    page = OpenedPage("responses", {"sample": "digit", "stride": 2, "kernel": 5})
    found = [str(each.value) for each in page.at.caption if "\noutput (" in str(each.value)]
    assert found
    for text in found:
        numbers = [
            int(n.replace("−", "-")) for n in re.findall(r"[−-]?\d+", text.split("output")[1])
        ]
        row, column, top, bottom, left, right = numbers
        assert (top, bottom) == (2 * row - 1, 2 * row + 3)
        assert (left, right) == (2 * column - 1, 2 * column + 3)
    heads = [str(each.value) for each in page.at.subheader]
    assert not any("least strongly" in head for head in heads)


def test_a_solution_is_there_before_an_answer_and_is_no_answer_at_once() -> None:
    page = OpenedPage("practice")
    page.at.button(key="practice-reveal").click()
    page.run()
    assert page.at.code
    progress = next(iter(page.at.session_state["practice"].values()))
    assert progress.seen_before == {0}


def test_the_page_operators_says_whose_number_is_large_and_how_to_add_one(tmp_path: Path) -> None:
    page = OpenedPage("operators", {"sample": "digit", "with_bias": "true"})
    assert "standard convolution's**, not the operator's" in said(page)
    assert "bias is added to its result" in said(page)
    assert OWN_FILE in [code.value + "\n" for code in page.at.code] + [
        code.value for code in page.at.code
    ]
    (tmp_path / "my_operators.py").write_text(OWN_FILE)
    assert [each.name for each in load_operators(str(tmp_path / "my_operators.py"))] == [
        "soft_maximum"
    ]


def test_a_link_made_with_a_weights_file_says_that_the_file_is_missing() -> None:
    page = OpenedPage("receptive_field", {"weights_source": "File", "layer": "features.0.weight"})
    warned = " ".join(str(each.value) for each in page.at.warning).replace("\\", "")
    assert "'features.0.weight'" in warned
    assert "made with a weights file" in warned
    assert not OpenedPage("receptive_field", {"weights_source": "File"}).at.warning
