"""The stack page: published numbers, its own text in the address, units, and nonsense."""

import io
from itertools import pairwise
from typing import Any

import pytest
import torch
from opened import OpenedPage
from torch import nn

from rfviz.conv.receptive_field.architectures import architecture
from rfviz.conv.receptive_field.axis_map import AxisField, Track
from rfviz.conv.receptive_field.effective import effective_field
from rfviz.conv.receptive_field.nested import NestedMap, fields_in
from rfviz.conv.receptive_field.stack import stack_geometry
from rfviz.conv.receptive_field.text import stack_in, text_of
from rfviz.ui.stack.effective_field import CHANNELS, narrowed

SMALL = "c3p1o8,add(c3p1o8,c3p1o8|)~block,m2,c3o16"
OWN = {"stack_layers": SMALL, "stack_input": "picture"}


@pytest.fixture(scope="module")
def vgg() -> OpenedPage:
    return OpenedPage("stack", {"sample": "glyph"})


def sentences(page: OpenedPage) -> str:
    return " ".join(str(each.value) for each in page.at.markdown).replace("\\", "")


def boxes(page: OpenedPage) -> dict[str, tuple[float, float, float, float]]:
    """(top, bottom, left, right) of each frame on the picture, by the layer's name."""
    sent = page.conductor["maps"]
    maps = [
        NestedMap(each["name"], each["size"], axes(each["window"]), axes(each["field"]))
        for each in sent
    ]
    row, column = page.place
    found = {each.name: each.field for each in fields_in(maps, (row, column))[1:]}
    return {
        name: (
            field.rows.start - 0.5, field.rows.stop - 0.5,
            field.columns.start - 0.5, field.columns.stop - 0.5,
        )
        for name, field in found.items()
    }  # fmt: skip


def axes(sent: list[list[dict[str, Any]]]) -> tuple[AxisField, AxisField]:
    rows, columns = (
        tuple(Track(each["period"], each["shift"], tuple(each["bounds"])) for each in tracks)
        for tracks in sent
    )
    return rows, columns


def test_opens_on_a_network_with_its_published_field(vgg: OpenedPage) -> None:
    vgg.check_answers()
    assert set(vgg.panels) == {"stack-growth", "stack-fields"}
    table = vgg.at.dataframe[1].value
    last = table.iloc[-1]
    assert (last["name"], last["output size"], last["receptive field"]) == (
        "pool5", "7 × 7", "212 × 212"
    )  # fmt: skip
    assert int(table["parameters"].sum()) == 14_714_688
    # Five halvings: the middle of 7 units lies 3 jumps of 32 after the first, at 15.5.
    assert (last["start"], last["centre"]) == ("15.5", "111.5")
    assert "212 × 212 pixels" in sentences(vgg)


def test_every_layer_is_that_of_the_library(vgg: OpenedPage) -> None:
    known = stack_geometry(architecture("VGG-16").layers, (224, 224))
    growth = vgg.panels["stack-growth"].figure["data"]
    assert list(growth[0]["y"]) == [each.receptive_field[0] for each in known]
    assert list(growth[2]["y"]) == [each.jump[0] for each in known]


def test_frames_are_nested_and_end_with_the_unit(vgg: OpenedPage) -> None:
    found = list(boxes(vgg).values())
    region = stack_geometry(architecture("VGG-16").layers, (224, 224))[-1].region((3, 3))
    assert found[-1][:2] == (region.rows.start - 0.5, region.rows.stop - 0.5)
    for inner, outer in pairwise(found):
        assert outer[0] <= inner[0] <= inner[1] <= outer[1]


def test_text_unit_and_seeds_in_the_address_are_a_whole_link() -> None:
    address = {
        **OWN, "stack_layer": 4, "stack_unit_row": 0, "stack_unit_column": 5, "stack_zoom": True,
        "stack_effective": True, "stack_relu": True, "stack_seeds": 3, "stack_depth": True,
    }  # fmt: skip
    page = OpenedPage("stack", address)
    page.check_answers()
    assert page.address().items() >= {k: str(v).lower() if v is True else str(v)
                                      for k, v in address.items()}.items()  # fmt: skip
    stack = stack_in(SMALL)
    geometry = stack_geometry(stack, (28, 28))[3]
    region = geometry.region((0, 5))
    assert boxes(page)["block"] == (
        region.rows.start - 0.5, region.rows.stop - 0.5,
        region.columns.start - 0.5, region.columns.stop - 0.5,
    )  # fmt: skip
    assert "outside the picture" in sentences(page)
    known = effective_field(
        narrowed(stack[:2]), (28, 28), (0, 5), in_channels=CHANNELS, relu=True, n_seeds=3
    )
    panel = page.panels["stack-effective"]
    top, left = int(panel.figure["data"][0]["y0"]), int(panel.figure["data"][0]["x0"])
    shown = panel.z()
    power = known.power[top : top + shown.shape[0], left : left + shown.shape[1]].float()
    torch.testing.assert_close(shown, power.sqrt() / power.sqrt().max())
    theoretical, effective, law = page.panels["stack-depth"].figure["data"]
    ends = [stack_geometry(narrowed(stack[:n]), (28, 28))[-1] for n in (1, 2)]
    assert list(theoretical["y"]) == [end.receptive_field[0] for end in ends]
    assert len(effective["y"]) == len(law["y"]) == len(ends)
    assert max(effective["y"]) < max(theoretical["y"])


