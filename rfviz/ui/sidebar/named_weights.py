"""Choosing the weights: a named kernel as a bank of filters, a bias, a dtype."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.io.kernels.bank import Across, filter_bank
from rfviz.io.kernels.catalogue import KERNELS
from rfviz.ui.sidebar.strip import NO_STRIP, Places, place_of

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


class WeightChoices(Protocol):
    """What the widgets of the weights say, wherever the weights come from.

    Equal and hashed alike where every weight and bias is the same number, so that a choice can be
    part of a key; its repr tells choices apart as well.
    """

    @property
    def n_filters(self) -> int:
        """Rows of the weight matrix."""

    @property
    def dtype_name(self) -> str:
        """The name of :attr:`dtype`."""

    @property
    def divisor(self) -> int:
        """What every pixel is divided by: 1 or 255."""

    @property
    def dtype(self) -> torch.dtype:
        """The type in which everything is computed."""

    @property
    def bias(self) -> Tensor | None:
        """The bias of each filter, (filters,), or None."""

    @property
    def fixed(self) -> Mapping[str, Any]:
        """The arguments of ``Conv2dSpec`` that the weights decide, if any."""

    @property
    def repeats_grey(self) -> bool:
        """Whether a grey picture is read as three equal channels."""

    def weight(self, spec: Conv2dSpec, n_channels: int) -> Tensor:
        """The filters, (filters, channels / groups, kernel height, kernel width).

        Raises :class:`rfviz.InputError` where there are none for such a spec or picture.
        """

    def __hash__(self) -> int:
        """As said above."""


class Choices(NamedTuple):
    """A named kernel as a bank of filters, at any kernel size."""

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
        return even_bias(self.bias_value, self.n_filters, self.dtype_name)

    @property
    def fixed(self) -> Mapping[str, Any]:
        """Nothing: a named kernel has every size."""
        return MappingProxyType({})

    @property
    def repeats_grey(self) -> bool:
        """Never: it reads the channels that there are."""
        return False


def even_bias(value: float | None, n_filters: int, dtype_name: str) -> Tensor | None:
    """The same bias for every filter, (filters,), or None; InputError where it overflows."""
    if value is None:
        return None
    dtype = DTYPES[dtype_name]
    largest = torch.finfo(dtype).max
    if abs(value) > largest:
        what = f"The bias is {value:,.0f}; {dtype_name} ends at {largest:,.0f}."
        raise InputError(what, remedy="Use a smaller bias or float32.")
    return torch.full((n_filters,), value, dtype=dtype)


def weight_widgets(label: str = "Kernel", strip: Places = NO_STRIP) -> Choices:
    """Draw the widgets of a named kernel and return what they say; its name in the ``strip``."""
    names = [kernel.name for kernel in KERNELS]
    with place_of(strip, "weights"):
        name = st.selectbox(
            label if strip is NO_STRIP else "Weights", names, key="weights",
            index=names.index(DEFAULT_KERNEL), bind="query-params",
        )  # fmt: skip
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
    return Choices(name, n_filters, across, seed, bias_widgets(), *number_widgets())


def bias_widgets() -> float | None:
    """Draw the widgets of one bias for all filters; None without one."""
    if st.toggle("Bias", key="with_bias", bind="query-params", help="Added to every output."):
        return st.number_input(
            "Bias of every filter", -1e6, 1e6, 1.0, key="bias", bind="query-params"
        )
    return None


def number_widgets() -> tuple[str, int]:
    """Draw the widgets of the numbers; return the name of the type and the divisor of pixels."""
    dtype_name = st.selectbox(
        "Numbers (dtype)", list(DTYPES), key="dtype", bind="query-params",
        help="The type in which both ways are computed.",
    )  # fmt: skip
    values = st.segmented_control(
        "Pixel values", list(DIVISORS), default="0 to 255", required=True, key="values",
        bind="query-params", help="0 to 1 divides every pixel by 255.",
    )  # fmt: skip
    return dtype_name, DIVISORS[values]
