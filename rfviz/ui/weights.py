"""Choosing the weights: a named kernel as a bank of filters, a bias, a dtype."""

from types import MappingProxyType
from typing import NamedTuple

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.spec import Conv2dSpec, InputError
from rfviz.io.kernels import KERNELS, Across, filter_bank

DTYPES = MappingProxyType(
    {
        "float32": torch.float32,
        "float64": torch.float64,
        "bfloat16": torch.bfloat16,
        "float16": torch.float16,
    }
)
DEFAULT_KERNEL = "sobel-x"
ACROSS: tuple[Across, ...] = ("mean", "per-channel")
DIVISORS = MappingProxyType({"0 to 255": 1, "0 to 1": 255})
MOST_FILTERS = 64


class Choices(NamedTuple):
    """What the widgets say; :meth:`weight` needs the picture's channels and the spec as well."""

    name: str
    n_filters: int
    across: Across
    seed: int
    bias_value: float | None
    dtype_name: str
    divisor: int

    @property
    def dtype(self) -> torch.dtype:
        """The type in which everything is computed."""
        return DTYPES[self.dtype_name]

    def weight(self, spec: Conv2dSpec, n_channels: int) -> Tensor:
        """The filters, (filters, channels / groups, kernel height, kernel width)."""
        return filter_bank(
            self.name,
            spec.kernel_size,
            n_channels,
            self.n_filters,
            spec.groups,
            across=self.across,
            seed=self.seed,
            dtype=self.dtype,
        )

    @property
    def bias(self) -> Tensor | None:
        """The same bias for every filter, (filters,), or None; InputError where it overflows."""
        if self.bias_value is None:
            return None
        largest = torch.finfo(self.dtype).max
        if abs(self.bias_value) > largest:
            what = f"The bias is {self.bias_value:,.0f}; {self.dtype_name} ends at {largest:,.0f}."
            raise InputError(what, remedy="Use a smaller bias or float32.")
        return torch.full((self.n_filters,), self.bias_value, dtype=self.dtype)


def weight_widgets() -> Choices:
    """Draw the widgets of the weights and return what they say."""
    names = [kernel.name for kernel in KERNELS]
    name = st.selectbox(
        "Kernel", names, index=names.index(DEFAULT_KERNEL), key="weights", bind="query-params"
    )
    st.caption(next(kernel.shows for kernel in KERNELS if kernel.name == name))
    n_filters = st.number_input(
        "Filters", 1, MOST_FILTERS, 1, key="filters", bind="query-params",
        help="Rows of the weight matrix: output channels. Most kernels are turned from filter to "
        "filter.",
    )  # fmt: skip
    across = st.segmented_control(
        "Across the channels", ACROSS, default="mean", required=True, key="across",
        bind="query-params",
        help="mean: the kernel on the mean of a group's channels. per-channel: each filter reads "
        "one channel.",
    )  # fmt: skip
    seed = 0
    if name == "random":
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params")
    return Choices(name, n_filters, across, seed, *_bias_and_numbers())


def _bias_and_numbers() -> tuple[float | None, str, int]:
    bias = None
    if st.toggle("Bias", key="with_bias", bind="query-params", help="Added to every output."):
        bias = st.number_input(
            "Bias of every filter", -1e6, 1e6, 1.0, key="bias", bind="query-params"
        )
    dtype_name = st.selectbox(
        "Numbers (dtype)", list(DTYPES), key="dtype", bind="query-params",
        help="The type in which both ways are computed.",
    )  # fmt: skip
    values = st.segmented_control(
        "Pixel values", list(DIVISORS), default="0 to 255", required=True, key="values",
        bind="query-params", help="0 to 1 divides every pixel by 255.",
    )  # fmt: skip
    return bias, dtype_name, DIVISORS[values]
