"""The geometry of any `nn.Module`, by watching what it calls on tensors that hold no numbers.

The module is copied to the meta device, where a picture has a shape and no pixels, and run once
there. A `TorchFunctionMode` sees every call of torch, whoever makes it: a layer, a function, an
operator between branches. So residuals, concatenations, and control flow that depends on shapes
are followed; what depends on pixel values cannot be. Source of the formulas: `rfviz.conv.geometry`.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from rfviz.conv.calls import follow_call, words_of_call
from rfviz.conv.errors import InputError
from rfviz.conv.followed import Call, Followed
from rfviz.conv.parameters import Pair, shown, whole_number
from rfviz.conv.stack import LayerGeometry, input_geometry

# What a module's own code may raise when its picture has no numbers or the wrong shape.
REFUSALS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip


# Nothing is stored, but torch counts the bytes of a tensor in 64 bits.
MOST_PIXELS = 2**40


def trace(module: nn.Module, input_size: object) -> list[LayerGeometry]:
    """Return the geometry of each layer of a module on a (H, W) or (C, H, W) picture, in order.

    Convolutions, pooling, unfold, padding, resizing and the joins of branches have an entry;
    pointwise layers have none. Global pooling and flattening widen the field to the whole picture,
    and say so in `note`. The module is not changed and no weight is copied. For (H, W) the
    channels are those of its first layer. Raises `InputError` naming the module for what cannot be
    followed. Source: Araujo, Norris & Sim, Distill 2019.

    >>> block = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    >>> [(g.name, g.receptive_field) for g in trace(block, (8, 8))]
    [('0', (3, 3)), ('2', (4, 4))]
    """
    if not isinstance(module, nn.Module):
        raise InputError(
            f"rfviz.trace follows an nn.Module, got {type(module).__name__}.",
            remedy="Use rfviz.stack_geometry for a list of layers",
        )
    n_channels, size = _picture(input_size, module)
    watched = _without_numbers(module)
    # A picture of the module's own type of numbers; torch refuses to mix two.
    types = (value.dtype for value in module.parameters() if value.dtype.is_floating_point)
    picture = torch.empty(
        1, n_channels, *size, device="meta", dtype=next(types, torch.get_default_dtype())
    )
    watch = _Watch(picture, input_geometry(size))
    with watch, watch.naming(watched), torch.no_grad():
        try:
            watched(picture)
        except InputError:
            raise
        except REFUSALS as error:
            raise _cannot_follow(watch.where, error) from None
    if not watch.found:
        return [replace(input_geometry(size), name="output")]
    return watch.found


class _Watch(TorchFunctionMode):
    """Keeps, for each tensor that comes from the picture, what its units read."""

    def __init__(self, picture: torch.Tensor, geometry: LayerGeometry) -> None:
        super().__init__()
        self.found: list[LayerGeometry] = []
        self._picture = geometry
        self._names: list[str] = []
        # Tensors are kept beside their geometry, so that no id is used twice.
        self._known: dict[int, tuple[torch.Tensor, Followed]] = {}
        self._keep(picture, Followed(geometry, (2, 3)))

    @property
    def where(self) -> str:
        """Name of the innermost module that is running."""
        return next((name for name in reversed(self._names) if name), "the module itself")

    @contextmanager
    def naming(self, module: nn.Module) -> Iterator[None]:
        """Keep the name of the module that runs, by hooks on the copy."""
        for name, inner in module.named_modules():
            inner.register_forward_pre_hook(lambda *_, name=name: self._names.append(name))
            inner.register_forward_hook(lambda *_: self._leave())
        yield

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the call, and follow it where it takes a tensor that is known."""
        given = kwargs or {}
        inputs = [self._known[id(t)][1] for t in _tensors((args, given)) if id(t) in self._known]
        if not inputs:
            return func(*args, **given)
        name = words_of_call(func)
        try:
            # Our own explanation comes before torch's, which would name no module.
            planned = follow_call(Call(name, args, given, self._picture), inputs)
        except InputError as error:
            raise InputError(f"At {self.where}: {error.what}", error.remedies) from None
        result = func(*args, **given)
        for tensor in _tensors(result):
            after = planned(tensor)
            if after is None:
                continue
            if after.entry:
                after = self._entered(after, name)
            self._keep(tensor, after)
        return result

    def _entered(self, after: Followed, call: str) -> Followed:
        module = next((name for name in reversed(self._names) if name), "")
        # A convolution that pads by itself first, as in reflect mode, has one row for each step.
        whole = after.entry == "layer" and module and call != "pad"
        words = module if whole else ".".join(filter(None, (module, call)))
        geometry = replace(after.geometry, name=words)
        self.found.append(geometry)
        return Followed(geometry, after.axes)

    def _keep(self, tensor: torch.Tensor, followed: Followed) -> None:
        self._known[id(tensor)] = (tensor, followed)

    def _leave(self) -> None:
        self._names.pop()


def _without_numbers(module: nn.Module) -> nn.Module:
    """Copy the module, its parameters and buffers replaced by empty ones of the same shape."""
    if any(isinstance(inner, nn.modules.lazy.LazyModuleMixin) for inner in module.modules()):
        raise InputError(
            "The module has lazy layers, whose shapes are not known yet.",
            remedy="Run it once on a picture first",
        )
    memo: dict[int, Any] = {}
    for parameter in module.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach().to("meta"), requires_grad=False)
    for buffer in module.buffers():
        memo[id(buffer)] = buffer.detach().to("meta")
    try:
        return copy.deepcopy(module, memo).eval()
    except REFUSALS as error:
        raise _cannot_follow(type(module).__name__, error) from None


def _picture(input_size: object, module: nn.Module) -> tuple[int, Pair]:
    """Return the channels and (height, width) that were asked for."""
    parts = list(input_size) if isinstance(input_size, Sequence) else []
    try:
        lengths = [whole_number("picture size", part, least=1) for part in parts]
    except InputError:
        lengths = []
    if len(lengths) not in {2, 3}:
        raise InputError(
            f"A picture's size is (height, width) or (channels, height, width), each at least 1, "
            f"got {shown(input_size)}.",
            remedy="Give its size as (height, width)",
        )
    height, width = lengths[-2:]
    n_channels = lengths[0] if len(lengths) == 3 else _first_channels(module)
    if n_channels * height * width > MOST_PIXELS:
        raise InputError(
            f"A picture of {n_channels} × {height} × {width} is too large to follow.",
            remedy="Use a smaller picture",
        )
    return n_channels, (height, width)


def _first_channels(module: nn.Module) -> int:
    for inner in module.modules():
        for field in ("in_channels", "num_features", "num_channels"):
            value = getattr(inner, field, None)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return 1


def _tensors(value: object) -> Iterator[torch.Tensor]:
    """Tensors inside arguments or results, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)


def _cannot_follow(where: str, error: BaseException) -> InputError:
    lines = str(error).splitlines() or [type(error).__name__]
    return InputError(
        f"The module could not be followed at {where}: {lines[0][:300]}.",
        remedy="Check the picture's size and channels, and leave out steps that need pixel values",
    )
