"""The same in Python: what the page shows, as code that needs torch and pillow, and as rfviz."""

import base64
from functools import partial
from pathlib import PurePath

import streamlit as st

from rfviz.export.kernel_code import MOST_WRITTEN
from rfviz.export.torch_script import (
    NamedBank,
    PictureFile,
    WeightsFile,
    files_needed,
    pixels_crc,
    torch_script,
)
from rfviz.io.pictures.picture import picture_png
from rfviz.io.pictures.samples import SAMPLES, Sample, sample_file
from rfviz.io.weights.write import torch_of
from rfviz.ui.panels.position import Chosen
from rfviz.ui.run import caches
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.given_weights import HandWeights, LayerWeights, Origin
from rfviz.ui.sidebar.inputs import Inputs
from rfviz.ui.sidebar.named_weights import Choices
from rfviz.ui.sidebar.picture import Source

PICTURE_READ = "    picture = rfviz.load_picture(file.read())"
# A part of a sample with so few values is written into the code: 64 rows and columns in colour.
MOST_VALUES_WRITTEN = 64 * 64 * 3
OWN_WEIGHTS = "weight.pt"
# Endings of files that torch.load reads.
TORCH_ENDINGS = (".pt", ".pth", ".bin", ".ckpt", ".tar")


def show_code(inputs: Inputs, chosen: Chosen) -> None:
    """The present picture, spec, weights and position as code, to copy."""
    with st.expander("The same in Python"):
        whole = inputs.picture.source
        assert whole is not None
        picture, weights = _picture_file(inputs, whole), _weights_file(inputs)
        st.markdown("**With torch and pillow alone**")
        st.caption(as_text(_needs(inputs, files_needed(picture, inputs.weight, weights))))
        _file_buttons(inputs, whole, picture, weights)
        st.code(plain_code(inputs, chosen, picture, weights), language="python")
        st.markdown("**With rfviz**")
        st.code(python_code(inputs, chosen), language="python")


def plain_code(
    inputs: Inputs, chosen: Chosen, picture: PictureFile, weights: NamedBank | WeightsFile
) -> str:
    """A script that prints the chosen receptive field and its sum, and what nn.Conv2d gives."""
    return torch_script(
        picture=picture,
        spec=inputs.spec,
        weight=inputs.weight,
        bias=inputs.bias,
        weights=weights,
        chosen=(chosen.filter_index, chosen.row, chosen.column),
    )


def _needs(inputs: Inputs, files: list[str]) -> str:
    if not files:
        return "It needs no file: picture and weights are in it."
    said = f"Save it beside {' and '.join(files)}."
    if OWN_WEIGHTS in files and isinstance(inputs.choices, LayerWeights):
        origin = inputs.choices.origin
        said += f" {OWN_WEIGHTS} is '{origin.weight}' of {origin.file} as it is computed with here."
    return said


def _picture_file(inputs: Inputs, whole: Source) -> PictureFile:
    """The picture as a file for Pillow: a person's own, a sample's, or a PNG of what is read."""
    _, grey, box, factor = inputs.picture.key[:4]
    repeated = inputs.picture.n_channels if inputs.choices.repeats_grey else 1
    divisor, part = inputs.choices.divisor, inputs.picture.pixels[: None if repeated == 1 else 1]
    if not whole.is_file and part.numel() <= MOST_VALUES_WRITTEN:
        text = base64.b64encode(picture_png(part)).decode()
        return PictureFile(
            whole.name, part.shape[0], pixels_crc(part), text=text, repeated=repeated,
            divisor=divisor,
        )  # fmt: skip
    sample = _sample_of(whole)
    file = sample.file if sample else whole.name
    if not sample and not _as_pillow_reads(whole):
        file = f"{PurePath(whole.name).stem or 'picture'}.png"
    crc = caches.remembered(("crc", whole.key), lambda: pixels_crc(whole.pixels))
    return PictureFile(
        file, whole.pixels.shape[0], crc, _is_transparent(whole, file), "", box, grey, factor,
        repeated, divisor,
    )  # fmt: skip


