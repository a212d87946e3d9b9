"""One call of torch as it was made, and what is known of the tensors that it takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.geometry import whole_axis
from rfviz.conv.parameters import Pair
from rfviz.conv.stack import LayerGeometry, geometry_of


@dataclass(frozen=True)
class Followed:
    """What the units of a tensor read; which of its dimensions are rows and columns.

    `axes` is None where no dimension is spatial any more: every element reads the whole picture.
    `entry` is "layer" or "call" where the step deserves a row of its own.
    """

    geometry: LayerGeometry
    axes: Pair | None
    entry: str = ""


class Call(NamedTuple):
    """A call of torch by its bare name, its arguments, and the geometry of the picture."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    picture: LayerGeometry

    @property
    def n_dims(self) -> int:
        """Dimensions of the first tensor."""
        first = self.args[0] if self.args else next(iter(self.kwargs.values()))
        while isinstance(first, list | tuple):
            first = first[0]
        return int(first.ndim) if isinstance(first, torch.Tensor) else 4

    def named(self, *order: str) -> dict[str, Any]:
        """Return the arguments by name, given the order of the positional ones."""
        return {**dict(zip(order, self.args, strict=False)), **self.kwargs}

    def refused(self, what: str) -> InputError:
        """Return the error for a call that cannot be followed."""
        return InputError(what, remedy="Trace the part of the module before it")


# What a call makes of each tensor that it returns; None for what is no feature map.
Plan = Callable[[torch.Tensor], Followed | None]


def keeping(followed: Followed) -> Plan:
    """Return the plan of a step that leaves every field as it is."""
    return lambda _: Followed(followed.geometry, followed.axes)


def widened(call: Call, first: Followed, axes: Pair | None, words: str) -> Plan:
    """Return the plan of a step whose every output reads all of the map: the whole picture."""
    rows, columns = call.picture.output_size

    def plan(tensor: torch.Tensor) -> Followed:
        size = (tensor.shape[axes[0]], tensor.shape[axes[1]]) if axes else (1, 1)
        fields = (whole_axis(rows), whole_axis(columns))
        note = f"{words}: the whole picture"
        geometry = geometry_of("", size, fields, first.geometry.aligned, note)
        return Followed(geometry, axes, "layer")

    return plan
