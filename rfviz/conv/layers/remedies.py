"""The smallest single changes that make a layer fit a picture, computed, so that a button applies.

The values of one parameter that fit, the others unchanged, are an interval on each axis. A remedy
moves each axis to the nearest end of its interval, and is tried before it is offered.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.layers.fit import AxisNumbers, axis_numbers, problems
from rfviz.conv.spec.padding_modes import LARGEST, RULES, Pair
from rfviz.conv.spec.remedies import size_remedies

if TYPE_CHECKING:
    from rfviz.conv.layers.layer import Layer

Interval = tuple[int, int]
FIELDS = ("padding", "kernel_size", "dilation", "output_padding", "stride", "input_size")


def mending_changes(layer: "Layer", input_size: Pair) -> tuple[Remedy, ...]:
    """Return one remedy for each parameter that can mend the layer alone, by its nearest value.

    `changes` names fields of `Layer`, or "input_size". Where no single change mends it, the one
    remedy changes two parameters. An output beyond the largest size gets advice.

    >>> from rfviz.conv.layers.layer import Layer
    >>> [dict(r.changes) for r in mending_changes(Layer("MaxPool2d", 2, padding=3), (8, 8))]
    [{'padding': ((1, 1), (1, 1))}, {'kernel_size': (6, 6)}]
    """
    alone = tuple(r for r in _single_changes(layer, input_size) if _mends(layer, input_size, r))
    if alone:
        return alone
    both = (r for r in _double_changes(layer, input_size) if _mends(layer, input_size, r))
    first = next(both, Remedy("Use a smaller picture, stride or kernel"))
    return (first,)


def fitting_interval(a: AxisNumbers, field: str) -> Interval | None:
    """Return the least and the largest value of one parameter that fit on this axis, or None.

    The other parameters stay as they are; "padding" is that of each side. The sliding layers with
    free padding (Conv2d, Unfold) have their own remedies in `rfviz.conv.spec.remedies`.

    >>> from rfviz.conv.layers.layer import Layer
    >>> layer = Layer("ConvTranspose2d", 3, 2, output_padding=5)
    >>> fitting_interval(axis_numbers(layer, (4, 4), 0), "output_padding")
    (0, 1)
    """
    rules = TRANSPOSED if a.kind == "ConvTranspose2d" else POOLING
    if field not in rules:
        return None
    low, high = rules[field](a)
    least = 0 if "padding" in field else 1
    low, high = max(low, least), min(high, LARGEST)
    return (low, high) if low <= high else None


def _single_changes(layer: "Layer", size: Pair) -> Iterator[Remedy]:
    if layer.kind in {"Conv2d", "Unfold"}:
        found = size_remedies(layer.spec, size)
        yield from (r for r in found if len(r.changes) == 1 and _allowed(layer, r))
        yield _remedy({"input_size": _least_picture(layer, size)})
        return
    for field in FIELDS:
        value = _clamped(layer, size, field)
        if value is not None:
            yield _remedy({field: value})
    if layer.kind.endswith("Pool2d") and not layer.ceil_mode:
        yield _remedy({"ceil_mode": True})


def _double_changes(layer: "Layer", size: Pair) -> Iterator[Remedy]:
    """Bound the padding that has a rule of its own first, then mend the size by another change."""
    if layer.kind == "ConvTranspose2d":
        most = [max(s, d) - 1 for s, d in zip(layer.stride, layer.dilation, strict=True)]
        bounded: dict[str, Any] = {"output_padding": _least_of(layer.output_padding, most)}
    else:
        kernel = [k // 2 for k in layer.kernel_size]
        high, wide = _least_of((layer.pads[0][0], layer.pads[1][0]), kernel)
        bounded = {"padding": ((high, high), (wide, wide))}
    eased = replace(layer, **bounded)
    for other in _single_changes(eased, size):
        yield _remedy({**bounded, **other.changes})


def _least_of(pair: Pair, bounds: list[int]) -> Pair:
    return (min(pair[0], bounds[0]), min(pair[1], bounds[1]))


def _clamped(layer: "Layer", size: Pair, field: str) -> object | None:
    """Move each axis of the parameter to the nearest value that fits; None where one cannot."""
    mended = []
    for axis in (0, 1):
        numbers = axis_numbers(layer, size, axis)
        interval = fitting_interval(numbers, field)
        if interval is None:
            return None
        now = numbers.before if field == "padding" else getattr(numbers, field)
        mended.append(min(max(now, interval[0]), interval[1]))
    high, wide = mended
    return ((high, high), (wide, wide)) if field == "padding" else (high, wide)


def _least_picture(layer: "Layer", size: Pair) -> Pair:
    mended = []
    for axis in (0, 1):
        a = axis_numbers(layer, size, axis)
        pad = max(a.before, a.after)
        least = RULES[layer.padding_mode].smallest_size(pad)
        mended.append(max(a.input_size, least, a.span - a.before - a.after))
    return (mended[0], mended[1])


def _allowed(layer: "Layer", remedy: Remedy) -> bool:
    """Whether the layer type has every parameter that the remedy sets."""
    return layer.kind == "Conv2d" or "padding_mode" not in remedy.changes


def _mends(layer: "Layer", size: Pair, remedy: Remedy) -> bool:
    changes: dict[str, Any] = dict(remedy.changes)
    new_size = changes.pop("input_size", size)
    try:
        return not problems(replace(layer, **changes), new_size)
    except InputError:
        return False


def _pool_room(a: AxisNumbers) -> int:
    """Pixels that the kernel may span: with ceil_mode all but one of a stride may hang over."""
    return a.padded + (a.stride - 1 if a.ceil_mode else 0)


def _half_kernel_kept(a: AxisNumbers, low: int, high: int) -> Interval:
    return (low, high) if a.before <= a.kernel_size // 2 else NOTHING


def _most_stride(a: AxisNumbers) -> int:
    """Without ceil_mode the stride plays no part: all of them fit, or none."""
    return LARGEST if a.ceil_mode or a.span <= a.padded else 0


def _output_padding_kept(a: AxisNumbers, low: int, high: int) -> Interval:
    return (low, high) if a.output_padding < max(a.stride, a.dilation) else NOTHING


def _least_step(lacking: int, times: int, other: int, a: AxisNumbers) -> Interval:
    """Least stride (dilation) that gives `lacking` pixels, `times` times, and the output padding.

    The output padding needs one of the two, this one or the `other`, to be larger than it.
    """
    if times == 0 and lacking > 0:
        return NOTHING
    least = -(-lacking // times) if times else 1
    return (max(least, a.output_padding + 1 if other <= a.output_padding else 1), LARGEST)


def _beyond(a: AxisNumbers, *without: str) -> int:
    """Pixels that the terms of a transposed layer's size leave to be found, without those named."""
    terms = {
        "input": (a.input_size - 1) * a.stride,
        "kernel": a.span - 1,
        "output_padding": a.output_padding,
    }
    return 2 * a.before - sum(value for name, value in terms.items() if name not in without)


