"""First and last pixel that every element of a tensor reads on one axis of the picture.

A hull is a float64 tensor of 2 × the tensor's dimensions: the first pixel, and minus the last, so
that the hull of a union is a minimum. A dimension along which nothing changes has length 1: the
hulls of a feature map of any size are a column and a row. An element that reads nothing is `BLANK`.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import cast

import torch

# Above every pixel, and exact beside them in float64.
BLANK = 2.0**40
# A hull that changes along every dimension of a large tensor is not held.
MOST_ELEMENTS = 2**24


class TooManyElements(Exception):  # noqa: N818 - a signal to widen, which no caller ever sees
    """The hull would need more numbers than are held."""


def axis_hull(n: int, dim: int, n_dims: int) -> torch.Tensor:
    """Return the hull of elements that each read the pixel of their own place along `dim`.

    >>> axis_hull(3, 1, 2).shape
    torch.Size([2, 1, 3])
    """
    places = torch.arange(n, dtype=torch.float64)
    shape = [1] * n_dims
    shape[dim] = n
    return torch.stack([places, -places]).reshape(2, *shape)


def nothing(n_dims: int) -> torch.Tensor:
    """Return the hull of elements that read no pixel.

    >>> nothing(2).shape
    torch.Size([2, 1, 1])
    """
    return torch.full((2, *[1] * n_dims), BLANK, dtype=torch.float64)


def spread(hull: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Return a hull expanded to the dimensions of its tensor, without a copy.

    >>> spread(axis_hull(3, 0, 1), (2, 3)).shape
    torch.Size([2, 2, 3])
    """
    missing = len(shape) + 1 - hull.ndim
    return hull.reshape(2, *[1] * missing, *hull.shape[1:]).expand(2, *shape)


def narrowed(hull: torch.Tensor) -> torch.Tensor:
    """Return the hull with length 1 along every dimension in which it does not change.

    >>> narrowed(torch.zeros(2, 4, 5, dtype=torch.float64)).shape
    torch.Size([2, 1, 1])
    """
    for dim in range(1, hull.ndim):
        if hull.shape[dim] > 1 and hull.stride(dim) == 0:
            hull = hull.narrow(dim, 0, 1)
    _check(hull.shape)
    for dim in range(1, hull.ndim):
        first = hull.narrow(dim, 0, min(1, hull.shape[dim]))
        if hull.shape[dim] > 1 and bool((hull == first).all()):
            hull = first
    return hull.contiguous()


def union(hulls: Iterable[torch.Tensor], n_dims: int) -> torch.Tensor:
    """Return what elements read that are computed from elements of several tensors, broadcast.

    >>> union([axis_hull(3, 0, 1), axis_hull(3, 0, 2)], 2)[:, 2, 0]
    tensor([ 0., -2.], dtype=torch.float64)
    """
    same = [hull.reshape(2, *[1] * (n_dims + 1 - hull.ndim), *hull.shape[1:]) for hull in hulls]
    result = same[0]
    for hull in same[1:]:
        _check([max(pair) for pair in zip(result.shape, hull.shape, strict=True)])
        result = torch.minimum(result, hull)
    return narrowed(result)


def over(hull: torch.Tensor, dims: Iterable[int]) -> torch.Tensor:
    """Return what elements read that are computed from all along some dimensions, kept.

    >>> over(axis_hull(3, 0, 1), [0])[:, 0]
    tensor([ 0., -2.], dtype=torch.float64)
    """
    chosen = [dim % (hull.ndim - 1) + 1 for dim in dims] if hull.ndim > 1 else []
    return hull.amin(dim=chosen, keepdim=True) if chosen else hull


def moved(
    hull: torch.Tensor, shape: Sequence[int], run: Callable[[torch.Tensor], object]
) -> list[torch.Tensor]:
    """Return the hulls of what a step gives that moves elements: the same step moves their hulls.

    What it fills in anew is blank, for it is zero, and the hull is handed to it less `BLANK`.

    >>> moved(axis_hull(3, 0, 1), (3,), lambda t: t.flip(0))[0][0]
    tensor([2., 1., 0.], dtype=torch.float64)
    """
    full = spread(hull - BLANK, shape)
    pairs = zip(_list(run(full[0])), _list(run(full[1])), strict=True)
    return [narrowed(torch.stack([first, last]) + BLANK) for first, last in pairs]


