"""Weights from a file: the layers that can be chosen, and how they meet the picture."""

import io
from collections.abc import Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from opened import PAGES, OpenedPage
from torch import Tensor, nn
from torch.testing import assert_close

from rfviz.io.pictures.samples import load_sample
from rfviz.io.weights.write import npy_of, safetensors_of

SCENE = {"sample": "scene", "region": "true", "region_height": "40", "region_width": "50"}


def state_file(tensors: Mapping[str, object]) -> bytes:
    stream = io.BytesIO()
    torch.save(tensors, stream)
    return stream.getvalue()


def opened_with(
    data: bytes, name: str, page: str = PAGES[0], address: dict[str, Any] | None = None
) -> OpenedPage:
    found = OpenedPage(page, {"weights_source": "File", **(address or {})})
    found.at.file_uploader("weights_file").set_value((name, data, "application/octet-stream"))
    return found.run()


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 6, (5, 4)), nn.BatchNorm2d(6), nn.Conv2d(6, 8, 3, bias=False), nn.Linear(8, 2)
    )


def region() -> Tensor:
    return load_sample("scene")[:, :40, :50]


@pytest.mark.parametrize("page", PAGES)
def test_layer_answers_as_it_does_in_torch(page: str) -> None:
    module = network()
    first = module[0]
    assert isinstance(first, nn.Conv2d)
    found = opened_with(state_file(module.state_dict()), "net.pt", page, SCENE)
    found.check_answers()
    assert found.errors == []
    expected = F.conv2d(region().float()[None], first.weight, first.bias, padding=1)[0]
    row, column = found.place
    assert found.conductor["value"] == pytest.approx(expected[0, row, column].item(), rel=1e-4)
    assert found.scene["spec"]["kernel"] == [5, 4]
    assert found.scene["filter"]["count"] == 6
    assert_close(torch.tensor(found.scene["weights"]), first.weight[0].detach().flatten())


def test_layers_that_are_no_convolution_are_listed_with_the_reason_and_no_choice() -> None:
    found = opened_with(state_file(network().state_dict()), "net.pt", PAGES[0], SCENE)
    assert found.at.selectbox("layer").options == [
        "0.weight: 6 × 3 × 5 × 4",
        "2.weight: 8 × 6 × 3 × 3",
    ]
    said = " ".join(each.value for each in found.at.sidebar.markdown)
    assert "- 3\\.weight: not a choice" in said
    assert "a fully connected layer" in said


def test_kernel_size_and_groups_are_the_layers() -> None:
    found = opened_with(npy_of(torch.ones(3, 1, 5, 5)), "w.npy", PAGES[0], {**SCENE, "kernel": "7"})
    assert [
        slider.key for slider in found.at.slider if (slider.key or "").startswith("kernel")
    ] == []
    given = next(each for each in found.at.slider if each.label == "Kernel size")
    assert given.disabled
    assert given.value == 5
    # Three filters of one channel: depthwise, until one says that the layer is for grey pictures.
    assert found.at.segmented_control("layer_groups").value == "3"
    assert found.scene["filter"]["channels"] == [0, 1]
    found.at.segmented_control("layer_groups").set_value("1")
    found.run()
    assert found.scene["filter"]["channels"] == [0, 3]
    assert found.scene["weights"] == pytest.approx([1 / 3] * 75)


