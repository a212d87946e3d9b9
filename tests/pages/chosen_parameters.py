"""Parameters by their names in the address, and what torch makes of them."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_answers import DTYPES, TorchAnswers, both

from rfviz.io.kernels.bank import filter_bank
from rfviz.io.pictures.samples import load_sample

REGION = ("region_top", "region_left", "region_height", "region_width")


def answers_to(parameters: dict[str, Any], picture: Tensor | None = None) -> TorchAnswers:
    """The convolution that these parameters ask for; ``picture`` stands for an upload."""
    if picture is None:
        picture = load_sample(parameters.get("sample", "glyph"))
    picture = part_of(picture, parameters)
    kernel, dilation = both(parameters.get("kernel", 3)), both(parameters.get("dilation", 1))
    groups = parameters.get("groups", 1)
    weight = filter_bank(
        parameters.get("weights", "sobel-x"),
        kernel,
        picture.shape[0],
        parameters.get("filters", 1),
        groups,
        across=parameters.get("across", "mean"),
        seed=parameters.get("seed", 0),
        dtype=DTYPES[parameters.get("dtype", "float32")],
    )
    return TorchAnswers(
        picture,
        weight,
        pads_of(parameters, kernel, dilation),
        both(parameters.get("stride", 1)),
        dilation,
        parameters.get("padding_mode", "zeros"),
        parameters.get("bias", 1.0) if parameters.get("with_bias") else None,
        255 if parameters.get("values") == "0 to 1" else 1,
        groups,
    )


def part_of(picture: Tensor, parameters: dict[str, Any]) -> Tensor:
    """Region, then grey, then reduced, all by formulas of their own."""
    if parameters.get("region"):
        top, left, height, width = (parameters[name] for name in REGION)
        picture = picture[:, top : top + height, left : left + width]
    if parameters.get("grey") and len(picture) == 3:
        luma = torch.tensor([19595, 38470, 7471])[:, None, None] * picture.long()
        picture = ((luma.sum(0, keepdim=True) + 2**15) // 2**16).to(torch.uint8)
    factor = parameters.get("reduce", 1)
    if factor > 1:
        means = F.avg_pool2d(
            picture.double()[None], factor, ceil_mode=True, count_include_pad=False
        )[0]
        picture = (means + 0.5).floor().to(torch.uint8)
    return picture


def pads_of(
    parameters: dict[str, Any], kernel: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Left, right, top, bottom, as F.pad counts them."""
    kind = parameters.get("padding_kind", "amount")
    if kind == "valid":
        return 0, 0, 0, 0
    if kind == "same":
        rows, columns = (d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
        return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2
    if kind == "per side":
        left, right, top, bottom = (
            parameters.get(f"pad_{side}", 1) for side in ("left", "right", "top", "bottom")
        )
        return left, right, top, bottom
    rows, columns = both(parameters.get("padding", 1))
    return columns, columns, rows, rows
