"""What does not fit, in words, with the remedies as buttons; and what the rest waits for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from rfviz.conv.spec import Conv2dSpec, InputError, Remedy
from rfviz.ui import parameters


def explain(
    error: InputError,
    arguments: Mapping[str, Any],
    waiting: Sequence[str],
    *,
    fixed: Collection[str] = (),
) -> None:
    """Show an error, a button for each remedy that a widget can apply, and the waiting panels.

    ``arguments`` are those of the ``Conv2dSpec`` that does not fit; a remedy changes some of them,
    but for those that are ``fixed``, because the weights decide them.
    """
    with st.container(border=True):
        st.error(error.what, icon=":material/rule:")
        remedies = [each for each in error.remedies if not set(fixed) & set(each.changes)]
        buttons, advice = _sorted_remedies(remedies, arguments)
        if buttons:
            st.caption("Each of these alone mends it:")
        with st.container(horizontal=True):
            for number, (remedy, state) in enumerate(buttons):
                st.button(
                    remedy.label, key=f"remedy-{number}", on_click=parameters.apply, args=(state,)
                )
        for remedy in advice:
            st.markdown(as_text(remedy.label.rstrip(".") + "."))
    for panel in waiting:
        st.info(f"{panel}: waits until the parameters fit.", icon=":material/hourglass_empty:")


def _sorted_remedies(
    remedies: Sequence[Remedy], arguments: Mapping[str, Any]
) -> tuple[list[tuple[Remedy, dict[str, Any]]], list[Remedy]]:
    """Remedies that widgets can apply, with the state that does so, and those that are advice."""
    buttons, advice = [], []
    for remedy in remedies:
        if remedy.changes and arguments:
            state = parameters.state_of(Conv2dSpec(**{**arguments, **remedy.changes}))
            buttons.append((remedy, state))
        else:
            advice.append(remedy)
    return buttons, advice


def as_text(sentence: str) -> str:
    """Words that may hold a file's name, so that markdown takes them as they are."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>()#+-!|$~:" else sign for sign in sentence)
