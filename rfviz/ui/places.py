"""The places of the app: five in the navigation, some with pages that they lead to."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from rfviz.ui.sidebar.explain import as_text

_PAGES = Path(__file__).parents[1] / "pages"


class PlacePage(NamedTuple):
    """A page of a place: its script's name, what the navigation and what a link to it says."""

    script: str
    title: str
    link: str = ""

    @property
    def path(self) -> Path:
        """Its script."""
        return _PAGES / f"{self.script}.py"


# The first page of each place is in the navigation; that of the first place has no path of its own.
PLACES = (
    (
        PlacePage("receptive_field", "Explore", "Stage"),
        PlacePage("column_matrix", "Column matrix", "Whole matrix, copies, fold"),
        PlacePage("matmul", "Matmul", "Against nn.Conv2d, all outputs"),
        PlacePage("operators", "Operators", "Another function than the dot product"),
    ),
    (PlacePage("output_shape", "Sizes"),),
    (PlacePage("stack", "Networks"),),
    (
        PlacePage("filters", "Your weights", "Filters"),
        PlacePage("responses", "Responses", "Where each filter answers"),
        PlacePage("check", "Check", "Check on every picture"),
    ),
    (PlacePage("practice", "Learn"),),
)


def navigation_pages() -> Iterator[st.Page]:
    """Every page as the navigation takes it: all have addresses, the first of each place a link."""
    for place in PLACES:
        for page in place:
            yield st.Page(
                page.path,
                title=page.title,
                default=page is PLACES[0][0],
                visibility="visible" if page is place[0] else "hidden",
            )


def links_beside(script: str) -> None:
    """Draw links to the other pages of the place of this page, in one line, if there are any."""
    place = next(each for each in PLACES if script in {page.script for page in each})
    others = [page for page in place if page.script != script]
    if not others:
        return
    with st.container(key="place", horizontal=True, gap="small"):
        for page in others:
            st.page_link(page=page.path, label=as_text(page.link))
