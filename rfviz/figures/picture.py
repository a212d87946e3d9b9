"""The picture a convolution reads, or a part or reduction of it, in its own coordinates."""

import base64

import plotly.graph_objects as go

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pads
from rfviz.conv.wording import by
from rfviz.figures.axes import cells, map_axes
from rfviz.figures.style import base_layout

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
# More raster pixels than this along a side are more than the narrowest panel has, so that drawing
# them without smoothing would leave some out.
MOST_SHARP = 320


def picture_figure(
    image: bytes,
    *,
    shown_size: tuple[int, int],
    top: int,
    left: int,
    factor: float | tuple[float, float],
    input_size: tuple[int, int],
    pads: Pads,
    title: str = "Picture",
) -> go.Figure:
    """Draw the PNG or JPEG bytes of an (h, w) raster over a padded (H, W) picture.

    Raster pixel (0, 0) starts with picture pixel (`top`, `left`), negative in the padding, and each
    covers `factor` picture pixels, or (rows, columns) of them. The axes cover the padded picture.
    Raises `InputError` for bytes of another format.

    >>> figure = picture_figure(PNG, shown_size=(2, 2), top=-1, left=-1, factor=2,
    ...     input_size=(2, 2), pads=((1, 1), (1, 1)))
    >>> figure.data[0].x0, figure.data[0].dx
    (-0.5, 2)
    """
    step = factor if isinstance(factor, tuple) else (factor, factor)
    (above, below), (before, after) = pads
    height, width = input_size
    means = "" if step == (1, 1) else f", means of {by(step)}"
    alt = f"{title}, {by(input_size)} pixels{means}. {_padding(pads)}"
    layout = base_layout(f"{title}, {by(input_size)}{means}", name="picture", alt=alt)
    axes = map_axes("Input", (-above, height - 1 + below), (-before, width - 1 + after))
    exact = "" if step == (1, 1) else "around "
    trace = picture_trace(image, shown_size, top, left, step).update(
        # The label would take the colour of the pixel, in a form that plotly itself cannot read.
        hoverlabel={"bgcolor": "#333333", "font": {"color": "#FFFFFF"}},
        hovertemplate=f"{exact}row %{{y:d}}, column %{{x:d}}: "
        "%{color[0]}, %{color[1]}, %{color[2]}<extra></extra>",
    )
    return go.Figure(trace, layout | axes)


def picture_trace(
    image: bytes, shown_size: tuple[int, int], top: float, left: float, step: tuple[float, float]
) -> go.Image:
    """Return the trace of PNG or JPEG bytes whose first raster pixel starts with (top, left).

    Raises `InputError` for bytes of another format.

    >>> picture_trace(PNG, (4, 4), 2, 0, (1, 2)).x0
    0.5
    """
    return go.Image(
        source=_data_uri(image),
        meta={"rows": shown_size[0], "columns": shown_size[1]},
        **cells(top, left, step),
        zsmooth="fast" if max(shown_size) > MOST_SHARP else False,
    )


def _data_uri(image: bytes) -> str:
    kinds = {PNG: "png", JPEG: "jpeg"}
    kind = next((kinds[start] for start in kinds if image.startswith(start)), None)
    if kind is None:
        raise InputError(
            f"A picture is drawn from PNG or JPEG bytes, got {len(image)} bytes of something else.",
            remedy="Encode it as PNG",
        )
    return f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}"


def _padding(pads: Pads) -> str:
    (above, below), (before, after) = pads
    if not any((above, below, before, after)):
        return "No padding."
    return f"Padding: {above} above, {below} below, {before} left and {after} right."
