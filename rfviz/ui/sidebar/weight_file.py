"""Choosing a layer of a weights file, and how it meets the picture."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, takewhile
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, NamedTuple

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.io.weights.file import LeftOut, WeightsFile
from rfviz.io.weights.kinds import READABLE
from rfviz.io.weights.layers import LayerEntry, layer, layers_of, non_finite
from rfviz.io.weights.layouts import LAYOUTS
from rfviz.io.weights.meetings import Meeting, Picked, meetings, picks_of
from rfviz.ui.run import caches, uploads
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.given_weights import LayerWeights, Origin, as_dtype
from rfviz.ui.sidebar.named_weights import (
    DEFAULT_KERNEL,
    Choices,
    WeightChoices,
    bias_widgets,
    even_bias,
    number_widgets,
)
from rfviz.ui.sidebar.said_files import WEIGHTS, missing_file, say_file

MOST_LISTED = 300
# Sent to the browser at every rerun: so many layers to choose from, with so many letters.
MOST_OFFERED, MOST_LETTERS = 500, 200_000
AS_FOUND = "as found"
SWITCH = MappingProxyType({"true": True, "false": False})
SETTINGS = (
    "layer",
    "layer_layout",
    "layer_groups",
    "without_bias",
    "meeting",
    "picked_channels",
    "nan_as_zero",
)


class Weights(NamedTuple):
    """The tensors of a file, under a name for its bytes, and what was left out of it."""

    digest: str
    file: WeightsFile

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Every tensor, the model's first."""
        return self.file.tensors

    @property
    def of_the_model(self) -> dict[str, Tensor]:
        """The model's tensors alone, without an optimiser's."""
        return self.file.of_the_model


class Met(NamedTuple):
    """How a layer meets the picture."""

    groups: int
    meeting: Meeting | None
    picked: Picked


def file_widgets(n_channels: int | None) -> WeightChoices:
    """Draw the widgets of a weights file; return what they say.

    ``n_channels`` are those of the picture, None where there is none. Raises
    :class:`rfviz.InputError` for a file that cannot be read and one without a 2-D convolution.
    """
    file = st.file_uploader(
        "Weights file", type=None, key="weights_file",
        help=f"A state dict, a checkpoint that holds one, or an array: {READABLE}. No code in it "
        "is ever run, and it stays in this server's memory while the page is open.",
    )  # fmt: skip
    gone = uploads.say_what_is_gone("weights_file")
    if file is None:
        _keep_settings()
        if not missing_file(WEIGHTS, "weights file", said_gone=gone):
            _missing_note()
        st.caption(
            f"No weights file yet: the kernel {DEFAULT_KERNEL} stands in. An address carries every "
            "setting, but no file."
        )
        return Choices(DEFAULT_KERNEL, 1, "mean", 0, bias_widgets(), *number_widgets())
    say_file(WEIGHTS, file)
    weights = weights_of(file)
    _left_out(weights.file.left_out)
    return _layer_widgets(weights, n_channels, file.name)


def weights_of(file: UploadedFile) -> Weights:
    """The tensors of an uploaded file; `InputError` for one that holds none that can be read."""
    data = file.getvalue()
    digest = caches.remembered(("digest", file.file_id), lambda: caches.digest_of(data))
    return Weights(digest, caches.weights_in(digest, PurePath(file.name).suffix.lower(), data))


def _left_out(left_out: Sequence[LeftOut]) -> None:
    """What of the file is not among its tensors, and why."""
    if not left_out:
        return
    plural = "entry" if len(left_out) == 1 else "entries"
    with st.expander(f"Left out: {len(left_out):,} {plural} of the file"):
        lines = [f"- {as_text(f'{each.name}: {each.reason}')}" for each in left_out[:MOST_LISTED]]
        with st.container(height=260 if len(lines) > 6 else "content", border=False):
            st.markdown("\n".join(lines))
        if len(left_out) > MOST_LISTED:
            st.caption(f"The first {MOST_LISTED} of {len(left_out):,} are listed.")


def _keep_settings() -> None:
    """Keep what an address says of the file that it could not bring along."""
    kept = st.session_state.setdefault("layer_settings", {})
    kept |= {key: st.query_params[key] for key in SETTINGS if key in st.query_params}


def _missing_note() -> None:
    """Say that the link was made with a file, which a link cannot bring along."""
    layer_name = st.session_state.get("layer_settings", {}).get("layer")
    if layer_name:
        st.warning(
            as_text(
                f"This link was made with a weights file that has a layer '{layer_name[:80]}'. "
                "Choose that file here: until then what is shown is not what the link was made of."
            ),
            icon=":material/attach_file:",
        )


