"""What kind of file somebody chose: told by its first bytes, and by its name where they do not say.

A name is often wrong, and a refusal that names the wrong fault sends people to download a good file
again. So each kind that people try is known here, with what to do about it.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from rfviz.conv.errors import InputError
from rfviz.io.weights.file import WeightsFile
from rfviz.io.weights.npy import NPY_MAGIC, read_npy, read_npz
from rfviz.io.weights.pytorch import (
    SAVE_STATE_DICT,
    is_torch_legacy,
    read_pickled_arrays,
    read_torch_archive,
    read_torch_legacy,
)
from rfviz.io.weights.raw_numbers import SAVE_AGAIN
from rfviz.io.weights.safetensors import looks_like_safetensors, read_safetensors
from rfviz.io.weights.text import read_text
from rfviz.io.weights.zip_archive import names_in


class Reader(NamedTuple):
    """A kind of file that is read: what it is called, the endings of its names, and how."""

    title: str
    endings: tuple[str, ...]
    read: Callable[[bytes], WeightsFile]


class Foreign(NamedTuple):
    """A kind of file that is not read: what it is, and what to do."""

    what: str
    remedy: str


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "safetensors": Reader("safetensors", (".safetensors",), read_safetensors),
        "torch": Reader(
            "PyTorch", (".pt", ".pth", ".ckpt", ".bin", ".pth.tar"), read_torch_archive
        ),
        "torch before 1.6": Reader("PyTorch before 1.6", (), read_torch_legacy),
        "npz": Reader("NumPy arrays", (".npz",), read_npz),
        "npy": Reader("NumPy array", (".npy",), read_npy),
        "pickle": Reader("pickled NumPy arrays", (".pkl",), read_pickled_arrays),
        "text": Reader("rows of numbers", (".csv", ".tsv", ".txt"), read_text),
    }
)
ENDINGS = tuple(ending for reader in READERS.values() for ending in reader.endings)
READABLE = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"

_ZIP, _EMPTY_ZIP = b"PK\x03\x04", b"PK\x05\x06"
_PICKLES = tuple(b"\x80" + bytes([protocol]) for protocol in (2, 3, 4, 5))
_UNPACK = "Unpack it, and choose the weights file that is in it"
_PICTURE = "Choose it as the picture, and a weights file here"
_KERAS = (
    "In Python: numpy.savez('weights.npz', **{w.path: w.numpy() for w in model.weights}), and "
    "choose that"
)
_ONNX = (
    "In Python: numpy.savez('weights.npz', **{t.name: onnx.numpy_helper.to_array(t) for t in "
    "onnx.load(path).graph.initializer}), and choose that"
)
_TENSORFLOW = (
    "In Python: numpy.savez('weights.npz', **{v.name: v.numpy() for v in model.variables}), and "
    "choose that"
)
_FROM_FRAMEWORK = "Save its arrays with numpy.savez in Python, and choose that .npz file"
_STATE_DICT_OF = "In Python: torch.save({}, 'weights.pt'), and choose that"
_ORIGINAL = "Choose the .safetensors or .pt file that it was made from"

# First bytes, what they say, and what to do. `at` is where they stand.
_STARTS: tuple[tuple[int, bytes, Foreign], ...] = (
    (0, b"\x89HDF\r\n\x1a\n", Foreign("an HDF5 file, as Keras saves weights", _KERAS)),
    (0, b"GGUF", Foreign("a GGUF file, for llama.cpp", _ORIGINAL)),
    (0, b"ggjt", Foreign("a GGML file, for llama.cpp", _ORIGINAL)),
    (0, b"lmgg", Foreign("a GGML file, for llama.cpp", _ORIGINAL)),
    (4, b"TFL3", Foreign("a TensorFlow Lite model", _TENSORFLOW)),
    (0, b"%PDF", Foreign("a PDF document", "Choose a weights file")),
    (0, b"\x89PNG", Foreign("a picture (PNG)", _PICTURE)),
    (0, b"\xff\xd8\xff", Foreign("a picture (JPEG)", _PICTURE)),
    (0, b"GIF8", Foreign("a picture (GIF)", _PICTURE)),
    (0, b"II*\x00", Foreign("a picture (TIFF)", _PICTURE)),
    (0, b"MM\x00*", Foreign("a picture (TIFF)", _PICTURE)),
    (8, b"WEBP", Foreign("a picture (WebP)", _PICTURE)),
    (4, b"ftyp", Foreign("a picture or a film (HEIC, AVIF or MP4)", _PICTURE)),
    (0, b"\x00\x00\x00\x0cjP", Foreign("a picture (JPEG 2000)", _PICTURE)),
    (0, b"7z\xbc\xaf\x27\x1c", Foreign("a packed archive (7z)", _UNPACK)),
    (0, b"Rar!\x1a\x07", Foreign("a packed archive (RAR)", _UNPACK)),
    (0, b"\x1f\x8b", Foreign("a packed file (gzip)", _UNPACK)),
    (0, b"BZh", Foreign("a packed file (bzip2)", _UNPACK)),
    (0, b"\xfd7zXZ\x00", Foreign("a packed file (xz)", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", Foreign("a packed file (Zstandard)", _UNPACK)),
    (0, b"\x04\x22\x4d\x18", Foreign("a packed file (LZ4)", _UNPACK)),
    (0, b"MATLAB 5.0", Foreign("a MATLAB file", _FROM_FRAMEWORK)),
    (0, b"SQLite format 3", Foreign("an SQLite database", "Choose a weights file")),
    (0, b"PAR1", Foreign("a Parquet table", "Save it as .csv or .npy, and choose that")),
    (0, b"ARROW1", Foreign("an Arrow table", "Save it as .csv or .npy, and choose that")),
    (0, b"\x7fELF", Foreign("a program or a compiled engine", _ORIGINAL)),
    (0, b"MZ", Foreign("a program", "Choose a weights file")),
    (0, b"bplist", Foreign("a property list", "Choose a weights file")),
)
_TAR_AT = 257
# Names decide where the first bytes are those of many kinds, such as protocol buffers.
_NAMES: Mapping[str, Foreign] = MappingProxyType(
    {
        ".onnx": Foreign("an ONNX model", _ONNX),
        ".h5": Foreign("named as an HDF5 file, but does not begin as one", SAVE_AGAIN),
        ".hdf5": Foreign("named as an HDF5 file, but does not begin as one", SAVE_AGAIN),
        ".keras": Foreign("named as a Keras model, but does not begin as one", SAVE_AGAIN),
        ".pb": Foreign("a TensorFlow graph", _TENSORFLOW),
        ".tflite": Foreign("a TensorFlow Lite model", _TENSORFLOW),
        ".index": Foreign("the index of a TensorFlow checkpoint", _TENSORFLOW),
        ".data-00000-of-00001": Foreign("a part of a TensorFlow checkpoint", _TENSORFLOW),
        ".meta": Foreign("the graph of a TensorFlow checkpoint", _TENSORFLOW),
        ".mlmodel": Foreign("a Core ML model", _ORIGINAL),
        ".caffemodel": Foreign("a Caffe model", _FROM_FRAMEWORK),
        ".params": Foreign("an MXNet file", _FROM_FRAMEWORK),
        ".pdparams": Foreign("a PaddlePaddle file", _FROM_FRAMEWORK),
        ".msgpack": Foreign("a Flax file (MessagePack)", _FROM_FRAMEWORK),
        ".weights": Foreign("a Darknet file, which has no names and shapes", _FROM_FRAMEWORK),
        ".engine": Foreign("a TensorRT engine, compiled for one device", _ORIGINAL),
        ".trt": Foreign("a TensorRT engine, compiled for one device", _ORIGINAL),
        ".mat": Foreign("a MATLAB file", _FROM_FRAMEWORK),
        ".joblib": Foreign("a joblib file, which can run code", _FROM_FRAMEWORK),
        ".xml": Foreign("text of an XML file", "Choose a weights file"),
        ".gguf": Foreign("named as a GGUF file, but does not begin as one", SAVE_AGAIN),
    }
)
_SKLEARN = re.compile(rb"c?\n?(sklearn|xgboost|lightgbm|catboost)[.\w]{0,80}")
_TEXT_SIGNS = frozenset(range(32, 127)) | set(b"\t\r\n")


def kind_of(data: bytes, filename: str) -> str:
    """Return which of `READERS` reads this file; `InputError` with what it is where none does.

    >>> kind_of(b"\\x93NUMPY...", "weights.pt")
    'npy'
    """
    name = filename.lower()
    if data.startswith((_ZIP, _EMPTY_ZIP)):
        return _kind_of_zip(data, name)
    if data.startswith(NPY_MAGIC):
        return "npy"
    if is_torch_legacy(data):
        return "torch before 1.6"
    if data.startswith(_PICKLES):
        return _kind_of_pickle(data)
    if looks_like_safetensors(data) or name.endswith(".safetensors"):
        # Also one that is damaged: what is wrong with it, its reader says better.
        if not looks_like_safetensors(data) and (foreign := _foreign(data, name)) is not None:
            raise _refusal(foreign)
        return "safetensors"
    foreign = _foreign(data, name)
    if foreign is not None:
        raise _refusal(foreign)
    if name.endswith(READERS["text"].endings):
        return "text"
    raise _unknown(data, name)


def _kind_of_zip(data: bytes, name: str) -> str:
    names = names_in(data)
    lowered = [each.lower() for each in names]
    if any(each.endswith("/constants.pkl") for each in lowered):
        remedy = _STATE_DICT_OF.format("torch.jit.load(path).state_dict()")
        what = "a TorchScript program, which holds code as well as weights"
        raise _refusal(Foreign(what, remedy))
    if any(each.endswith("data.pkl") for each in lowered):
        return "torch"
    if any("exported_program.json" in each or "archive_format" in each for each in lowered):
        remedy = _STATE_DICT_OF.format("torch.export.load(path).state_dict")
        raise _refusal(Foreign("a program of torch.export (.pt2)", remedy))
    if any(each.endswith("model.weights.h5") for each in lowered):
        raise _refusal(Foreign("a Keras model", _KERAS))
    if any(".mlmodel" in each or each.endswith("manifest.json") for each in lowered):
        raise _refusal(Foreign("a Core ML package", _ORIGINAL))
    if "[content_types].xml" in lowered:
        raise _refusal(Foreign("an Office document", "Choose a weights file"))
    if any(each.endswith(".npy") for each in lowered) or name.endswith(".npz"):
        return "npz"
    if not names and name.endswith(READERS["torch"].endings):
        return "torch"  # damaged, as its reader will say
    if not names:
        return "npz"
    listed = ", ".join(ascii(each[:40]) for each in names[:3])
    raise _refusal(Foreign(f"a ZIP archive that holds {listed}", _UNPACK))


def _kind_of_pickle(data: bytes) -> str:
    found = _SKLEARN.search(data, 0, 4_000)
    if found is not None:
        library = found[1].decode()
        what = f"a pickled model of {library}, which is no network of convolutions"
        raise _refusal(Foreign(what, "Choose the weights file of a network"))
    return "pickle"


def _foreign(data: bytes, name: str) -> Foreign | None:
    for at, start, said in _STARTS:
        if data[at : at + len(start)] == start:
            return said
    if data[_TAR_AT : _TAR_AT + 5] == b"ustar" or _is_old_torch_tar(data):
        return _of_tar(data)
    if data[:2] == b"BM" and int.from_bytes(data[2:6], "little") == len(data):
        return Foreign("a picture (BMP)", _PICTURE)
    if _is_onnx(data):
        return Foreign("an ONNX model", _ONNX)
    if (text := _text_start(data)) is not None and (foreign := _of_text(text)) is not None:
        return foreign
    return next((said for ending, said in _NAMES.items() if name.endswith(ending)), None)


def _is_old_torch_tar(data: bytes) -> bool:
    return data[:512].rstrip(b"\x00")[:9] == b"sys_info\x00" and len(data) > 1024


def _of_tar(data: bytes) -> Foreign:
    if data[:9] in {b"sys_info\x00", b"pickle\x00\x00\x00", b"storages\x00", b"tensors\x00\x00"}:
        what = "a PyTorch file of the format before 0.2 (tar)"
        remedy = "Load it with torch.load in a PyTorch that you trust it with, and torch.save it"
        return Foreign(what, remedy)
    return Foreign("a packed archive (tar)", _UNPACK)


def _is_onnx(data: bytes) -> bool:
    """Whether it begins as onnx.ModelProto does: field 1, a small version, then text or a graph."""
    if len(data) < 8 or data[0] != 0x08 or not 1 <= data[1] <= 20:
        return False
    if data[2] == 0x12:
        maker = data[4 : 4 + data[3]]
        return len(maker) == data[3] < 128 and all(sign in _TEXT_SIGNS for sign in maker)
    return data[2] == 0x3A


def _text_start(data: bytes) -> str | None:
    head = data.removeprefix(b"\xef\xbb\xbf")[:200]
    if all(sign in _TEXT_SIGNS for sign in head[:40]):
        return head.decode("latin-1")
    return None


def _of_text(text: str) -> Foreign | None:
    start = text.lstrip().lower()
    if start.startswith("version https://git-lfs"):
        what = "a Git LFS pointer, a few lines that stand for the file itself"
        return Foreign(what, "Fetch the file itself with git lfs pull, or download it")
    if start.startswith(("<!doctype html", "<html", "<head")):
        what = "a web page, such as a download that failed"
        return Foreign(what, "Download the file itself: follow the link that says raw or download")
    if start.startswith(("<?xml", "<svg")):
        return Foreign("text of an XML file", "Choose a weights file")
    if start.startswith("{"):
        return Foreign("text in JSON", "Choose the weights file, or write rows of numbers as .csv")
    if start.startswith(("%yaml", "import ", "from ")):
        return Foreign("text of a program or of settings", "Choose a weights file")
    return None


def _refusal(foreign: Foreign) -> InputError:
    return InputError(f"The file is {foreign.what}.", remedy=foreign.remedy)


def _unknown(data: bytes, name: str) -> InputError:
    text = _text_start(data)
    if text is not None:
        line = text.splitlines()[0][:40] if text.strip() else ""
        return InputError(
            f"The file is text that begins {line!r}, no weights file.",
            remedy="Name rows of numbers .csv; of a program, choose the file that it saves",
        )
    if len(data) > 8 and name.endswith(READERS["torch"].endings):
        start = " ".join(f"{byte:02x}" for byte in data[:8])
        return InputError(
            f"The file is no PyTorch file: it begins {start}.", remedy=SAVE_STATE_DICT
        )
    start = " ".join(f"{byte:02x}" for byte in data[:8])
    return InputError(
        f"The file is of no kind that is read here: it begins {start}.",
        remedy=f"Choose a file that ends in {READABLE}",
    )
