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
    st.session_state[BEGUN] = True
    if not st.query_params:
        st.session_state.update(FIRST_EXAMPLE)