def _sample_of(whole: Source) -> Sample | None:
    return next((each for each in SAMPLES if whole.key == f"sample {each.name}"), None)


def _is_transparent(whole: Source, file: str) -> bool:
    """Whether the file's transparent parts have to be laid over white."""
    return file == whole.name and "Transparent" in whole.note


def _as_pillow_reads(whole: Source) -> bool:
    """Whether a person has a file that Pillow by itself reads as these pixels."""
    return whole.is_file and not whole.note.startswith(("16-bit grey", "TIFF of"))


def _weights_file(inputs: Inputs) -> NamedBank | WeightsFile:
    choices = inputs.choices
    if isinstance(choices, Choices):
        return NamedBank(choices.name, choices.across, choices.seed)
    if isinstance(choices, LayerWeights):
        return _of_origin(choices.origin)
    if isinstance(choices, HandWeights) and not choices.is_written(inputs.weight.shape):
        start = choices.start
        return NamedBank(start.name, start.across, start.seed)
    return WeightsFile(OWN_WEIGHTS, "weight", "bias")


def _of_origin(origin: Origin) -> WeightsFile:
    """The person's own file where torch reads it as it is, else one that is given beside."""
    ending = PurePath(origin.file).suffix.lower()
    if origin.as_stored and ending in TORCH_ENDINGS:
        return WeightsFile(origin.file, origin.weight, origin.bias)
    if origin.as_stored and ending == ".safetensors":
        return WeightsFile(origin.file, origin.weight, origin.bias, origin.dtype)
    return WeightsFile(OWN_WEIGHTS, "weight", "bias")


def _file_buttons(
    inputs: Inputs,
    whole: Source,
    picture: PictureFile,
    weights: NamedBank | WeightsFile,
) -> None:
    """Buttons for the files that the script needs; also for the picture, should it differ."""
    needed = files_needed(picture, inputs.weight, weights)
    with st.container(horizontal=True, gap="small"):
        sample = _sample_of(whole)
        if picture.file in needed and sample is not None:
            _button(sample.file, partial(sample_file, sample))
        elif picture.file in needed:
            _button(f"{PurePath(picture.file).stem}.png", partial(picture_png, whole.pixels))
        if OWN_WEIGHTS in needed:
            tensors = {"weight": inputs.weight}
            tensors |= {} if inputs.bias is None else {"bias": inputs.bias}
            _button(OWN_WEIGHTS, partial(torch_of, tensors))


def _button(file: str, write: "partial[bytes]") -> None:
    # Written when it is asked for.
    st.download_button(
        as_text(file), write, icon=":material/download:", file_name=file,
        mime="application/octet-stream", key=f"code-{PurePath(file).suffix}",
        help="A file that this code reads.",
    )  # fmt: skip


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
        name = inputs.picture.source.name if inputs.picture.source else "picture.jpg"
        lines = [f'with open({name!r}, "rb") as file:  # your own', PICTURE_READ]
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
        lines = _layer_of_file(inputs)
    bias = "None"
    if inputs.bias is not None:
        bias = f"torch.tensor({inputs.bias.tolist()}, dtype={inputs.dtype})"
    return [*lines, f"bias = {bias}"]


def _layer_of_file(inputs: Inputs) -> list[str]:
    """The layer by its name in a person's own file, or the weights as they are computed with."""
    file, name = OWN_WEIGHTS, "weight"
    if isinstance(inputs.choices, LayerWeights) and inputs.choices.origin.as_stored:
        file, name = inputs.choices.origin.file, inputs.choices.origin.weight
    return [
        f'with open({file!r}, "rb") as file:  # your own',
        f"    weights = rfviz.load_weights(file.read(), {file!r})",
        f"weight = weights[{name!r}].to({inputs.dtype})",
    ]
