"""The places of the app: five in the navigation, and the pages that two of them open further."""

from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import streamlit as st

PAGES = Path(__file__).parents[1] / "pages"


class FurtherPage(NamedTuple):
    """A page that a place leads to: its address, title, and what its link says."""

    url_path: str
    title: str
    link: str

    @property
    def path(self) -> Path:
        """Its script."""
        return PAGES / f"{self.url_path}.py"


FURTHER = (
    FurtherPage("column_matrix", "Column matrix", "Whole matrix, copies, fold"),
    FurtherPage("matmul", "Matmul", "Against nn.Conv2d, all outputs"),
    FurtherPage("operators", "Operators", "Another function than the dot product"),
    FurtherPage("responses", "Responses", "Where each filter answers"),
    FurtherPage("check", "Check", "Check on every picture"),
)
# Pages that belong together, by address; the first is the one in the navigation.
PLACES = MappingProxyType(
    {
        "Explore": ("", "column_matrix", "matmul", "operators"),
        "Your weights": ("filters", "responses", "check"),
    }
)
_NAMES = MappingProxyType(
    {"": ("receptive_field", "Stage"), "filters": ("filters", "Filters")}
    | {each.url_path: (each.url_path, each.link) for each in FURTHER}
)


def links_of(url_path: str) -> None:
    """Draw links to the other pages of this page's place, in one line."""
    together = next((each for each in PLACES.values() if url_path in each), ())
    if not together:
        return
    with st.container(key="place", horizontal=True, gap="small"):
        for each in together:
            if each != url_path:
                file, label = _NAMES[each]
                st.page_link(PAGES / f"{file}.py", label=label)
