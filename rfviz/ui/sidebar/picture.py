"""Choosing a picture: a sample, files, or the camera; and the part of it that is worked on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pair
from rfviz.io.pictures.files import MAX_PIXELS
from rfviz.io.pictures.foreign_files import READABLE
from rfviz.io.pictures.picture import crop_picture, reduce_picture, to_grey
from rfviz.io.pictures.reading import read_apart
from rfviz.io.pictures.samples import SAMPLES
from rfviz.ui.run import caches, uploads
from rfviz.ui.run.picture_reading import picture_in
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.said_files import PICTURE, forget_file, missing_file, say_file
from rfviz.ui.sidebar.strip import NO_STRIP, Places, place_of

SOURCES = ("Sample", "Upload", "Camera")
DEFAULT_SAMPLE = "glyph"


@dataclass(frozen=True)
class Picture:
    """A picture as it is worked on, and where it comes from."""

    name: str
    key: tuple[Any, ...]
    pixels: Tensor
    full_size: Pair
    factor: int = 1
    # What it is a part of.
    source: "Source | None" = field(default=None, compare=False, repr=False)

    @property
    def size(self) -> Pair:
        """(height, width) of what is worked on."""
        return self.pixels.shape[1], self.pixels.shape[2]

    @property
    def n_channels(self) -> int:
        """1 for grey, 3 for colour."""
        return self.pixels.shape[0]


@dataclass(frozen=True)
class Source:
    """A whole picture, before any choice of region."""

    name: str
    key: str
    pixels: Tensor
    note: str = ""
    # Whether a person has the file under this name.
    is_file: bool = False


@dataclass(frozen=True)
class Given:
    """One of the pictures that a person gave: its name, and how it is had as it is worked on."""

    name: str
    key: Any
    load: Callable[[], Picture]


def given_pictures(chosen: Picture) -> list[Given]:
    """All uploads, each treated as the sidebar says; the chosen picture alone without uploads."""
    files = uploads.files_in("upload") if st.session_state.get("source") == "Upload" else ()
    if not files:
        return [Given(chosen.name, chosen.key, lambda: chosen)]
    state = st.session_state
    box = None
    if state.get("region"):
        box = tuple(state[f"region_{side}"] for side in ("top", "left", "height", "width"))
    choices = {"grey": state.get("grey", False), "box": box, "factor": state.get("reduce", 1)}

    def given(name: str, file: UploadedFile) -> Given:
        def load() -> Picture:
            return _part(_read_now(file), **choices)

        return Given(name, (file.file_id, *choices.values()), load)

    return [given(name, file) for name, file in zip(_names(files), files, strict=True)]


def _names(files: Sequence[UploadedFile]) -> list[str]:
    """Names for files, of which several can have one name."""
    return [f"{number}. {file.name}" for number, file in enumerate(files, 1)]


def picture_widgets(strip: Places = NO_STRIP) -> Picture:
    """Draw the widgets of the picture and return what they choose; which sample, in the ``strip``.

    While a file is being read, and where it is no picture, that is said and the picture before it
    stays. Raises :class:`rfviz.InputError` for a region or reduction that does not fit.
    """
    kind = st.segmented_control(
        "Picture", SOURCES, default="Sample", required=True, key="source",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    if kind != "Upload":
        forget_file(PICTURE)
    sources: dict[str, Callable[[], Source | None]]
    sources = {"Sample": partial(_sample, strip), "Upload": _upload, "Camera": _camera}
    choose = sources[kind]
    try:
        # In a place of its own: what it says must not push the other widgets out of theirs, since
        # Streamlit shows a pushed widget twice until the run has ended.
        with st.container():
            source = _chosen_or_before(choose)
        if kind != "Sample":
            with place_of(strip, "picture"):
                st.caption(f"Picture: {as_text(source.name)}")
    finally:
        # Drawn even where a run ends early, so that no choice is lost by it.
        grey = st.toggle("Grey", key="grey", bind="query-params", help="One channel: luma.")
        choices = _part_widgets()
    return _part(source, grey=grey, **choices)


def _chosen_or_before(choose: Callable[[], Source | None]) -> Source:
    """What is chosen; where that is no picture, or not yet, the picture before it."""
    try:
        source = choose()
    except InputError as error:
        st.error(as_text(str(error)))
        source = None
    if source is not None:
        st.session_state["source_before"] = source
        return source
    before: Source | None = st.session_state.get("source_before")
    before = before or _sample_named(DEFAULT_SAMPLE)
    st.caption(f"The page goes on with the picture before it: {as_text(before.name)}.")
    return before


def _sample(strip: Places) -> Source:
    samples = {sample.name: sample for sample in SAMPLES}
    names = list(samples)
    with place_of(strip, "picture"):
        name = st.selectbox(
            "Sample" if strip is NO_STRIP else "Picture", names, key="sample",
            index=names.index(DEFAULT_SAMPLE), bind="query-params",
        )  # fmt: skip
    st.caption(samples[name].teaches)
    return _sample_named(name)


def _sample_named(name: str) -> Source:
    title = next(sample.title for sample in SAMPLES if sample.name == name)
    return Source(title, f"sample {name}", caches.sample(name))


def _upload() -> Source | None:
    # Any file is let in: what it is, and what to do with it, is said better than by the widget.
    files = st.file_uploader(
        "Pictures", accept_multiple_files=True, key="upload",
        help=f"{READABLE}, up to {MAX_PIXELS // 10**6} megapixels each. They stay on this "
        "server's memory while the page is open.",
    )  # fmt: skip
    gone = uploads.say_what_is_gone("upload")
    if not files:
        missing_file(PICTURE, "picture", said_gone=gone)
        return _stand_in("No picture is there" if gone else "No picture uploaded yet")
    names = _names(files)
    index = 0
    if len(files) > 1:
        index = names.index(st.selectbox("Uploaded picture", names, key="picked"))
    say_file(PICTURE, files[index])
    chosen = _from_file(files[index].name, files[index].file_id, files[index].getvalue())
    return chosen and replace(chosen, is_file=True)


def _camera() -> Source | None:
    shot = st.camera_input("Camera", key="camera", label_visibility="collapsed")
    if shot is None:
        return _stand_in("No photo taken yet")
    return _from_file("Camera", shot.file_id, shot.getvalue())


def _stand_in(why: str) -> Source:
    st.caption(f"{why}: a sample stands in. An address carries every setting, but no upload.")
    return _sample_named(DEFAULT_SAMPLE)


def _from_file(name: str, file_id: str, data: bytes) -> Source | None:
    """The picture of a file; None while it is being read."""
    digest = caches.remembered(("digest", file_id), lambda: caches.digest_of(data))
    picture = caches.own(digest, lambda: picture_in(name, digest, data))
    if picture is None:
        return None
    if picture.note:
        st.caption(as_text(picture.note))
    return Source(name, digest, picture.pixels, picture.note)


def _read_now(file: UploadedFile) -> Source:
    """The picture of a file, waited for."""
    data = file.getvalue()
    digest = caches.remembered(("digest", file.file_id), lambda: caches.digest_of(data))
    picture = caches.decoded(digest, lambda: read_apart(data, caches.room_for_pictures))
    return Source(file.name, digest, picture.pixels, picture.note)


def _part_widgets() -> dict[str, Any]:
    with st.expander("Region and size"):
        region = st.toggle(
            "Only a region", key="region", bind="query-params", help="Off: the full picture."
        )
        box = None
        if region:
            cells = [*st.columns(2), *st.columns(2)]
            names = (("Top", 0), ("Left", 0), ("Height", 64), ("Width", 64))
            box = tuple(
                cell.number_input(label, int(value > 0), 100_000, value, bind="query-params",
                                  key=f"region_{label.lower()}")
                for cell, (label, value) in zip(cells, names, strict=True)
            )  # fmt: skip
        factor = st.number_input(
            "Reduce by a factor of", 1, 64, 1, key="reduce", bind="query-params",
            help="1: work at full size. n: each pixel becomes the mean of n × n pixels.",
        )  # fmt: skip
    return {"box": box, "factor": factor}


def _part(
    source: Source, *, grey: bool, box: tuple[int, int, int, int] | None, factor: int
) -> Picture:
    height, width = source.pixels.shape[1:]
    key = (source.key, grey, box, factor)

    def make() -> Tensor:
        pixels = crop_picture(source.pixels, *box) if box else source.pixels
        pixels = to_grey(pixels) if grey else pixels
        return reduce_picture(pixels, factor) if factor > 1 else pixels

    whole = key == (source.key, False, None, 1)
    pixels = source.pixels if whole else caches.worked_on(key, make)
    return Picture(source.name, key, pixels, (height, width), factor, source)


def repeated(picture: Picture, times: int) -> Picture:
    """A grey picture as one of so many equal channels; another picture as it is."""
    if picture.n_channels != 1:
        return picture
    key = (*picture.key, "repeated", times)
    pixels = caches.worked_on(key, lambda: picture.pixels.repeat(times, 1, 1))
    return replace(picture, key=key, pixels=pixels)
