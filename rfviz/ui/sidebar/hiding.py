"""Hide the answers: a lecturer asks first, then reveals one after the other, or all at once."""

from functools import partial
from typing import Any

import streamlit as st

KEY = "hide"
REVEALED, REVEALED_ON = "revealed", "revealed_on"
SENTENCE = "Hidden: what do you expect?"
# Each of these shows the chosen output's sum.
SUMS = ("sum", "patch", "output", "output-window", "by-matmul", "by-conv2d", "product")


def hide_widget() -> None:
    """Draw the switch; it is part of the address, so a link can ask before it tells."""
    st.toggle(
        "Hide the answers", key=KEY, bind="query-params", on_change=_hide_all,
        help="Output sizes, sums, feature maps and verdicts wait: ask first, then reveal them one "
        "by one, or all by switching this off.",
    )  # fmt: skip
    page = st.context.url
    if st.session_state.get(REVEALED_ON) != page:
        _hide_all()
        st.session_state[REVEALED_ON] = page


def hidden(item: str) -> bool:
    """Whether an answer is hidden now; a panel's answer has the panel's name."""
    return bool(st.session_state.get(KEY, False)) and item not in _revealed()


def sum_hidden() -> str:
    """What the explorer says in place of the chosen output's sum; empty where it may be said."""
    return SENTENCE if all(hidden(item) for item in SUMS) else ""


def hidden_panel(name: str) -> dict[str, Any]:
    """What a panel is shown with, so that it waits in its place with a button that reveals it."""
    return {"hidden": SENTENCE, "on_reveal": partial(reveal, name)} if hidden(name) else {}


def hidden_here(item: str) -> bool:
    """Whether an answer is hidden; if so a sentence and a button say it in its place."""
    if not hidden(item):
        return False
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(SENTENCE, icon=":material/visibility_off:")
        st.button("Reveal", key=f"reveal-{item.replace(' ', '-')}", on_click=reveal, args=(item,))
    return True


def reveal(item: str) -> None:
    """Show one answer from the next run on; call it from a callback."""
    st.session_state[REVEALED] = _revealed() | {item}


def _revealed() -> frozenset[str]:
    found: frozenset[str] = st.session_state.get(REVEALED, frozenset())
    return found


def _hide_all() -> None:
    st.session_state[REVEALED] = frozenset()
