"""An operator on a part of a batch: some padded pictures, some output rows, one call a group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from rfviz.conv.im2col.batch_fields import batch_fields
from rfviz.conv.im2col.reads import axis_sources
from rfviz.conv.im2col.unfolded import is_transformed, unfolded
from rfviz.conv.operators.evaluate import call_function, evaluate
from rfviz.conv.operators.operator import Operator
from rfviz.conv.operators.reads import Learned, OutputMap, sizes_of
from rfviz.conv.operators.sampled import moved_inside, picked, sampled, tap_coordinates
from rfviz.conv.spec.padding_modes import Pair, torch_mode
from rfviz.conv.spec.spec import Conv2dSpec

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class BatchOperator:
    """An operator with its values, its spec and the size of the pictures that it is applied to."""

    operator: Operator
    values: Mapping[str, float]
    spec: Conv2dSpec
    input_size: Pair

    @property
    def output_size(self) -> Pair:
        """(height, width) of the output."""
        return self.spec.output_size(self.input_size)

    @property
    def needs_whole(self) -> bool:
        """Whether any output may read any row of the picture."""
        return self.operator.reads.sampled or self.operator.reads.inside

    def rows_read(self, rows: range) -> slice:
        """The padded rows that some output rows read."""
        if self.needs_whole:
            return slice(None)
        first, last = (row * self.spec.stride[0] for row in (rows[0], rows[-1]))
        return slice(first, last + self.spec.effective_kernel_size[0])

    def names(self) -> tuple[str, ...]:
        """The operator's own tensors: what it learns, and its maps."""
        reads = self.operator.reads
        learned = (each.name for each in reads.learned)
        return (*learned, *(each.name for each in reads.maps))

    def map_names(self) -> tuple[str, ...]:
        """The names of its maps alone."""
        return tuple(each.name for each in self.operator.reads.maps)

    def on_padded(self, pictures: Tensors, tensors: Tensors, rows: range) -> torch.Tensor:
        """(n, F, rows, W_out) of padded pictures, of which only the rows that are read are given.

        `pictures` are "image", and "guide" and "mask" where they are read; `tensors` the "weight",
        and the operator's own by their names. Maps are those of the rows.
        """
        size = (len(rows), self.output_size[1])
        offsets = tensors.get("offsets") if self.operator.reads.sampled else None
        coordinates = self._coordinates(offsets, rows, pictures["image"])
        fields = {}
        for name, picture in pictures.items():
            if coordinates is None:
                fields[name] = batch_fields(picture, self.spec, size)
            elif coordinates.ndim == 5:
                fields[name] = sampled(picture, coordinates)
            else:
                fields[name] = picked(picture, coordinates)
        query = self._query(pictures["image"], rows) if self.operator.reads.query else None
        return self._on_fields(fields, query, tensors, rows)

    def whole(self, pictures: Tensors, tensors: Tensors) -> torch.Tensor:
        """(N, F, H_out, W_out) of pictures without padding, by steps that torch differentiates.

        Everything is held at once, so that it can be transformed, compiled and exported.
        """
        rows = range(self.output_size[0])
        if self.needs_whole:
            padded = {name: self._padded(each) for name, each in pictures.items()}
            return self.on_padded(padded, tensors, rows)
        asked = self.operator.reads.query
        query = self._query(self._padded(pictures["image"]), rows) if asked else None
        return self._on_fields(self._unfolded(pictures), query, tensors, rows)

    def _unfolded(self, pictures: Tensors) -> dict[str, torch.Tensor]:
        if is_static():
            return {name: self._by_torch(self._padded(each)) for name, each in pictures.items()}
        sources = axis_sources(self.input_size, self.spec)
        found = {}
        for name, each in pictures.items():
            fields = unfolded(each.flatten(0, 1), sources, self.spec)
            found[name] = fields.view(*each.shape[:2], *fields.shape[1:]).permute(1, 2, 3, 0, 4, 5)
        return found

    def _by_torch(self, padded: torch.Tensor) -> torch.Tensor:
        """Fields by `nn.Unfold`, which compilers and exporters know."""
        spec = self.spec
        columns = F.unfold(padded, spec.kernel_size, spec.dilation, 0, spec.stride)
        shape = (padded.shape[0], padded.shape[1], *spec.kernel_size, *self.output_size)
        return columns.view(shape).permute(1, 2, 3, 0, 4, 5)

    def _padded(self, pictures: torch.Tensor) -> torch.Tensor:
        if is_static():
            (top, bottom), (left, right) = self.spec.pads
            mode = torch_mode(self.spec.padding_mode)
            return F.pad(pictures, (left, right, top, bottom), mode=mode)
        for dim, sources in zip((2, 3), axis_sources(self.input_size, self.spec), strict=True):
            index = sources.to(pictures.device)
            pictures = pictures.index_select(dim, index.clamp(min=0))
            if bool((sources < 0).any()):
                zero = (index < 0)[:, None] if dim == 2 else index < 0
                pictures = pictures.masked_fill(zero, 0)
        return pictures

    def _coordinates(
        self, offsets: torch.Tensor | None, rows: range, padded: torch.Tensor
    ) -> torch.Tensor | None:
        """Where each tap is, the same for each picture or, moved by offsets, one for each; None
        where it is where the spec says."""
        if not self.needs_whole:
            return None
        where = tap_coordinates(self.spec, rows, self.output_size[1])
        if self.operator.reads.inside:
            where = moved_inside(where, self.spec, self.input_size)
        where = where.to(padded.device)
        if offsets is None:
            return where
        shape = (offsets.shape[0], self.spec.n_taps, 2, *offsets.shape[2:])
        return offsets.reshape(shape).transpose(1, 2) + where.to(offsets.dtype)

    def _query(self, padded: torch.Tensor, rows: range) -> torch.Tensor:
        """(C, n, rows, W_out): the pixel under the middle of each kernel, unmoved."""
        sides = zip(self.spec.kernel_size, self.spec.dilation, strict=True)
        middle = [n // 2 * step for n, step in sides]
        top = middle[0] + (rows[0] * self.spec.stride[0] if self.needs_whole else 0)
        high, wide = len(rows), self.output_size[1]
        (stride_y, stride_x), left = self.spec.stride, middle[1]
        down = slice(top, top + (high - 1) * stride_y + 1, stride_y)
        across = slice(left, left + (wide - 1) * stride_x + 1, stride_x)
        return padded[:, :, down, across].transpose(0, 1)

    def _on_fields(
        self, fields: Tensors, query: torch.Tensor | None, tensors: Tensors, rows: range
    ) -> torch.Tensor:
        """Call the function group by group and put the outputs of each picture together."""
        n_pictures = fields["image"].shape[-3]
        groups, checked = self.spec.groups, not is_static()
        n = n_pictures * len(rows) * self.output_size[1]
        image = fields["image"]
        by_group = {
            name: self._in_groups(each, n, 1 if name == "guide" else groups)
            for name, each in fields.items()
        }
        queries = [None] * groups if query is None else query.reshape(groups, -1, n)
        outputs = []
        for group, weight in enumerate(self._weights(tensors["weight"], n_pictures, rows)):
            named = self._named(tensors, group, n, n_pictures, rows, image.device)
            if self.operator.reads.query:
                named["query"] = queries[group]
            if self.operator.reads.guide:
                named["guide"] = by_group["guide"][0]
            mask = by_group["mask"][group] if self.operator.reads_mask else None
            given = (self.operator, by_group["image"][group], weight, self.values, mask, named)
            outputs.append(evaluate(*given) if checked else call_function(*given))
        out = torch.cat(outputs) if groups > 1 else outputs[0]
        return out.view(-1, n_pictures, len(rows), self.output_size[1]).transpose(0, 1)

    def _in_groups(self, fields: torch.Tensor, n: int, groups: int) -> torch.Tensor:
        channels = fields.shape[0] // groups
        if self.operator.reads.shaped:
            return fields.reshape(groups, channels, *self.spec.kernel_size, n)
        return fields.reshape(groups, channels * self.spec.n_taps, n)

    def _weights(
        self, weight: torch.Tensor, n_pictures: int, rows: range
    ) -> Sequence[torch.Tensor]:
        if self.operator.reads.weight_per_column:
            each = weight if weight.ndim == 6 else weight[..., None, None]
            part = each[..., rows.start : rows.stop, :] if weight.ndim == 6 else each
            part = part.expand(*weight.shape[:4], len(rows), self.output_size[1]).flatten(1, 3)
            n_columns = len(rows) * self.output_size[1]
            part = part.reshape(*part.shape[:2], 1, n_columns).expand(-1, -1, n_pictures, -1)
            return part.flatten(2).chunk(self.spec.groups)
        flat = weight if self.operator.reads.shaped else weight.flatten(1)
        return flat.chunk(self.spec.groups)

    def _named(  # noqa: PLR0917 - what a call is given, and where it is
        self,
        tensors: Tensors,
        group: int,
        n: int,
        n_pictures: int,
        rows: range,
        device: torch.device,
    ) -> dict[str, torch.Tensor | None]:
        """What the function reads by name, for one group."""
        reads, sizes = self.operator.reads, self.sizes(tensors["weight"])
        named: dict[str, torch.Tensor | None] = {}
        own: tuple[Learned | OutputMap, ...] = (*reads.learned, *reads.maps)
        for each in own:
            if each.name not in reads.names:
                continue
            tensor = tensors[each.name]
            if each.name in self.map_names():
                shape = sizes_of(each.shape, sizes)
                tensor = tensor.transpose(0, 1).reshape(*shape, n)
            if "F" in each.shape:
                dim = each.shape.index("F")
                tensor = tensor.chunk(self.spec.groups, dim)[group]
            named[each.name] = tensor
        if reads.position:
            row = torch.arange(rows.start, rows.stop, device=device)
            column = torch.arange(self.output_size[1], device=device)
            position = torch.stack(torch.meshgrid(row, column, indexing="ij")).flatten(1)
            named["position"] = position.repeat(1, n_pictures)
        return named

    def sizes(self, weight: torch.Tensor) -> dict[str, int]:
        """What the names of sizes stand for."""
        filters, channels = weight.shape[:2]
        taps = self.spec.n_taps
        return {"F": filters, "C": channels, "T": taps, "K": channels * taps}


def is_static() -> bool:
    """Whether a compiler or an exporter looks on, which cannot branch on the values of a tensor.

    >>> is_static()
    False
    """
    return torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export() or _is_traced()


def _is_traced() -> bool:
    traced: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return traced


def is_plain_call(*tensors: torch.Tensor | None) -> bool:
    """Whether what is computed may be cut into blocks: no transform, compiler or export looks on.

    >>> is_plain_call(torch.ones(1))
    True
    """
    if is_static():
        return False
    return not is_transformed(*tensors)
