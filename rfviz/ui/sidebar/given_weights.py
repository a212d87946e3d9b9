"""Weights that are numbers of their own: a layer of a file, or what a person wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.ui.sidebar.named_weights import DTYPES, Choices


class Origin(NamedTuple):
    """The file that a layer is from, and the names there of its weight and bias, empty for none.

    ``as_stored``: the file's numbers are the layer's, in the same order, and none is changed.
    """

    file: str
    weight: str
    bias: str
    dtype: torch.dtype
    as_stored: bool


@dataclass(frozen=True)
class LayerWeights:
    """A layer of a file as it meets the picture; it has one kernel size.

    ``name`` tells the file's bytes, the layer and how it meets the picture apart from all others,
    and ``bias_name`` the bias: so the tensors need not be compared.
    """

    name: tuple[Any, ...]
    bias_name: str
    groups: int
    repeats_grey: bool
    dtype_name: str
    divisor: int
    values: Tensor = field(compare=False, repr=False)
    bias: Tensor | None = field(compare=False, repr=False)
    origin: Origin = field(compare=False, repr=False)

    @property
    def n_filters(self) -> int:
        """Rows of the weight matrix."""
        return self.values.shape[0]

    @property
    def dtype(self) -> torch.dtype:
        """The type in which everything is computed."""
        return DTYPES[self.dtype_name]

    @property
    def kernel_size(self) -> Pair:
        """(height, width)."""
        return self.values.shape[2], self.values.shape[3]

    @property
    def fixed(self) -> Mapping[str, Any]:
        """The kernel size and the groups."""
        return MappingProxyType({"kernel_size": self.kernel_size, "groups": self.groups})

    def weight(self, spec: Conv2dSpec, n_channels: int) -> Tensor:
        """The filters; InputError for a spec or a picture of another size."""
        needed = (n_channels // spec.groups, *spec.kernel_size)
        if tuple(self.values.shape[1:]) != needed:
            raise InputError(
                f"The layer's filters are {_by(self.values.shape[1:])}, but {_by(needed)} "
                f"(channels, height, width) are needed here.",
                remedy="Choose another layer",
            )
        return self.values


@dataclass(frozen=True)
class HandWeights:
    """Weights written by hand at one size; at every other size the kernel they started from."""

    start: Choices
    text: str
    values: Tensor | None = field(compare=False, repr=False)

    @property
    def n_filters(self) -> int:
        """Rows of the weight matrix."""
        return self.start.n_filters

    @property
    def dtype_name(self) -> str:
        """The name of :attr:`dtype`."""
        return self.start.dtype_name

    @property
    def divisor(self) -> int:
        """What every pixel is divided by: 1 or 255."""
        return self.start.divisor

    @property
    def dtype(self) -> torch.dtype:
        """The type in which everything is computed."""
        return self.start.dtype

    @property
    def bias(self) -> Tensor | None:
        """The same bias for every filter."""
        return self.start.bias

    @property
    def fixed(self) -> Mapping[str, Any]:
        """Nothing: the kernel it started from has every size."""
        return self.start.fixed

    @property
    def repeats_grey(self) -> bool:
        """Never."""
        return False

    def weight(self, spec: Conv2dSpec, n_channels: int) -> Tensor:
        """What was written where it has this size, else the kernel that it started from."""
        shape = (self.n_filters, n_channels // spec.groups, *spec.kernel_size)
        if self.values is not None and self.is_written(shape):
            return as_dtype(self.values, self.dtype_name)
        return self.start.weight(spec, n_channels)

    def is_written(self, shape: Sequence[int]) -> bool:
        """Whether weights of this shape are those that were written."""
        return self.values is not None and tuple(self.values.shape) == tuple(shape)


def as_dtype(values: Tensor, dtype_name: str) -> Tensor:
    """Weights or biases in this type; InputError where finite numbers would become infinite."""
    converted = values.to(DTYPES[dtype_name])
    if not bool(converted.isfinite().all()):
        largest = values.abs().max().item()
        raise InputError(
            f"The largest weight is {largest:.4g}; {dtype_name} ends at "
            f"{torch.finfo(DTYPES[dtype_name]).max:,.0f}.",
            remedy="Choose float32 or float64 as numbers",
        )
    return converted


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{side:,}" for side in shape)
