"""Running a module on tensors that hold no numbers: a copy of it, and its operators one by one."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.operators.module import OperatorConv2d
from rfviz.conv.trace.calls import tensors_in
from rfviz.conv.trace.stand_in import StandIn

# What a module's own code may raise when its picture has no numbers or the wrong shape.
REFUSALS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip

# Buffers of so many numbers keep them: an index or a mask says what is read.
MOST_NUMBERS = 2**20


def run(func: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any]) -> Any:
    """Run an operator; constants that have numbers lose them beside tensors that have none."""
    if any(t.is_meta for t in tensors_in((args, given))):
        if func is torch.ops.aten.constant_pad_nd.default:
            # Torch's own would load its compiler to say no more than this.
            return _padded(args[0], args[1])
        return func(*_on_meta(args), **_on_meta(given))
    return func(*args, **given)


def _padded(tensor: torch.Tensor, pads: Sequence[int]) -> torch.Tensor:
    shape = list(tensor.shape)
    for i, (before, after) in enumerate(zip(pads[::2], pads[1::2], strict=True)):
        shape[-1 - i] += before + after
    if min(shape, default=1) < 0:
        raise RuntimeError(f"padding by {list(pads)} leaves less than nothing of {shape}")
    return tensor.new_empty(shape)


def _on_meta(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value if value.is_meta else value.to("meta")
    if isinstance(value, dict):
        return {name: _on_meta(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_on_meta(part) for part in value)
    return value


def without_values(result: Any) -> Any:
    """A new tensor of zeros may be written to with what has no numbers."""
    if isinstance(result, torch.Tensor) and result.is_floating_point():
        return result.to("meta")
    return result


def without_numbers(module: nn.Module) -> nn.Module:
    """Copy the module, its parameters replaced by empty ones of the same shape."""
    if any(isinstance(inner, nn.modules.lazy.LazyModuleMixin) for inner in module.modules()):
        raise InputError(
            "The module has lazy layers, whose shapes are not known yet.",
            remedy="Run it once on a picture first",
        )
    memo: dict[int, Any] = {}
    for parameter in module.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach().to("meta"), requires_grad=False)
    for buffer in module.buffers():
        kept = buffer.numel() <= MOST_NUMBERS and not buffer.is_meta
        memo[id(buffer)] = buffer.detach().cpu().clone() if kept else buffer.detach().to("meta")
    try:
        watched = copy.deepcopy(module, memo).eval()
    except REFUSALS as error:
        raise cannot_follow(type(module).__name__, error) from None
    for inner in watched.modules():
        if isinstance(inner, OperatorConv2d):
            stand_in = StandIn(inner)
            vars(inner)["stand_in"] = stand_in
            inner.forward = stand_in.forward  # type: ignore[method-assign]
    return watched


def stand_in_of(module: nn.Module) -> StandIn | None:
    """What stands for a layer of another operator in a copy without numbers; None for others."""
    found: StandIn | None = vars(module).get("stand_in")
    return found


def asks_for_numbers(error: BaseException) -> bool:
    """Whether torch refused because a tensor without numbers was asked for one."""
    return "meta" in str(error) or "data-dependent" in str(error)


def cannot_follow(where: str, error: BaseException) -> InputError:
    """Say where a module ended, and why in the words of torch or of the module."""
    lines = str(error).splitlines() or [type(error).__name__]
    if asks_for_numbers(error):
        return InputError(
            f"The module could not be followed at {where}: it asks for the values of pixels, or of "
            f"what is made of them, and the picture that it is run on has none. Torch says: "
            f"{lines[0][:200].rstrip('.')}.",
            remedy="Trace the part of the module before it, or the layers after it on their own",
        )
    return InputError(
        f"The module could not be followed at {where}: {lines[0][:300].rstrip('.')}.",
        remedy="Check the picture's size and channels, and leave out steps that need pixel values",
    )
