"""The chosen receptive field under an operator, worked out step by step; and its code."""

from typing import Any, NamedTuple

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.operators.apply import operator_at
from rfviz.conv.operators.evaluate import evaluate
from rfviz.conv.operators.worked import WorkedSteps, worked_steps
from rfviz.export.operator_module import module_code
from rfviz.ui.operators.choice import OperatorChoice
from rfviz.ui.operators.panels import chosen_field, chosen_mask, gradient_verdict
from rfviz.ui.panels.position import Chosen
from rfviz.ui.panels.receptive_field import MOST_ENTRIES, FieldView, number, table_title
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.inputs import Inputs

MOST_TERMS = 12
_HALVES = (torch.bfloat16, torch.float16)


class WorkedOutput(NamedTuple):
    """One output: its vectors (K,), what the operator gives for them, and the steps if known."""

    patch: Tensor
    weight: Tensor
    mask: Tensor | None
    given: float
    output: float
    steps: WorkedSteps | None


def worked_output(inputs: Inputs, chosen: Chosen, choice: OperatorChoice) -> WorkedOutput:
    """Call the operator on the chosen column; `InputError` where its function fails."""
    # Half types are computed in float32 here as they are for the whole picture.
    summed = torch.float32 if inputs.dtype in _HALVES else inputs.dtype
    patch = chosen_field(inputs, chosen).to(summed)
    weight = inputs.weight[chosen.filter_index].flatten().to(summed)
    mask = chosen_mask(inputs, chosen, choice)
    masks = None if mask is None else mask.to(summed)[:, None]
    with torch.no_grad():
        if choice.operator.reads.is_plain:
            given = evaluate(choice.operator, patch[:, None], weight[None], choice.values, masks)
        else:
            given = _given_at(inputs, chosen, choice)
    bias = 0 if inputs.bias is None else inputs.bias[chosen.filter_index].to(summed)
    return WorkedOutput(
        patch,
        weight,
        mask,
        float(given[0, 0]),
        float((given[0, 0] + bias).to(inputs.dtype)),
        worked_steps(choice.operator, patch, weight, choice.values, mask),
    )


def _given_at(inputs: Inputs, chosen: Chosen, choice: OperatorChoice) -> Tensor:
    """(1, 1): by an operator that reads more than its receptive field, from the picture itself."""
    divisor = inputs.choices.divisor
    values = operator_at(
        inputs.picture.pixels,
        inputs.weight,
        choice.operator,
        inputs.spec,
        (chosen.row, chosen.column),
        parameters=choice.values,
        mask=choice.mask.mask(inputs.picture.size) if choice.operator.reads_mask else None,
        prepare=None if divisor == 1 else (lambda pixels: pixels / divisor),
    )
    return values[chosen.filter_index].view(1, 1)


def show_worked(inputs: Inputs, chosen: Chosen, choice: OperatorChoice, view: FieldView) -> None:
    """Write the chosen output out: its terms, the steps after them, the value, and torch's."""
    try:
        worked = worked_output(inputs, chosen, choice)
    except InputError as error:
        st.error(as_text(str(error)), icon=":material/rule:")
        return
    st.code("\n".join(_lines(inputs, chosen, choice, view, worked)), language=None, wrap_lines=True)
    with st.expander(table_title(len(worked.patch))):
        st.dataframe(entries(inputs, view, worked), hide_index=True, height=320)


def _lines(
    inputs: Inputs, chosen: Chosen, choice: OperatorChoice, view: FieldView, worked: WorkedOutput
) -> list[str]:
    title = choice.operator.title
    lines = [f"output ({chosen.row:,}, {chosen.column:,}) of filter {chosen.filter_index}: {title}"]
    lines.append(f"{'x:':<6} {_vector(worked.patch)}")
    lines.append(f"{'w:':<6} {_vector(worked.weight)}")
    if worked.mask is not None:
        lines.append(f"{'m:':<6} {_vector(worked.mask)}")
    if worked.steps is not None:
        lines.append(f"{worked.steps.term}: {_vector(worked.steps.terms)}")
        lines += [f"{step.what}: {number(step.value)}" for step in worked.steps.steps]
    lines.append(f"The operator gives {number(worked.given)}")
    if inputs.bias is not None:
        bias = float(inputs.bias[chosen.filter_index])
        lines.append(f"Plus the bias {number(bias)}: {number(worked.output)}")
    lines.append(f"nn.Conv2d gives {number(view.by_conv2d)} for the same receptive field")
    return lines