@pytest.mark.parametrize(
    "text", ["nonsense", "c3,,m2", "add(c3", "c0", "c3s0", "<script>alert(1)</script>", "c" * 7000]
)
def test_nonsense_in_the_text_gets_a_sentence(text: str) -> None:
    page = OpenedPage("stack", {"stack_layers": text})
    page.check_answers()
    assert page.errors
    page.at.button(key="stack-back").click()
    assert set(page.run().panels) == {"stack-growth", "stack-fields"}


def test_layer_that_does_not_fit_is_mended_by_a_button() -> None:
    page = OpenedPage("stack", {"stack_layers": "c3p1,m2,c99", "stack_input": "picture"})
    assert "Layer 3" in page.errors[0]
    buttons = [b for b in page.at.button if (b.key or "").startswith("stack-remedy")]
    assert buttons
    buttons[0].click()
    page.run()
    assert page.errors == []
    assert page.at.session_state["stack_layers"] != "c3p1,m2,c99"


def test_other_misfits_get_a_sentence() -> None:
    for text in ("c3p1o8,c3p1g3o9", "c3p1,add(c3|c3p1)", "add(c3s2p1|)", "t3s9999,t3s9999,c3"):
        page = OpenedPage("stack", {"stack_layers": text, "stack_input": "picture"})
        page.check_answers()
        assert page.errors


def test_branches_out_of_step_are_flagged() -> None:
    text = "cat(c3p1|c3p0.2x0.2)"
    page = OpenedPage("stack", {"stack_layers": text, "stack_input": "picture"})
    page.check_answers()
    assert "out of step" in page.at.warning[0].value
    assert "1 pixel apart" in page.at.warning[0].value
    assert page.at.dataframe[1].value["note"].iloc[-1] == "out of step"


def test_buttons_change_the_table_and_the_text() -> None:
    page = OpenedPage("stack", {"stack_layers": "c3p1,m2,c5p2", "stack_input": "picture",
                                 "stack_row": 2})  # fmt: skip
    for button, expected in (
        ("move-up", "m2,c3p1,c5p2"), ("duplicate", "m2,c3p1,c3p1,c5p2"), ("remove", "m2,c3p1,c5p2"),
        ("move-down", "m2,c5p2,c3p1"),
    ):  # fmt: skip
        page.at.button(key=f"stack-{button}").click()
        page.run()
        assert page.at.session_state["stack_layers"] == expected
    assert list(page.at.dataframe[0].value["kernel"]) == ["2", "5", "3"]
    page.at.selectbox(key="stack_preset").select("LeNet-5")
    page.run()
    assert page.at.session_state["stack_layers"] == ""
    assert len(page.at.dataframe[0].value) == len(architecture("LeNet-5").layers)


def test_units_beyond_the_last_are_said_to_be() -> None:
    page = OpenedPage("stack", {**OWN, "stack_layer": 900, "stack_unit_row": 10**7})
    page.check_answers()
    assert any("There is no layer 900" in each for each in page.captions)
    assert any("There is no unit row" in each for each in page.captions)


def test_effective_field_too_large_is_refused_with_a_remedy() -> None:
    text = text_of(stack_in(",".join(["c3p1"] * 30)))
    page = OpenedPage(
        "stack", {"stack_layers": text, "stack_input": "picture", "sample": "scene",
                   "stack_effective": True},
    )  # fmt: skip
    page.check_answers()
    assert "smaller input" in " ".join(page.errors)
    assert "stack-effective" not in page.panels


