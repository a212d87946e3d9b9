"""What an operator asks for beside receptive fields and a weight, declared by whoever writes it.

Sizes are named, since they differ from layer to layer: C channels a group, F filters, T taps
(kernel height times kernel width), K = C * T, and n outputs.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rfviz.conv.errors import InputError
from rfviz.conv.wording import shown

Size = str | int
Shape = tuple[Size, ...]

_SIZES = ("C", "F", "K", "T")


def sizes_of(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The numbers that a shape of names stands for.

    >>> sizes_of(("T", 2), {"T": 9})
    (9, 2)
    """
    return tuple(sizes[size] if isinstance(size, str) else size for size in shape)


@dataclass(frozen=True)
class Learned:
    """A tensor of the operator's own that is trained with its weight, (F, K) for ("F", "K").

    It begins as `initial`, or evenly drawn up to `spread` to either side of it.

    >>> Learned("gate", ("F", "K")).name
    'gate'
    """

    name: str
    shape: Shape
    initial: float = 0.0
    spread: float = 0.0
    does: str = ""

    def __post_init__(self) -> None:
        """Hold name and shape to what can be made."""
        _check(self.name, self.shape)


@dataclass(frozen=True)
class OutputMap:
    """Numbers for each output, such as offsets: (T, 2, n) for ("T", 2).

    Given to a layer as (N, T * 2, H_out, W_out); otherwise the layer finds them by a convolution of
    its own that begins with `initial` everywhere, and `apply_operator` takes `initial`.

    >>> OutputMap("offsets", ("T", 2)).n_channels({"T": 9})
    18
    """

    name: str
    shape: Shape
    initial: float = 0.0
    does: str = ""

    def __post_init__(self) -> None:
        """Hold name and shape to what can be made."""
        _check(self.name, self.shape)

    def n_channels(self, sizes: Mapping[str, int]) -> int:
        """How many numbers each output has."""
        return math.prod(sizes_of(self.shape, sizes))


@dataclass(frozen=True)
class Reads:
    """What the function of an operator is given by name, beside patches, weight and mask.

    - `position`: (2, n) int64, the row and the column of each output
    - `query`: (C, n), the tap in the middle of the kernel, rounded down and to the right
    - `guide`: receptive fields of a second picture, by default the same one
    - `learned` and `maps`, each by its own name
    - `shaped`: patches are (C, kernel height, kernel width, n) instead of (K, n), the weight (F, C,
      kernel height, kernel width), and so mask and guide
    - `weight_per_column`: the weight is (F, K, n), each output its own
    - `sampled`: the map `offsets`, ("T", 2), moves each tap by (rows, columns); values between
      pixels are bilinear, and zero outside the padded picture
    - `inside`: a window that would leave the picture is moved into it, by whole steps of dilation

    >>> Reads(query=True, learned=(Learned("gate", ("F", "K")),)).names
    ('query', 'gate')
    """

    position: bool = False
    query: bool = False
    guide: bool = False
    learned: tuple[Learned, ...] = ()
    maps: tuple[OutputMap, ...] = ()
    shaped: bool = False
    weight_per_column: bool = False
    sampled: bool = False
    inside: bool = False

    def __post_init__(self) -> None:
        """Names are each there once, and offsets where they are needed."""
        if len(set(self.names)) < len(self.names):
            raise InputError(f"An operator reads each name once, got {', '.join(self.names)}.")
        if self.sampled and not any(m.name == "offsets" and m.shape == ("T", 2) for m in self.maps):
            raise InputError(
                "An operator that samples reads a map of offsets.",
                remedy='Add OutputMap("offsets", ("T", 2))',
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The keywords that the function takes beside its parameters."""
        flags = {"position": self.position, "query": self.query, "guide": self.guide}
        given = [name for name, is_read in flags.items() if is_read]
        # Offsets have done their work when the function is called.
        maps = [each.name for each in self.maps if not (self.sampled and each.name == "offsets")]
        return (*given, *(each.name for each in self.learned), *maps)

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked for: a function of receptive fields and a weight."""
        return self == Reads()


NOTHING_MORE = Reads()


def _check(name: str, shape: Shape) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"What an operator reads has a Python name, got {shown(name)}.")
    if not isinstance(shape, tuple) or not all(map(_is_size, shape)):
        raise InputError(
            f"The shape of '{name}' is a tuple of {', '.join(_SIZES)} and whole numbers, got "
            f"{shown(shape)}."
        )


def _is_size(size: object) -> bool:
    """Whether a part of a shape is one of the names, or a whole number from 1."""
    if isinstance(size, str):
        return size in _SIZES
    return isinstance(size, int) and not isinstance(size, bool) and size >= 1
