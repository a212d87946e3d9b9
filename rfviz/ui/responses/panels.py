"""What filters answer to: all feature maps, and the receptive fields they answer most and least."""

import math
from collections.abc import Generator, Iterator
from typing import NamedTuple

import streamlit as st
import torch
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.feature_maps.binned_means import MapMeans
from rfviz.conv.feature_maps.strongest import Response, StrongestFields
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.matmul.strips import output_strips
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.wording import by, number
from rfviz.explorer.components import show_panel
from rfviz.figures.feature_map import feature_map_figure
from rfviz.figures.filter_grid import filter_grid_figure, grid_of
from rfviz.figures.marked_picture import NamedBox
from rfviz.figures.style import symmetric_limit
from rfviz.io.pictures.picture import picture_png
from rfviz.io.weights.channels import mismatch
from rfviz.ui.panels.picture import show_marked_picture
from rfviz.ui.panels.position import choose
from rfviz.ui.run.jobs import Job, job_for
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.inputs import Inputs
from rfviz.ui.sidebar.picture import Given, given_pictures

WHAT = "Every answer of every filter"
HEIGHT = 460
# Cells of all small maps together, and of one at the most.
MOST_CELLS, LARGEST_SMALL = 300_000, 96
# Numbers of all larger maps together: 64 MB as float64.
MOST_NUMBERS, LARGEST_MAP = 8_000_000, 256
PATCH_SIDE = 96
SHOWN_CHANNELS = (1, 3)


class Maps(NamedTuple):
    """Exact means of all feature maps (F, h, w), and the outputs that one cell stands for."""

    means: Tensor
    step: tuple[float, float]


class Answer(NamedTuple):
    """A receptive field, uint8 (C, kh, kw), the output that reads it, and its picture's name."""

    response: Response
    patch: Tensor
    picture: str


class Responses(NamedTuple):
    """The chosen picture's maps in two sizes; for each filter its answers from all pictures."""

    small: Maps
    large: Maps
    strongest: list[list[Answer]]
    weakest: list[list[Answer]]
    left_out: list[str]


def responses_job(inputs: Inputs, k: int) -> Job[Responses]:
    """The session's job for these inputs, all pictures given, and k receptive fields a filter."""
    given = given_pictures(inputs.picture)
    key = (inputs.key, tuple(each.key for each in given), k)
    return job_for("responses", key, lambda: _steps(inputs, given, k))


def _steps(inputs: Inputs, given: list[Given], k: int) -> Generator[float, None, Responses]:
    n_filters = inputs.weight.shape[0]
    small, large = (MapMeans(n_filters, inputs.output_size, size) for size in map_sizes(inputs))
    found = [
        StrongestFields(n_filters, inputs.spec, k, largest=largest) for largest in (True, False)
    ]
    left_out, own = [], _own_index(given)
    for index, each in enumerate(given):
        try:
            pixels = inputs.picture.pixels if index == own else _pixels(inputs, each)
            for rows, values in _strips(inputs, pixels, found[0].tile[0]):
                if index == own:
                    small.add(rows, values)
                    large.add(rows, values)
                for one in found:
                    one.add(index, rows, values)
                height = inputs.spec.output_size((pixels.shape[1], pixels.shape[2]))[0]
                yield (index + rows.stop / height) / len(given)
        except InputError as error:
            left_out.append(f"{each.name}: {error}")
    pictures = [inputs.picture.pixels if index == own else None for index in range(len(given))]
    strongest, weakest = (_answers(inputs, given, pictures, one.responses()) for one in found)
    return Responses(
        Maps(small.means, small.step), Maps(large.means, large.step), strongest, weakest, left_out
    )


