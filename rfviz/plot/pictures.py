"""Pictures as figures: a picture with its padding, with boxes on it, and how often it is read."""

from collections.abc import Sequence

import plotly.graph_objects as go
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.feature_maps.strongest import Response
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.reads import reads_per_axis, reads_per_pixel, runs_of_equal
from rfviz.conv.spec.check_picture import check_image
from rfviz.conv.spec.given_picture import as_picture
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec, check_spec
from rfviz.conv.wording import number, shown
from rfviz.figures.marked_picture import NamedBox, with_boxes
from rfviz.figures.picture import picture_figure
from rfviz.figures.pixels import pixels_figure
from rfviz.figures.reads import reads_figure
from rfviz.io.pictures.picture import picture_png, reduce_picture

# A larger picture is drawn as means, without its padding; a larger map as means of bins.
LARGEST_EXACT = 512
LARGEST_MAP = 256
_PLAIN = Conv2dSpec(1)


def picture(image: object, spec: Conv2dSpec | None = None, *, title: str = "") -> go.Figure:
    """Draw a (C, H, W) picture, with the padding of a spec where it is given.

    The picture may be a tensor, a numpy array or a PIL image. Bytes are drawn as they are, other
    numbers from 0, or their least if it is negative, to their largest. Of other than 1 or 3
    channels the mean is drawn, which the title says. Raises `InputError` for what is no picture.

    >>> picture(torch.zeros(1, 4, 5), Conv2dSpec(3, padding=1)).layout.xaxis.range
    (-1.5, 5.5)
    """
    given = as_picture(image)
    check_image(given)
    laid = _PLAIN if spec is None else check_spec(spec)
    of_colours = len(given) in {1, 3}
    name = title or ("Picture" if of_colours else f"Mean of {len(given)} channels")
    raster, place = raster_of(given, laid)
    return picture_figure(
        picture_png(raster),
        shown_size=(raster.shape[1], raster.shape[2]),
        input_size=(given.shape[1], given.shape[2]),
        pads=laid.pads,
        title=name,
        **place,
    )


def marked(
    image: object, responses: Sequence[Response], spec: Conv2dSpec, *, title: str = ""
) -> go.Figure:
    """Draw a (C, H, W) picture with the receptive fields of some outputs, the first one's a 1.

    `responses` are those that `rfviz.strongest_fields` gives of one filter; of several pictures
    those of the first picture are drawn.

    >>> figure = marked(torch.zeros(1, 8, 8), [Response(2.0, 0, 1, 3)], Conv2dSpec(3))
    >>> figure.layout.annotations[0].text
    '<b>1: 2</b>'
    """
    checked = check_spec(spec)
    fields = [checked.receptive_field((each.row, each.column)) for each in responses]
    boxes = [
        NamedBox(
            f"{index}: {number(each.value)}",
            range(field.rows[0], field.rows[-1] + 1),
            range(field.columns[0], field.columns[-1] + 1),
        )
        for index, (each, field) in enumerate(zip(responses, fields, strict=True), 1)
        if each.image == 0
    ]
    return with_boxes(picture(image, checked, title=title), boxes)


def pixels(
    values: torch.Tensor, *, top: int = 0, left: int = 0, title: str = "Pixels"
) -> go.Figure:
    """Draw an (h, w) map of numbers, the first of which is pixel (`top`, `left`) of a picture.

    >>> pixels(torch.tensor([[0.0, 5.0]])).data[0].zmax
    5.0
    """
    return pixels_figure(values, top=top, left=left, title=title)


def reads(input_size: Pair, spec: Conv2dSpec) -> go.Figure:
    """Draw how many outputs read each pixel of a (height, width) picture.

    A large one is drawn as blocks of equal counts, or where these are too many, its first part.

    >>> reads((4, 4), Conv2dSpec(3)).data[0].zmax
    4.0
    """
    counts = reads_per_pixel(input_size, check_spec(spec))
    size = (counts.shape[0], counts.shape[1])
    if max(size) <= LARGEST_MAP:
        return reads_figure(counts, input_size=size)
    rows, columns = (runs_of_equal(each) for each in reads_per_axis(size, check_spec(spec)))
    if max(len(rows), len(columns)) > LARGEST_MAP:
        return reads_figure(counts[:LARGEST_MAP, :LARGEST_MAP], input_size=size)
    blocks = counts[rows[:-1]][:, columns[:-1]]
    return reads_figure(blocks, edges=(rows, columns), input_size=size)


def check_one_map(values: object, index: int, form: str) -> torch.Tensor:
    """Return the (H, W) map of an index of an (F, H, W) tensor, or the map that was given.

    >>> check_one_map(torch.ones(2, 3, 4), 1, "A feature map").shape
    torch.Size([3, 4])
    """
    if not isinstance(values, torch.Tensor) or values.ndim not in {2, 3} or not values.numel():
        found = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
        raise InputError(f"{form} is (H, W), or one of (F, H, W), got {found}.")
    if values.ndim == 2:
        return values.detach()
    if not isinstance(index, int) or not 0 <= index < len(values):
        raise InputError(
            f"There is no filter {shown(index)}: there are {len(values)}.",
            remedy=f"Use a number from 0 to {len(values) - 1}",
        )
    return values[index].detach()


def raster_of(image: torch.Tensor, spec: Conv2dSpec) -> tuple[torch.Tensor, dict[str, int]]:
    """Return the bytes to draw and where they lie: with the padding's where all of it is small.

    >>> raster_of(torch.zeros(1, 2, 2), Conv2dSpec(3, padding=1))[1]
    {'top': -1, 'left': -1, 'factor': 1}
    """
    height, width = spec.padded_size(image.shape[1:])
    as_bytes = _as_bytes(image.detach())
    if max(height, width) <= LARGEST_EXACT:
        (top, _), (left, _) = spec.pads
        alone = Conv2dSpec(1, padding=spec.pads, padding_mode=spec.padding_mode)
        padded = ColumnMatrix(as_bytes, alone).padded_rows(0, height)
        return padded, {"top": -top, "left": -left, "factor": 1}
    factor = -(-max(image.shape[1:]) // LARGEST_EXACT)
    return reduce_picture(as_bytes, factor), {"top": 0, "left": 0, "factor": factor}


def _as_bytes(image: torch.Tensor) -> torch.Tensor:
    """(1 or 3, H, W) bytes: numbers that are none are black."""
    if len(image) not in {1, 3}:
        image = image.double().mean(0, keepdim=True)
    if image.dtype == torch.uint8:
        return image
    values = image.double().nan_to_num(0.0, 0.0, 0.0)
    low, high = min(0.0, float(values.min())), float(values.max())
    span = high - low or 1.0
    return ((values - low) / span * 255).round().to(torch.uint8)
