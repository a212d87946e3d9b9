"""The output-shape page: what a layer makes of its input, in numbers, strips and torch's words."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import streamlit as st

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.layers.formula import Substitution, layer_cost, substitution
from rfviz.conv.layers.layer import Layer
from rfviz.conv.layers.placements import AxisPlacements, placements
from rfviz.conv.layers.torch_answer import torch_answer
from rfviz.conv.memory import readable_bytes
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.wording import by
from rfviz.explorer.components import show_panel
from rfviz.figures.axis_strip import MOST_PLACEMENTS, axis_strip_figure
from rfviz.ui.output_shape.controls import ShapeChoice, set_widgets, state_of
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.hiding import hidden_here

AXES = ("rows", "columns")
LONGEST_WHOLE = 40  # coordinates of a strip that is shown from end to end
LONGEST_STRIP = 2**21  # a longer one would be slow to lay out, and nobody could look at it
MOST_LISTED = 8
DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "padding": "0",
        "dilation": "1",
        "output_padding": "0",
        "groups": "1",
        "bias": "True",
        "padding_mode": "'zeros'",
        "ceil_mode": "False",
    }
)


def fitted_layer(choice: ShapeChoice) -> Layer | None:
    """The layer where it fits its input; else the explanation, with its remedies, and None."""
    layer = None
    try:
        layer = choice.layer()
        layer.output_size(choice.input_size)
        layer_cost(layer, choice.input_size, choice.in_channels)
    except InputError as error:
        explain_misfit(error, layer, choice)
        return None
    return layer


def explain_misfit(error: InputError, layer: Layer | None, choice: ShapeChoice) -> None:
    """Say what does not fit, offer each remedy as a button, and quote torch's own words."""
    with st.container(border=True):
        st.error(as_text(error.what), icon=":material/rule:")
        remedy_buttons(error.remedies, "shape-remedy")
        try:
            answer = None if layer is None else torch_answer(
                layer, choice.input_size, choice.in_channels
            )  # fmt: skip
        except InputError:
            answer = None
        if answer is not None and answer.message:
            st.caption("Torch refuses as well, in its own words:")
            st.code(answer.message, language=None, wrap_lines=True)
    st.info("Formula, placements and costs wait until the parameters fit.")


def remedy_buttons(remedies: Sequence[Remedy], prefix: str) -> None:
    """Draw a button for each remedy that the controls can apply; the others are advice."""
    states = [(remedy, state_of(remedy.changes)) for remedy in remedies]
    if any(state for _, state in states):
        st.caption("Each of these alone mends it:")
    with st.container(horizontal=True):
        for number, (remedy, state) in enumerate(states):
            if state:
                st.button(
                    as_text(remedy.label),
                    key=f"{prefix}-{number}",
                    on_click=set_widgets,
                    args=(state,),
                )
    for remedy, state in states:
        if not state:
            st.text(f"{remedy.label.rstrip('.')}.")


def show_answer(layer: Layer, choice: ShapeChoice) -> None:
    """Say the output's shape by the formula, and beside it what torch says."""
    if hidden_here("shape"):
        st.code(torch_code(layer, choice.in_channels), language="python", wrap_lines=True)
        return
    rows, columns = layer.output_size(choice.input_size)
    shape = expected_shape(layer, choice)
    answer = torch_answer(layer, choice.input_size, choice.in_channels)
    ours, theirs = st.columns(2)
    with ours:
        st.metric("Output size, by the formula", f"{rows:,} × {columns:,}")
        height, width = choice.input_size
        st.caption(
            f"From ({choice.in_channels:,}, {height:,}, {width:,}) to "
            f"({', '.join(f'{n:,}' for n in shape)}), {_axis_names(layer)}."
        )
    with theirs:
        said = "refuses" if answer.shape is None else " × ".join(f"{n:,}" for n in answer.shape)
        st.metric("Whole shape, by torch itself", said)
        if answer.shape == shape:
            st.caption(":material/check: Equal. Asked on a meta tensor, which holds no data.")
        else:
            st.error(as_text(f"Torch does not say {shape}. {answer.message}"))
    st.code(torch_code(layer, choice.in_channels), language="python", wrap_lines=True)


