"""Real photographs as files, made of those that scikit-image brings."""

import io
from functools import cache

import numpy as np
from PIL import Image
from skimage.data import astronaut


def jpeg(size: tuple[int, int] | None = None) -> bytes:
    """A photograph as a JPEG, of (width, height) if given, with noise so that it has detail."""
    image = Image.fromarray(np.asarray(astronaut()))  # type: ignore[no-untyped-call]
    if size is not None:
        image = _enlarged(image, size)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


@cache
def twelve_megapixels() -> bytes:
    """A photograph of 4000 x 3000 pixels."""
    return jpeg((4000, 3000))


def _enlarged(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC), np.int16)
    noise = np.random.default_rng(0).integers(-12, 13, pixels.shape, np.int16)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
