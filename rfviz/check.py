"""A layer of a weights file checked on many pictures: the matmul against nn.Conv2d.

One picture is held at a time, and of its outputs one strip, so that thousands of pictures take the
memory of the largest.
"""

import glob
import math
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.tiles import Prepare
from rfviz.conv.matmul.bands import bands
from rfviz.conv.matmul.compare import chosen_tolerances, largest_magnitude
from rfviz.conv.matmul.differences import default_tolerances
from rfviz.conv.matmul.strip_comparison import ComparisonTotals
from rfviz.conv.matmul.strips import Strip, conv2d_strips
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.steps import finished
from rfviz.io.pictures.picture import load_picture
from rfviz.io.pictures.preprocessing import TO_ONE, Preprocessing
from rfviz.io.pictures.resized import Resized
from rfviz.io.weights.channels import choice_named, mismatch

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif",
    ".tiff", ".avif", ".avifs", ".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc",
)  # fmt: skip
_MAX_PICTURE_BYTES = 500_000_000


@dataclass(frozen=True)
class Row:
    """What one picture gave: sizes in (height, width), the two errors, and whether it agrees.

    `n_not_finite` counts outputs of nn.Conv2d that are NaN or infinite, `n_nan` the NaN of them,
    and `first_not_finite` is the (filter, row, column) of the first. `error` is the sentence for a
    picture not checked.
    """

    picture: str
    dtype: str = ""
    size: tuple[int, int] | None = None
    output_size: tuple[int, int] | None = None
    n_outputs: int = 0
    max_abs_error: float = math.nan
    max_ulp_error: int = 0
    rtol: float = math.nan
    atol: float = math.nan
    allclose: bool | None = None
    n_not_finite: int = 0
    n_nan: int = 0
    first_not_finite: tuple[int, int, int] | None = None
    seconds_matmul: float = math.nan
    seconds_conv2d: float = math.nan
    error: str = ""
    # The largest error in units of atol + rtol · |output| at its place, close up to 1; and in ULP
    # of the outputs that are far from 0, None where there are none.
    error_of_bound: float = math.nan
    max_ulp_far_from_zero: int | None = None


