"""How a picture meets a weight that reads other channels, as a change of the weight.

A mean of channels and a choice among them are sums with weights, so they become part of the
weight: the picture stays as it is, and every panel shows what is really read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from rfviz.conv.wording import channel_name
from rfviz.io.weights.channels import ChannelChoice, channel_choices

Picked = tuple[int, ...]


@dataclass(frozen=True)
class Meeting:
    """One way, what it does, and what becomes of the weight, (F, reads, kh, kw) to (F, C, kh, kw).

    ``picks``: it needs to be told which channels of the picture.
    """

    name: str
    title: str
    does: str
    fit: Callable[[Tensor, Picked], Tensor]
    repeats_grey: bool = False
    picks: bool = False


def meetings(have: int, reads: int) -> tuple[Meeting, ...]:
    """Every way for a picture of ``have`` channels and a weight that reads others, the best first.

    >>> [each.name for each in meetings(1, 3)], [each.name for each in meetings(3, 1)]
    (['repeat', 'sum_weight', 'pick_weight'], ['grey', 'pick'])
    >>> [each.name for each in meetings(3, 64)]
    ['grey_sum', 'pick_weight']
    """
    found = [_of(choice, have) for choice in channel_choices(have, reads)]
    # A picture of other than 1 or 3 channels cannot be shown; the sum gives the same answer.
    found = [each for each in found if each.name != "repeat" or reads == 3]
    if have > 1 and 1 < reads != have:
        found.insert(0, _grey_sum(have, reads))
    return tuple(found)


def picks_of(have: int, reads: int) -> dict[str, Picked]:
    """The channels of the picture that can be picked, by their names.

    >>> picks_of(3, 1)
    {'red': (0,), 'green': (1,), 'blue': (2,)}
    """
    choices = combinations(range(have), reads)
    return {" and ".join(channel_name(c, have) for c in picked): picked for picked in choices}


def _of(choice: ChannelChoice, have: int) -> Meeting:
    if choice.name == "repeat":
        return Meeting(choice.name, choice.title, choice.does, _unchanged, repeats_grey=True)
    if choice.name == "grey":
        return Meeting(choice.name, choice.title, choice.does, lambda w, _: _spread(w, have))
    if choice.name == "pick":
        does = "The other channels of the picture are left out: their weights are 0."
        return Meeting(
            choice.name, choice.title, does, lambda w, picked: _placed(w, picked, have), picks=True
        )
    no_pixels = torch.empty(have, 0, 0)
    return Meeting(choice.name, choice.title, choice.does, lambda w, _: choice.fit(no_pixels, w)[1])


def _grey_sum(have: int, reads: int) -> Meeting:
    does = (
        f"The {have} channels of the picture are averaged to grey, and the grey is read as each of "
        f"the weight's {reads} channels."
    )
    return Meeting(
        "grey_sum",
        "Mean to grey, then sum the weight",
        does,
        lambda w, _: _spread(w.sum(1, keepdim=True), have),
    )


def _unchanged(weight: Tensor, picked: Picked) -> Tensor:
    return weight


def _spread(weight: Tensor, have: int) -> Tensor:
    """A weight on one channel as the same weight on the mean of several."""
    return weight.expand(-1, have, -1, -1) / have


def _placed(weight: Tensor, picked: Picked, have: int) -> Tensor:
    placed = weight.new_zeros(weight.shape[0], have, *weight.shape[2:])
    placed[:, list(picked)] = weight
    return placed
