"""Hide the answers: a lecturer asks first, and reveals by the same switch."""

import streamlit as st

KEY = "hide"
PLACEHOLDER = (
    "Hidden: what do you expect? **Hide the answers** in the sidebar, switched off, shows it."
)


def hide_widget() -> None:
    """Draw the switch; it is part of the address, so a link can ask before it tells."""
    st.toggle(
        "Hide the answers", key=KEY, bind="query-params",
        help="Output sizes, sums, feature maps and verdicts wait until this is switched off: ask "
        "first, then reveal.",
    )  # fmt: skip


def hidden() -> bool:
    """Whether answers are hidden now."""
    return bool(st.session_state.get(KEY, False))


def hidden_sentence() -> str:
    """What a panel says in the place of an answer; empty where it may be shown."""
    return "Hidden: what do you expect?" if hidden() else ""


def hidden_here() -> bool:
    """Whether answers are hidden; if so a sentence says it in their place."""
    if hidden():
        st.info(PLACEHOLDER, icon=":material/visibility_off:")
    return hidden()
