"""An address that was copied years ago still arrives at the same picture, spec and weights."""

import json
from typing import Any

import pytest
from kept_addresses import FILE, made_addresses, shown

KEPT: list[dict[str, Any]] = json.loads(FILE.read_text())


def test_two_hundred_addresses_are_kept_as_they_were_made() -> None:
    kept = [(each["page"], each["address"]) for each in KEPT]
    assert kept == list(made_addresses())
    assert len({json.dumps(each, sort_keys=True) for each in kept}) > 190


@pytest.mark.parametrize("first", range(0, len(KEPT), 20))
def test_an_address_arrives_where_it_did(first: int) -> None:
    for each in KEPT[first : first + 20]:
        found = json.loads(json.dumps(shown(each["page"], each["address"])))
        assert found == each["shown"], f"{each['page']}: {each['address']}"
