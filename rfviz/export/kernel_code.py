"""A bank of a named kernel as code that needs torch alone: its numbers, or its formula."""

import inspect
from types import FunctionType

from torch import Tensor

from rfviz.conv.spec.padding_modes import Pair
from rfviz.export.operator_module import collect
from rfviz.io.kernels.bank import Across, named_kernel

# So many weights are written out as numbers; more are made by their formula.
MOST_WRITTEN = 400


def written(name: str, values: Tensor) -> list[str]:
    """Return the line that makes a tensor of its numbers.

    >>> import torch
    >>> written("bias", torch.ones(2))
    ['bias = torch.tensor([1.0, 1.0], dtype=torch.float32)']
    """
    return [f"{name} = torch.tensor({values.tolist()}, dtype={values.dtype})"]


def bank_code(
    name: str, shape: tuple[int, int, int, int], groups: int, across: Across, seed: int
) -> tuple[set[str], list[str]]:
    """Return the imports and the lines that make `weight` (F, C / groups, kh, kw) as float64.

    They are those of `filter_bank`, written for one bank; random weights are float32.

    >>> bank_code("random", (1, 1, 3, 3), 1, "mean", 7)[1][0]
    'generator = torch.Generator().manual_seed(7)'
    """
    n_filters, n_channels, *size = shape
    per_group = n_filters // groups
    kernel = named_kernel(name)
    if kernel.turns == "draws":
        return {"import math"}, _drawn(shape, per_group, across, seed)
    n_turns = per_group if across == "mean" else (per_group - 1) // n_channels + 1
    imports: set[str] = {"import math", "from torch import Tensor"}
    definitions: dict[str, str] = {}
    formula = inspect.unwrap(kernel.formula)
    assert isinstance(formula, FunctionType)
    collect(formula, imports, definitions)
    turn = _turned(formula.__name__, kernel.turns == "quarter turns", (size[0], size[1]), n_turns)
    number = f"n % {per_group}"
    which = number if across == "mean" else f"{number} // {n_channels}"
    return imports, [
        *"\n\n".join(definitions.values()).splitlines(),
        "",
        *turn,
        "",
        f"weight = torch.stack([turned({which}) for n in range({n_filters})])[:, None]",
        *_shared(n_filters, n_channels, per_group, across),
    ]


def _drawn(shape: tuple[int, ...], per_group: int, across: Across, seed: int) -> list[str]:
    lines = [
        f"generator = torch.Generator().manual_seed({seed})",
        f"weight = torch.empty({shape})",
        "# As nn.Conv2d draws its own.",
        "nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)",
    ]
    if across == "per-channel":
        lines += _shared(shape[0], shape[1], per_group, across)
    return lines


def _turned(formula: str, quarter: bool, size: Pair, n_turns: int) -> list[str]:
    """The kernel of each filter, turned anticlockwise."""
    height, width = size
    if not quarter:
        return [
            "def turned(number):  # anticlockwise, over half a turn",
            f"    return {formula}({height}, {width}, math.pi * number / {n_turns})",
            "",
        ]
    return [
        "def turned(number):  # anticlockwise, by quarter turns",
        f"    size = ({height}, {width}) if number % 2 == 0 else ({width}, {height})",
        f"    return torch.rot90({formula}(*size), number % 4)",
        "",
    ]


def _shared(n_filters: int, n_channels: int, per_group: int, across: Across) -> list[str]:
    """How the kernel is shared out among the channels."""
    if across == "mean":
        share = f"torch.full((1, {n_channels}, 1, 1), {1 / n_channels!r}, dtype=torch.float64)"
        return [f"weight = weight * {share}"]
    return [
        f"reads = [n % {per_group} % {n_channels} for n in range({n_filters})]",
        f"weight = weight * torch.eye({n_channels})[reads][:, :, None, None]",
    ]
