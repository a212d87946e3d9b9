"""What a unit of the stack page reads in words: of the input, and of the photo.

The box of a field counts the padding of inner layers as if it were pixels; which pixels matter is
said beside it. Rows of the input are rows of the photo only where the two have one size.
"""

import streamlit as st

from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import ReceptiveField
from rfviz.conv.wording import by
from rfviz.ui.run import caches
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.picture import Picture
from rfviz.ui.stack.controls import StackChoice
from rfviz.ui.stack.panels import Unit, photo_pixels, span_words


def reach_sentence(picture: Picture, choice: StackChoice, unit: Unit) -> None:
    """Say which pixels change the unit, counted in the input and in the photo."""
    pixels = caches.remembered(
        ("stack pixels", choice.key, unit.index, unit.position),
        lambda: unit.place.geometry.pixels(unit.position),
    )
    box = unit.place.geometry.region(unit.position)
    st.markdown(as_text(reach_words(pixels, box, choice.input_size, picture)))


def reach_words(pixels: ReceptiveField, box: ReceptiveField, size: Pair, picture: Picture) -> str:
    """The pixels that matter, against the box that counts padding, in the input and the photo."""
    if not (pixels.rows and pixels.columns):
        return "No pixel changes it: all that it reads is padding."
    said = "Of the box every pixel can change it"
    if pixels != box:
        said = (
            "That box counts the padding of every layer as pixels. Those that can change the unit "
            f"are rows {span_words(pixels.rows)} and columns {span_words(pixels.columns)}"
        )
    if size == picture.size:
        return f"{said}."
    rows, columns = (
        photo_pixels(taps, side, n)
        for taps, side, n in zip((pixels.rows, pixels.columns), size, picture.size, strict=True)
    )
    return (
        f"{said}, counted in the input of {by(size)}; in the picture of {by(picture.size)} that is "
        f"rows {span_words(rows)} and columns {span_words(columns)}."
    )
