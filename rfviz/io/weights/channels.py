"""A picture of other channels than a weight reads: the choices, each saying what it does."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from rfviz.conv.errors import InputError

Fitted = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class ChannelChoice:
    """One way to let a (C, H, W) picture and a (F, K, kh, kw) weight meet, and what it does.

    `fit(image, weight)` returns both, changed as `does` says.
    """

    name: str
    title: str
    does: str
    fit: Callable[[torch.Tensor, torch.Tensor], Fitted]


def channel_choices(picture_channels: int, weight_channels: int) -> tuple[ChannelChoice, ...]:
    """Every choice for a picture of some channels and a weight that reads others, the best first.

    `weight_channels` is the number that the layer reads, channels / groups times groups. Empty
    where the two are equal.

    >>> [choice.name for choice in channel_choices(1, 3)]
    ['repeat', 'sum_weight', 'pick_weight']
    >>> [choice.name for choice in channel_choices(3, 1)]
    ['grey', 'pick']
    """
    have, reads = picture_channels, weight_channels
    if have == reads:
        return ()
    choices = []
    if have == 1:
        choices.append(_repeat(reads))
        choices.append(_sum_weight(reads))
    if reads == 1:
        choices.append(_grey(have))
    if have > reads:
        choices.append(pick_channels(range(reads)))
    else:
        choices.append(_pick_weight(have, reads))
    return tuple(choices)


def choice_named(name: str, picture_channels: int, weight_channels: int) -> ChannelChoice:
    """Return the choice of that name; `InputError` with both numbers and the choices there are.

    >>> choice_named("grey", 3, 1).title
    'Mean of the channels'
    """
    choices = channel_choices(picture_channels, weight_channels)
    for choice in choices:
        if choice.name == name:
            return choice
    raise mismatch(picture_channels, weight_channels)


def mismatch(picture_channels: int, weight_channels: int) -> InputError:
    """Return the sentence for a picture of other channels than a weight reads, with the choices.

    >>> str(mismatch(3, 1))[:60]
    'The picture has 3 channels and the weight reads 1. Choose gr'
    """
    choices = channel_choices(picture_channels, weight_channels)
    names = " or ".join(f"{choice.name} ({choice.title.lower()})" for choice in choices)
    return InputError(
        f"The picture has {picture_channels} channels and the weight reads {weight_channels}.",
        remedy=f"Choose {names}" if names else None,
    )


def pick_channels(channels: range | list[int] | tuple[int, ...]) -> ChannelChoice:
    """Choice that reads some of the picture's channels, in the order given.

    >>> image, weight = torch.arange(3.0).reshape(3, 1, 1), torch.ones(1, 1, 1, 1)
    >>> pick_channels([2]).fit(image, weight)[0].tolist()
    [[[2.0]]]
    """
    wanted = list(channels)

    def fit(image: torch.Tensor, weight: torch.Tensor) -> Fitted:
        if not wanted or not all(0 <= channel < image.shape[0] for channel in wanted):
            raise InputError(
                f"Channels {wanted} were picked; the picture has 0 to {image.shape[0] - 1}."
            )
        return image[wanted], weight

    named = ", ".join(map(str, wanted))
    does = f"Only channel {named} of the picture is read; the others are left out."
    return ChannelChoice("pick", "Pick channels of the picture", does, fit)


def _repeat(reads: int) -> ChannelChoice:
    def fit(image: torch.Tensor, weight: torch.Tensor) -> Fitted:
        return image.expand(reads, -1, -1), weight

    does = f"The grey channel is read {reads} times, as a colour picture of greys would be."
    return ChannelChoice("repeat", "Repeat grey", does, fit)


def _sum_weight(reads: int) -> ChannelChoice:
    def fit(image: torch.Tensor, weight: torch.Tensor) -> Fitted:
        return image, weight.sum(1, keepdim=True)

    does = (
        f"The weight is summed over its {reads} input channels to one: the same answer as "
        f"repeating grey, up to rounding, with a smaller weight."
    )
    return ChannelChoice("sum_weight", "Sum the weight over its channels", does, fit)


def _grey(have: int) -> ChannelChoice:
    def fit(image: torch.Tensor, weight: torch.Tensor) -> Fitted:
        return image.to(weight.dtype).mean(0, keepdim=True), weight

    does = f"The {have} channels of the picture are averaged to one, each counting alike."
    return ChannelChoice("grey", "Mean of the channels", does, fit)


def _pick_weight(have: int, reads: int) -> ChannelChoice:
    def fit(image: torch.Tensor, weight: torch.Tensor) -> Fitted:
        return image, weight[:, :have]

    does = (
        f"Only the first {have} of the weight's {reads} input channels are used, so the answer "
        f"lacks what the others add."
    )
    return ChannelChoice("pick_weight", "Pick channels of the weight", does, fit)
