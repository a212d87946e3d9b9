"""What a pickle's calls mean where they rebuild a tensor: a record of it, or why there is none.

Only these calls are understood, and none of them is made. A record says where the numbers lie and
how; `rfviz.io.weights.pytorch` takes them from the file.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import torch

from rfviz.conv.errors import InputError
from rfviz.io.weights.pickle_tree import Built, Named, Stored
from rfviz.io.weights.raw_numbers import SAVE_AGAIN, check_shape, checked_extent, row_major

_MAX_UNWRAPPED = 20
_STORAGES = MappingProxyType(
    {
        "Double": torch.float64,
        "Float": torch.float32,
        "Half": torch.float16,
        "BFloat16": torch.bfloat16,
        "Long": torch.int64,
        "Int": torch.int32,
        "Short": torch.int16,
        "Char": torch.int8,
        "Byte": torch.uint8,
        "Bool": torch.bool,
        "ComplexFloat": torch.complex64,
        "ComplexDouble": torch.complex128,
        "QInt8": torch.qint8,
        "QUInt8": torch.quint8,
        "QInt32": torch.qint32,
    }
)
# Types of two values in a byte have no place of their own for each number.
_UNREADABLE = frozenset(
    {
        torch.qint8,
        torch.quint8,
        torch.qint32,
        torch.quint4x2,
        torch.quint2x4,
        torch.complex32,
        torch.complex64,
        torch.complex128,
    }
)
_DTYPES = MappingProxyType(
    {
        str(value): value
        for value in vars(torch).values()
        if isinstance(value, torch.dtype) and not str(value).startswith("torch.bits")
    }
)
NUMPY_TYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "f8": torch.float64,
        "f4": torch.float32,
        "f2": torch.float16,
        "i8": torch.int64,
        "i4": torch.int32,
        "i2": torch.int16,
        "i1": torch.int8,
        "u8": torch.uint64,
        "u4": torch.uint32,
        "u2": torch.uint16,
        "u1": torch.uint8,
        "b1": torch.bool,
    }
)
_V2 = frozenset({"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"})
_V3 = "torch._utils._rebuild_tensor_v3"
# Calls whose first argument is the tensor.
_WRAPPERS = frozenset(
    {
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch.nn.parameter.Parameter",
        "torch.nn.parameter.Buffer",
    }
)
_BY_TYPE = frozenset({"torch._tensor._rebuild_from_type_v2", "torch.tensor._rebuild_from_type_v2"})
_REASONS = MappingProxyType(
    {
        "torch._utils._rebuild_qtensor": "a quantised tensor: dequantise() it before saving",
        "torch._utils._rebuild_sparse_tensor": "a sparse tensor: to_dense() it before saving",
        "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor: to_dense() it before saving",
        "torch._utils._rebuild_meta_tensor_no_storage": "a tensor on the meta device, which holds "
        "no numbers",
        "torch._utils._rebuild_nested_tensor": "a nested tensor, whose rows differ in length",
        "torch._utils._rebuild_wrapper_subclass": "a tensor of a class that computes its numbers",
        "torch._utils._rebuild_device_tensor_from_numpy": "a tensor of another device: cpu() it "
        "before saving",
        "torch._utils._rebuild_device_tensor_from_cpu_tensor": "a tensor of another device: cpu() "
        "it before saving",
        "torch._utils._rebuild_xla_tensor": "a tensor of another device: cpu() it before saving",
        "torch.storage._load_from_bytes": "a tensor pickled by pickle.dump: use torch.save",
    }
)
_BYTES = frozenset({"_codecs.encode", "builtins.bytearray", "builtins.bytes"})
_NUMPY_ARRAYS = tuple(f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core"))
_NUMPY_BUFFERS = tuple(f"numpy.{core}.numeric._frombuffer" for core in ("core", "_core"))
_NUMPY_SCALARS = tuple(f"numpy.{core}.multiarray.scalar" for core in ("core", "_core"))


class Storage(NamedTuple):
    """A block of numbers outside of the pickle, and what the pickle says of it.

    `start` is where a view of it begins, in numbers; only the oldest format has such views.
    """

    key: str
    dtype: torch.dtype
    numel: int
    start: int = 0


class TensorRecord(NamedTuple):
    """A tensor that is not made yet: its numbers begin at `offset`, and lie `stride` apart."""

    source: Storage | bytes
    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    big_endian: bool = False

    @property
    def n_bytes(self) -> int:
        """Bytes that it will take, each number counted as often as it stands in the tensor."""
        return math.prod(self.shape) * self.dtype.itemsize


class NotRead(NamedTuple):
    """Why a tensor of the file is left out."""

    reason: str


def as_tensor(value: object, what: str) -> TensorRecord | NotRead | None:
    """Return the record of a tensor or array, why it is not read, or None for something else.

    `what` names it. Raises `InputError` for a tensor that reaches past its numbers: such a file is
    damaged, or made to read what is not its own.

    >>> as_tensor(Built("torch._utils._rebuild_sparse_tensor"), "Tensor 'a'")
    NotRead(reason='a sparse tensor: to_dense() it before saving')
    """
    for _ in range(_MAX_UNWRAPPED):
        if isinstance(value, Stored):
            return NotRead("a storage, which has no shape")
        if not isinstance(value, Built):
            return None
        if value.name in _BY_TYPE:
            value = _by_type(value)
        elif value.name in _WRAPPERS and value.arguments:
            value = value.arguments[0]
        else:
            return _recorded(value, what)
    return NotRead("a tensor in too many wrappers")


def _by_type(value: Built) -> Built | None:
    """What `_rebuild_from_type_v2(function, type, arguments, state)` would call."""
    match value.arguments:
        case (Named(name), _, tuple() as arguments, *_):
            return Built(name, arguments)
        case _:
            return None


def _recorded(value: Built, what: str) -> TensorRecord | NotRead | None:
    if value.name in _REASONS:
        return NotRead(_REASONS[value.name])
    if value.name in _V2 or value.name == _V3:
        return _rebuilt(value, what)
    if value.name in _NUMPY_SCALARS:
        return NotRead("a single number of NumPy")
    if value.name in _NUMPY_ARRAYS or value.name in _NUMPY_BUFFERS:
        return _array(value, what)
    return None


def _rebuilt(value: Built, what: str) -> TensorRecord | NotRead:
    arguments = value.arguments
    if arguments and isinstance(arguments[0], Built) and arguments[0].name in _REASONS:
        return NotRead(_REASONS[arguments[0].name])
    if len(arguments) < 4 or not isinstance(arguments[0], Stored):
        raise InputError(
            f"{what} is not made of numbers in the file.",
            remedy="Save the state dict anew with torch.save",
        )
    storage = storage_of(arguments[0].identity, what)
    dtype = storage.dtype
    if value.name == _V3:
        dtype = _dtype(arguments[6] if len(arguments) > 6 else None, what)
    metadata = arguments[7 if value.name == _V3 else 6 :]
    if dtype in _UNREADABLE:
        kind = "complex numbers" if dtype.is_complex else f"quantised numbers of type {dtype}"
        return NotRead(f"{kind}, but weights are real")
    if metadata and isinstance(metadata[0], Built) and metadata[0].pairs:
        return NotRead("a tensor with a conjugate or negative bit: resolve_neg() it before saving")
    shape = check_shape(what, _sequence(arguments[2], what), dtype.itemsize)
    stride = _sequence(arguments[3], what)
    # A storage without a type counts bytes.
    n_held = storage.numel * storage.dtype.itemsize // dtype.itemsize
    strides = checked_extent(what, n_held, arguments[1], shape, stride)
    assert isinstance(arguments[1], int)
    return TensorRecord(storage, dtype, arguments[1] + storage.start, shape, strides)


def storage_of(identity: object, what: str) -> Storage:
    """Return the storage that a persistent identity of torch.save means; `what` uses it.

    >>> storage_of(("storage", Named("torch.FloatStorage"), "0", "cpu", 6), "Tensor 'a'").dtype
    torch.float32
    """
    match identity:
        case ("storage", Named(kind), str(key), _, int(numel), *view) if numel >= 0:
            dtype = torch.uint8
            if kind not in {"torch.storage.UntypedStorage", "torch.storage._UntypedStorage"}:
                dtype = _storage_dtype(kind, what)
            whole = Storage(key, dtype, numel)
            return whole if view in ([], [None]) else _part(whole, view, what)
        case _:
            raise InputError(f"The numbers of {what} are not named in the file.", remedy=SAVE_AGAIN)


def _part(whole: Storage, view: Sequence[object], what: str) -> Storage:
    match view:
        case [(_, int(start), int(numel))] if start >= 0 and 0 <= numel <= whole.numel - start:
            return Storage(whole.key, whole.dtype, whole.numel, start)
        case _:
            raise InputError(f"{what} views numbers that are not there.", remedy=SAVE_AGAIN)


def _storage_dtype(kind: str, what: str) -> torch.dtype:
    name = kind.rpartition(".")[2].removesuffix("Storage")
    if name not in _STORAGES or not kind.startswith("torch.") or not kind.endswith("Storage"):
        raise InputError(
            f"{what} holds numbers of {kind[:60]!r}, a type that is not read.",
            remedy="Convert it with .float() before saving",
        )
    return _STORAGES[name]


def _dtype(value: object, what: str) -> torch.dtype:
    name = value.name if isinstance(value, Named) else ""
    if name not in _DTYPES:
        raise InputError(
            f"{what} holds numbers of {name[:60]!r}, a type that is not read.",
            remedy="Convert it with .float() before saving",
        )
    return _DTYPES[name]


def _sequence(value: object, what: str) -> Sequence[object]:
    if isinstance(value, Built) and value.name == "torch.Size" and value.arguments:
        value = value.arguments[0]
    if not isinstance(value, tuple | list):
        raise InputError(f"{what} has no shape.", remedy=SAVE_AGAIN)
    return value


def _array(value: Built, what: str) -> TensorRecord | NotRead | None:
    """A NumPy array, which carries its bytes in the pickle. Source: ndarray.__setstate__."""
    if value.name in _NUMPY_BUFFERS:
        match value.arguments:
            case (data, Built() as dtype, tuple() as shape, str(order)):
                return _array_record(data, dtype, shape, order == "F", what)
    match value.state:
        case (_, tuple() as shape, Built() as dtype, bool(fortran), data):
            return _array_record(data, dtype, shape, fortran, what)
    return NotRead("an array of NumPy of a kind not read")


def _array_record(
    data: object, dtype: Built, shape: tuple[object, ...], fortran: bool, what: str
) -> TensorRecord | NotRead:
    code = dtype.arguments[0] if dtype.arguments else None
    order = dtype.state[1] if isinstance(dtype.state, tuple) and len(dtype.state) > 1 else "<"
    if not isinstance(code, str) or code.lstrip("<>=|") not in NUMPY_TYPES:
        return NotRead("an array of NumPy that holds no real numbers")
    content = _content(data)
    if content is None:
        return NotRead("an array of NumPy that holds objects")
    number = NUMPY_TYPES[code.lstrip("<>=|")]
    sides = check_shape(what, shape, number.itemsize)
    stride = tuple(reversed(row_major(sides[::-1]))) if fortran else row_major(sides)
    strides = checked_extent(what, len(content) // number.itemsize, 0, sides, stride)
    return TensorRecord(content, number, 0, sides, strides, order == ">")


def _content(data: object) -> bytes | None:
    """The bytes of an array; older protocols write them as text of 256 letters."""
    if isinstance(data, Built) and data.name in _BYTES:
        data = data.arguments[0] if data.arguments else b""
    if isinstance(data, str):
        try:
            return data.encode("latin-1")
        except UnicodeEncodeError:
            return None
    return data if isinstance(data, bytes) else None