def test_grey_picture_is_repeated_or_the_weight_is_summed_with_one_answer() -> None:
    weight = torch.randn(2, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    found = opened_with(safetensors_of(weight), "w.safetensors")
    found.check_answers()
    assert found.at.selectbox("meeting").value == "repeat"
    picture = load_sample("glyph")
    assert found.scene["spec"]["channels"] == 3
    expected = F.conv2d(picture.float().repeat(3, 1, 1)[None], weight, padding=1)[0, 0]
    row, column = found.place
    assert found.conductor["value"] == pytest.approx(expected[row, column].item(), rel=1e-4)
    found.at.selectbox("meeting").set_value("sum_weight")
    found.run()
    assert found.scene["spec"]["channels"] == 1
    assert found.conductor["value"] == pytest.approx(expected[row, column].item(), rel=1e-4)


def test_one_channel_is_picked() -> None:
    address = {**SCENE, "meeting": "pick", "picked_channels": "green"}
    found = opened_with(npy_of(torch.full((1, 1, 3, 3), 2.0)), "w.npy", PAGES[0], address)
    expected = F.conv2d(region()[1:2].float()[None], torch.full((1, 1, 3, 3), 2.0), padding=1)
    row, column = found.place
    assert found.conductor["value"] == expected[0, 0, row, column].item()


def test_bias_of_the_layer_is_found_and_can_be_left_out() -> None:
    tensors = {"conv.weight": torch.zeros(2, 1, 3, 3), "conv.bias": torch.tensor([5.0, 6.0])}
    found = opened_with(state_file(tensors), "w.pth", address={"filter": "1"})
    assert found.conductor["value"] == 6
    found.at.toggle("without_bias").set_value(True)
    found.run()
    assert found.conductor["value"] == 0


@pytest.mark.parametrize("page", [*PAGES, "filters"])
def test_bad_file_is_a_sentence(page: str) -> None:
    found = opened_with(b"1 2 3", "weights.pt", page)
    found.check_answers()
    assert found.errors
    assert found.panels == {}


def test_file_without_a_convolution_is_a_sentence() -> None:
    tensors = {"a.weight": torch.ones(3, 4), "b": torch.ones(2)}
    found = opened_with(state_file(tensors), "w.pt")
    found.check_answers()
    assert "None of the 2 tensors" in " ".join(found.errors)


def test_nan_is_said_and_can_be_read_as_zero() -> None:
    weight = torch.ones(1, 1, 1, 1).repeat(2, 1, 1, 1)
    weight[1] = torch.nan
    found = opened_with(npy_of(weight), "w.npy")
    found.check_answers()
    assert "1 NaN" in " ".join(found.errors)
    found.at.toggle("nan_as_zero").set_value(True)
    found.run()
    found.check_answers()
    assert found.errors == []


def test_numbers_too_large_for_the_type_are_a_sentence() -> None:
    found = opened_with(
        npy_of(torch.full((1, 1, 1, 1), 1e6)), "w.npy", address={"dtype": "float16"}
    )
    found.check_answers()
    assert "float16 ends at 65,504" in " ".join(found.errors)


def test_kernel_larger_than_the_picture_has_no_remedy_that_changes_the_kernel() -> None:
    address = {"kernel": "3", "padding": "0", "sample": "address"}
    found = opened_with(npy_of(torch.ones(1, 1, 40, 40)), "w.npy", address=address)
    found.check_answers()
    assert found.errors
    assert not [label for label in found.remedies if "ernel" in label]


def test_without_a_file_a_named_kernel_stands_in() -> None:
    found = OpenedPage(address={"weights_source": "File"})
    found.check_answers()
    assert any("stands in" in caption for caption in found.captions)


def test_what_is_left_out_of_a_file_is_listed_with_the_reason() -> None:
    file = {
        "state_dict": network().state_dict(),
        "device": torch.device("cpu"),
        "best_acc1": torch.tensor(71.5),
    }
    found = opened_with(state_file(file), "last.ckpt", PAGES[0], SCENE)
    assert found.errors == []
    assert found.at.selectbox("layer").options[0] == "0.weight: 6 × 3 × 5 × 4"
    assert "Left out: 1 entry of the file" in [each.label for each in found.at.sidebar.expander]
    said = " ".join(each.value for each in found.at.sidebar.markdown)
    assert "asks for torch" in said.replace("\\", "")


@pytest.mark.parametrize("name", ["last.pth.tar", "net.bin", "a.ckpt", "unknown"])
def test_the_uploader_lets_every_name_in(name: str) -> None:
    found = opened_with(state_file(network().state_dict()), name, PAGES[0], SCENE)
    assert found.errors == []
    assert found.at.selectbox("layer").value == "0.weight"


def test_another_kind_of_file_is_named_with_what_to_do() -> None:
    found = opened_with(b"\x89HDF\r\n\x1a\n" + bytes(90), "model.h5", PAGES[0], SCENE)
    assert any("HDF5" in each for each in found.errors)


def test_order_of_the_axes_is_said_and_changed_by_one_choice() -> None:
    module = nn.ConvTranspose2d(3, 8, 2)
    assert module.bias is not None
    found = opened_with(state_file(dict(module.state_dict())), "up.pt", PAGES[0], SCENE)
    assert found.errors == []
    assert found.scene["filter"]["count"] == 8
    flipped = module.weight[:, 0].flip(1, 2).detach().flatten()
    assert_close(torch.tensor(found.scene["weights"]), flipped)
    assert any("transposed convolution" in each for each in found.captions)
    found.at.selectbox("layer_layout").set_value("OIHW")
    found.run()
    assert found.scene["filter"]["count"] == 3
    assert any("is left out" in each for each in found.captions)


def test_parts_of_a_weight_are_no_choices_and_all_tensors_are_counted() -> None:
    module = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    found = opened_with(state_file(dict(module.state_dict())), "net.pt", PAGES[0], SCENE)
    assert found.at.selectbox("layer").options == ["weight: 4 × 3 × 3 × 3"]
    assert [each.label for each in found.at.sidebar.expander if "tensors" in each.label] == [
        "All 3 tensors, 2-D convolutions: 1"
    ]
    assert_close(torch.tensor(found.scene["weights"]), module.weight[0].detach().flatten())
