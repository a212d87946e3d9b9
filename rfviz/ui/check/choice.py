"""What the check page asks: pictures, types, and the preprocessing an engineer has."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rfviz.conv.errors import InputError
from rfviz.io.pictures.preprocessing import Preprocessing, Size, size_in
from rfviz.ui.run import uploads
from rfviz.ui.sidebar.inputs import Inputs

DTYPES = ("float64", "float32", "bfloat16", "float16")
AS_SIDEBAR, OWN = "as in the sidebar", "mean and std"
LEAVE_OUT = "leave out"
MOST_CHARACTERS = 200

# ImageNet's numbers: the documentation of torchvision.models.
_PREPROCESSINGS: Mapping[str, Preprocessing] = MappingProxyType(
    {
        "0 to 255": Preprocessing(1.0),
        "0 to 1": Preprocessing(255.0),
        "ImageNet": Preprocessing(255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }
)
VALUES = (AS_SIDEBAR, *_PREPROCESSINGS, OWN)

CHANNELS: Mapping[str, str] = MappingProxyType(
    {
        LEAVE_OUT: "A picture of other channels than the weight reads is not checked.",
        "grey": "Colour pictures for a weight of one channel: the mean of their channels.",
        "pick": "Pictures of more channels than the weight reads: the first ones alone are read.",
        "repeat": "Grey pictures for a weight of more channels: the grey channel is repeated.",
        "sum_weight": "Grey pictures: the weight is summed over its input channels to one.",
        "pick_weight": "Pictures of fewer channels: the weight's first input channels alone.",
    }
)


class CheckChoice(NamedTuple):
    """What is to be checked, beside the sidebar's picture and weights."""

    dtypes: tuple[str, ...]
    preprocessing: Preprocessing
    channels: str | None
    files: tuple[UploadedFile, ...]


def check_widgets(inputs: Inputs) -> CheckChoice:
    """Draw the widgets; `InputError` for numbers that are none and where no type is chosen."""
    left, right = st.columns(2)
    with left:
        files = st.file_uploader(
            "More pictures", accept_multiple_files=True, key="check_upload",
            help="Checked beside the picture of the sidebar, whole and at full size.",
        )  # fmt: skip
        uploads.say_what_is_gone("check_upload")
        channels = st.selectbox(
            "Pictures of other channels", list(CHANNELS), key="check_channels", bind="query-params"
        )
        st.caption(CHANNELS[channels])
    with right:
        dtypes = st.multiselect(
            "Numbers (dtype)", DTYPES, default=DTYPES, key="check_dtypes", bind="query-params"
        )
        values = st.selectbox("Pixel values", VALUES, key="check_values", bind="query-params")
        preprocessing = _preprocessing(values, inputs)._replace(**_part_widgets())
        st.code(preprocessing.code, language="python", wrap_lines=True)
    if not dtypes:
        raise InputError("No type is chosen.", remedy="Choose at least one under Numbers (dtype)")
    chosen = tuple(name for name in DTYPES if name in dtypes)
    return CheckChoice(
        chosen, preprocessing, None if channels == LEAVE_OUT else channels, tuple(files or ())
    )


def _preprocessing(values: str, inputs: Inputs) -> Preprocessing:
    if values == AS_SIDEBAR:
        return Preprocessing(float(inputs.choices.divisor))
    if values != OWN:
        return _PREPROCESSINGS[values]
    cells = st.columns(3)
    with cells[0]:
        scale = st.number_input(
            "Divide by", 1e-6, 1e6, 255.0, key="check_scale", bind="query-params", format="%g",
        )  # fmt: skip
    with cells[1]:
        mean = _numbers("Mean", "0.5", "check_mean")
    with cells[2]:
        std = _numbers("Std", "0.5", "check_std")
    if not all(number > 0 for number in std):
        raise InputError(
            f"The standard deviation must be larger than 0, got {min(std):g}.",
            remedy="Write 1 where nothing is to be divided",
        )
    return Preprocessing(scale, mean, std)


def _part_widgets() -> dict[str, Any]:
    """Grey, resize and crop: what is done to a whole picture before its values are."""
    cells = st.columns(3, vertical_alignment="bottom")
    with cells[0]:
        grey = st.toggle("Grey", key="check_grey", bind="query-params", help="One channel: luma.")
    with cells[1]:
        resize = _size(
            "Resize to", "check_resize",
            "Empty: full size. One number: the shorter side. Two with a comma: height, width. "
            "Bilinear with antialiasing.",
        )  # fmt: skip
    with cells[2]:
        crop = _size(
            "Crop to", "check_crop", "Empty: no crop. One number: a square from the middle. Two "
            "with a comma: height, width.",
        )  # fmt: skip
    return {"grey": grey, "resize": resize, "crop": crop}


def _size(label: str, key: str, explained: str) -> Size | None:
    text = st.text_input(
        label, "", MOST_CHARACTERS, key=key, bind="query-params", help=explained,
        placeholder="as it is",
    )  # fmt: skip
    return size_in(text, label) if text and text.strip() else None


def _numbers(label: str, default: str, key: str) -> tuple[float, ...]:
    """A field for one number or one for each channel, with commas between."""
    text = st.text_input(
        label, default, MOST_CHARACTERS, key=key, bind="query-params",
        help="One number, or one for each channel with commas between.",
    )  # fmt: skip
    return numbers_in(text or "", label)


def numbers_in(text: str, what: str) -> tuple[float, ...]:
    """Numbers with commas between, at most a million in size; `InputError` names what is none.

    >>> numbers_in("0.5, 1", "Mean")
    (0.5, 1.0)
    """
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"{what} has {len(text):,} characters; at most {MOST_CHARACTERS} are read.",
            remedy="Write one number, or one for each channel",
        )
    numbers = []
    for part in text.split(","):
        try:
            number = float(part)
        except ValueError:
            number = float("nan")
        if not -1e6 <= number <= 1e6:
            raise InputError(
                f"{what} must be numbers with commas between, such as 0.485, 0.456, 0.406; "
                f"got {part.strip()[:40]!r}."
            )
        numbers.append(number)
    return tuple(numbers)