NOTHING: Interval = (1, 0)

POOLING: Mapping[str, Callable[[AxisNumbers], Interval]] = MappingProxyType(
    {
        "kernel_size": lambda a: (2 * a.before, (_pool_room(a) - 1) // a.dilation + 1),
        "padding": lambda a: (
            -((_pool_room(a) - 2 * a.before - a.span) // 2),
            a.kernel_size // 2,
        ),
        "dilation": lambda a: (
            _half_kernel_kept(a, 1, (_pool_room(a) - 1) // max(a.kernel_size - 1, 1))
            if a.kernel_size > 1
            else _half_kernel_kept(a, 1, LARGEST)
        ),
        "stride": lambda a: _half_kernel_kept(
            a, a.span - a.padded + 1 if a.ceil_mode else 1, _most_stride(a)
        ),
        "input_size": lambda a: _half_kernel_kept(
            a, a.span - (_pool_room(a) - a.input_size), LARGEST
        ),
    }
)
TRANSPOSED: Mapping[str, Callable[[AxisNumbers], Interval]] = MappingProxyType(
    {
        "kernel_size": lambda a: _output_padding_kept(
            a, 1 - (-_beyond(a, "kernel") // a.dilation), LARGEST
        ),
        "padding": lambda a: _output_padding_kept(a, 0, (2 * a.before - _beyond(a)) // 2),
        "output_padding": lambda a: (_beyond(a, "output_padding"), max(a.stride, a.dilation) - 1),
        "stride": lambda a: _least_step(_beyond(a, "input"), a.input_size - 1, a.dilation, a),
        "dilation": lambda a: _least_step(_beyond(a, "kernel"), a.kernel_size - 1, a.stride, a),
        "input_size": lambda a: _output_padding_kept(
            a, 1 - (-_beyond(a, "input") // a.stride), LARGEST
        ),
    }
)


def _remedy(changes: dict[str, Any]) -> Remedy:
    words = [f"{name.replace('_', ' ')} to {_words(value)}" for name, value in changes.items()]
    return Remedy("Set " + " and ".join(words), changes)


def _words(value: object) -> str:
    """Return a value as a person writes it: one number where both axes are alike."""
    if isinstance(value, tuple) and isinstance(value[0], tuple):
        value = (value[0][0], value[1][0])
    if isinstance(value, tuple) and value[0] == value[1]:
        value = value[0]
    return str(value)
