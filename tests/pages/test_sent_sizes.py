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


def test_a_kernel_of_many_taps(sent: list[int]) -> None:
    region = {"region": "true", "region_height": "320", "region_width": "310"}
    layer = {"conv.weight": torch.ones(2, 3, 300, 300), "conv.bias": torch.zeros(2)}
    page = opened_with(state_file(layer), "w.pt", "filters", {"sample": "scene", **region})
    page.check_answers()
    assert max(sent) < MOST_SENT


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
