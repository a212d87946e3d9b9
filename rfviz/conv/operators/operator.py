"""What an operator is: a function of receptive fields and weights, with what a person may set."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.operators.reads import NOTHING_MORE, Reads
from rfviz.conv.wording import shown

OperatorFunction = Callable[..., torch.Tensor]


@dataclass(frozen=True)
class OperatorParameter:
    """A number that an operator takes by name: its default, its range and what it does.

    A default that is an int makes it a whole number. Raises `InputError` for a default outside the
    range.

    >>> OperatorParameter("degree", 2, 1, 8, "The power.").checked(3)
    3
    """

    name: str
    default: float
    low: float
    high: float
    does: str = ""

    def __post_init__(self) -> None:
        """Hold the default to the rules for any value."""
        if not self.name.isidentifier():
            raise InputError(f"A parameter's name must be a Python name, got {shown(self.name)}.")
        bounds = (self.low, self.high)
        if not all(_is_number(bound) for bound in bounds) or not self.low <= self.high:
            raise InputError(
                f"The range of parameter '{self.name}' must be two numbers, the lower one first, "
                f"got {shown(self.low)} to {shown(self.high)}."
            )
        self.checked(self.default)

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are taken."""
        return isinstance(self.default, int)

    def checked(self, value: object) -> float:
        """Return the value, an int for a whole number; `InputError` names the range it must be in.

        >>> OperatorParameter("gamma", 0.5, 0.0, 10.0).checked(2)
        2.0
        """
        kind = "a whole number" if self.is_whole else "a number"
        if isinstance(value, int | float) and _is_number(value) and self.low <= value <= self.high:
            if not self.is_whole:
                return float(value)
            if value == int(value):
                return int(value)
        raise InputError(
            f"{self.name} must be {kind} from {self.low:g} to {self.high:g}, got {shown(value)}.",
            remedy=f"Set {self.name} to {self.default:g}",
        )


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator: a function of `patches` (K, n) and `weight` (F, K) to (F, n), with its words.

    K is channels / groups * kernel height * kernel width, in the order of the column matrix; n is a
    number of receptive fields and F of filters. `reads_weight` is False where only the shape of the
    weight matters. With `reads_mask` the function takes a third argument, the (K, n) `mask`.
    `equals` says what torch calls the same thing, where it has it. `reads` says what else it is
    given, each by its name, and `mask_out` makes of the (K, n) mask the (n,) mask that it passes
    on. `gradient` of (patches, weight, gradient of the result) gives those of patches and weight
    where that is faster than going through the function again.

    >>> Operator("sum", "Sum", lambda patches, weight: patches.sum(0).expand(len(weight), -1)).name
    'sum'
    """

    name: str
    title: str
    function: OperatorFunction
    formula: str = ""
    source: str = ""
    parameters: tuple[OperatorParameter, ...] = ()
    equals: str = ""
    reads_weight: bool = True
    reads_mask: bool = False
    reads: Reads = NOTHING_MORE
    mask_out: Callable[[torch.Tensor], torch.Tensor] | None = None
    gradient: Callable[..., tuple[torch.Tensor, torch.Tensor]] | None = None

    @cached_property
    def defaults(self) -> dict[str, float]:
        """The default of each parameter."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def values(self, parameters: Mapping[str, object] | None = None) -> dict[str, float]:
        """Return every parameter's value, checked; `InputError` for a name that there is not.

        >>> Operator("any", "Any", max, parameters=(OperatorParameter("p", 1, 1, 9),)).values()
        {'p': 1}
        """
        if not isinstance(parameters, Mapping | None):
            raise InputError(
                f"The parameters of operator '{self.name}' are {{name: number}}, got "
                f"{shown(parameters)}."
            )
        given = dict(parameters or {})
        unknown = sorted(str(name) for name in given if name not in self.defaults)
        if unknown:
            takes = ", ".join(self.defaults) or "none"
            raise InputError(
                f"Operator '{self.name}' has no parameter {', '.join(unknown)}; it takes {takes}."
            )
        return {p.name: p.checked(given.get(p.name, p.default)) for p in self.parameters}

    def __copy__(self) -> "Operator":
        """An operator never changes: its copy is itself."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Operator":
        """An operator never changes: its copy is itself, whatever its function is."""
        return self

    def __call__(self, *arguments: Any, **parameters: Any) -> torch.Tensor:
        """Call the function as it was written, with its defaults where a parameter is not given."""
        return self.function(*arguments, **(self.defaults | parameters))


def check_signature(operator: Operator) -> None:
    """Raise `InputError` unless the function can be called as its operator will be.

    >>> check_signature(Operator("sum", "Sum", lambda patches, weight: patches))
    """
    positional = ("patches", "weight", "mask") if operator.reads_mask else ("patches", "weight")
    named = dict.fromkeys((*operator.reads.names, *operator.defaults))
    call = ", ".join([*positional, *(f"{name}=..." for name in named)])
    try:
        signature = inspect.signature(operator.function)
        signature.bind(*positional, **named)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The function of operator '{operator.name}' cannot be called as ({call}): {error}.",
            remedy="Let it take patches and weight, and whatever is declared by its name",
        ) from error


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
