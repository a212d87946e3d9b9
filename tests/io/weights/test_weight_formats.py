"""Every kind of weights file that people choose is read, or named with what to do about it."""

import io
import json
import struct
import tarfile
import warnings
import zipfile
from typing import Any

import numpy as np
import onnx
import pytest
import safetensors.torch
import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.io.weights.kinds import ENDINGS, READABLE, READERS, kind_of
from rfviz.io.weights.read import load_weights, read_weights

WEIGHT = torch.arange(18.0).reshape(2, 1, 3, 3)


def torch_file(value: object = None, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save({"w": WEIGHT} if value is None else value, file, **options)
    return file.getvalue()


def npz_file(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy_file(header: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def safetensors_file(header: object, content: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def zip_file(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name in names:
            written.writestr(name, b"{}")
    return file.getvalue()


def tar_file(*names: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as written:
        for name in names:
            written.addfile(tarfile.TarInfo(name))
    return file.getvalue()


def onnx_file() -> bytes:
    held = onnx.numpy_helper.from_array(WEIGHT.numpy(), "w")
    graph = onnx.helper.make_graph([], "g", [], [], [held])
    return bytes(onnx.helper.make_model(graph, producer_name="pytorch").SerializeToString())


def script_file() -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Conv2d(1, 1, 3)), file)
    return file.getvalue()


@pytest.mark.parametrize(
    "name", ["a.pt", "a.pth", "a.ckpt", "a.bin", "a.pth.tar", "a.PT", "a", "a.safetensors", "a.csv"]
)
def test_content_decides_and_not_the_name(name: str) -> None:
    files = {
        "torch": torch_file(),
        "torch before 1.6": torch_file(_use_new_zipfile_serialization=False),
        "npz": npz_file(w=WEIGHT.numpy()),
        "safetensors": safetensors.torch.save({"w": WEIGHT}),
    }
    for kind, data in files.items():
        assert kind_of(data, name) == kind
        torch.testing.assert_close(load_weights(data, name)["w"], WEIGHT, rtol=0, atol=0)


def test_every_list_is_made_of_the_readers() -> None:
    assert all(ending in READABLE for ending in ENDINGS)
    assert sorted(ENDINGS) == sorted(each for reader in READERS.values() for each in reader.endings)
    for ending in (".ckpt", ".bin", ".pth.tar", ".txt", ".tsv"):
        assert ending in ENDINGS


FOREIGN: dict[str, tuple[bytes, str]] = {
    "model.h5": (b"\x89HDF\r\n\x1a\n" + bytes(90), r"HDF5 file, as Keras.*numpy\.savez"),
    "model.pt": (b"\x89HDF\r\n\x1a\n" + bytes(90), r"HDF5 file, as Keras.*numpy\.savez"),
    "model.keras": (zip_file("metadata.json", "config.json", "model.weights.h5"), "a Keras model"),
    "model.onnx": (onnx_file(), r"an ONNX model\..*to_array"),
    "onnx as.pth": (onnx_file(), r"an ONNX model\..*to_array"),
    "model.gguf": (b"GGUF\x03\x00\x00\x00" + bytes(90), "a GGUF file.*safetensors"),
    "gguf as.bin": (b"GGUF\x03\x00\x00\x00" + bytes(90), "a GGUF file.*safetensors"),
    "model.tflite": (b"\x1c\x00\x00\x00TFL3" + bytes(90), "a TensorFlow Lite model"),
    "saved_model.pb": (b"\x08\x01\x12\xf9\x83" + bytes(90), "a TensorFlow graph"),
    "model.ckpt.index": (b"\x00\x00\x02" + bytes(90), "index of a TensorFlow checkpoint"),
    "model.ckpt.data-00000-of-00001": (b"\xb5\x01" * 40, "a part of a TensorFlow checkpoint"),
    "model.mlmodel": (b"\x08\x04\x12\xff" + bytes(90), "a Core ML model"),
    "model.mlpackage": (zip_file("Manifest.json", "Data/model.mlmodel"), "a Core ML package"),
    "model.caffemodel": (b"\x0a\x07" + bytes(90), "a Caffe model"),
    "yolo.weights": (b"\x00\x00\x00\x00\x02\x00\x00\x00" + bytes(90), "a Darknet file"),
    "script.pt": (script_file(), r"TorchScript program.*torch\.jit\.load"),
    "program.pt2": (
        zip_file("p/archive_format", "p/models/model.json", "p/version"),
        r"torch\.export.*torch\.export\.load",
    ),
    "forest.pkl": (b"\x80\x04\x95csklearn.ensemble._forest\nForest\n)\x81.", "model of sklearn"),
    "paper.pdf": (b"%PDF-1.7\n", "a PDF document"),
    "paper.pt": (b"%PDF-1.7\n", "a PDF document"),
    "photo.png": (b"\x89PNG\r\n\x1a\n" + bytes(90), r"a picture \(PNG\).*as the picture"),
    "photo.pth": (b"\xff\xd8\xff\xe0" + bytes(90), r"a picture \(JPEG\)"),
    "photo.heic": (b"\x00\x00\x00\x18ftypheic" + bytes(90), "HEIC"),
    "photo.webp": (b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(90), "WebP"),
    "failed.pt": (b"\n<!DOCTYPE html><html><head>", "a web page.*raw or download"),
    "failed.safetensors": (b"<html><body>404", "a web page.*raw or download"),
    "pointer.pt": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer.*lfs pull"),
    "pointer.safetensors": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "model.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(90), "7z.*[Uu]npack"),
    "model.rar": (b"Rar!\x1a\x07\x01\x00" + bytes(90), "RAR.*[Uu]npack"),
    "model.pt.gz": (b"\x1f\x8b\x08" + bytes(90), "gzip.*[Uu]npack"),
    "model.tar": (tar_file("a/model.pt"), "tar.*[Uu]npack"),
    "old.pt": (tar_file("sys_info", "pickle", "storages", "tensors"), r"before 0\.2"),
    "files.zip": (zip_file("readme.txt", "net.pt"), "holds 'readme.txt', 'net.pt'.*[Uu]npack"),
    "words.docx": (zip_file("[Content_Types].xml"), "an Office document"),
    "config.json": (b'{"architectures": ["ResNet"]}', "text in JSON"),
    "model.py": (b"import torch\n", "text of a program"),
    "notes.md": (b"My weights\n==========\n", "text that begins 'My weights'"),
    "model.joblib": (b"ZF0x1234" + bytes(20), "a joblib file"),
    "model.msgpack": (b"\x82\xa6params" + bytes(20), "a Flax file"),
    "unknown.bin": (b"\xde\xad\xbe\xef" * 9, "begins de ad be ef"),
    "unknown.xyz": (b"\xde\xad\xbe\xef" * 9, r"begins de ad be ef.*ends in \.safetensors"),
    "renamed.safetensors": (b"\x89HDF\r\n\x1a\n" + bytes(90), "HDF5 file"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_other_kinds_are_named_with_what_to_do(name: str) -> None:
    data, words = FOREIGN[name]
    with pytest.raises(InputError, match=words) as caught:
        load_weights(data, name)
    sentence = str(caught.value)
    assert "damaged" not in sentence
    assert "download it again" not in sentence
    assert caught.value.remedies


def test_advice_for_torchscript_works() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.load(io.BytesIO(script_file()))  # type: ignore[no-untyped-call]
    assert set(load_weights(torch_file(module.state_dict()), "w.pt")) == {"weight", "bias"}


def test_advice_for_onnx_works() -> None:
    model = onnx.load_from_string(onnx_file())
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    torch.testing.assert_close(load_weights(npz_file(**arrays), "w.npz")["w"], WEIGHT)


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"])
def test_safetensors_of_eight_bits(kind: str) -> None:
    dtype = getattr(torch, kind)
    written = torch.tensor([0.5, 1.0, 2.0, 4.0]).to(dtype)
    data = safetensors.torch.save({"a": written, "b": torch.ones(2)})
    loaded = load_weights(data, "w.safetensors")
    assert loaded["a"].dtype == dtype
    torch.testing.assert_close(loaded["a"].float(), written.float())
    if kind != "float8_e8m0fnu":  # which the library writes and does not read
        assert sorted(loaded) == sorted(safetensors.torch.load(data))


def test_safetensors_of_a_type_that_torch_lacks_is_left_out() -> None:
    header = {
        "odd": {"dtype": "F4", "shape": [8], "data_offsets": [0, 4]},
        "w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        "c": {"dtype": "C64", "shape": [1], "data_offsets": [8, 16]},
    }
    file = read_weights(safetensors_file(header, bytes(16)), "w.safetensors")
    assert list(file.tensors) == ["w"]
    assert [each.name for each in file.left_out] == ["odd", "c"]
    assert "'F4'" in file.left_out[0].reason


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
WRONG_HEADERS: dict[str, tuple[object, int]] = {
    "overlap": ({"a": ENTRY, "b": ENTRY}, 4),
    "gap": ({"a": ENTRY, "b": ENTRY | {"data_offsets": [8, 12]}}, 12),
    "more bytes": ({"a": ENTRY}, 8),
    "fewer bytes": ({"a": ENTRY | {"shape": [2], "data_offsets": [0, 8]}}, 4),
    "negative": ({"a": ENTRY | {"data_offsets": [-4, 0]}}, 4),
    "empty but huge": ({"a": ENTRY | {"shape": [0, 2**64], "data_offsets": [0, 0]}}, 0),
    "empty beyond all": ({"a": ENTRY | {"shape": [10**34, 0], "data_offsets": [0, 0]}}, 0),
    "product beyond all": ({"a": ENTRY | {"shape": [2**32, 2**32, 0], "data_offsets": [0, 0]}}, 0),
    "negative side": ({"a": ENTRY | {"shape": [-1], "data_offsets": [0, 4]}}, 4),
    "side that is true": ({"a": ENTRY | {"shape": [True]}}, 4),
    "fraction": ({"a": ENTRY | {"shape": [1.0]}}, 4),
    "offsets of words": ({"a": ENTRY | {"data_offsets": ["0", "4"]}}, 4),
    "three offsets": ({"a": ENTRY | {"data_offsets": [0, 4, 4]}}, 4),
    "type of a list": ({"a": ENTRY | {"dtype": ["F32"]}}, 4),
    "entry of a number": ({"a": 3}, 4),
    "doubled name": (b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":1}', 1),
    "doubled key": (b'{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1),
    "deep": (b'{"a":' * 90_000, 0),
    "deep lists": (b'{"a":' + b"[" * 99_000, 0),
    "many brackets": (b'{"a":[' + b"[]," * 600_000 + b"1]}", 0),
    "long number": (b'{"a":' + b"9" * 3_000_000 + b"}", 0),
    "no text": (b'{"\xff\xfe": 1}', 0),
    "half of a pair": (b'{"\\ud800": {"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
}


@pytest.mark.parametrize("kind", WRONG_HEADERS)
def test_headers_of_safetensors_that_do_not_fit(kind: str) -> None:
    header, n_bytes = WRONG_HEADERS[kind]
    with pytest.raises(InputError) as caught:
        load_weights(safetensors_file(header, bytes(n_bytes)), "w.safetensors")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def described(shape: str, descr: str = "'<f4'", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


WRONG_ARRAYS = {
    "empty but huge": described("(0, 18446744073709551616)"),
    "empty beyond all": described(f"(0, {10**34})"),
    "huge and empty": described("(18446744073709551616, 0)"),
    "product beyond all": described("(0, 4294967296, 4294967296)"),
    "product beyond all, by columns": described("(4294967296, 4294967296, 0)", order="True"),
    "one past the largest": described("(0, 9223372036854775808)"),
    "negative": described("(-1,)"),
    "negative and empty": described("(0, -1)"),
    "true": described("(True,)"),
    "fraction": described("(1.0,)"),
    "power": described("(9**9**9,)"),
    "sum": described("(1+1,)"),
    "many digits": described(f"({'9' * 5_000},)"),
    "zeros in front": described(f"({'0' * 5_000}1,)"),
    "two numbers in one": described("(3 3,)"),
    "new line in one": described("(3\n3,)"),
    "page in one": described("(3\x0c3,)"),
    "many sides": described("(" + "1," * 65 + ")"),
    "no shape": "{'descr': '<f4', 'fortran_order': False, }\n",
    "call": described("exit()"),
    "brackets": "[" * 9_999,
    "signs": "-" * 9_999,
    "braces": "{" * 9_999,
    "commas": described("(" + "," * 9_000 + ")") * 2,
    "blanks": "{" + " " * 9_990,
    "type of a call": described("(1,)", "exit()"),
    "type of a tuple": described("(1,)", "('<f4', (10000, 10000))"),
    "type of 10^9 bytes": described("(1,)", "'V1000000000'"),
    "type of text": described("(1,)", "'<U1000000000'"),
    "order of a number": described("(1,)", order="1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG_ARRAYS)
@pytest.mark.parametrize("in_archive", [False, True])
def test_headers_of_arrays_that_do_not_fit(kind: str, in_archive: bool) -> None:
    data = npy_file(WRONG_ARRAYS[kind], bytes(64))
    if in_archive:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as written:
            written.writestr("w.npy", data)
        data = file.getvalue()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError) as caught:
            load_weights(data, "w.npz" if in_archive else "w.npy")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("shape", [(0,), (3, 0, 2), (0, 2**40), (2**40, 0), (0, 2**30, 2**30)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_empty_arrays_of_sides_that_can_be(shape: tuple[int, ...], order: str) -> None:
    header = described(str(shape), order=str(order == "F"))
    assert load_weights(npy_file(header), "w.npy")["weight"].shape == shape


def test_arrays_that_are_no_numbers_are_left_out_of_an_archive() -> None:
    data = npz_file(
        **{"conv.weight": WEIGHT.numpy()},
        names=np.array(["a", "b"]),
        objects=np.array([{"a": 1}], dtype=object),
        complex=np.ones(2, dtype=complex),
        dates=np.zeros(2, dtype="M8[s]"),
        records=np.zeros(2, dtype=[("a", "f4")]),
        wide=np.ones(2, dtype=np.longdouble),
    )
    file = read_weights(data, "w.npz")
    assert list(file.tensors) == ["conv.weight"]
    torch.testing.assert_close(file.tensors["conv.weight"], WEIGHT)
    said = {each.name: each.reason for each in file.left_out}
    assert said.keys() == {"names", "objects", "complex", "dates", "records", "wide"}
    assert "holds text" in said["names"]
    assert "Python objects" in said["objects"]


def test_other_files_are_left_out_of_an_archive_of_arrays() -> None:
    file = io.BytesIO(npz_file(w=WEIGHT.numpy()))
    with zipfile.ZipFile(file, "a") as written:
        written.writestr("readme.txt", "hello")
    found = read_weights(file.getvalue(), "w.npz")
    assert list(found.tensors) == ["w"]
    assert found.left_out == (("readme.txt", "a file that is no array"),)
