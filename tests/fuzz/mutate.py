"""Files broken in every usual way, from one seed: what the fuzzing of pictures and weights reads.

A corpus of whole files goes in; each file that comes out is one of them with a few bytes changed,
taken out, doubled, or replaced by a part of another. The same seed gives the same files, so that a
finding is named by the seed and its number.
"""

import random
import struct
from collections.abc import Callable, Iterator, Sequence

# Lengths, counts and offsets at which readers slip: signs, carries, and one past the end.
ODD_NUMBERS = (
    0, 1, 2, 3, 4, 7, 8, 16, 31, 32, 64, 100, 127, 128, 255, 256, 1000, 1024, 4095, 4096, 9999,
    10_000, 32_767, 32_768, 65_535, 65_536, 100_000, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**53,
    2**63 - 1, 2**63, 2**64 - 1,
)  # fmt: skip
FORMATS = ("<B", "<H", ">H", "<I", ">I", "<Q", ">Q")
MOST_CHANGES = 6
# Headers are where a change is felt: half of all places lie in the first bytes.
HEADER = 256


def mutations(seed: int | str, corpus: Sequence[bytes], count: int) -> Iterator[bytes]:
    """`count` broken files made of those in `corpus`, the same for the same seed.

    >>> made = list(mutations(1, [b"GIF89a"], 3))
    >>> len(made), made == list(mutations(1, [b"GIF89a"], 3))
    (3, True)
    """
    dice = random.Random(seed)  # noqa: S311 - breaks files, keeps no secret
    for _ in range(count):
        data = bytearray(dice.choice(corpus))
        for _ in range(dice.randint(1, MOST_CHANGES)):
            dice.choice(CHANGES)(dice, data, corpus)
        yield bytes(data)


def _place(dice: random.Random, data: bytearray) -> int:
    reach = min(len(data), HEADER) if dice.random() < 0.5 else len(data)
    return dice.randrange(reach + 1)


def _flip_bit(dice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[min(_place(dice, data), len(data) - 1)] ^= 1 << dice.randrange(8)


def _set_byte(dice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[min(_place(dice, data), len(data) - 1)] = dice.choice((0, 1, 127, 128, 254, 255))


def _set_number(dice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    kind = dice.choice(FORMATS)
    size = struct.calcsize(kind)
    number = dice.choice(ODD_NUMBERS) % 2 ** (8 * size)
    start = _place(dice, data)
    data[start : start + size] = struct.pack(kind, number)


def _step_number(dice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """One more or less, or a doubling, of a number that stands there."""
    kind = dice.choice(FORMATS)
    size = struct.calcsize(kind)
    if len(data) < size:
        return
    start = min(_place(dice, data), len(data) - size)
    (number,) = struct.unpack_from(kind, data, start)
    stepped = dice.choice((number + 1, number - 1, 2 * number, -number))
    struct.pack_into(kind, data, start, stepped % 2 ** (8 * size))


def _take_out(dice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = _place(dice, data)
    del data[start : start + dice.choice((1, 2, 4, 12, 64, 1000))]


def _cut_off(dice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[_place(dice, data) :]


def _put_in(dice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = _place(dice, data)
    length = dice.choice((1, 2, 4, 12, 64, 1000))
    fill = dice.choice((bytes(length), b"\xff" * length, dice.randbytes(length)))
    data[start:start] = fill


def _double(dice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = _place(dice, data)
    part = data[start : start + dice.choice((4, 12, 64, 1000))]
    data[start:start] = part * dice.choice((1, 2, 30))


def _splice(dice: random.Random, data: bytearray, corpus: Sequence[bytes]) -> None:
    """A part of another file, or of the same, over what stands here."""
    other = dice.choice(corpus)
    start, theirs = _place(dice, data), _place(dice, bytearray(other))
    length = dice.choice((4, 12, 64, 1000, len(other)))
    data[start : start + length] = other[theirs : theirs + length]


Change = Callable[[random.Random, bytearray, Sequence[bytes]], None]
CHANGES: tuple[Change, ...] = (
    _flip_bit, _set_byte, _set_number, _set_number, _step_number, _take_out, _cut_off, _put_in,
    _double, _splice,
)  # fmt: skip
