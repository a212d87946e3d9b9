"""A weights file from a stranger runs no code and fills no memory: it gets a sentence."""

import io
import json
import os
import pickle
import random
import re
import struct
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from rfviz.conv.errors import InputError
from rfviz.io.weights.read import load_weights, read_weights


class Runs:
    """An object whose pickle calls a function."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def torch_file(value: object = None, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save({"weight": torch.ones(2, 1, 3, 3)} if value is None else value, file, **options)
    return file.getvalue()


def npy(header: str, payload: bytes = b"", version: int = 1) -> bytes:
    form = "<H" if version == 1 else "<I"
    return (
        b"\x93NUMPY"
        + bytes([version, 0])
        + struct.pack(form, len(header))
        + header.encode()
        + payload
    )


def described(descr: str, shape: str) -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


def archive(compression: int = zipfile.ZIP_STORED, **files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression, compresslevel=1) as written:
        for name, payload in files.items():
            written.writestr(name.replace("__", "/").replace("_DOT_", "."), payload)
    return file.getvalue()


def repacked(change: Callable[[str, bytes], bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A file of torch.save with the bytes of each record changed."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(torch_file())) as whole,
        zipfile.ZipFile(file, "w", compression, compresslevel=1) as written,
    ):
        for name in whole.namelist():
            written.writestr(name, change(name, whole.read(name)))
    return file.getvalue()


def with_pickle(code: bytes) -> bytes:
    return repacked(lambda name, data: code if name.endswith("data.pkl") else data)


def edited(old: bytes, new: bytes) -> bytes:
    return repacked(lambda name, data: data.replace(old, new) if name.endswith(".pkl") else data)


def tensors(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def entry(dtype: str, shape: list[int], start: int, stop: int) -> dict[str, object]:
    return {"w": {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}}


def objects(value: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([value], dtype=object), allow_pickle=True)
    return file.getvalue()


def stored(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def hostile_pickles(marker: Path) -> dict[str, bytes]:
    calls = {
        "open": Runs(open, str(marker), "w"),
        "system": Runs(os.system, f"touch {marker}"),
        "eval": Runs(eval, f"open({str(marker)!r}, 'w')"),
        "exec": Runs(exec, f"open({str(marker)!r}, 'w')"),
        "mkdir": Runs(os.mkdir, str(marker)),
        "popen": Runs(subprocess.call, ["touch", str(marker)]),
        "path": Runs(Path.touch, marker),
        "import": Runs(__import__, "antigravity"),
        "bytearray": Runs(bytearray, 3_000_000_000),
        "tensor": Runs(torch.Tensor, 40_000, 40_000),
        "zeros": Runs(torch.zeros, 40_000, 40_000),
        "load": Runs(torch.load, str(marker)),
    }
    files: dict[str, bytes] = {}
    for name, call in calls.items():
        files[f"{name}.pt"] = torch_file({"weight": torch.ones(1, 1, 3, 3), "x": call})
        files[f"{name} nested.pth"] = torch_file({"state_dict": {"a": [call]}})
        files[f"{name} new protocol.pt"] = torch_file({"x": call}, pickle_protocol=4)
        files[f"{name} bare.pt"] = pickle.dumps(call)
        files[f"{name} legacy.pt"] = torch_file(call, _use_new_zipfile_serialization=False)
    for name in ("open", "system", "mkdir"):
        files[f"{name}.npy"] = objects(calls[name])
        files[f"{name}.npz"] = archive(a_DOT_npy=objects(calls[name]))
    return files


def legacy() -> bytes:
    """A state dict as torch.save wrote it before PyTorch 1.6."""
    return torch_file(_use_new_zipfile_serialization=False)


def wrong_files() -> dict[str, bytes]:
    whole, safe = torch_file(), safetensors.torch.save({"w": torch.ones(1, 1, 3, 3)})
    array = stored(np.ones((1, 1, 3, 3)))
    pair = archive(zipfile.ZIP_DEFLATED, a_DOT_npy=array, b_DOT_npy=array)
    zeros = bytes(300_000_000)
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as written, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written.writestr("a.npy", array)
        written.writestr("a.npy", array)
    files = {
        "empty.pt": b"",
        "text.pt": b"these are my weights: 1, 2, 3\n",
        "pointer.pth": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "noise.pt": bytes(range(128, 256)),
        **{f"legacy {n}.pt": legacy()[: len(legacy()) * n // 10] for n in range(1, 10)},
        "legacy of one type.pt": legacy().replace(b"FloatStorage", b"LongStorage"),
        "legacy huge storage.pt": legacy().replace(b"cpuq\x06K\x12", b"cpuq\x06J\x00\x00\x00\x7f"),
        "legacy huge size.pt": legacy().replace(
            (18).to_bytes(8, "little"), (2**60).to_bytes(8, "little")
        ),
        "number.pt": torch_file(3),
        "no tensors.pt": torch_file({"epoch": 1, "name": "x"}),
        "complex.pt": torch_file({"w": torch.ones(2, dtype=torch.complex64)}),
        "sparse.pt": torch_file({"w": torch.eye(3).to_sparse()}),
        "huge shape.pt": edited(b"(K\x02K\x01K\x03K\x03t", b"(J\xff\xff\xff\x7fK\x01K\x03K\x03t"),
        "huge expanded.pt": torch_file(torch.ones(1).expand(10**12)),
        "wide view.pt": torch_file({str(n): torch.ones(1).expand(10**8) for n in range(9)}),
        "huge storage.pt": edited(b"cpuq\x06K\x12", b"cpuq\x06J\x00\x00\x00\x7f"),
        "offset.pt": edited(b"QK\x00", b"QK\xff"),
        "negative.pt": edited(b"QK\x00", b"QJ\xff\xff\xff\xff"),
        "no pickle.pt": archive(archive__version=b"3"),
        "script.pt": archive(m__data_DOT_pkl=b"\x80\x02N.", m__constants_DOT_pkl=b"\x80\x02)."),
        "pickle noise.pt": with_pickle(bytes(range(256))),
        "pickle empty.pt": with_pickle(b""),
        "pickle deep.pt": with_pickle(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."),
        "pickle long.pt": with_pickle(b"\x80\x02" + b"N0" * 1_000_000 + b"N."),
        "pickle large.pt": with_pickle(b"\x80\x02" + bytes(9_000_000)),
        "memo.pt": with_pickle(b"\x80\x02Nr\xff\xff\xff\x7f."),
        "string.pt": with_pickle(b"\x80\x02X\xff\xff\xff\x7fabc."),
        "loop.pt": with_pickle(b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."),
        "laughs.pt": with_pickle(
            b"\x80\x02"
            + b"]q\x00"
            + b"".join(b"](h%ch%ceq%c" % (n, n, n + 1) for n in range(60))
            + b"."
        ),
        "hashed.pt": with_pickle(
            b"\x80\x02}NN\x86q\x00"
            + b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(60))
            + b"Ns."
        ),
        "wide.pt": with_pickle(
            b"\x80\x02]("
            + b"N" * 99
            + b"lq\x00"
            + b"".join(b"(" + b"h%c" % n * 99 + b"lq%c" % (n + 1) for n in range(30))
            + b"."
        ),
        "deflated.pt": repacked(lambda _, data: data + bytes(4000), zipfile.ZIP_DEFLATED),
        "bomb.pt": repacked(
            lambda name, data: zeros if name.endswith("/0") else data, zipfile.ZIP_DEFLATED
        ),
        "commented.pt": whole + b"more",
        "zip in front.pt": b"PK\x03\x04" + bytes(9) + whole,
        "bomb.npz": archive(zipfile.ZIP_DEFLATED, a_DOT_npy=zeros),
        "two bombs.npz": archive(zipfile.ZIP_DEFLATED, a_DOT_npy=zeros, b_DOT_npy=zeros),
        "method.npz": archive(zipfile.ZIP_LZMA, a_DOT_npy=array),
        "twice.npz": twice.getvalue(),
        "no array.npz": archive(readme=b"hello"),
        "nothing.npz": archive(),
        "text.npz": b"1, 2, 3",
        "declares.npz": archive(a_DOT_npy=npy(described("'<f8'", "(100000, 100000)"))),
        "checksum.npz": pair.replace(pair[60:64], b"\0\1\2\3", 1),
        "complex.npy": stored(np.ones((3, 3), dtype=complex)),
        "text array.npy": stored(np.array([["a", "b"]])),
        "bytes array.npy": stored(np.array([[b"a", b"b"]])),
        "records.npy": stored(np.zeros(3, dtype=[("a", "f4"), ("b", "f4")])),
        "long double.npy": stored(np.ones((3, 3), dtype=np.longdouble)),
        "dates.npy": stored(np.zeros(3, dtype="M8[s]")),
        "huge.npy": npy(described("'<f8'", "(1000000000, 1000000000)")),
        "just too large.npy": npy(described("'<f4'", "(125000001,)")),
        "short.npy": npy(described("'<f8'", "(3, 3)"), bytes(71)),
        "negative.npy": npy(described("'<f8'", "(-3, 3)"), bytes(72)),
        "code.npy": npy("__import__('os').system('true')"),
        "brackets.npy": npy("[" * 9000),
        "dimensions.npy": npy(described("'<f8'", "(" + "1, " * 99 + ")"), bytes(8)),
        "long header.npy": npy(" " * 100_000, version=2),
        "header past the end.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(50),
        "no header.npy": b"\x93NUMPY",
        "picture.npy": b"\x89PNG\r\n\x1a\n" + bytes(50),
        "empty header.safetensors": tensors(b"{}")[:8],
        "long header.safetensors": struct.pack("<Q", 2**63) + b"{}",
        "header past the end.safetensors": struct.pack("<Q", 900) + b"{}",
        "no json.safetensors": tensors(b"{'w': 1}"),
        "list.safetensors": tensors([1, 2]),
        "deep.safetensors": tensors(b"[" * 100_000),
        "no offsets.safetensors": tensors({"w": {"dtype": "F32", "shape": [1]}}, bytes(4)),
        "huge.safetensors": tensors(entry("F32", [10**9, 10**9], 0, 4 * 10**18)),
        "overflow.safetensors": tensors(entry("F32", [2**40, 2**40], 0, 4), bytes(4)),
        "mismatch.safetensors": tensors(entry("F32", [3, 3], 0, 4), bytes(4)),
        "backwards.safetensors": tensors(entry("F32", [1], 4, 0), bytes(4)),
        "type.safetensors": tensors(entry("Q7", [1], 0, 4), bytes(4)),
        "no tensors.safetensors": tensors({"__metadata__": {"a": "b"}}),
        "text.safetensors": b"hello, these are weights",
        "name.safetensors": tensors(
            {"\x1b[2J": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)
        ),
        "word.csv": b"1, 2\n3, x\n",
        "ragged.csv": b"1, 2\n3\n",
        "sizes.csv": b"1 2\n3 4\n\n5 6 7\n",
        "blank.csv": b"\n\n# nothing\n",
        "binary.csv": bytes(range(256)),
        "endless.csv": b"1 " * 1_100_000,
        "large.csv": bytes(21_000_000),
        "gap.csv": b"1,,2\n",
        "weights.onnx": b"\x08\x03",
        "weights": b"1",
    }
    for tenth in range(1, 10):
        for name, data in (
            ("t.pt", whole),
            ("t.npz", pair),
            ("t.npy", array),
            ("t.safetensors", safe),
        ):
            files[f"{tenth} tenths {name}"] = data[: len(data) * tenth // 10]
    return files


@pytest.fixture(scope="module")
def wrong() -> dict[str, bytes]:
    return wrong_files()


def sentence_about(data: bytes, name: str) -> str:
    """The sentence; weights instead of one, another error or a warning fail the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError) as caught:
            load_weights(data, name)
    sentence = str(caught.value)
    assert sentence[0].isupper() or sentence[0] == "'"
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert len(sentence) < 500
    assert caught.value.remedies
    return sentence