def map_sizes(inputs: Inputs) -> tuple[Pair, Pair]:
    """Bins of a small and of a large map, as square as may be; fewer where there are many filters.

    >>> from types import SimpleNamespace as N
    >>> map_sizes(N(weight=torch.ones(3, 1, 1, 1), output_size=(1500, 2000)))
    ((72, 96), (192, 256))
    """
    n_filters = inputs.weight.shape[0]
    return (
        _bins(inputs.output_size, LARGEST_SMALL, MOST_CELLS // n_filters),
        _bins(inputs.output_size, LARGEST_MAP, MOST_NUMBERS // n_filters),
    )


def _bins(size: Pair, longest: int, most: int) -> Pair:
    height, width = size
    step = max(1.0, max(size) / longest, math.sqrt(height * width / max(1, most)))
    return max(1, round(height / step)), max(1, round(width / step))


def _pixels(inputs: Inputs, given: Given) -> Tensor:
    """A picture with as many channels as the weights read; `InputError` for another."""
    pixels = given.load().pixels
    have, reads = pixels.shape[0], inputs.picture.n_channels
    if have == 1 and inputs.choices.repeats_grey:
        return pixels.repeat(reads, 1, 1)
    if have != reads:
        raise mismatch(have, reads)
    return pixels


def _strips(inputs: Inputs, pixels: Tensor, height: int) -> Iterator[tuple[range, Tensor]]:
    divisor = inputs.choices.divisor
    prepare = None if divisor == 1 else (lambda values: values / divisor)
    return output_strips(
        pixels, inputs.weight, inputs.bias, inputs.spec, prepare=prepare, multiple_of=height
    )


def _answers(
    inputs: Inputs,
    given: list[Given],
    pictures: list[Tensor | None],
    responses: list[list[Response]],
) -> list[list[Answer]]:
    """Responses with the pixels that they read, one picture after the other."""
    patches: dict[tuple[int, int, int], Tensor] = {}
    for index in sorted({each.image for line in responses for each in line}):
        pixels = pictures[index]
        pixels = _pixels(inputs, given[index]) if pixels is None else pixels
        columns = ColumnMatrix(pixels, inputs.spec)
        for each in (each for line in responses for each in line if each.image == index):
            vector = columns.column(each.row, each.column)
            patch = vector.view(-1, *inputs.spec.kernel_size)
            patches[each[1:]] = patch
    return [
        [Answer(each, patches[each[1:]], given[each.image].name) for each in line]
        for line in responses
    ]


def show_gallery(inputs: Inputs, maps: Maps, chosen: int) -> None:
    """The panel ``gallery``: every filter's map, all on one scale; a click chooses a filter."""
    means = maps.means[:, None].float()
    limit = symmetric_limit(means)
    sentence = (
        f"{len(means):,} feature maps of {by(inputs.output_size)}{_reduction(maps)}, all on one "
        f"scale from {number(-limit)} to {number(limit)}"
    )
    figure = filter_grid_figure(means, chosen=chosen, sentence=sentence)
    grid = grid_of(tuple(means.shape))

    def choose_filter(row: int, column: int) -> None:
        index = grid.filter_at(row, column)
        if index is not None:
            st.session_state["filter"] = index

    show_panel(figure, name="gallery", height=560, size=grid.size, on_cell=choose_filter)


def show_large(inputs: Inputs, maps: Maps, chosen: int) -> None:
    """The panel ``zoomed``: the chosen filter's map on the scale of all."""
    figure = feature_map_figure(
        maps.means[chosen].float(),
        step=maps.step,
        output_size=inputs.output_size,
        limit=symmetric_limit(maps.means),
        title=f"Filter {chosen}",
        name="zoomed",
    )
    show_panel(figure, name="zoomed", height=HEIGHT, size=inputs.output_size)


def show_marked(inputs: Inputs, strongest: list[Answer], weakest: list[Answer]) -> None:
    """The panel ``answers``: the picture with the fields that lie in it, weakest ones dashed."""
    own = _own_index(given_pictures(inputs.picture))
    boxes = [
        NamedBox(f"{sign}{rank}", field.rows, field.columns, dashed=bool(sign))
        for sign, answers in (("", strongest), ("−", weakest))
        for rank, answer in enumerate(answers, 1)
        if answer.response.image == own
        for field in [inputs.spec.receptive_field(answer.response[2:])]
    ]
    title = "Largest (1, 2, …) and smallest (−1, −2, …)"
    show_marked_picture(inputs, boxes, name="answers", title=title, height=HEIGHT)


def _own_index(given: list[Given]) -> int:
    """Which of the pictures given is the sidebar's."""
    picked = st.session_state.get("picked") if len(given) > 1 else None
    return next((at for at, each in enumerate(given) if each.name == picked), 0)


def show_patches(inputs: Inputs, answers: list[Answer], sign: str) -> None:
    """The receptive fields, magnified, each with its rank, place and response."""
    if not answers:
        st.caption("No output is a number.")
        return
    with st.container(horizontal=True):
        for rank, answer in enumerate(answers, 1):
            response = answer.response
            place = f"({response.row:,}, {response.column:,})"
            field = inputs.spec.receptive_field((response.row, response.column))
            reads = f"rows {_ends(field.rows)}, columns {_ends(field.columns)}"
            with st.container(width=PATCH_SIDE + 24, gap=None):
                st.image(
                    picture_png(magnified(answer.patch)),
                    alt=f"{sign}{rank}: receptive field of output {place}",
                )
                st.caption(
                    f"**{sign}{rank}** {number(response.value)}  \noutput {place}  \n{reads}"
                )
    st.caption(
        "Below each: its answer, the output (row, column) that gives it, and the rows and columns "
        "of the picture that this output reads; below 0 or past the last is padding."
    )
    n_channels = answers[0].patch.shape[0]
    if n_channels not in SHOWN_CHANNELS:
        st.caption(f"Patches show the mean of their {n_channels} channels.")


def _ends(taps: range) -> str:
    return f"{taps[0]:,} to {taps[-1]:,}".replace("-", "−")


def magnified(patch: Tensor) -> Tensor:
    """A (C, kh, kw) patch in whole cells, about as large as its place; three channels or grey.

    Of another number of channels the mean is shown.

    >>> magnified(torch.tensor([[[10]], [[20]]], dtype=torch.uint8))[0, 0, 0].item()
    15
    """
    factor = max(1, PATCH_SIDE // max(patch.shape[1:]))
    shown = patch
    if patch.shape[0] not in SHOWN_CHANNELS:
        shown = patch.float().mean(0, keepdim=True).round()
    return shown.repeat_interleave(factor, 1).repeat_interleave(factor, 2).to(torch.uint8)


def answers_table(strongest: list[Answer], weakest: list[Answer]) -> None:
    """Every answer with its picture; choosing a line goes to its output, and to its picture."""
    lines = [
        (f"{sign}{rank}", answer)
        for sign, answers in (("", strongest), ("−", weakest))
        for rank, answer in enumerate(answers, 1)
    ]
    table = {
        "rank": [rank for rank, _ in lines],
        "response": [answer.response.value for _, answer in lines],
        "picture": [answer.picture for _, answer in lines],
        "output row": [answer.response.row for _, answer in lines],
        "output column": [answer.response.column for _, answer in lines],
    }

    def go_there() -> None:
        rows = st.session_state["answers"].selection.rows
        if rows:
            answer = lines[rows[0]][1]
            choose(answer.response.row, answer.response.column)
            if "picked" in st.session_state:
                st.session_state["picked"] = answer.picture

    st.dataframe(
        table,
        hide_index=True,
        height=min(400, 38 + 35 * len(lines)),
        key="answers",
        on_select=go_there,
        selection_mode="single-row",
    )


def show_left_out(left_out: list[str]) -> None:
    """Say which pictures were not read, and why."""
    if left_out:
        st.warning("Left out: " + " ".join(as_text(each) for each in left_out))


def _reduction(maps: Maps) -> str:
    return "" if maps.step == (1, 1) else f", means of {by(maps.step)} outputs"
