"""What somebody sees who comes without a link: sums that can be made in the head.

The widgets' own defaults are those that links leave out, so they stay as they are.
"""

from types import MappingProxyType

import streamlit as st

BEGUN = "begun"
FIRST_EXAMPLE = MappingProxyType({"sample": "digits", "padding": 0, "row": 2, "column": 1})


def begin_with_the_first_example() -> None:
    """Set the example at the first run of a session whose address says nothing."""
    if st.session_state.get(BEGUN):
        return
    st.session_state[BEGUN] = "address" if st.query_params else "example"
    if shows_first_example():
        st.session_state.update(FIRST_EXAMPLE)
        # Said in the address too, which Streamlit would not do of itself: a link made of it is the
        # same for whoever opens it.
        st.query_params.update({name: str(value) for name, value in FIRST_EXAMPLE.items()})


def shows_first_example() -> bool:
    """Whether this session began with the example."""
    return bool(st.session_state.get(BEGUN) == "example")
