"""The table of named kernels: for each a title, what it shows, source, sizes and formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rfviz.io.kernels import formulas
from rfviz.io.kernels.formulas import Formula, quarter_turns

Turns = Literal["quarter turns", "orientations", "draws"]


@dataclass(frozen=True)
class NamedKernel:
    """A kernel as data: how it is called, what it shows, where it comes from, and its formula.

    `turns` says how the filters of a bank differ: the kernel in quarter turns, at equally spaced
    orientations over 180 degrees, or drawn anew. `fits(height, width)` holds for the sizes for
    which the kernel makes sense; `sizes` says so in words, and `usual_size` is one of them.
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


_FROM_3 = "3 or more rows and columns"
_ODD = "odd numbers of rows and columns from 3 on"
_SCHARR_SIZES = "3 × 3 and 5 × 5"
_SCHARR = "Scharr, Optimale Operatoren in der digitalen Bildverarbeitung, 2000"
_SOBEL = "Sobel and Feldman, 1968; larger sizes from Pascal's triangle, as OpenCV's getDerivKernels"

KERNELS: tuple[NamedKernel, ...] = (
    NamedKernel(
        "identity",
        "Identity",
        "One tap reads one pixel, so the output is a copy of the input.",
        "Gonzalez and Woods, Digital Image Processing, section 3.4",
        quarter_turns(formulas.identity),
    ),
    NamedKernel(
        "box",
        "Box blur",
        "Every pixel of the receptive field counts the same: detail smaller than it goes.",
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
        sizes="2 to 31 columns and 1 to 31 rows (2 to 31 in a bank that turns it)",
        fits=lambda height, width: width >= 2 and max(height, width) <= 31,
    ),
    NamedKernel(
        "sobel-y",
        "Sobel, along columns",
        "Answers to brightness that rises from top to bottom: horizontal edges.",
        _SOBEL,
        quarter_turns(formulas.sobel_y),
        sizes="2 to 31 rows and 1 to 31 columns (2 to 31 in a bank that turns it)",
        fits=lambda height, width: height >= 2 and max(height, width) <= 31,
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
        "Each filter answers to stripes of one direction, like cells of the visual cortex.",
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
        "random",
        "Random",
        "The weights with which nn.Conv2d starts before it has learnt anything.",
        "PyTorch, nn.Conv2d: U(-b, b) with b = 1 / sqrt(fan_in); He et al., 2015",
        lambda height, width, angle: formulas.drawn((1, 1, height, width), 0)[0, 0].double(),
        turns="draws",
    ),
)
