"""A picture as people hold it in a notebook: a tensor, a numpy array, a PIL image.

Neither library is imported: an array says of itself how it is laid out, and so does an image.
"""

from typing import Any, cast

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.spec.check_picture import channels_last

_BANDS = ("L", "RGB")


def as_picture(image: object) -> torch.Tensor:
    """Return a picture as a tensor: an array as it is, a PIL image as (channels, height, width).

    An array shares its memory with the tensor where torch can. Whatever else is given back as it
    is, for the checks that follow. Raises `InputError` for an array in the order (height, width,
    channels), with the permute; for numbers that torch has no type for; and for a PIL image that is
    neither "L" nor "RGB".

    >>> as_picture(torch.zeros(1, 2, 2)).shape
    torch.Size([1, 2, 2])
    """
    home = type(image).__module__.split(".")[0]
    if home == "numpy":
        return _of_array(image)
    if home == "PIL" and hasattr(image, "getbands"):
        return _of_image(image)
    # What it is instead, the next check says.
    return cast("torch.Tensor", image)


def _of_array(array: Any) -> torch.Tensor:
    turn = channels_last(array.shape)
    if turn is not None:
        order = "2, 0, 1" if array.ndim == 3 else "0, 3, 1, 2"
        raise InputError(
            f"The array of shape {array.shape} seems to be (height, width, channels); a picture "
            f"is (channels, height, width).",
            remedy=f"Use torch.from_numpy(picture).permute({order})",
        )
    # What torch cannot share, it takes as a copy: read-only memory, steps backwards, other bytes.
    shares = array.flags.writeable and min(array.strides, default=0) >= 0
    try:
        own = (
            array
            if shares and array.dtype.isnative
            else array.astype(array.dtype.newbyteorder("="))
        )
        return torch.from_numpy(own)
    except TypeError:
        raise InputError(
            f"The array holds {array.dtype}, which is no type of numbers that torch has.",
            remedy="Use array.astype('float32')",
        ) from None


def _of_image(image: Any) -> torch.Tensor:
    if image.mode not in _BANDS:
        raise InputError(
            f"A PIL image of mode {image.mode!r} is read as no picture.",
            remedy='Use image.convert("RGB"), or image.convert("L") for grey',
        )
    n_bands = len(image.getbands())
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return pixels.view(image.height, image.width, n_bands).permute(2, 0, 1).contiguous()
