"""What a person has set stays set, and in the address, however quickly pages are turned."""

from urllib.parse import parse_qs, urlsplit

import pytest
from app_page import IDLE, WAYS
from conftest import Open

TURNS = (
    "Convolution as a matmul", "Stack of layers", "Output shape", "Stack of layers", "Output shape",
    "Explore", "Column matrix",
)  # fmt: skip
SET = {"kernel": "7", "stride": "2"}


@pytest.mark.parametrize("waits", [True, False], ids=["page by page", "without waiting"])
def test_settings_and_address_outlast_every_change_of_page(open_app: Open, waits: bool) -> None:
    app = open_app("", SET).settle()
    for link in TURNS:
        if waits:
            app.turn_to(link)
            app.page.wait_for_selector(IDLE)
        else:
            app.page.get_by_test_id("stTopNavLink").filter(has_text=WAYS[link][0]).click()
    app.settle()

    def both_say_it() -> None:
        said = parse_qs(urlsplit(app.page.url).query)
        assert {name: said.get(name) for name in SET} == {n: [v] for n, v in SET.items()}
        for name, value in SET.items():
            assert app.widget(name).locator("input[type=range]").first.input_value() == value

    app.eventually(both_say_it, seconds=15)
