"""The judge that knows no rule: which pixels move a unit of a map, by gradients in float64.

Every convolution that torch runs is caught as torch runs it, on real numbers, and compared with the
row that `trace` has for it, in order.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from rfviz.conv.receptive_field.stack import LayerGeometry
from rfviz.conv.trace.trace import trace


class Verdict(NamedTuple):
    """What the gradients say of a network: faults by name, and how many units were compared."""

    faults: list[str]
    n_units: int
    n_convolutions: int
    n_exact: int


class _Convolutions(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the convolutions that torch runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.n: int = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.n += func is torch.ops.aten.convolution.default
        return func(*args, **(kwargs or {}))


def convolutions_run(module: nn.Module, picture: torch.Tensor) -> int:
    """How many convolutions torch runs."""
    with torch.no_grad(), _Convolutions() as counted:
        module(picture)
    return int(counted.n)


def smooth(module: nn.Module) -> nn.Module:
    """Give random weights, and activations whose gradient is nowhere zero."""
    torch.manual_seed(0)
    for name, inner in list(module.named_modules()):
        for child_name, child in list(inner.named_children()):
            if isinstance(child, nn.ReLU | nn.ReLU6 | nn.Hardswish | nn.Hardsigmoid | nn.Hardtanh):
                setattr(inner, child_name, nn.Softplus())
            elif isinstance(child, nn.MaxPool2d):
                kernel, stride, pad = child.kernel_size, child.stride, child.padding
                setattr(
                    inner, child_name, nn.AvgPool2d(kernel, stride, pad, child.ceil_mode)
                )  # fmt: skip
        if isinstance(inner, nn.BatchNorm2d):
            inner.reset_running_stats()
        del name
    for parameter in module.parameters():
        if parameter.ndim > 1:
            nn.init.uniform_(parameter, -1.0, 1.0)
            parameter.data /= max(parameter[0].numel(), 1) ** 0.5
        else:
            nn.init.uniform_(parameter, 0.5, 1.5)
    return module.double().eval()


def reached(
    output: torch.Tensor, picture: torch.Tensor, axes: tuple[int, int], unit: tuple[int, int]
) -> torch.Tensor:
    """(H, W): whether each pixel moves the unit, in any of its channels."""
    chosen = output.select(max(axes), unit[axes.index(max(axes))])
    chosen = chosen.select(min(axes), unit[axes.index(min(axes))]).reshape(-1)
    weights = torch.rand(
        chosen.numel(), dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    (gradient,) = torch.autograd.grad((chosen * (weights + 0.5)).sum(), picture, retain_graph=True)
    return gradient.abs().sum((0, 1)) > 0


def judged(
    module: nn.Module,
    size: tuple[int, int],
    n_channels: int = 3,
    axes: tuple[int, int] | None = None,
    exact: bool = True,
    *,
    n_pictures: int = 1,
) -> Verdict:
    """Compare the last row of a module with the gradients of five units of its output.

    What units read of several pictures is united: a maximum reads one pixel of each.
    """
    module = smooth(module)
    rows = trace(module, (n_channels, *size))
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(n_pictures, n_channels, *size, dtype=torch.float64, generator=generator)
    picture = (picture + 0.5).requires_grad_()
    output = module(picture)
    while isinstance(output, tuple | list):
        output = output[0]
    last = rows[-1]
    faults = []
    n_run = convolutions_run(module, picture.detach())
    names = {name for name, inner in module.named_modules() if isinstance(inner, nn.Conv2d)}
    del names
    n_units = n_exact = 0
    places = axes or _axes(output, last.output_size)
    for unit in _units(last.output_size):
        seen = _read(output, picture, places, unit)
        faults += _compared(last, unit, seen, size, exact)
        n_units += 1
        n_exact += last.standing == "exact"
    return Verdict(faults, n_units, n_run, n_exact)


def _axes(output: torch.Tensor, size: tuple[int, int]) -> tuple[int, int] | None:
    """The dimensions that have as many places as the row says, the last ones first."""
    dims = range(output.ndim - 1, -1, -1)
    pairs = [(output.ndim - 2, output.ndim - 1)] if output.ndim > 1 else []
    pairs += [(row, column) for row in dims for column in dims if row < column]
    pairs += [(row, column) for row in dims for column in dims if row > column]
    fits = [one for one in pairs if (output.shape[one[0]], output.shape[one[1]]) == size]
    return fits[0] if fits and size != (1, 1) else None


def _read(
    output: torch.Tensor,
    picture: torch.Tensor,
    axes: tuple[int, int] | None,
    unit: tuple[int, int],
) -> torch.Tensor:
    if axes is not None:
        return reached(output, picture, axes, unit)
    (gradient,) = torch.autograd.grad((output**2).sum(), picture, retain_graph=True)
    return gradient.abs().sum((0, 1)) > 0


def _units(size: tuple[int, int]) -> list[tuple[int, int]]:
    rows, columns = size
    return list(
        dict.fromkeys(
            [
                (rows // 2, columns // 2), (0, 0), (rows - 1, columns - 1),
                (rows // 3, 2 * columns // 3), (0, columns // 2),
            ]
        )
    )  # fmt: skip


def _compared(
    row: LayerGeometry,
    unit: tuple[int, int],
    seen: torch.Tensor,
    size: tuple[int, int],
    exact: bool,
) -> list[str]:
    region = row.region(unit)
    found = []
    for words, read, claimed, n in (
        ("rows", seen.any(1), region.rows, size[0]),
        ("columns", seen.any(0), region.columns, size[1]),
    ):
        pixels = torch.nonzero(read)[:, 0].tolist()
        if not pixels:
            continue
        inside = range(max(claimed.start, 0), min(claimed.stop, n))
        if pixels[0] < inside.start or pixels[-1] >= inside.stop:
            found.append(f"{row.name} {unit}: {words} {pixels[0]}..{pixels[-1]} read, {inside}")
        elif exact and row.standing == "exact" and inside != range(pixels[0], pixels[-1] + 1):
            found.append(f"{row.name} {unit}: {words} {pixels[0]}..{pixels[-1]} exact, {inside}")
    return found


Body = Callable[..., Any]


class Function(nn.Module):
    """A function of a map and of a module's layers, as the body of forward."""

    def __init__(self, body: Body, **layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(layers)
        self.body = body

    def forward(self, picture: torch.Tensor) -> Any:
        return self.body(picture, **dict(self.layers.items()))


__all__ = ["F", "Function", "Verdict", "convolutions_run", "judged"]
