"""The stack page's own controls: a network by name, its table to edit, and the input it reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.architectures import architecture, architecture_names
from rfviz.conv.receptive_field.text import LONGEST, MOST_LAYERS, Stack, stack_in, text_of
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.wording import by
from rfviz.io.weights.as_stack import FoundStack, stack_of_weights
from rfviz.ui.run import caches, uploads
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.picture import Picture
from rfviz.ui.sidebar.weight_file import weights_of
from rfviz.ui.stack.table import (
    JOINS,
    KINDS,
    Row,
    cells_of,
    duplicated,
    moved,
    rows_of,
    stack_of,
    with_changes,
)

INPUTS = ("network", "picture")
TEXT = "stack_layers"
FILE, NOTE = "stack_file", "stack_file_note"
# What a change of the table was refused for, until the next run has shown it.
REFUSED = "stack_refused"


@dataclass(frozen=True)
class StackChoice:
    """A stack and the input that it reads: its (height, width) and channels."""

    stack: Stack
    text: str
    input_size: Pair
    in_channels: int

    @property
    def key(self) -> tuple[Any, ...]:
        """Names every number that follows from this choice."""
        return (self.text, self.input_size, self.in_channels)


class FileStack(NamedTuple):
    """The stack of an uploaded file, and a name for its bytes."""

    digest: str
    found: FoundStack


class FileNote(NamedTuple):
    """What is said of an uploaded file."""

    text: str
    is_error: bool


@dataclass
class Filled:
    """What the table was filled with; it keeps its own changes until it is filled anew."""

    rows: list[Row]
    text: str
    times: int = 0

    @property
    def key(self) -> str:
        """The table's widget: another each time it is filled."""
        return f"stack_cells_{self.times}"


def stack_controls(picture: Picture, above: DeltaGenerator, below: DeltaGenerator) -> StackChoice:
    """Draw the network and the input ``above``, the text ``below``; return what they say.

    Raises :class:`rfviz.InputError` for a text that is no stack.
    """
    with above:
        left, right = st.columns([2, 3], vertical_alignment="bottom")
    name = left.selectbox(
        "Network", architecture_names(), index=2, key="stack_preset", bind="query-params",
        on_change=_forget_changes, help="Choosing one drops what you changed in the table.",
    )  # fmt: skip
    which = right.segmented_control(
        "Input size of the", INPUTS, default=INPUTS[0], required=True, key="stack_input",
        bind="query-params",
        help="The network's: the picture is stretched to it, as before most networks.",
    )  # fmt: skip
    with above:
        _file_widget()
    known = architecture(name)
    with below:
        written = _text_widget(text_of(known.layers))
    stack = stack_in(written) if written else known.layers
    own = which == INPUTS[0]
    size = known.input_size if own else picture.size
    changed = ", changed," if written else ""
    whose = "" if own else "the picture's "
    with above:
        st.caption(as_text(f"{name}{changed} on {whose}{by(size)} pixels. Source: {known.source}."))
    channels = known.in_channels if own else picture.n_channels
    return StackChoice(stack, written or text_of(stack), size, channels)


def _file_widget() -> None:
    """A weights file whose convolutions become the table; what it cannot say is to be filled in."""
    with st.expander("Layers from a weights file"):
        st.file_uploader(
            "State dict or checkpoint", type=None, key=FILE, on_change=_read_file,
            help="Only names and shapes are read: no code in it is ever run.",
        )  # fmt: skip
        uploads.say_what_is_gone(FILE)
        said: FileNote | None = st.session_state.get(NOTE)
        if said is not None and st.session_state.get(FILE) is not None:
            (st.error if said.is_error else st.info)(as_text(said.text))


def _read_file() -> None:
    """Make the layers of the uploaded file the stack, in a callback."""
    file = st.session_state[FILE]
    if file is None:
        return
    try:
        found = stack_of_weights(weights_of(file).of_the_model)
        text = text_of(found.layers)
        if len(text) > LONGEST:
            raise InputError(
                f"The stack of {len(found.layers)} layers takes {len(text):,} characters as text, "
                f"more than the {LONGEST:,} that an address holds.",
                remedy="Save a part of the network",
            )
        stack_in(text)
    except InputError as error:
        st.session_state[NOTE] = FileNote(str(error), is_error=True)
        return
    _write(text)
    st.session_state[NOTE] = FileNote(_assumed(found), is_error=False)


def file_stack() -> FileStack | None:
    """The layers of the uploaded file with their weights; None where there is none to be read."""
    file, note = st.session_state.get(FILE), st.session_state.get(NOTE)
    if file is None or note is None or note.is_error:
        return None
    weights = weights_of(file)
    found = caches.remembered(
        ("stack of weights", weights.digest), lambda: stack_of_weights(weights.of_the_model)
    )
    return FileStack(weights.digest, found)


def _assumed(found: FoundStack) -> str:
    left_out = found.left_out
    n_layers = f"{len(found.layers)} layer{'s' * (len(found.layers) != 1)}"
    text = (
        f"{n_layers} from the file, the first reading {found.in_channels} channels. Assumed, since "
        "weights do not say it: stride 1, padding that keeps the size, no pooling. Change it in "
        "the table."
    )
    if left_out:
        more = f", and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        text += f" Left out as another branch: {'; '.join(left_out[:3])}{more}."
    return text


