"""Files that a person has uploaded, as far as the server still has them.

The browser keeps its list of files and asks for them again after its session has ended, by a
restart of the server or because the machine slept; what they held is gone by then. Streamlit's
widgets leave such files out without a word, and its state holds stand-ins for them, which have no
bytes.
"""

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

from rfviz.ui.run.upload_bound import UPLOADS


def files_in(key: str) -> Sequence[UploadedFile]:
    """The files of the uploader of this key that the server has."""
    return [file for file in _listed(key) if isinstance(file, UploadedFile)]


def say_what_is_gone(key: str) -> bool:
    """Say so where the uploader of this key lists files that the server has not, and why."""
    gone = [file.file_id for file in _listed(key) if isinstance(file, DeletedFile)]
    whys = dict.fromkeys(UPLOADS.why_left_out(file) for file in gone)
    for why in whys:
        st.warning(_left_out(why) if why else _lost(len(gone)))
    return bool(gone)


def _left_out(why: str) -> str:
    return (
        f"Not all files of this list are kept: {why}. Remove some of the list by their ×, and add "
        "what is missing again."
    )


def _lost(n_gone: int) -> str:
    return (
        f"The server no longer has {'this file' if n_gone == 1 else f'these {n_gone:,} files'}: it "
        "was started anew, or this page was away for longer than a session is kept. Remove what is "
        "listed by its ×, and add it again."
    )


def _listed(key: str) -> Sequence[object]:
    held = st.session_state.get(key)
    return held if isinstance(held, list) else [held]
