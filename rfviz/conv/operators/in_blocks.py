"""An operator over a batch, block by block, forwards and backwards, without its column matrix.

What autograd would keep of the way forwards, columns and all that the function makes of them, is
many times the picture. So nothing of it is kept: the way back copies the columns of a block again,
and goes through the function again for that block alone, while it is in the cache. Source: Chen et
al., Training deep nets with sublinear memory cost, 2016, arXiv:1604.06174.
"""

from collections.abc import Iterator
from typing import Any

import torch

from rfviz.conv.im2col.unfolded import is_followed, is_transformed, without_autocast
from rfviz.conv.matmul.matmul import trained_convolution
from rfviz.conv.operators.backwards import Backwards
from rfviz.conv.operators.batch_blocks import block, parts, row_blocks, summed_type
from rfviz.conv.operators.formulas import dot_product
from rfviz.conv.operators.of_batch import BatchOperator, Tensors


def in_blocks(
    work: BatchOperator, pictures: Tensors, tensors: Tensors, bias: torch.Tensor | None
) -> torch.Tensor:
    """(N, F, H_out, W_out) of pictures (N, C, H, W), "image" and what else is read, in blocks.

    `tensors` are the weight, which gives the type, and the operator's own. Gradients flow to all
    but the mask.

    >>> from rfviz.conv.operators.catalogue import operator_named
    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> work = BatchOperator(operator_named("dilation"), {}, Conv2dSpec(2), (2, 2))
    >>> given = {"image": torch.arange(4.0).view(1, 1, 2, 2)}, {"weight": torch.zeros(1, 1, 2, 2)}
    >>> in_blocks(work, *given, None).tolist()
    [[[[3.0]]]]
    """
    given = {**pictures, **tensors}
    if bias is not None:
        given["bias"] = bias
    if work.operator.function is dot_product and work.operator.reads.is_plain:
        # The convolution itself has ways of its own, forwards and backwards.
        with without_autocast(tensors["weight"].device):
            return trained_convolution(pictures["image"], tensors["weight"], bias, work.spec)
    if is_followed(*given.values()):
        out: torch.Tensor = _InBlocks.apply(  # type: ignore[no-untyped-call]
            work, tuple(given), tuple(pictures), *given.values()
        )
        return out
    with torch.no_grad(), without_autocast(tensors["weight"].device):
        return _forwards(work, pictures, tensors, bias)


class _InBlocks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        work: BatchOperator,
        names: tuple[str, ...],
        of_pictures: tuple[str, ...],
        *values: torch.Tensor,
    ) -> torch.Tensor:
        ctx.work, ctx.names, ctx.of_pictures = work, names, of_pictures
        ctx.save_for_backward(*values)
        pictures, tensors, bias = _sorted(names, of_pictures, values)
        with without_autocast(tensors["weight"].device):
            return _forwards(work, pictures, tensors, bias)

    @staticmethod
    def backward(ctx: Any, *slopes: torch.Tensor) -> tuple[Any, ...]:
        wanted = {
            name for name, needed in zip(ctx.names, ctx.needs_input_grad[3:], strict=True) if needed
        }
        parts = _sorted(ctx.names, ctx.of_pictures, ctx.saved_tensors)
        with without_autocast(slopes[0].device):
            if torch.is_grad_enabled() or is_transformed(slopes[0]):
                found = _differentiably(ctx.work, *parts, slopes[0], wanted)
            else:
                found = Backwards(ctx.work, *parts[:2], slopes[0], wanted).run()
        return (None, None, None, *(found.get(name) for name in ctx.names))


def _sorted(
    names: tuple[str, ...], of_pictures: tuple[str, ...], values: tuple[torch.Tensor, ...]
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], torch.Tensor | None]:
    """Pictures, tensors and the bias."""
    given = dict(zip(names, values, strict=True))
    bias = given.pop("bias", None)
    pictures = {name: given.pop(name) for name in of_pictures}
    return pictures, given, bias


def _differentiably(  # noqa: PLR0917 - what the way back is given
    work: BatchOperator,
    pictures: Tensors,
    tensors: Tensors,
    bias: torch.Tensor | None,
    slope: torch.Tensor,
    wanted: set[str],
) -> dict[str, torch.Tensor]:
    """Gradients that can be differentiated again: by the steps that hold everything."""
    with torch.enable_grad():
        out = whole_output(work, pictures, tensors, bias)
    given = {**pictures, **tensors, **({} if bias is None else {"bias": bias})}
    names = [name for name in given if name in wanted]
    found = torch.autograd.grad(
        out,
        [given[name] for name in names],
        slope,
        create_graph=torch.is_grad_enabled(),
        allow_unused=True,
    )
    return dict(zip(names, found, strict=True))


def whole_output(
    work: BatchOperator, pictures: Tensors, tensors: Tensors, bias: torch.Tensor | None
) -> torch.Tensor:
    """(N, F, H_out, W_out) like `in_blocks`, by steps that can be transformed and compiled."""
    dtype = tensors["weight"].dtype
    summed = summed_type(dtype)
    with without_autocast(tensors["weight"].device):
        out = work.whole(
            {name: each.to(summed) for name, each in pictures.items()},
            {name: each.to(summed) for name, each in tensors.items()},
        )
        if bias is not None:
            out = out + bias.to(summed)[:, None, None]
    return out.to(dtype)


def _forwards(
    work: BatchOperator, pictures: Tensors, tensors: Tensors, bias: torch.Tensor | None
) -> torch.Tensor:
    weight, all_rows = tensors["weight"], range(work.output_size[0])
    n_pictures = pictures["image"].shape[0]
    out = weight.new_empty(n_pictures, weight.shape[0], *work.output_size)
    wide = {name: each.to(summed_type(weight.dtype)) for name, each in tensors.items()}
    for part in parts(work, pictures, wide["weight"].dtype):
        for rows in row_blocks(work, pictures["image"].shape[1], wide["weight"], all_rows):
            out[part.which, :, rows.start : rows.stop] = block(work, part, wide, bias, rows)
    return out


def rows_of(
    work: BatchOperator,
    pictures: Tensors,
    tensors: Tensors,
    bias: torch.Tensor | None,
    strip: range,
) -> Iterator[tuple[range, torch.Tensor]]:
    """Some output rows of one picture, block by block: which, and (1, F, rows, W_out)."""
    wide = {name: each.to(summed_type(each.dtype)) for name, each in tensors.items()}
    for part in parts(work, pictures, wide["weight"].dtype):
        for rows in row_blocks(work, pictures["image"].shape[1], wide["weight"], strip):
            yield rows, block(work, part, wide, bias, rows)
