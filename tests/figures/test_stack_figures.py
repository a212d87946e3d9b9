"""Growth, nested fields and the effective field: what the figures hold."""

import pytest
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.spec.spec import ReceptiveField
from rfviz.figures.effective_field import effective_field_figure
from rfviz.figures.field_growth import Growth, field_growth_figure
from rfviz.figures.nested_fields import LayerField, View, layer_colours, nested_fields_figure
from rfviz.figures.picture import PNG

LAYERS = [Growth("a", (3, 3), (1, 1)), Growth("b", (5, 5), (2, 2), aligned=False)]
VIEW = View(PNG, (4, 4), 0, 0, (2, 2))


def field(top: int, bottom: int, left: int, right: int) -> ReceptiveField:
    return ReceptiveField(range(top, bottom), range(left, right))


def test_growth_holds_fields_jumps_and_what_is_out_of_step() -> None:
    figure = field_growth_figure(LAYERS, input_size=(8, 8), chosen=1)
    rows, columns, jumps, _, wrong = figure.data
    assert list(rows.y) == [3, 5]
    assert list(jumps.y) == [1, 2]
    assert not columns.showlegend
    assert (list(wrong.x), list(wrong.text)) == ([2], ["b"])
    assert figure.layout.shapes[1].x0 == 2
    assert "5 × 5 and 2 × 2" in figure.layout.title.text.replace("<br>", " ")


def test_growth_shows_columns_where_they_differ() -> None:
    figure = field_growth_figure([Growth("a", (3, 7), (1, 0))], input_size=(8, 8))
    assert list(figure.data[1].y) == [7]
    assert figure.data[0].name == "receptive field, rows"
    assert list(figure.data[3].y) == [None]
    with pytest.raises(InputError):
        field_growth_figure([], input_size=(8, 8))


def test_nested_fields_are_in_words() -> None:
    fields = [LayerField("a", field(2, 5, 2, 5)), LayerField("b", field(-2, 6, 0, 8))]
    figure = nested_fields_figure(VIEW, fields, input_size=(8, 8), unit="unit (1, 1) of b")
    alt = figure.layout.meta["alt"]
    assert "unit (1, 1) of b: 8 × 8 pixels, 25% of it outside the picture" in alt
    assert "a: 3 × 3" in alt
    assert len(set(layer_colours(5))) == 5
    assert figure.layout.yaxis.range == (8.0, -3.0)


def test_picture_lies_where_the_input_has_it() -> None:
    view = View(PNG, (2, 4), 4, 2.5, (1, 0.5))
    shown = field(4, 6, 2, 5)
    figure = nested_fields_figure(
        view, [LayerField("a", shown)], input_size=(8, 8), unit="a", shown=shown
    )
    image = figure.data[0]
    assert (image.y0, image.dy, image.x0, image.dx) == (4, 1, 2.25, 0.5)
    assert "outside" not in figure.layout.meta["alt"]
    with pytest.raises(InputError):
        nested_fields_figure(VIEW, [], input_size=(8, 8), unit="a")


def test_effective_map_is_the_root_over_its_largest() -> None:
    power = torch.tensor([[0.0, 0.25], [1.0, 0.0]], dtype=torch.float64)
    figure = effective_field_figure(
        power, top=3, left=5, field=field(3, 5, 4, 8), centre=(4, 6), sigma=(1, 2), radius=3,
        title="Effective",
    )  # fmt: skip
    expected = torch.tensor([[0.0, 0.5], [1.0, 0.0]])
    torch.testing.assert_close(torch.from_numpy(figure.data[0].z), expected)
    assert (figure.data[0].y0, figure.data[0].x0) == (3, 5)
    box, circle, gaussian = figure.data[1:]
    assert (min(box.x), max(box.x), min(box.y), max(box.y)) == (3.5, 7.5, 2.5, 4.5)
    assert max(circle.x) == pytest.approx(9)
    assert max(gaussian.x) == pytest.approx(10)
    assert max(gaussian.y) == pytest.approx(6)
    with pytest.raises(InputError):
        effective_field_figure(
            power, top=0, left=0, field=field(0, 2, 0, 2), centre=(0, 0), sigma=(1, 1),
            radius=-1, title="",
        )  # fmt: skip