def expected_shape(layer: Layer, choice: ShapeChoice) -> tuple[int, ...]:
    """The shape of the layer's output by our formula, in the form of its torch class."""
    rows, columns = layer.output_size(choice.input_size)
    if layer.kind == "Unfold":
        return (choice.in_channels * layer.spec.n_taps, rows * columns)
    n_out = choice.in_channels if layer.out_channels is None else layer.out_channels
    return (n_out, rows, columns)


def torch_code(layer: Layer, in_channels: int) -> str:
    """The layer as Python, with the arguments that differ from torch's own defaults."""
    n_out = in_channels if layer.out_channels is None else layer.out_channels
    words = [str(in_channels), str(n_out)] if layer.kind.startswith("Conv") else []
    words.append(f"kernel_size={_short(layer.kernel_size)}")
    (top, bottom), (left, right) = layer.pads
    uneven = not isinstance(layer.padding, str) and (top, left) != (bottom, right)
    padding = repr(layer.padding) if layer.padding == "same" else _short((top, left))
    given = {
        "stride": _short(layer.stride),
        "padding": "0" if uneven else padding,
        "dilation": _short(layer.dilation),
        "output_padding": _short(layer.output_padding),
        "groups": str(layer.groups),
        "bias": str(layer.bias),
        "padding_mode": repr(layer.padding_mode),
        "ceil_mode": str(layer.ceil_mode),
    }
    usual = {**DEFAULTS, "stride": _short(layer.kernel_size) if "Pool" in layer.kind else "1"}
    words += [f"{name}={value}" for name, value in given.items() if value != usual[name]]
    code = f"nn.{layer.kind}({', '.join(words)})"
    if not uneven:
        return code
    mode = "" if layer.padding_mode == "zeros" else f", mode={layer.padding_mode!r}"
    code = code.replace(f", padding_mode={layer.padding_mode!r}", "")
    pads = f"F.pad(picture, ({left}, {right}, {top}, {bottom}){mode})"
    return f"{code}({pads})  # nn.Conv2d itself pads opposite sides alike"


