"""Named kernels, and banks of filters made of them; kernel_table.py holds the kernels."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.memory import Allocation
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.io.kernels.catalogue import KERNELS, NamedKernel
from rfviz.io.kernels.formulas import drawn

__all__ = ["KERNELS", "Across", "NamedKernel", "filter_bank", "kernel_2d", "named_kernel"]

Across = Literal["mean", "per-channel"]

# larger than any kernel in use, and small enough for Pascal's triangle to stay within float64
MAX_KERNEL_SIDE = 255
MAX_WEIGHTS = 2**26


def named_kernel(name: str) -> NamedKernel:
    """The kernel of that name among KERNELS; InputError lists the names where there is none.

    >>> named_kernel("box").title
    'Box blur'
    """
    for kernel in KERNELS:
        if kernel.name == name:
            return kernel
    names = ", ".join(kernel.name for kernel in KERNELS)
    raise InputError(f"There is no kernel named {name!r}.", remedy=f"Choose one of {names}.")


def kernel_2d(name: str, kernel_size: int | tuple[int, int], seed: int = 0) -> Tensor:
    """The named kernel as a float64 tensor (kernel height, kernel width).

    `seed` matters to the random kernel only. InputError names the sizes that make sense where the
    one asked for does not.

    >>> kernel_2d("sobel-x", 3)
    tensor([[-1.,  0.,  1.],
            [-2.,  0.,  2.],
            [-1.,  0.,  1.]], dtype=torch.float64)
    """
    return filter_bank(name, kernel_size, 1, 1, seed=seed, dtype=torch.float64)[0, 0]


@Allocation("The bank of kernels")
def filter_bank(
    name: str,
    kernel_size: int | tuple[int, int],
    in_channels: int,
    n_filters: int,
    groups: int = 1,
    *,
    across: Across = "mean",
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Weight (n_filters, in_channels / groups, kernel height, kernel width) of a named kernel.

    The n-th filter of a group, counted from 0, reads

    - across="mean": all channels of its group alike, kernel / (in_channels / groups) in each; with
      three channels that is the kernel on the mean of red, green and blue;
    - across="per-channel": channel n mod (in_channels / groups) of its group alone.

    The filters of a group that read the same channels differ: the t-th of T is the kernel turned
    anticlockwise, by t quarter turns, or for gabor and motion-blur by t / T of 180 degrees. Kernels
    that a quarter turn does not change are repeated. Depthwise (groups = in_channels) every channel
    gets the same set.

    random: every weight is drawn from U(-b, b), b = 1 / sqrt(in_channels / groups * taps), as
    nn.Conv2d draws its own after torch.manual_seed(seed): the same numbers in float32. With
    "per-channel" the weights of all other channels are set to 0.

    InputError: an unknown name, a size for which the kernel makes no sense, channels and filters
    that the groups do not divide, a dtype that is not floating.

    >>> filter_bank("box", (1, 2), in_channels=2, n_filters=1)
    tensor([[[[0.2500, 0.2500]],
    <BLANKLINE>
             [[0.2500, 0.2500]]]])
    """
    kernel = named_kernel(name)
    spec = Conv2dSpec(kernel_size, groups=groups)
    spec.check_channels(in_channels, n_filters)
    _check_options(across, dtype, seed)
    _check_amount((n_filters, in_channels // groups, *spec.kernel_size))
    group_channels, group_filters = in_channels // groups, n_filters // groups
    n = torch.arange(n_filters) % group_filters
    if across == "mean":
        turns = n
        shares = torch.full((n_filters, group_channels), 1 / group_channels, dtype=torch.float64)
    else:
        turns = n // group_channels
        shares = torch.eye(group_channels, dtype=torch.float64)[n % group_channels]
    shape = (n_filters, group_channels, *spec.kernel_size)
    n_turns = int(turns.max()) + 1
    _check_size(kernel, spec.kernel_size, n_turns)
    if kernel.turns == "draws":
        weight = drawn(shape, seed) * (shares > 0)[:, :, None, None]
    else:
        turned = _all_turns(kernel, spec.kernel_size, n_turns)
        weight = turned[turns][:, None] * shares[:, :, None, None]
    _check_fits_dtype(weight, kernel, dtype)
    return weight.to(dtype)


def _all_turns(kernel: NamedKernel, size: tuple[int, int], n_turns: int) -> Tensor:
    """The kernel in each of its turns: (n_turns, height, width) float64."""
    if kernel.turns == "quarter turns":
        different = [kernel.formula(*size, math.pi / 2 * turn) for turn in range(min(n_turns, 4))]
        return torch.stack([different[turn % 4] for turn in range(n_turns)])
    return torch.stack([kernel.formula(*size, math.pi * turn / n_turns) for turn in range(n_turns)])


def _check_amount(shape: tuple[int, int, int, int]) -> None:
    """Refuse a bank that is too large before anything of its size is made."""
    *_, height, width = shape
    if max(height, width) > MAX_KERNEL_SIDE or math.prod(shape) > MAX_WEIGHTS:
        what = (
            f"Named kernels have at most {MAX_KERNEL_SIDE} rows and columns and {MAX_WEIGHTS:,} "
            f"weights in a bank, got {height:,} × {width:,} and {math.prod(shape):,}."
        )
        raise InputError(what, remedy="Use a smaller kernel or fewer filters.")


def _check_size(kernel: NamedKernel, size: tuple[int, int], n_turns: int) -> None:
    height, width = size
    also_turned = n_turns > 1 and kernel.turns == "quarter turns"
    if not kernel.fits(height, width) or (also_turned and not kernel.fits(width, height)):
        what = (
            f"The kernel {kernel.name} has {kernel.sizes}; {height} × {width} does not make sense."
        )
        usual = "{} × {}".format(*kernel.usual_size)
        remedy = f"Set the kernel size to {usual}, or choose another kernel."
        raise InputError(what, remedy=remedy)


def _check_fits_dtype(weight: Tensor, kernel: NamedKernel, dtype: torch.dtype) -> None:
    largest, limit = weight.abs().max().item(), torch.finfo(dtype).max
    if largest > limit:
        what = f"{kernel.name} has a weight of {largest:,.0f}; {dtype} ends at {limit:,.0f}."
        raise InputError(what, remedy="Use a smaller kernel or torch.float32.")


def _check_options(across: Across, dtype: torch.dtype, seed: int) -> None:
    if across not in get_args(Across):
        names = " or ".join(repr(name) for name in get_args(Across))
        raise InputError(f"A bank reads across {names}, got {across!r}.", remedy=f"Use {names}.")
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        what = f"Weights have a floating dtype, got {dtype}."
        raise InputError(what, remedy="Use torch.float32 or torch.float64.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        what = f"A seed is an integer from 0 to 2 ** 63 - 1, got {seed!r}."
        raise InputError(what, remedy="Set the seed to 0.")
