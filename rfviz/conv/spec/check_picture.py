"""What an image must be, checked before torch words it in its own way."""

import torch

from rfviz.conv.errors import InputError


def check_image(image: object) -> None:
    """Raise `InputError` unless the image is a real (C, H, W) tensor on the CPU, with pixels.

    >>> check_image(torch.zeros(3, 4, 5, dtype=torch.uint8))
    """
    if not isinstance(image, torch.Tensor):
        raise InputError(f"The picture must be a torch.Tensor, got {type(image).__name__}.")
    if image.ndim != 3 or 0 in image.shape:
        raise InputError(
            f"The picture must be (channels, height, width), each at least 1, "
            f"got {tuple(image.shape)}."
        )
    if image.is_complex() or image.is_quantized or image.layout != torch.strided:
        raise InputError(f"The picture must hold plain real numbers, got {image.dtype}.")
    if image.device.type != "cpu":
        raise InputError(f"The picture is on {image.device}.", remedy="Move it to the CPU")
