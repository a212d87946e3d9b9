"""From a wanted size to the settings that give it, and from a message of torch to what it means."""

from types import MappingProxyType

import streamlit as st

from rfviz.conv.errors import InputError
from rfviz.conv.layers.solver import Ranges, Setting, Solutions, solve, solve_goal
from rfviz.conv.torch_messages.explain import LONGEST_MESSAGE, translate_torch_error
from rfviz.ui.output_shape.controls import LARGEST_SIZE, ShapeChoice, set_widgets, state_of
from rfviz.ui.output_shape.panels import remedy_buttons
from rfviz.ui.sidebar.explain import as_text

GOALS = ("same", "halve", "double", "a size")
MOST_LISTED = 200
RANGES = MappingProxyType(
    {
        "kernel_size": ("Largest kernel", 1, 15, 7),
        "stride": ("Largest stride", 1, 8, 4),
        "padding": ("Largest padding", 0, 12, 4),
        "dilation": ("Largest dilation", 1, 6, 3),
        "output_padding": ("Largest output padding", 0, 6, 2),
    }
)


def show_solver(choice: ShapeChoice) -> None:
    """Ask for the wanted size and the ranges; list every setting that gives it, plainest first."""
    left, right = st.columns(2)
    with left:
        goal = st.segmented_control(
            "Wanted output", GOALS, default="same", required=True, key="shape_goal",
            bind="query-params", help="Halve rounds up.",
        )  # fmt: skip
    wanted = choice.input_size
    if goal == "a size":
        cells = right.columns(2)
        wanted = tuple(  # type: ignore[assignment]
            cell.number_input(
                f"Wanted {axis}", 1, 2 * LARGEST_SIZE, 14, key=f"shape_wanted_{axis}",
                bind="query-params",
            )
            for cell, axis in zip(cells, ("height", "width"), strict=True)
        )  # fmt: skip
    ranges = _ranges(choice)
    # A goal is solved without ceil_mode, and its settings switch it off.
    ceil_mode = goal == "a size" and bool(choice.arguments.get("ceil_mode"))
    kind = choice.kind
    try:
        if goal == "a size":
            found = solve(kind, choice.input_size, wanted, ranges, ceil_mode)
        else:
            found = solve_goal(kind, choice.input_size, goal, ranges)
    except InputError as error:
        st.error(as_text(str(error)))
        return
    if choice.arguments.get("ceil_mode") and not ceil_mode:
        st.caption("These are settings without ceil_mode; choosing one switches it off.")
    _show_solutions(choice, found, ceil_mode)


def _ranges(choice: ShapeChoice) -> Ranges:
    with st.expander("Ranges to search"):
        cells = st.columns(len(RANGES))
        most = {
            name: cell.number_input(
                label, least, largest, usual, key=f"shape_most_{name}", bind="query-params"
            )
            for cell, (name, (label, least, largest, usual)) in zip(
                cells, RANGES.items(), strict=True
            )
        }
    spans = {name: range(RANGES[name][1], value + 1) for name, value in most.items()}
    return Ranges(**spans)


def _show_solutions(choice: ShapeChoice, found: Solutions, ceil_mode: bool) -> None:
    if found.explanation:
        st.warning(as_text(found.explanation))
        return
    if not found.both:
        st.markdown(
            f"No one setting does both axes, but {len(found.rows):,} do the rows and "
            f"{len(found.columns):,} the columns. The plainest of each:"
        )
        st.dataframe(_table(choice, (found.rows[0], found.columns[0])), hide_index=True)
        st.button(
            "Set these", key="shape-set-both", on_click=set_widgets,
            args=(_state(choice, found.rows[0], found.columns[0], ceil_mode),),
        )  # fmt: skip
        return
    listed = found.both[:MOST_LISTED]
    more = f", the first {MOST_LISTED:,} listed" if len(found.both) > MOST_LISTED else ""
    st.markdown(
        f"**{len(found.both):,}** setting{'s' * (len(found.both) != 1)} in these ranges, and no "
        f"other, do it on both axes{more}, the plainest first. Choose a line to set it."
    )

    def set_chosen() -> None:
        rows = st.session_state["shape-solutions"].selection.rows
        if rows:
            set_widgets(_state(choice, listed[rows[0]], listed[rows[0]], ceil_mode))

    st.dataframe(
        _table(choice, listed), hide_index=True, height=min(320, 38 + 35 * len(listed)),
        key="shape-solutions", on_select=set_chosen, selection_mode="single-row",
    )  # fmt: skip


def _table(choice: ShapeChoice, settings: tuple[Setting, ...]) -> dict[str, list[int]]:
    """One column for each parameter that the layer type has, and the floor's remainder."""
    names = [name for name in RANGES if choice.takes(name)]
    if choice.kind != "ConvTranspose2d":
        names.append("remainder")
    return {name.replace("_", " "): [getattr(s, name) for s in settings] for name in names}


def _state(
    choice: ShapeChoice, rows: Setting, columns: Setting, ceil_mode: bool
) -> dict[str, object]:
    names = [name for name in RANGES if choice.takes(name) and name != "padding"]
    changes: dict[str, object] = {
        name: (getattr(rows, name), getattr(columns, name)) for name in names
    }
    changes["padding"] = ((rows.padding, rows.padding), (columns.padding, columns.padding))
    if choice.takes("ceil_mode"):
        changes["ceil_mode"] = ceil_mode
    return state_of(changes) or {}


def show_messages() -> None:
    """A box for an error message of torch's, and what it means."""
    message = st.text_area(
        "Torch's message, or a whole traceback", key="shape_message", max_chars=LONGEST_MESSAGE,
        height=120, placeholder="RuntimeError: Calculated padded input size per channel: (5 x 6). "
        "Kernel size: (7 x 7). Kernel size can't be greater than actual input size",
        help="It is only read, and never run.",
    )  # fmt: skip
    if not message:
        return
    found = translate_torch_error(message)
    if not found.recognised:
        st.warning(as_text(found.what))
    else:
        title = found.rule[:1].upper() + found.rule[1:]
        st.info(f"**{as_text(title)}.** {as_text(found.what)}")
        if found.numbers:
            st.dataframe(
                {"what": list(found.numbers), "number": [str(n) for n in found.numbers.values()]},
                hide_index=True,
            )
    remedy_buttons(found.remedies, "shape-message-remedy")
