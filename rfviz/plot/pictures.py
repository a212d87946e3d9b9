"""Pictures as figures: a picture with its padding, with boxes on it, and how often it is read."""

from types import MappingProxyType

import plotly.graph_objects as go
import torch

from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.spec.check_picture import check_image
from rfviz.conv.spec.given_picture import as_picture
from rfviz.conv.spec.spec import Conv2dSpec, check_spec
from rfviz.figures.picture import picture_figure
from rfviz.io.pictures.picture import picture_png, reduce_picture

# A larger picture is drawn as means, without its padding.
LARGEST_EXACT = 512
_PLAIN = Conv2dSpec(1)
_TITLES = MappingProxyType({1: "Picture", 3: "Picture"})


def picture(image: object, spec: Conv2dSpec | None = None, *, title: str = "") -> go.Figure:
    """Draw a (C, H, W) picture, with the padding of a spec where it is given.

    Bytes are drawn as they are, other numbers from 0, or their least if it is negative, to their
    largest. Of other than 1 or 3 channels the mean is drawn, which the title says.

    >>> picture(torch.zeros(1, 4, 5), Conv2dSpec(3, padding=1)).layout.xaxis.range
    (-1.5, 5.5)
    """
    pixels = as_picture(image)
    check_image(pixels)
    laid = _PLAIN if spec is None else check_spec(spec)
    size = (pixels.shape[1], pixels.shape[2])
    name = title or _TITLES.get(len(pixels), f"Mean of {len(pixels)} channels")
    shown, place = _drawn(pixels, laid)
    return picture_figure(
        picture_png(shown),
        shown_size=(shown.shape[1], shown.shape[2]),
        input_size=size,
        pads=laid.pads,
        title=name,
        **place,
    )


def _drawn(pixels: torch.Tensor, spec: Conv2dSpec) -> tuple[torch.Tensor, dict[str, int]]:
    """The raster, and where it lies: with the padding's pixels where all of it is small."""
    size = spec.padded_size(pixels.shape[1:])
    as_bytes = _as_bytes(pixels.detach())
    if max(size) <= LARGEST_EXACT:
        (top, _), (left, _) = spec.pads
        padded = _padded(as_bytes, spec)
        return padded, {"top": -top, "left": -left, "factor": 1}
    factor = -(-max(pixels.shape[1:]) // LARGEST_EXACT)
    return reduce_picture(as_bytes, factor), {"top": 0, "left": 0, "factor": factor}


def _padded(pixels: torch.Tensor, spec: Conv2dSpec) -> torch.Tensor:
    height, _ = spec.padded_size(pixels.shape[1:])
    alone = Conv2dSpec(1, padding=spec.pads, padding_mode=spec.padding_mode)
    return ColumnMatrix(pixels, alone).padded_rows(0, height)


def _as_bytes(pixels: torch.Tensor) -> torch.Tensor:
    """(1 or 3, H, W) bytes: numbers that are none are black."""
    if len(pixels) not in {1, 3}:
        pixels = pixels.double().mean(0, keepdim=True)
    if pixels.dtype == torch.uint8:
        return pixels
    values = pixels.double().nan_to_num(0.0, 0.0, 0.0)
    low, high = min(0.0, float(values.min())), float(values.max())
    span = high - low or 1.0
    return ((values - low) / span * 255).round().to(torch.uint8)
