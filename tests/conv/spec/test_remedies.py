"""Every remedy that is offered mends: random misfits of specs, layers and stacks, each applied."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import KINDS, Layer
from rfviz.conv.receptive_field.stack import Branches, stack_geometry
from rfviz.conv.spec.padding_modes import PADDING_MODES
from rfviz.conv.spec.spec import Conv2dSpec

Stack = list[Layer | Branches]

WRONG = (0, -1, True, 2.5, "3", None, (0, 2), (1, 2, 3), 10**30, float("nan"), "SAME", "full", "1")


def misfit(call: Callable[[], object]) -> InputError | None:
    try:
        call()
    except InputError as error:
        return error
    return None


def stack_changed(
    stack: Stack, size: tuple[int, int], changes: Mapping[str, Any]
) -> tuple[Stack, tuple[int, int]]:
    """The stack and its picture after the changes of a remedy."""
    fields = dict(changes)
    index, size = fields.pop("layer", None), fields.pop("input_size", size)
    if index is not None:
        layer = stack[index]
        assert isinstance(layer, Layer)
        return [*stack[:index], replace(layer, **fields), *stack[index + 1 :]], size
    assert not fields
    return stack, size


def _two(rng: random.Random, low: int, high: int) -> tuple[int, int]:
    return rng.randint(low, high), rng.randint(low, high)


def _layer(rng: random.Random) -> Layer:
    while True:
        kind = rng.choice(KINDS)
        options: dict[str, Any] = {
            "kernel_size": _two(rng, 1, 7),
            "stride": _two(rng, 1, 4),
            "padding": _two(rng, 0, 4),
        }
        if kind != "AvgPool2d":
            options["dilation"] = _two(rng, 1, 3)
        if kind == "ConvTranspose2d":
            options["output_padding"] = _two(rng, 0, 3)
        if kind.endswith("Pool2d"):
            options["ceil_mode"] = rng.random() < 0.5
        if kind == "Conv2d":
            options["padding_mode"] = rng.choice(PADDING_MODES)
        return Layer(kind, **options)


def _stack(rng: random.Random) -> Stack:
    stack: Stack = [_layer(rng) for _ in range(rng.randint(2, 6))]
    if rng.random() < 0.3:
        paths = tuple(tuple(_layer(rng) for _ in range(rng.randint(0, 2))) for _ in range(2))
        stack.insert(rng.randint(0, len(stack)), Branches(paths, rng.choice(["add", "concat"])))
    return stack


@pytest.mark.parametrize("kind", ["Conv2dSpec", *KINDS])
def test_values_that_cannot_be_are_mended_at_once(kind: str) -> None:
    rng = random.Random(kind)  # noqa: S311 - reproducible
    n_offered = 0
    for _ in range(250):
        fields = ("kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
        given: dict[str, Any] = {"kernel_size": 3}
        for field in rng.sample(fields, rng.randint(1, 4)):
            given[field] = rng.choice((*WRONG, 2, "same", "reflect"))
        if kind != "Conv2dSpec":
            given["kind"] = kind
        make: Callable[..., object] = Conv2dSpec if kind == "Conv2dSpec" else Layer
        error = misfit(partial(make, **given))
        for remedy in () if error is None else error.remedies:
            n_offered += 1
            assert remedy.changes, remedy
            make(**{**given, **remedy.changes})
    assert n_offered > 100


@pytest.mark.parametrize("seed", range(10))
def test_a_spec_on_a_picture_is_mended(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible
    for _ in range(60):
        spec = Conv2dSpec(
            _two(rng, 1, 9),
            stride=_two(rng, 1, 3),
            padding=_two(rng, 0, 5),
            dilation=_two(rng, 1, 4),
            padding_mode=rng.choice(PADDING_MODES),
        )
        size = _two(rng, 1, 9)
        error = misfit(partial(spec.output_size, size))
        if error is not None:
            assert error.remedies
        for remedy in () if error is None else error.remedies:
            replace(spec, **remedy.changes).output_size(size)


@pytest.mark.parametrize("seed", range(10))
def test_a_stack_on_a_picture_is_mended(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible
    n_offered = 0
    for _ in range(120):
        stack: list[Layer | Branches] = [_layer(rng)] if rng.random() < 0.3 else _stack(rng)
        size = _two(rng, 1, 12)
        error = misfit(partial(stack_geometry, stack, size))
        for remedy in () if error is None else error.remedies:
            if remedy.changes:
                n_offered += 1
                stack_geometry(*stack_changed(stack, size, remedy.changes))
    assert n_offered > 40


def test_the_size_that_is_offered_is_the_least_for_the_whole_stack() -> None:
    stack = [Conv2dSpec(5), Conv2dSpec(5)]
    error = misfit(lambda: stack_geometry(stack, (6, 6)))
    assert error is not None
    assert error.remedies[-1].label == "Set input size to 9"
    assert stack_geometry(stack, (9, 9))[-1].output_size == (1, 1)
    assert misfit(lambda: stack_geometry(stack, (8, 9))) is not None


def test_a_misspelt_same_keeps_the_stride_or_sets_it_to_one() -> None:
    error = misfit(lambda: Conv2dSpec(5, stride=2, padding="SAME"))
    assert error is not None
    assert [dict(remedy.changes) for remedy in error.remedies] == [
        {"padding": "same", "stride": (1, 1)},
        {"padding": ((2, 2), (2, 2))},
    ]
