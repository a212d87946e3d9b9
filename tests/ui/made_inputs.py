"""What the controls would say, made without them."""

from typing import Any

import torch
from torch import Tensor

from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.ui.sidebar.inputs import Inputs
from rfviz.ui.sidebar.named_weights import Choices
from rfviz.ui.sidebar.picture import Picture


def noise(*shape: int, seed: int = 0) -> Tensor:
    """A uint8 picture (C, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def inputs_of(pixels: Tensor, spec: Conv2dSpec, **choices: Any) -> Inputs:
    """A picture, a spec and random weights; ``choices`` are fields of ``Choices``."""
    said: dict[str, Any] = {
        "name": "random", "n_filters": spec.groups, "across": "mean", "seed": 1,
        "bias_value": None, "dtype_name": "float64", "divisor": 1,
    } | choices  # fmt: skip
    made = Choices(**said)
    columns = ColumnMatrix(pixels, spec)
    size = pixels.shape[1], pixels.shape[2]
    return Inputs(
        Picture("noise", ("noise",), pixels, size),
        spec,
        made,
        made.weight(spec, pixels.shape[0]),
        made.bias,
        columns,
        columns.output_size,
    )


SPECS = {
    "plain": Conv2dSpec(3),
    "padded": Conv2dSpec(3, padding=2),
    "strided": Conv2dSpec(4, stride=3, padding=1),
    "stride beyond the kernel": Conv2dSpec(2, stride=5),
    "dilated": Conv2dSpec(3, dilation=3, padding=3),
    "apart": Conv2dSpec((2, 5), stride=(3, 1), padding=(0, 4), dilation=(4, 2)),
    "per side": Conv2dSpec(3, padding=((0, 5), (2, 1))),
    "same": Conv2dSpec((4, 3), padding="same", dilation=(3, 1)),
    **{mode: Conv2dSpec(5, stride=2, padding=6, padding_mode=mode)
       for mode in ("reflect", "replicate", "circular")},
    "groups": Conv2dSpec(3, padding=1, groups=3),
}  # fmt: skip
