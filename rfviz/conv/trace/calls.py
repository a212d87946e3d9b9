"""What each operator of torch does to the pixels that its elements read.

A rule may only widen: an operator that no rule knows gives tensors of which every element reads
all that its inputs read, and says so. So does whatever looks where numbers tell it to.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from rfviz.conv.trace import call_names
from rfviz.conv.trace.followed import (
    EXACT,
    Axes,
    Followed,
    Hulls,
    Standing,
    Tracks,
    least_sure,
)
from rfviz.conv.trace.hulls import TooManyElements, nothing, over


@dataclass(frozen=True)
class Call:
    """An operator, its arguments by name, and what is known of the tensors among them, by id."""

    func: Any
    name: str
    given: dict[str, Any]
    known: dict[int, Followed]
    # The ids of parameters, and of what is made of them alone.
    learned: Container[int] = frozenset()

    @property
    def inputs(self) -> list[Followed]:
        """What is known of the tensors that come from the picture, in order."""
        return [self.known[id(t)] for t in tensors_in(self.given) if id(t) in self.known]

    def of(self, name: str) -> Followed | None:
        """Return what is known of one argument, None for what does not come from the picture."""
        return self.known.get(id(self.given.get(name)))

    def run(self, tensors: dict[int, torch.Tensor], **changed: Any) -> Any:
        """Run the operator with other tensors in place of some of its own, by their ids."""
        return self.func(**_replaced({**self.given, **changed}, tensors))


Rule = Callable[[Call, Sequence[torch.Tensor]], list[Followed]]


def name_of_call(func: Any) -> str:
    """Return an operator's name without the underscore of its in-place form.

    >>> name_of_call(torch.ops.aten.relu_.default)
    'relu'
    """
    return str(func._schema.name).split("::")[-1].removesuffix("_")


def word_of_call(name: str) -> str:
    """Return the name under which people know an operator.

    >>> word_of_call("upsample_bilinear2d")
    'interpolate'
    """
    for start, word in call_names.WORDS:
        if name.startswith(start):
            rest = name.removeprefix(start)
            return word if word in {"pad", "interpolate"} else word + rest
    return name


def arguments(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call of an operator by their names, without its defaults."""
    names = [argument.name for argument in func._schema.arguments]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def default_of(func: Any, name: str) -> Any:
    """Return the default of an operator's argument, None where it has none."""
    found = (one.default_value for one in func._schema.arguments if one.name == name)
    return next(found, None)


def follow_call(call: Call, rule: Rule | None, outputs: Sequence[torch.Tensor]) -> list[Followed]:
    """Return what is known of each result, by a rule, or all that can be where there is none."""
    word = word_of_call(call.name)
    sure = least_sure(one.standing for one in call.inputs)
    if rule is None:
        why = f"{word} is not known, and counts as reading all that it is given"
        return everything(call, outputs, Standing("unknown", why))
    try:
        found = rule(call, outputs)
    except TooManyElements:
        why = f"{word} gives more units than are followed one by one"
        return everything(call, outputs, Standing("upper bound", why))
    return [replace(one, standing=least_sure([sure, one.standing])) for one in found]


def everything(
    call: Call, outputs: Sequence[torch.Tensor], standing: Standing = EXACT
) -> list[Followed]:
    """Return results of which every element reads all that any element of the inputs reads."""
    inputs = call.inputs
    whole = [
        torch.stack([over(one.hulls[axis], range(one.n_dims)).reshape(2) for one in inputs]).amin(0)
        for axis in (0, 1)
    ]
    sure = least_sure([standing, *(one.standing for one in inputs)])
    found = []
    for output in outputs:
        n_dims = output.ndim
        rows, columns = (hull.reshape(2, *[1] * n_dims) for hull in whole)
        axes: Axes = inputs[0].axes if inputs[0].n_dims == n_dims else (None, None)
        one = Followed(tuple(output.shape), (rows, columns), axes, (None, None), sure)
        found.append(replace(one, entry="layer", **inherited(inputs)))
    return found


def inherited(inputs: Sequence[Followed]) -> dict[str, Any]:
    """Return the alignment and the note that results take over from what they are made of."""
    note = next((one.note for one in inputs if one.note), "")
    return {"aligned": all(one.aligned for one in inputs), "note": note}


def result(
    call: Call, output: torch.Tensor, hulls: Hulls, axes: Axes, tracks: Tracks, **more: Any
) -> Followed:
    """Return what is known of one result, with what it inherits from the inputs."""
    facts = {**inherited(call.inputs), **more}
    return Followed(tuple(output.shape), hulls, axes, tracks, **facts)


def blank(tensor: torch.Tensor) -> Followed:
    """Return what is known of a tensor that reads no pixel."""
    hull = nothing(tensor.ndim)
    return Followed(tuple(tensor.shape), (hull, hull), (None, None), (None, None))


def tensors_in(value: object) -> Iterator[torch.Tensor]:
    """Yield the tensors inside arguments or results, in order.

    >>> [t.shape for t in tensors_in([torch.zeros(1), {"a": torch.zeros(2)}])]
    [torch.Size([1]), torch.Size([2])]
    """
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors_in(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors_in(part)


def _replaced(value: Any, tensors: dict[int, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return tensors.get(id(value), value)
    if isinstance(value, dict):
        return {name: _replaced(part, tensors) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_replaced(part, tensors) for part in value]
    return value
