"""An operator beside the standard convolution on the person's picture, exactly and at full size."""

import math
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import NamedTuple

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.feature_maps.paired import PairedMaps
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.operators.apply import OperatorStrip, operator_strips
from rfviz.conv.operators.own import GradientCheck, gradcheck_operator
from rfviz.explorer.components import show_panel
from rfviz.figures.feature_map import feature_map_figure
from rfviz.figures.histogram import histogram_figure
from rfviz.figures.style import symmetric_limit
from rfviz.ui.operators.choice import VARIABLE, OperatorChoice
from rfviz.ui.panels.comparison import LARGEST_MAP
from rfviz.ui.panels.feature_maps import HEIGHT
from rfviz.ui.panels.maps import conv2d_at, one_filter
from rfviz.ui.panels.position import Chosen
from rfviz.ui.panels.receptive_field import number
from rfviz.ui.run.caches import remembered
from rfviz.ui.run.jobs import Job, job_for, result_of
from rfviz.ui.sidebar.explain import as_code, as_text
from rfviz.ui.sidebar.inputs import Inputs

WHAT = "Every output of the operator and of the convolution"
AWAITED = "Computing every output exactly"
VALUES, SCORES = "values", "standard scores"
PANELS = ("operator", "convolution", "operator-difference", "operator-histogram")
# A function of someone's own that needs longer for a picture is refused in words.
SECONDS_ALLOWED = 300.0
_ENTRIES_PER_STRIP = 4_000_000
# Beyond this ratio of deviations one of two maps on one scale is all of one colour.
_UNLIKE = 20


OWN_FILE = '''import rfviz


@rfviz.operator(
    title="Soft maximum",
    parameters={"sharpness": (1.0, 0.1, 10.0)},  # default, least, largest
)
def soft_maximum(patches, weight, sharpness):
    """From the mean of the products to the largest of them."""
    products = sharpness * weight[:, :, None] * patches
    return (products.softmax(1) * products).sum(1) / sharpness
'''


class ShownMaps(NamedTuple):
    """Both maps and their difference as they are drawn, (h, w) float64, and of what they are."""

    operator: Tensor
    convolution: Tensor
    kind: str

    @property
    def limit(self) -> float:
        """One limit for both, since they are compared."""
        return max(symmetric_limit(self.operator), symmetric_limit(self.convolution))


def about(choice: OperatorChoice, *, with_bias: bool = False) -> None:
    """Write the operator's formula, where it comes from, and what torch calls it."""
    entry = choice.operator
    if entry.formula:
        st.latex(entry.formula)
    lines = []
    if entry.source:
        said = "In its file" if choice.digest else "Source"
        lines.append(f"{said}: {as_text(entry.source.rstrip('.'))}.")
    if entry.equals:
        lines.append(f"In torch: {as_code(entry.equals)}." if _is_call(entry.equals)
                     else f"In torch: {as_text(entry.equals)}.")  # fmt: skip
    if not entry.reads_weight:
        lines.append("It reads no weight: every filter gives the same map, before its bias.")
    if with_bias:
        lines.append("The filter's bias is added to its result, so that both maps have it.")
    st.markdown(
        "$x$ is the receptive field and $w$ the filter, both with "
        "$K$ = channels / groups × kernel height × kernel width entries"
        + (", $m$ the mask. " if entry.reads_mask else ". ")
        + " ".join(lines)
    )


def show_own_file() -> None:
    """The form of a file that adds an operator, and how the app is started with it."""
    with st.expander("Add an operator of your own"):
        st.markdown(
            "A file of Python with a function of the receptive fields (K, n) and the filters "
            "(filters, K), which gives (filters, n):"
        )
        st.code(OWN_FILE, language="python")
        st.markdown("Start the app with it; after a change the next click reads it again:")
        st.code(f"{VARIABLE}=my_operators.py streamlit run app.py", language="bash")


def operator_job(inputs: Inputs, chosen: Chosen, choice: OperatorChoice) -> Job[PairedMaps]:
    """The session's job for the chosen filter: the operator and the convolution, every output."""
    key = (inputs.key, chosen.filter_index, choice.key)
    return job_for("operator", key, lambda: _steps(one_filter(inputs, chosen.filter_index), choice))


def paired_maps(job: Job[PairedMaps]) -> PairedMaps | None:
    """Both maps; None while the job is stopped, and where the operator fails, which is said."""
    return result_of(job, WHAT)


def _steps(single: Inputs, choice: OperatorChoice) -> Generator[float, None, PairedMaps]:
    maps = PairedMaps(single.output_size, LARGEST_MAP)
    for strip in _strips(single, choice):
        by_conv2d = conv2d_at(single, strip.rows, range(single.output_size[1]))
        maps.add(strip.rows, strip.values[0], by_conv2d[0])
        yield maps.fraction
    return maps


