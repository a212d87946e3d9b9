"""Tensors that share their memory: what is written to one of them is read from the others.

A slice of a map is a view of it; `map[:, :, 1:] = other` writes to the map. The same views of the
map's hulls, written to in the same way, say what is read from then on.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from rfviz.conv.trace.calls import Call, blank, tensors_in
from rfviz.conv.trace.followed import Followed, Standing, least_sure
from rfviz.conv.trace.hulls import MOST_ELEMENTS, narrowed, over, spread, union, untangled

View = Callable[[torch.Tensor], torch.Tensor]


class Aliases:
    """What is known of each tensor, by its id, kept in step with what shares its memory."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.known: dict[int, Followed] = {}
        # Tensors are held, so that no id is used twice.
        self._held: dict[int, torch.Tensor] = {}
        self._origin: dict[int, tuple[torch.Tensor, tuple[View, ...]]] = {}
        self._views: dict[int, list[torch.Tensor]] = {}

    def hold(self, tensors: Sequence[torch.Tensor]) -> None:
        """Keep tensors as long as their ids are used."""
        self._held.update((id(t), t) for t in tensors)

    def keep(self, tensor: torch.Tensor, followed: Followed) -> None:
        """Keep what is known of a tensor."""
        self._held[id(tensor)] = tensor
        self.known[id(tensor)] = followed

    def viewed(self, call: Call, outputs: Sequence[torch.Tensor]) -> None:
        """Note that results are views of an argument, where they are."""
        source = _viewed(call)
        if source is None:
            return
        base, steps = self._origin.get(id(source), (source, ()))
        self.hold([base, source])
        for index, output in enumerate(outputs):
            if output is source:
                continue
            step = _step(call, source, index)
            self._origin[id(output)] = (base, (*steps, step))
            self._views.setdefault(id(base), []).append(output)

    def overwritten(self, func: Any, given: dict[str, Any], found: Sequence[Followed]) -> None:
        """Bring what shares memory with a written argument up to date."""
        for argument in func._schema.arguments:
            writes = argument.alias_info is not None and argument.alias_info.is_write
            for target in tensors_in(given.get(argument.name)) if writes else ():
                known = [one for one in found if one.shape == tuple(target.shape)]
                if known and (id(target) in self.known or known[0].hulls[0].amin() < 2.0**39):
                    self._write(target, known[0])

    def _write(self, target: torch.Tensor, written: Followed) -> None:
        base, steps = self._origin.get(id(target), (target, ()))
        after = written
        if steps:
            before = self.known.get(id(base)) or blank(base)
            after = _written(before, steps, written)
        self.keep(base, after)
        for view in self._views.get(id(base), ()):
            self.keep(view, _seen(after, self._origin[id(view)][1], view))
        self.keep(target, written)


def _viewed(call: Call) -> torch.Tensor | None:
    """The argument that the results share their memory with, if any."""
    returns = call.func._schema.returns
    shares = [one for one in returns if one.alias_info is not None and not one.alias_info.is_write]
    if not shares:
        return None
    for argument in call.func._schema.arguments:
        if argument.alias_info is not None:
            value = call.given.get(argument.name)
            return value if isinstance(value, torch.Tensor) else None
    return None


def _step(call: Call, source: torch.Tensor, index: int) -> View:
    def step(tensor: torch.Tensor) -> torch.Tensor:
        return list(tensors_in(call.run({id(source): tensor})))[index]

    return step


def _through(steps: Sequence[View], tensor: torch.Tensor) -> torch.Tensor:
    for step in steps:
        tensor = step(tensor)
    return tensor


def _written(before: Followed, steps: Sequence[View], written: Followed) -> Followed:
    """The map after a part of it was written to; all of both where that part cannot be found."""
    sure = least_sure([before.standing, written.standing])
    hulls = []
    try:
        for axis in (0, 1):
            full = _whole_hull(before, axis).clone()
            new = spread(written.hulls[axis], written.shape)
            for side in (0, 1):
                _through(steps, full[side]).copy_(new[side])
            hulls.append(narrowed(full))
        hulls = list(untangled(hulls[0], hulls[1]))
    except RuntimeError:
        hulls = [union([_all(before, axis), _all(written, axis)], before.n_dims) for axis in (0, 1)]
        sure = least_sure([sure, Standing("upper bound", "a part of a map is written to")])
    after = replace(before, hulls=(hulls[0], hulls[1]), tracks=(None, None))
    aligned = before.aligned and written.aligned
    return replace(
        after, standing=sure, aligned=aligned, note=before.note or written.note
    ).labelled()


def _seen(base: Followed, steps: Sequence[View], view: torch.Tensor) -> Followed:
    """What is known of a view of a map that was written to."""
    try:
        rows, columns = (
            narrowed(torch.stack([_through(steps, side) for side in _whole_hull(base, axis)]))
            for axis in (0, 1)
        )
    except RuntimeError:
        rows, columns = (_all(base, axis).reshape(2, *[1] * view.ndim) for axis in (0, 1))
    one = Followed(tuple(view.shape), (rows, columns), (None, None), (None, None), base.standing)
    return replace(one, aligned=base.aligned, note=base.note).labelled()


def _whole_hull(known: Followed, axis: int) -> torch.Tensor:
    full = spread(known.hulls[axis], known.shape)
    if full.numel() > 2 * MOST_ELEMENTS:
        raise RuntimeError("more elements than are followed one by one")
    return full.contiguous()


def _all(known: Followed, axis: int) -> torch.Tensor:
    return over(known.hulls[axis], range(known.n_dims))
