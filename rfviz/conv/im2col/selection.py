"""Rows or columns that a person selects, as a range or as positions, checked once."""

from dataclasses import dataclass
from typing import Any

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.wording import shown


@dataclass(frozen=True)
class Selection:
    """Positions along one side of the matrix, and whether that side is dropped, as by an int.

    A range is kept as a range: a whole row of a large picture has millions of positions, and only a
    block of them is a tensor at a time.
    """

    positions: range | torch.Tensor
    drops: bool = False

    def __len__(self) -> int:
        """Return the number of selected positions."""
        return len(self.positions)

    def block(self, start: int, stop: int) -> torch.Tensor:
        """Return positions start to stop of the selection, int64."""
        part = self.positions[start:stop]
        if isinstance(part, torch.Tensor):
            return part
        return torch.arange(part.start, part.stop, part.step) if part else torch.arange(0)


def both_sides(index: Any) -> tuple[Any, Any]:
    """Return what is asked of the rows and of the columns; an ellipsis stands for what is left out.

    >>> both_sides(3), both_sides((..., 0))
    ((3, slice(None, None, None)), (slice(None, None, None), 0))
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    dots = [n for n, part in enumerate(parts) if part is ...]
    if any(part is None for part in parts):
        raise InputError(
            "The column matrix has 2 dimensions and takes no new one.",
            remedy="Take the window first, and then [None] of it",
        )
    if len(dots) == 1:
        at = dots[0]
        parts[at : at + 1] = [slice(None)] * (3 - len(parts))
    parts += [slice(None)] * (2 - len(parts))
    if len(parts) != 2 or len(dots) > 1:
        raise InputError(f"The column matrix has 2 dimensions, got the indices {shown(index)}.")
    return parts[0], parts[1]


def select(name: str, index: Any, n: int) -> Selection:
    """Read an int, slice, range, list, index tensor or bool mask over n positions of `name`.

    Negative numbers count from the end. Raises `InputError` for what is out of range, naming it.

    >>> select("rows", slice(None, None, -2), 5).block(0, 3).tolist()
    [4, 2, 0]
    """
    if isinstance(index, slice):
        return Selection(_positions_of_slice(name, index, n))
    positions = _as_tensor(name, index)
    if positions.dtype == torch.bool:
        return Selection(_positions_of_mask(name, positions, n))
    _check_range(name, positions, n)
    positions = torch.where(positions < 0, positions + n, positions)
    return Selection(positions.reshape(-1), drops=positions.ndim == 0)


def _positions_of_slice(name: str, index: slice, n: int) -> range:
    try:
        return range(n)[index]
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} cannot be sliced by {shown(index)}: {error}.") from None


def _positions_of_mask(name: str, mask: torch.Tensor, n: int) -> torch.Tensor:
    if mask.shape != (n,):
        raise InputError(f"A mask of {name} needs {n} entries, got {tuple(mask.shape)}.")
    return torch.nonzero(mask)[:, 0]


def _as_tensor(name: str, index: Any) -> torch.Tensor:
    try:
        found = torch.as_tensor(list(index) if isinstance(index, range) else index)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise _not_an_index(name, index) from None
    if found.device.type != "cpu" or found.layout != torch.strided or found.is_quantized:
        raise _not_an_index(name, index)
    if found.numel() == 0 and found.ndim == 1:
        return found.to(torch.int64)
    if found.is_floating_point() or found.is_complex() or found.ndim > 1:
        raise _not_an_index(name, index)
    if found.dtype == torch.bool:
        if found.ndim == 0:
            raise _not_an_index(name, index)
        return found
    return found.to(torch.int64)


def _not_an_index(name: str, index: object) -> InputError:
    return InputError(
        f"{name} must be whole numbers, a slice or a mask, got {shown(index)}.",
        remedy="Use an int, a slice, or a list or tensor of ints in one dimension, on the CPU",
    )


def _check_range(name: str, positions: torch.Tensor, n: int) -> None:
    outside = (positions < -n) | (positions >= n)
    if outside.any():
        worst = int(positions.reshape(-1)[outside.reshape(-1)][0])
        raise InputError(
            f"{name} {worst} is outside the matrix, which has {n} {name}.",
            remedy=f"Choose 0 to {n - 1}, or {-n} to -1 counted from the end",
        )
