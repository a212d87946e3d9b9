"""Numbers, sizes and channels as every sentence, cell and title writes them.

The browser writes them alike: rfviz/explorer/js/laws/numbers.js.
"""

import reprlib

Pads = tuple[tuple[int, int], tuple[int, int]]


def number(value: float, digits: int = 3) -> str:
    """Return a value as text: integers whole, else so many significant digits, a true minus sign.

    Numbers too large to have decimals are rounded to integers, and past a million have an exponent.

    >>> number(-201.0), number(0.06251), number(-0.0), number(float("nan"))
    ('−201', '0.0625', '0', 'nan')
    """
    if value == 0:
        return "0"
    whole = float(value).is_integer() or abs(value) >= 10**digits
    text = f"{value:.0f}" if whole and abs(value) < 1e6 else f"{value:.{digits}g}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", "−")


def by(size: tuple[float, float]) -> str:
    """Return a (height, width) or (rows, columns) pair in words.

    >>> by((3000, 4000)), by((7.98, 8))
    ('3000 × 4000', '7.98 × 8')
    """
    return " × ".join(f"{n:.0f}" if float(n).is_integer() else f"{n:.3g}" for n in size)


def shown(value: object) -> str:
    """Return the value as the person wrote it, shortened where it is long.

    >>> shown("reflect"), shown([0] * 9)
    ("'reflect'", '[0, 0, 0, 0, 0, 0, ...]')
    """
    return reprlib.repr(value)


def padding_label(pads: Pads) -> str:
    """Return pads in the shortest form that `Conv2dSpec` reads back.

    >>> padding_label(((1, 1), (1, 1))), padding_label(((0, 0), (2, 2)))
    ('1', '(0, 2)')
    """
    (top, bottom), (left, right) = pads
    if top != bottom or left != right:
        return str(pads)
    return str(top) if top == left else str((top, left))


def channel_name(channel: int, n_channels: int) -> str:
    """Return the name of a channel, counted from 0: a colour in pictures, a number elsewhere.

    >>> [channel_name(c, 3) for c in range(3)], channel_name(0, 1), channel_name(7, 64)
    (['red', 'green', 'blue'], 'grey', 'channel 7')
    """
    if n_channels == 3:
        return ("red", "green", "blue")[channel]
    return "grey" if n_channels == 1 else f"channel {channel}"
