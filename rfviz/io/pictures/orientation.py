"""How a stored picture becomes upright: the eight orientations of EXIF, tile by tile."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile

_EXIF_ORIENTATION = 274


class Turn(NamedTuple):
    """Transposed or not, then flipped."""

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    def size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the upright picture.

        >>> Turn(transpose=True).size(2, 3)
        (3, 2)
        """
        return (width, height) if self.transpose else (height, width)

    def place(
        self, picture: NDArray[np.uint8], tile: NDArray[np.uint8], top: int, left: int
    ) -> None:
        """Write a tile (C, h, w), stored at (top, left), to its place in the upright one."""
        if self.transpose:
            tile, top, left = tile.transpose(0, 2, 1), left, top
        _, height, width = tile.shape
        if self.flip_rows:
            tile, top = tile[:, ::-1], picture.shape[1] - top - height
        if self.flip_columns:
            tile, left = tile[:, :, ::-1], picture.shape[2] - left - width
        picture[:, top : top + height, left : left + width] = tile


# EXIF 2.32, tag 0x0112; any other value counts as 1
_TURNS = (
    Turn(),
    Turn(flip_columns=True),
    Turn(flip_rows=True, flip_columns=True),
    Turn(flip_rows=True),
    Turn(transpose=True),
    Turn(transpose=True, flip_columns=True),
    Turn(transpose=True, flip_rows=True, flip_columns=True),
    Turn(transpose=True, flip_rows=True),
)


def turn_of(orientation: object) -> Turn:
    """The turn that an EXIF orientation asks for; none for what is no orientation.

    >>> turn_of(3) == Turn(flip_rows=True, flip_columns=True), turn_of("up") == Turn()
    (True, True)
    """
    known = isinstance(orientation, int) and 1 <= orientation <= len(_TURNS)
    return _TURNS[orientation - 1] if known else _TURNS[0]  # type: ignore[operator]


def exif_turn(image: ImageFile) -> Turn:
    """The turn that a loaded picture's EXIF data asks for; none where the data is nonsense."""
    try:
        return turn_of(image.getexif().get(_EXIF_ORIENTATION, 1))
    except (
        OSError,
        SyntaxError,
        ValueError,
        LookupError,
        TypeError,
        ArithmeticError,
        AttributeError,
    ):
        return Turn()  # an orientation that cannot be read turns nothing