def _text_widget(placeholder: str) -> str:
    """The stack as text: what the address holds, to be read, written and pasted."""
    text = st.text_input(
        "The stack as text", key=TEXT, bind="query-params", placeholder=placeholder,
        help="Letter and kernel (c Conv2d, t ConvTranspose2d, m MaxPool2d, a AvgPool2d), then s "
        "stride, p padding, d dilation, u output padding, o channels, g groups, e ceil_mode, n no "
        "bias, ~name; 3x5 is height x width. Branches: add(c3p1,c3p1|) or cat(c1|c3p1).",
    )  # fmt: skip
    if text:
        st.button("Back to the network as published", key="stack-back", on_click=_forget_changes)
    return (text or "").strip()


def table_widget(choice: StackChoice) -> None:
    """The table of layers, and the buttons that change it."""
    filled = _filled(choice)

    def edited() -> None:
        changes = st.session_state[filled.key]
        plain = all("order" not in cells for cells in changes["edited_rows"].values())
        kept = plain and not changes["added_rows"] and not changes["deleted_rows"]
        _change(lambda: with_changes(filled.rows, changes), filled, keeps_table=kept)

    st.data_editor(
        cells_of(filled.rows), key=filled.key, on_change=edited, hide_index=True,
        num_rows="dynamic", column_config=_columns(), height=min(420, 74 + 35 * len(filled.rows)),
        placeholder="–",
    )  # fmt: skip
    refused = st.session_state.pop(REFUSED, None)
    if refused:
        st.warning(as_text(refused))
    _row_buttons(filled, rows_of(choice.stack))


def explain_misfit(error: InputError, choice: StackChoice) -> None:
    """What does not fit, and a button for each remedy that changes one layer."""
    with st.container(border=True):
        st.error(as_text(error.what), icon=":material/rule:")
        with st.container(horizontal=True):
            for number, remedy in enumerate(error.remedies):
                mended = _mended(remedy, choice.stack)
                if mended is not None:
                    st.button(
                        as_text(remedy.label),
                        key=f"stack-remedy-{number}",
                        on_click=_write,
                        args=(mended,),
                    )
        for remedy in error.remedies:
            if _mended(remedy, choice.stack) is None:
                st.markdown(as_text(remedy.label.rstrip(".") + "."))


def _mended(remedy: Remedy, stack: Sequence[Any]) -> str | None:
    """The text of the stack with a remedy's changes; None where it changes no single layer."""
    changes = dict(remedy.changes)
    index = changes.pop("layer", None)
    if not isinstance(index, int) or not changes or not isinstance(stack[index], Layer):
        return None
    try:
        layer = replace(stack[index], **changes)
    except (InputError, TypeError):
        return None
    text = text_of((*stack[:index], layer, *stack[index + 1 :]))
    try:
        stack_in(text)
    except InputError:
        return None
    return text


def _columns() -> dict[str, Any]:
    config = st.column_config
    pair_help = "A number, or height x width: 3x5."
    return {
        "order": config.NumberColumn("order", width=56, help="Write another to move the layer."),
        "name": config.TextColumn("name", max_chars=40),
        "kind": config.SelectboxColumn("kind", options=list(KINDS), default=KINDS[0]),
        "kernel": config.TextColumn("kernel", default="3", width=62, help=pair_help),
        "stride": config.TextColumn("stride", default="1", width=60, help=pair_help),
        "padding": config.TextColumn(
            "padding", default="1", width=70,
            help=f"{pair_help} Or same, or 0.1x0.1: top.bottom x left.right.",
        ),
        "dilation": config.TextColumn("dilation", default="1", width=68, help=pair_help),
        "channels": config.NumberColumn(
            "channels", min_value=1, max_value=9999, step=1, width=74,
            help="Channels that come out; empty: as many as came in.",
        ),
        "groups": config.NumberColumn("groups", min_value=1, max_value=9999, step=1, width=64),
        "branch": config.TextColumn(
            "branch", width=62, help="1a, 1b: branches a and b of block 1. Empty: the main path."
        ),
        "join": config.SelectboxColumn("join", options=list(JOINS), width=72),
    }  # fmt: skip


def _row_buttons(filled: Filled, rows: list[Row]) -> None:
    """Move, duplicate and remove one row, by keyboard as well."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        number = st.number_input(
            "Row", 1, MOST_LAYERS, 1, key="stack_row", bind="query-params", width=120
        )
        index = min(int(number), len(rows)) - 1
        without = [*rows[:index], *rows[index + 1 :]]
        actions: tuple[tuple[str, Callable[[], list[Row]]], ...] = (
            ("Move up", lambda: moved(rows, index, -1)),
            ("Move down", lambda: moved(rows, index, 1)),
            ("Duplicate", lambda: duplicated(rows, index)),
            ("Remove", lambda: without),
        )
        for label, make in actions:
            st.button(
                label, key=f"stack-{label.replace(' ', '-').lower()}", on_click=_change,
                args=(make, filled),
            )  # fmt: skip


def _change(make: Callable[[], list[Row]], filled: Filled, *, keeps_table: bool = False) -> None:
    """Make these rows the stack, in a callback; a row that cannot be is refused with a sentence."""
    try:
        text = text_of(stack_of(make()))
        stack_in(text)
    except InputError as error:
        st.session_state[REFUSED] = f"{error} The table is as it was."
        filled.times += 1
        return
    _write(text)
    if keeps_table:
        filled.text = text


def _write(text: str) -> None:
    if len(text) <= LONGEST:
        st.session_state[TEXT] = text


def _forget_changes() -> None:
    st.session_state[TEXT] = ""


def _filled(choice: StackChoice) -> Filled:
    """The session's table; filled anew where it would show another stack."""
    filled: Filled | None = st.session_state.get("stack_table")
    if filled is None:
        filled = st.session_state["stack_table"] = Filled(rows_of(choice.stack), choice.text)
    if filled.text != choice.text:
        filled.rows, filled.text = rows_of(choice.stack), choice.text
        filled.times += 1
    return filled
