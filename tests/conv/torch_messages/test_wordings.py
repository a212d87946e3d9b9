"""Real messages of torch from 0.4 to today: recognised, none explained wrongly, none denied.

Those of the installed torch are provoked here, and their remedies followed; older wordings are
written as public reports of the time quote them.
"""

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from processor_time import processor_seconds
from torch import nn, zeros

from rfviz.conv.torch_messages.explain import rule_names, translate_torch_error

Provoke = Callable[[], object]
P = zeros(1, 3, 5, 6)
LONGS = torch.zeros(2, dtype=torch.int64)


def twice() -> None:
    weight = torch.ones(3, requires_grad=True)
    loss = (weight * weight).sum()
    torch.autograd.backward(loss)
    torch.autograd.backward(loss)


def in_place() -> None:
    weight = zeros(3, requires_grad=True)
    made = weight.exp()
    made += 1
    torch.autograd.backward(made.sum())


def weight_in_place() -> None:
    weight = torch.ones(3, requires_grad=True)
    weight += 1


def inference() -> None:
    with torch.inference_mode():
        x = torch.ones(3)
    torch.autograd.backward((torch.ones(3, requires_grad=True) * x).sum())


def without_gradient() -> None:
    with torch.no_grad():
        loss = nn.Conv2d(3, 8, 3)(P).sum()
    torch.autograd.backward(loss)


def autocast() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        nn.Conv2d(3, 8, 3)(P.bfloat16())


def load(source: nn.Module, target: nn.Module, prefix: str = "") -> None:
    target.load_state_dict({prefix + name: w for name, w in source.state_dict().items()})


def loader(lengths: tuple[int, int]) -> None:
    pictures = [zeros(3, length, 6) for length in lengths]
    list(torch.utils.data.DataLoader(pictures, 2))  # type: ignore[arg-type]


