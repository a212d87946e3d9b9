"""An operator over a batch, block by block, forwards and backwards, without its column matrix.

What autograd would keep of the way forwards, columns and all that the function makes of them, is
many times the picture. So nothing of it is kept: the way back copies the columns of a block again,
and goes through the function again for that block alone, while it is in the cache. Source: Chen et
al., Training deep nets with sublinear memory cost, 2016, arXiv:1604.06174.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch

from rfviz.conv.im2col.batch_fields import add_fields, batch_fields
from rfviz.conv.im2col.fold import fold_padding
from rfviz.conv.im2col.padded_batch import PaddedBatch
from rfviz.conv.im2col.unfolded import is_followed, is_transformed, without_autocast
from rfviz.conv.matmul.matmul import trained_convolution
from rfviz.conv.operators.formulas import dot_product
from rfviz.conv.operators.of_batch import BatchOperator, Tensors

HALVES = (torch.bfloat16, torch.float16)
# Measured from 128 KiB to 4 MiB: shorter blocks spend their time in calls, longer ones leave the
# cache, the more so the more filters a function takes at once.
BLOCK_BYTES = 2**20


class _Part(NamedTuple):
    """Some pictures, padded, by name, and where they are in the batch."""

    which: slice
    padded: dict[str, torch.Tensor]


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
                found = _Backwards(ctx.work, *parts[:2], slopes[0], wanted).run()
        return (None, None, None, *(found.get(name) for name in ctx.names))


def _sorted(
    names: tuple[str, ...], of_pictures: tuple[str, ...], values: tuple[torch.Tensor, ...]
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], torch.Tensor | None]:
    """Pictures, tensors and the bias."""
    given = dict(zip(names, values, strict=True))
    bias = given.pop("bias", None)
    pictures = {name: given.pop(name) for name in of_pictures}
    return pictures, given, bias


def summed_type(dtype: torch.dtype) -> torch.dtype:
    """The type that operators compute in: half types are computed in float32.

    >>> summed_type(torch.bfloat16)
    torch.float32
    """
    return torch.float32 if dtype in HALVES else dtype


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
    for part in _parts(work, pictures, wide["weight"].dtype):
        for rows in _row_blocks(work, pictures["image"].shape[1], wide["weight"], all_rows):
            out[part.which, :, rows.start : rows.stop] = _block(work, part, wide, bias, rows)
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
    for part in _parts(work, pictures, wide["weight"].dtype):
        for rows in _row_blocks(work, pictures["image"].shape[1], wide["weight"], strip):
            yield rows, _block(work, part, wide, bias, rows)


def _block(
    work: BatchOperator, part: _Part, tensors: Tensors, bias: torch.Tensor | None, rows: range
) -> torch.Tensor:
    near = {name: each[:, :, work.rows_read(rows)] for name, each in part.padded.items()}
    found = work.on_padded(near, _own(work, tensors, part.which, rows), rows)
    return found if bias is None else found + bias.to(found.dtype)[:, None, None]


def _own(work: BatchOperator, tensors: Tensors, which: slice, rows: range) -> dict[str, Any]:
    """The tensors, and of the maps the part for some pictures and rows."""
    maps = work.map_names()
    part = slice(rows.start, rows.stop)
    return {n: each[which, :, part] if n in maps else each for n, each in tensors.items()}


def _parts(work: BatchOperator, pictures: Tensors, dtype: torch.dtype) -> Iterator[_Part]:
    """Pictures so many at a time that their columns are a block; at least one."""
    image = pictures["image"]
    rows, columns = work.output_size
    n_bytes = image.shape[1] * work.spec.n_taps * rows * columns * dtype.itemsize
    n = max(1, min(image.shape[0], BLOCK_BYTES // n_bytes))
    padded = {name: PaddedBatch(each, work.spec, n, dtype) for name, each in pictures.items()}
    for together in zip(*(each.parts() for each in padded.values()), strict=True):
        yield _Part(together[0][0], dict(zip(padded, (part for _, part in together), strict=True)))


def _row_blocks(
    work: BatchOperator, channels: int, weight: torch.Tensor, strip: range
) -> Iterator[range]:
    """Output rows of a part, so many at a time that their columns are a block."""
    width = work.output_size[1]
    bytes_per_row = channels * work.spec.n_taps * width * weight.element_size()
    step = max(1, BLOCK_BYTES // bytes_per_row)
    for top in range(strip.start, strip.stop, step):
        yield range(top, min(top + step, strip.stop))


class _Backwards:
    """The way back: gradients of what is wanted, summed block by block."""

    def __init__(
        self,
        work: BatchOperator,
        pictures: Mapping[str, torch.Tensor],
        tensors: Mapping[str, torch.Tensor],
        slope: torch.Tensor,
        wanted: set[str],
    ) -> None:
        self._work, self._pictures, self._slope, self._wanted = work, pictures, slope, wanted
        self._dtypes = {name: each.dtype for name, each in (*pictures.items(), *tensors.items())}
        self._summed = summed_type(tensors["weight"].dtype)
        self._tensors = {name: each.to(self._summed) for name, each in tensors.items()}
        kept = [*(name for name in pictures if name != "mask"), *tensors]
        self._found = {
            name: torch.zeros_like({**pictures, **self._tensors}[name], dtype=self._summed)
            for name in kept
            if name in wanted
        }

    def run(self) -> dict[str, torch.Tensor]:
        """Gradients by name, each in the type of what it is of."""
        found = self._found
        for part in _parts(self._work, self._pictures, self._summed):
            self._add_part(part)
        result = {name: each.to(self._dtypes[name]) for name, each in found.items()}
        if "bias" in self._wanted:
            summed = self._slope.sum((0, 2, 3), dtype=self._summed)
            result["bias"] = summed.to(self._slope.dtype)
        return result

    def _add_part(self, part: _Part) -> None:
        sums = {n: torch.zeros_like(p) for n, p in part.padded.items() if n in self._found}
        channels, all_rows = self._pictures["image"].shape[1], range(self._work.output_size[0])
        for rows in _row_blocks(self._work, channels, self._tensors["weight"], all_rows):
            slope = self._slope[part.which, :, rows.start : rows.stop].to(self._summed)
            read = self._work.rows_read(rows)
            near = {name: each[:, :, read] for name, each in part.padded.items()}
            if self._work.operator.gradient is not None and self._work.operator.reads.is_plain:
                add_to = sums["image"][:, :, read] if "image" in sums else None
                self._add_by_gradient(near["image"], rows, slope, add_to)
                continue
            self._add_by_autograd(part.which, near, rows, slope, sums, read)
        for name, each in sums.items():
            size = tuple(self._pictures[name].shape[2:])
            self._found[name][part.which] = fold_padding(each, size, self._work.spec)

    def _add_by_autograd(  # noqa: PLR0917 - a block, and where its gradients go
        self,
        which: slice,
        near: dict[str, torch.Tensor],
        rows: range,
        slope: torch.Tensor,
        sums: dict[str, torch.Tensor],
        read: slice,
    ) -> None:
        own = _own(self._work, self._tensors, which, rows)
        followed = {
            name: each.detach().requires_grad_()
            for name, each in (*near.items(), *own.items())
            if name in self._found
        }
        near = {name: followed.get(name, each) for name, each in near.items()}
        own = {name: followed.get(name, each) for name, each in own.items()}
        with torch.enable_grad():
            out = self._work.on_padded(near, own, rows)
        if not out.requires_grad:
            return
        slopes = torch.autograd.grad(out, list(followed.values()), slope, allow_unused=True)
        maps = self._work.map_names()
        for name, found in zip(followed, slopes, strict=True):
            if found is None:
                continue
            if name in sums:
                sums[name][:, :, read] += found
            elif name in maps:
                self._found[name][which, :, rows.start : rows.stop] = found
            else:
                self._found[name] += found

    def _add_by_gradient(
        self,
        near: torch.Tensor,
        rows: range,
        slope: torch.Tensor,
        add_to: torch.Tensor | None,
    ) -> None:
        """By the operator's own gradient of a block, without the way forwards."""
        operator, spec = self._work.operator, self._work.spec
        assert operator.gradient is not None
        fields = batch_fields(near, spec, (len(rows), self._work.output_size[1]))
        patches = fields.reshape(spec.groups, -1, fields.shape[-3:].numel())
        slopes = slope.transpose(0, 1).reshape(spec.groups, -1, patches.shape[2])
        weights = self._tensors["weight"].flatten(1).chunk(spec.groups)
        found = [
            operator.gradient(*given, **self._work.values)
            for given in zip(patches, weights, slopes, strict=True)
        ]
        if "weight" in self._found:
            self._found["weight"] += torch.cat([w for _, w in found]).view_as(self._found["weight"])
        if add_to is not None:
            of_patches = torch.cat([p for p, _ in found]) if spec.groups > 1 else found[0][0]
            add_fields(of_patches.view(fields.shape), spec, add_to)
