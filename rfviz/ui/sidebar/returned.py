"""What is said when a weights file no longer gives the kernel size and the groups.

The file's are the file's: a person's own are kept below them and come back, which must not happen
in silence, since every size on the page changes with it.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.wording import by

_GIVEN, _RETURNED = "given_by_a_file", "returned_from_a_file"


def returned_note(fixed: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Say what has come back since a file gave ``fixed``, until a person changes it."""
    state = st.session_state
    if fixed:
        state[_GIVEN] = _of(fixed)
        state.pop(_RETURNED, None)
        return
    given = state.get(_GIVEN)
    if given is None:
        return
    own = _of(arguments)
    if own == given or state.setdefault(_RETURNED, own) != own:
        del state[_GIVEN]
        state.pop(_RETURNED, None)
        return
    st.caption(returned_sentence(given, own))


def returned_sentence(given: tuple[Pair, int], own: tuple[Pair, int]) -> str:
    """What differs between the file's (kernel size, groups) and a person's own.

    >>> returned_sentence(((5, 5), 1), ((7, 7), 1))
    'Your own again: kernel size 7 × 7; the weights file had 5 × 5.'
    """
    (given_size, given_groups), (size, groups) = given, own
    said = []
    if size != given_size:
        said.append((f"kernel size {by(size)}", by(given_size)))
    if groups != given_groups:
        said.append((f"groups {groups}", f"groups {given_groups}"))
    now, before = (" and ".join(parts) for parts in zip(*said, strict=True))
    return f"Your own again: {now}; the weights file had {before}."


def _of(arguments: Mapping[str, Any]) -> tuple[Pair, int]:
    kernel = arguments["kernel_size"]
    return (kernel, kernel) if isinstance(kernel, int) else tuple(kernel), arguments["groups"]
