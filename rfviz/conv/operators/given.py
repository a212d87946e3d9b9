"""What is given to an operator beside picture and weight: checked, or what it begins with."""

from collections.abc import Mapping

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.unfolded import is_transformed
from rfviz.conv.operators.in_blocks import in_blocks, whole_output
from rfviz.conv.operators.of_batch import BatchOperator, is_plain_call
from rfviz.conv.operators.operator import Operator
from rfviz.conv.operators.reads import Learned, OutputMap, sizes_of
from rfviz.conv.wording import by, shown


def initial_tensor(each: Learned, sizes: Mapping[str, int], dtype: torch.dtype) -> torch.Tensor:
    """What a learned tensor begins as.

    >>> initial_tensor(Learned("gate", ("F",), 1.0), {"F": 2}, torch.float32).tolist()
    [1.0, 1.0]
    """
    made = torch.full(sizes_of(each.shape, sizes), each.initial, dtype=dtype)
    if each.spread:
        made += torch.empty_like(made).uniform_(-each.spread, each.spread)
    return made


def own_tensors(
    work: BatchOperator,
    weight: torch.Tensor,
    batch: torch.Tensor,
    given: Mapping[str, torch.Tensor],
) -> dict[str, torch.Tensor]:
    """The weight and the operator's own tensors, each given or as it begins, with their shapes.

    Raises `InputError` for a name that the operator does not read, and for another shape.

    >>> from rfviz.conv.operators.catalogue import operator_named
    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> work = BatchOperator(operator_named("adder"), {}, Conv2dSpec(1), (2, 2))
    >>> list(own_tensors(work, torch.ones(1, 1, 1, 1), torch.ones(1, 1, 2, 2), {}))
    ['weight']
    """
    reads, sizes = work.operator.reads, work.sizes(weight)
    check_names(work.operator, given)
    _check_weight(work, weight)
    tensors = {"weight": weight}
    own: tuple[Learned | OutputMap, ...] = (*reads.learned, *reads.maps)
    for each in own:
        shape = _shape(each, work, sizes, batch.shape[0])
        tensor = given.get(each.name)
        if tensor is None:
            tensor = weight.new_full((1,) * len(shape), each.initial).expand(shape)
        if not isinstance(tensor, torch.Tensor) or tuple(tensor.shape) != shape:
            got = tuple(tensor.shape) if isinstance(tensor, torch.Tensor) else shown(tensor)
            raise InputError(f"'{each.name}' must be {shape}, got {got}.")
        if tensor.dtype != weight.dtype:
            raise InputError(
                f"'{each.name}' is {tensor.dtype} and the weight {weight.dtype}.",
                remedy="Convert one to the type of the other",
            )
        tensors[each.name] = tensor
    return tensors


def check_names(operator: Operator, given: Mapping[str, object]) -> None:
    """Raise `InputError` for a name that the operator does not read.

    >>> from rfviz.conv.operators.catalogue import operator_named
    >>> check_names(operator_named("gated"), {"gate": None})
    """
    reads = operator.reads
    own: tuple[Learned | OutputMap, ...] = (*reads.learned, *reads.maps)
    names = [each.name for each in own] + ["guide"] * reads.guide
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InputError(
            f"Operator '{operator.name}' reads no {', '.join(unknown)}; it reads "
            f"{', '.join(names) or 'none'}."
        )


def _shape(
    each: Learned | OutputMap, work: BatchOperator, sizes: Mapping[str, int], n_pictures: int
) -> tuple[int, ...]:
    if isinstance(each, Learned):
        return sizes_of(each.shape, sizes)
    return (n_pictures, each.n_channels(sizes), *work.output_size)


def _check_weight(work: BatchOperator, weight: torch.Tensor) -> None:
    expected = work.output_size
    if weight.ndim == 6 and tuple(weight.shape[4:]) != expected:
        raise InputError(
            f"The weight is for {by((weight.shape[4], weight.shape[5]))} outputs, but the picture "
            f"of {by(work.input_size)} pixels gives {by(expected)}.",
            remedy="Use pictures of the size that the weight was made for",
        )


def batch_mask(mask: object, batch: torch.Tensor) -> torch.Tensor:
    """The mask as (N, C, H, W), all known by default, in the type of the batch.

    It may be (H, W), (C, H, W), (N, H, W) for one a picture, (N, 1, H, W) or (N, C, H, W). Raises
    `InputError` for another shape, and numbers that are not 0 to 1.

    >>> batch_mask(torch.zeros(2, 2), torch.ones(1, 3, 2, 2)).shape
    torch.Size([1, 3, 2, 2])
    """
    if mask is None:
        return batch.new_ones(1, 1, 1, 1).expand(batch.shape)
    if not isinstance(mask, torch.Tensor):
        raise InputError(f"The mask must be a torch.Tensor, got {type(mask).__name__}.")
    n, channels, *size = batch.shape
    shapes = {
        (*size,): (1, 1, *size),
        (n, *size): (n, 1, *size),
        (channels, *size): (1, channels, *size),
        (n, 1, *size): (n, 1, *size),
        (n, channels, *size): (n, channels, *size),
    }
    if tuple(mask.shape) not in shapes:
        raise InputError(
            f"The mask must be {by((size[0], size[1]))} (rows × columns) like the pictures, or "
            f"{tuple(batch.shape)} with their channels, got {shown(tuple(mask.shape))}."
        )
    _check_range(mask)
    whole = mask.reshape(shapes[tuple(mask.shape)]).expand(batch.shape)
    return whole.to(batch).detach()


def check_guide(guide: object, image: torch.Tensor) -> None:
    """Raise `InputError` unless a guide is a picture (D, H, W), or a batch, as large as the image.

    >>> check_guide(torch.ones(1, 2, 2), torch.ones(3, 2, 2))
    """
    size = image.shape[-2:]
    if not isinstance(guide, torch.Tensor) or guide.ndim not in {3, 4} or guide.shape[-2:] != size:
        got = tuple(guide.shape) if isinstance(guide, torch.Tensor) else type(guide).__name__
        raise InputError(
            f"The guide must be a picture of {by((size[0], size[1]))} pixels too, got {got}."
        )


def _check_range(mask: torch.Tensor) -> None:
    if mask.is_meta or torch.compiler.is_compiling() or is_transformed(mask):
        return
    low, high = (float(value) for value in mask.aminmax())
    if not 0 <= low <= high <= 1:
        raise InputError(
            f"The mask must be from 0 (unknown) to 1 (known), got {low:g} to {high:g}.",
            remedy="Divide it by its largest value",
        )


def mask_passed_on(work: BatchOperator, mask: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The mask that an operator passes on with its result, (N, F, H_out, W_out).

    Raises `InputError` for an operator that passes none on.

    >>> from rfviz.conv.operators.catalogue import operator_named
    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> work = BatchOperator(operator_named("partial_convolution"), {}, Conv2dSpec(2), (2, 2))
    >>> mask_passed_on(work, torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item()
    0.0
    """
    entry = work.operator
    if entry.mask_out is None:
        raise InputError(
            f"Operator '{entry.name}' passes no mask on.", remedy="Leave return_mask out"
        )
    passed = entry.mask_out
    asks = Operator(
        entry.name, "", lambda patches, weight: passed(patches).expand(weight.shape[0], -1)
    )
    asked = BatchOperator(asks, {}, work.spec, work.input_size)
    given = {"image": mask}, {"weight": weight.detach()}, None
    return (in_blocks if is_plain_call(mask) else whole_output)(asked, *given)
