"""Where the kernel lies along one axis: every placement, its taps, overlaps, what is never read.

A convolution, a pooling layer and `nn.Unfold` lay the kernel on the padded input, once an output;
a transposed convolution lays it on the output, once an input. Both are one strip of pixels with
placements on it.
"""

from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.reads import number_in
from rfviz.conv.layers.fit import AXES, AxisNumbers, axis_numbers, picture_size
from rfviz.conv.layers.layer import Layer
from rfviz.conv.spec.padding_modes import LONGEST_SIDE, source_indices
from rfviz.conv.spec.parse import whole_number


class AxisPlacements(NamedTuple):
    """The kernel along one axis: coordinates of the strip, pixels 0 to `size` − 1 being real.

    `strip` is "input" or "output": what the kernel is laid on. `starts` holds the coordinate of the
    first tap of each placement, negative in the padding; `taps` the offsets from there. `counts`,
    int64, holds the taps that lie on each coordinate from `first` on. `overlap` is the number of
    pixels that two neighbouring placements share. `never` are the pixels of the strip without a
    tap: never read, or of a transposed layer never written. `idle` are the placements without a
    tap on a real pixel.
    """

    axis: str
    strip: str
    size: int
    first: int
    starts: range
    taps: range
    counts: torch.Tensor
    overlap: int
    never: torch.Tensor
    idle: tuple[int, ...]

    def placement(self, index: object) -> range:
        """Return the coordinates of the taps of one placement.

        >>> placements(Layer("Conv2d", 3, 2, 1), (5, 5), 0).placement(1)
        range(1, 4)
        """
        start = self.starts[number_in("placement", index, len(self.starts))]
        return range(start + self.taps.start, start + self.taps.stop, self.taps.step)


def placements(layer: Layer, input_size: object, axis: object) -> AxisPlacements:
    """Lay the kernel along axis 0 (rows) or 1 (columns) of a (height, width) picture.

    Raises `InputError` where the layer does not fit or a strip would be longer than 2**24 pixels.
    Source: Dumoulin & Visin, arXiv:1603.07285.

    >>> found = placements(Layer("Conv2d", 2, 3), (7, 7), 1)
    >>> found.starts, found.never.tolist(), found.overlap
    (range(0, 4, 3), [2, 5, 6], 0)
    """
    size = picture_size(input_size)
    n_outputs = layer.output_size(size)
    index = number_in("axis", whole_number("axis", axis, least=0), 2)
    a = axis_numbers(layer, size, index)
    if a.kind == "ConvTranspose2d":
        return _laid(AXES[index], "output", a, (a.input_size, n_outputs[index]), None)
    sources = None
    if layer.padding_mode != "zeros":
        sources = source_indices(a.input_size, a.before, a.after, layer.padding_mode)
    return _laid(AXES[index], "input", a, (n_outputs[index], a.input_size), sources)


def _laid(
    axis: str, strip: str, a: AxisNumbers, sizes: tuple[int, int], sources: torch.Tensor | None
) -> AxisPlacements:
    n_placements, n_real = sizes
    reach = (n_placements - 1) * a.stride + a.span
    length = max(reach, a.before + n_real + a.after)
    if length > LONGEST_SIDE:
        raise InputError(
            f"The strip would be {length} pixels long, more than {LONGEST_SIDE}.",
            remedy="Use a smaller picture, stride or kernel",
        )
    counts = _counts(length, (n_placements, a.stride), (a.kernel_size, a.dilation))
    starts = range(-a.before, -a.before + (n_placements - 1) * a.stride + 1, a.stride)
    taps = range(0, a.span, a.dilation)
    reads = counts[a.before : a.before + n_real]
    if sources is not None:
        inside = sources >= 0
        reads = torch.zeros(n_real, dtype=torch.int64)
        reads.index_add_(0, sources[inside], counts[: len(sources)][inside])
    idle = tuple(i for i in _edges(n_placements, a) if not _touches(starts[i], taps, n_real))
    return AxisPlacements(
        axis, strip, n_real, -a.before, starts, taps, counts,
        _overlap(a), torch.nonzero(reads == 0)[:, 0], idle if sources is None else (),
    )  # fmt: skip


def _counts(length: int, outputs: tuple[int, int], taps: tuple[int, int]) -> torch.Tensor:
    """Taps on each coordinate: a strided slice for each of the fewer ones of taps and outputs."""
    (n_few, few_step), (n_many, many_step) = sorted((outputs, taps))
    counts = torch.zeros(length, dtype=torch.int64)
    for index in range(n_few):
        start = index * few_step
        counts[start : start + (n_many - 1) * many_step + 1 : many_step] += 1
    return counts


def _overlap(a: AxisNumbers) -> int:
    """Pixels that a placement shares with the next: taps whose distance is the stride."""
    steps, rest = divmod(a.stride, a.dilation)
    return max(a.kernel_size - steps, 0) if rest == 0 else 0


def _edges(n_placements: int, a: AxisNumbers) -> list[int]:
    """Placements that may lie wholly in the padding: those near either end."""
    n_near = min(n_placements, (max(a.before, a.after) + a.span) // a.stride + 1)
    return sorted({*range(n_near), *range(n_placements - n_near, n_placements)})


def _touches(start: int, taps: range, size: int) -> bool:
    """Whether a tap lies on a real pixel."""
    low = -(-max(-start, 0) // taps.step) * taps.step
    return low < taps.stop and start + low < size
