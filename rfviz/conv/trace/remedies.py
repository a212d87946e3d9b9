"""What mends a network that does not fit its picture, found by trial on the whole network.

A change that lets one layer fit can leave too little for the next, and the size of a layer's map is
not that of the picture. So each remedy is tried, on tensors that hold no numbers, before it is
offered: a picture of another size or with other channels, or another padding, kernel, stride or
dilation of the layer that does not fit.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.trace.call_names import FACTORIES
from rfviz.conv.trace.calls import Call, arguments, name_of_call
from rfviz.conv.trace.running import REFUSALS, run, without_numbers, without_values
from rfviz.conv.trace.windows import checked
from rfviz.conv.wording import by

# Operators that all trials together may run: some seconds.
MOST_STEPS = 16_000
# Sizes near the one that was given are tried one by one, farther ones by doubling.
NEAR, FARTHEST = 32, 2**13
# Sides of pictures that networks are made for: one with a linear layer takes no other.
USUAL_SIDES = (
    28, 32, 64, 96, 112, 128, 160, 192, 224, 227, 256, 299, 320, 331, 384, 448, 480, 512,
)  # fmt: skip
CHANGEABLE = ("padding", "kernel_size", "stride", "dilation")


class Trials:
    """Runs of a module, or of it with one layer changed, on pictures without pixels."""

    def __init__(self, module: nn.Module, picture: torch.Tensor) -> None:
        """Keep a copy without numbers, and the picture that it does not fit."""
        self.module = without_numbers(module)
        self._dtype = picture.dtype
        self.n_channels = picture.shape[1]
        self.size: Pair = (picture.shape[2], picture.shape[3])
        self._steps = _Steps(MOST_STEPS)

    def fits(
        self,
        size: Pair | None = None,
        n_channels: int | None = None,
        changed: nn.Module | None = None,
    ) -> bool:
        """Whether the module runs to its end; False too once too many steps were tried."""
        shape = (1, n_channels or self.n_channels, *(size or self.size))
        picture = torch.empty(shape, dtype=self._dtype, device="meta")
        try:
            with torch.no_grad(), self._steps:
                (changed or self.module)(picture)
        except (*REFUSALS, _TooManySteps):
            return False
        return True

    def with_layer(self, name: str, change: Callable[[nn.Module], nn.Module]) -> nn.Module:
        """Return a copy in which the module of this name is another one."""
        changed = copy.deepcopy(self.module)
        if not name:
            return change(changed)
        parent, _, last = name.rpartition(".")
        setattr(changed.get_submodule(parent), last, change(changed.get_submodule(name)))
        return changed


class _TooManySteps(Exception):  # noqa: N818 - no error of the module's
    """The trials have run as many operators as they may."""


class _Steps(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs each operator without numbers, refuses what does not fit, and counts."""

    def __init__(self, left: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._left = left

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _TooManySteps
        given = kwargs or {}
        name = name_of_call(func)
        if name == "convolution":
            checked(Call(func, name, arguments(func, args, given), {}))
        result = run(func, args, given)
        return without_values(result) if name in FACTORIES else result


def trace_remedies(trials: Trials, where: str, offered: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Return the remedies after which the whole module runs; none where nothing tried mends it.

    ``offered`` are those of the layer named ``where`` alone: their changes are tried on it, and
    hold its name under "layer".
    """
    found = [*_layer_changes(trials, where, offered), *_other_channels(trials, where)]
    size = _least_picture(trials)
    if size is not None:
        label = str(size[0]) if size[0] == size[1] else by(size)
        found.append(Remedy(f"Set input size to {label}", {"input_size": size}))
    return tuple(found)


def _layer_changes(trials: Trials, where: str, offered: Sequence[Remedy]) -> Iterator[Remedy]:
    for remedy in offered:
        changes = dict(remedy.changes)
        if not changes or not set(changes) <= set(CHANGEABLE):
            continue
        changed = _tried(trials, where, lambda layer, c=changes: _convolution(layer, **c))  # type: ignore[misc]
        if changed is not None and trials.fits(changed=changed):
            place = f" in layer {where}" if where else ""
            yield Remedy(f"{remedy.label}{place}", {"layer": where, **changes})


def _other_channels(trials: Trials, where: str) -> Iterator[Remedy]:
    """A picture with the channels of the first layer, or a layer with those of the picture."""
    layer = _named(trials, where)
    if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return
    wanted = layer.in_channels
    if wanted != trials.n_channels and trials.fits(n_channels=wanted):
        yield Remedy(f"Give a picture that has {wanted} channels", {"channels": wanted})
    groups = layer.groups
    for n in dict.fromkeys((trials.n_channels, *_widths(trials))):
        if n == wanted or n % groups:
            continue
        changed = _tried(trials, where, lambda one, n=n: _convolution(one, in_channels=n))  # type: ignore[misc]
        if changed is not None and trials.fits(changed=changed):
            changes = {"layer": where, "in_channels": n}
            of = f" of layer {where}" if where else ""
            yield Remedy(f"Set in_channels{of} to {n}", changes)
            return


def _widths(trials: Trials) -> Iterator[int]:
    """Channels that layers of the module give, and that another one of them may be given."""
    for inner in trials.module.modules():
        if isinstance(inner, nn.Conv2d | nn.ConvTranspose2d):
            yield inner.out_channels


def _tried(
    trials: Trials, where: str, change: Callable[[nn.Module], nn.Module]
) -> nn.Module | None:
    """The module with one layer changed, None where that layer is none that can be."""
    layer = _named(trials, where)
    if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) or layer.padding_mode != "zeros":
        return None
    try:
        return trials.with_layer(where, change)
    except REFUSALS:
        return None


def _named(trials: Trials, where: str) -> nn.Module | None:
    try:
        return trials.module.get_submodule(where)
    except AttributeError:
        return None


def _convolution(layer: nn.Module, **changes: Any) -> nn.Module:
    """The same convolution with other parameters, without numbers."""
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    plain = {name: _symmetric(value) for name, value in changes.items()}
    names = ("in_channels", "out_channels", *CHANGEABLE, "groups")
    settings: dict[str, Any] = {name: getattr(layer, name) for name in names} | plain
    if isinstance(layer, nn.ConvTranspose2d):
        settings["output_padding"] = layer.output_padding
    bias = layer.bias is not None
    return type(layer)(**settings, bias=bias, device="meta", dtype=layer.weight.dtype).eval()


def _symmetric(value: Any) -> Any:
    """The padding of a layer of torch's own: as much before as after."""
    if isinstance(value, tuple) and isinstance(value[0], tuple):
        (top, bottom), (left, right) = value
        if (top, left) != (bottom, right):
            raise ValueError("torch pads both sides alike")
        return (top, left)
    return value


def _least_picture(trials: Trials) -> Pair | None:
    """The nearest size at which all fits, larger ones first; None where none is found."""
    height, width = trials.size
    low = 0
    for more in _steps_up():
        if trials.fits((height + more, width + more)):
            more = _least(low, more, lambda d: trials.fits((height + d, width + d)))  # noqa: PLW2901
            return _each_axis(trials, (height + more, width + more))
        low = more
    squares = [(side, side) for side in USUAL_SIDES]
    smaller = [(height - d, width - d) for d in range(1, min(height, width))]
    return next((size for size in [*squares, *smaller] if trials.fits(size)), None)


def _steps_up() -> Iterator[int]:
    yield from range(1, NEAR + 1)
    step = 2 * NEAR
    while step <= FARTHEST:
        yield step
        step *= 2


def _each_axis(trials: Trials, size: Pair) -> Pair:
    """Each side no larger than it has to be."""
    height, width = size
    height = _least(trials.size[0] - 1, height, lambda side: trials.fits((side, width)))
    width = _least(trials.size[1] - 1, width, lambda side: trials.fits((height, side)))
    return height, width


def _least(low: int, high: int, fits: Callable[[int], bool]) -> int:
    """A value that fits, past one that does not and at most ``high``, which does."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def mended(error: InputError, where: str, trials: Trials) -> InputError:
    """The same error with remedies that were tried; its own advice where none of them mends."""
    tried = trace_remedies(trials, where, error.remedies)
    advice = tuple(remedy for remedy in error.remedies if not remedy.changes)
    nothing = (Remedy("Use a larger picture, fewer layers or smaller kernels"),)
    return InputError(error.what, tried or advice or nothing)
