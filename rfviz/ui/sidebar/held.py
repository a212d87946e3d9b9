"""What a person has set, held where no change of page can lose it.

Streamlit drops the state of a widget that the browser has not yet drawn when another page is turned
to, and with it the widget's part of the address: on a busy machine that is any widget. A setting is
therefore held here as well, under a name that belongs to no widget, and given back before the
widgets of the next run are drawn.

The address has two writers: the browser, at once when a widget moves, and the server, which writes
all of it again when a page is turned to. On a busy machine the server's word arrives after a move
that it knows nothing of, and the address says what was before it. So after a page was turned to
the address is written once more by each of the next runs, and whatever it says otherwise than the
widgets is set right.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from rfviz.ui.run import caches
from rfviz.ui.sidebar.settings import SETTINGS, setting_of

_VALUES, _PAGE = "held", "held_page"
# Runs since a page was turned to, and the settings that the address has said.
_RUNS, _SAID = "held_runs", "held_said"
# So many runs write the address anew: the first may be cut short by the second.
RUNS_AFTER_A_TURN = 3
# What belongs to one weights file: by the file's digest, and the file of the run before.
_OF_FILES, _FILE = "held_of_files", "held_file"
MOST_FILES = 16
# No value of any widget.
_UNSAID = object()
NOTHING: Mapping[str, Any] = MappingProxyType({})


def hold_settings(page: str) -> None:
    """Give back what this run has lost, and note what it says; before any widget is drawn.

    On another ``page`` than the run before, every setting is set anew: only so does Streamlit write
    it into the address, from which it has taken it. A first run may end before it has drawn a
    widget, so what the address says is noted before.
    """
    first = _VALUES not in st.session_state
    before = _said_by_the_address() if first else st.session_state[_VALUES]
    turned = st.session_state.get(_PAGE, page) != page
    found = _found(of_file=False)
    held = {**before, **found}
    if not first:
        _give_back(held, found, every=turned)
        _set_the_address_right(held, turned=turned)
    st.session_state[_VALUES] = MappingProxyType(held)
    st.session_state[_PAGE] = page
    _hold_what_is_of_a_file(turned)


def _found(*, of_file: bool) -> dict[str, Any]:
    """The settings that this run knows, by name."""
    known = {str(name): setting_of(str(name)) for name in st.session_state}
    names = [name for name, setting in known.items() if setting and setting.of_file == of_file]
    return {name: st.session_state[name] for name in names}


def _said_by_the_address() -> dict[str, Any]:
    """What the address says, as far as widgets could hold it; the rest is theirs to correct."""
    said = {
        each.name: each.read(st.query_params[each.name])
        for each in SETTINGS
        if each.read and each.name in st.query_params
    }
    return {name: value for name, value in said.items() if value is not None}


def _give_back(held: Mapping[str, Any], found: Mapping[str, Any], *, every: bool) -> None:
    for name, value in held.items():
        if every or name not in found:
            st.session_state[name] = value


def _set_the_address_right(held: Mapping[str, Any], *, turned: bool) -> None:
    """Write what the address says otherwise than the widgets, and what may still overtake it."""
    state = st.session_state
    said = _said_by_the_address()
    before: Mapping[str, Any] = state.get(_SAID, NOTHING)
    for name, value in held.items():
        # What the address no longer says, though nobody has changed it, was overwritten.
        lost = name not in st.query_params and before.get(name, _UNSAID) == value
        if not turned and (said.get(name, value) != value or lost):
            state[name] = value
    state[_SAID] = MappingProxyType({name: held.get(name) for name in said})
    state[_RUNS] = 0 if turned else state.get(_RUNS, RUNS_AFTER_A_TURN) + 1
    if 0 < state[_RUNS] <= RUNS_AFTER_A_TURN:
        # Nothing new, and yet it is sent: whatever was sent before it comes before it.
        st.query_params.update({})


def _hold_what_is_of_a_file(turned: bool) -> None:
    """Hold a layer and what is asked of it for the file that has it, and for no other."""
    file = st.session_state.get("weights_file")
    digest = None
    if file is not None:
        digest = caches.remembered(
            ("digest", file.file_id), lambda: caches.digest_of(file.getvalue())
        )
        same = st.session_state.get(_FILE) == digest
        files: Mapping[str, Mapping[str, Any]] = st.session_state.get(_OF_FILES, NOTHING)
        found = _found(of_file=True)
        held = {**files.get(digest, NOTHING), **(found if same else NOTHING)}
        _give_back(held, found, every=turned or not same)
        others = [(name, each) for name, each in files.items() if name != digest]
        latest = [*others, (digest, MappingProxyType(held))][-MOST_FILES:]
        st.session_state[_OF_FILES] = MappingProxyType(dict(latest))
    st.session_state[_FILE] = digest
