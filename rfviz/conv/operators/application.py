"""An operator and all that it is applied to, checked, filling output rows block by block."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.blocks import Prepare, ReceptiveFields
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.unfolded import is_transformed
from rfviz.conv.operators.catalogue import operator_named
from rfviz.conv.operators.evaluate import evaluate
from rfviz.conv.operators.given import check_guide, check_names, own_tensors
from rfviz.conv.operators.in_blocks import in_blocks, rows_of, whole_output
from rfviz.conv.operators.of_batch import BatchOperator, is_plain_call
from rfviz.conv.operators.operator import Operator
from rfviz.conv.operators.separate import check_separate
from rfviz.conv.spec.check_picture import check_dimensions, check_plain
from rfviz.conv.spec.check_tensors import check_convolution
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.wording import by, shown


def application_of(  # noqa: PLR0917 - the arguments of `apply_operator`, in their order
    image: torch.Tensor,
    weight: torch.Tensor,
    operator: Operator | str,
    spec: Conv2dSpec | None,
    bias: torch.Tensor | None,
    parameters: Mapping[str, object] | None,
    mask: torch.Tensor | None,
    prepare: Prepare | None,
    tensors: Mapping[str, torch.Tensor] | None,
) -> "Application":
    """All that an operator is applied to, checked, and the operator held to one field at a time."""
    entry = operator if isinstance(operator, Operator) else operator_named(operator)
    check_dimensions(image, (3,), "one (C, H, W)")
    if not (prepare is None or callable(prepare)):
        raise InputError(f"prepare must be a function of the picture, got {shown(prepare)}.")
    each = weight
    if entry.reads.weight_per_column and isinstance(weight, torch.Tensor) and weight.ndim == 6:
        each = weight[..., 0, 0]
    _, spec = check_convolution(image, each, bias, spec)
    columns = ColumnMatrix(image, spec)
    known = ColumnMatrix(_checked_mask(mask, image), spec) if entry.reads_mask else None
    values = entry.values(parameters)
    check_names(entry, tensors or {})
    check_separate(entry, columns.shape[0] // spec.groups, values)
    fields = ReceptiveFields(columns, known, weight.dtype, prepare)
    return Application(fields, entry, values, weight, bias, dict(tensors or {}))


@dataclass(frozen=True)
class Application:
    """An operator and all that it is applied to."""

    fields: ReceptiveFields
    operator: Operator
    values: Mapping[str, float]
    weight: torch.Tensor
    bias: torch.Tensor | None
    tensors: Mapping[str, torch.Tensor]

    @property
    def columns(self) -> ColumnMatrix:
        """The column matrix of the picture."""
        return self.fields.columns

    def followed(self) -> torch.Tensor:
        """(F, H_out, W_out) with its gradients, in blocks where it is no transform."""
        if self.fields.prepare is not None:
            raise InputError("prepare cannot be followed.", remedy="Prepare the picture first")
        work, pictures, tensors = self.of_batch(self.columns.image)
        plain = is_plain_call(*pictures.values(), *tensors.values(), self.bias)
        return (in_blocks if plain else whole_output)(work, pictures, tensors, self.bias)[0]

    def of_batch(
        self, image: torch.Tensor
    ) -> tuple[BatchOperator, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """The same as an operator on a batch of one picture."""
        work = BatchOperator(
            self.operator, self.values, self.columns.spec, (image.shape[1], image.shape[2])
        )
        pictures = {"image": image[None]}
        given = dict(self.tensors)
        guide = given.pop("guide", image)
        if self.fields.mask is not None:
            pictures["mask"] = self.fields.mask.image[None]
        if self.operator.reads.guide:
            check_guide(guide, image)
            pictures["guide"] = guide[None]
        maps = work.map_names()
        given = {n: each[None] if n in maps else each for n, each in given.items()}
        return work, pictures, own_tensors(work, self.weight, pictures["image"], given)

    def fill(self, out: torch.Tensor, strip: range) -> Iterator[int]:
        """Write some output rows tile by tile; yields how many outputs of them are done."""
        return (self._fill if self.operator.reads.is_plain else self._fill_batch)(out, strip)

    def _fill_batch(self, out: torch.Tensor, strip: range) -> Iterator[int]:
        """By what reads more than receptive fields and a weight."""
        image = self.columns.image
        if self.fields.prepare is not None:
            image = self.fields.prepare(image.to(self.fields.summed))
        work, pictures, tensors = self.of_batch(image)
        for rows, values in rows_of(work, pictures, tensors, self.bias, strip):
            out[:, rows.start - strip.start : rows.stop - strip.start] = values[0]
            yield (rows.stop - strip.start) * out.shape[2]

    def _fill(self, out: torch.Tensor, strip: range) -> Iterator[int]:
        """Write some output rows tile by tile; yields the number of outputs of them that are done.

        With groups, filters of a group read the rows of the column matrix that are its channels.
        """
        groups, summed = self.fields.columns.spec.groups, self.fields.summed
        weights = self.weight.detach().to(summed).reshape(groups, len(out) // groups, -1)
        added = 0 if self.bias is None else self.bias.detach().to(summed)[:, None]
        done = 0
        for rows, across, blocks in self.fields.blocks(strip):
            by_group = [block.chunk(groups) for block in blocks]
            values = torch.cat(
                [
                    evaluate(self.operator, parts[0], weight, self.values, *parts[1:])
                    for weight, *parts in zip(weights, *by_group, strict=True)
                ]
            )
            tile = out[:, rows.start - strip.start :][:, : len(rows), across.start : across.stop]
            tile.copy_((values + added).view(len(out), len(rows), len(across)))
            done += len(rows) * len(across)
            yield done


def _checked_mask(mask: object, image: torch.Tensor) -> torch.Tensor:
    """Return the mask as (C, H, W), all known by default; a (H, W) mask is not copied."""
    size = tuple(image.shape[1:])
    if mask is None:
        return torch.ones(1, 1, 1).expand(image.shape)
    if not isinstance(mask, torch.Tensor):
        raise InputError(f"The mask must be a torch.Tensor, got {type(mask).__name__}.")
    if tuple(mask.shape) not in {size, tuple(image.shape)}:
        raise InputError(
            f"The mask must be {by((size[0], size[1]))} (rows × columns) like the picture, or one "
            f"for each of its {image.shape[0]} channels, got {shown(tuple(mask.shape))}."
        )
    check_plain("The mask", mask)
    if is_transformed(mask):
        raise InputError("A mask is no argument of a transform.", remedy="Let it be a constant")
    low, high = (float(value) for value in mask.aminmax())
    if not 0 <= low <= high <= 1:
        raise InputError(
            f"The mask must be from 0 (unknown) to 1 (known), got {low:g} to {high:g}.",
            remedy="Divide it by its largest value",
        )
    return mask.expand(image.shape)