# What a file holds beside what it would call is read.
BESIDE_WEIGHTS = re.compile(r"\w+\.pt")


def test_pickles_run_no_code(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    files = hostile_pickles(marker)
    assert len(files) > 60
    for name, data in files.items():
        if BESIDE_WEIGHTS.fullmatch(name):
            file = read_weights(data, name)
            assert list(file.tensors) == ["weight"]
            assert [each.name for each in file.left_out] == ["x"]
            assert "was not run" in file.left_out[0].reason
        else:
            sentence_about(data, name)
        assert not marker.exists(), name


def test_the_marker_would_be_made_by_opening_the_pickle(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    data = hostile_pickles(marker)["mkdir bare.pt"]
    pickle.loads(data)  # noqa: S301 - shows that the files above are live
    assert marker.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("system nested.pth", r"'state_dict\.a\.0': asks for posix\.system, which was not run"),
        ("bytearray nested.pth", r"asks for builtins\.bytearray, which was not run"),
        ("system new protocol.pt", r"'x': asks for posix\.system, which was not run"),
        ("system bare.pt", r"nothing in it was run.* asks for posix\.system"),
        ("system legacy.pt", r"nothing in it was run.* asks for posix\.system"),
        ("open.npy", r"Python objects \(a pickle\)"),
    ],
)
def test_what_a_pickle_asks_for_is_named(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_weights(hostile_pickles(tmp_path / "marker")[name], name)


def test_wrong_files_get_a_sentence(wrong: dict[str, bytes]) -> None:
    assert len(wrong) > 100
    for name, data in wrong.items():
        assert sentence_about(data, name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.pt", r"text that begins 'these are my weights.*'"),
        ("pointer.pth", "Git LFS pointer"),
        ("legacy 9.pt", r"takes 72 bytes by the list of tensors, but the file holds 2\d for it"),
        ("script.pt", "TorchScript program"),
        ("wide view.pt", r"declares 3\.6 GB of numbers; at most 500 MB"),
        ("bomb.npz", r"would grow from [\d.]+ [kM]B to 300 MB, which is more than 8 times"),
        ("two bombs.npz", r"declares 600 MB of numbers"),
        ("short.npy", r"\(3, 3\) needs 72 bytes, but the file ends after 71"),
        ("complex.npy", "holds complex numbers"),
        ("records.npy", "records with fields"),
        ("word.csv", "Line 2 has 'x' where a number is expected"),
        ("ragged.csv", "rows of 1 and of 2 numbers"),
        ("weights.onnx", r"is an ONNX model\. .*numpy\.savez"),
    ],
)
def test_sentence_names_the_numbers(wrong: dict[str, bytes], name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_weights(wrong[name], name)


def test_flipped_bits_give_weights_or_a_sentence() -> None:
    choose = random.Random("weights")  # noqa: S311 - breaks files, keeps no secret
    wholes = {
        "w.pt": torch_file(),
        "w.safetensors": safetensors.torch.save({"w": torch.ones(1, 1, 3, 3)}),
        "w.npz": archive(zipfile.ZIP_DEFLATED, a_DOT_npy=stored(np.ones((1, 1, 3, 3)))),
        "w.npy": stored(np.ones((1, 1, 3, 3))),
    }
    for name, whole in wholes.items():
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(choose.randint(1, 3)):
                data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
            with suppress(InputError):
                assert load_weights(bytes(data), name)


@pytest.mark.parametrize("given", ["weights.pt", None, 3, ["a"]])
def test_what_is_not_bytes_is_named(given: Any) -> None:
    with pytest.raises(InputError, match=f"got {type(given).__name__} and str"):
        load_weights(given, "w.pt")


_LOAD_ALL = """
import resource, sys, warnings
from pathlib import Path
from rfviz.conv.errors import InputError
from rfviz.io.weights.read import load_weights
warnings.simplefilter("error")
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
paths = sorted(Path(sys.argv[1]).iterdir())
before = peak()
for path in paths:
    try:
        load_weights(path.read_bytes(), path.name)
    except InputError:
        continue
sys.stdout.write(str(peak() - before))
"""


def test_hostile_files_stay_below_500_megabytes(tmp_path: Path, wrong: dict[str, bytes]) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, data in (hostile_pickles(tmp_path / "marker") | wrong).items():
        (folder / name).write_bytes(data)
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", _LOAD_ALL, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.stderr == ""
    assert float(done.stdout) < 200
