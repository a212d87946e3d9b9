"""Weights from PyTorch's .pt and .pth files, without running anything that is in them.

`torch.load` is not called: it builds what a file asks for before the numbers are there, so that a
short file can show other people's memory. The pickle becomes a tree of plain data, the tree a list
of records, and each record is held against the bytes in the file before a tensor is made of them.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import torch

from rfviz.conv.errors import InputError
from rfviz.io.weights.checkpoint_names import names_of
from rfviz.io.weights.checkpoint_walk import Contents, contents_of
from rfviz.io.weights.file import MAX_NAME, LeftOut, WeightsFile, shown
from rfviz.io.weights.pickle_tree import Stored, read_pickle
from rfviz.io.weights.pytorch_records import Storage, TensorRecord, storage_of
from rfviz.io.weights.raw_numbers import (
    SAVE_AGAIN,
    as_numbers,
    check_total,
    laid_out,
    own_copy,
)
from rfviz.io.weights.zip_archive import Archive

# A pickled number that torch.save wrote first before PyTorch 1.6. Four more pickles follow it: the
# protocol, the system, what was saved, and the order of the storages, whose bytes come last.
_LEGACY_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_LEGACY_HEAD = 32  # bytes in which it stands, after the protocol
SAVE_STATE_DICT = (
    "Ask its author for a file of model.state_dict() alone, saved with torch.save or safetensors"
)
Block = memoryview | bytes


def is_torch_legacy(data: bytes) -> bool:
    """Whether a file begins as torch.save began it before PyTorch 1.6.

    >>> is_torch_legacy(b"\\x80\\x02}.")
    False
    """
    return data[:1] == b"\x80" and _LEGACY_MAGIC in data[:_LEGACY_HEAD]


def read_torch_archive(data: bytes) -> WeightsFile:
    """Read a .pt or .pth file as torch.save writes it since PyTorch 1.6: a ZIP archive.

    `InputError` for damage, and for numbers that are not in the file.
    """
    archive = Archive(data, "PyTorch")
    root = _root(list(archive.sizes))
    pickle = read_pickle(archive.read(f"{root}data.pkl"), 0, SAVE_STATE_DICT)
    _declared(pickle.stored)
    order = b"little"
    if f"{root}byteorder" in archive.sizes:
        order = bytes(archive.read(f"{root}byteorder")).strip()
    if order not in {b"little", b"big"}:
        raise InputError(
            f"The PyTorch file names the byte order {str(order[:20])[1:]}, neither little nor big.",
            remedy=SAVE_AGAIN,
        )

    def block(storage: Storage) -> Block:
        name = f"{root}data/{storage.key}"
        return archive.read(name) if name in archive.sizes else b""

    return _weights_file(contents_of(pickle.tree), block, len(data), big_endian=order == b"big")


def read_torch_legacy(data: bytes) -> WeightsFile:
    """Read a .pt or .pth file as torch.save wrote it before PyTorch 1.6: pickles, then numbers.

    The numbers are little-endian whatever the machine was. `InputError` as above.
    """
    position = data.index(_LEGACY_MAGIC) + len(_LEGACY_MAGIC)
    for _ in ("the protocol", "the system"):
        position = read_pickle(data, position, SAVE_STATE_DICT).stop
    saved = read_pickle(data, position, SAVE_STATE_DICT)
    keys = read_pickle(data, saved.stop, SAVE_STATE_DICT)
    blocks = _legacy_blocks(memoryview(data)[keys.stop :], keys.tree, _declared(saved.stored))

    def block(storage: Storage) -> Block:
        return blocks.get(storage.key, b"")

    return _weights_file(contents_of(saved.tree), block, len(data))


def read_pickled_arrays(data: bytes) -> WeightsFile:
    """Read the NumPy arrays of a bare pickle; `InputError` where it holds none."""
    tree = read_pickle(data, 0, SAVE_STATE_DICT).tree
    return _weights_file(contents_of(tree), lambda storage: b"", len(data))


def _root(names: Sequence[str]) -> str:
    """The folder of the archive that holds the one pickle, whatever way its name is spelled."""
    pickles = [name for name in names if name.lower().split("/")[-1] == "data.pkl"]
    if len(pickles) != 1 or pickles[0].count("/") != 1 or not pickles[0].endswith("/data.pkl"):
        raise InputError(
            f"The ZIP archive is not one that torch.save writes: of files called data.pkl it holds "
            f"{len(pickles)}, where one is expected, in the one folder.",
            remedy=SAVE_AGAIN,
        )
    root = pickles[0].removesuffix("data.pkl")
    if len({name.lower() for name in names}) != len(names):
        # PyTorch itself does not tell them apart.
        raise InputError(
            "The PyTorch file holds two files whose names differ in case alone.", remedy=SAVE_AGAIN
        )
    return root


def _declared(stored: Iterable[Stored]) -> dict[str, Storage]:
    """Each storage that the pickle names, by its key; one key has one type and one size."""
    declared: dict[str, Storage] = {}
    for each in stored:
        if not isinstance(each.identity, tuple) or each.identity[:1] != ("storage",):
            continue  # the class of a module, with its source
        storage = storage_of(each.identity, "A storage")._replace(start=0)
        if declared.setdefault(storage.key, storage) != storage:
            raise InputError(
                f"Storage {storage.key[:40]!r} is said to be of two types or sizes.",
                remedy=SAVE_AGAIN,
            )
    return declared


def _legacy_blocks(
    rest: memoryview, keys: object, declared: dict[str, Storage]
) -> dict[str, memoryview]:
    """The numbers of each storage, in the order of the keys: a count of 8 bytes, then so many."""
    blocks: dict[str, memoryview] = {}
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise InputError("The list of storages in the PyTorch file is damaged.", remedy=SAVE_AGAIN)
    for key in keys:
        if key in blocks or key not in declared or len(rest) < 8:
            raise InputError(
                f"The PyTorch file is damaged at storage {key[:40]!r}.", remedy=SAVE_AGAIN
            )
        (count,) = struct.unpack_from("<q", rest)
        storage = declared[key]
        n_bytes = storage.numel * storage.dtype.itemsize
        if count != storage.numel:
            raise InputError(
                f"Storage {key[:40]!r} has {_counted(storage.numel)} numbers by the list of "
                f"tensors, and {count:,} by the file's own count.",
                remedy=SAVE_AGAIN,
            )
        if n_bytes > len(rest) - 8:
            raise _no_numbers(storage, len(rest) - 8)
        blocks[key] = rest[8 : 8 + n_bytes]
        rest = rest[8 + n_bytes :]
    return blocks


def _weights_file(
    contents: Contents,
    block: Callable[[Storage], Block],
    n_file: int,
    *,
    big_endian: bool = False,
) -> WeightsFile:
    """Make the tensors, once it is known how much all of them take."""
    records = [found.record for found in contents.tensors]
    if not records:
        raise _no_tensor(contents.left_out)
    check_total("The PyTorch file", sum(record.n_bytes for record in records), n_file)
    made = _made(records, block, big_endian=big_endian)
    scalars = frozenset(index for index, record in enumerate(records) if not record.shape)
    named: dict[str, torch.Tensor] = {}
    left_out = list(contents.left_out)
    order = names_of([found.path for found in contents.tensors], scalars)
    for index, name in order.names:
        if len(name) > MAX_NAME:
            left_out.append(LeftOut(shown(name), "its name is too long"))
        elif name in named:
            left_out.append(LeftOut(name, "another tensor of the file has this name"))
        else:
            named[name] = made[index]
    model = tuple(name for index, name in order.names if index in order.model and name in named)
    return WeightsFile(named, tuple(left_out), model)


def _made(
    records: Sequence[TensorRecord], block: Callable[[Storage], Block], *, big_endian: bool
) -> dict[int, torch.Tensor]:
    """Tensors by the number of their record. Each storage is copied once, then let go."""
    made: dict[int, torch.Tensor] = {}
    for storage, indices in _by_storage(records).items():
        content = block(storage)
        if len(content) != storage.numel * storage.dtype.itemsize:
            raise _no_numbers(storage, len(content))
        made |= _views(records, indices, own_copy(content), big_endian=big_endian)
    for index, record in enumerate(records):
        if isinstance(record.source, bytes):
            raw = own_copy(record.source)
            made |= _views(records, [index], raw, big_endian=record.big_endian)
    return made


def _by_storage(records: Sequence[TensorRecord]) -> dict[Storage, list[int]]:
    """Numbers of the records that view each storage, those of one type next to each other."""
    found: dict[Storage, list[int]] = {}
    for index, record in enumerate(records):
        if isinstance(record.source, Storage):
            found.setdefault(record.source._replace(start=0), []).append(index)
    return {
        storage: sorted(indices, key=lambda index: str(records[index].dtype))
        for storage, indices in found.items()
    }


def _views(
    records: Sequence[TensorRecord], indices: Sequence[int], raw: torch.Tensor, *, big_endian: bool
) -> dict[int, torch.Tensor]:
    made = {}
    for dtype, group in groupby(indices, lambda index: records[index].dtype):
        whole = raw[: len(raw) // dtype.itemsize * dtype.itemsize]
        numbers = as_numbers(whole, dtype, big_endian=big_endian)
        for index in group:
            record = records[index]
            made[index] = laid_out(numbers, record.shape, record.stride, record.offset)
    return made


def _no_tensor(left_out: Sequence[LeftOut]) -> InputError:
    if not left_out:
        return InputError("The file holds no tensor.", remedy=SAVE_STATE_DICT)
    first = left_out[0]
    return InputError(
        f"The file holds no tensor that can be read; nothing in it was run. '{shown(first.name)}': "
        f"{first.reason}.",
        remedy=SAVE_STATE_DICT,
    )


def _no_numbers(storage: Storage, n_held: int) -> InputError:
    n_bytes = _counted(storage.numel * storage.dtype.itemsize)
    return InputError(
        f"Storage {storage.key[:40]!r} takes {n_bytes} bytes by the list of tensors, but the file "
        f"holds {n_held:,} for it.",
        remedy=SAVE_AGAIN,
    )


def _counted(number: int) -> str:
    return f"{number:,}" if number < 2**63 else "over 2^63"