def _recall(key: str, options: Mapping[str, Any]) -> None:
    """Set a widget, before it is drawn for the first time, to what the address said of it."""
    said = st.session_state.get("layer_settings", {}).pop(key, None)
    if said in options and key not in st.session_state:
        st.session_state[key] = options[said]


def _layer_widgets(weights: Weights, n_channels: int | None, file: str) -> LayerWeights:
    key = ("layers", weights.digest)
    entries = caches.remembered(key, lambda: layers_of(weights.tensors))
    usable = {entry.name: entry for entry in entries if entry.is_conv2d}
    if usable:
        _recall("layer", dict(zip(usable, usable, strict=True)))
        chosen = st.selectbox(
            "Layer", _offered(list(usable)), key="layer", bind="query-params",
            format_func=lambda name: f"{name}: {_by(usable[name].shape)}",
        )  # fmt: skip
    _listed(entries, len(weights.tensors))
    if not usable:
        raise InputError(
            f"None of the {len(weights.tensors):,} tensors in the file is a 2-D convolution; the "
            "list above says why.",
            remedy="Choose another file",
        )
    entry = _in_layout(usable[chosen])
    for note in entry.notes:
        st.caption(as_text(note[0].upper() + note[1:] + "."))
    met = _met(entry, n_channels)
    weight, own_bias = layer(weights.tensors, entry)
    zeroed = _asks_for_zeros(entry, weight, own_bias)
    _recall("without_bias", SWITCH)
    with_own_bias = own_bias is not None and not st.toggle(
        "Without the layer's bias", key="without_bias", bind="query-params",
        help=f"The file has {as_text(str(entry.bias))} beside the weight.",
    )  # fmt: skip
    value = None if own_bias is not None else bias_widgets()
    dtype_name, divisor = number_widgets()
    st.caption(
        "Such a file holds neither stride, padding nor dilation: set them as the network does."
    )
    name = (
        weights.digest,
        entry.name,
        entry.layout,
        met.groups,
        met.meeting and met.meeting.name,
        met.picked,
        zeroed,
    )

    def values() -> Tensor:
        finite = weight.nan_to_num(0.0, 0.0, 0.0) if zeroed else weight
        # Summed in the type of the computation: float16 of a file would overflow before it.
        finite = as_dtype(finite, dtype_name)
        fitted = met.meeting.fit(finite, met.picked) if met.meeting else finite
        return as_dtype(fitted, dtype_name).contiguous()

    bias = even_bias(value, weight.shape[0], dtype_name)
    if with_own_bias and own_bias is not None:
        finite = own_bias.nan_to_num(0.0, 0.0, 0.0) if zeroed else own_bias
        bias = as_dtype(finite, dtype_name)
    return LayerWeights(
        name,
        "of the layer" if with_own_bias else str(value),
        met.groups,
        met.meeting is not None and met.meeting.repeats_grey,
        dtype_name,
        divisor,
        caches.layer_for((name, dtype_name), values),
        bias,
        _origin(file, entry, met, bool(zeroed), with_own_bias),
    )


def _origin(file: str, entry: LayerEntry, met: Met, zeroed: bool, with_own_bias: bool) -> Origin:
    bias = (entry.bias or "") if with_own_bias else ""
    computed = entry.made is not None or (
        entry.beside is not None and entry.beside.made is not None
    )
    unchanged = met.meeting is None or met.meeting.repeats_grey
    in_order = entry.layout == "OIHW" and entry.shape == entry.weight_shape
    as_stored = unchanged and in_order and not zeroed and not computed
    return Origin(file, entry.name, bias, entry.dtype, as_stored)


def _offered(names: list[str]) -> list[str]:
    """The names to choose from: all of few; of many those that hold what is looked for."""
    if len(names) <= MOST_OFFERED and sum(map(len, names)) <= MOST_LETTERS:
        return names
    looked_for = st.text_input(
        f"Find among {len(names):,} layers", key="layer_find", bind="query-params", max_chars=200
    ).strip()
    found = [name for name in names if looked_for.lower() in name.lower()]
    offered = some_of(found, MOST_OFFERED, MOST_LETTERS)
    asked = st.session_state.get("layer") or st.query_params.get("layer")
    chosen = [name for name in names if name == asked and name not in offered][:1]
    if len(offered) < len(found):
        st.caption(
            f"The first {len(offered):,} of the {len(found):,} layers found are offered below: "
            "write a part of the name to find others."
        )
    elif not found:
        st.caption(f"No layer's name holds {as_text(looked_for)}: the first ones are offered.")
    return chosen + (offered or some_of(names, MOST_OFFERED, MOST_LETTERS))


