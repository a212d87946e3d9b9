"""What is kept between reruns, and how much of it at most.

``st.cache_data`` would hash large arrays by random samples and return copies of them, so pictures
are kept as resources under a digest of their file's bytes; they are read, never written to.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st
from torch import Tensor

from rfviz.io.pictures.reading import ReadPicture
from rfviz.io.pictures.samples import load_sample
from rfviz.io.weights.file import WeightsFile
from rfviz.io.weights.raw_numbers import most_bytes_of
from rfviz.io.weights.read import read_weights
from rfviz.ui.run.budget import BUDGET

T = TypeVar("T")

N_PICTURES = 4
N_WEIGHT_FILES = 2
N_LAYERS = 4
N_RESULTS = 16


def digest_of(data: bytes) -> str:
    """A name for these bytes that no other bytes have; about a millisecond a megabyte."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


@st.cache_resource(max_entries=N_PICTURES, show_spinner=False)
def decoded(digest: str, _read: Callable[[], ReadPicture]) -> ReadPicture:
    """The picture of the file with this digest, read where it is not kept already."""
    picture = _read()
    BUDGET.hold(picture.pixels, picture.pixels.nbytes, "Keeping this picture")
    return picture


class _Room:
    """Stands for the bytes that a picture is decoded in: a budget weighs what can be collected."""


@contextmanager
def room_for_pictures(n_bytes: int) -> Iterator[None]:
    """Room for one more picture to be decoded in; `InputError` where the server has none.

    It may be left by another thread than entered it, since a session's runs are threads.
    """
    room = _Room()
    BUDGET.hold(room, n_bytes, "Decoding this picture")
    yield
    del room


@st.cache_resource(max_entries=N_PICTURES, show_spinner=False)
def sample(name: str) -> Tensor:
    """A sample picture, uint8 (C, H, W)."""
    return load_sample(name)


@st.cache_resource(max_entries=N_PICTURES, show_spinner=False)
def worked_on(key: Hashable, _make: Callable[[], Tensor]) -> Tensor:
    """The part of a picture that is worked on (region, grey, reduced), by its key."""
    return _weighed(_make(), "This part of the picture")


def own(key: Hashable, read: Callable[[], ReadPicture | None]) -> ReadPicture | None:
    """A session's own whole picture, held as long as it is worked on; None while it is read.

    What all sessions share holds few pictures: two people who take turns with larger ones would
    read theirs again at every move.
    """
    held: tuple[Hashable, ReadPicture] | None = st.session_state.get("own_picture")
    if held is not None and held[0] == key:
        return held[1]
    # Given back before the next one is read.
    st.session_state.pop("own_picture", None)
    picture = read()
    if picture is not None:
        st.session_state["own_picture"] = (key, picture)
    return picture


def _weighed(picture: Tensor, what: str) -> Tensor:
    """The picture, weighed for as long as anybody holds it; refused where there is no room."""
    BUDGET.hold(picture, picture.numel() * picture.element_size(), what)
    return picture


@st.cache_resource(max_entries=N_WEIGHT_FILES, show_spinner="Reading the weights")
def weights_in(digest: str, ending: str, _data: bytes) -> WeightsFile:
    """All tensors of a weights file; ``digest`` and the ending of its name are the key.

    Read where there is room for the most that it may hold; what it does hold is weighed.
    """
    with BUDGET.reserve(most_bytes_of(len(_data)), "Reading this weights file"):
        file = read_weights(_data, f"weights{ending}")
        stored = {one.untyped_storage().data_ptr(): one for one in file.tensors.values()}
    for one in stored.values():
        BUDGET.hold(one, one.untyped_storage().nbytes(), "Keeping these weights")
    return file


@st.cache_resource(max_entries=N_LAYERS, show_spinner=False)
def layer_for(key: Hashable, _make: Callable[[], Tensor]) -> Tensor:
    """A layer's weight as it is computed with, by its key."""
    return _make()


def remembered(key: Hashable, make: Callable[[], T]) -> T:
    """A session's own small result, made once; the oldest of ``N_RESULTS`` goes."""
    results: OrderedDict[Hashable, T] = st.session_state.setdefault("results", OrderedDict())
    if key not in results:
        results[key] = make()
        while len(results) > N_RESULTS:
            results.popitem(last=False)
    results.move_to_end(key)
    return results[key]
