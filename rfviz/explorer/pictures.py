"""Detail for the browser by the app's own routes: parts of what a session works on, as bytes.

A rerun of the script is too slow to follow a pointer; a request for a few kilobytes is not. The
script puts the picture it works on here and gives the browser a token for it that nobody can guess.
"""

import secrets
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from rfviz.conv.columns import ColumnMatrix
from rfviz.conv.spec import Conv2dSpec

MOST_BYTES = 2_000_000


class PictureStore:
    """Pictures by token, held weakly: one is gone as soon as no session works on it any more."""

    def __init__(self) -> None:
        """Begin empty."""
        self._pictures: WeakValueDictionary[str, Tensor] = WeakValueDictionary()

    def put(self, picture: Tensor, token: str | None = None) -> str:
        """Keep a uint8 (C, H, W) picture under its token, or under a new one; return the token."""
        token = token or secrets.token_urlsafe(12)
        self._pictures[token] = picture
        return token

    def window(self, token: str, top: int, left: int, height: int, width: int) -> bytes | None:
        """The window's bytes, (channel, row, column); None for what there is not or is too much."""
        picture = self._pictures.get(token)
        if picture is None or min(top, left) < 0 or min(height, width) < 1:
            return None
        n_channels, n_rows, n_columns = picture.shape
        fits = top + height <= n_rows and left + width <= n_columns
        if not fits or n_channels * height * width > MOST_BYTES:
            return None
        window = picture[:, top : top + height, left : left + width]
        return window.contiguous().numpy().tobytes()

    def columns(
        self, token: str, spec: Conv2dSpec, part: range, height: int, width: int
    ) -> bytes | None:
        """Means of height × width bins of some columns of the picture's matrix, as uint8.

        Every entry where there is a bin for each. None for a picture that is gone or too much.
        Raises :class:`rfviz.InputError` for columns that the matrix does not have.
        """
        picture = self._pictures.get(token)
        if picture is None or height * width > MOST_BYTES:
            return None
        matrix = ColumnMatrix(picture, spec)
        if (height, width) == (matrix.shape[0], len(part)):
            entries = matrix[:, part.start : part.stop]
        else:
            entries = matrix.overview(height, width, part).round().to(torch.uint8)
        return entries.contiguous().numpy().tobytes()


PICTURES = PictureStore()