def untangled(rows: torch.Tensor, columns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return hulls that say of a part that reads nothing only that its rows, or columns, do.

    >>> rows, columns = torch.full((2, 2, 2), BLANK), torch.full((2, 2, 2), BLANK)
    >>> rows[:, 1, 1], columns[:, 1, 1] = 0, 0
    >>> [hull.shape for hull in untangled(rows, columns)]
    [torch.Size([2, 2, 1]), torch.Size([2, 1, 2])]
    """
    varied = [d for d in range(1, rows.ndim) if max(rows.shape[d], columns.shape[d]) > 1]
    for one, other in (varied, varied[::-1]) if len(varied) == 2 else ():
        fewer = (rows.amin(other, keepdim=True), columns.amin(one, keepdim=True))
        nothing_read = (fewer[0] >= BLANK) | (fewer[1] >= BLANK)
        same = [
            bool((torch.where(nothing_read, BLANK, new) == old).all())
            for new, old in zip(fewer, (rows, columns), strict=True)
        ]
        if all(same):
            return fewer
    return rows, columns


def reshaped(hull: torch.Tensor, old: Sequence[int], new: Sequence[int]) -> torch.Tensor:
    """Return the hull of a tensor of `old` lengths that is viewed in `new` lengths.

    >>> reshaped(axis_hull(3, 0, 2), (3, 2), (6,))[0]
    tensor([0., 0., 1., 1., 2., 2.], dtype=torch.float64)
    """
    inner: list[int] = []
    target: list[int] = []
    for before, after in _groups(old, new):
        varies = any(hull.shape[dim + 1] > 1 for dim in before)
        inner += [old[dim] if varies else 1 for dim in before]
        target += [new[dim] if varies else 1 for dim in after]
    _check(inner)
    return narrowed(hull.expand(2, *inner).reshape(2, *target))


def windowed(
    hull: torch.Tensor, dim: int, first: torch.Tensor, last: torch.Tensor, step: int = 1
) -> torch.Tensor:
    """Return what outputs read whose windows along `dim` are from `first` to `last` by `step`.

    Places outside of the tensor are read as nothing.

    >>> windowed(axis_hull(4, 0, 1), 0, torch.tensor([-1, 1]), torch.tensor([1, 3]))[0]
    tensor([0., 1.], dtype=torch.float64)
    """
    n, dim = hull.shape[dim + 1], dim + 1
    first = first + ((-first).clamp(min=0) + step - 1) // step * step
    last = last - ((last - n + 1).clamp(min=0) + step - 1) // step * step
    counts = (last - first) // step + 1
    result = torch.full_like(hull.index_select(dim, torch.zeros_like(first)), BLANK)
    table, power = hull, 1
    while bool((counts >= power).any()):
        chosen = (counts >= power) & (counts < 2 * power)
        ends = [first[chosen], last[chosen] - (power - 1) * step]
        found = [table.index_select(dim, end) for end in ends]
        result.index_copy_(dim, chosen.nonzero()[:, 0], torch.minimum(*found))
        reach = power * step
        if table.shape[dim] > reach:
            near = table.narrow(dim, 0, table.shape[dim] - reach)
            far = table.narrow(dim, reach, table.shape[dim] - reach)
            rest = table.narrow(dim, table.shape[dim] - reach, reach)
            table = torch.cat([torch.minimum(near, far), rest], dim)
        power *= 2
    return result


def _groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Split the dimensions of two shapes where the products of their lengths meet."""
    found: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        before: list[int] = []
        after: list[int] = []
        n_before = n_after = 1
        while True:
            if (n_before < n_after or not before) and i < len(old):
                n_before, i = n_before * old[i], i + 1
                before.append(i - 1)
            elif j < len(new) and (n_after < n_before or not after):
                n_after, j = n_after * new[j], j + 1
                after.append(j - 1)
            else:
                break
        found.append((before, after))
    return found


def _list(value: object) -> list[torch.Tensor]:
    return list(value) if isinstance(value, list | tuple) else [cast("torch.Tensor", value)]


def _check(shape: Sequence[int]) -> None:
    if math.prod(shape) > MOST_ELEMENTS:
        raise TooManyElements
