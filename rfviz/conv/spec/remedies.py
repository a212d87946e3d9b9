"""Which spec would fit: the smallest change of each kind, computed, so that a button can apply it.

Every remedy is tried before it is offered: applied to the spec, it fits the same picture.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.spec.padding_modes import RULES, Pads, Pair, largest_pad
from rfviz.conv.wording import by, padding_label

if TYPE_CHECKING:
    from rfviz.conv.spec.spec import Conv2dSpec


def mending_wholly(
    error: InputError, given: Mapping[str, Any], make: Callable[..., object]
) -> InputError:
    """Return the error with remedies after each of which `make(**given)` takes every value.

    Where a remedy mends one value and another is refused still, the remedies of that one are done
    as well. `make` raises an `InputError` whose remedies are whole.

    >>> def even(n): raise InputError("Odd.", [Remedy("Set n to 2", {"n": 2})])
    >>> given, one = {"n": 1}, InputError("No.", [Remedy("Set n to 4", {"n": 4})])
    >>> mending_wholly(one, given, even).remedies[0].label
    'Set n to 2'
    """
    return InputError(
        error.what, [whole for one in error.remedies for whole in _whole(one, given, make)]
    )


def _whole(
    remedy: Remedy, given: Mapping[str, Any], make: Callable[..., object]
) -> tuple[Remedy, ...]:
    if not remedy.changes or not remedy.changes.keys() <= given.keys():
        return (remedy,)
    try:
        make(**{**given, **remedy.changes})
    except InputError as error:
        return tuple(_both(remedy, further) for further in error.remedies if further.changes)
    return (remedy,)


def _both(remedy: Remedy, further: Remedy) -> Remedy:
    changes = {**remedy.changes, **further.changes}
    if further.changes.keys() >= remedy.changes.keys():
        return Remedy(further.label, changes)
    label = further.label.removeprefix("Set ")
    return Remedy(f"{remedy.label} and {label}", changes)


def size_problem(spec: "Conv2dSpec", size: Pair) -> str | None:
    """Return the sentence that says why the spec does not fit a (height, width) picture, or None.

    This is the one test of fit; remedies are judged by it too.
    """
    pads = spec.pads
    if spec.padding_mode != "zeros" and any(
        max(axis) > largest_pad(spec.padding_mode, n) for axis, n in zip(pads, size, strict=True)
    ):
        bound = RULES[spec.padding_mode].bound
        return (
            f"{spec.padding_mode.capitalize()} padding must be {bound} than the picture, but "
            f"padding {padding_label(pads)} was asked of a picture of {by(size)} pixels."
        )
    (top, bottom), (left, right) = pads
    padded = (size[0] + top + bottom, size[1] + left + right)
    spans = spec.effective_kernel_size
    if padded[0] >= spans[0] and padded[1] >= spans[1]:
        return None
    kernel = f"A {by(spec.kernel_size)} kernel"
    if spec.dilation != (1, 1):
        kernel += f" with dilation {by(spec.dilation)}"
    return (
        f"{kernel} spans {by(spans)} pixels, more than the picture of {by(size)} pixels "
        f"with its padding, {by(padded)}."
    )


def size_remedies(spec: "Conv2dSpec", size: Pair) -> tuple[Remedy, ...]:
    """Return the single changes that make the spec fit, or both padding and kernel if none does."""
    alone = tuple(remedy for remedy in _single_changes(spec, size) if _fits(spec, size, remedy))
    if alone:
        return alone
    padding = _clipped_pads(spec, size)
    kernel = _largest_kernel(replace(spec, padding=padding), size)
    label = f"Set padding to {padding_label(padding)} and the kernel to {by(kernel)}"
    return (Remedy(label, {"padding": padding, "kernel_size": kernel}),)


def channel_remedies(
    groups: int, in_channels: int, out_channels: int | None = None
) -> tuple[Remedy, ...]:
    """Return remedies for groups that do not divide the channels, the likeliest wish first.

    Where the input is divided, the next number of filters that is divided too; with a group for
    each channel that is a depthwise convolution.

    >>> channel_remedies(3, 3, 1)[0].label
    'Set filters to 3, one for each channel: a depthwise convolution'
    """
    by_groups = groups_remedies(groups, in_channels, *filter(None, (out_channels,)))
    if out_channels is None or in_channels % groups or out_channels % groups == 0:
        return by_groups
    filters = -(-out_channels // groups) * groups
    depthwise = filters == groups == in_channels
    named = ", one for each channel: a depthwise convolution" if depthwise else ""
    return (Remedy(f"Set filters to {filters}{named}", {"out_channels": filters}), *by_groups)


def groups_remedies(groups: int, *channels: int) -> tuple[Remedy, ...]:
    """Return the nearest common divisors of the channels below and above `groups`.

    >>> [remedy.changes["groups"] for remedy in groups_remedies(4, 6, 12)]
    [3, 6]
    """
    common = math.gcd(*channels)
    small = [n for n in range(1, math.isqrt(common) + 1) if common % n == 0]
    divisors = sorted({*small, *(common // n for n in small)})
    below = [n for n in divisors if n < groups][-1:]
    above = [n for n in divisors if n > groups][:1]
    return tuple(Remedy(f"Set groups to {n}", {"groups": n}) for n in below + above)


def _single_changes(spec: "Conv2dSpec", size: Pair) -> Iterator[Remedy]:
    padding = _grown_pads(spec, size)
    yield Remedy(f"Set padding to {padding_label(padding)}", {"padding": padding})
    kernel = _largest_kernel(spec, size)
    yield Remedy(f"Set the kernel to {by(kernel)}", {"kernel_size": kernel})
    dilation = _largest_dilation(spec, size)
    label = str(dilation[0]) if dilation[0] == dilation[1] else by(dilation)
    yield Remedy(f"Set dilation to {label}", {"dilation": dilation})
    yield Remedy("Set padding mode to zeros", {"padding_mode": "zeros"})


def _fits(spec: "Conv2dSpec", size: Pair, remedy: Remedy) -> bool:
    changes: dict[str, Any] = dict(remedy.changes)
    try:
        return size_problem(replace(spec, **changes), size) is None
    except InputError:
        return False


def _clipped_pads(spec: "Conv2dSpec", size: Pair) -> Pads:
    limits = [largest_pad(spec.padding_mode, n) for n in size]
    (top, bottom), (left, right) = spec.pads
    return (
        (min(top, limits[0]), min(bottom, limits[0])),
        (min(left, limits[1]), min(right, limits[1])),
    )


def _grown_pads(spec: "Conv2dSpec", size: Pair) -> Pads:
    """Clip to the mode, then add what each axis lacks: alike on both sides where they are alike."""
    spans = spec.effective_kernel_size
    rows, columns = (
        _grown(pad, span - n - sum(pad))
        for pad, span, n in zip(_clipped_pads(spec, size), spans, size, strict=True)
    )
    return (rows, columns)


def _grown(pad: Pair, lacking: int) -> Pair:
    before, after = pad
    if lacking <= 0:
        return pad
    if before == after:
        return (before + (lacking + 1) // 2, after + (lacking + 1) // 2)
    return (before + lacking // 2, after + lacking - lacking // 2)


def _room(spec: "Conv2dSpec", size: Pair) -> Pair:
    """How far apart the first and the last tap can be on each axis."""
    if spec.padding == "same":
        # The larger side of the padding is half of the kernel's span, rounded up.
        rows, columns = (2 * largest_pad(spec.padding_mode, n) for n in size)
        return (rows, columns)
    padded = spec.padded_size(size)
    return (padded[0] - 1, padded[1] - 1)


def _largest_kernel(spec: "Conv2dSpec", size: Pair) -> Pair:
    rows, columns = (
        min(kernel, room // step + 1)
        for kernel, room, step in zip(
            spec.kernel_size, _room(spec, size), spec.dilation, strict=True
        )
    )
    return (rows, columns)


def _largest_dilation(spec: "Conv2dSpec", size: Pair) -> Pair:
    rows, columns = (
        min(step, max(1, room // (kernel - 1))) if kernel > 1 else step
        for kernel, room, step in zip(
            spec.kernel_size, _room(spec, size), spec.dilation, strict=True
        )
    )
    return (rows, columns)
