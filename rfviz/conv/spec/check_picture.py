"""What an image must be, checked before torch words it in its own way."""

from collections.abc import Sequence

import torch

from rfviz.conv.errors import InputError

_COLOURS = (1, 3, 4)
_PLAIN = frozenset((torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.uint8))


def check_image(image: object) -> None:
    """Raise `InputError` unless the image is a real (C, H, W) tensor on the CPU, with pixels.

    >>> check_image(torch.zeros(3, 4, 5, dtype=torch.uint8))
    """
    check_dimensions(image, (3,), "(channels, height, width), each at least 1")
    check_plain("The picture", image)


def check_dimensions(image: object, dimensions: tuple[int, ...], form: str) -> None:
    """Raise `InputError` unless the image is a tensor of so many dimensions, none of them empty.

    >>> check_dimensions(torch.zeros(1, 2, 2), (3, 4), "(C, H, W) or a batch of them")
    """
    if not isinstance(image, torch.Tensor):
        raise InputError(
            f"The picture must be {form}, a torch.Tensor, got {type(image).__name__}.",
            remedy=_as_tensor(image),
        )
    if image.ndim not in dimensions or 0 in image.shape:
        remedy = {2: "Give it its one channel: picture[None]"}.get(image.ndim)
        if image.ndim == 4 and 4 not in dimensions and len(image):
            remedy = "Take one picture of the batch: picture[0]"
        raise InputError(f"The picture must be {form}, got {tuple(image.shape)}.", remedy=remedy)


def check_plain(what: str, tensor: object) -> None:
    """Raise `InputError` unless a tensor holds plain real numbers on the CPU; `what` it is.

    >>> check_plain("The mask", torch.zeros(2, 2))
    """
    if not isinstance(tensor, torch.Tensor):
        raise InputError(f"{what} must be a torch.Tensor, got {type(tensor).__name__}.")
    # Nearly every tensor is plain, and is so at once: what follows says why one is not.
    if tensor.is_cpu and tensor.dtype in _PLAIN and tensor.layout is torch.strided:
        return
    if tensor.layout != torch.strided:
        layout = str(tensor.layout).removeprefix("torch.")
        raise InputError(
            f"{what} must hold every number, but its layout is {layout}, a sparse one.",
            remedy="Use its to_dense()",
        )
    if tensor.is_quantized:
        raise InputError(
            f"{what} is quantised, {tensor.dtype}: it must hold plain real numbers.",
            remedy="Use its dequantize()",
        )
    if tensor.is_complex():
        raise InputError(
            f"{what} must hold plain real numbers, got {tensor.dtype}.",
            remedy="Use its real or its imaginary part, or abs() of it",
        )
    if tensor.device.type == "meta":
        raise InputError(
            f"{what} is on meta, where tensors have a shape and no values.",
            remedy="Load its values first",
        )
    if tensor.device.type != "cpu":
        raise InputError(f"{what} is on {tensor.device}.", remedy="Move it to the CPU")


def channels_last(shape: Sequence[int], n_channels: int | None = None) -> str | None:
    """Return the remedy where a shape seems to be (H, W, C), as files and arrays have it, or None.

    `n_channels` are those that were expected; without them the last side must be that of a colour
    picture, and the first be none.

    >>> channels_last((480, 640, 3)), channels_last((3, 480, 640))
    ('If it is (height, width, channels), use picture.permute(2, 0, 1)', None)
    """
    expected = _COLOURS if n_channels is None else (n_channels,)
    if len(shape) not in {3, 4} or shape[-1] not in expected or shape[-3] in expected:
        return None
    order = "2, 0, 1" if len(shape) == 3 else "0, 3, 1, 2"
    batch = "" if len(shape) == 3 else "batch, "
    return f"If it is ({batch}height, width, channels), use picture.permute({order})"


def _as_tensor(image: object) -> str | None:
    """How what libraries of pictures and arrays give becomes a tensor."""
    home = type(image).__module__.split(".")[0]
    if home == "numpy":
        turn = ".permute(2, 0, 1)" if channels_last(getattr(image, "shape", ())) else ""
        return f"Use torch.from_numpy(picture){turn}"
    if home == "PIL":
        return "Use rfviz.load_picture(open(path, 'rb').read()) on its file"
    return None
