"""What every page works on: one picture, one spec, one set of weights.

The controls are drawn once a run, in the sidebar, by the app's entry point; a page asks for what
they say with :func:`inputs_or_stop`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
import torch
from streamlit.errors import StreamlitAPIException
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.ui.sidebar.convolution import parameter_widgets
from rfviz.ui.sidebar.explain import as_text, explain
from rfviz.ui.sidebar.hiding import hide_widget
from rfviz.ui.sidebar.named_weights import WeightChoices, weight_widgets
from rfviz.ui.sidebar.picture import Picture, picture_widgets, repeated
from rfviz.ui.sidebar.returned import returned_note
from rfviz.ui.sidebar.said_files import WEIGHTS, forget_file
from rfviz.ui.sidebar.settings import WEIGHT_SOURCES
from rfviz.ui.sidebar.strip import NO_STRIP, Places, draw_strip, place_of
from rfviz.ui.sidebar.weight_file import file_widgets
from rfviz.ui.sidebar.weights_by_hand import hand_widgets

MOST_PIXELS_OF_FEW_LEVELS, FEW_LEVELS = 4096, 16


@dataclass(frozen=True)
class Inputs:
    """A picture, a spec and weights that fit each other, and the output size they give."""

    picture: Picture
    spec: Conv2dSpec
    choices: WeightChoices
    weight: Tensor
    bias: Tensor | None
    columns: ColumnMatrix
    output_size: Pair

    @property
    def key(self) -> tuple[Any, ...]:
        """Names every number that can be computed from these inputs."""
        return (self.picture.key, self.spec, self.choices)

    @property
    def dtype(self) -> torch.dtype:
        """The type in which everything is computed."""
        return self.choices.dtype

    def values(self, pixels: Tensor) -> Tensor:
        """Pixels, uint8 of any shape, as the numbers that the convolution reads.

        The padding's zeros stay zeros, so pixels may be a part of the column matrix as well.
        """
        values = pixels.to(self.dtype)
        return values / self.choices.divisor if self.choices.divisor != 1 else values

    @property
    def pixel_range(self) -> tuple[float, float]:
        """The least and largest value that a pixel can have, from black to white.

        A small picture of few levels, such as digits, is white where it is largest: of 255 levels
        its own would all look black.
        """
        return 0.0, self.largest_level / self.choices.divisor

    @property
    def largest_level(self) -> int:
        """The byte that is drawn white."""
        pixels = self.picture.pixels
        if pixels.numel() > MOST_PIXELS_OF_FEW_LEVELS:
            return 255
        largest = int(pixels.max())
        return largest if 0 < largest <= FEW_LEVELS else 255

    def group_of(self, filter_index: int) -> range:
        """The channels that a filter reads."""
        size = self.picture.n_channels // self.spec.groups
        group = filter_index // (self.weight.shape[0] // self.spec.groups)
        return range(group * size, (group + 1) * size)


@dataclass(frozen=True)
class Controls:
    """What the sidebar says, or the error that it met."""

    picture: Picture | InputError
    arguments: dict[str, Any]
    choices: WeightChoices | InputError


def draw_controls(*, own_layers: bool = False) -> None:
    """Draw the controls, a few in a strip above the page; the pages of this run read them.

    With ``own_layers`` the page reads the picture only, which is said, and has no strip.
    """
    _drop_what_no_widget_holds()
    strip = NO_STRIP if own_layers else draw_strip()
    with st.sidebar:
        hide_widget()
        st.subheader("Picture")
        picture: Picture | InputError
        with st.container():
            try:
                picture = picture_widgets(strip)
            except InputError as error:
                picture = error
                st.error(as_text(str(error)))
        if own_layers:
            st.caption(
                "This page has layers of its own: convolution and weights below are those of the "
                "other pages."
            )
        arguments, choices = _convolution_widgets(picture, strip)
    if (
        isinstance(picture, Picture)
        and not isinstance(choices, InputError)
        and choices.repeats_grey
    ):
        picture = repeated(picture, 3)
    st.session_state["controls"] = Controls(picture, arguments, choices)


def _convolution_widgets(
    picture: Picture | InputError, strip: Places
) -> tuple[dict[str, Any], WeightChoices | InputError]:
    """The parameters above the weights; but a file is asked first, since it gives parameters."""
    parameters, weights = st.container(), st.container()
    n_channels = picture.n_channels if isinstance(picture, Picture) else None
    choices: WeightChoices | InputError
    fixed: Mapping[str, Any] = {}
    with weights:
        st.subheader("Weights")
        source = st.segmented_control(
            "Weights from", WEIGHT_SOURCES, default="Named", required=True, key="weights_source",
            bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        if source != "File":
            forget_file(WEIGHTS)
        else:
            try:
                choices = file_widgets(n_channels)
                fixed = choices.fixed
            except InputError as error:
                choices = error
                st.error(as_text(str(error)))
    with parameters:
        st.subheader("Convolution")
        arguments = parameter_widgets(fixed, strip)
        returned_note(fixed, arguments)
    with weights:
        if source == "By hand":
            try:
                choices = hand_widgets(arguments, n_channels)
            except InputError as error:
                choices = error
                st.error(as_text(str(error)))
        elif source == "Named":
            choices = weight_widgets(strip=strip)
        if source != "Named":
            with place_of(strip, "weights"):
                st.caption(as_text(f"Weights: {source.lower()}"))
    return arguments, choices


def _drop_what_no_widget_holds() -> None:
    """Take infinite numbers and empty values out of the address, and begin again without them.

    Streamlit drops whatever else a widget cannot hold. But its field for whole numbers converts
    before it checks, which ends the script with an ``OverflowError`` for ``row=inf`` or 1e999; and
    ``values=`` leaves a segmented control with None, although a choice is required.
    """
    given = {key: st.query_params.get_all(key) for key in st.query_params}
    wrong = [
        key
        for key, values in given.items()
        if not any(values) or any(_is_infinite(value) for value in values)
    ]
    # What a widget is bound to cannot be dropped; after the first run that is what it holds.
    dropped = [key for key in wrong if _dropped(key)]
    if dropped:
        st.rerun()


def _dropped(key: str) -> bool:
    try:
        del st.query_params[key]
    except StreamlitAPIException:
        return False
    return True


def _is_infinite(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def inputs_or_stop(waiting: Sequence[str]) -> Inputs:
    """The inputs; where they do not fit, the explanation and remedies, and the page ends.

    ``waiting`` names the panels of the page, each of which says that it waits.
    """
    controls: Controls = st.session_state["controls"]
    arguments = controls.arguments
    fixed: Mapping[str, Any] = {}
    try:
        if isinstance(controls.picture, InputError):
            arguments = {}
            raise controls.picture
        if isinstance(controls.choices, InputError):
            arguments = {}
            raise controls.choices
        fixed = controls.choices.fixed
        return _fitted(controls.picture, arguments, controls.choices)
    except InputError as error:
        explain(error, arguments, waiting, fixed=fixed)
        st.stop()


def _fitted(picture: Picture, arguments: dict[str, Any], choices: WeightChoices) -> Inputs:
    spec = Conv2dSpec(**arguments)
    spec.check_channels(picture.n_channels, choices.n_filters)
    columns = ColumnMatrix(picture.pixels, spec)
    weight = choices.weight(spec, picture.n_channels)
    return Inputs(picture, spec, choices, weight, choices.bias, columns, columns.output_size)
