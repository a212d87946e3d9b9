"""Any operator as an `nn.Module` that trains, where gradients flow through it."""

from collections.abc import Mapping

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.reads import axis_sources
from rfviz.conv.im2col.unfolded import unfolded
from rfviz.conv.operators import saved as operator_saved  # noqa: F401 - pickles operators
from rfviz.conv.operators.apply import apply_operator, check_separate, of_fields
from rfviz.conv.operators.catalogue import operator_named
from rfviz.conv.operators.operator import Operator
from rfviz.conv.spec.check_picture import channels_last, check_dimensions
from rfviz.conv.spec.spec import Conv2dSpec, check_spec


class OperatorConv2d(nn.Module):
    """`nn.Conv2d` with an operator in place of the dot product: (N, C, H, W) or (C, H, W) in.

    Weight and bias begin as those of `nn.Conv2d`. A mask, for operators that read one, is that of
    `apply_operator`: padding of zeros is unknown. Pictures are unfolded whole for gradients, and
    done in blocks without them, on other devices whole. Raises `InputError` for what does not fit
    together.

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
        self.spec = check_spec(spec)
        self.values = self.operator.values(parameters)
        initial = spec.to_module(in_channels, out_channels, bias, dtype=dtype)
        check_separate(self.operator, initial.weight[0].numel(), self.values)
        self.weight = nn.Parameter(initial.weight.detach().clone())
        self.bias = None if initial.bias is None else nn.Parameter(initial.bias.detach().clone())

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return (N, F, H_out, W_out), or (F, H_out, W_out) for one picture."""
        self._check(image)
        kind = image.device.type
        if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
            # Operators are written for one type: they run in the weight's, as softmax does.
            image = image.to(self.weight.dtype)
        self._check_types(image)
        batch = image if image.ndim == 4 else image[None]
        out = torch.stack([self._one(batch[index]) for index in range(len(batch))])
        return out if image.ndim == 4 else out[0]

    def extra_repr(self) -> str:
        """Show what `nn.Conv2d` would not."""
        return f"{self.operator.name}, {self.values}, {self.spec}"

    def _one(self, image: torch.Tensor) -> torch.Tensor:
        """(F, H_out, W_out) of one picture; on another device than the CPU it is unfolded whole."""
        spec, weight, bias, entry = self.spec, self.weight, self.bias, self.operator
        if image.device.type == "cpu":
            return apply_operator(image, weight, entry, spec, bias, parameters=self.values)
        sources = axis_sources(tuple(image.shape[1:]), spec)
        parts = [image] + ([torch.ones_like(image)] if entry.reads_mask else [])
        fields = [unfolded(part, sources, spec) for part in parts]
        return of_fields(entry, self.values, weight, bias, fields)

    def _check(self, image: torch.Tensor) -> None:
        n_channels = self.weight.shape[1] * self.spec.groups
        check_dimensions(image, (3, 4), f"(N, {n_channels}, H, W) or ({n_channels}, H, W)")
        if image.shape[-3] != n_channels:
            raise InputError(
                f"The module needs (N, {n_channels}, H, W) or ({n_channels}, H, W), "
                f"got {tuple(image.shape)}.",
                remedy=channels_last(image.shape, n_channels),
            )
        self.spec.output_size(tuple(image.shape[-2:]))

    def _check_types(self, image: torch.Tensor) -> None:
        if image.device != self.weight.device:
            raise InputError(
                f"The picture is on {image.device} and the weight on {self.weight.device}.",
                remedy="Move one to the device of the other",
            )
        if image.dtype != self.weight.dtype:
            raise InputError(
                f"The picture is {image.dtype} and the weight {self.weight.dtype}.",
                remedy="Convert one to the type of the other",
            )
