"""What mends a stack of layers: changes of the layer that does not fit, or a larger picture.

A change that lets one layer fit can leave too little for the next. Each is tried on the whole stack
before it is offered, and the size that is offered is that of the picture, not of the layer's input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.layers.fit import axis_numbers, axis_output_size, problems
from rfviz.conv.layers.layer import Layer
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.wording import by

# What is left of a picture that is larger has more outputs than a person waits for.
_LARGEST_SIDE = 2**20

# A step is a layer, or the paths of branches that are joined.
Tried = Layer | Sequence[Sequence[Any]]


def stack_remedies(
    steps: Sequence[Tried], input_size: Pair, index: int, offered: Sequence[Remedy]
) -> tuple[Remedy, ...]:
    """Return the remedies after which every layer fits, of those `offered` for the one at `index`.

    Their changes hold the index under "layer". A larger picture at which all fit is offered too,
    where there is one; where nothing mends, advice. Branches are given as their paths.

    >>> steps = [Layer("Conv2d", 5)] * 2
    >>> [r.label for r in stack_remedies(steps, (6, 6), 1, ())]
    ['Set input size to 9']
    """
    changed = [
        replace(remedy, changes={"layer": index, **remedy.changes})
        for remedy in offered
        if remedy.changes and _mends(steps, input_size, index, remedy.changes)
    ]
    size = _least_picture(steps, input_size)
    if size is not None:
        label = str(size[0]) if size[0] == size[1] else by(size)
        changed.append(Remedy(f"Set input size to {label}", {"input_size": size}))
    advice = [remedy for remedy in offered if not remedy.changes]
    return tuple(changed or advice) or (Remedy("Use fewer layers or smaller kernels"),)


def _mends(steps: Sequence[Tried], size: Pair, index: int, changes: Mapping[str, Any]) -> bool:
    layer = steps[index]
    if not isinstance(layer, Layer) or "input_size" in changes:
        return False
    try:
        mended = replace(layer, **changes)
    except InputError:
        return False
    return _end_size([*steps[:index], mended, *steps[index + 1 :]], size) is not None


def _end_size(steps: Sequence[Tried], size: Pair) -> Pair | None:
    """The size that comes out of a stack, or None where a layer or a join does not fit."""
    for step in steps:
        after = _after(step, size)
        if after is None:
            return None
        size = after
    return size


def _after(step: Tried, size: Pair) -> Pair | None:
    if isinstance(step, Layer):
        if problems(step, size):
            return None
        rows, columns = (axis_output_size(axis_numbers(step, size, axis)) for axis in (0, 1))
        return (rows, columns)
    ends = {_end_size(path, size) for path in step}
    return ends.pop() if len(ends) == 1 else None


def _least_picture(steps: Sequence[Tried], size: Pair) -> Pair | None:
    """The least size, no side smaller than now, at which all fit; None where none is found.

    More pixels harm no layer, but a join may need sizes of one remainder: what halving finds is
    tried, and else the size it began with is taken.
    """
    side = max(size)
    while side <= _LARGEST_SIDE and _end_size(steps, (side, side)) is None:
        side *= 2
    if side > _LARGEST_SIDE:
        return None
    rows = _least(steps, size[0], side, 0)
    columns = _least(steps, size[1], side, 1)
    return (rows, columns) if _end_size(steps, (rows, columns)) is not None else (side, side)


def _least(steps: Sequence[Tried], low: int, high: int, axis: int) -> int:
    """The least side from `low` on at which the stack fits, where `high` fits as both sides."""
    other = high
    while low < high:
        middle = (low + high) // 2
        fits = _end_size(steps, (middle, other) if axis == 0 else (other, middle)) is not None
        low, high = (low, middle) if fits else (middle + 1, high)
    return low