def _strips(single: Inputs, choice: OperatorChoice) -> Iterator[OperatorStrip]:
    divisor = single.choices.divisor
    return operator_strips(
        single.picture.pixels,
        single.weight,
        choice.operator,
        single.spec,
        single.bias,
        parameters=choice.values,
        mask=choice.mask.mask(single.picture.size) if choice.operator.reads_mask else None,
        prepare=None if divisor == 1 else (lambda pixels: pixels / divisor),
        rows_per_strip=max(
            1, _ENTRIES_PER_STRIP // (single.columns.shape[0] * single.output_size[1])
        ),
        seconds_limit=SECONDS_ALLOWED if choice.digest else None,
    )


def shown_maps(maps: PairedMaps, kind: str) -> ShownMaps:
    """The means of bins as values, or as standard scores: (value - mean) / standard deviation."""
    operator, convolution = maps.means
    if kind == SCORES:
        # A mean of scores is the score of the mean, so these are exact too.
        operator, convolution = (
            (means - moments.mean) / (moments.deviation or 1.0)
            for means, moments in zip(maps.means, maps.moments, strict=True)
        )
    return ShownMaps(operator, convolution, kind)


def show_map(
    inputs: Inputs, maps: PairedMaps, shown: ShownMaps, name: str, *, title: str, revision: str
) -> None:
    """One of the panels ``operator``, ``convolution`` and ``operator-difference``."""
    difference = name == "operator-difference"
    values = {
        "operator": shown.operator,
        "convolution": shown.convolution,
        "operator-difference": shown.operator - shown.convolution,
    }[name]
    figure = feature_map_figure(
        values,
        step=maps.step,
        output_size=inputs.output_size,
        limit=None if difference else shown.limit,
        title=title + (", standard scores" if shown.kind == SCORES else ""),
        name=name,
    )
    show_panel(
        figure, name=name, height=HEIGHT, kind="output", size=inputs.output_size, revision=revision
    )


def show_histograms(
    maps: PairedMaps, shown: ShownMaps, choice: OperatorChoice, *, revision: str
) -> None:
    """The panel ``operator-histogram``: how often each value occurs, in all outputs."""
    counted = [histogram.counted() for histogram in maps.histograms]
    if shown.kind == SCORES:
        counted = [
            each._replace(
                start=(each.start - moments.mean) / (moments.deviation or 1.0),
                width=each.width / (moments.deviation or 1.0),
            )
            for each, moments in zip(counted, maps.moments, strict=True)
        ]
    figure = histogram_figure(
        counted,
        names=(choice.operator.title, "Standard convolution"),
        values="Standard score" if shown.kind == SCORES else "Value of an output",
    )
    show_panel(figure, name="operator-histogram", height=HEIGHT, revision=revision)


def show_agreement(maps: PairedMaps, shown: ShownMaps) -> None:
    """Say how alike the two maps are, and what to do where one scale does not serve both."""
    operator, convolution = maps.moments
    missing = math.prod(maps.size) - maps.n_finite
    table = {
        "map": ["operator", "standard convolution"],
        "mean": [number(operator.mean), number(convolution.mean)],
        "standard deviation": [number(operator.deviation), number(convolution.deviation)],
    }
    st.dataframe(table, hide_index=True)
    if math.isnan(maps.correlation):
        text = "One of the maps is the same everywhere, so there is no correlation."
    else:
        text = f"Correlation of the two maps over all outputs: **{maps.correlation:.4f}**."
    if missing:
        text += f" {missing:,} outputs are not finite in one of them and are left out of it."
    deviations = sorted((operator.deviation, convolution.deviation))
    if shown.kind == VALUES and deviations[1] > _UNLIKE * deviations[0]:
        text += (
            " Their values differ so much in size that one scale hides the smaller; "
            "standard scores, (value − mean) / standard deviation, compare their patterns."
        )
    st.markdown(text)


def gradient_verdict(choice: OperatorChoice) -> GradientCheck | InputError:
    """Whether the operator can be trained, once for each choice."""

    def make() -> GradientCheck | InputError:
        try:
            return gradcheck_operator(choice.operator, choice.values)
        except InputError as error:
            return error

    return remembered(("gradcheck", choice.key), make)


def _is_call(text: str) -> bool:
    return " " not in text or text.startswith(("torch.cdist", "-torch.cdist"))


def chosen_field(inputs: Inputs, chosen: Chosen) -> Tensor:
    """The chosen receptive field in the channels that the chosen filter reads, (K,)."""
    column = inputs.values(inputs.columns.column(chosen.row, chosen.column))
    taps = math.prod(inputs.spec.kernel_size)
    group = inputs.group_of(chosen.filter_index)
    return column[group.start * taps : group.stop * taps]


def chosen_mask(inputs: Inputs, chosen: Chosen, choice: OperatorChoice) -> Tensor | None:
    """The mask of the chosen receptive field, (K,), or None where none is read."""
    if not choice.operator.reads_mask:
        return None
    known = choice.mask.mask(inputs.picture.size)
    if known is None:
        known = torch.ones(1, 1, dtype=torch.uint8).expand(inputs.picture.size)
    single = replace(inputs.spec, groups=1)
    one = ColumnMatrix(known[None], single).column(chosen.row, chosen.column)
    return one.repeat(len(inputs.group_of(chosen.filter_index))).to(inputs.dtype)
