"""Broken pictures by the thousand: each is read or refused, soon and in little memory.

By hand: `python tests/fuzz/pictures.py --format png --count 100000 [--seed 1]`; without a format
all of them, one after the other. What answers otherwise is named by seed and number, and is written
to the folder of `--keep`. The gate runs a short part: test_fuzzed_pictures.py.
"""

import argparse
import io
import resource
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from mutate import mutations
from PIL import Image

from rfviz.conv.errors import InputError
from rfviz.io.pictures.picture import load_picture

MOST_SECONDS, MOST_BYTES = 2.0, 1_000_000_000


class Finding(NamedTuple):
    """A file that was answered as none should be."""

    number: int
    data: bytes
    what: str


def photo(mode: str, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Rings and a ramp: nothing flat, the same at every call."""
    y, x = np.mgrid[: size[1], : size[0]]
    pixels = np.stack([x * 6, y * 8, (x * x + y * y) // 9, x * 5 + 40], -1) % 256
    image = Image.fromarray(pixels.astype(np.uint8), "RGBA")
    if mode in ("I;16", "F", "I"):
        dtype = {"I;16": np.uint16, "F": np.float32, "I": np.int32}[mode]
        return Image.fromarray((pixels[..., 0] * 200).astype(dtype))
    return image if mode == "RGBA" else image.convert(mode)


def saved(kind: str, mode: str, **options: object) -> bytes:
    """One file of a format."""
    file = io.BytesIO()
    photo(mode).save(file, kind, **options)
    return file.getvalue()


def _jpeg() -> Iterator[bytes]:
    yield saved("JPEG", "RGB")
    yield saved("JPEG", "L", progressive=True)
    yield saved("JPEG", "RGB", progressive=True, subsampling=0)
    yield saved("JPEG", "CMYK")
    exif = Image.Exif()
    exif[274] = 6
    yield saved("JPEG", "RGB", exif=exif, comment=b"comment")


def _png() -> Iterator[bytes]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield saved("PNG", mode)
    yield saved("PNG", "P", transparency=3)
    yield saved("PNG", "RGB", save_all=True, append_images=[photo("RGB").rotate(90)])


def _gif() -> Iterator[bytes]:
    yield saved("GIF", "P")
    yield saved("GIF", "L", interlace=0)
    yield saved("GIF", "P", save_all=True, append_images=[photo("P").rotate(90)], transparency=1)


def _bmp() -> Iterator[bytes]:
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield saved("BMP", mode)
    # Runs of 8 bits: end of line after each, end of the bitmap after the last.
    head = saved("BMP", "L")[:54]
    runs = b"\x28\x07\0\0" * 30 + b"\0\1"
    yield head[:30] + (1).to_bytes(4, "little") + head[34:] + bytes(1024) + runs


def _webp() -> Iterator[bytes]:
    yield saved("WEBP", "RGB")
    yield saved("WEBP", "RGBA", lossless=True)
    yield saved("WEBP", "RGB", save_all=True, append_images=[photo("RGB").rotate(90)])


def _tiff() -> Iterator[bytes]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"):
        yield saved("TIFF", mode)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd"):
        yield saved("TIFF", "RGB", compression=compression)
    yield saved("TIFF", "F", compression="tiff_lzw")
    yield saved("TIFF", "1", compression="group4")
    yield saved("TIFF", "RGB", big_tiff=True)


def _avif() -> Iterator[bytes]:
    yield saved("AVIF", "RGB", speed=10)
    yield saved("AVIF", "RGBA", speed=10, quality=100, subsampling="4:4:4")
    yield saved("AVIF", "L", speed=10)


def _jpeg2000() -> Iterator[bytes]:
    yield saved("JPEG2000", "RGB")
    yield saved("JPEG2000", "LA")
    yield saved("JPEG2000", "L", no_jp2=True, tile_size=(16, 16))
    yield saved("JPEG2000", "I;16")


CORPORA: Mapping[str, Callable[[], Iterator[bytes]]] = MappingProxyType(
    {"jpeg": _jpeg, "png": _png, "gif": _gif, "bmp": _bmp, "webp": _webp, "tiff": _tiff,
     "avif": _avif, "jpeg2000": _jpeg2000}
)  # fmt: skip


def answers(kind: str, count: int, seed: int | str = 1) -> Iterator[str | Finding]:
    """For each broken file of a format "read" or "refused", or what it did that none may."""
    for number, data in enumerate(mutations(f"{kind} {seed}", list(CORPORA[kind]()), count)):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.process_time()
        what = answer_to(data)
        seconds = time.process_time() - begun
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        if seconds > MOST_SECONDS:
            what = f"took {seconds:.1f} s ({what})"
        elif grown > MOST_BYTES:
            what = f"took {grown / 1e6:,.0f} MB ({what})"
        yield what if what in ("read", "refused") else Finding(number, data, what)


def answer_to(data: bytes) -> str:
    """ "read", "refused", or the error that is not ours, or the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            load_picture(data)
        except InputError as error:
            good = str(error).endswith(".") and error.remedies and len(str(error)) < 500
            return "refused" if good else f"is refused with {error}"
        except BaseException as error:  # noqa: BLE001 - whatever else there is, is the finding
            return f"ended in {type(error).__name__}: {error}"
    return "read"


def main() -> None:
    """Run, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=CORPORA, action="append")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    for kind in asked.format or CORPORA:
        counts: Counter[str] = Counter()
        begun = time.monotonic()
        for answer in answers(kind, asked.count, asked.seed):
            counts[answer if isinstance(answer, str) else "found"] += 1
            if isinstance(answer, Finding):
                print(f"{kind}, seed {asked.seed}, number {answer.number}: {answer.what}")
                if asked.keep:
                    (asked.keep / f"{kind}-{answer.number}").write_bytes(answer.data)
        print(f"{kind}: {dict(counts)} in {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
