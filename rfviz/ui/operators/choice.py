"""Choosing an operator: built in or from the owner's file, its parameters and its mask."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.operators.catalogue import OPERATORS
from rfviz.conv.operators.operator import Operator, OperatorParameter
from rfviz.conv.operators.own import load_operators
from rfviz.conv.spec.padding_modes import Pair
from rfviz.ui.run.caches import digest_of
from rfviz.ui.sidebar.explain import as_text

VARIABLE = "RFVIZ_OPERATORS"
N_OPERATOR_FILES = 4
DEFAULT = "cosine-similarity"
# A number field of the browser holds no larger whole number.
LARGEST_WHOLE = 2**53 - 1

PADDING_ONLY = "padding only"
MASKS: Mapping[str, str] = MappingProxyType(
    {
        PADDING_ONLY: "Every pixel is known; padding of zeros is not.",
        "random pixels": "These pixels, drawn evenly, count as unknown.",
        "a middle block": "A block in the middle of the picture counts as unknown.",
    }
)


class OwnOperators(NamedTuple):
    """The operators of the owner's file, or the sentence that says what is wrong with it."""

    operators: tuple[Operator, ...] = ()
    mistake: str = ""
    digest: str = ""


class MaskChoice(NamedTuple):
    """Which pixels count as unknown, and what share of them."""

    kind: str = PADDING_ONLY
    share: float = 0.0

    def mask(self, size: Pair) -> Tensor | None:
        """The mask, (H, W) uint8, 1 where the picture is known; None where all of it is."""
        if self.kind == PADDING_ONLY:
            return None
        if self.kind == "random pixels":
            generator = torch.Generator().manual_seed(0)
            return (torch.rand(size, generator=generator) >= self.share).to(torch.uint8)
        known = torch.ones(size, dtype=torch.uint8)
        (top, height), (left, width) = (_middle(n, self.share**0.5) for n in size)
        known[top : top + height, left : left + width] = 0
        return known


@dataclass(frozen=True)
class OperatorChoice:
    """An operator with its parameters' values and its mask."""

    operator: Operator
    values: Mapping[str, float]
    mask: MaskChoice
    digest: str

    @property
    def key(self) -> tuple[Any, ...]:
        """Names every number that the operator gives for the same inputs."""
        return (self.operator.name, self.digest, tuple(self.values.items()), self.mask)


def own_operators() -> OwnOperators:
    """The operators of the file that the app was started with, read again when it has changed."""
    path = os.environ.get(VARIABLE, "")
    if not path:
        return OwnOperators()
    try:
        digest = digest_of(Path(path).read_bytes())
    except OSError as error:
        why = error.strerror or type(error).__name__
        return OwnOperators(mistake=f"The file {Path(path).name!r} cannot be read: {why}.")
    except ValueError:
        return OwnOperators(mistake=f"{VARIABLE} is no path of a file.")
    return _loaded(path, digest)


@st.cache_resource(max_entries=N_OPERATOR_FILES, show_spinner="Trying the operators of the file")
def _loaded(path: str, digest: str) -> OwnOperators:
    """Run the file once for each content; a mistake is kept like a success."""
    try:
        return OwnOperators(load_operators(path), "", digest)
    except InputError as error:
        return OwnOperators((), str(error), digest)


def operator_widgets() -> OperatorChoice:
    """Draw the widgets of an operator, its parameters and its mask; return what they say."""
    own = own_operators()
    if own.mistake:
        st.error(
            f"The operators named by {VARIABLE} are left out. {as_text(own.mistake)}",
            icon=":material/rule:",
        )
    entries = {entry.name.replace("_", "-"): entry for entry in (*OPERATORS, *own.operators)}
    name = st.selectbox(
        "Operator", list(entries), index=list(entries).index(DEFAULT), key="operator",
        bind="query-params",
        help=f"Your own is added by a file of Python: start the app with {VARIABLE}=my_file.py.",
    )  # fmt: skip
    entry = entries[name]
    values = {each.name: _parameter(entry, each) for each in entry.parameters}
    mask = _mask_widgets() if entry.reads_mask else MaskChoice()
    return OperatorChoice(entry, values, mask, own.digest if entry in own.operators else "")


def _parameter(entry: Operator, parameter: OperatorParameter) -> float:
    """A number field in the parameter's range."""
    low, high, start = parameter.low, parameter.high, parameter.default
    options: dict[str, Any] = {"format": "%g"}
    if parameter.is_whole:
        low, high, start = (
            int(max(-LARGEST_WHOLE, min(LARGEST_WHOLE, value))) for value in (low, high, start)
        )
        # A range such as 0.5 to 9 begins with 1.
        low += low < parameter.low
        options = {"step": 1}
    else:
        low, high, start = float(low), float(high), float(start)
    value = st.number_input(
        as_text(parameter.name), low, high, start,
        key=f"operator_{entry.name}_{parameter.name}", bind="query-params",
        help=f"{as_text(parameter.does)} From {parameter.low:g} to {parameter.high:g}.".strip(),
        **options,
    )  # fmt: skip
    return parameter.checked(value)


def _mask_widgets() -> MaskChoice:
    kind = st.segmented_control(
        "Unknown pixels", list(MASKS), default=PADDING_ONLY, required=True,
        key="operator_mask", bind="query-params",
    )  # fmt: skip
    st.caption(MASKS[kind])
    if kind == PADDING_ONLY:
        return MaskChoice()
    share = st.slider(
        "Share that is unknown", 0.05, 0.95, 0.5, 0.05, key="operator_unknown",
        bind="query-params",
    )  # fmt: skip
    return MaskChoice(kind, share)


def _middle(n: int, share: float) -> tuple[int, int]:
    length = max(1, round(n * share))
    return (n - length) // 2, length
