"""Every reader of a stranger's text takes time in step with its length, and lets others run."""

import gc
import io
import json
import re
import struct
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from processor_time import processor_seconds

from rfviz.conv.errors import InputError
from rfviz.io.weights.read import read_weights

LENGTHS = [1024 * 2**step for step in range(10)]  # 1, 2, 4, ... 512 kB
# A quadratic reader takes 64 times as long for 8 times the text, a linear one 8 times.
MOST = 24
TOO_SHORT = 0.03  # seconds; less is noise


def safetensors_file(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def npy_file(header: bytes) -> bytes:
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header


def archive(pickle: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        written.writestr("a/data.pkl", pickle)
    return file.getvalue()


def entries(n_bytes: int) -> bytes:
    n = n_bytes // 70
    return json.dumps(
        {f"t{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(n)}
    ).encode()


def names(n_bytes: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for number in range(n_bytes // 100):
            written.writestr(f"{number}.txt", b"")
    return file.getvalue()


Maker = Callable[[int], bytes]
TEXTS: dict[str, tuple[str, Maker]] = {
    "blanks": (".csv", lambda n: b"1" + b" " * n + b"2"),
    "blanks alone": (".csv", lambda n: b" " * n),
    "blanks before commas": (".csv", lambda n: b"1" + b" " * n + b",x"),
    "blanks between commas": (".csv", lambda n: b" , " * (n // 3)),
    "tabs": (".tsv", lambda n: b"1" + b"\t" * n + b"2"),
    "semicolons and blanks": (".csv", lambda n: b"1 ; " * (n // 4) + b"x"),
    "empty lines": (".txt", lambda n: b"\n" * n),
    "ends of old Macs": (".txt", lambda n: b"\r" * n),
    "ends of both": (".txt", lambda n: b"\r\n" * (n // 2)),
    "comments": (".csv", lambda n: b"#" * n),
    "a comment a line": (".csv", lambda n: b"# a\n" * (n // 4)),
    "numbers": (".csv", lambda n: b"1," * (n // 2)),
    "a number a line": (".csv", lambda n: b"1\n" * (n // 2)),
    "kernels": (".csv", lambda n: b"1\n\n" * (n // 3)),
    "digits": (".csv", lambda n: b"1" * n),
    "digits after a point": (".csv", lambda n: b"0." + b"1" * n),
    "an exponent": (".csv", lambda n: b"1e" + b"9" * n),
    "signs": (".csv", lambda n: b"-" * n),
    "wide blanks": (".csv", lambda n: "\u2003".encode() * (n // 3)),
    "no text": (".csv", lambda n: b"1," * (n // 2) + b"\xff"),
    "header of blanks": (".npy", lambda n: npy_file(b"{" + b" " * n)),
    "header of brackets": (".npy", lambda n: npy_file(b"{'descr': [" + b"], " * (n // 3))),
    "header of sides": (".npy", lambda n: npy_file(
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1, " * (n // 3) + b")}")),
    "header of digits": (".npy", lambda n: npy_file(
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1" * n + b",)}")),
    "JSON of lists": (".safetensors", lambda n: safetensors_file(b'{"a":' + b"[" * n)),
    "JSON of objects": (".safetensors", lambda n: safetensors_file(b'{"a":' * (n // 5))),
    "JSON of blanks": (".safetensors", lambda n: safetensors_file(b"{" + b" " * n)),
    "JSON of digits": (".safetensors", lambda n: safetensors_file(b'{"a":' + b"9" * n + b"}")),
    "JSON of a string": (".safetensors", lambda n: safetensors_file(b'{"' + b"\\\\" * (n // 2))),
    "JSON of one key": (".safetensors", lambda n: safetensors_file(
        b"{" + b'"a":1,' * (n // 6) + b'"a":1}')),
    "JSON of tensors": (".safetensors", lambda n: safetensors_file(entries(n))),
    "pickle of lists": (".pt", lambda n: archive(b"\x80\x02(" + b"]" * n + b"l.")),
    "pickle in itself": (".pt", lambda n: archive(
        b"\x80\x02" + b"]" * (n // 2) + b"a" * (n // 2 - 1) + b".")),
    "pickle of tuples": (".pt", lambda n: archive(b"\x80\x02N" + b"\x85" * n + b".")),
    "pickle of pairs": (".pt", lambda n: archive(b"\x80\x02N" + b"2\x86" * (n // 2) + b".")),
    "pickle of marks": (".pt", lambda n: archive(b"\x80\x02" + b"(" * n + b".")),
    "pickle of keys": (".pt", lambda n: archive(
        b"\x80\x02}(" + b"X\x01\x00\x00\x00aN" * (n // 7) + b"u.")),
    "pickle of calls": (".pt", lambda n: archive(b"\x80\x02(" + b"ca\nb\n)R" * (n // 7) + b"l.")),
    "pickle of digits": (".pt", lambda n: archive(b"\x80\x02I" + b"9" * n + b"\n.")),
    "pickle of a long": (".pt", lambda n: archive(
        b"\x80\x02\x8b" + struct.pack("<i", n) + b"\x7f" * n + b".")),
    "pickle of a name": (".pt", lambda n: archive(b"\x80\x02c" + b"a" * n + b"\nb\n.")),
    "pickle without an end": (".pkl", lambda n: b"\x80\x02(" + b"N0" * (n // 2)),
    "names of files": (".npz", names),
    "text of nothing known": (".xyz", lambda n: b"a b " * (n // 4)),
    "a page": (".pt", lambda n: b" " * n + b"<html>"),
}  # fmt: skip


def seconds(data: bytes, ending: str) -> float:
    def read() -> None:
        with suppress(InputError):
            read_weights(data, f"w{ending}")

    return processor_seconds(read)


def is_linear(times: list[float]) -> bool:
    """Whether 8 times the length never takes 24 times as long."""
    pairs = zip(times, times[3:], strict=False)
    return times[-1] < 2 and all(long < MOST * max(TOO_SHORT, short) for short, long in pairs)


@pytest.mark.parametrize("kind", TEXTS)
def test_time_doubles_with_the_length(kind: str) -> None:
    ending, make = TEXTS[kind]
    tries = (
        [seconds(make(length), ending) for length in LENGTHS]
        for _ in range(3)  # others run on the machine too
    )
    assert any(map(is_linear, tries))


def test_the_measure_sees_a_quadratic_reader() -> None:
    def quadratic(length: int) -> float:
        text = "1" + " " * length + "x"
        return processor_seconds(lambda: re.split(r"\s*[,;\t]\s*", text))

    assert not is_linear([quadratic(1_000 * 2**step) for step in range(5)])


HEAVIEST = {
    "JSON of tensors": safetensors_file(entries(2_200_000)),
    "JSON of lists": safetensors_file(b'{"a":[' + b"[]," * 99_000 + b"1]}"),
    "JSON of numbers": safetensors_file(b'{"a":[' + b"1," * 999_000 + b"1]}"),
    "text": b"\n" * 20_000_000,
    "one line of text": b" " * 20_000_000,
    "lines as long as may be": (b" " * 999_998 + b"\n") * 20,
    "numbers of text": (b"1," * 490_000 + b"\n") * 2,
    "lists": archive(b"\x80\x02(" + b"]" * 140_000 + b"l."),
    "calls": archive(b"\x80\x02(" + b"ca\nb\n)R" * 70_000 + b"l."),
    "words": archive(
        b"\x80\x02X" + struct.pack("<I", 40_000_000) + b"\xc3\xa9" * 20_000_000 + b"."
    ),
    "a long": archive(
        b"\x80\x02\x8b" + struct.pack("<i", 40_000_000) + b"\x7f" * 40_000_000 + b"."
    ),
}


@pytest.mark.parametrize("kind", HEAVIEST)
def test_others_have_their_turn_meanwhile(kind: str) -> None:
    """The longest processor time that passes while another thread waits for its turn."""
    done = threading.Event()
    longest = [0.0]

    def wait_for_turns() -> None:
        last = time.process_time()
        while not done.is_set():
            time.sleep(0.002)
            now = time.process_time()
            longest[0] = max(longest[0], now - last)
            last = now

    other = threading.Thread(target=wait_for_turns)
    # What other tests have left is not collected meanwhile: its time is not the reader's.
    gc.freeze()
    other.start()
    try:
        with suppress(InputError):
            read_weights(HEAVIEST[kind], "w.csv" if "text" in kind or "line" in kind else "w.pt")
    finally:
        done.set()
        other.join()
        gc.unfreeze()
    # 200 ms is the promise on a machine of its own; here others run beside it.
    assert longest[0] < 0.4