@dataclass(frozen=True)
class LayerCheck:
    """A layer with its spec, and what is done to a picture before the layer reads it.

    `channels` names one of `channel_choices`, for pictures of other channels than the layer reads.

    >>> check = LayerCheck(torch.ones(1, 1, 3, 3), None, Conv2dSpec(3))
    >>> check.row("ones", torch.ones(1, 5, 5, dtype=torch.uint8)).allclose
    True
    """

    weight: torch.Tensor
    bias: torch.Tensor | None
    spec: Conv2dSpec
    preprocessing: Preprocessing = TO_ONE
    channels: str | None = None
    rtol: float | None = None
    atol: float | None = None

    def row_of(self, path: Path) -> Row:
        """Check the picture of a file; what is wrong with it becomes the row's error."""
        name = shown_path(path)
        try:
            if path.stat().st_size > _MAX_PICTURE_BYTES:
                raise InputError(f"The file is larger than {_MAX_PICTURE_BYTES:,} bytes.")
            return self.row(name, load_picture(path.read_bytes()))
        except InputError as error:
            return Row(name, error=str(error))
        except OSError as error:
            return Row(name, error=f"The file cannot be read: {error.strerror or error}.")

    def row(self, name: str, picture: torch.Tensor) -> Row:
        """Check one (C, H, W) picture, strip by strip; `InputError` where it does not fit."""
        return finished(self.row_steps(name, picture))

    def row_steps(self, name: str, picture: torch.Tensor) -> Generator[float, None, Row]:
        """`row`, yielding the share that is done after every strip: a moment to stop."""
        source = self.preprocessing.rows_of(picture)
        (n_channels, height, width), weight = self._read_as(source)
        size = (height, width)
        output_size = self.spec.output_size(size)
        prepare = self.preprocessing.values(n_channels, weight.dtype)
        # Resizing makes no value larger than those that it is made of.
        largest = self._largest(source if isinstance(source, torch.Tensor) else picture)
        tolerances = chosen_tolerances(
            default_tolerances(weight, self.bias, largest), self.rtol, self.atol
        )
        totals = ComparisonTotals((len(weight), *output_size), tolerances, map_size=(1, 1))
        n_not_finite, n_nan, first = 0, 0, None
        for strip in self._strips(source, prepare):
            totals.add(strip)
            wrong = ~strip.by_conv2d.isfinite()
            if wrong.any():
                n_not_finite += int(wrong.sum())
                n_nan += int(strip.by_conv2d.isnan().sum())
                channel, row, column = (int(index) for index in wrong.nonzero()[0])
                first = first or (channel, row + strip.rows.start, column)
            yield totals.fraction
        return Row(
            name,
            str(weight.dtype).removeprefix("torch."),
            size,
            output_size,
            totals.n_outputs,
            totals.max_abs_error,
            totals.max_ulp_error,
            *tolerances,
            totals.allclose,
            n_not_finite,
            n_nan,
            first,
            totals.seconds_matmul,
            totals.seconds_conv2d,
            error_of_bound=totals.max_share,
            max_ulp_far_from_zero=totals.max_ulp_far_from_zero,
        )

    def _read_as(self, source: torch.Tensor | Resized) -> tuple[tuple[int, int, int], torch.Tensor]:
        """(C, H, W) of what the layer reads of a picture, and the weight that reads it."""
        _, height, width = source.shape
        pixel, weight = self._fitted(torch.zeros(source.shape[0], 1, 1))
        return (len(pixel), height, width), weight

    def _fitted(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        have, reads = picture.shape[0], self.weight.shape[1] * self.spec.groups
        if have == reads:
            return picture, self.weight
        if self.channels is None or self.spec.groups > 1:
            raise mismatch(have, reads)
        return choice_named(self.channels, have, reads).fit(picture, self.weight)

    def _strips(self, source: torch.Tensor | Resized, prepare: Prepare) -> Iterator[Strip]:
        """Both ways: bytes are converted strip by strip, and floats are made band by band."""
        if isinstance(source, torch.Tensor) and self.channels != "grey":
            image, weight = self._fitted(source)
            yield from conv2d_strips(image, weight, self.bias, self.spec, prepare=prepare)
            return
        n_channels, height, width = source.shape
        size = max(self.weight.element_size(), torch.float32.itemsize)
        for band in bands((height, width), self.spec, n_channels * width * size):
            wanted, places = torch.unique(band.sources.clamp(min=0), return_inverse=True)
            rows = source.rows(wanted) if isinstance(source, Resized) else source[:, wanted]
            image, weight = self._fitted(rows)
            image = prepare(image.to(weight.dtype)).index_select(1, places)
            image[:, band.sources < 0] = 0
            for strip in conv2d_strips(image, weight, self.bias, band.spec):
                first, last = (band.rows.start + row for row in (strip.rows[0], strip.rows[-1]))
                yield strip._replace(rows=range(first, last + 1))

    def _largest(self, image: torch.Tensor) -> float:
        """Largest magnitude that the layer can see, after the preprocessing."""
        scale, means, deviations = self.preprocessing[:3]
        value = largest_magnitude(image) / scale
        return max(max(abs(v - m) for v in (0.0, value)) / s for m in means for s in deviations)


def pictures_in(arguments: Iterable[str]) -> list[Path]:
    """Files of files, folders (all pictures below) and patterns such as *.png, each once, in order.

    Raises `InputError` for an argument that names none.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            paths = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in SUFFIXES]
        elif path.exists():
            paths = [path]
        else:
            # Path.glob takes no absolute pattern.
            names = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207
            paths = [Path(name) for name in names]
            paths = [path for path in paths if path.is_file()]
        if not paths:
            raise InputError(
                f"{shown_path(path)!r} names no picture.",
                remedy="Give a picture, a folder of pictures, or a pattern such as 'photos/*.jpg'",
            )
        found |= dict.fromkeys(paths)
    return list(found)


def rows_of(check: LayerCheck, paths: Iterable[Path]) -> Iterator[Row]:
    """Check picture after picture."""
    for path in paths:
        yield check.row_of(path)


def shown_path(path: Path) -> str:
    """Return a path as text that any terminal and file can hold."""
    text = str(path).encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else "?" for char in text)
