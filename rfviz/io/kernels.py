"""Named kernels as data, and banks of filters made of them.

Each kernel is a formula with a title, one sentence on what it shows, its source and the sizes for
which it makes sense.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from rfviz.conv.spec import Conv2dSpec, InputError
from rfviz.io import kernel_formulas as formulas
from rfviz.io.kernel_formulas import Formula, quarter_turns

Across = Literal["mean", "per-channel"]
Turns = Literal["quarter turns", "orientations", "draws"]

# larger than any kernel in use, and small enough for Pascal's triangle to stay within float64
MAX_KERNEL_SIDE = 255
MAX_WEIGHTS = 2**26


@dataclass(frozen=True)
class NamedKernel:
    """A kernel as data: how it is called, what it shows, where it comes from, and its formula.

    `turns` says how the filters of a bank differ: the kernel in quarter turns, at equally spaced
    orientations over 180 degrees, or drawn anew. `fits(height, width)` holds for the sizes for which
    the kernel makes sense; `sizes` says so in words, and `usual_size` is one of them.
    """

    name: str
    title: str
    shows: str
    source: str
    formula: Formula
    turns: Turns = "quarter turns"
    sizes: str = "any size"
    usual_size: tuple[int, int] = (3, 3)
    fits: Callable[[int, int], bool] = lambda height, width: True


def _at_least_3(height: int, width: int) -> bool:
    return min(height, width) >= 3


def _odd_from_3(height: int, width: int) -> bool:
    return _at_least_3(height, width) and height % 2 == 1 and width % 2 == 1


def _scharr_size(height: int, width: int) -> bool:
    return (height, width) in ((3, 3), (5, 5))


_RANDOM = "random"
_FROM_3 = "3 or more rows and columns"
_ODD = "odd numbers of rows and columns, 3 or more"
_SCHARR_SIZES = "3 × 3 and 5 × 5"
_SCHARR = "Scharr, Optimale Operatoren in der digitalen Bildverarbeitung, 2000"
_SOBEL = "Sobel and Feldman, 1968; larger sizes from Pascal's triangle, as OpenCV's getDerivKernels"

KERNELS: tuple[NamedKernel, ...] = (
    NamedKernel(
        "identity",
        "Identity",
        "One tap reads one pixel: the output is the input, shifted by half a pixel for even sizes.",
        "Gonzalez and Woods, Digital Image Processing, section 3.4",
        quarter_turns(formulas.identity),
    ),
    NamedKernel(
        "box",
        "Box blur",
        "Every pixel of the receptive field counts the same, so detail smaller than the kernel goes.",
        "Gonzalez and Woods, Digital Image Processing, section 3.5",
        quarter_turns(formulas.box),
        usual_size=(5, 5),
    ),
    NamedKernel(
        "gaussian",
        "Gaussian blur",
        "The centre counts most: a smoother blur than the box, without its streaks.",
        "OpenCV, getGaussianKernel: sigma = 0.3 ((k - 1) / 2 - 1) + 0.8",
        quarter_turns(formulas.gaussian),
        usual_size=(5, 5),
    ),
    NamedKernel(
        "sharpen",
        "Sharpen",
        "The picture minus its Laplacian: each edge gets a darker and a brighter side.",
        "Gonzalez and Woods, Digital Image Processing, section 3.6",
        quarter_turns(formulas.sharpen),
        sizes=_ODD,
        fits=_odd_from_3,
    ),
    NamedKernel(
        "emboss",
        "Emboss",
        "The picture plus its slope along the diagonal looks like a relief lit from one corner.",
        "The 3 × 3 matrix -2, -1, 0 / -1, 1, 1 / 0, 1, 2 of image editors",
        quarter_turns(formulas.emboss),
        sizes=_ODD,
        fits=_odd_from_3,
    ),
    NamedKernel(
        "sobel-x",
        "Sobel, along rows",
        "Answers to brightness that rises from left to right: vertical edges.",
        _SOBEL,
        quarter_turns(formulas.sobel_x),
        sizes="2 or more columns, and in banks that turn it as many rows",
        fits=lambda height, width: width >= 2,
    ),
    NamedKernel(
        "sobel-y",
        "Sobel, along columns",
        "Answers to brightness that rises from top to bottom: horizontal edges.",
        _SOBEL,
        quarter_turns(formulas.sobel_y),
        sizes="2 or more rows, and in banks that turn it as many columns",
        fits=lambda height, width: height >= 2,
    ),
    NamedKernel(
        "scharr-x",
        "Scharr, along rows",
        "Like Sobel along rows, with an answer that depends less on the direction of the edge.",
        _SCHARR,
        quarter_turns(formulas.scharr_x),
        sizes=_SCHARR_SIZES,
        fits=_scharr_size,
    ),
    NamedKernel(
        "scharr-y",
        "Scharr, along columns",
        "Like Sobel along columns, with an answer that depends less on the direction of the edge.",
        _SCHARR,
        quarter_turns(formulas.scharr_y),
        sizes=_SCHARR_SIZES,
        fits=_scharr_size,
    ),
    NamedKernel(
        "laplacian",
        "Laplacian",
        "Compares a pixel with its neighbours: 0 on a slope, both signs at an edge.",
        "Gonzalez and Woods, Digital Image Processing, section 3.6",
        quarter_turns(formulas.laplacian),
        sizes=_FROM_3,
        fits=_at_least_3,
    ),
    NamedKernel(
        "laplacian-of-gaussian",
        "Laplacian of Gaussian",
        "Blurs and compares at once: bright or dark blobs of the kernel's size stand out.",
        "Marr and Hildreth, Theory of edge detection, 1980",
        quarter_turns(formulas.laplacian_of_gaussian),
        sizes=_FROM_3,
        usual_size=(9, 9),
        fits=_at_least_3,
    ),
    NamedKernel(
        "gabor",
        "Gabor bank",
        "Each filter answers to stripes of one direction and width, as cells of the visual cortex do.",
        "Daugman, 1985; Petkov and Kruizinga, 1997",
        formulas.gabor,
        turns="orientations",
        sizes=_FROM_3,
        usual_size=(11, 11),
        fits=_at_least_3,
    ),
    NamedKernel(
        "motion-blur",
        "Motion blur",
        "The mean along a line: what a camera records that moves while the shutter is open.",
        "Gonzalez and Woods, Digital Image Processing, section 5.6",
        formulas.motion_blur,
        turns="orientations",
        usual_size=(9, 9),
    ),
    NamedKernel(
        _RANDOM,
        "Random",
        "The weights with which nn.Conv2d starts before it has learnt anything.",
        "PyTorch, nn.Conv2d: U(-b, b) with b = 1 / sqrt(fan_in); He et al., 2015",
        lambda height, width, angle: _drawn((1, 1, height, width), 0)[0, 0],
        turns="draws",
    ),
)


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

    `seed` matters to the random kernel only. InputError names the sizes that make sense where the one
    asked for does not.

    >>> kernel_2d("sobel-x", 3)
    tensor([[-1.,  0.,  1.],
            [-2.,  0.,  2.],
            [-1.,  0.,  1.]], dtype=torch.float64)
    """
    return filter_bank(name, kernel_size, 1, 1, seed=seed, dtype=torch.float64)[0, 0]


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

    InputError: an unknown name, a size for which the kernel makes no sense, channels and filters that
    the groups do not divide, a dtype that is not floating.

    >>> filter_bank("box", (1, 2), in_channels=2, n_filters=1)
    tensor([[[[0.2500, 0.2500]],
    <BLANKLINE>
             [[0.2500, 0.2500]]]])
    """
    kernel = named_kernel(name)
    spec = Conv2dSpec(kernel_size, groups=groups)
    spec.check_channels(in_channels, n_filters)
    _check_options(across, dtype, seed)
    group_channels, group_filters = in_channels // groups, n_filters // groups
    n = torch.arange(n_filters) % group_filters
    if across == "mean":
        turns, shares = n, torch.full((n_filters, group_channels), 1 / group_channels)
    else:
        turns, shares = n // group_channels, torch.eye(group_channels)[n % group_channels]
    shape = (n_filters, group_channels, *spec.kernel_size)
    n_turns = int(turns.max()) + 1
    _check_size(kernel, shape, n_turns)
    if kernel.turns == "draws":
        return (_drawn(shape, seed) * (shares > 0)[:, :, None, None]).to(dtype)
    turned = _all_turns(kernel, spec.kernel_size, n_turns)
    return (turned[turns][:, None] * shares.to(torch.float64)[:, :, None, None]).to(dtype)


def _all_turns(kernel: NamedKernel, size: tuple[int, int], n_turns: int) -> Tensor:
    """The kernel in each of its turns: (n_turns, height, width) float64."""
    if kernel.turns == "quarter turns":
        different = [kernel.formula(*size, math.pi / 2 * turn) for turn in range(min(n_turns, 4))]
        return torch.stack([different[turn % 4] for turn in range(n_turns)])
    return torch.stack([kernel.formula(*size, math.pi * turn / n_turns) for turn in range(n_turns)])


def _drawn(shape: tuple[int, ...], seed: int) -> Tensor:
    """Weights as nn.Conv2d.reset_parameters draws them: float32, by the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    return nn.init.kaiming_uniform_(torch.empty(shape), a=math.sqrt(5), generator=generator)


def _check_size(kernel: NamedKernel, shape: tuple[int, int, int, int], n_turns: int) -> None:
    *_, height, width = shape
    if max(height, width) > MAX_KERNEL_SIDE or math.prod(shape) > MAX_WEIGHTS:
        what = (
            f"Named kernels have at most {MAX_KERNEL_SIDE} rows and columns and {MAX_WEIGHTS:,} "
            f"weights in a bank, got {height:,} × {width:,} and {math.prod(shape):,}."
        )
        raise InputError(what, remedy="Use a smaller kernel or fewer filters.")
    also_turned = n_turns > 1 and kernel.turns == "quarter turns"
    if not kernel.fits(height, width) or (also_turned and not kernel.fits(width, height)):
        what = (
            f"The kernel {kernel.name} has {kernel.sizes}; {height} × {width} does not make sense."
        )
        usual_height, usual_width = kernel.usual_size
        remedy = f"Set the kernel size to {usual_height} × {usual_width}, or choose another kernel."
        raise InputError(what, remedy=remedy)


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