def test_layers_of_a_file_become_the_table_and_say_what_is_assumed() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8))
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    page = OpenedPage("stack", {})
    page.at.file_uploader("stack_file").set_value(("net.pt", file.getvalue(), "application/zip"))
    page.run().check_answers()
    assert page.address()["stack_layers"] == "c5p2o8~0,c3p1o8g8~2"
    assert any("2 layers from the file" in str(info.value) for info in page.at.info)
    page.at.file_uploader("stack_file").set_value(("net.pt", b"no weights", "application/zip"))
    page.run().check_answers()
    assert any("text that begins 'no weights'" in error for error in page.errors)
    # The stack is as it was.
    assert page.address()["stack_layers"] == "c5p2o8~0,c3p1o8g8~2"


def test_the_effective_field_of_a_file_is_that_of_its_own_weights() -> None:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    page = OpenedPage("stack", {"stack_effective": True, "stack_relu": True, "stack_seeds": 2,
                                "stack_input": "picture", "stack_over": False})  # fmt: skip
    assert "stack_weights" not in page.bound_widgets()
    page.at.file_uploader("stack_file").set_value(("net.pt", file.getvalue(), "application/zip"))
    page.run()
    page.at.segmented_control("stack_weights").set_value("of the file")
    page.run().check_answers()
    panel = page.panels["stack-effective"]
    known = effective_field(
        nn.Sequential(*net, nn.ReLU()), (28, 28), (14, 14), in_channels=3, n_seeds=2
    )
    top, left = int(panel.figure["data"][0]["y0"]), int(panel.figure["data"][0]["x0"])
    shown = panel.z()
    power = known.power[top : top + shown.shape[0], left : left + shown.shape[1]].float()
    torch.testing.assert_close(shown, (power / power.max()).sqrt())
    assert any("Weights and biases are the file's" in text for text in page.captions)
    # A layer that the file has no weights for is a sentence; the page goes on.
    page.at.text_input("stack_layers").set_value("c5p2o8,c3p1o8,c3p1o8")
    page.run().check_answers()
    assert any("weights are given for 2" in error for error in page.errors)
    assert "stack-fields" in page.panels


def test_the_effective_field_lies_over_the_picture() -> None:
    page = OpenedPage("stack", {**OWN, "stack_effective": True, "stack_seeds": 1})
    traces = page.panels["stack-effective"].figure["data"]
    assert [trace["type"] for trace in traces] == ["heatmap", *["scatter"] * 3, "image"]
    assert traces[0]["colorscale"][0][1].endswith(",0)")


def test_a_unit_and_a_layer_chosen_in_the_browser_go_to_the_address() -> None:
    page = OpenedPage("stack", {"sample": "glyph"})
    page.tell("move", {"row": 1, "column": 6})
    assert page.place == (1, 6)
    assert page.address().items() >= {"stack_unit_row": "1", "stack_unit_column": "6"}.items()
    numbers = [each["layer"] for each in page.conductor["maps"]]
    assert numbers == list(range(19))
    assert len({each["colour"] for each in page.conductor["maps"]}) == 19


def test_the_pixels_that_matter_are_said_beside_the_box_that_counts_padding() -> None:
    region = {"region": "true", "region_height": "5", "region_width": "5"}
    address = {"stack_layers": "m2,c3p1o2", "stack_input": "picture", "sample": "glyph"} | region
    page = OpenedPage("stack", address | {"stack_unit_row": "1", "stack_unit_column": "1"})
    page.check_answers()
    said = sentences(page)
    assert "reads rows 0 to 5 and columns 0 to 5" in said
    assert "Those that can change the unit are rows 0 to 3 and columns 0 to 3" in said
    assert "counted in the input" not in said


def test_rows_are_said_of_the_input_and_of_the_photo(vgg: OpenedPage) -> None:
    said = sentences(vgg)
    assert "counted in the input of 224 × 224; in the picture of 28 × 28 that is rows" in said


def test_a_layer_says_which_convolution_it_is() -> None:
    page = OpenedPage("stack", {"sample": "glyph", "stack_layers": "c3p1,m2,c3p1,m2,c3p1"})
    assert any("layer 5 of 5, convolution 3 of 3;" in each for each in page.captions)
    page.at.number_input("stack_layer").set_value(4)
    page.run()
    assert any("layer 4 of 5, a MaxPool2d after 2 of 3 conv" in each for each in page.captions)
    table = next(frame.value for frame in page.at.dataframe if "convolution" in frame.value.columns)
    numbers = [None if n != n else int(n) for n in table["convolution"]]  # noqa: PLR0124 - NaN
    assert numbers == [1, None, 2, None, 3]
