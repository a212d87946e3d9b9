"""Honest files of PyTorch load equal to what torch.load itself makes of them."""

import argparse
import collections
import datetime
import io
import pathlib
import pickle
import types
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.io.weights.read import load_weights, read_weights

FORMATS = {
    "zip": {},
    "zip, protocol 4": {"pickle_protocol": 4},
    "zip, protocol 5": {"pickle_protocol": 5},
    "before 1.6": {"_use_new_zipfile_serialization": False},
    "before 1.6, protocol 4": {"_use_new_zipfile_serialization": False, "pickle_protocol": 4},
}
DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2fnuz,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.bool,
]


UNTYPED = {each for each in DTYPES if "float8" in str(each) or "uint" in str(each)} - {torch.uint8}


def saved(value: object, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


@contextmanager
def quiet() -> Iterator[None]:
    """Without torch's warnings that some of these kinds are to change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def same(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """Equal bit for bit: type, shape and bytes."""
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert ours.is_contiguous()
    whole = theirs.detach().contiguous()
    assert (
        ours.reshape(-1).view(torch.uint8).tolist() == whole.reshape(-1).view(torch.uint8).tolist()
    )


def judged(data: bytes) -> Any:
    """What torch.load makes of it; these files are ours."""
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_type_in_every_format(dtype: torch.dtype, options: dict[str, Any]) -> None:
    values = (
        torch.arange(24).reshape(2, 3, 2, 2) % 2
        if dtype == torch.bool
        else torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0)) * 3
    )
    data = saved({"conv.weight": values.to(dtype), "conv.bias": torch.ones(2).to(dtype)}, **options)
    ours = load_weights(data, "w.pt")
    same(ours["conv.weight"], values.to(dtype))
    same(ours["conv.bias"], torch.ones(2).to(dtype))
    # torch.load fails on its own older files of these types.
    if "_use_new_zipfile_serialization" not in options or dtype not in UNTYPED:
        for name, tensor in judged(data).items():
            same(ours[name], tensor)


def strided() -> dict[str, torch.Tensor]:
    base = torch.arange(240, dtype=torch.float32).reshape(2, 3, 5, 8)
    return {
        "whole": base,
        "transposed": base.transpose(1, 3),
        "slice": base[1, 1:, 2:4, ::3],
        "expanded": base[:1, :1, :, :1].expand(4, 2, 5, 8),
        "channels last": base.to(memory_format=torch.channels_last),
        "one number": base[1, 2, 3, 4],
        "empty": base[:, :0],
        "empty of an empty": torch.zeros(0, 3, 4),
        "window": torch.arange(9.0).as_strided((5, 3), (1, 2)),
        "a side of one": torch.arange(6.0).as_strided((1, 3), (1000, 2)),
    }


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)
def test_every_view_in_every_format(options: dict[str, Any]) -> None:
    data = saved(strided(), **options)
    ours = load_weights(data, "w.pt")
    assert list(ours) == list(strided())
    for name, tensor in judged(data).items():
        same(ours[name], tensor)


class Marked(torch.Tensor):
    """A subclass of tensor, as fastai and torchvision have them."""


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)
def test_parameters_ties_and_subclasses(options: dict[str, Any]) -> None:
    weight = nn.Parameter(torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0)))
    annotated = nn.Parameter(torch.ones(2))
    annotated.note = "an attribute"  # type: ignore[attr-defined]
    tensors = collections.OrderedDict(
        encoder=weight,
        decoder=weight,
        needs=torch.ones(2, requires_grad=True),
        marked=torch.ones(2, 2).as_subclass(Marked),
        annotated=annotated,
        buffer=nn.Buffer(torch.arange(3.0)),
    )
    data = saved(tensors, **options)
    ours = load_weights(data, "w.pt")
    assert list(ours) == list(tensors)
    for name, tensor in judged(data).items():
        same(ours[name], tensor.as_subclass(torch.Tensor))
        assert type(ours[name]) is torch.Tensor
        assert not ours[name].requires_grad


def test_big_endian_archive_reads_as_torch_reads_it() -> None:
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.arange(5, dtype=torch.int16),
               "c": torch.tensor([True, False]), "d": torch.ones(3).bfloat16()}  # fmt: skip
    data = saved(tensors)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(file, "w") as other:
        for name in whole.namelist():
            content = b"big" if name.endswith("byteorder") else whole.read(name)
            other.writestr(name, content)
    ours = load_weights(file.getvalue(), "w.pt")
    for name, tensor in judged(file.getvalue()).items():
        same(ours[name], tensor)
    assert not torch.equal(ours["a"], tensors["a"])


def test_archive_without_checksums() -> None:
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        data = saved({"w": torch.arange(3.0)})
    finally:
        torch.serialization.set_crc32_options(before)
    same(load_weights(data, "w.pt")["w"], torch.arange(3.0))


class Net(nn.Module):
    """A network with modules in modules, a buffer, and things that are no weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.ModuleList([nn.Conv2d(4, 4, 1)])})
        self.register_buffer("mean", torch.zeros(3))
        self.settings = {"names": {"cat", "dog"}, "started": datetime.datetime(2020, 1, 1)}


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)
def test_whole_pickled_module_has_the_names_of_its_state_dict(options: dict[str, Any]) -> None:
    net = Net()
    with quiet():
        data = saved(net, **options)
    file = read_weights(data, "net.pt")
    assert set(file.tensors) == set(net.state_dict())
    for name, tensor in net.state_dict().items():
        same(file.tensors[name], tensor)
    ((name, reason),) = file.left_out
    assert "Net was not run; 12 tensors in it were read" in reason
    nested = read_weights(saved({"epoch": 3, "model": net, "ema": None}, **options), "last.pt")
    assert set(nested.tensors) == set(net.state_dict())


