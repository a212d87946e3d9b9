"""Placements along an axis against a count by hand and against autograd."""

import random

import pytest
import torch
import torch.nn.functional as F
from random_layers import (
    one_thread,  # noqa: F401 - a fixture
    random_layer,
)

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.reads import reads_per_axis
from rfviz.conv.layers.layer import Layer
from rfviz.conv.layers.placements import placements


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_the_placements_taps_one_by_one(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    n_compared = 0
    while n_compared < 60:
        draw = random_layer(rng)
        try:
            layer = Layer(draw.kind, **draw.parameters)
            layer.output_size(draw.input_size)
        except InputError:
            continue
        found = placements(layer, draw.input_size, 0)
        expected = torch.zeros_like(found.counts)
        real = range(found.size)
        for index in range(len(found.starts)):
            for tap in found.placement(index):
                expected[tap - found.first] += 1
        torch.testing.assert_close(found.counts, expected)
        never = [pixel for pixel in real if expected[pixel - found.first] == 0]
        assert found.never.tolist() == never
        idle = [
            index
            for index in range(len(found.starts))
            if not any(tap in real for tap in found.placement(index))
        ]
        assert list(found.idle) == idle
        n_compared += 1


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_pixels_never_read_are_those_of_reads_per_axis(mode: str) -> None:
    layer = Layer("Conv2d", 2, 4, 2, 3, padding_mode=mode)
    reads = reads_per_axis((9, 9), layer.spec).rows
    assert placements(layer, (9, 9), 0).never.tolist() == torch.nonzero(reads == 0)[:, 0].tolist()


def test_overlap_is_what_neighbours_share() -> None:
    for kernel, stride, dilation in [(3, 1, 1), (3, 2, 1), (3, 3, 1), (5, 2, 2), (4, 3, 2)]:
        found = placements(Layer("Conv2d", kernel, stride, 0, dilation), (40, 40), 1)
        shared = set(found.placement(0)) & set(found.placement(1))
        assert found.overlap == len(shared)


def test_a_transposed_layer_lays_its_kernel_on_the_output() -> None:
    layer = Layer("ConvTranspose2d", 3, 2, 1)
    found = placements(layer, (4, 4), 0)
    picture, weight = torch.ones(1, 1, 4, 1), torch.ones(1, 1, 3, 1)
    written = F.conv_transpose2d(picture, weight, stride=(2, 1), padding=(1, 0))[0, 0, :, 0]
    assert found.strip == "output"
    real = found.counts[-found.first : -found.first + found.size]
    torch.testing.assert_close(real.float(), written)
    gaps = placements(Layer("ConvTranspose2d", 1, 3), (3, 3), 0)
    assert gaps.never.tolist() == [1, 2, 4, 5]


def test_ceil_mode_reaches_past_the_picture() -> None:
    found = placements(Layer("MaxPool2d", 2, ceil_mode=True), (5, 5), 0)
    assert list(found.placement(2)) == [4, 5]
    assert len(found.counts) == 6


@pytest.mark.parametrize(
    ("layer", "size", "axis"),
    [(Layer("Conv2d", 9), (4, 4), 0), (Layer("Conv2d", 1), (2**30, 2), 0),
     (Layer("Conv2d", 1), (4, 4), 2), (Layer("Conv2d", 1), (4, 4), "rows"),
     (Layer("Conv2d", 1), None, 0)],
)  # fmt: skip
def test_what_cannot_be_laid_out_is_an_input_error(
    layer: Layer, size: object, axis: object
) -> None:
    with pytest.raises(InputError):
        placements(layer, size, axis)


def test_a_placement_outside_is_an_input_error() -> None:
    with pytest.raises(InputError, match="placement"):
        placements(Layer("Conv2d", 3), (8, 8), 0).placement(6)
