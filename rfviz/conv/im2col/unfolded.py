"""im2col by torch's own differentiable steps, for gradients and for the transforms of torch.func.

Blocks that are written into a buffer leave no trace for autograd and cannot be batched by vmap.
What must be followed is unfolded whole instead, by steps that torch differentiates, any number of
times, forwards and backwards.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.memory import check_budget
from rfviz.conv.spec.spec import Conv2dSpec

MOST_BYTES = 2**30


def is_followed(*tensors: torch.Tensor | None) -> bool:
    """Whether autograd or a transform of torch.func follows what is computed from any of these.

    >>> is_followed(torch.ones(1)), is_followed(torch.ones(1, requires_grad=True), None)
    (False, True)
    """
    return is_recorded(*tensors) or is_transformed(*tensors)


def is_recorded(*tensors: torch.Tensor | None) -> bool:
    """Whether autograd keeps what is computed from any of these, to go back through it.

    >>> is_recorded(torch.ones(1)), is_recorded(None, torch.ones(1, requires_grad=True))
    (False, True)
    """
    if torch.is_grad_enabled():
        for tensor in tensors:
            if tensor is not None and tensor.requires_grad:
                return True
    return False


def is_transformed(*tensors: torch.Tensor | None) -> bool:
    """Whether any of these is of a transform: grad, vmap or jvp of torch.func, or forward mode.

    >>> torch.func.vmap(lambda x: x + is_transformed(x))(torch.zeros(2)).tolist()
    [1.0, 1.0]
    """
    # What autograd gives a function's way back for several slopes at once is of the legacy kind.
    functorch = torch._C._functorch
    is_wrapped, is_batched = (
        functorch.is_functorch_wrapped_tensor,
        functorch.is_legacy_batchedtensor,
    )
    # Outside of forward mode, which is told by its level, there is no tangent to look for.
    forwards = torch.autograd.forward_ad._current_level >= 0
    for tensor in tensors:
        if tensor is None:
            continue
        if is_wrapped(tensor) or is_batched(tensor) or (forwards and _has_tangent(tensor)):
            return True
    return False


def refuse_transforms(what: str, *tensors: torch.Tensor | None) -> None:
    """Raise `InputError` where a transform of torch.func would take what is no function for it.

    >>> refuse_transforms("A comparison", torch.ones(1))
    """
    if is_transformed(*tensors):
        raise InputError(
            f"{what} reads numbers, which torch.func cannot follow.",
            remedy="Use conv2d_by_matmul or apply_operator, which carry gradients",
        )


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Compute in the types that are given, whatever autocast would choose on that device."""
    if torch.amp.is_autocast_available(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


def unfolded(
    image: torch.Tensor, sources: tuple[torch.Tensor, torch.Tensor], spec: Conv2dSpec
) -> torch.Tensor:
    """Column matrix of (C, H, W): (C, kernel height, kernel width, H_out, W_out), a copy.

    `sources` are `axis_sources`. On the device and in the type of the image. Raises `InputError`
    where it takes over 1 GiB.

    >>> sources = (torch.arange(2), torch.arange(2))
    >>> unfolded(torch.tensor([[[1, 2], [3, 4]]]), sources, Conv2dSpec((1, 2))).flatten(1).tolist()
    [[1, 3, 2, 4]]
    """
    rows, columns = (
        _taps(axis, n, dilation, stride)
        for axis, n, dilation, stride in zip(
            sources, spec.kernel_size, spec.dilation, spec.stride, strict=True
        )
    )
    n_bytes = len(image) * rows.numel() * columns.numel() * image.element_size()
    check_budget(
        "A column matrix unfolded whole for gradients or another device",
        n_bytes,
        MOST_BYTES,
        "Use a smaller picture, or torch.no_grad on the CPU",
    )
    picked = image
    for dim, axis in ((-2, rows), (-1, columns)):
        index = axis.flatten().to(image.device)
        picked = picked.index_select(dim, index.clamp(min=0))
        if bool((axis < 0).any()):
            zero = (index < 0)[:, None] if dim == -2 else index < 0
            picked = picked.masked_fill(zero, 0)
    return picked.view(len(image), *rows.shape, *columns.shape).transpose(2, 3)


def _taps(sources: torch.Tensor, n_taps: int, dilation: int, stride: int) -> torch.Tensor:
    """(taps, outputs) of an axis: the source that each tap of each output reads."""
    n_outputs = (len(sources) - dilation * (n_taps - 1) - 1) // stride + 1
    starts = torch.arange(n_outputs) * stride
    return sources[torch.arange(n_taps)[:, None] * dilation + starts]


def _has_tangent(tensor: torch.Tensor) -> bool:
    unpack: Callable[..., Any] = torch.autograd.forward_ad.unpack_dual
    return tensor.is_floating_point() and unpack(tensor).tangent is not None
