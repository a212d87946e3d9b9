"""A PyTorch file from a stranger shows no memory but its own; what is checked is what is read."""

import io
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from processor_time import is_done_within

from rfviz.conv.errors import InputError
from rfviz.io.weights.raw_numbers import check_shape
from rfviz.io.weights.read import load_weights, read_weights

SECRET = b"another visitor's words"


@pytest.fixture(autouse=True)
def heap_of_others() -> None:
    """Memory that was used and given back, as a server's heap is full of it."""
    for size in (64, 1_000, 4_000, 100_000):
        blocks = [bytearray(SECRET * (size // len(SECRET) + 1)) for _ in range(200)]
        tensors = [torch.frombuffer(block, dtype=torch.uint8).clone() for block in blocks]
        del blocks, tensors


def shows_nothing(data: bytes, name: str = "w.pt") -> str:
    """The sentence, or fail; what is read all the same is zero or in the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError) as caught:
            load_weights(data, name)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert caught.value.remedies
    return sentence


# Pickles by hand. A storage is (type, key, numbers) and a tensor a view of one.
def text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def number(value: int) -> bytes:
    length = (value.bit_length() // 8) + 1
    return b"\x8a" + bytes([length]) + value.to_bytes(length, "little", signed=True)


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(
    kind: str = "torch FloatStorage", key: str = "0", count: int = 6, view: bytes = b""
) -> bytes:
    named = b"c" + kind.replace(" ", "\n").encode() + b"\n"
    identity = b"(" + text("storage") + named + text(key) + text("cpu") + number(count) + view
    return identity + b"tQ"


def tensor(
    held: bytes, offset: int = 0, shape: tuple[int, ...] = (2, 3), stride: tuple[int, ...] = (3, 1)
) -> bytes:
    called = b"ctorch._utils\n_rebuild_tensor_v2\n("
    return called + held + number(offset) + numbers(shape) + numbers(stride) + b"\x89}tR"


def state(**tensors: bytes) -> bytes:
    pairs = b"".join(text(name) + each for name, each in tensors.items())
    return b"\x80\x02}(" + pairs + b"u."


def archive(pickle: bytes, root: str = "archive", **others: bytes) -> bytes:
    """A ZIP archive as torch.save writes it; the names of others have _ for /."""
    records = {"data.pkl": pickle, "data/0": bytes(range(24)), "version": b"3\n"}
    records |= {name.replace("_", "/"): content for name, content in others.items()}
    return zipped({f"{root}/{name}": content for name, content in records.items()})


def zipped(files: dict[str, bytes] | list[tuple[str, bytes]], method: int = 0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as written, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in files.items() if isinstance(files, dict) else files:
            written.writestr(name, content)
    return file.getvalue()


def legacy(pickle: bytes, keys: list[str], *blocks: bytes) -> bytes:
    """A file of torch.save before 1.6; blocks are counts and numbers."""
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    listed = b"\x80\x02](" + b"".join(map(text, keys)) + b"e."
    return magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}." + pickle + listed + b"".join(blocks)


def block(count: int, content: bytes) -> bytes:
    return struct.pack("<q", count) + content


NUMBERS = bytes(range(24))
NONE = b"N"


def test_the_files_by_hand_are_what_torch_reads() -> None:
    honest = [
        archive(state(w=tensor(storage()))),
        legacy(state(w=tensor(storage(view=NONE))), ["0"], block(6, NUMBERS)),
        legacy(
            state(w=tensor(storage(view=b"(" + text("v") + number(2) + number(4) + b"t"),
                           shape=(2, 2), stride=(2, 1))),
            ["0"],
            block(6, NUMBERS),
        ),
    ]  # fmt: skip
    for data in honest:
        judge = torch.load(io.BytesIO(data), weights_only=True)["w"]
        torch.testing.assert_close(load_weights(data, "w.pt")["w"], judge, rtol=0, atol=0)


HALF = tensor(storage(view=NONE))
LEGACY: dict[str, tuple[bytes, str]] = {
    "no keys": (legacy(state(w=HALF), []), "takes 24 bytes .* holds 0 for it"),
    "no keys, but numbers": (legacy(state(w=HALF), [], block(6, NUMBERS)), "holds 0 for it"),
    "one key of two": (
        legacy(state(a=HALF, b=tensor(storage(key="1", view=NONE))), ["0"], block(6, NUMBERS)),
        "Storage '1' takes 24 bytes",
    ),
    "no numbers": (legacy(state(w=HALF), ["0"]), "damaged at storage '0'"),
    "a count alone": (legacy(state(w=HALF), ["0"], block(6, b"")), "holds 0 for it"),
    "half of the numbers": (legacy(state(w=HALF), ["0"], block(6, NUMBERS[:12])), "holds 12"),
    "a smaller count": (legacy(state(w=HALF), ["0"], block(3, NUMBERS)), "and 3 by the file's own"),
    "a larger count": (legacy(state(w=HALF), ["0"], block(9, NUMBERS * 2)), "and 9 by the file"),
    "a negative count": (legacy(state(w=HALF), ["0"], block(-6, NUMBERS)), "and -6 by the file"),
    "one key twice": (
        legacy(state(w=HALF), ["0", "0"], block(6, NUMBERS), block(6, NUMBERS)),
        "damaged at storage '0'",
    ),
    "an unknown key": (legacy(state(w=HALF), ["7"], block(6, NUMBERS)), "damaged at storage '7'"),
    "a huge storage": (
        legacy(state(w=tensor(storage(count=10**6, view=NONE))), []),
        "takes 4,000,000 bytes",
    ),
    "an endless storage": (
        legacy(state(w=tensor(storage(count=2**62, view=NONE))), []),
        "takes over 2.63 bytes",
    ),
    "two types": (
        legacy(
            state(a=HALF, b=tensor(storage("torch LongStorage", view=NONE))),
            ["0"],
            block(6, NUMBERS * 2),
        ),
        "of two types or sizes",
    ),
    "two sizes": (
        legacy(state(a=HALF, b=tensor(storage(count=9, view=NONE))), ["0"], block(6, NUMBERS)),
        "of two types or sizes",
    ),
    "a part past the end": (
        legacy(
            state(w=tensor(storage(view=b"(" + text("v") + number(4) + number(6) + b"t"))),
            ["0"],
            block(6, NUMBERS),
        ),
        "views numbers that are not there",
    ),
    "a part before the beginning": (
        legacy(
            state(w=tensor(storage(view=b"(" + text("v") + number(-4) + number(6) + b"t"))),
            ["0"],
            block(6, NUMBERS),
        ),
        "views numbers that are not there",
    ),
    "past a part": (
        legacy(
            state(
                w=tensor(
                    storage(view=b"(" + text("v") + number(2) + number(4) + b"t"), 3, (2, 3), (3, 1)
                )
            ),
            ["0"],
            block(6, NUMBERS),
        ),
        "asks for number",
    ),
}


@pytest.mark.parametrize("kind", LEGACY)
def test_numbers_that_are_not_in_an_older_file(kind: str) -> None:
    data, words = LEGACY[kind]
    assert re.search(words, shows_nothing(data))


def untyped(count: int) -> bytes:
    return b"ctorch.storage\nUntypedStorage\n" + number(count) + b"\x85R}b"


ARCHIVES: dict[str, bytes] = {
    "longer storage": state(w=tensor(storage(count=600), shape=(20, 30), stride=(30, 1))),
    "shorter storage": state(w=tensor(storage(count=3), shape=(3,), stride=(1,))),
    "missing storage": state(w=tensor(storage(key="1"))),
    "key of another record": state(
        w=tensor(storage("torch ByteStorage", "../version", 2), shape=(2,), stride=(1,))
    ),
    "other type": state(w=tensor(storage("torch DoubleStorage"))),
    "past the end": state(w=tensor(storage(), offset=1)),
    "far past the end": state(w=tensor(storage(), offset=2**40)),
    "shape past the end": state(w=tensor(storage(), shape=(2, 4), stride=(3, 1))),
    "stride past the end": state(w=tensor(storage(), shape=(2, 3), stride=(4, 1))),
    "negative offset": state(w=tensor(storage(), offset=-1)),
    "negative stride": state(w=tensor(storage(), stride=(3, -1))),
    "negative shape": state(w=tensor(storage(), shape=(-2, 3))),
    "two negative sides": state(w=tensor(storage(), shape=(-2, -3))),
    "huge stride": state(w=tensor(storage(), stride=(2**63 - 1, 1))),
    "overflowing stride": state(w=tensor(storage(), shape=(3, 3), stride=(2**62, 2**62))),
    "overflowing shape": state(w=tensor(storage(), shape=(2**62, 8), stride=(0, 0))),
    "empty but overflowing": state(w=tensor(storage(), shape=(0, 2**62, 8), stride=(0, 0, 0))),
    "side beyond all": state(w=tensor(storage(), shape=(0, 10**34), stride=(0, 0))),
    "fewer strides": state(w=tensor(storage(), stride=(1,))),
    "many sides": state(w=tensor(storage(), shape=(1,) * 65, stride=(1,) * 65)),
    "storage of a call": state(w=tensor(untyped(24))),
    "large storage of a call": state(w=tensor(untyped(10**6), shape=(100, 100), stride=(100, 1))),
    "typed storage of a call": state(w=tensor(b"ctorch\nFloatStorage\n" + number(6) + b"\x85R")),
    "tensor of a call": state(w=b"ctorch\nFloatTensor\n" + number(600) + b"\x85R"),
    "tensor of another call": state(w=b"ctorch\nTensor\n" + number(60) + number(9) + b"\x86R"),
    "empty of a call": state(w=b"ctorch\nempty\n" + number(600) + b"\x85R"),
    "two types of one key": state(
        a=tensor(storage()), b=tensor(storage("torch IntStorage"))
    ),
    "two sizes of one key": state(
        a=tensor(storage()), b=tensor(storage(count=5), shape=(5,), stride=(1,))
    ),
    "bytes and numbers of one key": state(
        a=tensor(storage()), b=tensor(storage("torch.storage UntypedStorage", count=24))
    ),
    "no storage": state(w=tensor(b"N")),
    "a list for a storage": state(w=tensor(b"](K\x00K\x01e")),
    "shape of words": state(
        w=tensor(storage()).replace(numbers((2, 3)), b"(" + text("2") + text("3") + b"t")
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ARCHIVES)
def test_numbers_that_are_not_in_an_archive(kind: str) -> None:
    shows_nothing(archive(ARCHIVES[kind]))


def spelled(*names: str) -> dict[str, bytes]:
    """Two lists of tensors: one is harmless, one would call a function."""
    good, bad = (
        state(w=tensor(storage())),
        b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    )
    others = {"archive/data/0": NUMBERS, "archive/version": b"3\n"}
    return dict(zip(names, (good, bad), strict=False)) | others


NAMES: dict[str, dict[str, bytes] | list[tuple[str, bytes]]] = {
    "capitals": spelled("archive/data.pkl", "archive/DATA.PKL"),
    "capitals first": dict(reversed(spelled("archive/data.pkl", "archive/DATA.PKL").items())),
    "capitals alone": spelled("archive/DATA.PKL"),
    "mixed": spelled("archive/data.pkl", "archive/Data.pkl"),
    "root in capitals": spelled("archive/data.pkl", "ARCHIVE/data.pkl"),
    "second root": spelled("archive/data.pkl", "other/data.pkl"),
    "deeper root": spelled("archive/data.pkl", "archive/data/data.pkl"),
    "no root": spelled("data.pkl"),
    "two in the root": spelled("archive/data.pkl", "data.pkl"),
    "doubled": list(spelled("archive/data.pkl").items()) * 2,
    "backslash": spelled("archive/data.pkl", "archive\\data.pkl"),
    "backslash alone": spelled("archive\\data.pkl"),
    "dots": spelled("archive/../archive/data.pkl"),
    "two slashes": spelled("archive//data.pkl"),
    "storage in capitals": spelled("archive/data.pkl") | {"archive/DATA/0": bytes(24)},
    "long s": spelled("archive/data.pkl", "archive/data.p\u212al"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_that_can_be_read_in_two_ways(kind: str) -> None:
    shows_nothing(zipped(NAMES[kind]))


def renamed(data: bytes, old: bytes, new: bytes, which: Callable[[int], bool]) -> bytes:
    """One of the two places where an archive has a name: before the content and at its end."""
    places = [at for at in range(len(data)) if data.startswith(old, at)]
    changed = bytearray(data)
    for number_, at in enumerate(places):
        if which(number_):
            changed[at : at + len(old)] = new
    return bytes(changed)


@pytest.mark.parametrize("new", [b"archive/DATA.PKL", b"archive/data.p\0l", b"archive/datb.pkl"])
@pytest.mark.parametrize("which", [0, 1])
def test_names_that_differ_in_one_archive(new: bytes, which: int) -> None:
    data = archive(state(w=tensor(storage())))
    shows_nothing(renamed(data, b"archive/data.pkl", new, lambda place: place == which))


def test_name_that_goes_on_after_a_zero() -> None:
    files = spelled("archive/data.pklX") | spelled("archive/data.pkl")
    data = zipped(files).replace(b"archive/data.pklX", b"archive/data.pkl\0")
    shows_nothing(data)


def deflated(content: bytes, declared: int) -> bytes:
    """An archive whose directory says another size than its list of tensors inflates to."""
    data = bytearray(zipped({"archive/data.pkl": content, "archive/data/0": NUMBERS}, 8))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature)
        struct.pack_into("<I", data, place + at, declared)
    return bytes(data)


@pytest.mark.parametrize("declared", [0, 10, 1_000_000, 2**32 - 2])
def test_size_of_the_directory_is_held_to(declared: int) -> None:
    # 200 MB of zeros deflate to 200 kB.
    shows_nothing(deflated(state(w=tensor(storage())) + bytes(200_000_000), declared))


HEAVY: dict[str, bytes] = {
    "key of doubled tuples": b"\x80\x02}" + b"NN\x86q\x00" + b"".join(
        b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(60)) + b"q\xff" + b"0" * 61 + b"h\xffNs.",
    "set of doubled tuples": b"\x80\x04\x8f(NN\x86q\x00" + b"".join(
        b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(60)) + b"\x90.",
    "lists": b"\x80\x02(" + b"]" * 900_000 + b"l.",
    "calls": b"\x80\x02(" + b"ca\nb\n)R" * 250_000 + b"l.",
    "memo": b"\x80\x02N" + b"\x94" * 900_000 + b".",
    "deep": b"\x80\x02" + b"]" * 140_000 + b"a" * 139_999 + b".",
    "deep tuples": b"\x80\x02N" + b"\x85" * 140_000 + b".",
    "deep dictionaries": b"\x80\x02" + b"}K\x01" * 70_000 + b"N" + b"s" * 70_000 + b".",
    "wide": b"\x80\x02](" + b"N" * 99 + b"lq\0" + b"".join(
        b"(" + b"h%c" % n * 99 + b"lq%c" % (n + 1) for n in range(200)) + b".",
    "long number": b"\x80\x02\x8b" + struct.pack("<i", 4_000_000) + b"\x7f" * 4_000_000 + b".",
    "digits": b"\x80\x02I" + b"9" * 1_000_000 + b"\n.",
    "long key": b"\x80\x02}" + b"X" + struct.pack("<I", 4_000_000) + b"k" * 4_000_000 + b"]s.",
    "surrogates": b"\x80\x02X" + struct.pack("<I", 15_000_000) + b"\xed\xa0\x80" * 5_000_000
        + b".",
    "long key of many": b"\x80\x02X" + struct.pack("<I", 4_000_000) + b"k" * 4_000_000 + b"q\x000]("
        + b"}h\x00]s" * 15_000 + b"e.",
    "arguments of many": b"\x80\x02ca\nb\nq\x00(" + b"N" * 190_000 + b"tq\x01("
        + b"h\x00h\x01R" * 95_000 + b"l.",
    "state of many": b"\x80\x02ca\nb\nq\x00}(" + b"K\x01N" * 60_000 + b"uq\x01("
        + b"h\x00)Rh\x01b" * 40_000 + b"l.",
    "long name": b"\x80\x02c" + b"a" * 1_000_000 + b"\nb\n.",
}  # fmt: skip


@pytest.mark.parametrize("kind", HEAVY)
def test_small_lists_take_little_work(kind: str) -> None:
    for data in (archive(HEAVY[kind]), HEAVY[kind], legacy(HEAVY[kind], [])):
        assert is_done_within(3, partial(shows_nothing, data))


def test_a_shape_of_many_sides_is_refused_at_once() -> None:
    def refused() -> None:
        with pytest.raises(InputError, match="which no tensor has"):
            check_shape("The array", [2**63 - 1] * 200_000, 4)

    assert is_done_within(1, refused)


def views(count: int, numbers_each: int) -> bytes:
    shape = (numbers_each,)
    return state(**{f"w{n}": tensor(storage(), shape=shape, stride=(0,)) for n in range(count)})


@pytest.mark.parametrize(("count", "each"), [(1, 26_000_000), (120, 250_000), (9_000, 5_000)])
def test_numbers_are_counted_as_often_as_they_stand(count: int, each: int) -> None:
    sentence = shows_nothing(archive(views(count, each)))
    assert "MB, which is more than 8 times" in sentence


def test_ties_and_views_within_the_bound_are_read() -> None:
    tied = read_weights(archive(views(50, 1_000)), "w.pt")
    assert len(tied.tensors) == 50
    assert all(bool((each == each[0]).all()) for each in tied.tensors.values())


def test_torch_load_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("torch.load was called")

    monkeypatch.setattr(torch, "load", refused)
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        file = io.BytesIO()
        torch.save({"w": torch.ones(2)}, file, **options)
        assert load_weights(file.getvalue(), "w.pt")["w"].tolist() == [1, 1]
