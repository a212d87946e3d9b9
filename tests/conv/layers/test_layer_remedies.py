"""Remedies against brute force: each fits, and no nearer value of the same parameter does."""

import random
from dataclasses import replace
from typing import Any

import pytest
from random_layers import random_layer

from rfviz.conv.errors import InputError
from rfviz.conv.layers.fit import axis_numbers, problems
from rfviz.conv.layers.layer import Layer
from rfviz.conv.layers.remedies import fitting_interval, mending_changes

FIELDS = ("kernel_size", "stride", "dilation", "output_padding", "padding", "input_size")
# Larger than any value that a layer of the random kind needs.
MOST = 60


def invalid_layers(seed: int, n: int) -> list[tuple[Layer, tuple[int, int]]]:
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    found: list[tuple[Layer, tuple[int, int]]] = []
    while len(found) < n:
        draw = random_layer(rng)
        try:
            layer = Layer(draw.kind, **draw.parameters)
        except InputError:
            continue
        if problems(layer, draw.input_size):
            found.append((layer, draw.input_size))
    return found


def fits(layer: Layer, size: tuple[int, int], field: str, value: tuple[int, int]) -> bool:
    changes: dict[str, Any] = {field: value}
    if field == "padding":
        changes = {"padding": tuple((side, side) for side in value)}
    size = changes.pop("input_size", size)
    try:
        return min(size) > 0 and not problems(replace(layer, **changes), size)
    except InputError:
        return False


def now(layer: Layer, size: tuple[int, int], field: str) -> tuple[int, int]:
    if field == "input_size":
        return size
    if field == "padding":
        return layer.pads[0][0], layer.pads[1][0]
    value: tuple[int, int] = getattr(layer, field)
    return value


def nearest(layer: Layer, size: tuple[int, int], field: str, other: tuple[int, int]) -> list[int]:
    """Distances of the nearest value of each axis, the other axis mended already; -1 for none."""
    value, found = now(layer, size, field), []
    for axis in (0, 1):
        steps = [
            abs(v - value[axis])
            for v in range(MOST)
            if fits(layer, size, field, (v, other[1]) if axis == 0 else (other[0], v))
        ]
        found.append(min(steps, default=-1))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_remedy_fits_and_none_smaller_does(seed: int) -> None:
    for layer, size in invalid_layers(seed, 60):
        remedies = mending_changes(layer, size)
        single = {next(iter(r.changes)): r.changes for r in remedies if len(r.changes) == 1}
        assert remedies
        for field in FIELDS:
            if field not in single:
                continue
            value = single[field][field]
            value = (value[0][0], value[1][0]) if field == "padding" else value
            assert fits(layer, size, field, value), (layer, size, field, value)
            before = now(layer, size, field)
            moved = [abs(v - b) for v, b in zip(value, before, strict=True)]
            assert nearest(layer, size, field, value) == moved, (layer, size, field, value)


@pytest.mark.parametrize("seed", range(2))
def test_no_parameter_that_can_mend_alone_is_left_out(seed: int) -> None:
    for layer, size in invalid_layers(seed + 50, 25):
        offered = {
            name for r in mending_changes(layer, size) if len(r.changes) == 1 for name in r.changes
        }
        for field in FIELDS:
            # Each axis is judged with the other one mended by a value that surely fits it.
            can = any(fits(layer, size, field, (v, w)) for v in range(16) for w in range(16))
            assert (not can) or field in offered, (layer, size, field)


@pytest.mark.parametrize("seed", range(3))
def test_fitting_interval_is_all_that_fits(seed: int) -> None:
    for layer, size in invalid_layers(seed + 100, 80):
        if layer.kind in {"Conv2d", "Unfold"}:
            continue
        for field in FIELDS:
            if field == "dilation" and layer.kind == "AvgPool2d":
                continue
            for axis in (0, 1):
                numbers = axis_numbers(layer, size, axis)
                interval = fitting_interval(numbers, field) or (1, 0)
                square = (numbers.input_size,) * 2
                # This axis on both sides, so that it alone decides.
                alone = Layer(
                    layer.kind,
                    numbers.kernel_size,
                    numbers.stride,
                    numbers.before,
                    numbers.dilation,
                    numbers.output_padding,
                    numbers.ceil_mode,
                )
                for v in range(20):
                    expected = interval[0] <= v <= interval[1]
                    if (field, layer.kind) not in {
                        ("output_padding", "MaxPool2d"),
                        ("output_padding", "AvgPool2d"),
                    }:
                        assert fits(alone, square, field, (v, v)) == expected, (alone, field, v)


def test_problems_say_by_how_much() -> None:
    found = problems(Layer("Conv2d", (7, 3), dilation=2), (10, 10))
    assert [(p.axis, p.rule, p.found, p.allowed, p.excess) for p in found] == [
        ("rows", "size", 13, 10, 3)
    ]
    with pytest.raises(InputError, match="3 more than the picture of 10") as caught:
        Layer("Conv2d", (7, 3), dilation=2).output_size((10, 10))
    labels = [remedy.label for remedy in caught.value.remedies]
    assert labels[-1] == "Set input size to (13, 10)"


def test_two_changes_where_none_alone_mends() -> None:
    layer = Layer("MaxPool2d", 5, 1, 3, dilation=9)
    (remedy,) = mending_changes(layer, (1, 1))
    assert len(remedy.changes) == 2
    changes = dict(remedy.changes)
    size = changes.pop("input_size", (1, 1))
    assert not problems(replace(layer, **changes), size)
