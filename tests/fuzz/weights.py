"""Break weights files at random: `python tests/fuzz/weights.py --format pt --count 100000`.

Every mutation of a seed has a number, so that `--first 4711 --count 1` makes it again (but for the
older format, whose numbers lie in the order of their addresses in memory). A file is
read, or refused with an `InputError`; any other exception is a fault, as is a reading that takes
over 2 seconds of processor or 1 GB, and a tensor that holds a number which is not in the file.
"""

import argparse
import io
import json
import pickle
import random
import re
import resource
import struct
import sys
import time
import warnings
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2]))

from rfviz.conv.errors import InputError
from rfviz.io.weights.read import read_weights
from rfviz.io.weights.write import safetensors_of
from rfviz.io.weights.zip_archive import Archive

MOST_SECONDS = 2.0
MOST_BYTES = 1_000_000_000
_INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x28, 0x29, 0x2E, 0x51, 0x52, 0x62, 0x63, 0x71, 0x94)
_WORDS = (
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch\nFloatStorage\n",
    b"ctorch.storage\nUntypedStorage\n",
    b"ctorch\nFloatTensor\n",
    b"cposix\nsystem\n",
    b"c__builtin__\nbytearray\n",
    b"J\xff\xff\xff\x7f",
    b"J\xff\xff\xff\xff",
    b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"K\x00",
    b"(t",
    b"\x85R",
    b"}q\x00",
    b"PK\x05\x06",
    b"PK\x01\x02",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00\x00\x00\x00\x80",
    b"18446744073709551616",
    b"-1",
    b"[[[[",
    b'"dtype"',
    b"'descr'",
    b"True",
    b",",
    b"\n\n",
    b" " * 64,
    b"1e999",
    b"nan",
)


class Fault(NamedTuple):
    """A mutation that was neither read nor refused as it should be."""

    number: int
    what: str


class Tally(NamedTuple):
    """What became of all mutations of one format."""

    read: int
    refused: int
    faults: list[Fault]
    slowest: float


