"""Which file a link was made with: its name and size, since an address cannot carry the file.

Whoever opens the link is told what to supply, and told as well where a file is another one.
"""

import re
from typing import NamedTuple

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rfviz.ui.sidebar.explain import as_text

PICTURE, WEIGHTS = "picture_file", "weights_of"
LONGEST_NAME = 80
# The size in bytes, then the name.
_SAID = re.compile(rf"(\d{{1,12}}) ([^\x00-\x1f\x7f]{{1,{LONGEST_NAME}}})")


class SaidFile(NamedTuple):
    """A file as an address says it."""

    name: str
    n_bytes: int

    def __str__(self) -> str:
        """As a sentence says it."""
        return f"'{self.name}' of {self.n_bytes:,} bytes"


def said_of(name: str, n_bytes: int) -> str:
    """A file's name and size for an address; a long name loses its beginning.

    >>> said_of("photo.jpg", 48213)
    '48213 photo.jpg'
    """
    printable = "".join(sign if sign.isprintable() else "_" for sign in name)
    return f"{n_bytes} {printable[-LONGEST_NAME:]}"


def said_in(text: str) -> SaidFile | None:
    """The file that an address says, None for a text that says none.

    >>> said_in("48213 photo.jpg")
    SaidFile(name='photo.jpg', n_bytes=48213)
    """
    found = _SAID.fullmatch(text)
    return SaidFile(found[2], int(found[1])) if found else None


def say_file(key: str, file: UploadedFile) -> None:
    """Put a chosen file's name and size into the address; say where a link was made with another.

    A person's next choice of a file is the address's from then on.
    """
    said = said_of(file.name, file.size)
    asked = _asked(key)
    if asked is not None and said != said_of(*asked):
        chosen = SaidFile(file.name[-LONGEST_NAME:], file.size)
        st.caption(as_text(f"The link was made with {asked}; this is {chosen}."))
    if st.query_params.get(key) != said:
        st.query_params[key] = said


def missing_file(key: str, what: str, *, said_gone: bool = False) -> bool:
    """Say which file is missing where the address says one; whether it does.

    Where the uploader has ``said_gone`` of it already, it is said no second time.
    """
    asked = _asked(key)
    if asked is None:
        forget_file(key)
        return False
    said = said_of(*asked)
    # Turning to another page takes it out of the address.
    if st.query_params.get(key) != said:
        st.query_params[key] = said
    if said_gone:
        return True
    st.warning(
        as_text(
            f"This link was made with the {what} {asked}. Choose that file here: until then what "
            "is shown is not what the link was made of."
        ),
        icon=":material/attach_file:",
    )
    return True


def forget_file(key: str) -> None:
    """Take a file out of the address that is no longer what is shown."""
    if key in st.query_params:
        del st.query_params[key]


def _asked(key: str) -> SaidFile | None:
    """The file that the address said when the session began, however pages were turned since."""
    begun = st.session_state.setdefault(f"asked_{key}", st.query_params.get(key, ""))
    return said_in(begun)
