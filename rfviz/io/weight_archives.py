"""ZIP archives from strangers: what their directory declares is checked before anything is read."""

import io
import struct
import zipfile
import zlib

from rfviz.conv.memory import readable_bytes
from rfviz.conv.spec import InputError

MAX_BYTES = 500_000_000
_MAX_DIRECTORY_BYTES = 4_000_000
_BOMB_BYTES, _BOMB_RATIO = 20_000_000, 100
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
SAVE_AGAIN = "Copy or download it again, or save it anew"


def check_total(what: str, n_bytes: int) -> None:
    """Raise `InputError` if something declares more than `MAX_BYTES`.

    >>> check_total("The file", 1000)
    """
    if n_bytes > MAX_BYTES:
        raise InputError(
            f"{what} declares {readable_bytes(n_bytes)} of numbers; at most "
            f"{readable_bytes(MAX_BYTES)} are read.",
            remedy="Save only the layers that you want to see, for example in a .safetensors file",
        )


class Archive:
    """The files of a ZIP archive, of which none is decompressed before its size is accepted.

    Raises `InputError` for what is damaged, encrypted, ambiguous, too large or a bomb. Source:
    PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.12 to 4.3.16.
    """

    def __init__(self, data: bytes, kind: str) -> None:
        """Check the directory at the end of the archive, and keep it."""
        self._kind = kind
        _check_directory(data, kind)
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            self.sizes = {info.filename: info.file_size for info in self._archive.infolist()}
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            raise self.damaged(error) from error
        entries = self._archive.infolist()
        if len(self.sizes) != len(entries):
            raise InputError(f"The {kind} file holds two files of one name.", remedy=SAVE_AGAIN)
        check_total(f"The {kind} file", sum(self.sizes.values()))
        for info in entries:
            self._check(info)

    def read(self, name: str) -> bytes:
        """Return one file's bytes, no more than the directory declares."""
        try:
            return self._archive.read(name)
        except (
            zipfile.BadZipFile,  # a wrong checksum, or a header unlike the directory's
            zlib.error,
            EOFError,
            KeyError,
            ValueError,
            OSError,
            NotImplementedError,
            RuntimeError,
            struct.error,
        ) as error:
            raise self.damaged(error) from error

    def damaged(self, error: BaseException) -> InputError:
        """Return the sentence for an archive that cannot be read."""
        said = " ".join(str(error).split())[:100] or type(error).__name__
        return InputError(f"The {self._kind} file is damaged ({said}).", remedy=SAVE_AGAIN)

    def _check(self, info: zipfile.ZipInfo) -> None:
        name = info.filename[:60]
        if info.flag_bits & 1:
            raise InputError(f"'{name}' in the {self._kind} file is encrypted.", remedy=SAVE_AGAIN)
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InputError(
                f"'{name}' in the {self._kind} file is compressed by method {info.compress_type}; "
                f"only stored and deflated files are read.",
                remedy="Save it anew without compression",
            )
        if info.file_size > max(_BOMB_BYTES, _BOMB_RATIO * info.compress_size):
            raise InputError(
                f"'{name}' in the {self._kind} file would grow from "
                f"{readable_bytes(info.compress_size)} to {readable_bytes(info.file_size)}, which "
                f"is more than {_BOMB_RATIO} times.",
                remedy="Save it anew without compression",
            )


def _check_directory(data: bytes, kind: str) -> None:
    """Hold the size of the directory down before `zipfile` makes objects of all that is in it."""
    end = len(data) - 22
    if end < 0 or data[end : end + 4] != _END:
        # A comment after the end would let two readers see two different archives.
        raise InputError(
            f"The {kind} file ends too early, after {len(data):,} bytes, or has something after "
            f"its end.",
            remedy=SAVE_AGAIN,
        )
    size, start = struct.unpack_from("<II", data, end + 12)
    if data[max(0, end - 20) : end - 16] == _LOCATOR_64:
        end = struct.unpack_from("<Q", data, end - 12)[0]
        if data[end : end + 4] != _END_64 or end + 56 > len(data):
            raise InputError(f"The directory of the {kind} file is damaged.", remedy=SAVE_AGAIN)
        size, start = struct.unpack_from("<QQ", data, end + 40)
    if size > _MAX_DIRECTORY_BYTES:
        raise InputError(
            f"The directory of the {kind} file takes {readable_bytes(size)}, more than "
            f"{readable_bytes(_MAX_DIRECTORY_BYTES)}.",
            remedy=SAVE_AGAIN,
        )
    if start + size != end:
        raise InputError(f"The directory of the {kind} file is not at its end.", remedy=SAVE_AGAIN)
