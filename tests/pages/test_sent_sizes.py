"""What a page sends to the browser is bounded, whatever the size of the weights.

Streamlit sends everything again at every rerun, and ends a session over a message of 200 MB; a
browser stands still long before. Every message of a run is measured, as it is sent.
"""

import io

import numpy as np
import pytest
import safetensors.torch
import torch
from opened import OpenedPage, as_read
from streamlit.testing.v1 import local_script_runner
from streamlit.testing.v1.element_tree import parse_tree_from_messages
from test_weights_of_a_file import opened_with, state_file

from rfviz.ui.operators import steps
from rfviz.ui.panels import maps, matrices, receptive_field
from rfviz.ui.panels.maps import LARGEST_FIELD, MOST_CELLS

MOST_SENT = 5_000_000


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of each run, of all messages together, the latest last."""
    sizes: list[int] = []

    def weighed(messages: list[object]) -> object:
        sizes.append(sum(each.ByteSize() for each in messages))  # type: ignore[attr-defined]
        return parse_tree_from_messages(messages)  # type: ignore[arg-type]

    monkeypatch.setattr(local_script_runner, "parse_tree_from_messages", weighed)
    return sizes


def npy(*shape: int) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.ones(shape, np.float16))
    return stream.getvalue()


def layers(n: int) -> bytes:
    names = [f"features.{index}.weight" for index in range(n)]
    return safetensors.torch.save({name: torch.ones(1, 1, 1, 1) for name in names})


def said(page: OpenedPage) -> str:
    return "\n".join([*page.captions, *(as_read(each.value) for each in page.at.markdown)])


def test_a_million_filters_are_shown_around_the_chosen_one(sent: list[int]) -> None:
    page = opened_with(npy(1_000_000, 1, 1, 1), "w.npy", "filters", {"sample": "digit"})
    page.check_answers()
    assert "Filters 0 to 999 of 1,000,000 are listed" in said(page)
    page.at.number_input("filter").set_value(700_000)
    page.run()
    assert "Filters 699,500 to 700,499 of 1,000,000 are listed" in said(page)
    table = page.at.dataframe[0].value
    assert len(table) == 1000
    assert table["filter"].tolist() == list(range(699_500, 700_500))
    assert max(sent) < MOST_SENT


@pytest.mark.parametrize("page", ["receptive_field", "operators"])
def test_a_million_filters_beside_a_picture(page: str, sent: list[int]) -> None:
    found = opened_with(npy(1_000_000, 1, 1, 1), "w.npy", page, {"sample": "digit"})
    found.check_answers()
    assert max(sent) < MOST_SENT


@pytest.mark.parametrize("page", ["filters", "receptive_field", "matmul", "column_matrix"])
def test_a_million_channels_are_summed_in_the_type_of_the_computation(
    page: str, sent: list[int]
) -> None:
    found = opened_with(npy(1, 1_000_000, 1, 1), "w.npy", page, {"sample": "digit"})
    found.check_answers()
    assert found.errors == []
    if page == "receptive_field":
        assert found.scene["weights"] == [1_000_000.0]
    assert max(sent) < MOST_SENT


def opened_with_kernel(page: str, side: int) -> OpenedPage:
    region = {"region": "true", "region_height": "320", "region_width": "310"}
    layer = {"conv.weight": torch.randn(2, 3, side, side), "conv.bias": torch.zeros(2)}
    address = {"sample": "scene", "window": "600", "product_window": "600", **region}
    return opened_with(state_file(layer), "w.pt", page, address)


@pytest.mark.parametrize("page", ["filters", "receptive_field", "matmul"])
@pytest.mark.parametrize("side", [104, 300])
def test_a_kernel_of_many_taps(page: str, side: int, sent: list[int]) -> None:
    found = opened_with_kernel(page, side)
    found.check_answers()
    assert found.errors == []
    assert max(sent) < MOST_SENT
    count = 3 * side * side
    labels = [each.label for each in found.at.expander]
    if page == "receptive_field":
        assert f"The first 4,096 of {count:,} entries as a table" in labels
    if page != "filters":
        # Of a larger one the browser works nothing out, and so is sent no weights.
        assert len(found.scene["weights"]) == (count if count <= LARGEST_FIELD else 0)
    if page == "receptive_field":
        assert ("patch" in found.panels) == (count <= LARGEST_FIELD)
        told = "\n".join(str(each.value) for each in found.at.info)
        assert (f"3 × {side:,} × {side:,}" in told) == (count > LARGEST_FIELD)
    if page in {"receptive_field", "matmul"}:
        n_rows, n_columns = found.panels["columns"].z().shape
        assert n_rows == count
        assert n_rows * n_columns <= MOST_CELLS


def test_a_table_of_an_operator_s_entries_is_shown_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (steps, receptive_field):
        monkeypatch.setattr(module, "MOST_ENTRIES", 10)
    page = OpenedPage("operators", {"kernel": "5"})
    page.check_answers()
    assert "The first 10 of 25 entries as a table" in [each.label for each in page.at.expander]
    tables = [each.value for each in page.at.dataframe]
    (table,) = [each for each in tables if "kernel row" in each]
    assert len(table) == 10
    assert table["kernel row"].tolist() == [0] * 5 + [1] * 5
    assert table["kernel column"].tolist() == [0, 1, 2, 3, 4] * 2


def test_columns_of_more_rows_than_are_sent_are_shown_in_part(
    sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (maps, matrices):
        monkeypatch.setattr(module, "MOST_CELLS", 1000)
    found = opened_with_kernel("receptive_field", 20)
    found.check_answers()
    assert found.panels["columns"].z().shape == (1000, 1)
    assert "The first 1,000 of 1,200 rows" in found.panels["columns"].title


def test_a_product_of_a_hundred_thousand_filters_is_shown_in_part(sent: list[int]) -> None:
    address = {"sample": "digit", "product_window": "600"}
    found = opened_with(npy(100_000, 1, 1, 1), "w.npy", "matmul", address)
    found.check_answers()
    assert max(sent) < MOST_SENT
    assert found.panels["product"].z().shape == (64, 2**23 // 100_000)
    assert found.panels["columns"].z().shape == (1, 2**23 // 100_000)


def test_of_twenty_thousand_layers_some_are_offered_and_any_is_found(sent: list[int]) -> None:
    page = opened_with(layers(20_000), "w.safetensors", "filters", {"sample": "digit"})
    page.check_answers()
    assert len(page.at.selectbox("layer").options) == 500
    assert "The first 500 of the 20,000 layers found are offered" in said(page)
    page.at.text_input("layer_find").set_value("19999")
    page.run()
    assert "features.19999.weight: 1 × 1 × 1 × 1" in page.at.selectbox("layer").options
    page.at.selectbox("layer").set_value("features.19999.weight")
    page.at.text_input("layer_find").set_value("")
    page.run()
    assert page.at.selectbox("layer").value == "features.19999.weight"
    page.at.text_input("layer_find").set_value("no such layer")
    page.run()
    assert page.at.selectbox("layer").value == "features.19999.weight"
    assert "No layer's name holds no such layer" in said(page)
    assert max(sent) < MOST_SENT / 10
