"""Any operator as an `nn.Module` that trains, where gradients flow through it."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.operator_entry import Operator
from rfviz.conv.operator_table import operator_named
from rfviz.conv.operators import apply_operator, evaluate
from rfviz.conv.spec import Conv2dSpec


class OperatorConv2d(nn.Module):
    """`nn.Conv2d` with an operator in place of the dot product: (N, C, H, W) or (C, H, W) in.

    Weight and bias begin as those of `nn.Conv2d`. A mask, for operators that read one, is that of
    `apply_operator`: padding of zeros is unknown. Pictures are unfolded whole for gradients, and
    done in blocks without them. Raises `InputError` for what does not fit together.

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
        self._check(image)
        batch = image if image.ndim == 4 else image[None]
        out = torch.stack([self._one(batch[index]) for index in range(len(batch))])
        return out if image.ndim == 4 else out[0]

    def extra_repr(self) -> str:
        """Show what `nn.Conv2d` would not."""
        return f"{self.operator.name}, {self.values}, {self.spec}"

    def _one(self, image: torch.Tensor) -> torch.Tensor:
        """(F, H_out, W_out) of one picture: unfolded for gradients, in blocks without them."""
        spec, bias = self.spec, self.bias
        if not torch.is_grad_enabled():
            weight, values = self.weight, self.values
            return apply_operator(image, weight, self.operator, spec, bias, parameters=values)
        fields = [self._unfolded(image)]
        if self.operator.reads_mask:
            fields.append(self._unfolded(torch.ones_like(image)))
        weights = self.weight.flatten(1).chunk(spec.groups)
        groups = zip(weights, *fields, strict=True)
        parts = [evaluate(self.operator, x, w, self.values, *mask) for w, x, *mask in groups]
        out = torch.cat(parts) if bias is None else torch.cat(parts) + bias[:, None]
        return out.reshape(-1, *spec.output_size(tuple(image.shape[1:])))

    def _check(self, image: torch.Tensor) -> None:
        n_channels = self.weight.shape[1] * self.spec.groups
        if image.ndim not in {3, 4} or image.shape[-3] != n_channels or 0 in image.shape:
            raise InputError(
                f"The module needs (N, {n_channels}, H, W) or ({n_channels}, H, W), "
                f"got {tuple(image.shape)}."
            )
        if image.dtype != self.weight.dtype:
            raise InputError(
                f"The picture is {image.dtype} and the weight {self.weight.dtype}.",
                remedy="Convert one to the type of the other",
            )
        self.spec.output_size(tuple(image.shape[-2:]))

    def _unfolded(self, image: torch.Tensor) -> torch.Tensor:
        """(groups, K, L): the receptive fields that each group of filters reads."""
        spec = self.spec
        (top, bottom), (left, right) = spec.pads
        mode = "constant" if spec.padding_mode == "zeros" else spec.padding_mode
        padded = F.pad(image[None], (left, right, top, bottom), mode=mode)
        columns = F.unfold(padded, spec.kernel_size, spec.dilation, 0, spec.stride)
        return columns.view(spec.groups, -1, columns.shape[-1])