def some_of(names: Sequence[str], most: int, most_letters: int) -> list[str]:
    """The first names, at most so many with so many letters altogether, but one at least.

    >>> some_of(["a", "bb", "cc", "d"], 3, 4), some_of(["abc", "d"], 3, 2)
    (['a', 'bb'], ['abc'])
    """
    ends = accumulate(map(len, names))
    n_fitting = sum(1 for _ in takewhile(lambda end: end <= most_letters, ends))
    return list(names[: max(1, min(most, n_fitting))])


def _in_layout(entry: LayerEntry) -> LayerEntry:
    """Ask for another order of the axes than what the file says for, where there are some."""
    others = {name: name for name in entry.layouts if name != entry.layout}
    if not others:
        return entry
    _recall("layer_layout", others)
    asked = st.selectbox(
        "Order of the axes", (AS_FOUND, *others), key="layer_layout", bind="query-params",
        format_func=lambda name: f"{entry.layout} {LAYOUTS[entry.layout].axes}, as found"
        if name == AS_FOUND else f"{name} {LAYOUTS[name].axes}",
        help="A file does not say it; the lengths of biases, the layers around and names do.",
    )  # fmt: skip
    return entry if asked == AS_FOUND else entry.in_layout(asked)


def _listed(entries: Sequence[LayerEntry], n_tensors: int) -> None:
    """All tensors, biases and parts with their layer; what is no 2-D convolution is grey."""
    n_usable = sum(entry.is_conv2d for entry in entries)
    with st.expander(f"All {n_tensors:,} tensors, 2-D convolutions: {n_usable:,}"):
        lines = []
        for entry in entries[:MOST_LISTED]:
            name, shape = as_text(entry.name), _by(entry.shape)
            parts = as_text(f", of {' and '.join(entry.parts)}") if entry.parts else ""
            if entry.is_conv2d:
                bias = f", bias {as_text(entry.bias)}" if entry.bias else ", no bias"
                lines.append(f"- **{name}**: {shape}{bias}{parts}")
            else:
                lines.append(f"- {name}: not a choice, {as_text(entry.reason)}{parts}")
        with st.container(height=260 if len(lines) > 6 else "content", border=False):
            st.markdown("\n".join(lines))
        if len(entries) > MOST_LISTED:
            st.caption(f"The first {MOST_LISTED} of {len(entries):,} are listed.")


def _met(entry: LayerEntry, n_channels: int | None) -> Met:
    """Ask how the layer meets the picture, where that is not clear."""
    reads = entry.weight_shape[1]
    if n_channels is None or n_channels == reads:
        return Met(1, None, ())
    guessed = entry.groups_for(n_channels)
    if guessed > 1:
        _recall("layer_groups", {str(guessed): str(guessed), "1": "1"})
        answer = st.segmented_control(
            "Groups of the layer", (str(guessed), "1"), default=str(guessed), required=True,
            key="layer_groups", bind="query-params",
            help=f"The file does not say. With {guessed} groups each filter reads {reads} of the "
            f"picture's {n_channels} channels; with 1 the layer is for pictures of {reads}.",
        )  # fmt: skip
        if answer == str(guessed):
            return Met(guessed, None, ())
    return _asked(n_channels, reads)


def _asked(have: int, reads: int) -> Met:
    ways = {way.name: way for way in meetings(have, reads)}
    _recall("meeting", {name: name for name in ways})
    plural = "channel" if have == 1 else "channels"
    name = st.selectbox(
        f"The picture has {have} {plural}, the layer reads {reads}", list(ways), key="meeting",
        bind="query-params", format_func=lambda each: ways[each].title,
    )  # fmt: skip
    way = ways[name]
    picked: Picked = ()
    if way.picks:
        picks = picks_of(have, reads)
        _recall("picked_channels", {name: name for name in picks})
        picked = picks[
            st.selectbox("Channels picked", list(picks), key="picked_channels", bind="query-params")
        ]
    st.caption(way.does)
    return Met(1, way, picked)


def _asks_for_zeros(entry: LayerEntry, weight: Tensor, bias: Tensor | None) -> bool:
    """Whether NaN and infinities are to be read as 0; InputError where there are some and not."""
    named = {entry.name: weight} | ({} if bias is None else {entry.bias or "bias": bias})
    wrong = non_finite(named)
    if not wrong:
        return False
    _recall("nan_as_zero", SWITCH)
    zeroed = st.toggle("Read NaN and infinity as 0", key="nan_as_zero", bind="query-params")
    if zeroed:
        return True
    said = [f"'{name}' holds {each.n_nan:,} NaN and {each.n_infinite:,} infinite numbers"
            for name, each in wrong.items()]  # fmt: skip
    raise InputError(
        f"{' and '.join(said)}: every output that reads one is lost.",
        remedy="Read them as 0, or choose another layer",
    )


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{side:,}" for side in shape) or "a single number"
