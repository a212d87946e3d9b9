"""Gradients of an operator over a batch, summed block by block, without its column matrix.

The columns of a block are copied again and its function is run once more, or the operator's own
gradient in its place.
"""

from collections.abc import Mapping

import torch

from rfviz.conv.im2col.batch_fields import add_fields, batch_fields
from rfviz.conv.im2col.fold import fold_padding
from rfviz.conv.operators.batch_blocks import Part, own_part, parts, row_blocks, summed_type
from rfviz.conv.operators.of_batch import BatchOperator


class Backwards:
    """The way back: gradients of what is wanted, summed block by block."""

    def __init__(
        self,
        work: BatchOperator,
        pictures: Mapping[str, torch.Tensor],
        tensors: Mapping[str, torch.Tensor],
        slope: torch.Tensor,
        wanted: set[str],
    ) -> None:
        """Keep what the way forwards was given, and zeros to add the wanted gradients to."""
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
        for part in parts(self._work, self._pictures, self._summed):
            self._add_part(part)
        result = {name: each.to(self._dtypes[name]) for name, each in found.items()}
        if "bias" in self._wanted:
            summed = self._slope.sum((0, 2, 3), dtype=self._summed)
            result["bias"] = summed.to(self._slope.dtype)
        return result

    def _add_part(self, part: Part) -> None:
        sums = {n: torch.zeros_like(p) for n, p in part.padded.items() if n in self._found}
        channels, all_rows = self._pictures["image"].shape[1], range(self._work.output_size[0])
        for rows in row_blocks(self._work, channels, self._tensors["weight"], all_rows):
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
        own = own_part(self._work, self._tensors, which, rows)
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
