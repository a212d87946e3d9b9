"""Every figure of rfviz/figures comes of one call from what the library gives, with its numbers."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from PIL import Image
from torch import nn

import rfviz
from rfviz.conv.errors import InputError
from rfviz.conv.practice.question import Board
from rfviz.conv.receptive_field.effective_steps import depth_steps
from rfviz.conv.steps import finished

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "rfviz" / "figures"
torch.manual_seed(0)
PICTURE = torch.randint(0, 256, (3, 12, 14), dtype=torch.uint8)
SPEC = rfviz.Conv2dSpec(3, padding=1, stride=2)
WEIGHT = torch.rand(4, 3, 3, 3, dtype=torch.float64) - 0.5
COLUMNS = rfviz.ColumnMatrix(PICTURE, SPEC)
LAYERS = [rfviz.Layer("Conv2d", 3, padding=1), rfviz.Layer("MaxPool2d", 2)] * 2
SIZE = (16, 16)


def compared() -> go.Figure:
    return rfviz.plot.difference(rfviz.compare_with_conv2d(PICTURE.double(), WEIGHT, spec=SPEC), 1)


CALLS: dict[str, Callable[[], go.Figure]] = {
    "column_matrix": lambda: rfviz.plot.column_matrix(COLUMNS),
    "depth_growth": lambda: rfviz.plot.depth_growth(finished(depth_steps(LAYERS, SIZE, n_seeds=1))),
    "difference": compared,
    "effective_field": lambda: rfviz.plot.effective_field(
        rfviz.effective_field(LAYERS, SIZE, n_seeds=2)
    ),
    "feature_map": lambda: rfviz.plot.feature_map(rfviz.conv2d_by_matmul(PICTURE, WEIGHT), 2),
    "field_growth": lambda: rfviz.plot.field_growth(rfviz.stack_geometry(LAYERS, SIZE), SIZE),
    "filters": lambda: rfviz.plot.filters(WEIGHT, 1),
    "frequency": lambda: rfviz.plot.frequency(WEIGHT[0, 0]),
    "histogram": lambda: rfviz.plot.histogram([WEIGHT, WEIGHT**2], ["weight", "its square"]),
    "marked": lambda: rfviz.plot.marked(
        PICTURE, rfviz.strongest_fields([PICTURE], WEIGHT, spec=SPEC, k=2)[0], SPEC
    ),
    "nested_fields": lambda: rfviz.plot.nested_fields(LAYERS, (12, 14), image=PICTURE),
    "picture": lambda: rfviz.plot.picture(PICTURE, SPEC),
    "pixels": lambda: rfviz.plot.pixels(PICTURE[0]),
    "practice_board": lambda: rfviz.plot.practice_board(
        Board("Input", range(4), range(4), (4, 4), 1), [(0, 1)]
    ),
    "product": lambda: rfviz.plot.product(COLUMNS, WEIGHT),
    "reads": lambda: rfviz.plot.reads((12, 14), SPEC),
    "receptive_field": lambda: rfviz.plot.receptive_field(COLUMNS, WEIGHT, (2, 3), 1),
    "strip": lambda: rfviz.plot.strip(SPEC, (12, 14), "columns"),
    "sweep": lambda: rfviz.plot.sweep(nn.Conv2d(3, 4, 3, padding=1), (12, 14)),
    "vector": lambda: rfviz.plot.vector(COLUMNS, (2, 3), WEIGHT[0]),
    "weight_matrix": lambda: rfviz.plot.weight_matrix(WEIGHT),
}


def drawing(text: str) -> set[str]:
    """The functions of rfviz/figures that a module imports."""
    return {
        alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rfviz.figures.")
        for alias in node.names
    }


def test_every_figure_has_its_call() -> None:
    made = set().union(*(drawing(p.read_text()) for p in (ROOT / "rfviz" / "plot").glob("*.py")))
    figures = {
        node.name
        for path in FIGURES.glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and (node.name.endswith("_figure") or node.name == "with_boxes")
    }
    assert figures <= made
    assert sorted(rfviz.plot.__all__) == sorted(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_one_call_gives_a_figure_with_its_words(name: str) -> None:
    figure = CALLS[name]()
    assert isinstance(figure, go.Figure)
    assert len(figure.data) > 0
    assert figure.layout.meta["alt"]
    # What a notebook does with it.
    assert figure.to_json()


def test_values_drawn_are_torchs() -> None:
    by_conv2d = nn.functional.conv2d(PICTURE[None].double(), WEIGHT, stride=2, padding=1)[0]
    product = rfviz.plot.product(COLUMNS, WEIGHT, part=range(3, 9)).data[0].z
    np.testing.assert_allclose(product, by_conv2d.flatten(1)[:, 3:9], rtol=1e-5)
    drawn = rfviz.plot.feature_map(by_conv2d, 3).data[0].z
    np.testing.assert_allclose(drawn, by_conv2d[3], rtol=1e-5)
    unfolded = nn.functional.unfold(PICTURE[None].double(), 3, padding=1, stride=2)[0]
    np.testing.assert_array_equal(rfviz.plot.column_matrix(COLUMNS).data[0].z, unfolded)
    bars = np.concatenate([each.y for each in rfviz.plot.vector(COLUMNS, (2, 3)).data])
    np.testing.assert_array_equal(bars, unfolded[:, 2 * 7 + 3])
    title = rfviz.plot.receptive_field(COLUMNS, WEIGHT, (2, 3), 1).layout.title.text
    assert f"{by_conv2d[1, 2, 3].item():.4g}".replace("-", "−")[:5] in title


def test_a_large_matrix_and_a_large_map_are_means() -> None:
    large = rfviz.ColumnMatrix(torch.zeros(1, 90, 90), rfviz.Conv2dSpec(3))
    assert rfviz.plot.column_matrix(large).data[0].z.shape == (9, 600)
    values = torch.rand(600, 300)
    drawn = rfviz.plot.feature_map(values).data[0].z
    assert drawn.shape == (256, 256)
    assert abs(float(np.mean(drawn)) - values.mean().item()) < 0.01


def test_a_sweep_says_what_torch_gives() -> None:
    figure = rfviz.plot.sweep(nn.Conv2d(1, 1, 3), (9, 11), "padding", "dilation", axis="columns")
    drawn = np.array(figure.data[0].z, dtype=float)
    for i, padding in enumerate(range(12)):
        for j, dilation in enumerate(range(1, 13)):
            try:
                layer = nn.Conv2d(1, 1, 3, padding=padding, dilation=dilation)
                expected = layer(torch.zeros(1, 1, 11, 11)).shape[-1]
            except RuntimeError:
                assert not drawn[i, j] > 0
                continue
            assert drawn[i, j] == expected, (padding, dilation)


@pytest.mark.parametrize(
    ("image", "mean"),
    [(PICTURE.permute(1, 2, 0).numpy(), None), (torch.rand(5, 8, 8), "Mean of 5 channels, 8 × 8")],
)
def test_pictures_are_as_people_hold_them(image: Any, mean: str | None) -> None:
    if mean is None:
        with pytest.raises(InputError, match=r"permute\(2, 0, 1\)"):
            rfviz.plot.picture(image)
        same = rfviz.plot.picture(Image.fromarray(image)).data[0].source
        assert same == rfviz.plot.picture(PICTURE).data[0].source
        return
    assert rfviz.plot.picture(image).layout.title.text == mean


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rfviz.plot.column_matrix(COLUMNS, range(40, 90)), "0 to 41"),
        (lambda: rfviz.plot.product(COLUMNS, WEIGHT, part=range(5, 5)), "neighbouring"),
        (lambda: rfviz.plot.feature_map(torch.rand(2, 3, 3), 2), "no filter 2"),
        (lambda: rfviz.plot.sweep(SPEC, (9, 9), "stride", "stride"), "two parameters"),
        (lambda: rfviz.plot.strip(SPEC, (9, 9), "depth"), "rows"),
        (
            lambda: rfviz.plot.nested_fields(LAYERS, (16, 16), image=PICTURE),
            "12 × 14",
        ),
        (lambda: rfviz.plot.receptive_field(COLUMNS, WEIGHT, (0, 0), 9), "no filter 9"),
    ],
)
def test_a_wrong_call_gets_a_sentence(call: Callable[[], go.Figure], words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()


def test_without_plotly_a_sentence_says_what_to_install() -> None:
    script = """
import sys
import importlib.util as u
find = u.find_spec
u.find_spec = lambda name, *more: None if name == "plotly" else find(name, *more)
import rfviz
for name in ("plot", "show"):
    try:
        getattr(rfviz, name)
    except ImportError as error:
        sys.stdout.write(str(error) + "\\n")
"""
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.count("pip install 'rfviz[figures]'") == 2
