"""The effective receptive field of the chosen unit: a job, its map and what it says."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

import streamlit as st

from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.effective import EffectiveField
from rfviz.conv.receptive_field.effective_steps import (
    DepthField,
    depth_steps,
    effective_steps,
    square_root_law,
)
from rfviz.conv.receptive_field.nested import Path
from rfviz.conv.receptive_field.stack import Branches
from rfviz.conv.spec.spec import ReceptiveField
from rfviz.conv.wording import number
from rfviz.explorer.components import show_panel
from rfviz.figures.depth_growth import depth_growth_figure
from rfviz.figures.effective_field import effective_field_figure
from rfviz.ui.run import jobs
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.picture import Picture
from rfviz.ui.stack.controls import FileStack, StackChoice, file_stack
from rfviz.ui.stack.panels import Unit, picture_view

CHANNELS = 8
MOST_SEEDS = 100
WEIGHTS = ("random", "of the file")
HEIGHT = 520


@dataclass(frozen=True)
class EffectiveChoice:
    """With or without ReLU, over how many seeds, and whose weights: None are drawn at random."""

    relu: bool
    n_seeds: int
    given: FileStack | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Names what follows from this choice."""
        return (self.relu, self.n_seeds, None if self.given is None else self.given.digest)

    def parts(self, path: Path) -> tuple[Path, dict[str, Any]]:
        """The layers to run, and how: with their own channels where weights are given."""
        how: dict[str, Any] = {"relu": self.relu, "n_seeds": self.n_seeds}
        if self.given is None:
            widths = {"in_channels": CHANNELS, "hidden_channels": CHANNELS}
            return narrowed(path), how | widths
        _, found = self.given
        return path, how | {"in_channels": found.in_channels, "parameters": found.parameters}


def effective_widgets() -> EffectiveChoice | None:
    """Draw the switch and the choices; None while it is switched off."""
    cells = st.columns([3, 2, 2, 4], vertical_alignment="bottom")
    shown = cells[0].toggle(
        "Work it out",
        key="stack_effective",
        bind="query-params",
        help="Draws networks at random and takes their gradients: seconds for a deep one.",
    )
    relu = cells[1].toggle(
        "ReLU", key="stack_relu", bind="query-params",
        help="A ReLU after each convolution. Half of the units then pass no gradient on.",
    )  # fmt: skip
    n_seeds = cells[2].number_input(
        "Seeds", 1, MOST_SEEDS, 10, key="stack_seeds", bind="query-params",
        help="Networks drawn at random over which the squared gradient is averaged.",
    )  # fmt: skip
    given = file_stack()
    if given is not None:
        whose = cells[3].segmented_control(
            "Weights", WEIGHTS, default=WEIGHTS[0], required=True, key="stack_weights",
            bind="query-params",
            help="The file's own, with their biases; normalisation layers are left out. Only the "
            "picture is then drawn at random, and it matters with ReLU alone.",
        )  # fmt: skip
        given = given if whose == WEIGHTS[1] else None
    return EffectiveChoice(relu, int(n_seeds), given) if shown else None


def effective_of(choice: StackChoice, unit: Unit, how: EffectiveChoice) -> EffectiveField | None:
    """The job's result; None where it met an error, said in its place, or a person stopped it."""
    path, ways = how.parts(unit.place.path)
    key = (choice.key, unit.index, unit.position, how.key)

    def start() -> Generator[float, None, EffectiveField]:
        return effective_steps(path, choice.input_size, unit.position, **ways)

    return jobs.result_of(jobs.job_for("effective", key, start), "Effective receptive field")


def show_depth(choice: StackChoice, unit: Unit, how: EffectiveChoice) -> None:
    """The panel ``stack-depth``, once asked for: the effective field of every layer on the way."""
    asked = st.toggle(
        "Growth with depth", key="stack_depth", bind="query-params",
        help="The same for the middle unit of every layer: as long again as for one, for each.",
    )  # fmt: skip
    if not asked:
        return
    path, ways = how.parts(unit.place.path)

    def start() -> Generator[float, None, list[DepthField]]:
        return depth_steps(path, choice.input_size, **ways)

    key = (choice.key, unit.index, how.key)
    found = jobs.result_of(jobs.job_for("depth", key, start), "Effective field of every layer")
    if found is None:
        return
    law = square_root_law([each.sigma for each in found])
    figure = depth_growth_figure(
        [each.name for each in found],
        [each.theoretical for each in found],
        [each.sigma for each in found],
        law,
    )
    show_panel(figure, name="stack-depth", height=360)
    st.caption(
        f"Nearest law: σ = {number(law)} · √layer. It holds for equal layers of stride 1, where "
        "the theoretical field grows in proportion to the depth and the effective one only as its "
        "square root; strides and pooling widen both. Source: Luo et al., NeurIPS 2016."
    )


