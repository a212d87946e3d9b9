"""What is kept between reruns, and how much of it at most.

``st.cache_data`` would hash large arrays by random samples and return copies of them, so pictures
are kept as resources under a digest of their file's bytes; they are read, never written to.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

import streamlit as st
from torch import Tensor

from rfviz.io.pictures import load_picture
from rfviz.io.samples import load_sample
from rfviz.io.weights import load_weights
from rfviz.ui.budget import BUDGET

T = TypeVar("T")

N_PICTURES = 4
N_WEIGHT_FILES = 2
N_LAYERS = 4
N_RESULTS = 16


def digest_of(data: bytes) -> str:
    """A name for these bytes that no other bytes have; about a millisecond a megabyte."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


@st.cache_resource(max_entries=N_PICTURES, show_spinner="Reading the picture")
def decoded(digest: str, _data: bytes) -> Tensor:
    """The picture in these bytes, uint8 (C, H, W); ``digest`` is the key."""
    return _weighed(load_picture(_data), "This picture")


@st.cache_resource(max_entries=N_PICTURES, show_spinner=False)
def sample(name: str) -> Tensor:
    """A sample picture, uint8 (C, H, W)."""
    return load_sample(name)


@st.cache_resource(max_entries=N_PICTURES, show_spinner=False)
def worked_on(key: Hashable, _make: Callable[[], Tensor]) -> Tensor:
    """The part of a picture that is worked on (region, grey, reduced), by its key."""
    return _weighed(_make(), "This part of the picture")


def own(key: Hashable, make: Callable[[], Tensor]) -> Tensor:
    """A session's own whole picture, held as long as it is worked on.

    What all sessions share holds few pictures: two people who take turns with larger ones would
    read theirs again at every move.
    """
    held: tuple[Hashable, Tensor] | None = st.session_state.get("own_picture")
    if held is None or held[0] != key:
        # Given back before the next one is read.
        st.session_state.pop("own_picture", None)
        held = (key, make())
        st.session_state["own_picture"] = held
    return held[1]


def _weighed(picture: Tensor, what: str) -> Tensor:
    """The picture, weighed for as long as anybody holds it; refused where there is no room."""
    BUDGET.hold(picture, picture.numel() * picture.element_size(), what)
    return picture


@st.cache_resource(max_entries=N_WEIGHT_FILES, show_spinner="Reading the weights")
def weights_in(digest: str, ending: str, _data: bytes) -> dict[str, Tensor]:
    """All tensors of a weights file; ``digest`` and the ending of its name are the key."""
    return load_weights(_data, f"weights{ending}")


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
