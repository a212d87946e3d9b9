"""Weights by hand: a table to write in, changes of whole filters, undo, text, files.

The text is the state, and as long as it is short it is in the address. Where it has another size
than the sliders ask for, the named kernel is used and the text is kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import streamlit as st
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.filters.edits import flipped, sum_to_one, sum_to_zero, transposed, unit_norm
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.wording import channel_name
from rfviz.io.weights.by_hand_text import kernels_in, size_of, weight_from, with_cells
from rfviz.io.weights.write import text_of
from rfviz.ui.sidebar import convolution as parameters
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.given_weights import HandWeights
from rfviz.ui.sidebar.named_weights import MOST_FILTERS, weight_widgets
from rfviz.ui.sidebar.weight_downloads import download_buttons

LONGEST_IN_ADDRESS = 2000
MOST_UNDONE = 50
SCOPES = ("This filter", "All filters")
CHANGES: Mapping[str, tuple[Callable[[Tensor], Tensor], str]] = MappingProxyType(
    {
        "Flip": (flipped, "Turn each kernel by half a turn: nn.Conv2d then is a true convolution."),
        "Transpose": (transposed, "Exchange rows and columns."),
        "Norm 1": (unit_norm, "Divide each filter by the root of the sum of its squares."),
        "Sum to 0": (sum_to_zero, "Take the mean away: an even picture then gives 0."),
        "Sum to 1": (sum_to_one, "Divide by the sum: an even picture then keeps its values."),
    }
)


@dataclass
class Table:
    """What the table was filled with; it keeps its own changes until it is filled anew."""

    weight: Tensor
    kernel: Pair
    text: str
    times_filled: int = 0
    undo: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The widget's: another each time it is filled."""
        return f"hand_cells_{self.times_filled}"


