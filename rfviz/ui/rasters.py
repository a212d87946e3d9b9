"""Pictures as they are drawn: exact where they are small, means in whole factors where not."""

from typing import NamedTuple

from rfviz.conv.columns import ColumnMatrix
from rfviz.explorer.mount import show_panel
from rfviz.figures.picture import picture_figure
from rfviz.io.pictures import picture_jpeg, picture_png, reduce_picture
from rfviz.ui import caches
from rfviz.ui.inputs import Inputs

LARGEST_EXACT = 512
LARGEST_REDUCED = 800


class Raster(NamedTuple):
    """An encoded picture: its pixel (0, 0) starts at (top, left) and covers ``factor`` pixels."""

    image: bytes
    shown_size: tuple[int, int]
    top: int
    left: int
    factor: int


def picture_raster(inputs: Inputs) -> Raster:
    """The whole picture; with its padding drawn as pixels where all of it is small enough."""
    if max(inputs.spec.padded_size(inputs.picture.size)) <= LARGEST_EXACT:
        key = ("raster", inputs.picture.key, inputs.spec.pads, inputs.spec.padding_mode)
        return caches.remembered(key, lambda: _with_padding(inputs))
    return caches.remembered(("raster", inputs.picture.key), lambda: _reduced(inputs))


def _with_padding(inputs: Inputs) -> Raster:
    height, width = inputs.spec.padded_size(inputs.picture.size)
    padded = inputs.columns.padded_rows(0, height)
    (top, _), (left, _) = inputs.spec.pads
    return Raster(picture_png(padded), (height, width), -top, -left, 1)


def _reduced(inputs: Inputs) -> Raster:
    """Means of squares; as JPEG, since nobody reads a value off a mean of pixels."""
    factor = -(-max(inputs.picture.size) // LARGEST_REDUCED)
    pixels = inputs.picture.pixels
    if factor == 1:
        return Raster(picture_png(pixels), inputs.picture.size, 0, 0, 1)
    reduced = reduce_picture(pixels, factor)
    size = reduced.shape[1], reduced.shape[2]
    return Raster(picture_jpeg(reduced), size, 0, 0, factor)


def show_picture(inputs: Inputs, *, height: int) -> None:
    """The panel ``input``: the whole picture with its padding."""
    raster = picture_raster(inputs)
    figure = picture_figure(
        raster.image,
        shown_size=raster.shown_size,
        top=raster.top,
        left=raster.left,
        factor=raster.factor,
        input_size=inputs.picture.size,
        pads=inputs.spec.pads,
    )
    show_panel(figure, name="input", height=height, clickable=True)


class Window(NamedTuple):
    """Part of the padded picture, in the picture's coordinates."""

    raster: Raster
    rows: range
    columns: range


def window_raster(columns: ColumnMatrix, rows: range, across: range) -> Window:
    """The pixels of some rows and columns of the padded picture, exactly.

    Ranges are in the picture's coordinates, negative in the padding, and are cut to what exists.
    """
    (top, _), (left, _) = columns.spec.pads
    height, width = columns.spec.padded_size(columns.image.shape[1:])
    first, last = max(rows.start + top, 0), min(rows.stop + top, height)
    start, stop = max(across.start + left, 0), min(across.stop + left, width)
    pixels = columns.padded_rows(first, last)[:, :, start:stop]
    size = (last - first, stop - start)
    raster = Raster(picture_png(pixels), size, first - top, start - left, 1)
    return Window(raster, range(first - top, last - top), range(start - left, stop - left))