def _short(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else str(pair)


def show_formula(layer: Layer, choice: ShapeChoice) -> None:
    """Write each axis step by step, the numbers in the formula, and what the rounding drops."""
    if hidden_here("formula"):
        return
    for axis, cell in enumerate(st.columns(2)):
        found = substitution(layer, choice.input_size, axis)
        with cell:
            st.markdown(f"**{found.axis.capitalize()}**")
            lines = [f"{step.what[:1].upper()}{step.what[1:]}: `{step.text}`"
                     for step in found.steps[:-1]]  # fmt: skip
            st.markdown("  \n".join(lines))
            st.markdown(f"Output size: **{found.output_size:,}** {found.axis}.")
            st.markdown(rounding_sentence(layer, found))


def rounding_sentence(layer: Layer, found: Substitution) -> str:
    """Say what the floor drops, or that a last window of ceil_mode reaches out."""
    if layer.kind == "ConvTranspose2d":
        return "Nothing is rounded: a transposed convolution divides by nothing."
    if found.beyond:
        return (
            f"The ceiling adds a window that reaches {_pixels(found.beyond)} past the padded "
            "picture."
        )
    if not found.discarded:
        return "Nothing is dropped: the last placement ends where the padded picture ends."
    stride = layer.stride[AXES.index(found.axis)]
    return (
        f"The remainder, {found.remainder} of a stride of {stride}, is dropped by the floor: "
        f"{_pixels(found.discarded)} at the end of the padded picture, "
        f"{found.discarded_pixels:,} of the picture's own."
    )


def show_strips(layer: Layer, choice: ShapeChoice) -> None:
    """Draw both axes: the strip of pixels, each placement with its taps, what is never read."""
    if hidden_here("placements"):
        return
    for axis, name in enumerate(AXES):
        found = substitution(layer, choice.input_size, axis)
        try:
            placed = _placed(layer, choice, axis)
        except InputError as error:
            st.info(as_text(f"{name.capitalize()}: {error}"))
            continue
        st.markdown(f"**{name.capitalize()}.** {strip_sentence(placed)}")
        parts = strip_parts(placed)
        for cell, (part, window) in zip(st.columns(len(parts)), parts.items(), strict=True):
            panel = f"strip-{name}-{part}" if len(parts) > 1 else f"strip-{name}"
            figure = axis_strip_figure(
                placed, window, discarded=found.discarded, part=part, name=panel,
                panel_width=900 // len(parts),
            )  # fmt: skip
            n_shown = min(len(placed.starts), MOST_PLACEMENTS, len(window))
            with cell:
                show_panel(figure, name=panel, height=230 + (18 if n_shown < 12 else 12) * n_shown)


def _placed(layer: Layer, choice: ShapeChoice, axis: int) -> AxisPlacements:
    n_outputs = layer.output_size(choice.input_size)[axis]
    length = max(n_outputs, choice.input_size[axis] + sum(layer.pads[axis]))
    if length > LONGEST_STRIP:
        raise InputError(f"A strip of {length:,} pixels is not drawn.", remedy="Use a smaller one")
    return placements(layer, choice.input_size, axis)


def strip_parts(placed: AxisPlacements) -> dict[str, range]:
    """The whole strip where it is short, else its two ends, each by a name."""
    stop = placed.first + len(placed.counts)
    if len(placed.counts) <= LONGEST_WHOLE:
        return {"whole": range(placed.first, stop)}
    # Long enough for a placement and the next, but never so long that cells become lines.
    length = min(max(24, placed.taps[-1] + 2 + 2 * placed.starts.step), 160, len(placed.counts))
    return {
        "start": range(placed.first, placed.first + length),
        "end": range(stop - length, stop),
    }


def strip_sentence(placed: AxisPlacements) -> str:
    """Say what neighbours share and which pixels have no tap."""
    verb = "read" if placed.strip == "input" else "written"
    unit = placed.axis.removesuffix("s")
    overlap = placed.overlap if len(placed.starts) > 1 else 0
    shared = f"{overlap} {placed.axis if overlap > 1 else unit}" if overlap else "nothing"
    shared = f"Neighbouring placements share {shared}"
    never = placed.never.tolist()
    if not never:
        rest = f"every {unit} of the {placed.strip} is {verb}"
    else:
        some = runs(never, MOST_LISTED)
        rest = f"**{len(never):,} of {placed.size:,} {placed.axis} are never {verb}**: {some}"
    idle = len(placed.idle)
    outside = f" {idle} placement{'s' * (idle > 1)} touch no pixel at all." if idle else ""
    return f"{shared}; {rest}.{outside}"


def runs(numbers: Sequence[int], most: int) -> str:
    """Sorted whole numbers as runs, at most so many of them: "2, 5 to 7 and 12 more"."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    words = [f"{low:,}" if low == high else f"{low:,} to {high:,}" for low, high in found[:most]]
    left = sum(high - low + 1 for low, high in found[most:])
    return ", ".join(words) + (f" and {left:,} more" if left else "")


def show_costs(layer: Layer, choice: ShapeChoice) -> None:
    """Parameters, multiply-adds, and what the column matrix of im2col would hold."""
    if hidden_here("costs"):
        return
    cost = layer_cost(layer, choice.input_size, choice.in_channels)
    facts = {
        "Parameters": f"{cost.parameters:,}",
        "Multiply-adds": f"{cost.multiply_adds:,}",
        "im2col entries": f"{cost.column_entries:,}",
        "im2col, float32": readable_bytes(cost.column_bytes),
        "Entries for each input value": f"{cost.ratio:.3g}",
    }
    for cell, (label, value) in zip(st.columns(len(facts)), facts.items(), strict=True):
        cell.metric(label, value)
    st.caption(
        f"For one picture of {choice.in_channels:,} × {by(choice.input_size)} values. "
        "Every tap is counted, in the padding too, and the bias not at all; a pooling layer's taps "
        "are counted as if they were multiplied."
    )


def _axis_names(layer: Layer) -> str:
    return "(rows, columns of the matrix)" if layer.kind == "Unfold" else "(channel, height, width)"


def _pixels(n: int) -> str:
    return f"{n:,} pixel{'s' * (n != 1)}"
