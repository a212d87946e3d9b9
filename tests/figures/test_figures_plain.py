"""Names that someone else chose are shown by plotly as they stand: no tags, formulas, templates."""

import re
from typing import Any

import pytest
import torch
from plotly import graph_objects as go

from rfviz.conv.feature_maps.histogram import Histogram
from rfviz.conv.spec.spec import ReceptiveField
from rfviz.figures.depth_growth import depth_growth_figure
from rfviz.figures.field_growth import Growth, field_growth_figure
from rfviz.figures.histogram import histogram_figure
from rfviz.figures.nested_fields import LayerField, View, nested_fields_figure
from rfviz.figures.patch import patch_figure, receptive_field_numbers
from rfviz.figures.picture import PNG
from rfviz.figures.vector import vector_figure

NAMES = (
    '<a href="https://host.invalid/x">conv</a>',
    "<b>bold</b><br>second",
    "$\\frac{1}{2}$",
    "%{customdata}",
    "one\ntwo",
    "a & b < c",
)
TAGS = {"<br>", "<extra>", "</extra>"}  # that our own words have


def growth(name: str) -> go.Figure:
    return field_growth_figure([Growth(name, (3, 5), (1, 2), aligned=False)], input_size=(8, 8))


def depth(name: str) -> go.Figure:
    return depth_growth_figure([name], [3.0], [0.8], 0.8)


def histogram(name: str) -> go.Figure:
    one = Histogram(torch.tensor([3, 1]), 0.0, 0.5)
    return histogram_figure([one, one], names=[name, "b"], values=name, title=name)


def nested(name: str) -> go.Figure:
    field = ReceptiveField(range(3), range(3))
    return nested_fields_figure(
        View(PNG, (4, 4), 0, 0, (1, 1)), [LayerField(name, field)], input_size=(4, 4), unit=name
    )


def patch(name: str) -> go.Figure:
    numbers = receptive_field_numbers(torch.ones(1, 2, 2), torch.ones(1, 2, 2), 0.0)
    return patch_figure(
        numbers, channels=[name], rows=range(2), columns=range(2), pixel_range=(0.0, 1.0)
    )


def vector(name: str) -> go.Figure:
    return vector_figure(
        torch.ones(4), torch.ones(4), channels=[name], kernel_size=(2, 2), rows=range(2),
        columns=range(2), pixel_range=(0.0, 1.0),
    )  # fmt: skip


def texts(part: Any, key: str = "") -> list[str]:
    """Every text of a figure but its words for a screen reader, which are no markup."""
    if isinstance(part, dict):
        return [
            text for k, v in part.items() if k not in {"meta", "source"} for text in texts(v, k)
        ]
    if isinstance(part, (list, tuple)):
        return [text for each in part for text in texts(each, key)]
    return [part] if isinstance(part, str) else []


@pytest.mark.parametrize("draw", [growth, depth, histogram, nested, patch, vector])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_it_stands(draw: Any, name: str) -> None:
    usual = set(texts(draw("name").to_dict()))
    found = [text for text in texts(draw(name).to_dict()) if text not in usual]
    assert found, "the name is nowhere"
    for text in found:
        assert set(re.findall("<[^>]*>?", text)) <= TAGS, text
        assert not re.search(r"<br>second|\$\\|%\{customdata|\n", text), text
