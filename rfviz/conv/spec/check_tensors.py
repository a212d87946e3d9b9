"""What an image, a weight and a bias must be to each other, checked before any is multiplied."""

from functools import lru_cache

import torch

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.memory import check_budget
from rfviz.conv.spec.check_picture import channels_last, check_dimensions, check_plain
from rfviz.conv.spec.spec import Conv2dSpec, check_spec
from rfviz.conv.wording import by

Shape = tuple[int, ...]

_LARGEST_OUTPUT = 2**35
_DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def check_convolution(
    image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, spec: Conv2dSpec | None
) -> tuple[torch.Tensor, Conv2dSpec]:
    """Return the image as (N, C, H, W), and the spec, by default that of the weight's kernel.

    Raises `InputError` where shapes, types or groups do not go together, or the output would not
    fit in memory, with what was expected and what was given.

    >>> image, spec = check_convolution(torch.ones(1, 5, 5), torch.ones(2, 1, 3, 3), None, None)
    >>> image.shape, spec.kernel_size
    (torch.Size([1, 1, 5, 5]), (3, 3))
    """
    check_weight(weight, bias)
    batch = _as_batch(image)
    spec = None if spec is None else check_spec(spec)
    shapes = (tuple(image.shape), tuple(weight.shape))
    return batch, _fitting(*shapes, image.dtype, weight.dtype, spec)


@lru_cache(maxsize=256)
def _fitting(
    picture: Shape,
    weight: Shape,
    picture_type: torch.dtype,
    weight_type: torch.dtype,
    spec: Conv2dSpec | None,
) -> Conv2dSpec:
    """The spec, or what does not go together: once for the shapes and types of a call."""
    kernel = (weight[2], weight[3])
    spec = Conv2dSpec(kernel) if spec is None else spec
    if spec.kernel_size != kernel:
        raise InputError(
            f"The kernel of the spec is {by(spec.kernel_size)}, the weight's is {by(kernel)}.",
            (Remedy(f"Set the kernel to {by(kernel)}", {"kernel_size": kernel}),),
        )
    _check_order(picture, weight, spec)
    spec.check_channels(picture[-3], weight[0])
    _check_groups(picture[-3], weight, spec)
    if picture_type.is_floating_point and picture_type != weight_type:
        raise InputError(
            f"The picture is {picture_type} and the weight {weight_type}.",
            remedy="Convert one to the type of the other",
        )
    rows, columns = spec.output_size(picture[-2:])
    n_pictures = picture[0] if len(picture) == 4 else 1
    n_bytes = n_pictures * weight[0] * rows * columns * weight_type.itemsize
    if n_bytes > _LARGEST_OUTPUT:
        check_budget(
            f"An output of {weight[0]} × {by((rows, columns))} entries",
            n_bytes,
            _LARGEST_OUTPUT,
            "Use less padding, a larger stride, a smaller picture or fewer filters",
        )
    return spec


def check_weight(weight: object, bias: object = None) -> None:
    """Raise `InputError` unless the weight is a floating (F, C / groups, kh, kw), with its bias.

    >>> check_weight(torch.zeros(4, 3, 5, 5), torch.zeros(4))
    """
    if not isinstance(weight, torch.Tensor) or weight.ndim != 4 or 0 in weight.shape:
        shape = tuple(weight.shape) if isinstance(weight, torch.Tensor) else type(weight).__name__
        raise InputError(
            f"The weight must be (filters, channels / groups, kernel height, kernel width), "
            f"got {shape}.",
            remedy=_weight_of(weight),
        )
    if weight.dtype not in _DTYPES:
        raise InputError(
            f"The weight must be float64, float32, bfloat16 or float16, got {weight.dtype}.",
            remedy="Convert it to float32",
        )
    check_plain("The weight", weight)
    if bias is None:
        return
    if not isinstance(bias, torch.Tensor) or bias.shape != (weight.shape[0],):
        shape = tuple(bias.shape) if isinstance(bias, torch.Tensor) else type(bias).__name__
        raise InputError(f"The bias must be one number a filter, ({len(weight)},), got {shape}.")
    check_plain("The bias", bias)
    if bias.dtype != weight.dtype:
        raise InputError(f"The bias is {bias.dtype} and the weight {weight.dtype}.")


def _as_batch(image: torch.Tensor) -> torch.Tensor:
    if isinstance(image, torch.Tensor) and image.ndim == 4 and not len(image):
        raise InputError("The batch holds no picture.")
    check_dimensions(image, (3, 4), "(channels, height, width) or a batch of them")
    check_plain("The picture", image)
    return image if image.ndim == 4 else image[None]


def _weight_of(weight: object) -> str | None:
    """How what holds a weight gives it."""
    if isinstance(weight, torch.nn.Module):
        return "Give its layer.weight"
    if type(weight).__module__.split(".")[0] == "numpy":
        return "Use torch.from_numpy(weight)"
    return None


def _check_order(shape: Shape, weight: Shape, spec: Conv2dSpec) -> None:
    """A picture in the order of files, (H, W, C), is refused with the order that is meant."""
    expected = weight[1] * spec.groups
    remedy = channels_last(shape, expected)
    if remedy is not None:
        raise InputError(
            f"A weight of {weight} with groups {spec.groups} reads {expected} "
            f"channels, but the picture of {shape} has {shape[-3]}.",
            remedy=remedy,
        )


def _check_groups(channels: int, weight: Shape, spec: Conv2dSpec) -> None:
    given = weight[1] * spec.groups
    if given == channels:
        return
    n, rest = divmod(channels, weight[1])
    fits = rest == 0 and weight[0] % n == 0
    raise InputError(
        f"A weight of {weight} with groups {spec.groups} reads {given} channels, "
        f"but the picture has {channels}.",
        (Remedy(f"Set groups to {n}", {"groups": n}),) if fits else (),
    )