def narrowed(path: Path) -> Path:
    """The same layers without widths of their own, so that each map gets ``CHANNELS`` channels.

    >>> narrowed((Layer("Conv2d", 3, groups=32, out_channels=64),))[0].groups
    8
    """
    return tuple(_narrow(layer) for layer in path)


def show_effective(
    picture: Picture, found: EffectiveField, unit: Unit, field: ReceptiveField
) -> None:
    """The panel ``stack-effective``: the map around the theoretical field, over the picture."""
    over = st.toggle(
        "Over the picture", value=True, key="stack_over", bind="query-params",
        help="Where the gradient is weak the picture shows through.",
    )  # fmt: skip
    size = (found.power.shape[0], found.power.shape[1])
    shown = _around(field, size)
    rows, columns = shown.rows, shown.columns
    figure = effective_field_figure(
        found.power[rows.start : rows.stop, columns.start : columns.stop],
        top=rows.start,
        left=columns.start,
        field=field,
        centre=found.fit.centre,
        sigma=found.fit.sigma,
        radius=found.radius_95,
        title=f"Effective receptive field of {unit.words}",
        view=picture_view(picture, size, shown) if over else None,
    )
    show_panel(figure, name="stack-effective", height=HEIGHT, size=(len(rows), len(columns)))


def effective_words(found: EffectiveField, how: EffectiveChoice, field: ReceptiveField) -> None:
    """What the map says, in numbers."""
    down, across = found.fit.sigma
    theoretical = len(field.rows) * len(field.columns)
    circle = 3.141592653589793 * found.radius_95**2
    lines = {
        "95 % of the power within": f"{number(found.radius_95)} pixels",
        "σ of the Gaussian, rows": f"{number(down)} pixels",
        "σ of the Gaussian, columns": f"{number(across)} pixels",
        "Misfit of the Gaussian": f"{found.fit.misfit:.1%}",
        "Pixels with any gradient": f"{found.n_touched:,} of {theoretical:,}",
    }
    for place, (label, value) in zip(
        (*st.columns(2), *st.columns(2), st.container()), lines.items(), strict=True
    ):
        place.metric(label, value)
    layers = "with a ReLU after each convolution" if how.relu else "without ReLU"
    averaged = f", averaged over {how.n_seeds} seed{'s' * (how.n_seeds > 1)}"
    if how.given is not None and not how.relu:
        # Linear layers have one gradient, whatever the picture.
        averaged = ""
    st.markdown(
        as_text(
            f"The squared gradient of the unit with respect to the picture{averaged}, "
            f"{layers}. The circle that holds 95 % of it has {circle / theoretical:.0%} of the "
            "area of the theoretical field."
        )
    )
    drawn = (
        f"Weights are drawn at random, {CHANNELS} channels in every map so that it is quick; "
        "widths change the noise, not the law."
    )
    if how.given is not None:
        drawn = "Weights and biases are the file's; normalisation layers are left out."
    st.caption(
        f"{drawn} Source: Luo et al., NeurIPS 2016. The misfit is the total variation distance: "
        "0 % is a perfect Gaussian."
    )


def _narrow(layer: Layer | Branches) -> Layer | Branches:
    if isinstance(layer, Branches):
        paths = tuple(tuple(_narrow(inner) for inner in path) for path in layer.paths)
        return replace(layer, paths=paths)
    if "Pool" in layer.kind:
        return layer
    return replace(layer, out_channels=None, groups=gcd(layer.groups, CHANNELS))


def _around(field: ReceptiveField, size: tuple[int, int]) -> ReceptiveField:
    """The field's rows and columns inside the picture, with a margin to see its edge."""
    parts = []
    for taps, side in zip((field.rows, field.columns), size, strict=True):
        margin = max(2, len(taps) // 16)
        start = max(0, min(taps.start - margin, side - 1)) if taps else 0
        stop = min(side, taps.stop + margin) if taps else side
        parts.append(range(start, max(stop, start + 1)))
    return ReceptiveField(*parts)
