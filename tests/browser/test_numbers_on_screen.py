"""What stands on the screen, read from the browser, equals what torch says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from app_page import AppPage
from conftest import Open
from torch import Tensor

from rfviz import filter_bank, load_sample

# Values cross to the browser in float32; what is added in another order differs a little more.
RELATIVE, ABSOLUTE = 1e-5, 2e-3


@dataclass(frozen=True)
class Case:
    """An address, and the same convolution for torch; ``pads`` as F.pad takes them."""

    address: Mapping[str, Any]
    picture: Tensor
    weight: Tensor
    pads: tuple[int, int, int, int] = (1, 1, 1, 1)
    mode: str = "constant"
    bias: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def padded(self) -> Tensor:
        return F.pad(self.picture.double()[None], self.pads, self.mode)

    @property
    def output(self) -> Tensor:
        """(filters, rows, columns), float64."""
        return F.conv2d(self.padded, self.weight, **self.options)[0] + self.bias

    @property
    def columns(self) -> Tensor:
        """The column matrix of the padded picture."""
        options = {name: value for name, value in self.options.items() if name != "groups"}
        return F.unfold(self.padded, self.weight.shape[2:], **options)[0]


def assert_same(shown: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(shown, expected, rtol=RELATIVE, atol=ABSOLUTE)


def bank(*arguments: Any, **options: Any) -> Tensor:
    # As the page has it, in float32: its rounding belongs to the weights, not to the comparison.
    return filter_bank(*arguments, **options).double()


CASES = {
    "default": Case({}, load_sample("glyph"), bank("sobel-x", 3, 1, 1)),
    "strided, dilated, reflected": Case(
        {
            "sample": "address", "kernel": 3, "stride": 2, "dilation": 2, "padding": 4,
            "padding_mode": "reflect", "weights": "random", "seed": 5, "filters": 3,
            "with_bias": "true", "bias": 2.5,
        },
        load_sample("address"), bank("random", 3, 1, 3, seed=5), (4, 4, 4, 4), "reflect", 2.5,
        {"stride": 2, "dilation": 2},
    ),
    "rectangular, per side, circular": Case(
        {
            "sample": "impulse", "separate": "true", "kernel_height": 3, "kernel_width": 5,
            "stride_height": 2, "stride_width": 1, "padding_kind": "per side", "pad_top": 0,
            "pad_bottom": 3, "pad_left": 1, "pad_right": 2, "padding_mode": "circular",
            "weights": "gabor", "filters": 2,
        },
        load_sample("impulse"), bank("gabor", (3, 5), 1, 2), (1, 2, 0, 3), "circular", 0.0,
        {"stride": (2, 1)},
    ),
    "colour, in groups": Case(
        {
            "sample": "scene", "region": "true", "region_top": 700, "region_left": 400,
            "region_height": 40, "region_width": 60, "groups": 3, "filters": 6, "weights": "random",
            "seed": 1,
        },
        load_sample("scene")[:, 700:740, 400:460], bank("random", 3, 3, 6, 3, seed=1),
        options={"groups": 3},
    ),
}  # fmt: skip


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    assert isinstance(request.param, Case)
    return request.param


def test_receptive_field_page(open_app: Open, case: Case) -> None:
    app = open_app("", case.address).settle()
    n_filters, height, width = case.output.shape
    last = n_filters - 1
    assert_same(app.z("output"), case.output[0])
    torch.testing.assert_close(app.picture("input").double(), case.padded[0], rtol=0, atol=0)
    if last:
        app.enter("filter", last)
    for row, column in ((0, 0), (height - 1, width - 1), (height // 3, width // 2)):
        app.enter("row", row)
        app.enter("column", column)
        app.wait_for_place(row, column)
        app.eventually(lambda at=(row, column): same_field(app, case, last, *at))  # type: ignore[misc]
    assert_same(app.z("output"), case.output[last])


def same_field(app: AppPage, case: Case, filter_index: int, row: int, column: int) -> None:
    """Value, patch and vector of one output."""
    app.settle()
    output = case.output[filter_index, row, column].item()
    assert app.value == pytest.approx(output, rel=RELATIVE, abs=ABSOLUTE)
    entries = case.columns[:, row * case.output.shape[2] + column]
    weight = case.weight[filter_index]
    groups = case.options.get("groups", 1)
    group = filter_index // (len(case.weight) // groups)
    pixels = entries.view(groups, *weight.shape)[group]
    for index, shown in enumerate((*pixels, *weight, *(pixels * weight))):
        assert_same(app.z("patch", index), shown)
    bars = torch.cat([torch.tensor(app.trace("vector", "y", i)) for i in range(len(pixels))])
    assert_same(bars.double(), pixels.flatten())
    diamonds = torch.tensor(app.trace("vector", "y", len(pixels)), dtype=torch.float64)
    assert_same(diamonds, weight.flatten())


# Every number of these pages, in some sixty cases, is in tests/pages/test_page_numbers.py.
IN_CHROMIUM = ("strided, dilated, reflected", "colour, in groups")


@pytest.mark.parametrize("name", IN_CHROMIUM)
def test_column_matrix_page(open_app: Open, name: str) -> None:
    case = CASES[name]
    app = open_app("column_matrix", case.address).settle()
    window, start = app.z("columns"), round(app.trace("columns", "x0"))
    stop = start + window.shape[1]
    assert_same(window, case.columns[:, start:stop])
    overview = app.z("overview")
    bins = case.columns.view(len(case.columns), overview.shape[1], -1).mean(2)
    assert_same(overview, bins)
    law = {name: app.z(f"law-{name}") for name in ("x", "reads", "fold")}
    assert_same(law["fold"], law["x"] * law["reads"])


@pytest.mark.parametrize("name", IN_CHROMIUM)
def test_matmul_page(open_app: Open, name: str) -> None:
    case = CASES[name]
    app = open_app("matmul", case.address).settle()
    n_filters, groups = len(case.weight), case.options.get("groups", 1)
    matrix = torch.block_diag(*case.weight.flatten(1).chunk(groups))  # type: ignore[no-untyped-call]
    assert_same(app.z("weights").nan_to_num(), matrix)
    columns, start = app.z("columns"), round(app.trace("columns", "x0"))
    stop = start + columns.shape[1]
    assert_same(columns, case.columns[:, start:stop])
    product = case.output.flatten(1)[:n_filters, start:stop]
    assert_same(app.z("product"), product)
    for panel in ("by-matmul", "by-conv2d"):
        assert_same(app.z(panel), case.output[0])
    nothing = torch.zeros_like(case.output[0])
    assert_same(app.z("difference"), nothing)
