"""The picture: placement, padding, reduction and formats."""

import base64
import io

import pytest
from PIL import Image

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pads
from rfviz.figures.picture import picture_figure

NO_PADS: Pads = ((0, 0), (0, 0))


def _encoded(height: int, width: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_bytes_arrive_unchanged(kind: str) -> None:
    data = _encoded(2, 3, kind)
    figure = picture_figure(
        data, shown_size=(2, 3), top=0, left=0, factor=1, input_size=(2, 3), pads=NO_PADS
    )
    head, body = figure.data[0].source.split(",")
    assert head == f"data:image/{kind.lower()};base64"
    assert base64.b64decode(body) == data


def test_padding_drawn_as_pixels_and_asymmetric_axes() -> None:
    pads = ((1, 2), (3, 4))
    figure = picture_figure(
        _encoded(8, 15), shown_size=(8, 15), top=-1, left=-3, factor=1, input_size=(5, 8), pads=pads
    )
    trace, layout = figure.data[0], figure.layout
    assert (trace.y0, trace.dy, trace.x0, trace.dx) == (-1, 1, -3, 1)
    assert layout.yaxis.range == (6.5, -1.5)
    assert layout.xaxis.range == (-3.5, 11.5)
    assert layout.meta["alt"].endswith("Padding: 1 above, 2 below, 3 left and 4 right.")
    assert trace.zsmooth is False


def test_a_reduced_picture_says_so_and_lies_where_its_pixels_are() -> None:
    figure = picture_figure(
        _encoded(375, 500),
        shown_size=(375, 500),
        top=0,
        left=0,
        factor=8,
        input_size=(3000, 4000),
        pads=NO_PADS,
    )
    trace = figure.data[0]
    title = figure.layout.title.text.replace("<br>", " ")
    assert title == "Picture, 3000 × 4000, means of 8 × 8"
    assert trace.x0 - trace.dx / 2 == -0.5
    assert trace.x0 + 499 * trace.dx + trace.dx / 2 == 3999.5
    assert trace.zsmooth == "fast"
    assert trace.hovertemplate.startswith("around row %{y:d}, column %{x:d}")


def test_a_factor_may_differ_between_rows_and_columns() -> None:
    figure = picture_figure(
        _encoded(2, 2), shown_size=(2, 2), top=0, left=0, factor=(1.5, 2), input_size=(3, 4),
        pads=NO_PADS,
    )  # fmt: skip
    assert (figure.data[0].dy, figure.data[0].dx) == (1.5, 2)
    assert "means of 1.5 × 2" in figure.layout.title.text.replace("<br>", " ")


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x00" * 20])
def test_other_formats_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=rf"PNG or JPEG bytes, got {len(data)} bytes"):
        picture_figure(
            data, shown_size=(1, 1), top=0, left=0, factor=1, input_size=(1, 1), pads=NO_PADS
        )
