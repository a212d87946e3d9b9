"""What a person may write for a parameter, turned into the one form that is stored.

Numbers come from sliders, addresses, files, numpy and torch; what cannot be a whole number in range
is refused here, with its value and a value that would do, before torch words it in another way.
"""

import difflib
import operator
from collections.abc import Sequence
from typing import Any, Literal, cast, get_args

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.spec.padding_modes import LARGEST, PADDING_MODES, PaddingMode, Pads, Pair
from rfviz.conv.wording import by, padding_label, shown

PaddingName = Literal["valid", "same"]

PADDING_NAMES: tuple[PaddingName, ...] = get_args(PaddingName)


def whole_number(name: str, value: object, least: int, default: int | None = None) -> int:
    """Return one whole number from `least` to 2**31 - 1, or raise `InputError` naming the value.

    `default` is what the remedy sets instead, where the parameter is a field of the spec.

    >>> whole_number("groups", 2, least=1)
    2
    """
    if type(value) is int and least <= value <= LARGEST:
        return value
    found = _index(_native(value))
    if found is not None and least <= found <= LARGEST:
        return found
    allowed = f"a whole number from {least} to {LARGEST}"
    remedies = () if default is None else (Remedy(f"Set {name} to {default}", {name: default}),)
    raise InputError(f"{name} must be {allowed}, got {shown(value)}.", remedies)


def pair(name: str, value: object, least: int, default: int | None = None) -> Pair:
    """Return (height, width) from a number or a pair of numbers, or raise `InputError`.

    >>> pair("kernel_size", 3, least=1), pair("stride", [1, 2], least=1)
    ((3, 3), (1, 2))
    """
    # What is in its form already passes at once: a size is looked at several times in a call.
    if isinstance(value, tuple) and len(value) == 2:
        first, second = value
        whole = type(first) is type(second) is int
        if whole and least <= first <= LARGEST and least <= second <= LARGEST:
            return (first, second)
    native = _native(value)
    parts = [_index(part) for part in _as_two(native)]
    if all(part is not None and least <= part <= LARGEST for part in parts):
        return cast("Pair", tuple(parts))
    allowed = f"a whole number from {least} to {LARGEST}, or two of them (height, width)"
    remedies: tuple[Remedy, ...] = ()
    if default is not None:
        mended = cast("Pair", tuple(_mended(part, least, default) for part in parts))
        label = str(mended[0]) if mended[0] == mended[1] else by(mended)
        remedies = (Remedy(f"Set {name} to {label}", {name: mended}),)
    raise InputError(f"{name} must be {allowed}, got {shown(value)}.", remedies)


def padding_of(value: object) -> PaddingName | Pads:
    """Return "valid", "same" or ((top, bottom), (left, right)), or raise `InputError`.

    >>> padding_of(1), padding_of((1, 2)), padding_of("same")
    (((1, 1), (1, 1)), ((1, 1), (2, 2)), 'same')
    """
    native = _native(value)
    if isinstance(native, str) and native in PADDING_NAMES:
        return native
    if isinstance(native, str):
        raise _unknown_padding(native)
    parts = [[_index(side) for side in _as_two(axis)] for axis in _as_two(native)]
    if all(side is not None and 0 <= side <= LARGEST for axis in parts for side in axis):
        return cast("Pads", tuple(tuple(axis) for axis in parts))
    mended = cast("Pads", tuple(tuple(_mended(side, 0, 0) for side in axis) for axis in parts))
    raise InputError(
        f"padding must be whole numbers from 0 to {LARGEST} (one, (height, width) or "
        f"((top, bottom), (left, right))), 'valid' or 'same', got {shown(value)}.",
        (Remedy(f"Set padding to {padding_label(mended)}", {"padding": mended}),),
    )


def _unknown_padding(name: str) -> InputError:
    """A name in other letters, or nearly one, means the name; digits the number."""
    near = difflib.get_close_matches(name.strip().lower(), PADDING_NAMES, n=1, cutoff=0.5)
    digits = name.strip()
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    label, mended = (repr(near[0]), near[0]) if near else (str(number), ((number,) * 2,) * 2)
    return InputError(
        f"padding as a name is 'valid' or 'same', in small letters, got {shown(name)}.",
        (Remedy(f"Set padding to {label}", {"padding": mended}),),
    )


def padding_mode_of(value: object) -> PaddingMode:
    """Return one of the four padding modes of `nn.Conv2d`, or raise `InputError`.

    >>> padding_mode_of("reflect")
    'reflect'
    """
    if isinstance(value, str) and value in PADDING_MODES:
        return value
    raise InputError(
        f"padding_mode must be one of {', '.join(PADDING_MODES)}, got {shown(value)}.",
        (Remedy("Set padding mode to zeros", {"padding_mode": "zeros"}),),
    )


def _native(value: Any) -> object:
    """Turn numpy and torch numbers and arrays into Python's, so that one rule judges all."""
    if isinstance(value, int | str | tuple | list):
        return value
    try:
        return value.tolist() if hasattr(value, "tolist") else value
    except (TypeError, ValueError, RuntimeError):
        return value


def _as_two(value: object) -> tuple[object, object]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) == 2:
        return (value[0], value[1])
    return (value, value)


def _index(value: object) -> int | None:
    """Return the whole number that Python would index with, or None; a bool is no number here."""
    value = _native(value)
    if isinstance(value, bool):
        return None
    try:
        return operator.index(cast("Any", value))
    except TypeError:
        return None


def _mended(part: int | None, least: int, default: int) -> int:
    if part is None or part > LARGEST:
        return default
    return max(part, least)
