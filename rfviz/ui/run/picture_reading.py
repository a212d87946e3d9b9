"""Waiting for an upload to become a picture: shortly at once, longer beside the page's own work.

Most pictures are there before anybody would look for a bar. What takes longer is read in the
background while the page goes on with the picture that it had: with a draft, a bar and a way to
stop it, and without a move of anybody else being answered later.
"""

import time
from dataclasses import dataclass

import streamlit as st

from rfviz.conv.errors import InputError
from rfviz.io.pictures.reading import Reading, ReadPicture
from rfviz.ui.run import caches
from rfviz.ui.sidebar.explain import as_text

# Time to wait before the page is drawn with the picture before: as long as a person waits without
# a doubt, and longer for what is small, which is late only where the machine is busy.
PATIENCE, PATIENCE_WITH_SMALL = 1.2, 20.0
SMALL = 128_000_000  # bytes to decode in: 16 megapixels
SECONDS_BETWEEN_DRAWS = 0.1
POLLED_EVERY = 0.5


@dataclass
class Upload:
    """A session's picture on its way; once it is `met`, the page has been told how it ended."""

    digest: str
    name: str
    reading: Reading
    stopped: bool = False
    met: bool = False


class _NotReadYetError(Exception):
    """The cache has no such picture: nothing is kept under its digest."""


def picture_in(name: str, digest: str, data: bytes) -> ReadPicture | None:
    """The picture of a file; None while it is being read, which is shown, or was stopped.

    Raises :class:`rfviz.InputError` for what is no picture, again without reading it again.
    """
    try:
        picture = caches.decoded(digest, _not_there)
    except _NotReadYetError:
        return _picture_read(_upload(name, digest, data))
    _forget_upload()
    return picture


def upload_has_ended() -> bool:
    """Whether a picture has been read in the background, for which the page is to be drawn anew."""
    upload: Upload | None = st.session_state.get("uploading")
    return upload is not None and not (upload.stopped or upload.met) and upload.reading.poll()


def _not_there() -> ReadPicture:
    raise _NotReadYetError


def _upload(name: str, digest: str, data: bytes) -> Upload:
    upload: Upload | None = st.session_state.get("uploading")
    if upload is None or upload.digest != digest:
        _forget_upload()
        upload = Upload(digest, name, Reading(data, caches.room_for_pictures))
        st.session_state["uploading"] = upload
        _wait(upload)
    return upload


def _wait(upload: Upload) -> None:
    """Wait for a picture at the place of its bar; every draw lets a move of the person through."""
    place = st.empty()
    begun = time.monotonic()
    while not upload.reading.poll(SECONDS_BETWEEN_DRAWS):
        waited = time.monotonic() - begun
        if waited > (PATIENCE if upload.reading.needed > SMALL else PATIENCE_WITH_SMALL):
            break
        if waited > 2 * SECONDS_BETWEEN_DRAWS:
            place.progress(upload.reading.fraction, _says(upload))
    place.empty()


def _picture_read(upload: Upload) -> ReadPicture | None:
    if upload.stopped:
        st.caption(f"{as_text(upload.name)}: reading stopped at {upload.reading.fraction:.0%}.")
        st.button("Read it after all", key="read-again", on_click=_forget_upload)
        return None
    if not upload.reading.ended:
        _progress()
        st.button("Stop reading", key="stop-reading", on_click=_stop)
        return None
    upload.met = True
    try:
        picture = caches.decoded(upload.digest, upload.reading.result)
    except InputError:
        if upload.reading.refused:  # for lack of room: the next run asks again
            _forget_upload()
        raise
    _forget_upload()
    return picture


@st.fragment(run_every=POLLED_EVERY)
def _progress() -> None:
    """The bar and the draft, drawn again by itself until the picture is there."""
    upload: Upload | None = st.session_state.get("uploading")
    if upload is None or upload.stopped:
        return
    if upload.reading.poll():
        st.rerun()
    st.progress(upload.reading.fraction, _says(upload))
    if upload.reading.draft is not None:
        st.image(upload.reading.draft, caption="What is read so far")


def _says(upload: Upload) -> str:
    return f"Reading {as_text(upload.name)}: {upload.reading.fraction:.0%}"


def _stop() -> None:
    upload: Upload | None = st.session_state.get("uploading")
    if upload is not None:
        upload.reading.stop()
        upload.stopped = True


def _forget_upload() -> None:
    upload: Upload | None = st.session_state.pop("uploading", None)
    if upload is not None:
        upload.reading.stop()
