"""Real messages, produced by torch here, are recognised with their numbers and a remedy."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rfviz.conv.torch_messages.explain import rule_names, translate_torch_error


def picture(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.zeros(shape, dtype=dtype)


P = picture(1, 3, 5, 6)
BYTES = picture(1, 3, 5, 6, dtype=torch.uint8)
DOUBLES = picture(1, 3, 5, 6, dtype=torch.float64)

# What provokes torch, the rule that is found, and numbers or words of the explanation.
CASES: list[tuple[Callable[[], object], str, dict[str, int]]] = [
    (lambda: nn.Conv2d(3, 8, 7)(P), "kernel larger than picture",
     {"rows short": 2, "columns short": 1}),
    (lambda: nn.Conv2d(3, 8, 3, dilation=4)(P), "kernel larger than picture",
     {"rows short": 4, "columns short": 3}),
    (lambda: nn.Conv2d(4, 8, 3)(P), "channels of the input",
     {"expected channels": 4, "channels": 3, "groups": 1}),
    (lambda: nn.Conv2d(6, 8, 3, groups=2)(P), "channels of the input",
     {"expected channels": 6, "channels": 3, "groups": 2}),
    (lambda: nn.ConvTranspose2d(4, 8, 3)(P), "channels of the input",
     {"expected channels": 4, "channels": 3}),
    (lambda: nn.ConvTranspose2d(3, 8, 3, padding=6)(P), "transposed output too small",
     {"pixels short": 6}),
    (lambda: nn.ConvTranspose2d(3, 8, 3, 2, output_padding=2)(P), "output padding",
     {"largest rows": 1, "largest columns": 1}),
    (lambda: nn.ConvTranspose2d(3, 8, 3, 2, output_padding=-1)(P), "negative output padding", {}),
    (lambda: nn.ConvTranspose2d(3, 8, 3, 2)(P, output_size=(30, 13)), "requested output size", {}),
    (lambda: nn.ConvTranspose2d(3, 8, 3, padding_mode="reflect"),
     "padding mode of a transposed layer", {}),
    (lambda: nn.ConvTranspose2d(3, 8, 3, padding="same")(P),  # type: ignore[arg-type]
     "padding of a transposed layer", {}),
    (lambda: nn.Conv2d(3, 8, 3, stride=0)(P), "stride", {"least": 1}),
    (lambda: nn.Conv2d(3, 8, 3, padding=-1)(P), "negative padding", {"least": 0}),
    (lambda: nn.Conv2d(3, 8, 3, dilation=0)(P), "dilation", {"least": 1}),
    (lambda: F.conv2d(P, picture(8, 3, 0, 0)), "kernel size", {"least": 1}),
    (lambda: nn.Conv2d(3, 8, 3, 2, "same"), "same padding with a stride", {}),
    (lambda: nn.Conv2d(3, 8, 3, padding="full"), "padding name", {}),
    (lambda: nn.Conv2d(3, 8, 3, padding_mode="mirror"), "padding mode", {}),  # type: ignore[arg-type]
    (lambda: nn.Conv2d(3, 8, 3, padding=5, padding_mode="reflect")(P), "reflection padding",
     {"largest padding": 4}),
    (lambda: nn.Conv2d(3, 8, 3, padding=7, padding_mode="circular")(P), "circular padding", {}),
    (lambda: nn.Conv2d(3, 8, 3, groups=2), "groups divide channels", {}),
    (lambda: nn.Conv2d(4, 7, 3, groups=2), "groups divide channels", {}),
    (lambda: nn.Conv2d(4, 8, 3, groups=0), "groups", {"least": 1}),
    (lambda: nn.Conv2d(3, 8, 3)(P[0, 0]), "dimensions of the input", {"dimensions": 2}),
    (lambda: nn.Conv2d(3, 8, 3)(P[None]), "dimensions of the input", {"dimensions": 5}),
    (lambda: F.conv2d(P, picture(8, 3, 3, 3), picture(7)), "bias shape", {"filters": 8}),
    (lambda: F.conv2d(P, picture(8, 3, 3, 3), stride=(1, 2, 3)), "number of strides", {}),
    (lambda: nn.Conv2d(3, 8, 3)(DOUBLES), "types of input and weight", {}),
    (lambda: F.conv2d(BYTES, picture(8, 3, 3, 3)), "types of a convolution", {}),
    (lambda: nn.MaxPool2d(7)(P), "pooled output too small",
     {"output rows": 0, "output columns": 0}),
    (lambda: nn.AvgPool2d(3, padding=2)(P), "pooling padding", {"largest padding": 1}),
    (lambda: nn.MaxPool2d(3, dilation=2, padding=2)(P), "pooling padding of each axis",
     {"padding rows": 2}),
    (lambda: nn.MaxPool2d(3, padding=-1)(P), "negative padding", {}),
    (lambda: nn.MaxPool2d(3, stride=-1)(P), "stride", {}),
    (lambda: nn.MaxPool2d(3, stride=0)(P), "stride", {}),
    (lambda: nn.MaxPool2d(0, stride=1)(P), "kernel size", {}),
    (lambda: nn.MaxPool2d(2)(P[0, 0]), "empty or wrong input", {}),
    (lambda: nn.AvgPool2d(2)(P[None]), "dimensions of the input", {"dimensions": 5}),
    (lambda: nn.MaxPool2d((2, 2, 2))(P), "kernel of two numbers", {}),
    (lambda: nn.AvgPool2d(2)(BYTES), "type of numbers", {}),
    (lambda: nn.Unfold(7)(P), "unfold output too small", {"block rows": -1, "block columns": 0}),
    (lambda: nn.Unfold(3, stride=0)(P), "stride", {}),
    (lambda: nn.Unfold(3, padding=-1)(P), "negative padding", {}),
    (lambda: nn.Unfold(3)(BYTES), "type of numbers", {}),
    (lambda: F.unfold(P, (1, 2, 3)), "unfold takes two numbers", {}),
    (lambda: nn.Fold((5, 6), 3)(picture(1, 27, 11)), "fold columns",
     {"expected columns": 12, "columns": 11}),
    (lambda: nn.Fold((5, 6), 3)(picture(1, 26, 12)), "fold rows", {"rows": 26, "taps": 9}),
    (lambda: nn.Fold((5, 6), 3)(picture(1, 27, 1, 12)), "dimensions of the input", {}),
    (lambda: nn.Linear(10, 3)(picture(1, 11)), "matrix product", {"entries": 11, "expected": 10}),
    (lambda: torch.cat([P, picture(1, 3, 4, 6)], 1), "concatenated maps",
     {"first": 5, "second": 4}),
    (lambda: P + picture(1, 3, 4, 6), "added maps", {"first": 5, "second": 4, "dimension": 2}),
    (lambda: P.view(1, 70), "view", {}),
    (lambda: nn.BatchNorm2d(4)(P), "batch normalisation", {}),
    (lambda: nn.BatchNorm2d(3)(P[:, :, :1, :1]), "one value per channel", {}),
    (lambda: P.flatten(1) @ DOUBLES.flatten(1).T, "types of a product", {}),
]  # fmt: skip


def message_of(provoke: Callable[[], object]) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - torch raises many types
        provoke()
    return str(caught.value)


@pytest.mark.parametrize(("provoke", "rule", "numbers"), CASES)
def test_messages_of_torch_are_recognised(
    provoke: Callable[[], object], rule: str, numbers: dict[str, int]
) -> None:
    message = message_of(provoke)
    found = translate_torch_error(message)
    assert found.recognised, message
    assert found.rule == rule, message
    assert {name: found.numbers[name] for name in numbers} == numbers
    assert found.what.endswith(".")
    assert found.remedies


# What follows each remedy of each case, in their order, as a person would who reads it.
FOLLOWED: list[list[tuple[str, Callable[[], object]]]] = [
    [("Add at least 1 pixel of padding to each side of rows and columns",
      lambda: nn.Conv2d(3, 8, 7, padding=1)(P)),
     ("Use a kernel that spans at most 5 × 6 pixels", lambda: nn.Conv2d(3, 8, (5, 6))(P)),
     ("Use a picture that is at least 2 pixels larger on rows and columns",
      lambda: nn.Conv2d(3, 8, 7)(picture(1, 3, 7, 8)))],
    [("Add at least 2 pixels of padding to each side of rows and columns",
      lambda: nn.Conv2d(3, 8, 3, padding=2, dilation=4)(P)),
     ("Use a kernel that spans at most 5 × 6 pixels", lambda: nn.Conv2d(3, 8, 3, dilation=2)(P)),
     ("Use a picture that is at least 4 pixels larger on rows and columns",
      lambda: nn.Conv2d(3, 8, 3, dilation=4)(picture(1, 3, 9, 10)))],
    [("Set in_channels to 3", lambda: nn.Conv2d(3, 8, 3)(P)),
     ("Give the layer an input of 4 channels: (batch, 4, height, width)",
      lambda: nn.Conv2d(4, 8, 3)(picture(1, 4, 5, 6)))],
    [("Set in_channels to 3 and groups to 1", lambda: nn.Conv2d(3, 8, 3, groups=1)(P)),
     ("If the channels stand last, put them second: x.permute(0, 3, 1, 2), or one picture with "
      "picture.permute(2, 0, 1)",
      lambda: nn.Conv2d(6, 8, 3, groups=2)(P.permute(0, 3, 1, 2))),
     ("Give the layer an input of 6 channels: (batch, 6, height, width)",
      lambda: nn.Conv2d(6, 8, 3, groups=2)(picture(1, 6, 5, 6)))],
    [("Set in_channels to 3", lambda: nn.ConvTranspose2d(3, 8, 3)(P)),
     ("Give the layer an input of 4 channels: (batch, 4, height, width)",
      lambda: nn.ConvTranspose2d(4, 8, 3)(picture(1, 4, 5, 6)))],
    [("Take at least 3 from the padding of each side",
      lambda: nn.ConvTranspose2d(3, 8, 3, padding=3)(P)),
     ("Use a larger input, kernel or stride",
      lambda: nn.ConvTranspose2d(3, 8, 3, 3, padding=6)(P))],
    [("Set output_padding to (1, 1)",
      lambda: nn.ConvTranspose2d(3, 8, 3, 2, output_padding=(1, 1))(P)),
     ("Use a stride of at least 3", lambda: nn.ConvTranspose2d(3, 8, 3, 3, output_padding=2)(P))],
    [("Set output_padding to 0", lambda: nn.ConvTranspose2d(3, 8, 3, 2, output_padding=0)(P))],
    [("Ask for a size from (11, 13) to (12, 14)",
      lambda: nn.ConvTranspose2d(3, 8, 3, 2)(P, output_size=(12, 13)))],
    [("Set padding mode to zeros", lambda: nn.ConvTranspose2d(3, 8, 3, padding_mode="zeros")(P))],
    [("Give the padding as one number or (height, width)",
      lambda: nn.ConvTranspose2d(3, 8, 3, padding=(1, 0))(P))],
    [("Set stride to 1", lambda: nn.Conv2d(3, 8, 3, stride=1)(P))],
    [("Set padding to 0", lambda: nn.Conv2d(3, 8, 3, padding=0)(P))],
    [("Set dilation to 1", lambda: nn.Conv2d(3, 8, 3, dilation=1)(P))],
    [("Set kernel_size to 1", lambda: F.conv2d(P, picture(8, 3, 1, 1)))],
    [("Set stride to 1", lambda: nn.Conv2d(3, 8, 3, 1, "same")(P)),
     ("Give the padding as a number: half of the kernel for an odd kernel",
      lambda: nn.Conv2d(3, 8, 3, 2, 1)(P))],
    [("Use 'valid', 'same' or a number", lambda: nn.Conv2d(3, 8, 3, padding="valid")(P))],
    [("Use one of the four", lambda: nn.Conv2d(3, 8, 3, padding_mode="replicate")(P))],
    [("Pad by at most 4 pixels",
      lambda: nn.Conv2d(3, 8, 3, padding=4, padding_mode="reflect")(P)),
     ("Set padding mode to zeros", lambda: nn.Conv2d(3, 8, 3, padding=5)(P))],
    [("Pad by at most the picture's size",
      lambda: nn.Conv2d(3, 8, 3, padding=(5, 6), padding_mode="circular")(P)),
     ("Set padding mode to zeros", lambda: nn.Conv2d(3, 8, 3, padding=7)(P))],
    [("Set groups to 1", lambda: nn.Conv2d(3, 8, 3, groups=1)(P)),
     ("Choose in_channels as a multiple of groups",
      lambda: nn.Conv2d(4, 8, 3, groups=2)(picture(1, 4, 5, 6)))],
    [("Set groups to 1", lambda: nn.Conv2d(4, 7, 3, groups=1)(picture(1, 4, 5, 6))),
     ("Choose out_channels as a multiple of groups",
      lambda: nn.Conv2d(4, 6, 3, groups=2)(picture(1, 4, 5, 6)))],
    [("Set groups to 1", lambda: nn.Conv2d(4, 8, 3, groups=1)(picture(1, 4, 5, 6)))],
    [("Add the channel dimension with picture[None] or unsqueeze(0)",
      lambda: nn.Conv2d(1, 8, 3)(P[0, 0][None])),
     ("Give the input as (batch, channels, height, width) or (channels, height, width)",
      lambda: nn.Conv2d(3, 8, 3)(P[0]))],
    [("Give the input as (batch, channels, height, width) or (channels, height, width)",
      lambda: nn.Conv2d(3, 8, 3)(P))],
    [("Give a bias of shape (8,), or none",
      lambda: F.conv2d(P, picture(8, 3, 3, 3), picture(8)))],
    [("Give one number or 2 of them",
      lambda: F.conv2d(P, picture(8, 3, 3, 3), stride=(1, 2)))],
    [("Convert the picture to the weights' type, such as picture.float()",
      lambda: nn.Conv2d(3, 8, 3)(DOUBLES.float())),
     ("Convert the layer to the picture's type, such as layer.double()",
      lambda: nn.Conv2d(3, 8, 3).double()(DOUBLES))],
    [("Convert the tensor of uint8 with .float(), if it is the picture",
      lambda: F.conv2d(BYTES.float(), picture(8, 3, 3, 3)))],
    [("Use a smaller kernel, or a larger map, on the rows and columns",
      lambda: (nn.MaxPool2d(5)(P), nn.MaxPool2d(7)(picture(1, 3, 7, 7)))),
     ("Leave out a pooling layer or a stride before this one",
      lambda: nn.MaxPool2d(7)(picture(1, 3, 10, 12)))],
    [("Set padding to 1", lambda: nn.AvgPool2d(3, padding=1)(P)),
     ("Use a kernel of at least 4", lambda: nn.AvgPool2d(4, padding=2)(P))],
    [("Set padding to (1, 1)", lambda: nn.MaxPool2d(3, dilation=2, padding=(1, 1))(P))],
    [("Set padding to 0", lambda: nn.MaxPool2d(3, padding=0)(P))],
    [("Set stride to 1", lambda: nn.MaxPool2d(3, stride=1)(P))],
    [("Set stride to 1", lambda: nn.MaxPool2d(3, stride=1)(P))],
    [("Set kernel_size to 1", lambda: nn.MaxPool2d(1, stride=1)(P))],
    [("Add the missing dimension with unsqueeze(0), or flatten the extra one",
      lambda: nn.MaxPool2d(2)(P[0, 0].unsqueeze(0)))],
    [("Give the input as (batch, channels, height, width) or (channels, height, width)",
      lambda: nn.AvgPool2d(2)(P))],
    [("Give the kernel_size as one number or as (height, width)",
      lambda: nn.MaxPool2d((2, 2))(P))],
    [("Convert the picture with picture.float() / 255",
      lambda: nn.AvgPool2d(2)(BYTES.float() / 255))],
    [("Use a smaller kernel or dilation, more padding, or a larger picture",
      lambda: (nn.Unfold(5)(P), nn.Unfold(7, padding=1)(P), nn.Unfold(7)(picture(1, 3, 7, 7))))],
    [("Set stride to 1", lambda: nn.Unfold(3, stride=1)(P))],
    [("Set padding to 0", lambda: nn.Unfold(3, padding=0)(P))],
    [("Convert the picture with picture.float() / 255",
      lambda: nn.Unfold(3)(BYTES.float() / 255))],
    [("Give the kernel as (height, width)", lambda: F.unfold(P, (1, 2)))],
    [("Give fold the kernel, stride, padding and dilation of the unfold, and its input's size",
      lambda: nn.Fold((5, 6), 3)(nn.Unfold(3)(P)))],
    [("Give fold the kernel of the unfold", lambda: nn.Fold((5, 6), 3)(nn.Unfold(3)(P)))],
    [("Give the column matrix as (batch, rows, columns) or (rows, columns)",
      lambda: (nn.Fold((5, 6), 3)(picture(1, 27, 12)), nn.Fold((5, 6), 3)(picture(27, 12))))],
    [("Set in_features of the linear layer to 11", lambda: nn.Linear(11, 3)(picture(1, 11))),
     ("Check the picture's size, or pool to a fixed size before flattening",
      lambda: nn.Linear(3, 2)(nn.AdaptiveAvgPool2d(1)(P).flatten(1)))],
    [("Give both branches the same stride and padding, or crop or pad the larger one",
      lambda: torch.cat([P[:, :, :4], picture(1, 3, 4, 6)], 1))],
    [("Give both branches the same stride, and padding that keeps the size",
      lambda: nn.Conv2d(3, 3, 3, padding=1)(P) + nn.Conv2d(3, 3, 5, padding=2)(P)),
     ("Give both the same size, or 1, in dimension 2", lambda: P + picture(1, 3, 1, 6))],
    [("Check the picture's size, or flatten with torch.flatten(x, 1)",
      lambda: torch.flatten(P, 1))],
    [("Set num_features to 3", lambda: nn.BatchNorm2d(3)(P))],
    [("Use a larger picture or batch, or call module.eval()",
      lambda: (nn.BatchNorm2d(3)(P), nn.BatchNorm2d(3).eval()(P[:, :, :1, :1]))),
     ("Leave out the last incomplete batch with DataLoader(..., drop_last=True)",
      lambda: nn.BatchNorm2d(3)(picture(2, 3, 1, 1)))],
    [("Give both one type, with picture.float() and layer.float()",
      lambda: P.float().flatten(1) @ DOUBLES.float().flatten(1).T)],
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "followed"), list(zip(CASES, FOLLOWED, strict=True)), ids=[case[1] for case in CASES]
)
def test_torch_accepts_what_each_remedy_says(
    case: tuple[Callable[[], object], str, dict[str, int]],
    followed: list[tuple[str, Callable[[], object]]],
) -> None:
    """Every remedy word for word, and torch runs once it is followed."""
    found = translate_torch_error(message_of(case[0]))
    labels = [remedy.label for remedy in found.remedies]
    told = [label for label, _ in followed]
    assert labels == told
    for _, follow in followed:
        follow()


def test_a_pixel_less_than_a_remedy_is_too_little() -> None:
    """The numbers in the remedies are the least, or the most, that torch accepts."""
    short: list[Callable[[], object]] = [
        lambda: nn.Conv2d(3, 8, 7, padding=(1, 0))(P[:, :, :, :5]),
        lambda: nn.Conv2d(3, 8, (6, 6))(P),
        lambda: nn.Conv2d(3, 8, 7)(picture(1, 3, 6, 8)),
        lambda: nn.Conv2d(3, 8, 3, padding=1, dilation=4)(P),
        lambda: nn.ConvTranspose2d(3, 8, 3, padding=4)(P),
        lambda: nn.ConvTranspose2d(3, 8, 3, 2)(P, output_size=(13, 13)),
        lambda: nn.Conv2d(3, 8, 3, padding=(6, 6), padding_mode="circular")(P),
        lambda: nn.AvgPool2d(3, padding=2)(P),
    ]
    for provoke in short:
        message_of(provoke)


def test_a_traceback_is_read_from_its_end() -> None:
    traceback = (
        "Traceback (most recent call last):\n  stride should not be zero\n"
        + "  File 'x.py', line 3\n" * 300
        + "RuntimeError: "
        + message_of(CASES[0][0])
        + "\n\n"
    )
    assert translate_torch_error(traceback).rule == "kernel larger than picture"


def test_remedies_of_recognised_messages_carry_changes_where_they_are_certain() -> None:
    found = translate_torch_error("padding='same' is not supported for strided convolutions")
    assert dict(found.remedies[0].changes) == {"stride": 1}
    found = translate_torch_error(message_of(CASES[2][0]))
    assert found.remedies[0].label == "Set in_channels to 3"


@pytest.mark.parametrize(
    "text",
    ["", "hello", None, 3, b"bytes", "\x00" * 100, "Kernel size: (7 x 7)", "\n" * 10_000, "💥",
     "Calculated padded input size per channel: (x x y). Kernel size: (7 x 7)",
     "<script>alert(1)</script>", "out of memory", "MemoryError", "list index out of range"],
)  # fmt: skip
def test_other_text_is_not_recognised(text: object) -> None:
    found = translate_torch_error(text)
    assert not found.recognised
    assert found.what
    assert found.remedies


@pytest.mark.parametrize(
    "piece",
    ["Given groups=1, weight of size [", "1, " * 50, "(" * 100, "Given input with spatial size (",
     "but got ", "Expected 3D " * 20, "-" * 100, "9" * 400, "shape '[", "a" * 100, "[[" * 100,
     "Expected 3D or 4D but got: [" + "1, " * 30, "padding should be "],
)  # fmt: skip
def test_hostile_text_is_harmless_and_bounded(piece: str) -> None:
    # A pattern that ran away would not come back from these.
    for text in (
        piece * (2_000_000 // len(piece)),
        "\n".join([piece * (3_000 // len(piece) + 1)] * 1000),
    ):
        assert translate_torch_error(text).what


def test_numbers_past_any_size_do_not_break_the_reader() -> None:
    text = f"mat1 and mat2 shapes cannot be multiplied ({'9' * 30}x11 and 10x3)"
    assert not translate_torch_error(text).recognised


def test_rules_have_names_of_their_own() -> None:
    assert len(set(rule_names())) == len(rule_names())
