"""Every number that a page sends to the browser is torch's."""

import functools
import itertools
import re
from typing import Any

import pytest
import torch
from chosen_parameters import answers_to
from opened import PAGES, OpenedPage, Panel
from torch import Tensor
from torch.testing import assert_close
from torch_answers import DTYPES, TorchAnswers, address_of

from rfviz.conv.spec.padding_modes import PADDING_MODES
from rfviz.io.kernels.catalogue import KERNELS
from rfviz.io.pictures.samples import SAMPLES

PHOTO = {"sample": "scene", "reduce": 40}

CASES: dict[str, dict[str, Any]] = {
    **{f"sample {s.name}": {"sample": s.name} for s in SAMPLES if s.name != "scene"},
    "photo": PHOTO,
    "photo in grey": PHOTO | {"grey": True},
    "photo by a sixteenth": {"sample": "scene", "reduce": 8, "kernel": 7, "padding": 3},
    "region": {
        "sample": "scene", "region": True, "region_top": 700, "region_left": 1000,
        "region_height": 30, "region_width": 41, "padding_mode": "reflect",
    },
    **{f"dtype {name}": PHOTO | {"dtype": name, "kernel": 5, "padding": 2} for name in DTYPES},
    **{f"dtype {name}, 0 to 1": PHOTO | {"dtype": name, "values": "0 to 1"} for name in DTYPES},
    **{mode: PHOTO | {"padding_mode": mode, "padding": 4, "kernel": 5} for mode in PADDING_MODES},
    **{f"same, {mode}": {"padding_kind": "same", "kernel": 4, "dilation": 2,
                         "padding_mode": mode, "weights": "random"} for mode in PADDING_MODES},
    **{f"per side, {mode}": {"padding_kind": "per side", "pad_top": 0, "pad_bottom": 5,
                             "pad_left": 2, "pad_right": 1, "padding_mode": mode,
                             "kernel": (3, 5), "stride": (2, 3)} for mode in PADDING_MODES},
    "valid": {"padding_kind": "valid", "kernel": 5, "stride": 3},
    "stride beyond the kernel": {"kernel": 2, "stride": 5, "padding": 0, "weights": "box"},
    "height and width apart": PHOTO | {
        "kernel": (3, 6), "stride": (2, 1), "dilation": (3, 2), "padding": (5, 0),
        "weights": "random", "seed": 7,
    },
    "one tap": {"kernel": 1, "padding": 0, "weights": "identity", "row": 3, "column": 27},
    "one output": {"sample": "address", "kernel": 16, "padding": 0, "weights": "random"},
    "bias": PHOTO | {"with_bias": True, "bias": -12.5, "filters": 3, "filter": 2},
    "bias, 0 to 1": PHOTO | {"with_bias": True, "bias": 0.25, "values": "0 to 1"},
    "groups": PHOTO | {"groups": 3, "filters": 6, "filter": 4, "weights": "random"},
    "groups, bias": PHOTO | {"groups": 3, "filters": 3, "filter": 2, "with_bias": True,
                             "padding_mode": "circular", "dtype": "float64"},
    "per channel": PHOTO | {"across": "per-channel", "filters": 4, "filter": 1},
    "filters": PHOTO | {"filters": 12, "filter": 11, "weights": "gabor", "kernel": 9},
    "first corner": PHOTO | {"row": 0, "column": 0, "kernel": 5, "padding": 2},
    "last corner": PHOTO | {"row": 36, "column": 49, "padding": 1, "dilation": 2},
}  # fmt: skip


@functools.cache
def opened(case: str, page: str) -> OpenedPage:
    found = OpenedPage(page, address_of(CASES[case]))
    found.check_answers()
    assert found.errors == []
    return found


@functools.cache
def answered(case: str) -> TorchAnswers:
    return answers_to(CASES[case])


