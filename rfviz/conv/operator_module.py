"""Any operator as an `nn.Module` that trains, where gradients flow through it."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.operator_entry import Operator
from rfviz.conv.operator_table import operator_named
from rfviz.conv.operators import evaluate
from rfviz.conv.spec import Conv2dSpec


class OperatorConv2d(nn.Module):
    """`nn.Conv2d` with an operator in place of the dot product: (N, C, H, W) or (C, H, W) in.

    Weight and bias begin as those of `nn.Conv2d`. Padding is a known value of the picture, and
    where an operator reads a mask, unknown, as in `apply_operator`. Each picture is unfolded in
    turn. Raises `InputError` for what does not fit together.

    >>> layer = OperatorConv2d("adder", Conv2dSpec(3, padding=1), 3, 8)
    >>> layer(torch.rand(2, 3, 5, 5)).shape
    torch.Size([2, 8, 5, 5])
    """

    def __init__(
        self,
        operator: Operator | str,
        spec: Conv2dSpec,
        in_channels: int,
        out_channels: int,
        *,
        bias: bool = True,
        parameters: Mapping[str, object] | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Check the parameters and take the first weights of `nn.Conv2d`."""
        super().__init__()
        self.operator = operator if isinstance(operator, Operator) else operator_named(operator)
        self.spec = spec
        self.values = self.operator.values(parameters)
        initial = spec.to_module(in_channels, out_channels, bias, dtype=dtype)
        self.weight = nn.Parameter(initial.weight.detach().clone())
        self.bias = None if initial.bias is None else nn.Parameter(initial.bias.detach().clone())

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return (N, F, H_out, W_out), or (F, H_out, W_out) for one picture."""
        n_channels = self.weight.shape[1] * self.spec.groups
        if image.ndim not in {3, 4} or image.shape[-3] != n_channels:
            raise InputError(
                f"The module needs (N, {n_channels}, H, W) or ({n_channels}, H, W), "
                f"got {tuple(image.shape)}."
            )
        batch = image if image.ndim == 4 else image[None]
        size = self.spec.output_size(tuple(batch.shape[2:]))
        known = self._unfolded(torch.ones_like(batch[:1])) if self.operator.reads_mask else None
        out = torch.stack([self._apply(self._unfolded(one), known) for one in batch.split(1)])
        out = out.unflatten(2, size)
        return out if image.ndim == 4 else out[0]

    def extra_repr(self) -> str:
        """Show what `nn.Conv2d` would not."""
        return f"{self.operator.name}, {self.values}, {self.spec}"

    def _unfolded(self, image: torch.Tensor) -> torch.Tensor:
        """(groups, K, L): the receptive fields that each group of filters reads."""
        spec = self.spec
        (top, bottom), (left, right) = spec.pads
        mode = "constant" if spec.padding_mode == "zeros" else spec.padding_mode
        padded = F.pad(image, (left, right, top, bottom), mode=mode)
        columns = F.unfold(padded, spec.kernel_size, spec.dilation, 0, spec.stride)
        return columns.view(spec.groups, -1, columns.shape[-1])

    def _apply(self, columns: torch.Tensor, known: torch.Tensor | None) -> torch.Tensor:
        weights = self.weight.flatten(1).chunk(self.spec.groups)
        masks = [None] * len(weights) if known is None else list(known)
        groups = zip(columns, weights, masks, strict=True)
        out = torch.cat([evaluate(self.operator, x, w, self.values, m) for x, w, m in groups])
        return out if self.bias is None else out + self.bias[:, None]
