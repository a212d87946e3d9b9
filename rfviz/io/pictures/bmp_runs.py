"""BMP of runs (RLE8 and RLE4), decoded run by run: Pillow's own decoder goes pixel by pixel.

A kilobyte can declare a hundred megapixels, of which each end of a line fills the rest with zeros:
one at a time that is half a minute. Source: Microsoft's documentation of "Bitmap Compression".
"""

from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile

_NAME = "rfviz_bmp_rle"
_END_OF_LINE, _END_OF_BITMAP, _DELTA = range(3)
_RUNS_BETWEEN_LOOKS = 2**14


class RunsDecoder(ImageFile.PyDecoder):
    """Pixels of a BMP's runs, the same as Pillow's."""

    _pulls_fd = True

    def decode(self, buffer: "Image.DecoderInput") -> tuple[int, int]:
        """Read all runs, saying now and then how far the file is read."""
        assert self.fd is not None
        width, height = self.state.xsize, self.state.ysize
        start = self.fd.tell()
        file = self.fd.read()
        runs = _Runs(file, start, width, width * height, halves=bool(self.args[1]))
        while runs.take(_RUNS_BETWEEN_LOOKS):
            self.fd.seek(start + runs.place)
            self.fd.read(0)
        rawmode = "L" if self.mode in {"1", "L"} else "P"
        self.set_as_raw(bytes(runs.pixels), rawmode, (0, self.args[-1]))
        return -1, 0


class RunsFile(BmpImageFile):
    """A BMP whose runs are decoded here."""

    def load_prepare(self) -> None:
        """Name the decoder before it is looked for."""
        self.tile = [
            tile._replace(codec_name=_NAME) if tile.codec_name == "bmp_rle" else tile
            for tile in self.tile
        ]
        super().load_prepare()


class _Runs:
    """Where in the file the next run begins, and the pixels up to there."""

    def __init__(self, file: bytes, start: int, width: int, n_pixels: int, *, halves: bool) -> None:
        self.file = file
        self.place = 0
        self.pixels = bytearray()
        self._odd = start % 2
        self._width = width
        self._n_pixels = n_pixels
        self._halves = halves
        self._x = 0

    def take(self, count: int) -> bool:
        """Read so many runs; whether there are more."""
        file, pixels, n_pixels = self.file, self.pixels, self._n_pixels
        for _ in range(count):
            if len(pixels) >= n_pixels or self.place + 2 > len(file):
                return False
            length, value = file[self.place], file[self.place + 1]
            self.place += 2
            if length:
                self._run(length, value)
            elif value == _END_OF_BITMAP or not self._escape(value):
                return False
        return True

    def _run(self, length: int, value: int) -> None:
        length = max(0, min(length, self._width - self._x))
        if self._halves:
            self.pixels += (bytes((value >> 4, value & 15)) * (length // 2 + 1))[:length]
        else:
            self.pixels += bytes((value,)) * length
        self._x += length

    def _escape(self, value: int) -> bool:
        """Whether a line's end, a move or pixels one by one are there whole."""
        if value == _END_OF_LINE:
            self.pixels += bytes(-len(self.pixels) % self._width)
            self._x = 0
            return True
        return self._move() if value == _DELTA else self._one_by_one(value)

    def _move(self) -> bool:
        if self.place + 2 > len(self.file):
            return False
        right, up = self.file[self.place], self.file[self.place + 1]
        self.place += 2
        left = self._n_pixels - len(self.pixels)
        self.pixels += bytes(min(left, right + up * self._width))
        self._x = len(self.pixels) % self._width
        return True

    def _one_by_one(self, value: int) -> bool:
        count = min(self._n_pixels - len(self.pixels), value)
        n_bytes = (count + 1) // 2 if self._halves else count
        found = self.file[self.place : self.place + n_bytes]
        self.place += len(found)
        if self._halves:
            apart = (half for byte in found for half in (byte >> 4, byte & 15))
            found_pixels = bytes(apart)[:count]
        else:
            found_pixels = found
        self.pixels += found_pixels
        if len(found) < n_bytes or len(self.pixels) == self._n_pixels:
            return False
        self._x += value
        # To the next word of 16 bits, counted from the beginning of the file.
        self.place += (self._odd + self.place) % 2
        return True


Image.register_decoder(_NAME, RunsDecoder)
