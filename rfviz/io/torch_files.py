"""Weights from PyTorch's .pt and .pth files, without running anything that is in them.

`torch.load(weights_only=True)` calls only functions of a list of its own, some of which take as
much memory as a file asks for. So what the pickle names is read first, opcode by opcode, and only
what rebuilds tensors goes on to it.
"""

import io
import math
import pickle
import struct
from collections.abc import Iterator, Mapping, Sequence

import torch

from rfviz.conv.spec import InputError
from rfviz.io.pickle_scan import check_pickle
from rfviz.io.weight_archives import SAVE_AGAIN, Archive, check_total

_ZIP = b"PK\x03\x04"
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
# A pickled number that torch.save wrote first before PyTorch 1.6. Four more pickles follow it: the
# protocol, the system, what was saved, and the order of the storages, whose bytes come last.
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_N_LEGACY_PICKLES = 5
# Also the deepest nesting, well below Python's own limit.
_MAX_CONTAINERS = 200
_SAVE_STATE_DICT = (
    "Ask its author for a file of model.state_dict() alone, saved with torch.save or safetensors"
)
# Where checkpoints keep the weights; the first that is there is taken.
_NESTED = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "ema_state_dict",
    "params_ema",
    "params",
    "net",
    "network",
    "module",
    "weights",
)


def load_torch(data: bytes) -> dict[str, torch.Tensor]:
    """Tensors of a .pt or .pth file as {name: tensor}: a tensor, a state dict, or a checkpoint.

    A prefix "module." of DataParallel that all names have is taken away. Read too is the format
    before PyTorch 1.6. `InputError` for a file that would call a function, a TorchScript program,
    and damage.
    """
    if data[:4] == _ZIP:
        _check_archive(data)
    elif data.startswith(_LEGACY):
        _check_legacy(data)
    else:
        raise _no_torch_file(data)
    return _without_prefix(_checked(_tensors_of(_loaded(data), set())))


def _check_archive(data: bytes) -> None:
    archive = Archive(data, "PyTorch")
    _check_stored(archive, data)
    names = [name for name in archive.sizes if name.split("/")[-1] == "data.pkl"]
    if len(names) != 1 or names[0].count("/") > 1:
        raise InputError("The ZIP archive is not one that torch.save writes.", remedy=SAVE_AGAIN)
    if any(name.endswith("/constants.pkl") for name in archive.sizes):
        raise InputError(
            "The file is a TorchScript program, which holds code as well as weights.",
            remedy=_SAVE_STATE_DICT,
        )
    check_pickle(io.BytesIO(archive.read(names[0])), _SAVE_STATE_DICT)


def _check_legacy(data: bytes) -> None:
    """Read the pickles; torch checks each storage's size against the bytes that follow it."""
    stream = io.BytesIO(data)
    for _ in range(_N_LEGACY_PICKLES):
        check_pickle(stream, _SAVE_STATE_DICT)


def _loaded(data: bytes) -> object:
    try:
        loaded: object = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,  # also a refused function, though those were refused before
        RuntimeError,  # torch's word for a record that is missing or of another size
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        EOFError,
        OSError,
        ArithmeticError,
        RecursionError,
        MemoryError,
        struct.error,
    ) as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        what = f"The PyTorch file is damaged or of a kind not read here ({said})."
        raise InputError(what, remedy=_SAVE_STATE_DICT) from error
    return loaded


def _no_torch_file(data: bytes) -> InputError:
    if data.startswith(_PICKLES):
        return InputError(
            "The file is a bare pickle, which torch.save does not write; such files are not "
            "opened, because they could run code.",
            remedy=_SAVE_STATE_DICT,
        )
    head = data[:40]
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        text = head.decode("ascii").split("\n")[0]
        return InputError(
            f"The file is text that begins {text!r}, no PyTorch file.",
            remedy="Name numbers as text .csv; if this is a Git LFS pointer, fetch the file itself",
        )
    start = " ".join(f"{byte:02x}" for byte in data[:8])
    return InputError(f"The file is no PyTorch file: it begins {start}.", remedy=SAVE_AGAIN)


def _check_stored(archive: Archive, data: bytes) -> None:
    """Hold what is read to the size of the file: torch.save never compresses."""
    declared = sum(archive.sizes.values())
    if declared > len(data):
        raise InputError(
            f"The PyTorch file declares {declared:,} bytes in {len(data):,}, so it is compressed, "
            f"which torch.save never does.",
            remedy="Save it anew with torch.save",
        )


def _tensors_of(loaded: object, seen: set[int]) -> dict[str, torch.Tensor]:
    """Named tensors of a state dict, or of the part of a checkpoint that is one.

    Each container is looked into once, since a short file can hold one in itself many times.
    """
    if isinstance(loaded, torch.Tensor):
        return {"weight": loaded}
    if id(loaded) in seen:
        return {}
    seen.add(id(loaded))
    named = dict(_items(loaded))
    direct = {name: value for name, value in named.items() if isinstance(value, torch.Tensor)}
    if direct or len(seen) > _MAX_CONTAINERS:
        return direct
    nested = [name for name in _NESTED if isinstance(named.get(name), Mapping)]
    for name in nested:
        if found := _tensors_of(named[name], seen):
            return found
    others = [name for name in named if name not in nested and not name.startswith("optim")]
    return {
        f"{name}.{inner}": tensor
        for name in others[:_MAX_CONTAINERS]
        for inner, tensor in _tensors_of(named[name], seen).items()
    }


def _items(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        yield from ((name, part) for name, part in value.items() if isinstance(name, str))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        yield from ((str(index), part) for index, part in enumerate(value))


def _checked(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copy each tensor to memory of its own, once it is known how much all of them take."""
    if not tensors:
        raise InputError("The PyTorch file holds no tensor.", remedy=_SAVE_STATE_DICT)
    n_bytes = sum(math.prod(t.shape) * t.element_size() for t in tensors.values())
    check_total("The PyTorch file", n_bytes)
    odd = [name for name, t in tensors.items() if t.layout != torch.strided or t.is_quantized]
    if odd or any(t.is_meta for t in tensors.values()):
        raise InputError(
            f"Tensor '{(odd or list(tensors))[0][:60]}' is quantised, sparse or empty of numbers.",
            remedy="Convert it to a dense float32 tensor first",
        )
    return {
        name: t.detach().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()
    }


def _without_prefix(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    if all(name.startswith("module.") for name in tensors):
        return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors
