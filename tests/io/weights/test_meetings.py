"""A picture and a weight of other channels: our change of the weight is what the choice says."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from rfviz.io.weights.channels import choice_named, pick_channels
from rfviz.io.weights.meetings import meetings, picks_of


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("have", [1, 3])
@pytest.mark.parametrize("reads", [1, 2, 3, 4, 64])
def test_every_way_answers_as_the_choice_says(have: int, reads: int) -> None:
    image, weight = noise(have, 8, 9), noise(5, reads, 3, 2, seed=1)
    ways = meetings(have, reads)
    assert bool(ways) == (have != reads)
    for way in ways:
        picked = list(picks_of(have, reads).values())[-1] if way.picks else ()
        if way.name == "grey_sum":
            expected = F.conv2d(image.mean(0, keepdim=True).expand(reads, -1, -1)[None], weight)
        else:
            choice = choice_named(way.name, have, reads)
            if way.picks:
                choice = pick_channels(picked)
            fitted = choice.fit(image, weight)
            expected = F.conv2d(fitted[0][None], fitted[1])
        seen = image.repeat(3, 1, 1) if way.repeats_grey else image
        assert_close(F.conv2d(seen[None], way.fit(weight, picked)), expected)
        assert way.does.endswith(".")