ODD: dict[str, tuple[Callable[[], object], str]] = {
    "counter": (lambda: collections.Counter("abca"), "asks for collections.Counter"),
    "device": (lambda: torch.device("cpu"), "asks for torch.device"),
    "scalar": (lambda: np.float64(3), "a single number of NumPy"),
    "set": (lambda: {1, 2}, "a set that holds no tensor"),
    "frozen": (lambda: frozenset({1}), "a set that holds no tensor"),
    "args": (lambda: argparse.Namespace(lr=0.1), "asks for argparse.Namespace"),
    "namespace": (lambda: types.SimpleNamespace(a=1), "asks for types.SimpleNamespace"),
    "when": (lambda: datetime.datetime(2020, 1, 1), "asks for datetime.datetime"),
    "path": (lambda: pathlib.PurePosixPath("a/b"), "asks for pathlib.PurePosixPath"),
    "class": (lambda: nn.Conv2d, "names torch.nn.modules.conv.Conv2d"),
    "function": (lambda: len, "was not imported"),
    "complex": (lambda: torch.ones(2, dtype=torch.complex64), "complex numbers"),
    "complex number": (lambda: 1 + 2j, "asks for"),
    "sparse": (lambda: torch.eye(3).to_sparse(), "a sparse tensor"),
    "sparse rows": (lambda: torch.eye(3).to_sparse_csr(), "a sparse tensor"),
    "quantised": (
        lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        "quantised",
    ),
    "meta": (lambda: torch.ones(3, device="meta"), "meta device"),
    "objects": (
        lambda: np.array([None, "a"], dtype=object),
        "array of NumPy that holds no real numbers",
    ),
    "strings": (lambda: np.array(["a", "b"]), "array of NumPy that holds no real numbers"),
    "slice": (lambda: slice(1, 2), "asks for"),
    "layout": (lambda: torch.strided, ""),
    "size": (lambda: torch.Size((1, 2)), ""),
    "type": (lambda: torch.float16, ""),
    "number": (lambda: 3, ""),
    "text": (lambda: "abc", ""),
    "nothing": (lambda: None, ""),
    "nested": (lambda: {"a": [(1, "b"), {"c": b"d"}]}, ""),
    "default": (lambda: collections.defaultdict(int, a=1), ""),
}


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("kind", ODD)
def test_one_odd_entry_does_not_refuse_the_file(kind: str, options: dict[str, Any]) -> None:
    make, reason = ODD[kind]
    weight = torch.arange(9.0).reshape(1, 1, 3, 3)
    with quiet():
        value = make()
        data = saved({"before": value, "conv.weight": weight, "inside": [value]}, **options)
    file = read_weights(data, "w.pt")
    assert list(file.tensors) == ["conv.weight"]
    same(file.tensors["conv.weight"], weight)
    said = {each.name: each.reason for each in file.left_out}
    assert reason in said.get("before", "")
    assert bool(reason) == ("before" in said)


def test_arrays_of_numpy_in_a_pickle_are_read() -> None:
    arrays = {
        "w": np.arange(12, dtype=np.float32).reshape(2, 3, 2),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(4, dtype=">i4"),
        "empty": np.zeros((0, 3)),
        "byte": np.arange(3, dtype=np.uint8),
        "one": np.array(5.0),
        "text": np.array(["a"]),
    }
    for protocol in range(2, 6):
        for data in (saved(arrays, pickle_protocol=protocol), pickle.dumps(arrays, protocol)):
            file = read_weights(data, "w.pkl")
            assert [each.name for each in file.left_out] == ["text"]
            for name in arrays.keys() - {"text"}:
                array: Any = arrays[name]
                same(
                    file.tensors[name],
                    torch.from_numpy(array.astype(array.dtype.newbyteorder("="))),
                )


def test_bare_pickle_of_tensors_says_what_to_use() -> None:
    with pytest.raises(InputError, match=r"pickled by pickle.dump: use torch\.save"):
        load_weights(pickle.dumps({"w": torch.ones(2)}), "w.pt")
