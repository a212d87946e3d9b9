"""Pictures as they are drawn: exact where they are small, means in whole factors where not."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import ReceptiveField
from rfviz.explorer.components import show_panel
from rfviz.figures.axes import zoomed
from rfviz.figures.marked_picture import NamedBox, with_boxes
from rfviz.figures.picture import picture_figure
from rfviz.io.pictures.picture import picture_jpeg, picture_png, reduce_picture
from rfviz.ui.run import caches
from rfviz.ui.sidebar.inputs import Inputs

LARGEST_EXACT = 512
LARGEST_REDUCED = 800
NEIGHBOURHOOD = 48


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
    if inputs.largest_level < 255:
        padded = (padded.float() * (255 / inputs.largest_level)).round().to(padded.dtype)
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
    show_panel(_whole(inputs), name="input", height=height, kind="input", size=_padded(inputs))


def show_marked_picture(
    inputs: Inputs, boxes: Sequence[NamedBox], *, name: str, title: str, height: int
) -> None:
    """A panel of this name that is linked to nothing: the same picture with boxes on it."""
    figure = with_boxes(_whole(inputs, title), boxes)
    show_panel(figure, name=name, height=height, size=_padded(inputs))


def _padded(inputs: Inputs) -> Pair:
    return inputs.spec.padded_size(inputs.picture.size)


def _whole(inputs: Inputs, title: str = "Picture") -> Any:
    raster = picture_raster(inputs)
    return picture_figure(
        raster.image,
        shown_size=raster.shown_size,
        top=raster.top,
        left=raster.left,
        factor=raster.factor,
        input_size=inputs.picture.size,
        pads=inputs.spec.pads,
        title=title,
    )


def show_neighbourhood(inputs: Inputs, field: ReceptiveField, *, height: int) -> bool:
    """The panel ``input-window``: every pixel around a receptive field of a large picture.

    False, and nothing shown, where the panel ``input`` shows every pixel already.
    """
    if picture_raster(inputs).factor == 1 and max(inputs.picture.size) <= LARGEST_EXACT:
        return False
    rows, columns = (
        _around(taps, size, pads)
        for taps, size, pads in zip(
            (field.rows, field.columns), inputs.picture.size, inputs.spec.pads, strict=True
        )
    )
    (top, _), (left, _) = inputs.spec.pads
    pixels = inputs.columns.padded_rows(rows.start + top, rows.stop + top)
    pixels = pixels[:, :, columns.start + left : columns.stop + left]
    figure = picture_figure(
        picture_png(pixels),
        shown_size=(len(rows), len(columns)),
        top=rows.start,
        left=columns.start,
        factor=1,
        input_size=inputs.picture.size,
        pads=inputs.spec.pads,
        title="Pixels around the receptive field",
    )
    figure = zoomed(figure, rows, columns)
    size = (len(rows), len(columns))
    show_panel(figure, name="input-window", height=height, kind="input", size=size)
    return True


def _around(taps: range, size: int, pads: tuple[int, int]) -> range:
    """Rows or columns around some taps, cut to the padded picture, in its coordinates."""
    reach = taps[-1] - taps[0] + 1
    margin = max(NEIGHBOURHOOD - reach, reach) // 2
    return range(max(taps[0] - margin, -pads[0]), min(taps[-1] + 1 + margin, size + pads[1]))
