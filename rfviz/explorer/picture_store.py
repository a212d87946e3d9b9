"""Detail for the browser by the app's own routes: parts of what a session works on, as bytes.

A rerun of the script is too slow to follow a pointer; a request for a few kilobytes is not. The
script puts here what it works on and gives the browser tokens for it that nobody can guess. What a
request may choose is which part; picture and convolution are the session's.
"""

import secrets
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import torch
from streamlit.runtime import Runtime
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.overview import overview_steps
from rfviz.conv.spec.spec import Conv2dSpec

MOST_BYTES = 2_000_000
# Prefix sums of one channel of the rows that some columns read: four bytes a pixel.
MOST_PIXELS_READ = 2**26
SECONDS_AT_MOST = 5.0


@dataclass(eq=False)
class Shown:
    """What a session shows: its picture under one token, the picture's column matrix under another.

    The session holds this, nobody else: it goes with the session's state.
    """

    picture: Tensor
    spec: Conv2dSpec
    session: str | None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    matrix_token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    # One column request a session at a time.
    lock: threading.Lock = field(default_factory=threading.Lock)


class PictureStore:
    """What sessions show, by token: gone at the moment when the session's browser is."""

    def __init__(self, is_connected: Callable[[str], bool]) -> None:
        """Begin empty; ``is_connected`` says whether a session has a browser."""
        self._is_connected = is_connected
        self._pictures: WeakValueDictionary[str, Shown] = WeakValueDictionary()
        self._matrices: WeakValueDictionary[str, Shown] = WeakValueDictionary()

    def put(
        self,
        picture: Tensor,
        spec: Conv2dSpec,
        session: str | None = None,
        before: Shown | None = None,
    ) -> Shown:
        """Keep a uint8 (C, H, W) picture and a spec for as long as the result is kept.

        ``before`` is what the session showed until now: as much of it as is the same keeps its
        token. A session of None is that of a script which no browser runs.
        """
        same = before is not None and before.picture is picture and before.session == session
        if before is not None and same and before.spec == spec:
            return before
        shown = Shown(picture, spec, session)
        if before is not None:
            self._forget(before)
            shown.lock = before.lock
            shown.token = before.token if same else shown.token
        self._pictures[shown.token] = self._matrices[shown.matrix_token] = shown
        return shown

    def matrix_of(self, token: str) -> Shown | None:
        """What is shown under a matrix's token; None where it or its session's browser is gone."""
        return self._present(self._matrices.get(token))

    def window(self, token: str, top: int, left: int, height: int, width: int) -> bytes | None:
        """The window's bytes, (channel, row, column); None for what there is not or is too much."""
        shown = self._present(self._pictures.get(token))
        if shown is None or min(top, left) < 0 or min(height, width) < 1:
            return None
        n_channels, n_rows, n_columns = shown.picture.shape
        fits = top + height <= n_rows and left + width <= n_columns
        if not fits or n_channels * height * width > MOST_BYTES:
            return None
        window = shown.picture[:, top : top + height, left : left + width]
        return window.contiguous().numpy().tobytes()

    def _present(self, shown: Shown | None) -> Shown | None:
        if shown is None or shown.session is None or self._is_connected(shown.session):
            return shown
        return None

    def _forget(self, shown: Shown) -> None:
        self._pictures.pop(shown.token, None)
        self._matrices.pop(shown.matrix_token, None)


def column_bytes(
    shown: Shown,
    part: range,
    height: int,
    width: int,
    *,
    stopped: Callable[[], bool],
    seconds: float = SECONDS_AT_MOST,
) -> bytes | None:
    """Means of height × width bins of some columns of the picture's matrix, as uint8.

    Every entry where there is a bin for each. None for columns or bins that there are not or that
    are too much, and for work that is stopped or takes longer than the seconds; ``stopped`` is
    asked between steps.
    """
    matrix = ColumnMatrix(shown.picture, shown.spec)
    n_rows, n_columns = matrix.shape
    inside = 0 <= part.start < part.stop <= n_columns and 0 < height <= n_rows
    if not inside or not 0 < width <= len(part) or height * width > MOST_BYTES:
        return None
    if (height, width) == (n_rows, len(part)):
        return matrix[:, part.start : part.stop].contiguous().numpy().tobytes()
    if _n_pixels_read(matrix, part) > MOST_PIXELS_READ:
        return None
    means = _in_time(overview_steps(matrix, height, width, part), stopped, seconds)
    return None if means is None else means.round().to(torch.uint8).contiguous().numpy().tobytes()


def _n_pixels_read(matrix: ColumnMatrix, part: range) -> int:
    n_output_rows = (part.stop - 1) // matrix.output_size[1] - part.start // matrix.output_size[1]
    spec = matrix.spec
    n_rows = n_output_rows * spec.stride[0] + spec.effective_kernel_size[0]
    return n_rows * len(matrix.column_sources)


def _in_time(
    steps: Generator[float, None, Tensor], stopped: Callable[[], bool], seconds: float
) -> Tensor | None:
    until = time.monotonic() + seconds
    while not stopped() and time.monotonic() < until:
        try:
            next(steps)
        except StopIteration as end:
            return end.value if isinstance(end.value, Tensor) else None
        except InputError:
            return None
    return None


def _is_connected(session: str) -> bool:
    """Whether a session has a browser: asked at each request, so that no end is missed."""
    return not Runtime.exists() or Runtime.instance().is_active_session(session)


PICTURES = PictureStore(_is_connected)
