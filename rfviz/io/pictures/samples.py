"""The sample pictures in rfviz/assets, as data. assets/make_samples.py draws them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.io.pictures.picture import load_picture

_ASSETS = Path(__file__).parents[2] / "assets"


@dataclass(frozen=True)
class Sample:
    """A sample picture: name, title, what it teaches, and its file in rfviz/assets."""

    name: str
    title: str
    teaches: str
    file: str


SAMPLES: tuple[Sample, ...] = (
    Sample(
        "scene",
        "Lake at sunset",
        "Three megapixels in colour: edges, soft gradients, fine bars, texture and film grain.",
        "scene.jpg",
    ),
    Sample(
        "address",
        "Address image",
        "Each of its 16 × 16 pixels is its own number, 0 to 255: a copy shows where it came from.",
        "address.png",
    ),
    Sample(
        "digits",
        "Digits 0 to 9",
        "Pixels from 0 to 9: every product and every sum can be made in the head.",
        "digits.png",
    ),
    Sample(
        "glyph",
        "Letter",
        "A small letter with soft edges, of the size that the first digit networks read.",
        "glyph.png",
    ),
    Sample(
        "stripes",
        "Stripes",
        "Vertical, diagonal and horizontal bars: an edge or Gabor kernel answers to one of them.",
        "stripes.png",
    ),
    Sample(
        "zone-plate",
        "Zone plate",
        "Rings that get finer outwards: with a stride of 2 or more, false rings appear (aliasing).",
        "zone-plate.png",
    ),
    Sample(
        "impulse",
        "Impulse",
        "A single white pixel: the response to it is the kernel itself, turned by 180 degrees.",
        "impulse.png",
    ),
)


def load_sample(name: str) -> Tensor:
    """Sample picture of that name as a uint8 tensor (C, H, W), C = 1 or 3.

    InputError lists the names where there is none, and says so where rfviz/assets is missing.

    >>> load_sample("address")[0, 1, :4]
    tensor([16, 17, 18, 19], dtype=torch.uint8)
    """
    named = {sample.name: sample for sample in SAMPLES}
    if not isinstance(name, str) or name not in named:
        what = f"There is no sample picture named {name!r}."
        raise InputError(what, remedy=f"Choose one of {', '.join(named)}.")
    return load_picture(sample_file(named[name]))


def sample_file(sample: Sample) -> bytes:
    """Bytes of a sample's file; InputError where rfviz/assets is missing.

    >>> sample_file(SAMPLES[1])[1:4]
    b'PNG'
    """
    path = _ASSETS / sample.file
    try:
        return path.read_bytes()
    except OSError as error:
        what = f"The sample picture {sample.file} is not in the folder rfviz/assets."
        raise InputError(what, remedy="Run assets/make_samples.py to draw it again.") from error
