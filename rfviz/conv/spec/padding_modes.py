"""What stands beyond the edge of a picture: one record for each padding mode of `nn.Conv2d`.

Everything else that depends on the mode reads its record; the browser's half is `MODES` in
rfviz/explorer/js/laws/geometry.js.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import torch

from rfviz.conv.errors import InputError

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
PADDING_MODES: tuple[PaddingMode, ...] = get_args(PaddingMode)

# The largest number that torch takes for a size.
LARGEST = 2**31 - 1
# An index map of this length takes 128 MiB; of 100 megapixels, only a picture some million times
# longer than wide is refused by it.
LONGEST_SIDE = 2**24


@dataclass(frozen=True)
class PaddingRule:
    """One padding mode: how much it can give, and which pixel each position of the padding copies.

    `largest_pad` is the most pixels that one side can get from an axis of so many, `smallest_size`
    the other way round; `sources` maps positions, counted from the first pixel, to pixels of an
    axis of so many, -1 where none is copied; `bound` says the largest pad in words. Source: the
    documentation and the checks of `F.pad`, whose name of the mode is `torch_name`.
    """

    torch_name: str
    largest_pad: Callable[[int], int]
    smallest_size: Callable[[int], int]
    sources: Callable[[torch.Tensor, int], torch.Tensor]
    bound: str = "no larger"


def _zeros(position: torch.Tensor, size: int) -> torch.Tensor:
    return position.masked_fill((position < 0) | (position >= size), -1)


def _reflected(position: torch.Tensor, size: int) -> torch.Tensor:
    return (size - 1) - ((size - 1) - position.abs()).abs()


RULES: Mapping[PaddingMode, PaddingRule] = MappingProxyType(
    {
        "zeros": PaddingRule("constant", lambda _: LARGEST, lambda _: 1, _zeros),
        # Reflection does not repeat the edge, so it has all pixels but one to give.
        "reflect": PaddingRule(
            "reflect", lambda size: size - 1, lambda pad: pad + 1, _reflected, bound="smaller"
        ),
        "replicate": PaddingRule(
            "replicate",
            lambda _: LARGEST,
            lambda _: 1,
            lambda position, size: position.clamp(0, size - 1),
        ),
        # Wrapping around has all of them to give, once.
        "circular": PaddingRule(
            "circular",
            lambda size: size,
            lambda pad: max(1, pad),
            lambda position, size: position.remainder(size),
        ),
    }
)


def torch_mode(mode: PaddingMode) -> str:
    """Return the mode's name in `F.pad`.

    >>> torch_mode("zeros"), torch_mode("circular")
    ('constant', 'circular')
    """
    return RULES[mode].torch_name


def largest_pad(mode: PaddingMode, size: int) -> int:
    """Most pixels that one side of an axis of `size` pixels can be padded by in this mode.

    >>> largest_pad("reflect", 5), largest_pad("circular", 5)
    (4, 5)
    """
    return RULES[mode].largest_pad(size)


def same_pads(effective_kernel_size: Pair) -> Pads:
    """((top, bottom), (left, right)) that keep the size at stride 1; the odd pixel goes to the end.

    >>> same_pads((3, 4))
    ((1, 1), (1, 2))
    """
    height, width = (span - 1 for span in effective_kernel_size)
    return ((height // 2, height - height // 2), (width // 2, width - width // 2))


def source_indices(size: int, before: int, after: int, mode: PaddingMode) -> torch.Tensor:
    """Input coordinate of each padded coordinate of an axis, (before + size + after,) int64.

    -1 stands for a zero of the padding. Raises `InputError` for more padding than the mode can take
    from `size` pixels. Source: the PyTorch documentation of `F.pad`.

    >>> source_indices(4, 2, 1, "reflect").tolist(), source_indices(2, 1, 1, "zeros").tolist()
    ([2, 1, 0, 1, 2, 3, 2], [-1, 0, 1, -1])
    """
    check_axis(size, before, after, mode)
    return RULES[mode].sources(torch.arange(-before, size + after), size)


def check_axis(size: int, before: int, after: int, mode: PaddingMode) -> None:
    """Raise `InputError` for padding that the mode cannot take, or an axis that no map holds.

    >>> check_axis(4, 1, 1, "reflect")
    """
    if max(before, after) > largest_pad(mode, size):
        raise InputError(
            f"{mode.capitalize()} padding of {before} and {after} is too much for {size} pixels."
        )
    if before + size + after > LONGEST_SIDE:
        raise InputError(
            f"The padded picture would be {before + size + after} pixels long on one side, "
            f"more than {LONGEST_SIDE}.",
            remedy="Use less padding or a smaller picture",
        )
