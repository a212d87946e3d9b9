"""Any operator as an `nn.Module` that trains, where gradients flow through it."""

from collections.abc import Mapping

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.operators import saved as operator_saved  # noqa: F401 - pickles operators
from rfviz.conv.operators.catalogue import operator_named
from rfviz.conv.operators.given import (
    batch_mask,
    check_guide,
    initial_tensor,
    mask_passed_on,
    own_tensors,
)
from rfviz.conv.operators.in_blocks import in_blocks, whole_output
from rfviz.conv.operators.of_batch import BatchOperator, is_plain_call
from rfviz.conv.operators.operator import Operator
from rfviz.conv.operators.reads import OutputMap
from rfviz.conv.operators.separate import check_separate
from rfviz.conv.spec.check_picture import channels_last, check_dimensions, check_plain
from rfviz.conv.spec.spec import Conv2dSpec, check_spec


class OperatorConv2d(nn.Module):
    """`nn.Conv2d` with an operator in place of the dot product: (N, C, H, W) or (C, H, W) in.

    Weight and bias begin as those of `nn.Conv2d`; what else an operator learns is in `learned`, by
    name, and a map that is not given to `forward` is found by a convolution in `predicts`. An
    operator whose weight differs from output to output needs `input_size`, (H, W). On whole
    batches, on any device, in blocks: the way back copies the columns again, so that no column
    matrix is kept. Under torch.func, torch.compile and export the matrix is held whole. Raises
    `InputError` for what does not fit together.

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
        input_size: tuple[int, int] | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Check the parameters and take the first weights of `nn.Conv2d`."""
        super().__init__()
        self.operator = operator if isinstance(operator, Operator) else operator_named(operator)
        self.spec = check_spec(spec)
        self.values = self.operator.values(parameters)
        initial = spec.to_module(in_channels, out_channels, bias, dtype=dtype)
        check_separate(self.operator, initial.weight[0].numel(), self.values)
        weight = initial.weight.detach().clone()
        if self.operator.reads.weight_per_column:
            weight = self._for_each_output(weight, input_size)
        self.weight = nn.Parameter(weight)
        self.bias = None if initial.bias is None else nn.Parameter(initial.bias.detach().clone())
        sizes = BatchOperator(self.operator, {}, spec, (1, 1)).sizes(self.weight)
        self.learned = nn.ParameterDict(
            {
                each.name: nn.Parameter(initial_tensor(each, sizes, weight.dtype))
                for each in self.operator.reads.learned
            }
        )
        self.predicts = nn.ModuleDict(
            {
                each.name: self._predictor(each, sizes, in_channels, weight.dtype)
                for each in self.operator.reads.maps
            }
        )

    def forward(
        self,
        image: torch.Tensor,
        mask: torch.Tensor | None = None,
        guide: torch.Tensor | None = None,
        return_mask: bool = False,
        **maps: torch.Tensor,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Return (N, F, H_out, W_out), or (F, H_out, W_out) for one picture.

        `mask`, for operators that read one, is 1 where the picture is known: (H, W) or like the
        picture; padding of zeros is unknown. `guide` is a picture of the same size, and `maps` are
        (N, channels, H_out, W_out) by name, such as `offsets`. With `return_mask` the mask that
        the operator passes on is returned too, (N, F, H_out, W_out).

        >>> layer = OperatorConv2d("partial_convolution", Conv2dSpec(3), 1, 2)
        >>> out, known = layer(torch.ones(1, 1, 5, 5), torch.zeros(5, 5), return_mask=True)
        >>> known.amax().item()
        0.0
        """
        self._check(image)
        image = self._in_type(image)
        self._check_types(image)
        batch = image if image.ndim == 4 else image[None]
        work = BatchOperator(
            self.operator, self.values, self.spec, (batch.shape[2], batch.shape[3])
        )
        pictures = {"image": batch}
        if self.operator.reads_mask:
            pictures["mask"] = batch_mask(mask, batch)
        elif mask is not None or return_mask:
            raise InputError(f"Operator '{self.operator.name}' reads no mask.")
        if self.operator.reads.guide:
            guide = batch if guide is None else self._in_type(guide)
            check_guide(guide, batch)
            pictures["guide"] = guide if guide.ndim == 4 else guide[None]
        given = {name: self._in_type(each) for name, each in maps.items()}
        tensors = self.tensors_of(work, batch, given)
        plain = is_plain_call(*pictures.values(), *tensors.values(), self.bias)
        out = (in_blocks if plain else whole_output)(work, pictures, tensors, self.bias)
        out = out if image.ndim == 4 else out[0]
        if not return_mask:
            return out
        known = mask_passed_on(work, pictures["mask"], self.weight)
        return out, known if image.ndim == 4 else known[0]

    def tensors_of(
        self, work: BatchOperator, batch: torch.Tensor, maps: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """All tensors that the operator reads beside pictures; a map not given is predicted."""
        given = {n: each if each.ndim == 4 else each[None] for n, each in maps.items()}
        found = {name: layer(batch) for name, layer in self.predicts.items() if name not in given}
        return own_tensors(work, self.weight, batch, {**self.learned, **found, **given})

    def extra_repr(self) -> str:
        """Show what `nn.Conv2d` would not."""
        return f"{self.operator.name}, {self.values}, {self.spec}"

    def _for_each_output(
        self, weight: torch.Tensor, input_size: tuple[int, int] | None
    ) -> torch.Tensor:
        if input_size is None:
            raise InputError(
                f"Operator '{self.operator.name}' has a weight for each output, so that the layer "
                f"needs to know how many there are.",
                remedy="Give the size of its pictures: input_size=(height, width)",
            )
        return weight[..., None, None].repeat(1, 1, 1, 1, *self.spec.output_size(input_size))

    def _predictor(
        self, each: OutputMap, sizes: Mapping[str, int], in_channels: int, dtype: torch.dtype
    ) -> nn.Module:
        """The convolution that finds a map, of the same geometry, which begins with a constant.

        As Dai et al., Deformable convolutional networks, ICCV 2017, find their offsets.
        """
        spec = Conv2dSpec(
            self.spec.kernel_size,
            stride=self.spec.stride,
            padding=self.spec.padding,
            dilation=self.spec.dilation,
            padding_mode=self.spec.padding_mode,
        )
        layer = spec.to_module(in_channels, each.n_channels(sizes), True, dtype=dtype)
        nn.init.zeros_(layer.weight)
        assert layer.bias is not None
        nn.init.constant_(layer.bias, each.initial)
        return layer

    def _in_type(self, tensor: torch.Tensor) -> torch.Tensor:
        """Operators are written for one type: under autocast they run in the weight's."""
        kind = tensor.device.type
        if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
            return tensor.to(self.weight.dtype)
        return tensor

    def _check(self, image: torch.Tensor) -> None:
        # Sizes that are traced, for an export, are tensors that no sentence can hold.
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            return
        n_channels = self.weight.shape[1] * self.spec.groups
        check_dimensions(image, (3, 4), f"(N, {n_channels}, H, W) or ({n_channels}, H, W)")
        if image.device.type == "cpu":
            check_plain("The picture", image)
        if image.shape[-3] != n_channels:
            raise InputError(
                f"The module needs (N, {n_channels}, H, W) or ({n_channels}, H, W), "
                f"got {tuple(image.shape)}.",
                remedy=channels_last(image.shape, n_channels),
            )
        self.spec.output_size((image.shape[-2], image.shape[-1]))

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
