"""Words and numbers that must not mislead: factors with their sign, remedies that are wished for."""

import re

import pytest
from opened import OpenedPage
from torch import nn

from rfviz import Conv2dSpec, InputError


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