def _vector(values: Tensor) -> str:
    listed = ", ".join(number(value) for value in values[:MOST_TERMS].tolist())
    if len(values) > MOST_TERMS:
        listed += f", ... ({len(values):,} in all, in the table below)"
    return f"({listed})"


def entries(inputs: Inputs, view: FieldView, worked: WorkedOutput) -> dict[str, Any]:
    """One line an entry, of very many the first: where, its pixel, its weight, and its term."""
    height, width = inputs.spec.kernel_size
    shown = torch.arange(min(len(worked.patch), MOST_ENTRIES))
    rows, columns = torch.tensor(view.field.rows), torch.tensor(view.field.columns)
    channels, taps = shown // (height * width), shown % (height * width)
    kernel_rows, kernel_columns = taps // width, taps % width
    table: dict[str, Any] = {
        "channel": [view.channel_names[channel] for channel in channels.tolist()],
        "kernel row": kernel_rows.tolist(),
        "kernel column": kernel_columns.tolist(),
        "input row": rows[kernel_rows].tolist(),
        "input column": columns[kernel_columns].tolist(),
        "x": worked.patch[shown].tolist(),
        "w": worked.weight[shown].tolist(),
    }
    if worked.mask is not None:
        table["m"] = worked.mask[shown].tolist()
    if worked.steps is not None and worked.steps.term not in table:
        table[worked.steps.term] = worked.steps.terms[shown].tolist()
    return table


def show_training(choice: OperatorChoice) -> None:
    """Say whether the operator can be trained."""
    verdict = gradient_verdict(choice)
    if isinstance(verdict, InputError):
        st.error(as_text(str(verdict)), icon=":material/rule:")
    elif verdict.trainable:
        st.success(as_text(verdict.sentence))
    else:
        st.warning(as_text(verdict.sentence))
    st.caption("Checked by torch.autograd.gradcheck on random receptive fields and weights.")


def show_code(inputs: Inputs, choice: OperatorChoice) -> None:
    """The operator as an nn.Module, to copy and to download."""
    if not choice.operator.reads.is_plain:
        n_channels, n_filters = inputs.picture.n_channels, inputs.weight.shape[0]
        size = f", input_size={inputs.picture.size}" * choice.operator.reads.weight_per_column
        st.code(
            f"import rfviz\n\nspec = rfviz.{inputs.spec!r}\nlayer = rfviz.OperatorConv2d(\n"
            f"    {choice.operator.name!r}, spec, {n_channels}, {n_filters}{size}\n)",
            language="python",
        )
        st.caption("It reads more than its receptive field: the layer needs rfviz.")
        return
    try:
        code = module_code(
            choice.operator,
            inputs.spec,
            inputs.picture.n_channels,
            inputs.weight.shape[0],
            bias=inputs.bias is not None,
            parameters=choice.values,
        )
    except InputError as error:
        st.error(as_text(str(error)), icon=":material/rule:")
        return
    st.download_button(
        "Download as a file", code, file_name=f"{choice.operator.name}.py", mime="text/x-python",
        key="operator_download",
    )  # fmt: skip
    st.code(code, language="python", height=420)
    st.caption(
        "It needs torch alone. Its weights begin as those of nn.Conv2d; those of the sidebar are "
        "a file of the page Filters, to be set by load_state_dict."
        + (" Its mask is that of the padding alone." if choice.operator.reads_mask else "")
    )