def chosen(case: str, page: OpenedPage) -> tuple[int, int, int]:
    """(filter, row, column): what was asked for, else the middle."""
    asked, (_, height, width) = CASES[case], answered(case).output.shape
    place = asked.get("row", height // 2), asked.get("column", width // 2)
    assert page.place == place
    return asked.get("filter", 0), *place


def shown_columns(panel: Panel) -> range:
    axis = panel.figure["data"][0]
    return range(axis["x0"], axis["x0"] + axis["z"].shape[1])


def group_of(answers: TorchAnswers, number: int) -> slice:
    """The rows of the column matrix that a filter is multiplied with."""
    length = answers.weight[0].numel()
    group = number // (len(answers.weight) // answers.groups)
    return slice(group * length, (group + 1) * length)


@pytest.mark.parametrize("case", CASES)
def test_vector_and_sum(case: str) -> None:
    page, answers = opened(case, "receptive_field"), answered(case)
    number, row, column = chosen(case, page)
    index = row * answers.output.shape[2] + column
    own = group_of(answers, number)
    vector = answers.values(answers.pixel_columns[own, index])
    weights = answers.weight[number].flatten()
    bars = page.panels["vector"].figure["data"]
    found = torch.cat([torch.tensor(bar["y"]) for bar in bars if bar["type"] == "bar"])
    assert_close(found, vector.float(), rtol=0, atol=0)
    assert_close(torch.tensor(bars[-1]["y"]), weights.float(), rtol=0, atol=0)
    answers.assert_close(page.conductor["value"], answers.output[number, row, column])
    shape = answers.weight.shape[1:]
    for nth, values in enumerate((vector, weights, vector * weights)):
        for channel, expected in enumerate(values.view(shape)):
            trace = nth * shape[0] + channel
            found = page.panels["patch"].z(trace)
            assert_close(found.float(), expected.float(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("case", CASES)
def test_scene_that_the_browser_works_from(case: str, page: str) -> None:
    """The highlights and previews of any position follow from these numbers."""
    found, answers = opened(case, page), answered(case)
    number, *_ = chosen(case, found)
    scene, (left, right, top, bottom) = found.scene, answers.pads
    expected = {
        "kernel": list(answers.kernel_size),
        "stride": list(answers.stride),
        "dilation": list(answers.dilation),
        "pads": [[top, bottom], [left, right]],
        "mode": answers.mode,
        "inputSize": list(answers.picture.shape[1:]),
        "channels": len(answers.picture),
    }
    assert {name: scene["spec"][name] for name in expected} == expected
    size, own = answers.weight.shape[1], number // (len(answers.weight) // answers.groups)
    assert scene["filter"] == {
        "index": number,
        "count": len(answers.weight),
        "channels": [own * size, (own + 1) * size],
        "bias": answers.bias or 0.0,
    }
    weights = answers.weight[number].flatten().double()
    assert_close(torch.tensor(scene["weights"], dtype=torch.float64), weights, rtol=0, atol=0)
    assert scene["divisor"] == answers.divisor


@pytest.mark.parametrize("case", CASES)
def test_sum_is_written_out(case: str) -> None:
    page, answers = opened(case, "receptive_field"), answered(case)
    number, row, column = chosen(case, page)
    lines = page.at.code[0].value.replace("−", "-").splitlines()
    by_torch = re.fullmatch(r"torch: +nn\.Conv2d gives (\S+), the same.*", lines[-1])
    assert by_torch
    answers.assert_close(float(by_torch[1]), answers.output[number, row, column])
    total = float(lines[-2].rsplit("= ", 1)[1])
    answers.assert_close(total, answers.output[number, row, column])


@pytest.mark.parametrize("case", CASES)
def test_picture_with_its_padding_is_sent_whole(case: str) -> None:
    page, answers = opened(case, "receptive_field"), answered(case)
    expected = answers.padded
    # Digits from 0 to 9 are drawn from black to white.
    if case == "sample digits":
        expected = (expected.float() * (255 / 9)).round()
    expected = expected.to(torch.uint8)
    assert_close(page.panels["input"].picture(), expected, rtol=0, atol=0)
    image = page.panels["input"].figure["data"][0]
    left, _, top, _ = answers.pads
    assert (image["x0"], image["y0"], image["dx"], image["dy"]) == (-left, -top, 1, 1)


@pytest.mark.parametrize("case", CASES)
def test_feature_map(case: str) -> None:
    page, answers = opened(case, "receptive_field"), answered(case)
    number, *_ = chosen(case, page)
    answers.assert_close(page.panels["output"].z(), answers.output[number])


@pytest.mark.parametrize("case", CASES)
def test_column_window_and_overview(case: str) -> None:
    page, answers = opened(case, "column_matrix"), answered(case)
    _, row, column = chosen(case, page)
    values = answers.values(answers.pixel_columns)
    shown = shown_columns(page.panels["columns"])
    assert row * answers.output.shape[2] + column in shown
    assert len(shown) == min(120, values.shape[1])
    window = page.panels["columns"].z()
    assert_close(window.float(), values[:, shown.start : shown.stop].float(), rtol=0, atol=0)

    found = page.panels["overview"].z()
    edges = [torch.arange(n + 1) * size // n for n, size in
             zip(found.shape, values.shape, strict=True)]  # fmt: skip
    sums = answers.pixel_columns.cumsum(0).cumsum(1)
    sums = torch.nn.functional.pad(sums, (1, 0, 1, 0))[edges[0]][:, edges[1]]
    n_entries = edges[0].diff()[:, None] * edges[1].diff()
    means = sums.diff(dim=0).diff(dim=1) / n_entries / answers.divisor
    assert_close(found, means.float(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_reads_and_fold(case: str) -> None:
    page, answers = opened(case, "column_matrix"), answered(case)
    reads = page.panels["reads"].z().double().nan_to_num(0)
    assert_close(reads, answers.reads, rtol=1e-6, atol=0)
    n_never = int((answers.reads == 0).sum())
    sentences = " ".join(str(text.value) for text in page.at.markdown)
    found = re.search(r"([\d,]+) of [\d,]+ pixels .* are never read", sentences)
    assert int(found[1].replace(",", "") if found else 0) == n_never
    if "law-x" in page.panels:
        x, law_reads, folded = (page.panels[f"law-{name}"].z() for name in ("x", "reads", "fold"))
        assert_close(folded, x * law_reads, rtol=0, atol=0)
        assert "in float64: `0`" in sentences


@pytest.mark.parametrize("case", CASES)
def test_copies_of_the_pixel(case: str) -> None:
    page, answers = opened(case, "column_matrix"), answered(case)
    ((left, top, right, bottom),) = page.boxes("input", "copies")
    row, column = int(top + 0.5), int(left + 0.5)
    assert (right - left, bottom - top) == (1, 1)
    if not answers.reads[row, column]:
        assert "stands **0** times" in " ".join(str(text.value) for text in page.at.markdown)
        return
    (table,) = (frame.value for frame in page.at.dataframe if "matrix row" in frame.value)
    assert len(table) == answers.reads[row, column] * len(answers.picture)
    entries = answers.pixel_columns[table["matrix row"].tolist(), table["matrix column"].tolist()]
    pixels = answers.picture[table["channel"].tolist(), row, column]
    assert_close(entries, pixels.double(), rtol=0, atol=0)
    shown = shown_columns(page.panels["columns"])
    marked = {(top + 0.5, left + 0.5) for left, top, *_ in page.boxes("columns", "copies")}
    pairs = zip(table["matrix row"], table["matrix column"], strict=True)
    assert marked == {(row, column) for row, column in pairs if column in shown}


@pytest.mark.parametrize("case", CASES)
def test_size_of_the_matrix(case: str) -> None:
    page, answers = opened(case, "column_matrix"), answered(case)
    metrics = {metric.label: metric.value for metric in page.at.metric}
    rows, count = answers.pixel_columns.shape
    assert metrics["Shape"] == f"{rows:,} × {count:,}"
    assert metrics["Entries"] == f"{rows * count:,}"
    ratio = rows * count / answers.picture.numel()
    assert float(metrics["Times the picture"]) == pytest.approx(ratio, rel=5e-3)


@pytest.mark.parametrize("case", CASES)
def test_product_of_the_matrices(case: str) -> None:
    page, answers = opened(case, "matmul"), answered(case)
    _, row, column = chosen(case, page)
    index = row * answers.output.shape[2] + column
    shown = shown_columns(page.panels["product"])
    assert shown == shown_columns(page.panels["columns"])
    assert index in shown
    values = answers.values(answers.pixel_columns)[:, shown.start : shown.stop]
    assert_close(page.panels["columns"].z().float(), values.float(), rtol=0, atol=0)

    blocks = answers.weight.flatten(1).float().chunk(answers.groups)
    together = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    assert_close(page.panels["weights"].z().nan_to_num(0), together, rtol=0, atol=0)
    outputs = answers.output.flatten(1)[:, shown.start : shown.stop]
    answers.assert_close(page.panels["product"].z(), outputs)


@pytest.mark.parametrize("case", CASES)
def test_both_maps_and_their_difference(case: str) -> None:
    page, answers = opened(case, "matmul"), answered(case)
    number, *_ = chosen(case, page)
    maps = [page.panels[name] for name in ("by-matmul", "by-conv2d")]
    means = pooled(answers.output[number].double(), maps[0].z().shape)
    for panel in maps:
        answers.assert_close(panel.z(), means)
    ranges = [(each.figure["data"][0]["zmin"], each.figure["data"][0]["zmax"]) for each in maps]
    assert ranges[0] == ranges[1]

    metrics = {metric.label: metric.value for metric in page.at.metric}
    largest = float(metrics["Largest absolute error"].replace("−", "-"))
    rtol, atol = answers.tolerance
    assert largest <= atol + rtol * ranges[0][1]
    difference = page.panels["difference"].z()
    assert float(difference.max()) <= largest * (1 + 1e-6)
    if len(answers.weight) == 1:
        assert float(difference.max()) == pytest.approx(largest, rel=1e-6)
    n_different = int(metrics["Outputs that differ"].replace(",", ""))
    assert (n_different == 0) == (largest == 0)
    assert f"agree on all {answers.output.numel():,} outputs" in page.at.success[0].value


def pooled(values: Tensor, size: tuple[int, ...]) -> Tensor:
    """Means of bins whose edges are at whole shares of each axis."""
    edges = [
        [n * k // bins for k in range(bins + 1)] for n, bins in zip(values.shape, size, strict=True)
    ]
    rows = [values[a:b].mean(0) for a, b in itertools.pairwise(edges[0])]
    across = [torch.stack(rows)[:, a:b].mean(1) for a, b in itertools.pairwise(edges[1])]
    return torch.stack(across, 1)


@pytest.mark.parametrize("kernel", KERNELS, ids=[kernel.name for kernel in KERNELS])
@pytest.mark.parametrize("page", PAGES)
def test_every_named_kernel(kernel: Any, page: str) -> None:
    height, width = kernel.usual_size
    asked = PHOTO | {"kernel": (height, width), "weights": kernel.name, "filters": 3, "filter": 1}
    found, answers = OpenedPage(page, address_of(asked)), answers_to(asked)
    found.check_answers()
    assert found.errors == []
    row, column = found.place
    answers.assert_close(found.conductor["value"], answers.output[1, row, column])


@pytest.mark.parametrize("page", PAGES)
def test_scene_at_full_size(page: str) -> None:
    asked = {"sample": "scene", "kernel": 5, "padding": 2, "stride": 2}
    found, answers = OpenedPage(page, address_of(asked)), answers_to(asked)
    found.check_answers()
    assert found.errors == []
    row, column = found.place
    answers.assert_close(found.conductor["value"], answers.output[0, row, column])
    if page == "receptive_field":
        whole, window = found.panels["output"], found.panels["output-window"]
        answers.assert_close(whole.z(), pooled(answers.output[0].double(), whole.z().shape))
        part = window.figure["data"][0]
        rows, columns = (slice(int(part[key]), int(part[key]) + 64) for key in ("y0", "x0"))
        answers.assert_close(window.z(), answers.output[0, rows, columns])
        assert found.conductor["expected"]["output"]["revision"] == whole.header["revision"]


def test_sobel_by_hand() -> None:
    """A number that a reader can follow: 8 times the step of the address image."""
    page = OpenedPage("receptive_field", {"sample": "address", "row": "5", "column": "5"})
    assert page.conductor["value"] == 8.0
    assert page.panels["vector"].figure["data"][0]["y"].tolist() == [
        68, 69, 70, 84, 85, 86, 100, 101, 102,
    ]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_output_beyond_float16_can_be_read_by_a_browser(page: str) -> None:
    """Nine rows of Sobel weights on a letter outgrow float16: the output is infinite."""
    page_of_it = OpenedPage(page, {"kernel": "9", "padding": "2", "dtype": "float16"})
    page_of_it.check_answers()
    assert page_of_it.conductor["position"] == [12, 12]
