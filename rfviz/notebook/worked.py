"""What the explorer shows of a picture, a spec and a weight, computed without the app."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F

from rfviz.conv.errors import InputError
from rfviz.conv.feature_maps.binned_means import MapMeans
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.matmul.product_window import ProductWindow, product_window
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.wording import channel_name
from rfviz.figures.patch import ReceptiveFieldNumbers, receptive_field_numbers

# A map with more outputs along a side is shown as means of bins.
SHOWN_WHOLE = 256


@dataclass(frozen=True)
class Worked:
    """A picture (C, H, W), a spec and a weight that fit, and a chosen output and filter."""

    image: torch.Tensor
    spec: Conv2dSpec
    weight: torch.Tensor
    bias: torch.Tensor | None
    output: Pair
    filter_index: int

    @cached_property
    def columns(self) -> ColumnMatrix:
        """The column matrix of the picture."""
        return ColumnMatrix(self.image, self.spec)

    @property
    def input_size(self) -> Pair:
        """Height and width of the picture."""
        return self.image.shape[1], self.image.shape[2]

    @cached_property
    def most(self) -> float:
        """The value drawn as white; 0 is black."""
        if self.image.dtype == torch.uint8:
            return 255.0
        finite = self.image[self.image.isfinite()].double()
        top = float(finite.max()) if finite.numel() else 1.0
        # With its 24 bits a float32 value times 255 / most is exact in the browser's numbers.
        return float(torch.tensor(top if top > 0 else 1.0, dtype=torch.float32))

    @property
    def divisor(self) -> float:
        """What the browser divides its pixels of 0 to 255 by."""
        if self.image.dtype == torch.uint8:
            return 1.0
        return float(torch.tensor(255.0 / self.most, dtype=torch.float32))

    @property
    def channels(self) -> range:
        """The channels that the chosen filter reads."""
        size = len(self.image) // self.spec.groups
        group = self.filter_index // (len(self.weight) // self.spec.groups)
        return range(group * size, (group + 1) * size)

    @property
    def channel_names(self) -> list[str]:
        """Their names."""
        return [channel_name(channel, len(self.image)) for channel in self.channels]

    @property
    def chosen_bias(self) -> float:
        """The chosen filter's bias, 0 without one."""
        return 0.0 if self.bias is None else float(self.bias[self.filter_index])

    @cached_property
    def patch(self) -> torch.Tensor:
        """(C, kh, kw): what the chosen output reads, in the weight's type."""
        column = self.columns.column(*self.output).to(self.weight.dtype)
        return column.view(len(self.image), *self.spec.kernel_size)

    @cached_property
    def numbers(self) -> ReceptiveFieldNumbers:
        """The products of the chosen output."""
        own = self.patch[self.channels.start : self.channels.stop]
        return receptive_field_numbers(own, self.weight[self.filter_index], self.chosen_bias)

    @cached_property
    def by_conv2d(self) -> float:
        """The chosen output as torch gives it."""
        output = F.conv2d(self.patch[None], self.weight, self.bias, groups=self.spec.groups)
        return float(output[0, self.filter_index, 0, 0])

    @cached_property
    def feature_map(self) -> torch.Tensor:
        """(H_out, W_out): all outputs of the chosen filter."""
        image = self.image[self.channels.start : self.channels.stop].to(self.weight.dtype)
        only = slice(self.filter_index, self.filter_index + 1)
        bias = None if self.bias is None else self.bias[only]
        single = replace(self.spec, groups=1)
        return conv2d_by_matmul(image, self.weight[only], bias, spec=single)[0]

    @property
    def binned_map(self) -> tuple[torch.Tensor, tuple[float, float]]:
        """The feature map, or means of bins of a large one, and how many outputs a cell is."""
        size = self.columns.output_size
        if max(size) <= SHOWN_WHOLE:
            return self.feature_map, (1, 1)
        maps = MapMeans(1, size, (SHOWN_WHOLE, SHOWN_WHOLE))
        maps.add(range(size[0]), self.feature_map[None])
        return maps.means[0].float(), maps.step

    def columns_shown(self, most: int) -> range:
        """So many columns of the matrix around the chosen one, or all where they are fewer."""
        return around(self.columns.column_index(*self.output), self.columns.shape[1], most)

    def product(self, shown: range) -> ProductWindow:
        """The weight matrix times some columns."""
        entries = self.columns[:, shown.start : shown.stop].to(self.weight.dtype)
        return product_window(self.weight, self.bias, entries, shown, self.spec.groups)


def around(position: int, size: int, length: int) -> range:
    """At most `length` of `size` places around one, as the browser's `around` in matrix_window.js.

    >>> around(2, 100, 11), around(99, 100, 11), around(3, 5, 11)
    (range(0, 11), range(89, 100), range(0, 5))
    """
    start = max(0, min(position - length // 2, size - length))
    return range(start, min(size, start + length))


def chosen_output(size: Pair, position: object) -> Pair:
    """Return the output that is asked for, by default the middle one, or raise `InputError`.

    >>> chosen_output((5, 8), None), chosen_output((5, 8), (0, 7))
    ((2, 4), (0, 7))
    """
    if position is None:
        return size[0] // 2, size[1] // 2
    both = tuple(position) if isinstance(position, tuple | list) else ()
    inside = len(both) == 2 and all(
        isinstance(at, int) and not isinstance(at, bool) and 0 <= at < n
        for at, n in zip(both, size, strict=False)
    )
    if not inside:
        last = (size[0] - 1, size[1] - 1)
        raise InputError(
            f"A position is (row, column) of an output, from (0, 0) to {last}, got {position!r}.",
            remedy=f"Use position={(size[0] // 2, size[1] // 2)}",
        )
    return both[0], both[1]