# What provokes torch, the rule, numbers of the explanation, and remedies that are followed.
PROVOKED: list[tuple[Provoke, str, dict[str, int], list[tuple[str, Provoke]]]] = [
    (lambda: nn.Conv1d(3, 8, 3)(zeros(1, 3, 2)), "kernel larger than picture",
     {"length short": 1},
     [("Add at least 1 position of padding", lambda: nn.Conv1d(3, 8, 3, padding=1)(zeros(1, 3, 2))),
      ("Use a kernel that spans at most 2 positions", lambda: nn.Conv1d(3, 8, 2)(zeros(1, 3, 2))),
      ("at least 1 position larger on length", lambda: nn.Conv1d(3, 8, 3)(zeros(1, 3, 3)))]),
    (lambda: nn.Conv3d(3, 8, 3)(zeros(1, 3, 2, 5, 5)), "kernel larger than picture",
     {"depth short": 1},
     [("at most 2 × 3 × 3", lambda: nn.Conv3d(3, 8, (2, 3, 3))(zeros(1, 3, 2, 5, 5)))]),
    (lambda: nn.Conv2d(3, 8, 3)(zeros(1, 224, 224, 3)), "channels of the input",
     {"expected channels": 3, "channels": 224},
     [("x.permute(0, 3, 1, 2)",
       lambda: nn.Conv2d(3, 8, 3)(zeros(1, 224, 224, 3).permute(0, 3, 1, 2))),
      ("picture.permute(2, 0, 1)",
       lambda: nn.Conv2d(3, 8, 3)(zeros(224, 224, 3).permute(2, 0, 1)))]),
    (lambda: nn.Conv2d(3, 8, 3)(zeros(224, 224, 3)), "channels of the input", {"channels": 224},
     [("picture.permute(2, 0, 1)",
       lambda: nn.Conv2d(3, 8, 3)(zeros(224, 224, 3).permute(2, 0, 1)))]),
    (lambda: nn.Conv1d(16, 8, 3)(zeros(1, 50, 16)), "channels of the input", {"channels": 50},
     [("x.transpose(1, 2)", lambda: nn.Conv1d(16, 8, 3)(zeros(1, 50, 16).transpose(1, 2)))]),
    (lambda: nn.Conv3d(3, 8, 3)(zeros(1, 5, 6, 7, 3)), "channels of the input", {"channels": 5},
     [("x.permute(0, 4, 1, 2, 3)",
       lambda: nn.Conv3d(3, 8, 3)(zeros(1, 5, 6, 7, 3).permute(0, 4, 1, 2, 3)))]),
    (lambda: nn.Conv2d(3, 8, 3)(zeros(2, 1, 5, 6)), "channels of the input", {"channels": 1},
     [("x.expand(-1, 3, -1, -1)",
       lambda: nn.Conv2d(3, 8, 3)(zeros(2, 1, 5, 6).expand(-1, 3, -1, -1))),
      ("Set in_channels to 1", lambda: nn.Conv2d(1, 8, 3)(zeros(2, 1, 5, 6)))]),
    (lambda: nn.Conv2d(3, 8, 3)(zeros(2, 4, 5, 6)), "channels of the input", {"channels": 4},
     [("x[:, :3]", lambda: nn.Conv2d(3, 8, 3)(zeros(2, 4, 5, 6)[:, :3]))]),
    (lambda: nn.Conv2d(1, 8, 3)(P), "channels of the input", {"channels": 3},
     [("x.mean(1, keepdim=True)", lambda: nn.Conv2d(1, 8, 3)(P.mean(1, keepdim=True)))]),
    (lambda: nn.Conv1d(3, 8, 3)(P), "dimensions of the input", {"dimensions": 4},
     [("(batch, channels, length)", lambda: nn.Conv1d(3, 8, 3)(zeros(1, 3, 5)))]),
    (lambda: nn.Conv3d(3, 8, 3)(zeros(5, 6)), "dimensions of the input", {"dimensions": 2},
     [("(batch, channels, depth, height, width)",
       lambda: nn.Conv3d(3, 8, 3)(zeros(1, 3, 4, 5, 6)))]),
    (lambda: F.conv2d(zeros(1, 4, 5, 5), zeros(6, 1, 3, 3), groups=4), "filters and groups",
     {"groups": 4},
     [("multiple of 4", lambda: F.conv2d(zeros(1, 4, 5, 5), zeros(8, 1, 3, 3), groups=4))]),
    (lambda: F.conv2d(P.numpy(), zeros(8, 3, 3, 3)),  # type: ignore[call-overload]
     "arguments of a layer", {"arguments": 2},
     [("torch.from_numpy(array)",
       lambda: F.conv2d(torch.from_numpy(P.numpy()), zeros(8, 3, 3, 3)))]),
    (lambda: nn.Conv2d(3, 8, 3, padding=1.5)(P),  # type: ignore[arg-type]
     "arguments of a layer", {},
     [("with // in divisions", lambda: nn.Conv2d(3, 8, 3, padding=3 // 2)(P))]),
    (lambda: nn.Conv2d(3, 8), "missing argument", {},  # type: ignore[call-arg]
     [("nn.Conv2d(3, 8, 3)", lambda: nn.Conv2d(3, 8, 3))]),
    (lambda: nn.Conv2d(3, -8, 3), "negative dimension", {"size": -8}, []),
    (lambda: nn.Conv2d(3, 8, 3)(P.half()), "types of input and weight", {},
     [("picture.float()", lambda: nn.Conv2d(3, 8, 3)(P.half().float())),
      ("layer.half()", lambda: nn.Conv2d(3, 8, 3).half()(P.half())),
      ("torch.autocast", autocast)]),
    (lambda: nn.Conv2d(3, 8, 3)(P.byte()), "types of input and weight", {},
     [("picture.float()", lambda: nn.Conv2d(3, 8, 3)(P.byte().float()))]),
    (lambda: nn.Conv2d(3, 8, 3).bfloat16()(P), "types of input and weight", {},
     [("picture.bfloat16()", lambda: nn.Conv2d(3, 8, 3).bfloat16()(P.bfloat16()))]),
    (lambda: nn.Linear(10, 3)(zeros(1, 10).long()), "types of a product", {},
     [("the tensor of int64 with .float()",
       lambda: nn.Linear(10, 3)(zeros(1, 10).long().float()))]),
    (lambda: P + P.to("meta"), "devices, of one tensor", {}, []),
    (lambda: nn.BatchNorm2d(3)(P.double()), "types of a normalisation", {},
     [("picture.float()", lambda: nn.BatchNorm2d(3)(P.double().float()))]),
    (lambda: nn.MaxPool1d(9)(zeros(1, 3, 5)), "pooled output too small on one axis",
     {"output": 0}, [("smaller kernel", lambda: nn.MaxPool1d(5)(zeros(1, 3, 5)))]),
    (lambda: nn.AvgPool1d(9)(zeros(1, 3, 5)), "pooled output too small", {"output columns": 0},
     []),
    (lambda: nn.MaxPool3d(9)(zeros(1, 3, 5, 5, 9)), "pooled output too small",
     {"output depth": 0, "output columns": 1}, []),
    (lambda: nn.AvgPool3d(9)(zeros(1, 3, 5, 5, 5)), "image smaller than kernel",
     {"rows short": 4},
     [("at most 5 × 5 × 5", lambda: nn.AvgPool3d(5)(zeros(1, 3, 5, 5, 5)))]),
    (lambda: nn.AdaptiveAvgPool2d((1, 2, 3))(P),
     "adaptive output size", {"axes": 2},
     [("Give 2 numbers", lambda: nn.AdaptiveAvgPool2d((1, 2))(P))]),
    (lambda: nn.AdaptiveAvgPool2d(-1)(P), "negative output size", {},
     [("at least 1", lambda: nn.AdaptiveAvgPool2d(1)(P))]),
    (lambda: nn.AdaptiveMaxPool2d(1)(P[:, :, :0]), "empty dimension", {"dimension": 2}, []),
    (lambda: nn.FractionalMaxPool2d(3, output_size=9)(P), "fractional pooling",
     {"largest output": 3},
     [("at most 3", lambda: nn.FractionalMaxPool2d(3, output_size=3)(P))]),
    (lambda: nn.FractionalMaxPool2d(3, output_ratio=1.5), "fractional ratio", {},
     [("0.5", lambda: nn.FractionalMaxPool2d(2, output_ratio=0.5)(P))]),
    (lambda: nn.MaxUnpool2d(2)(P, zeros(1, 3, 4, 4).long()), "unpooling indices", {}, []),
    (lambda: nn.MaxUnpool2d(2)(P, P), "unpooling type", {},
     [("return_indices=True",
       lambda: nn.MaxUnpool2d(2)(*nn.MaxPool2d(2, return_indices=True)(P)))]),
    (lambda: nn.Fold((5, 6, 7), 3)(zeros(1, 27, 12)),
     "unfold takes two numbers", {}, []),
    (lambda: P.unfold(2, 9, 1), "window of unfold", {"size": 5, "window": 9},
     [("at most 5", lambda: P.unfold(2, 5, 1))]),
    (lambda: zeros(3, 4) @ zeros(3), "matrix and vector", {"columns": 4, "length": 3},
     [("a vector of 4", lambda: zeros(3, 4) @ zeros(4)), (".T", lambda: zeros(3, 4).T @ zeros(3))]),
    (lambda: zeros(3) @ zeros(4), "two vectors", {"first": 3, "second": 4}, []),
    (lambda: torch.bmm(zeros(2, 3, 4), zeros(2, 5, 4)), "batched product",
     {"expected rows": 4, "rows": 5},
     [("y.transpose(1, 2)", lambda: torch.bmm(zeros(2, 3, 4), zeros(2, 5, 4).transpose(1, 2)))]),
    (lambda: torch.mm(P, zeros(3, 4)), "product of other dimensions", {},
     [("torch.matmul", lambda: torch.matmul(P, zeros(6, 4)))]),
    (lambda: torch.einsum("bchw,oc->bohw", P, zeros(8, 4)), "sum over an index",
     {"size": 4, "seen": 3}, []),
    (lambda: nn.Linear(90, 2)(zeros(3, 30)), "matrix product", {"entries": 30, "expected": 90},
     [("torch.flatten(x, 1)", lambda: nn.Linear(90, 2)(torch.flatten(zeros(1, 3, 30), 1))),
      ("Set in_features of the linear layer to 30", lambda: nn.Linear(30, 2)(zeros(3, 30)))]),
    (lambda: nn.BatchNorm2d(3)(P[0]), "dimensions of a normalisation", {"dimensions": 3},
     [("x.unsqueeze(0)", lambda: nn.BatchNorm2d(3)(P[0].unsqueeze(0)))]),
    (lambda: nn.BatchNorm1d(3)(P), "dimensions of a normalisation", {"dimensions": 4},
     [("BatchNorm2d for 4", lambda: nn.BatchNorm2d(3)(P))]),
    (lambda: nn.GroupNorm(2, 3), "groups of a normalisation", {"channels": 3, "groups": 2},
     [("divides 3", lambda: nn.GroupNorm(3, 3)(P))]),
    (lambda: nn.GroupNorm(3, 6)(P), "channels of a normalisation", {},
     [("num_channels", lambda: nn.GroupNorm(3, 3)(P))]),
    (lambda: nn.GroupNorm(3, 6)(zeros(1, 5, 4, 4)), "channels and groups of a normalisation",
     {"groups": 3}, []),
    (lambda: nn.InstanceNorm2d(4, affine=True)(P), "instance normalisation",
     {"features": 4, "channels": 3},
     [("num_features to 3", lambda: nn.InstanceNorm2d(3, affine=True)(P))]),
    (lambda: nn.InstanceNorm2d(3)(P[:, :, :1, :1]), "one value per map", {}, []),
    (lambda: nn.LayerNorm(3)(P), "layer normalisation", {"normalised axes": 1},
     [("x.permute(0, 2, 3, 1)", lambda: nn.LayerNorm(3)(P.permute(0, 2, 3, 1))),
      ("nn.GroupNorm(1, 3)", lambda: nn.GroupNorm(1, 3)(P)),
      ("normalized_shape to (6,)", lambda: nn.LayerNorm((6,))(P))]),
    (lambda: torch.cat([P, zeros(1, 3, 5)], 1), "concatenated dimensions",
     {"first": 4, "second": 3}, []),
    (lambda: torch.stack([P, zeros(1, 3, 4, 6)]), "stacked shapes", {"dimensions that differ": 1},
     []),
    (lambda: loader((5, 6)), "stacked shapes", {}, [("one size first", lambda: loader((5, 5)))]),
    (lambda: torch.cat([]), "nothing to join", {}, []),
    (lambda: P.view(-1, 7), "view", {"entries": 90, "wanted": 7}, []),
    (lambda: P.view(-1, -1), "two unknown sizes", {}, []),
    (lambda: P.permute(0, 2, 3, 1).view(1, 90), "view of a permuted tensor", {},
     [("x.reshape(...)", lambda: P.permute(0, 2, 3, 1).reshape(1, 90)),
      ("x.contiguous()", lambda: P.permute(0, 2, 3, 1).contiguous().view(1, 90))]),
    (lambda: P.permute(2, 0, 1), "number of axes", {"dimensions": 4, "named": 3},
     [("each of the 4", lambda: P.permute(0, 2, 3, 1)),
      ("permute(2, 0, 1)", lambda: P[0].permute(2, 0, 1))]),
    (lambda: P.permute(0, 1, 1, 2), "repeated axis", {}, []),
    (lambda: P.transpose(1, 4), "axis that does not exist", {"axis": 4, "least": -4, "most": 3},
     [("from -4 to 3", lambda: (P.transpose(1, -4), P.transpose(1, 3)))]),
    (P.t, "transpose of pictures", {"dimensions": 4},
     [("x.transpose(-2, -1)", lambda: P.transpose(-2, -1))]),
    (lambda: P.expand(1, 4, 5, 6), "repeated size", {"wanted": 4, "existing": 3, "dimension": 1},
     [("1 or 4 in dimension 1", lambda: P[:, :1].expand(1, 4, 5, 6)),
      ("Ask for 3, or -1", lambda: (P.expand(1, 3, 5, 6), P.expand(1, -1, 5, 6)))]),
    (lambda: P.expand(3, 5, 6), "repeated dimensions", {"wanted": 3, "dimensions": 4}, []),
    (lambda: torch.split(P, [1, 1], 1), "sizes of pieces", {"size": 3},
     [("sum to 3", lambda: torch.split(P, [1, 2], 1))]),
    (lambda: P[:, 5], "index outside", {"index": 5, "size": 3}, [("below 3", lambda: P[:, 2])]),
    (lambda: P[0, 0, 0, 0, 0], "too many indices", {"dimensions": 4},
     [("at most 4", lambda: P[0, 0, 0, 0])]),
    (lambda: P.add_(zeros(2, 3, 5, 6)), "broadcast shape", {},
     [("x = x + y", lambda: P + zeros(2, 3, 5, 6))]),
    (lambda: P + zeros(1, 4, 5, 6), "added maps", {"dimension": 1},
     [("convolution of 1 × 1", lambda: nn.Conv2d(3, 4, 1)(P) + zeros(1, 4, 5, 6))]),
    (lambda: zeros(2, 3, 5, 6) + zeros(3, 3, 5, 6), "added maps", {"dimension": 0},
     [("a batch of 1", lambda: zeros(2, 3, 5, 6) + zeros(1, 3, 5, 6))]),
    (lambda: bool(P > 0), "truth of a tensor", {}, [("x.any()", lambda: bool((P > 0).any()))]),
    (lambda: P.sum(1).item(), "number of elements for one value", {"entries": 30},
     [("sum or mean", lambda: P.sum().item())]),
    (lambda: F.interpolate(P, size=(4,)), "resize axes", {},
     [("one number", lambda: F.interpolate(P, size=4)),
      ("one for each axis", lambda: F.interpolate(P, size=(4, 4)))]),
    (lambda: F.interpolate(P, scale_factor=0.01), "resize to nothing", {}, []),
    (lambda: F.interpolate(P), "resize size or factor", {},
     [("scale_factor=2 alone", lambda: F.interpolate(P, scale_factor=2))]),
    (lambda: F.interpolate(P, size=4, mode="linear"), "resize mode", {"given": 4, "needed": 3},
     [("bilinear", lambda: F.interpolate(P, size=4, mode="bilinear"))]),
    (lambda: nn.PixelShuffle(2)(P), "pixel shuffle", {"channels": 3, "divisor": 4},
     [("multiple of 4", lambda: nn.PixelShuffle(2)(zeros(1, 8, 5, 6)))]),
    (lambda: F.pad(P, (1,)), "number of paddings", {},
     [("(left, right, top, bottom)", lambda: F.pad(P, (1, 2, 3, 4)))]),
    (lambda: F.pad(P, (1, 1), mode="reflect"), "padding of dimensions", {"paddings": 2},
     [("Give 4 numbers", lambda: F.pad(P, (1, 1, 0, 0), mode="reflect")),
      ("Pad with zeros", lambda: F.pad(P, (1, 1)))]),
    (lambda: nn.ReflectionPad2d(1)(zeros(5, 6)), "padding of dimensions", {"dimensions": 2},
     [("unsqueeze(0)", lambda: nn.ReflectionPad2d(1)(zeros(5, 6).unsqueeze(0)))]),
    (lambda: nn.ReplicationPad2d(-3)(P), "padding takes all", {"output rows": -1},
     [("less than", lambda: nn.ReplicationPad2d(-1)(P))]),
    (lambda: F.cross_entropy(zeros(2, 4), zeros(3).long()), "target's batch",
     {"batch": 2, "targets": 3}, []),
    (lambda: F.cross_entropy(zeros(2, 4), zeros(2, 1).long()), "target of several classes", {},
     [("target.squeeze(1)", lambda: F.cross_entropy(zeros(2, 4), zeros(2, 1).long().squeeze(1))),
      ("target.argmax(1)", lambda: F.cross_entropy(zeros(2, 4), zeros(2, 4).long().argmax(1)))]),
    (lambda: F.cross_entropy(zeros(2, 4), LONGS + 4), "class out of range",
     {"class": 4, "least channels": 5},
     [("at least 5 outputs", lambda: F.cross_entropy(zeros(2, 5), LONGS + 4))]),
    (lambda: F.cross_entropy(zeros(2, 4), LONGS - 1), "class out of range", {"class": -1},
     [("ignore_index=-1", lambda: F.cross_entropy(zeros(2, 4), LONGS - 1, ignore_index=-1))]),
    (lambda: F.cross_entropy(zeros(2, 4), zeros(2)), "type of the target", {},
     [("target.long()", lambda: F.cross_entropy(zeros(2, 4), zeros(2).long()))]),
    (lambda: F.cross_entropy(zeros(2, 4, 5, 6), zeros(2, 1, 5, 6).long()), "target of pictures",
     {"dimensions": 4},
     [("target.squeeze(1)",
       lambda: F.cross_entropy(zeros(2, 4, 5, 6), zeros(2, 1, 5, 6).long().squeeze(1)))]),
    (lambda: F.nll_loss(zeros(2, 4, 5, 5), zeros(2, 4, 4).long()),
     "target of classes and positions", {},
     [("F.interpolate(output, size=target.shape[-2:])",
       lambda: F.nll_loss(F.interpolate(zeros(2, 4, 5, 5), size=(4, 4)), zeros(2, 4, 4).long()))]),
    (lambda: F.binary_cross_entropy(zeros(2, 1), zeros(2)), "target's shape", {},
     [("target.unsqueeze(1)", lambda: F.binary_cross_entropy(zeros(2, 1), zeros(2).unsqueeze(1)))]),
    (lambda: F.binary_cross_entropy_with_logits(zeros(2, 1, 5, 6), zeros(2, 5, 6)),
     "target's shape, of logits", {"output dimensions": 4, "target dimensions": 3},
     [("target.unsqueeze(1)", lambda: F.binary_cross_entropy_with_logits(
         zeros(2, 1, 5, 6), zeros(2, 5, 6).unsqueeze(1)))]),
    (lambda: F.binary_cross_entropy(zeros(2) + 2, zeros(2)), "values of a probability", {},
     [("BCEWithLogitsLoss", lambda: nn.BCEWithLogitsLoss()(zeros(2) + 2, zeros(2)))]),
    (lambda: F.binary_cross_entropy(zeros(2), LONGS), "types of a loss", {},
     [("target.float()", lambda: F.binary_cross_entropy(zeros(2), LONGS.float()))]),
    (lambda: F.embedding(LONGS + 5, zeros(3, 4)), "row outside of a table", {}, []),
    (lambda: P.long().mean(), "type of a mean", {},
     [("x.float()", lambda: P.long().float().mean())]),
    (lambda: load(nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 5)), "weights of a file",
     {"other shape": 1, "missing": 0}, []),
    (lambda: load(nn.Conv2d(3, 8, 3), nn.Sequential(nn.Conv2d(3, 8, 3))), "weights of a file",
     {"missing": 2, "unexpected": 2},
     [("Put '0.' before", lambda: load(nn.Conv2d(3, 8, 3), nn.Sequential(nn.Conv2d(3, 8, 3)),
                                       "0."))]),
    (lambda: load(nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3), "module."), "weights of a file",
     {"missing": 2, "unexpected": 2},
     [("Take 'module.' off", lambda: load(nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3)))]),
    (twice, "second backward", {}, []),
    (in_place, "changed in place", {"changes": 1}, []),
    (weight_in_place, "weight changed in place", {}, []),
    (inference, "inference tensors", {}, []),
    (without_gradient, "no gradient", {}, []),
    (lambda: torch.autograd.backward(zeros(3, requires_grad=True)), "gradient of many values", {},
     [("loss.mean().backward()",
       lambda: torch.autograd.backward(zeros(3, requires_grad=True).mean()))]),
    (lambda: zeros(3, requires_grad=True).numpy(), "array with a gradient", {},
     [("x.detach().cpu().numpy()", lambda: zeros(3, requires_grad=True).detach().cpu().numpy())]),
    (lambda: zeros(2**40, 2**40), "size beyond any memory", {}, []),
    (lambda: zeros(3, 4).to(memory_format=torch.channels_last), "channels last", {"needed": 4}, []),
    (lambda: torch.compile(nn.Conv2d(4, 8, 3), backend="eager")(P), "channels of the input",
     {"channels": 3}, []),
    (lambda: torch.export.export(nn.Conv2d(4, 8, 3), (P,)), "channels of the input",
     {"channels": 3}, []),
]  # fmt: skip

# Wordings of other versions and devices, the rule, and numbers or words of the explanation.
OLDER: list[tuple[str, str, dict[str, int], str]] = [
    ("Calculated padded input size per channel: (4 x 1). Kernel size: (5 x 5). Kernel size can't "
     "greater than actual input size at /pytorch/aten/src/THNN/generic/SpatialConvolutionMM.c:48",
     "kernel larger than picture", {"rows short": 1, "columns short": 4}, ""),
    ("Given groups=1, weight[64, 3, 7, 7], so expected input[1, 4, 224, 224] to have 3 channels, "
     "but got 4 channels instead", "channels of the input", {"channels": 4}, "x[:, :3]"),
    ("Given groups=1, weight of size 64 3 7 7, expected input[8, 1, 28, 28] to have 3 channels, "
     "but got 1 channels instead", "channels of the input", {"channels": 1}, "x.expand"),
    ("expected input[1, 224, 224, 3] to have 3 channels, but got 224 channels",
     "channels of the input", {"channels": 224}, "permute(0, 3, 1, 2)"),
    ("Expected 4-dimensional input for 4-dimensional weight [64, 3, 7, 7], but got 3-dimensional "
     "input of size [3, 224, 224] instead", "dimensions beside the weight's", {"dimensions": 3},
     "x.unsqueeze(0)"),
    ("Expected 4-dimensional input for 4-dimensional weight 64 3 7 7 94387354416688, but got "
     "5-dimensional input of size [6, 3, 3, 224, 224] instead", "dimensions beside the weight's",
     {"dimensions": 5}, "(batch, channels, height, width)"),
    ("Expected 4-dimensional input for 4-dimensional weight [64, 3, 7, 7], but got input of size "
     "[2, 10, 3, 320, 320] instead", "dimensions beside the weight's", {"dimensions": 5}, ""),
    ("expected 4D input (got 3D input)", "dimensions of a normalisation", {"dimensions": 3}, ""),
    ("Given input size: (2432x4x3). Calculated output size: (2432x1x0). Output size is too small "
     "at /pytorch/aten/src/THCUNN/generic/SpatialAveragePooling.cu:63", "pooled output too small",
     {"output rows": 1, "output columns": 0}, "columns"),
    ("Given input size: (2048x1x1). Calculated output size: (2048x-5x-5). Output size is too "
     "small", "pooled output too small", {"output rows": -5}, "rows and columns"),
    ("invalid argument 2: pad should be smaller than half of kernel size, but got padW = 2, padH "
     "= 2, kW = 3, kH = 3 at /pytorch/aten/src/THNN/generic/SpatialMaxPooling.c:34",
     "pooling padding of each axis", {"padding rows": 2}, ""),
    ("Padding size should be less than the corresponding input dimension, but got: padding (3, 3) "
     "at dimension 3 of input [1, 64, 2, 2]", "reflection padding", {"largest padding": 1}, ""),
    ("Only 3D, 4D, 5D padding with non-constant padding are supported for now",
     "padding of dimensions, older", {}, ""),
    ("Sizes of tensors must match except in dimension 1. Got 7 and 6 in dimension 2",
     "concatenated maps", {"first": 7, "second": 6, "dimension": 2}, "crop or pad"),
    ("invalid argument 0: Sizes of tensors must match except in dimension 1. Got 24 and 23 in "
     "dimension 2 at /pytorch/aten/src/THC/generic/THCTensorMath.cu:87", "concatenated maps",
     {"first": 24, "second": 23, "dimension": 2}, ""),
    ("Sizes of tensors must match except in dimension 2. Got 70 and 71 (The offending index is 0)",
     "concatenated maps", {"first": 70, "second": 71}, ""),
    ("Sizes of tensors must match except in dimension 1. Expected size 61 but got size 60 for "
     "tensor number 1 in the list.", "concatenated maps", {"first": 61, "second": 60}, ""),
    ("invalid argument 0: Sizes of tensors must match except in dimension 0. Got 332 and 375 in "
     "dimension 3 at aten/src/TH/generic/THTensor.cpp:612", "concatenated maps",
     {"first": 332, "second": 375, "dimension": 3}, "in the dataset"),
    ("each element in list of batch should be of equal size", "batch of other sizes", {}, ""),
    ("default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
     "<class 'PIL.Image.Image'>", "batch of other things", {}, "ToTensor"),
    ("size mismatch, m1: [1 x 10240], m2: [7680 x 1024] at aten/src/THC/generic/"
     "THCTensorMathBlas.cu:268", "matrix product", {"entries": 10240, "expected": 7680}, ""),
    ("size mismatch, m1: [2394 x 7], m2: [16758 x 2] at aten/src/TH/generic/THTensorMath.cpp:2070",
     "matrix product", {"entries": 7, "expected": 16758}, "torch.flatten(x, 1)"),
    ("mat1 dim 1 must match mat2 dim 0", "matrix product, without sizes", {}, "in_features"),
    ("a and b must have same reduction dim, but got [1, 400] X [256, 120].", "matrix product",
     {"entries": 400, "expected": 256}, ""),
    ("mat1 and mat2 shapes cannot be multiplied (32x400 and 256x120)", "matrix product",
     {"entries": 400, "expected": 256}, ""),
    ("invalid argument 2: size '[-1 x 400]' is invalid for input with 6144 elements at ../src/TH/"
     "THStorage.c:41", "view, older", {"entries": 6144, "wanted": 400}, ""),
    ("view size is not compatible with input tensor's size and stride (at least one dimension "
     "spans across two contiguous subspaces). Call .contiguous() before .view().",
     "view of a permuted tensor", {}, "x.reshape(...)"),
    ("number of dims don't match in permute", "number of axes, older", {}, "permute(2, 0, 1)"),
    ("dimension out of range (expected to be in range of [-2, 1], but got 2)",
     "axis that does not exist", {"axis": 2}, ""),
    ("bool value of Tensor with more than one value is ambiguous", "truth of a tensor", {}, ""),
    # Devices.
    ("Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same",
     "types of input and weight", {}, "layer.to(picture.device)"),
    ("Input type (torch.FloatTensor) and weight type (torch.cuda.FloatTensor) should be the same",
     "types of input and weight", {}, "picture.to(layer.weight.device)"),
    ("Input type (CUDAFloatType) and weight type (CPUFloatType) should be the same",
     "types of input and weight", {}, "layer.to(picture.device)"),
    ("Input type (MPSFloatType) and weight type (torch.FloatTensor) should be the same",
     "types of input and weight", {}, "layer.to(picture.device)"),
    ("Input type (torch.FloatTensor) and weight type (torch.cuda.FloatTensor) should be the same "
     "or input should be a MKLDNN tensor and weight is a dense tensor",
     "types of input and weight", {}, "picture.to(layer.weight.device)"),
    ("Expected object of backend CPU but got backend CUDA for argument #2 'weight'",
     "devices, by backend", {}, "layer.to(picture.device)"),
    ("Expected object of device type cuda but got device type cpu for argument #1 'self' in call "
     "to _thnn_conv2d_forward", "devices, by backend", {}, ""),
    ("Expected object of type torch.FloatTensor but found type torch.cuda.FloatTensor for argument "
     "#2 'weight'", "types of an argument, older", {}, "layer.to(picture.device)"),
    ("Expected all tensors to be on the same device, but found at least two devices, cuda:0 and "
     "cpu! (when checking argument for argument weight in method wrapper__cudnn_convolution)",
     "devices", {}, "layer.to(picture.device)"),
    ("Expected all tensors to be on the same device, but got weight is on cpu, different from "
     "other tensors on cuda:0 (when checking argument in method wrapper_CUDA__cudnn_convolution)",
     "devices, in newer words", {}, ""),
    ("Expected all tensors to be on the same device", "devices, without names", {}, ""),
    ("Tensor for 'out' is on CPU, Tensor for argument #1 'self' is on CPU, but expected them to be "
     "on GPU (while checking arguments for addmm)", "devices, of an argument", {}, ""),
    ("expected device cuda:0 but got device cpu", "devices, expected", {}, ""),
    ("Placeholder storage has not been allocated on MPS device!", "devices, not placed", {}, ""),
    ("slow_conv2d_forward_mps: input(device='cpu') and weight(device=mps:0')  must be on the same "
     "device", "devices, of a layer on Apple's GPU", {}, "picture.to(layer.weight.device)"),
    ("Unhandled FakeTensor Device Propagation for aten.convolution.default, found two different "
     "devices cuda:0, cpu", "devices, followed without numbers", {}, ""),
    ("indices should be either on cpu or on the same device as the indexed tensor (cpu)",
     "devices, of indices", {}, "index.to(x.device)"),
    ("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
     "host memory first.", "array on a device", {}, ".cpu().numpy()"),
    # Types of numbers.
    ("Input type (torch.cuda.FloatTensor) and weight type (torch.cuda.HalfTensor) should be the "
     "same", "types of input and weight", {}, "picture.half()"),
    ("Input type (torch.cuda.DoubleTensor) and weight type (torch.cuda.FloatTensor) should be the "
     "same", "types of input and weight", {}, "picture.float()"),
    ("Input type (struct c10::Half) and bias type (float) should be the same",
     "types of input and weight", {}, "picture.float()"),
    ("Input type (double) and bias type (float) should be the same", "types of input and weight",
     {}, "picture.float()"),
    ("Expected object of scalar type Float but got scalar type Double for argument #2 'weight'",
     "types of an argument, older", {}, "picture.float()"),
    ("Expected object of scalar type Byte but got scalar type Float for argument #2 'weight' in "
     "call to _thnn_conv2d_forward", "types of an argument, older", {}, "uint8 with .float()"),
    ("Expected object of scalar type Long but got scalar type Float for argument #2 'target' in "
     "call to _thnn_nll_loss_forward", "type of the target, older", {}, "target.long()"),
    ("Expected object of type torch.LongTensor but found type torch.FloatTensor for argument #2 "
     "'target'", "type of the target, older", {}, "target.long()"),
    ("expected scalar type Long but found Float", "types of a convolution", {}, ".long()"),
    ("expected scalar type Half but found Float", "types of a convolution", {}, "layer.float()"),
    ('"slow_conv2d_cpu" not implemented for \'Half\'', "type of numbers", {}, "layer.float()"),
    ('"addmm_impl_cpu_" not implemented for \'Half\'', "type of numbers", {}, ".to('cuda')"),
    ("thnn_conv2d_forward not implemented for 'Byte'", "type of numbers", {}, "/ 255"),
    ('"nll_loss_forward_reduce_cuda_kernel_2d_index" not implemented for \'Float\'',
     "type of numbers", {}, ".long()"),
    ("_thnn_conv2d_forward not supported on CPUType for Half", "type of numbers, older", {},
     "layer.float()"),
    ("torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast.",
     "half precision under autocast", {}, "BCEWithLogitsLoss"),
    ("Attempting to unscale FP16 gradients.", "gradients in half precision", {}, ""),
    # Losses.
    ("Target size (torch.Size([16])) must be the same as input size (torch.Size([16, 1]))",
     "target's shape, of logits", {}, "target.unsqueeze(1)"),
    ("1D target tensor expected, multi-target not supported", "target of several classes", {}, ""),
    ("multi-target not supported at /pytorch/aten/src/THNN/generic/ClassNLLCriterion.c:21",
     "target of several classes", {}, "target.argmax(1)"),
    ("invalid argument 3: only batches of spatial targets supported (3D tensors) but got targets "
     "of dimension: 4 at /pytorch/aten/src/THCUNN/generic/SpatialClassNLLCriterion.cu:14",
     "target of pictures", {"dimensions": 4}, ""),
    ("1only batches of spatial targets supported (non-empty 3D tensors) but got targets of size: : "
     "[4, 256, 256, 3]", "target of pictures, of size", {}, ""),
    ("Assertion `cur_target >= 0 && cur_target < n_classes' failed.", "class out of range, on the "
     "GPU", {}, ""),
    ("../aten/src/ATen/native/cuda/Loss.cu:250: nll_loss_forward_reduce_cuda_kernel_2d: block: "
     "[0,0,0], thread: [6,0,0] Assertion `t >= 0 && t < n_classes` failed.",
     "class out of range, on the GPU", {}, ""),
    # Memory and libraries of the GPU.
    ("CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 7.79 GiB total capacity; 5.98 GiB "
     "already allocated)", "out of memory", {}, "smaller batch"),
    ("cuda runtime error (2) : out of memory at /pytorch/aten/src/THC/generic/THCStorage.cu:58",
     "out of memory", {}, ""),
    ("MPS backend out of memory (MPS allocated: 17.72 GB, max allowed: 18.13 GB). Tried to "
     "allocate 512.00 MB on private pool.", "out of memory", {}, ""),
    ("[enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't allocate memory: you "
     "tried to allocate 4194304000 bytes. Error code 12 (Cannot allocate memory)", "out of memory",
     {"bytes": 4194304000}, ""),
    ("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a "
     "non-contiguous input.", "cuDNN: not supported", {}, "x.contiguous()"),
    ("CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a non-contiguous input.",
     "cuDNN: not supported", {}, "smaller batch"),
    ("Unable to find a valid cuDNN algorithm to run convolution", "cuDNN: not supported", {}, ""),
    ("cuDNN error: CUDNN_STATUS_BAD_PARAM", "cuDNN: parameters", {}, "on the CPU"),
    ("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", "cuDNN", {}, "on the CPU"),
    ("CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling `cublasSgemm( handle, opa, opb, m, n, "
     "k, &alpha, a, lda, b, ldb, &beta, c, ldc)`", "cuBLAS", {}, "on the CPU"),
    ("CUDA error: device-side assert triggered", "assertion on the GPU", {},
     "CUDA_LAUNCH_BLOCKING=1"),
    ("CUDA error: no kernel image is available for execution on the device",
     "kernel for this GPU", {}, ""),
    ("Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If "
     "you are running on a CPU-only machine, please use torch.load with "
     "map_location=torch.device('cpu')", "no GPU", {}, "map_location='cpu'"),
    # Gradients and weights.
    ("Trying to backward through the graph a second time, but the buffers have already been "
     "freed. Specify retain_graph=True when calling backward the first time.", "second backward",
     {}, "retain_graph=True"),
    ("one of the variables needed for gradient computation has been modified by an inplace "
     "operation: [torch.cuda.FloatTensor [64, 128]], which is output 0 of ReluBackward0, is at "
     "version 2; expected version 1 instead.", "changed in place", {"changes": 1}, "inplace=False"),
    ("one of the variables needed for gradient computation has been modified by an inplace "
     "operation", "changed in place", {}, "x.clone()"),
    ("leaf variable has been moved into the graph interior", "weight changed in place", {}, ""),
    ("element 0 of variables does not require grad and does not have a grad_fn", "no gradient",
     {}, ""),
    ("size mismatch for fc.weight: copying a param with shape torch.Size([1000, 512]) from "
     "checkpoint, the shape in current model is torch.Size([10, 512]).", "weights of a file",
     {"other shape": 1}, "number of classes"),
    ("size mismatch for fc.bias: copying a param of torch.Size([1000]) from checkpoint, where the "
     "shape is torch.Size([10]) in current model.", "weights of a file", {"other shape": 1}, ""),
    ("Error(s) in loading state_dict for ResNet:\n\tMissing key(s) in state_dict: "
     '"conv1.weight", "bn1.weight". \n\tUnexpected key(s) in state_dict: "module.conv1.weight", '
     '"module.bn1.weight". ', "weights of a file", {"missing": 2, "unexpected": 2},
     "Take 'module.' off"),
    ("Error(s) in loading state_dict for Net:\n\tMissing key(s) in state_dict: "
     '"c.weight". \n\tUnexpected key(s) in state_dict: "state_dict", "epoch", "optimizer". ',
     "weights of a file", {"missing": 1, "unexpected": 3}, "file['state_dict']"),
    ("Exporting the operator 'aten::im2col' to ONNX opset version 11 is not supported.",
     "operator for ONNX", {"opset": 11}, "opset_version"),
    # Rarer wordings.
    ("conv2d(): argument 'input' (position 1) must be Tensor, not list", "argument of a layer", {},
     "torch.stack(list)"),
    ("weight should have at least three dimensions", "missing weight", {}, ""),
    ("size '[-1 x 320]' is invalid for input with 160000 elements", "view, older",
     {"entries": 160000}, ""),
    ("The expanded size of the tensor (224) must match the existing size (3) at non-singleton "
     "dimension 2.  Target sizes: [3, 224, 224].  Tensor sizes: [224, 224, 3]", "repeated size",
     {"wanted": 224, "existing": 3}, "picture.permute(2, 0, 1)"),
    ("zero-dimensional tensor (at position 0) cannot be concatenated",
     "nothing but numbers to join", {}, "torch.stack"),
    ("expected np.ndarray (got list)", "array", {}, "torch.from_numpy"),
    ("matrices expected, got 4D, 2D tensors at aten/THTensorMath.c:1224",
     "product of other dimensions, older", {"first": 4}, "torch.flatten(x, 1)"),
    ("Expected target size (32, 10), got torch.Size([32])", "target's size", {}, "(32, 10)"),
    ("Expected target size [2, 5], got [2, 4]", "target's size", {}, "x.permute(0, 2, 1)"),
    ("Expected input to be 3D or 4D, got 2D", "dimensions, in short", {"given": 2}, ""),
    ("Expected tensor for argument #1 'input' to have the same type as tensor for argument #2 "
     "'weight'; but type torch.cuda.FloatTensor does not equal torch.cuda.HalfTensor (while "
     "checking arguments for cudnn_convolution)", "types of two arguments", {}, "picture.half()"),
    ("Expected tensor for argument #1 'input' to have the same type as tensor for argument #2 "
     "'weight'; but type CUDADoubleType does not equal CUDAFloatType (while checking arguments for "
     "cudnn_convolution)", "types of two arguments", {}, "picture.float()"),
    ("Expected tensor for argument #1 'input' to have the same device as tensor for argument #2 "
     "'weight'; but device 1 does not equal 0 (while checking arguments for cudnn_convolution)",
     "devices, of two arguments", {"first": 1, "second": 0}, ""),
    ("expected CPU tensor (got CUDA tensor)", "devices, oldest", {}, ""),
    ("expected Float (got Double)", "types, oldest", {}, "layer.float()"),
    ("mat1 and mat2 must have the same dtype", "types without names", {}, "layer.float()"),
    ("Input and parameter tensors are not at the same device, found input tensor at cuda:0 and "
     "parameter tensor at cpu", "devices, by place", {}, ""),
    ("FIND was unable to find an engine to execute this computation", "cuDNN: not supported", {},
     ""),
    ("cuDNN version incompatibility: PyTorch was compiled  against (8, 5, 0) but found runtime "
     "version (8, 2, 1).", "cuDNN: version", {}, ""),
    ("you can only change requires_grad flags of leaf variables.",
     "gradient switched within a computation", {}, "x.detach()"),
    ("Error(s) in loading state_dict for DataParallel:", "weights of a file, without names",
     {}, ""),
]  # fmt: skip

# Torch's too, but not about a convolution.
ELSEWHERE = [
    "DataLoader worker (pid 1234) is killed by signal: Killed.",
    "NCCL error in: ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:825, unhandled system "
    "error",
    "Default process group has not been initialized, please make sure to call init_process_group.",
    "PytorchStreamReader failed reading zip archive: failed finding central directory",
    "linalg.cholesky: The factorization could not be completed because the input is not "
    "positive-definite (the leading minor of order 1 is not positive-definite).",
    "operator torchvision::nms does not exist",
    "'Conv2d' object has no attribute 'foo'",
    "probability tensor contains either `inf`, `nan` or element < 0",
    "RuntimeError: tensor.something_unheard_of(): a sentence about tensors that no one has seen",
]
NOT_TORCH = [
    "ValueError: operands could not be broadcast together with shapes (3,4) (5,)",
    "ValueError: shapes (1,11) and (10,3) not aligned: 11 (dim 1) != 10 (dim 0)",
    "Input 0 of layer \"conv2d\" is incompatible with the layer: expected min_ndim=4, found ndim=3",
    "tensorflow.python.framework.errors_impl.InvalidArgumentError: ConcatOp : Dimensions of inputs "
    "should match: shape[0] = [1,2] vs. shape[1] = [1,3]",
    "IndexError: list index out of range", "KeyError: 'image'",
    "FileNotFoundError: [Errno 2] No such file or directory: 'cat.png'",
    "AttributeError: 'NoneType' object has no attribute 'shape'",
    "MemoryError: Unable to allocate 4.00 GiB for an array with shape (1024, 1024, 512)",
]  # fmt: skip


def message_of(provoke: Provoke) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - torch raises many types
        provoke()
    return str(caught.value)


@pytest.mark.parametrize(
    ("provoke", "rule", "numbers", "followed"),
    PROVOKED,
    ids=[f"{i} {case[1]}" for i, case in enumerate(PROVOKED)],
)
def test_a_message_of_this_torch_has_its_rule_numbers_and_remedies(
    provoke: Provoke, rule: str, numbers: dict[str, int], followed: list[tuple[str, Provoke]]
) -> None:
    message = message_of(provoke)
    found = translate_torch_error(message)
    assert (found.recognised, found.rule) == (True, rule), message
    assert {name: found.numbers.get(name) for name in numbers} == numbers
    assert found.what.endswith(".")
    labels = " | ".join(remedy.label for remedy in found.remedies)
    for words, follow in followed:
        assert words in labels
        follow()


@pytest.mark.parametrize(
    ("message", "rule", "numbers", "words"),
    OLDER,
    ids=[f"{i} {case[1]}" for i, case in enumerate(OLDER)],
)
def test_an_older_wording_has_its_rule_numbers_and_remedy(
    message: str, rule: str, numbers: dict[str, int], words: str
) -> None:
    found = translate_torch_error(message)
    assert (found.recognised, found.rule) == (True, rule)
    assert {name: found.numbers.get(name) for name in numbers} == numbers
    assert words in " | ".join(remedy.label for remedy in found.remedies)


def test_two_hundred_messages_are_counted() -> None:
    """No message of the lists is unknown, and each list is as long as it is said to be."""
    messages = [message_of(case[0]) for case in PROVOKED] + [case[0] for case in OLDER]
    unknown = [m for m in messages if not translate_torch_error(m).recognised]
    assert len(messages) >= 220
    assert unknown == []


@pytest.mark.parametrize(
    "message", [case[0] for case in OLDER if case[1].startswith(("devices", "array on a device"))]
)
def test_a_device_is_never_mended_by_a_type(message: str) -> None:
    found = translate_torch_error(message)
    assert not [r.label for r in found.remedies if ".float()" in r.label]


def test_of_a_device_and_a_type_both_are_told() -> None:
    found = translate_torch_error(
        "Input type (torch.FloatTensor) and weight type (torch.cuda.HalfTensor) should be the same"
    )
    assert "float32 and float16" in found.what
    assert found.remedies[-1].label.endswith("picture.half()")


def test_channels_that_stand_last_are_moved_and_not_taken_as_channels() -> None:
    found = translate_torch_error(message_of(PROVOKED[2][0]))
    labels = [remedy.label for remedy in found.remedies]
    assert "permute" in labels[0]
    assert not [label for label in labels if "in_channels" in label]


def test_half_precision_is_not_bytes() -> None:
    found = translate_torch_error("\"slow_conv2d_cpu\" not implemented for 'Half'")
    assert "bytes" not in found.what
    assert not [r for r in found.remedies if "255" in r.label]


@pytest.mark.parametrize("message", ELSEWHERE)
def test_what_is_torchs_is_not_denied(message: str) -> None:
    found = translate_torch_error(message)
    assert "torch's" in found.what
    assert "not recognised" not in found.what


@pytest.mark.parametrize("message", NOT_TORCH)
def test_what_is_not_torchs_is_said_to_be_none(message: str) -> None:
    found = translate_torch_error(message)
    assert not found.recognised
    assert "not recognised as a message of torch" in found.what


def test_a_sentence_of_the_compiled_part_is_torchs() -> None:
    """RuntimeError below a module's call is torch's, even where no word of it is known."""
    text = (
        'Traceback (most recent call last):\n  File "lib/torch/nn/modules/module.py", line 3, in '
        "f\n"
        '  File "net.py", line 7, in forward\nRuntimeError: a sentence that no one has seen'
    )
    assert "torch's" in translate_torch_error(text).what
    own = text.replace("RuntimeError", "KeyError")
    assert "not recognised" in translate_torch_error(own).what


def test_an_error_within_torch_is_told_by_its_traceback() -> None:
    lines = 'Traceback (most recent call last):\n  File "{}", line 3, in f\nKeyError: 7'
    within = translate_torch_error(lines.format("lib/site-packages/torch/nn/modules/conv.py"))
    assert "torch's" in within.what
    outside = translate_torch_error(lines.format("train.py"))
    assert "not recognised" in outside.what


@pytest.mark.parametrize("case", OLDER[:40], ids=range(40))
def test_a_message_broken_by_a_terminal_is_read(
    case: tuple[str, str, dict[str, int], str],
) -> None:
    words = ("RuntimeError: " + case[0]).split(" ")
    broken = "\n".join(" ".join(words[i : i + 7]) for i in range(0, len(words), 7))
    assert translate_torch_error(broken).rule == case[1]


@pytest.mark.parametrize("case", OLDER[::7], ids=range(len(OLDER[::7])))
def test_a_message_before_long_output_is_read(case: tuple[str, str, dict[str, int], str]) -> None:
    for text in (case[0] + "\n" + "epoch 3, step 4\n" * 30_000, "x" * 150_000 + "\n" + case[0]):
        assert translate_torch_error(text).rule == case[1]


@pytest.mark.parametrize(
    "piece",
    ["a", "0", "[1, 3, ", "(5 x ", "Expected ", "size mismatch for a.", "Given groups=1, weight ",
     "Expected all tensors to be on the same device, but found at least two devices, ",
     "Input type (torch.cuda.FloatTensor", '"a" not implemented for ', "tensor ", "a.b:",
     'Missing key(s) in state_dict: "a", ', "\n\tsize mismatch for a: copying a param with shape ",
     "CUDNN_STATUS_", "\tUnexpected key(s) in state_dict: \n", "one of the variables needed for "],
)  # fmt: skip
def test_the_time_grows_no_faster_than_the_text(piece: str) -> None:
    """From 1 to 512 kB each doubling takes at most about twice as long, and none is without end."""
    translate_torch_error("the patterns are compiled once")
    taken = []
    for kilobytes in (1 << power for power in range(10)):
        text = piece * (kilobytes * 1024 // len(piece) + 1)
        taken.append(processor_seconds(partial(translate_torch_error, text)))
    # Machines are busy: a factor of 10 for 4 times the text still tells a square, which has 16.
    pairs = zip(taken, taken[2:], strict=False)
    assert all(later < 10 * max(earlier, 0.05) for earlier, later in pairs)


def test_every_rule_has_a_name_of_its_own() -> None:
    assert len(set(rule_names())) == len(rule_names())
