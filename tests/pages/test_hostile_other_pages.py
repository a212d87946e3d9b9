"""Nonsense in the addresses of the pages that have controls of their own: no page falls over."""

import random

import pytest
from opened import OpenedPage
from streamlit.testing.v1 import AppTest
from test_hostile_addresses import NONSENSE

PAGES = ("output_shape", "stack", "filters", "responses", "operators", "check", "practice")
N_ADDRESSES = 12


def opened_at(page: str, address: dict[str, str]) -> AppTest:
    return OpenedPage(page, address).at


def keys_of(at: AppTest) -> list[str]:
    widgets = [at.number_input, at.slider, at.selectbox, at.toggle, at.text_input, at.text_area]
    return sorted({str(each.key) for kind in widgets for each in kind if each.key})


@pytest.mark.parametrize("page", PAGES)
def test_nonsense_in_the_page_s_own_keys_gives_a_page(page: str) -> None:
    usual = opened_at(page, {})
    assert [each.value for each in usual.exception] == []
    keys = keys_of(usual)
    assert keys
    dice = random.Random(f"other pages {page}")  # noqa: S311 - makes nonsense, keeps no secret
    for _ in range(N_ADDRESSES):
        chosen = dice.sample(keys, min(len(keys), dice.randint(1, 8)))
        address = {key: dice.choice((*NONSENSE, "1", "2", "7", "40")) for key in chosen}
        found = opened_at(page, address)
        assert [each.value for each in found.exception] == [], address
