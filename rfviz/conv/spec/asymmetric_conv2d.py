"""The convolution that `nn.Conv2d` cannot hold: opposite sides padded by different amounts."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from rfviz.conv.spec.padding_modes import Pads, torch_mode


class AsymmetricConv2d(nn.Conv2d):
    """`nn.Conv2d` that first pads by ((top, bottom), (left, right)) in its padding mode.

    (N, C, H, W) or (C, H, W) in, like its parent; `padding` stays (0, 0), `pads` has the amounts.

    >>> layer = AsymmetricConv2d(1, 1, 2, pads=((1, 0), (1, 0)))
    >>> layer(torch.zeros(1, 4, 4)).shape
    torch.Size([1, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        *,
        pads: Pads,
        **parameters: Any,
    ) -> None:
        """Build the parent without padding and keep the pads."""
        super().__init__(in_channels, out_channels, kernel_size, **parameters)
        self.pads = pads

    def _conv_forward(
        self, image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        (top, bottom), (left, right) = self.pads
        mode = torch_mode(self.padding_mode)
        padded = F.pad(image, (left, right, top, bottom), mode=mode)
        return F.conv2d(padded, weight, bias, self.stride, 0, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """Show the pads, which the parent does not know."""
        inherited: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{inherited}, pads={self.pads}"
