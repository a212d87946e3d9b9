"""The same in Python: what the page shows, as a script that runs where rfviz is installed."""

import streamlit as st

from rfviz.ui.panels.position import Chosen
from rfviz.ui.sidebar.inputs import Inputs
from rfviz.ui.sidebar.named_weights import Choices

MOST_WRITTEN = 400
PICTURE_READ = "    picture = rfviz.load_picture(file.read())"


def show_code(inputs: Inputs, chosen: Chosen) -> None:
    """The present picture, spec, weights and position as code, to copy."""
    with st.expander("The same in Python"):
        st.code(python_code(inputs, chosen), language="python")


def python_code(inputs: Inputs, chosen: Chosen) -> str:
    """A script that prints the chosen receptive field, its sum and the check of every output."""
    return "\n".join(
        [
            "import torch",
            "",
            "import rfviz",
            "",
            *_picture(inputs),
            *_spec(inputs),
            *_weights(inputs),
            "",
            "columns = rfviz.ColumnMatrix(picture, spec)  # im2col, computed only where it is read",
            f"vector = columns.column({chosen.row}, {chosen.column})",
            'print("receptive field:", vector.tolist())',
            "",
            "output = rfviz.conv2d_by_matmul(picture, weight, bias, spec)",
            f"chosen = output[{chosen.filter_index}, {chosen.row}, {chosen.column}]",
            'print("output:", chosen.item())',
            "",
            "check = rfviz.compare_with_conv2d(picture, weight, bias, spec)",
            'print("as nn.Conv2d:", check.allclose, check.max_abs_error)',
            "",
        ]
    )


def _picture(inputs: Inputs) -> list[str]:
    source, grey, box, factor = inputs.picture.key[:4]
    if source.startswith("sample "):
        lines = [f'picture = rfviz.load_sample("{source.removeprefix("sample ")}")']
    else:
        lines = ['with open("picture.jpg", "rb") as file:  # your own', PICTURE_READ]
    if box is not None:
        top, left, height, width = box
        lines.append(f"picture = picture[:, {top}:{top + height}, {left}:{left + width}]")
    if grey:
        lines.append("picture = rfviz.to_grey(picture)")
    if factor > 1:
        lines.append(f"picture = rfviz.reduce_picture(picture, {factor})")
    if inputs.choices.repeats_grey:
        lines.append(f"picture = picture.expand({inputs.picture.n_channels}, -1, -1)")
    scale = "" if inputs.choices.divisor == 1 else f" / {inputs.choices.divisor}"
    lines.append(f"picture = picture.to({inputs.dtype}){scale}")
    return lines


def _spec(inputs: Inputs) -> list[str]:
    spec = inputs.spec
    return [
        "spec = rfviz.Conv2dSpec(",
        f"    {spec.kernel_size},",
        f"    stride={spec.stride},",
        f"    padding={spec.padding!r},",
        f"    dilation={spec.dilation},",
        f"    groups={spec.groups},",
        f'    padding_mode="{spec.padding_mode}",',
        ")",
    ]


def _weights(inputs: Inputs) -> list[str]:
    choices, n_channels = inputs.choices, inputs.picture.n_channels
    if isinstance(choices, Choices):
        lines = [
            "weight = rfviz.filter_bank(",
            f'    "{choices.name}", spec.kernel_size, in_channels={n_channels},',
            f"    n_filters={choices.n_filters}, groups=spec.groups,",
            f'    across="{choices.across}", seed={choices.seed}, dtype={inputs.dtype},',
            ")",
        ]
    elif inputs.weight.numel() <= MOST_WRITTEN:
        lines = [f"weight = torch.tensor({inputs.weight.tolist()}, dtype={inputs.dtype})"]
    else:
        lines = [
            'with open("weights.safetensors", "rb") as file:  # your own',
            '    weights = rfviz.load_weights(file.read(), "weights.safetensors")',
            f'weight = weights["weight"].to({inputs.dtype})  # the name of your layer',
        ]
    bias = "None"
    if inputs.bias is not None:
        bias = f"torch.tensor({inputs.bias.tolist()}, dtype={inputs.dtype})"
    return [*lines, f"bias = {bias}"]