def hand_widgets(arguments: Mapping[str, Any], n_channels: int | None) -> HandWeights:
    """Draw the widgets of weights by hand; return what they say.

    ``arguments`` are those of the ``Conv2dSpec``. Raises :class:`rfviz.InputError` for a text that
    is no weights; what else does not fit is left to the page to explain.
    """
    start = weight_widgets("Starting from")
    text = _text_widget()
    spec = _fitting_spec(arguments, n_channels, start.n_filters)
    if spec is None or n_channels is None:
        return HandWeights(start, text, None)
    shape = (start.n_filters, n_channels // spec.groups, *spec.kernel_size)
    written = None
    if text:
        try:
            kernels = kernels_in(text)
        except InputError:
            _undo_buttons()
            raise
        written = weight_from(kernels, shape)
        if written is None:
            _another_size(kernels, spec, start.n_filters, shape[1])
    choices = HandWeights(start, text, written)
    try:
        weight = choices.weight(spec, n_channels)
    except InputError:
        # The named kernel makes no sense at this size: the page says so, and has the remedies.
        _undo_buttons()
        return choices
    _edit(weight.float(), text, n_channels)
    return choices


def _fitting_spec(
    arguments: Mapping[str, Any], n_channels: int | None, n_filters: int
) -> Conv2dSpec | None:
    if n_channels is None:
        return None
    try:
        spec = Conv2dSpec(**arguments)
        spec.check_channels(n_channels, n_filters)
    except InputError:
        return None
    return spec


def _text_widget() -> str:
    """The text; one too long for an address is not shown, and stays in the session alone."""
    text: str = st.session_state.get("hand_text", "")
    if len(text) > LONGEST_IN_ADDRESS:
        st.caption(
            f"The weights take {len(text):,} characters, too many for the address: download them "
            "to keep them."
        )
        return text
    if "hand_text" in st.session_state:
        st.session_state["hand"] = text

    def read() -> None:
        _write(st.session_state["hand"])

    with st.expander("As text"):
        shown = st.text_area(
            "Weights as text", key="hand", bind="query-params", on_change=read,
            placeholder="1 0 -1\n2 0 -2\n1 0 -1",
            help="A line for each kernel row, an empty line between kernels: one for each channel "
            "of each filter, or one a filter for the mean of its channels. Paste yours here.",
        )  # fmt: skip
    return shown.strip() or ""


def _write(text: str) -> None:
    """Make this the text, in a callback; what it was can be undone."""
    table: Table | None = st.session_state.get("hand_table")
    before = table.text if table else ""
    if table and text != before:
        table.undo = [*table.undo, before][-MOST_UNDONE:]
    st.session_state["hand_text"] = text.strip()


def _another_size(kernels: Tensor, spec: Conv2dSpec, n_filters: int, channels: int) -> None:
    """Say that the text has another size than is asked for, and offer to take its size."""
    height, width = size_of(kernels)
    st.caption(
        f"The text holds {len(kernels):,} kernels of {height:,} × {width:,}; "
        f"{n_filters:,} × {channels} of {spec.kernel_size[0]} × {spec.kernel_size[1]} are "
        "asked for. So the named kernel is used; the text is kept until you change a weight."
    )
    filters = len(kernels) // channels if len(kernels) % channels == 0 else len(kernels)
    fits = max(height, width) <= parameters.KERNEL.most and filters <= MOST_FILTERS
    try:
        wanted = Conv2dSpec(
            (height, width),
            stride=spec.stride,
            padding=spec.padding,
            dilation=spec.dilation,
            groups=spec.groups,
            padding_mode=spec.padding_mode,
        )
    except InputError:
        return
    if fits and filters % spec.groups == 0:
        state = parameters.state_of(wanted) | {"filters": filters}
        st.button(
            "Take the text's size", key="hand_take_size", on_click=parameters.apply, args=(state,)
        )


def _edit(weight: Tensor, text: str, n_channels: int) -> None:
    """The table of one kernel, and the buttons below it."""
    kernel = _kernel_widgets(weight, n_channels)
    table = _table(weight, kernel, text)

    def edited() -> None:
        cells = st.session_state[table.key]["edited_rows"]
        new = text_of(with_cells(table.weight, table.kernel, cells))
        _write(new)
        # The table shows this already, so it need not be filled anew.
        table.text = new

    st.data_editor(
        {str(column): numbers for column, numbers in enumerate(table.weight[kernel].T.tolist())},
        key=table.key,
        on_change=edited,
        hide_index=True,
        num_rows="fixed",
        column_config={
            str(column): st.column_config.NumberColumn(str(column), required=True, width=52)
            for column in range(weight.shape[3])
        },
    )
    _change_buttons(weight, kernel[0])
    _undo_buttons()
    download_buttons(weight, "hand")


def _kernel_widgets(weight: Tensor, n_channels: int) -> Pair:
    filters, channels = weight.shape[:2]
    left, right = st.columns(2)
    shown = left.number_input(
        "Filter shown", 0, MOST_FILTERS - 1, 0, key="hand_filter", bind="query-params"
    )
    names = [str(channel) for channel in range(channels)]
    label = "Channel shown"
    if channels == n_channels:
        names = [channel_name(channel, n_channels) for channel in range(channels)]
    channel = right.selectbox(label, names, key="hand_channel", bind="query-params")
    return min(int(shown), filters - 1), names.index(channel)


def _table(weight: Tensor, kernel: Pair, text: str) -> Table:
    """The session's table; filled anew where it would show something else than the weight."""
    table: Table | None = st.session_state.get("hand_table")
    if table is None:
        table = st.session_state["hand_table"] = Table(weight.clone(), kernel, text)
    same = table.weight.shape == weight.shape and table.kernel == kernel and table.text == text
    # Without a text the named kernel is shown, which another widget may have changed.
    if not same or (not text and not bool((table.weight == weight).all())):
        table.weight, table.kernel, table.text = weight.clone(), kernel, text
        table.times_filled += 1
    return table


def _change_buttons(weight: Tensor, filter_index: int) -> None:
    scope = SCOPES[0]
    if weight.shape[0] > 1:
        scope = st.segmented_control(
            "Change", SCOPES, default=SCOPES[0], required=True, key="hand_scope",
            bind="query-params",
        )  # fmt: skip
    part = slice(filter_index, filter_index + 1) if scope == SCOPES[0] else slice(None)

    def change(by: Callable[[Tensor], Tensor]) -> None:
        changed = weight.clone()
        try:
            changed[part] = by(weight[part])
        except InputError as error:
            st.session_state["hand_refused"] = str(error)
            return
        _write(text_of(changed))

    with st.container(horizontal=True, gap="small"):
        for label, (by, about) in CHANGES.items():
            st.button(label, key=f"hand-{label}", help=about, on_click=change, args=(by,))
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    factor = left.number_input("Factor", -1e6, 1e6, 2.0, key="hand_factor", bind="query-params")
    right.button("Scale", key="hand-scale", on_click=change, args=(lambda w: w * factor,))
    refused = st.session_state.pop("hand_refused", None)
    if refused:
        st.warning(as_text(refused))


def _undo_buttons() -> None:
    table: Table | None = st.session_state.get("hand_table")
    undo = table.undo if table else []

    def take_back() -> None:
        st.session_state["hand_text"] = undo.pop()

    with st.container(horizontal=True, gap="small"):
        st.button("Undo", key="hand-undo", disabled=not undo, on_click=take_back)
        st.button(
            "Start anew", key="hand-anew", on_click=_write, args=("",),
            disabled=not st.session_state.get("hand_text", st.session_state.get("hand")),
            help="Back to the named kernel.",
        )  # fmt: skip
