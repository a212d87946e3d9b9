"""What the pages must show, worked out by torch and Python alone: F.pad, F.unfold, F.conv2d."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
# Relative to the largest output: sums of up to a few hundred terms in another order.
TOLERANCES = {"float64": 1e-12, "float32": 1e-5, "bfloat16": 2e-2, "float16": 4e-3}


@dataclass(frozen=True)
class TorchAnswers:
    """The convolution of a uint8 picture (C, H, W); ``pads`` as F.pad: left, right, top, bottom."""

    picture: Tensor
    weight: Tensor
    pads: tuple[int, int, int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    mode: str = "zeros"
    bias: float | None = None
    divisor: int = 1
    groups: int = 1

    @property
    def kernel_size(self) -> tuple[int, int]:
        return self.weight.shape[2], self.weight.shape[3]

    @cached_property
    def padded(self) -> Tensor:
        """The padded picture's pixels in float64, (C, H', W')."""
        mode = "constant" if self.mode == "zeros" else self.mode
        return F.pad(self.picture.double()[None], self.pads, mode)[0]

    @cached_property
    def pixel_columns(self) -> Tensor:
        """The column matrix of the pixels as they are, float64."""
        return F.unfold(
            self.padded[None], self.kernel_size, dilation=self.dilation, stride=self.stride
        )[0]

    def values(self, pixels: Tensor) -> Tensor:
        """Pixels as the numbers that are multiplied."""
        values = pixels.to(self.weight.dtype)
        return values / self.divisor if self.divisor != 1 else values

    @cached_property
    def output(self) -> Tensor:
        bias = None
        if self.bias is not None:
            bias = torch.full((len(self.weight),), self.bias, dtype=self.weight.dtype)
        return F.conv2d(
            self.values(self.padded)[None], self.weight, bias, self.stride,
            dilation=self.dilation, groups=self.groups,
        )[0]  # fmt: skip

    @cached_property
    def reads(self) -> Tensor:
        """How often each pixel is read: the gradient of the sum of all columns, (H, W)."""
        mode = "constant" if self.mode == "zeros" else self.mode
        ones = torch.ones(1, 1, *self.picture.shape[1:], dtype=torch.float64, requires_grad=True)
        unfolded = F.unfold(
            F.pad(ones, self.pads, mode), self.kernel_size, dilation=self.dilation,
            stride=self.stride,
        )  # fmt: skip
        (gradient,) = torch.autograd.grad(unfolded.sum(), ones)
        return gradient[0, 0]

    @property
    def tolerance(self) -> tuple[float, float]:
        """(rtol, atol) of two ways that add the same products in different orders."""
        name = str(self.weight.dtype).removeprefix("torch.")
        # Figures hold float32, whatever was computed.
        rtol = max(TOLERANCES[name], 1e-6)
        return rtol, rtol * max(1.0, float(self.output.abs().max()))

    def assert_close(self, found: Tensor | float, expected: Tensor) -> None:
        """Within :attr:`tolerance` of outputs that torch gives."""
        rtol, atol = self.tolerance
        found = torch.as_tensor(found).double()
        torch.testing.assert_close(found, expected.double(), rtol=rtol, atol=atol)


def both(value: Any) -> tuple[Any, Any]:
    return value if isinstance(value, tuple) else (value, value)


def address_of(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Parameters by the names of the address; pairs get the names of height and width."""
    address: dict[str, str] = {}
    for name, value in parameters.items():
        if isinstance(value, tuple):
            address |= {f"{name}_height": str(value[0]), f"{name}_width": str(value[1])}
            address["separate"] = "true"
        else:
            address[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return address
