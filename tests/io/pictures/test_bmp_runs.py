"""Runs of a BMP: the pixels of Pillow's decoder, in time that a small file cannot make long."""

import io
import random

import pytest
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from processor_time import is_done_within

from rfviz.conv.errors import InputError
from rfviz.io.pictures.bmp_runs import RunsFile
from rfviz.io.pictures.picture import load_picture

PALETTE = bytes(range(256)) * 4


def bmp(width: int, height: int, runs: bytes, *, bits: int = 8, shift: int = 0) -> bytes:
    """A BMP of runs; its pixels begin `shift` bytes late, since some runs go to even places."""
    start = 14 + 40 + len(PALETTE) + shift
    words = (width, height, 1 | bits << 16, 1 if bits == 8 else 2, len(runs), 0, 0, 0, 0)
    header = (40).to_bytes(4, "little") + b"".join(word.to_bytes(4, "little") for word in words)
    length = (start + len(runs)).to_bytes(4, "little")
    head = b"BM" + length + bytes(4) + start.to_bytes(4, "little") + header
    return head + PALETTE + bytes(shift) + runs


def some_runs(dice: random.Random, count: int) -> bytes:
    runs = bytearray()
    for _ in range(count):
        kind = dice.random()
        if kind < 0.6:
            runs += bytes((dice.randint(1, 60), dice.randrange(256)))
        elif kind < 0.7:
            runs += b"\0\0"
        elif kind < 0.73:
            runs += bytes((0, 2, dice.randrange(9), dice.randrange(3)))
        else:
            length = dice.randint(3, 20)
            runs += bytes((0, length)) + dice.randbytes(length + length % 2)
    return bytes(runs)


def pixels_by(reader: type[BmpImageFile], data: bytes) -> bytes | str:
    try:
        with reader(io.BytesIO(data)) as image:
            return image.convert("RGB").tobytes()
    except (OSError, ValueError) as error:
        return str(error)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("shift", [0, 1])
def test_any_runs_give_the_pixels_that_pillow_gives(bits: int, shift: int) -> None:
    dice = random.Random(f"{bits} {shift}")  # noqa: S311 - makes nonsense, keeps no secret
    n_read = 0
    for _ in range(300):
        runs = some_runs(dice, dice.randrange(20, 400))
        data = bmp(40, 30, runs, bits=bits, shift=shift)
        found = pixels_by(RunsFile, data)
        assert found == pixels_by(BmpImageFile, data)
        n_read += isinstance(found, bytes)
    assert n_read > 30


@pytest.mark.parametrize(
    ("width", "height", "runs", "bits"),
    [(2_000_000, 40, b"\1\7\0\0" * 40, 8), (80_000_000, 1, b"\1\7\0\0", 4),
     (40_000, 2000, b"\1\7" + b"\0\2\0\xff" * 10 + b"\0\0", 8)],
)  # fmt: skip
def test_the_rest_of_a_long_line_takes_no_time(
    width: int, height: int, runs: bytes, bits: int
) -> None:
    data = bmp(width, height, runs, bits=bits)

    def read() -> None:
        assert load_picture(data).shape[1:] == (height, width)

    # What is filled with zeros is filled at once; the rest is writing so many pixels.
    assert is_done_within(4, read)


def test_a_bitmap_that_ends_early_is_a_sentence() -> None:
    with pytest.raises(InputError, match="BMP"):
        load_picture(bmp(40, 30, b"\5\7\0\1"))


def test_pillow_s_own_decoder_stays_for_others() -> None:
    assert Image.DECODERS["bmp_rle"].__module__ == "PIL.BmpImagePlugin"
