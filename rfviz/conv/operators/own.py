"""An operator of one's own: a decorator, a file of them, and whether one can be trained."""

import importlib.util
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch.autograd.gradcheck import GradcheckError

from rfviz.conv.errors import InputError
from rfviz.conv.operators.catalogue import OPERATORS, operator_named
from rfviz.conv.operators.evaluate import evaluate
from rfviz.conv.operators.foreign import ForeignCode
from rfviz.conv.operators.operator import (
    Operator,
    OperatorFunction,
    OperatorParameter,
    check_signature,
)
from rfviz.conv.operators.reads import Reads
from rfviz.conv.operators.separate import check_separate
from rfviz.conv.operators.trial import trial
from rfviz.conv.wording import shown

Declared = Sequence[OperatorParameter] | Mapping[str, float | tuple[float, ...]]

# A trial on this many receptive fields finds wrong shapes before a picture is waited for.
_TRIAL = 5


def operator(
    *,
    name: str | None = None,
    title: str | None = None,
    parameters: Declared = (),
    formula: str = "",
    source: str = "",
    reads_mask: bool = False,
    reads: Reads | None = None,
    mask_out: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> Callable[[OperatorFunction], Operator]:
    """Make an `Operator` of a function of `patches` (K, n) and `weight` (F, K) that gives (F, n).

    K is C * kernel height * kernel width, channel by channel, row by row. `name` and `title` are by
    default made of the function's name. `parameters` are `OperatorParameter`s, or {name: (default,
    low, high)}; the function takes each by its name, and so what `reads` declares: positions,
    tensors that are learned, maps, and so on. Raises `InputError` where it does not.

    >>> @operator(title="Largest product", parameters={"gain": (1.0, 0.0, 10.0)})
    ... def largest(patches, weight, gain):
    ...     return gain * (patches * weight[:, :, None]).amax(1)
    >>> largest.name, largest.parameters[0].high, largest(torch.ones(4, 2), torch.ones(1, 4))
    ('largest', 10.0, tensor([[1., 1.]]))
    """

    def decorated(function: OperatorFunction) -> Operator:
        called = str(name or getattr(function, "__name__", "operator"))
        if not called.isidentifier():
            raise InputError(f"An operator's name must be a Python name, got {shown(called)}.")
        entry = Operator(
            name=called,
            title=title or called.replace("_", " ").capitalize(),
            function=function,
            formula=formula,
            source=source or (inspect.getdoc(function) or "").split("\n")[0],
            parameters=_declared(parameters),
            reads_mask=reads_mask,
            reads=reads or Reads(),
            mask_out=mask_out,
        )
        check_signature(entry)
        return entry

    return decorated


def load_operators(path: str | Path) -> tuple[Operator, ...]:
    """Run a Python file of one's own, and return the operators that it makes, each tried once.

    The file is run as it is: load only what you wrote or have read. Raises `InputError` for a file
    that is not there, fails, or makes no operator, and for an operator that fails its trial, with
    the line and the shapes.

    >>> load_operators("nowhere.py")
    Traceback (most recent call last):
    ...
    rfviz.conv.errors.InputError: There is no operator file 'nowhere.py'. Check its path.
    """
    if not isinstance(path, str | Path):
        raise InputError(f"A file of operators is given by its path, got {shown(path)}.")
    file = Path(path).absolute()
    if not file.is_file():
        raise InputError(f"There is no operator file {file.name!r}.", remedy="Check its path")
    spec = importlib.util.spec_from_file_location(f"operators_of_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file.name!r} is no Python file.", remedy="Let its name end in .py")
    module = importlib.util.module_from_spec(spec)
    with ForeignCode(f"Operator file {file.name!r}", str(file)):
        spec.loader.exec_module(module)
    found = [v for v in vars(module).values() if isinstance(v, Operator) and v not in OPERATORS]
    _check_names(found, file.name)
    for entry in found:
        try_operator(entry)
    return tuple(found)


def try_operator(entry: Operator) -> None:
    """Apply an operator to a few random receptive fields; `InputError` says what it gets wrong.

    >>> try_operator(OPERATORS[0])
    """
    if not entry.reads.is_plain:
        work, pictures, tensors = trial(entry, entry.values())
        with torch.no_grad():
            work.on_padded(pictures, tensors, range(work.output_size[0]))
        return
    generator = torch.Generator().manual_seed(0)
    for n_filters, n_entries in ((3, 12), (1, 1)):
        patches = torch.rand(n_entries, _TRIAL, generator=generator)
        weight = torch.rand(n_filters, n_entries, generator=generator)
        mask = torch.ones_like(patches) if entry.reads_mask else None
        before = patches.clone(), weight.clone()
        with torch.no_grad():
            evaluate(entry, patches, weight, entry.values(), mask)
        if not (torch.equal(patches, before[0]) and torch.equal(weight, before[1])):
            raise InputError(
                f"Operator '{entry.name}' changes the patches or the weight that it is given.",
                remedy="Let it make new tensors, without operations that end in _",
            )


class GradientCheck(NamedTuple):
    """Whether an operator's weights can be trained, and a sentence that says why or why not."""

    trainable: bool
    sentence: str


def gradcheck_operator(
    entry: Operator | str, parameters: Mapping[str, object] | None = None
) -> GradientCheck:
    """Compare an operator's gradients in float64 with differences, by `torch.autograd.gradcheck`.

    On random patches (12, 5) and weight (3, 12), both; on a small picture, and all that is learned
    or mapped, where it reads more. A name stands for the operator of that name.
    Raises `InputError` like `evaluate`.

    >>> gradcheck_operator(OPERATORS[0]).trainable
    True
    """
    entry = entry if isinstance(entry, Operator) else operator_named(entry)
    values = entry.values(parameters)
    function, given = (_on_fields if entry.reads.is_plain else _on_trial)(entry, values)
    out = function(*given)
    check_separate(entry, 12, values)
    if not out.requires_grad:
        return GradientCheck(False, "No gradient flows: the result is detached from its input.")
    with ForeignCode(f"The gradient of operator '{entry.name}'", ""):
        (slope,) = torch.autograd.grad(out.sum(), given[1], allow_unused=True)
    if slope is None or not slope.any():
        return GradientCheck(False, "The weight has no influence, so there is nothing to train.")
    wrong = ""
    with ForeignCode(f"The gradient of operator '{entry.name}'", ""):
        try:
            torch.autograd.gradcheck(function, given)
        except GradcheckError as error:
            wrong = " ".join(str(error).split())[:160]
    if wrong:
        return GradientCheck(False, f"Its gradient differs from what its values do: {wrong}")
    return GradientCheck(
        True, "Its gradients agree with differences in float64: it can be trained."
    )


_Checked = tuple[Callable[..., torch.Tensor], tuple[torch.Tensor, ...]]


def _on_fields(entry: Operator, values: Mapping[str, float]) -> _Checked:
    """The operator as a function of patches and weight, and both."""
    generator = torch.Generator().manual_seed(0)
    options = {"generator": generator, "dtype": torch.float64, "requires_grad": True}
    patches = torch.randn(12, _TRIAL, **options)  # type: ignore[call-overload]
    weight = torch.randn(3, 12, **options)  # type: ignore[call-overload]
    mask = torch.ones(12, _TRIAL, dtype=torch.float64) if entry.reads_mask else None

    def function(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return evaluate(entry, patches, weight, values, mask)

    return function, (patches, weight)


def _on_trial(entry: Operator, values: Mapping[str, float]) -> _Checked:
    """The operator as a function of a picture, its weight and its own tensors, and all of them."""
    work, pictures, tensors = trial(entry, values, torch.float64)

    def function(image: torch.Tensor, *own: torch.Tensor) -> torch.Tensor:
        given = dict(zip(tensors, own, strict=True))
        return work.on_padded({**pictures, "image": image}, given, range(work.output_size[0]))

    # Offsets that are whole numbers lie at a kink of what is bilinear.
    moved = {n: t + 0.3 if n in work.map_names() else t for n, t in tensors.items()}
    given = (pictures["image"], *moved.values())
    return function, tuple(each.detach().clone().requires_grad_() for each in given)


def _declared(parameters: Declared) -> tuple[OperatorParameter, ...]:
    if not isinstance(parameters, Mapping):
        declared = tuple(parameters) if isinstance(parameters, Iterable) else (parameters,)
        if all(isinstance(parameter, OperatorParameter) for parameter in declared):
            return declared
    elif all(isinstance(v, tuple) and len(v) >= 3 for v in parameters.values()):
        return tuple(OperatorParameter(name, *v) for name, v in parameters.items())  # type: ignore[misc]
    raise InputError(
        f"Parameters must be OperatorParameters or {{name: (default, low, high)}}, "
        f"got {shown(parameters)}."
    )


def _check_names(found: Sequence[Operator], file: str) -> None:
    if not found:
        raise InputError(
            f"Operator file {file!r} makes no operator.",
            remedy="Write @rfviz.operator(title=...) above a function of patches and weight",
        )
    taken = {entry.name for entry in OPERATORS}
    for entry in found:
        if entry.name in taken:
            raise InputError(
                f"Operator file {file!r} names an operator '{entry.name}', which there is already.",
                remedy="Give it another name=...",
            )
        taken.add(entry.name)
