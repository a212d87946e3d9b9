"""ZIP archives from strangers: what their directory declares is checked before anything is read.

Python's `zipfile` reads the directory, and no more: the bytes of a file are cut out here, so that
no file gives more than its directory says, and a file that is stored plain is not copied.
"""

import io
import struct
import zipfile
import zlib
from functools import cached_property

from rfviz.conv.errors import InputError
from rfviz.conv.memory import readable_bytes
from rfviz.io.weights.raw_numbers import SAVE_AGAIN, check_total

_MAX_DIRECTORY_BYTES = 2_000_000
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_LOCAL = b"PK\x03\x04"
_LOCAL_SIZE = 30


class Archive:
    """The files of a ZIP archive, of which none is decompressed before its size is accepted.

    Raises `InputError` for what is damaged, encrypted, ambiguous, too large or a bomb. Source:
    PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16.
    """

    def __init__(self, data: bytes, kind: str) -> None:
        """Check the directory at the end of the archive, and keep it."""
        self._kind = kind
        self._data = memoryview(data)
        _check_directory(data, kind)
        try:
            entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
        except (
            zipfile.BadZipFile,
            ValueError,  # also a name that is no text
            NotImplementedError,
            struct.error,
            OverflowError,
        ) as error:
            raise self._damaged(str(error) or type(error).__name__) from error
        self._entries = {entry.filename: entry for entry in entries}
        self.sizes = {entry.filename: entry.file_size for entry in entries}
        if len(self.sizes) != len(entries):
            raise InputError(f"The {kind} file holds two files of one name.", remedy=SAVE_AGAIN)
        check_total(f"The {kind} file", sum(self.sizes.values()), len(data))
        for entry in entries:
            self._check(entry)

    def read(self, name: str) -> memoryview | bytes:
        """Return one file's bytes: as many as the directory declares, of the sum that it names."""
        entry = self._entries.get(name)
        if entry is None:
            raise self._damaged(f"there is no {name[:60]!r}")
        stored = self._stored(entry)
        if entry.compress_type == zipfile.ZIP_STORED:
            content: memoryview | bytes = stored
        else:
            content = self._inflated(entry, stored)
        if len(content) != entry.file_size:
            raise self._damaged(f"{name[:60]!r} is not as long as the directory says")
        if not self._has_no_sums and zlib.crc32(content) != entry.CRC:
            raise self._damaged(f"{name[:60]!r} has another checksum than the directory says")
        return content

    @cached_property
    def _has_no_sums(self) -> bool:
        """Whether it was saved with torch.serialization.set_crc32_options(False)."""
        return not any(entry.CRC for entry in self._entries.values())

    def _stored(self, entry: zipfile.ZipInfo) -> memoryview:
        """The bytes between this file's own header and the next one."""
        start = entry.header_offset
        head = self._data[start : start + _LOCAL_SIZE]
        if len(head) < _LOCAL_SIZE or head[:4] != _LOCAL:
            raise self._damaged(f"{entry.filename[:60]!r} is not where the directory says")
        name_length, extra_length = struct.unpack_from("<HH", head, 26)
        named = start + _LOCAL_SIZE + name_length
        begin = named + extra_length
        encoding = "utf-8" if entry.flag_bits & 0x800 else "cp437"
        if self._data[start + _LOCAL_SIZE : named] != entry.orig_filename.encode(encoding):
            raise self._damaged(f"{entry.filename[:60]!r} has two names")
        content = self._data[begin : begin + entry.compress_size]
        if len(content) != entry.compress_size:
            raise self._damaged(f"{entry.filename[:60]!r} ends too early")
        return content

    def _inflated(self, entry: zipfile.ZipInfo, deflated: memoryview) -> bytes:
        # A window of 15 bits without a header of its own is what ZIP holds.
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            # One byte more than declared shows a file that goes on.
            return stream.decompress(deflated, entry.file_size + 1)
        except zlib.error as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, said: str) -> InputError:
        said = "".join(sign if sign.isprintable() else "?" for sign in " ".join(said.split()))
        return InputError(f"The {self._kind} file is damaged ({said[:100]}).", remedy=SAVE_AGAIN)

    def _check(self, entry: zipfile.ZipInfo) -> None:
        name = "".join(sign if sign.isprintable() else "?" for sign in entry.filename[:60])
        if entry.filename != entry.orig_filename or "\\" in entry.filename:
            raise InputError(
                f"The name '{name}' in the {self._kind} file can be read in two ways.",
                remedy=SAVE_AGAIN,
            )
        if entry.flag_bits & 1:
            raise InputError(f"'{name}' in the {self._kind} file is encrypted.", remedy=SAVE_AGAIN)
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InputError(
                f"'{name}' in the {self._kind} file is compressed by method {entry.compress_type}; "
                f"only stored and deflated files are read.",
                remedy="Save it anew without compression",
            )


def names_in(data: bytes) -> list[str]:
    """Return the names in an archive's directory, none where that cannot be read.

    >>> names_in(b"no archive")
    []
    """
    try:
        return list(Archive(data, "ZIP").sizes)
    except InputError:
        return []


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
