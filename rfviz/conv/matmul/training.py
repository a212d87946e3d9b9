"""The gradients of a convolution by matmul, in blocks, never holding a column matrix.

That of the picture is a convolution too, of the slope with the kernels turned by 180 degrees, where
the stride is 1; else the transposed product, folded. That of the weight is the product of the slope
with the columns, copied again. Source: Dumoulin & Visin, arXiv:1603.07285, section 4.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from rfviz.conv.im2col.batch_fields import add_fields, batch_fields
from rfviz.conv.im2col.fold import fold_padding
from rfviz.conv.im2col.padded_batch import PaddedBatch
from rfviz.conv.im2col.unfolded import is_transformed
from rfviz.conv.spec.spec import Conv2dSpec

# (N, C, H, W), (F, C / groups, kh, kw), bias, spec: the convolution, forwards.
Convolve = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None, Conv2dSpec], torch.Tensor]

# Measured from 256 KiB to 4 MiB, as for the way forwards.
_BLOCK_BYTES = 2**20
_HALVES = (torch.bfloat16, torch.float16)


class TrainedConvolution(torch.autograd.Function):
    """`apply(batch, weight, bias, spec, convolve, whole)`: trained in blocks.

    `whole` does it by steps that can be differentiated again, for gradients of gradients.
    """

    @staticmethod
    def forward(  # noqa: PLR0917 - torch passes what `apply` is given
        ctx: Any,
        batch: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        spec: Conv2dSpec,
        convolve: Convolve,
        whole: Convolve,
    ) -> torch.Tensor:
        """(N, F, H_out, W_out)."""
        ctx.spec, ctx.convolve, ctx.whole = spec, convolve, whole
        ctx.save_for_backward(batch, weight, bias)
        return convolve(batch, weight, bias, spec)

    @staticmethod
    def backward(ctx: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients of batch, weight and bias, those that are asked for."""
        (slope,), (batch, weight, bias) = slopes, ctx.saved_tensors
        wants = ctx.needs_input_grad[:3]
        found: list[torch.Tensor | None] = [None, None, None]
        if torch.is_grad_enabled() or is_transformed(slope):
            given = [t for t, wanted in zip((batch, weight, bias), wants, strict=True) if wanted]
            with torch.enable_grad():
                out = ctx.whole(batch, weight, bias, ctx.spec)
            again = torch.is_grad_enabled()
            each = iter(torch.autograd.grad(out, given, slope, create_graph=again))
            found = [next(each) if wanted else None for wanted in wants]
        else:
            slope = slope.contiguous()
            if wants[0]:
                found[0] = _of_batch(slope, batch, weight, ctx.spec, ctx.convolve)
            if wants[1]:
                found[1] = _of_weight(slope, batch, weight, ctx.spec)
            if wants[2]:
                found[2] = slope.sum((0, 2, 3))
        return (*found, None, None, None)


def _of_batch(
    slope: torch.Tensor,
    batch: torch.Tensor,
    weight: torch.Tensor,
    spec: Conv2dSpec,
    convolve: Convolve,
) -> torch.Tensor:
    size = (batch.shape[2], batch.shape[3])
    if spec.stride != (1, 1):
        return _folded(slope, batch, weight, spec)
    by_group = weight.view(spec.groups, -1, *weight.shape[1:]).transpose(1, 2).flip(3, 4)
    turned = by_group.reshape(batch.shape[1], -1, *spec.kernel_size)
    reach = [span - 1 for span in spec.effective_kernel_size]
    pads = tuple((r - a, r - b) for r, (a, b) in zip(reach, spec.pads, strict=True))
    cropped = spec.padding_mode == "zeros" and min(min(pair) for pair in pads) >= 0
    if not cropped:
        pads = tuple((r, r) for r in reach)
    turned_spec = Conv2dSpec(
        spec.kernel_size, padding=pads, dilation=spec.dilation, groups=spec.groups
    )
    padded = convolve(slope, turned, None, turned_spec)
    return padded if cropped else fold_padding(padded, size, spec)


def _folded(
    slope: torch.Tensor, batch: torch.Tensor, weight: torch.Tensor, spec: Conv2dSpec
) -> torch.Tensor:
    summed = torch.float32 if weight.dtype in _HALVES else weight.dtype
    weights = weight.to(summed).view(spec.groups, weight.shape[0] // spec.groups, -1)
    found = torch.empty_like(batch, memory_format=torch.contiguous_format)
    (width, channels), size = (slope.shape[3], batch.shape[1]), (batch.shape[2], batch.shape[3])
    for part, padded in PaddedBatch(batch, spec, _n_pictures(batch, slope, spec), summed).parts():
        padded.zero_()
        for rows in _row_blocks(batch, slope, spec):
            given = _by_group(slope[part, :, rows.start : rows.stop].to(summed), spec)
            shape = (channels, *spec.kernel_size, padded.shape[0], len(rows), width)
            fields = torch.bmm(weights.transpose(1, 2), given).view(shape)
            add_fields(fields, spec, padded[:, :, _read(rows, spec)])
        found[part] = fold_padding(padded, size, spec)
    return found


def _of_weight(
    slope: torch.Tensor, batch: torch.Tensor, weight: torch.Tensor, spec: Conv2dSpec
) -> torch.Tensor:
    summed = torch.float32 if weight.dtype in _HALVES else weight.dtype
    shape = (spec.groups, weight.shape[0] // spec.groups, weight[0].numel())
    found = torch.zeros(shape, dtype=summed, device=weight.device)
    for part, padded in PaddedBatch(batch, spec, _n_pictures(batch, slope, spec), summed).parts():
        for rows in _row_blocks(batch, slope, spec):
            given = _by_group(slope[part, :, rows.start : rows.stop].to(summed), spec)
            near = padded[:, :, _read(rows, spec)]
            fields = batch_fields(near, spec, (len(rows), slope.shape[3]))
            columns = fields.view(spec.groups, -1, given.shape[2])
            found.baddbmm_(given, columns.transpose(1, 2))
    return found.view_as(weight).to(weight.dtype)


def _by_group(slope: torch.Tensor, spec: Conv2dSpec) -> torch.Tensor:
    """(groups, F / groups, n) of (pictures, F, rows, columns)."""
    n = slope.shape[0] * slope.shape[2] * slope.shape[3]
    return slope.transpose(0, 1).reshape(spec.groups, -1, n)


def _read(rows: range, spec: Conv2dSpec) -> slice:
    first, last = (row * spec.stride[0] for row in (rows[0], rows[-1]))
    return slice(first, last + spec.effective_kernel_size[0])


def _n_pictures(batch: torch.Tensor, slope: torch.Tensor, spec: Conv2dSpec) -> int:
    per_picture = _bytes_per_row(batch, slope, spec) * slope.shape[2]
    return max(1, min(batch.shape[0], _BLOCK_BYTES // per_picture))


def _row_blocks(batch: torch.Tensor, slope: torch.Tensor, spec: Conv2dSpec) -> Iterator[range]:
    step = max(1, _BLOCK_BYTES // _bytes_per_row(batch, slope, spec))
    for top in range(0, slope.shape[2], step):
        yield range(top, min(top + step, slope.shape[2]))


def _bytes_per_row(batch: torch.Tensor, slope: torch.Tensor, spec: Conv2dSpec) -> int:
    return batch.shape[1] * spec.n_taps * slope.shape[3] * max(4, batch.element_size())