def _torch(value: object, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def _renumbered(data: bytes) -> bytes:
    """A file of the older format whose keys are no addresses."""
    keys = dict.fromkeys(re.findall(rb"(?<=\x00)\d{12,16}", data))
    for number, key in enumerate(keys):
        data = data.replace(key, str(number).zfill(len(key)).encode())
    return data


def _npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _npz(**arrays: Any) -> bytes:
    """An archive of arrays that, unlike numpy.savez's, does not tell when it was made."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name, array in arrays.items():
            written.writestr(zipfile.ZipInfo(f"{name}.npy"), _npy(array), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _values() -> list[object]:
    torch.manual_seed(0)
    base = torch.randn(4, 3, 3, 3)
    state = OrderedDict({"conv.weight": base, "conv.bias": base[:, 0, 0, 0], "n": torch.tensor(7)})
    checkpoint = {
        "epoch": 3,
        "state_dict": state,
        "optimizer": {"state": {0: {"exp_avg": base * 2}}, "param_groups": [{"lr": 0.1}]},
        "best": torch.tensor(71.5),
        "names": ("a", "b"),
        "counts": Counter("abca"),
        "array": np.arange(6.0).reshape(2, 3),
    }
    views = {"t": base.transpose(1, 3), "e": base[:1].expand(4, 3, 3, 3), "half": base.half()}
    return [state, checkpoint, views, nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())]


def _safetensors() -> list[bytes]:
    header = {
        "a": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]},
        "b": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [4, 8]},
        "__metadata__": {"format": "pt"},
    }
    text = json.dumps(header).encode()
    return [safetensors_of(torch.ones(2, 3)), struct.pack("<Q", len(text)) + text + bytes(8)]


def _texts() -> list[bytes]:
    return [
        b"1, 0, -1\n2, 0, -2\n1, 0, -1\n",
        b"\xef\xbb\xbf# a\r\n.5;5e-1\r\n\r\n1;2\r\n",
        b"1\t2\n3\t4\n",
    ]


def seeds(name: str) -> list[bytes]:
    """Honest files of a format, to be broken."""
    values = _values()
    before: dict[str, Any] = {"_use_new_zipfile_serialization": False}
    arrays = {"a": np.ones((2, 3), "f4"), "b": [np.arange(4), {"c": 1.5}], "d": {1, 2}}
    single = (np.ones((2, 1, 3, 3)), np.zeros((0, 4)))
    ordered = np.asarray(np.arange(6).reshape(3, 2), dtype=">i2", order="F")
    made: dict[str, list[bytes]] = {
        "pt": [*map(_torch, values), _torch(values[1], pickle_protocol=4)],
        "legacy": [_renumbered(_torch(value, **before)) for value in values],
        "pickle": [pickle.dumps(arrays, protocol) for protocol in (2, 3, 4, 5)],
        "npy": [*map(_npy, single), _npy(ordered)],
        "npz": [_npz(w=np.ones((2, 3)), b=np.arange(3)), _npz(a=np.array(["x"]), c=np.ones(2))],
        "safetensors": _safetensors(),
        "text": _texts(),
    }
    return made[name]


ENDINGS = {
    "pt": ".pt",
    "legacy": ".pth",
    "pickle": ".pkl",
    "npy": ".npy",
    "npz": ".npz",
    "safetensors": ".safetensors",
    "text": ".csv",
}


def mutated(corpus: list[bytes], name: str, number: int) -> bytes:
    """The mutation of a corpus that has this number, the same in every run."""
    choose = random.Random(f"{name} {number}")  # noqa: S311 - breaks files, keeps no secret
    data = choose.choice(corpus)
    if data[:2] == b"PK" and choose.random() < 0.7:
        return _repacked(data, choose)
    return _broken(data, choose)


def _broken(data: bytes, choose: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(choose.choice((1, 1, 1, 2, 3, 8))):
        choose.choice(_CHANGES)(changed, choose)
    return bytes(changed)


def _repacked(data: bytes, choose: random.Random) -> bytes:
    """A ZIP archive whose directory is whole, and one of whose files is not."""
    file = io.BytesIO()
    method = choose.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(file, "w", method) as written:
        names = whole.namelist()
        target = choose.choice(names + [name for name in names if name.endswith(".pkl")] * 9)
        for name in names:
            content = whole.read(name)
            if name == target:
                content = _broken(content, choose)
            if choose.random() < 0.02:
                continue
            new = name.swapcase() if choose.random() < 0.02 else name
            written.writestr(zipfile.ZipInfo(new), content, method)
    return file.getvalue()


def _place(data: bytearray, choose: random.Random) -> int:
    return choose.randrange(len(data)) if data else 0


def _flip(data: bytearray, choose: random.Random) -> None:
    if data:
        data[_place(data, choose)] ^= 1 << choose.randrange(8)


def _put(data: bytearray, choose: random.Random) -> None:
    if data:
        data[_place(data, choose)] = choose.choice(_INTERESTING)


def _cut(data: bytearray, choose: random.Random) -> None:
    start = _place(data, choose)
    del data[start : start + choose.choice((1, 2, 4, 16, len(data)))]


def _repeat(data: bytearray, choose: random.Random) -> None:
    start = _place(data, choose)
    part = data[start : start + choose.choice((1, 4, 16, 64))]
    data[start:start] = part * choose.choice((1, 2, 50))


def _insert(data: bytearray, choose: random.Random) -> None:
    start = _place(data, choose)
    data[start:start] = choose.choice(_WORDS)


def _replace(data: bytearray, choose: random.Random) -> None:
    start, word = _place(data, choose), choose.choice(_WORDS)
    data[start : start + len(word)] = word


def _count(data: bytearray, choose: random.Random) -> None:
    if len(data) > 8:
        start = choose.randrange(len(data) - 8)
        form = choose.choice(("<B", "<H", "<I", "<Q"))
        value = choose.choice((0, 1, 2**7, 2**8 - 1)) if form == "<B" else choose.getrandbits(15)
        struct.pack_into(form, data, start, value)


def _swap(data: bytearray, choose: random.Random) -> None:
    first, second = _place(data, choose), _place(data, choose)
    length = choose.choice((1, 4, 9))
    moved = data[first : first + length]
    data[second : second + len(moved)] = moved


_CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _flip,
    _put,
    _put,
    _cut,
    _repeat,
    _insert,
    _replace,
    _count,
    _swap,
)


def invented(data: bytes, tensors: dict[str, torch.Tensor]) -> str | None:
    """The name of a tensor with a number whose bytes are nowhere in the file, and not zero."""
    held = data
    if data[:2] == b"PK":
        archive = Archive(data, "ZIP")
        for name in archive.sizes:
            with suppress(InputError):  # one that was not needed
                held += bytes(archive.read(name))
    # Protocols before 3 write the bytes of an array as text.
    held += held.decode("utf-8", "ignore").encode("latin-1", "ignore")
    for name, tensor in tensors.items():
        size = tensor.dtype.itemsize
        raw = bytes(tensor.reshape(-1)[:64].contiguous().view(torch.uint8).tolist())
        for start in range(0, len(raw), size):
            number = raw[start : start + size]
            if number not in held and number[::-1] not in held and any(number):
                return name
    return None


def tried(data: bytes, ending: str) -> tuple[bool, str]:
    """Whether a file is read, and what is wrong with how it was read or refused."""
    try:
        file = read_weights(data, f"weights{ending}")
    except InputError as error:
        sentence = str(error)
        if not sentence.isprintable() or len(sentence) > 600 or not error.remedies:
            return False, f"is refused by {sentence[:200]!a}"
        return False, ""
    except MemoryError as error:
        return False, f"runs out of memory ({error})"
    # Numbers written as text are there in other signs.
    if ending != ".csv" and (name := invented(data, file.tensors)) is not None:
        return True, f"gives numbers that are not in the file, in {name!a}"
    return True, ""


def run(name: str, first: int, count: int) -> Tally:
    """Try so many mutations of a format."""
    corpus = seeds(name)
    read = refused = 0
    faults: list[Fault] = []
    slowest = 0.0
    for number in range(first, first + count):
        data = mutated(corpus, name, number)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        start = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                was_read, wrong = tried(data, ENDINGS[name])
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            was_read, wrong = False, f"raises {error!r}"
        seconds = time.process_time() - start
        slowest = max(slowest, seconds)
        read, refused = read + was_read, refused + (not was_read)
        if seconds > MOST_SECONDS:
            wrong = wrong or f"takes {seconds:.1f} s"
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before > MOST_BYTES:
            wrong = wrong or "takes over 1 GB"
        if wrong:
            faults.append(Fault(number, wrong))
    return Tally(read, refused, faults, slowest)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=ENDINGS, action="append", help="all by default")
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation")
    options = parser.parse_args()
    wrong = 0
    for name in options.format or ENDINGS:
        tally = run(name, options.first, options.count)
        sys.stdout.write(
            f"{name}: {tally.read:,} read, {tally.refused:,} refused, {len(tally.faults):,} "
            f"faults, the slowest {tally.slowest:.2f} s\n"
        )
        for fault in tally.faults[:20]:
            sys.stdout.write(f"  number {fault.number} {fault.what}\n")
        sys.stdout.flush()
        wrong += len(tally.faults)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
