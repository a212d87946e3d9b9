"""The tensors of a checkpoint, wherever in it they are, under the path that leads to each.

A checkpoint keeps the model beside its optimiser, averages, counters and settings, each author in
another order. Everything is looked into, once: a short file can hold one thing in itself many
times.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rfviz.conv.errors import InputError
from rfviz.io.weights.file import MAX_NAME, LeftOut, shown
from rfviz.io.weights.pickle_tree import MAX_OPCODES, Built, Named, Stored
from rfviz.io.weights.pytorch_records import NotRead, TensorRecord, as_tensor

Container = list[object] | tuple[object, ...] | Built
Path = tuple[str, ...]

_MAX_DEPTH, _MAX_MODULES = 16, 40
_MAX_TENSORS = 20_000
# Each part takes a step of its own; those that objects have in common are looked at for each.
_MOST_LOOKED_AT = MAX_OPCODES
_MAX_PATH = 1_000  # letters
_MAX_LEFT_OUT = 10_000
_MAPPINGS = frozenset({"builtins.dict", "collections.OrderedDict", "collections.defaultdict"})
_PLAIN = _MAPPINGS | {"torch.Size", "torch.serialization._get_layout"}
# What a module keeps its tensors in, and which a state dict does not name.
_MODULE_PARTS = ("_parameters", "_buffers", "_modules")


class Found(NamedTuple):
    """A tensor's record, and the keys on the way to it; the names in a module are one key."""

    path: Path
    record: TensorRecord


class Contents(NamedTuple):
    """All tensors in the order of the file, and what is left out."""

    tensors: list[Found]
    left_out: list[LeftOut]


def contents_of(tree: object) -> Contents:
    """Every tensor of what a pickle builds, and all else in it that is more than plain data.

    Numbers, text, lists and dictionaries are plain data, and not mentioned.

    >>> contents_of([Built("datetime.date")]).left_out
    [LeftOut(name='0', reason='asks for datetime.date, which was not run')]
    """
    walk = _Walk()
    walk.visit(tree, ())
    held = _that_hold_tensors({first for _, first in walk.again}, walk.tensors)
    again = [
        LeftOut(_joined(path), f"the same as '{shown(_joined(first))}', which is read")
        for path, first in walk.again
        if first in held
    ]
    return Contents(walk.tensors, walk.left_out + again)


def _that_hold_tensors(paths: set[Path], tensors: Sequence[Found]) -> set[Path]:
    lengths = {len(path) for path in paths}
    starts = {found.path[:length] for length in lengths for found in tensors}
    return paths & starts


def _joined(path: Path) -> str:
    name = ".".join(path) or "the whole file"
    return name if len(name) <= MAX_NAME else shown(name)


class _Walk:
    """What has been found so far, and where each container was seen first."""

    def __init__(self) -> None:
        self.tensors: list[Found] = []
        self.left_out: list[LeftOut] = []
        self.again: list[tuple[Path, Path]] = []
        self._seen: dict[int, Path] = {}
        self._objects_around = 0
        self._n_looked_at = 0

    def visit(self, value: object, path: Path, inside: str = "") -> None:
        """Look into a value and everything that it holds; `inside` are the modules around it."""
        if isinstance(value, Named | Stored) or not isinstance(value, list | tuple | Built):
            self._leaf(value, path)
        elif (tensor := as_tensor(value, _what(path))) is not None:
            self._tensor(tensor, path)
        elif id(value) in self._seen:
            if len(self.again) < _MAX_LEFT_OUT:
                self.again.append((path, self._seen[id(value)]))
        elif len(path) > _MAX_DEPTH or inside.count(".") > _MAX_MODULES:
            self._leave(path, f"nested more than {_MAX_DEPTH} deep")
        else:
            self._seen[id(value)] = path
            self._count(_n_parts(value))
            if isinstance(value, Built) and _is_module(value):
                self._module(value, path[:-1] if inside else path, inside)
            else:
                self._container(value, path)

    def _count(self, n_parts: int) -> None:
        """Refuse a file whose objects have very many parts in common, before they are looked at."""
        self._n_looked_at += n_parts
        if self._n_looked_at > _MOST_LOOKED_AT:
            raise InputError(
                "The objects of this file have so many parts in common that looking through them "
                f"takes more than {_MOST_LOOKED_AT:,} steps.",
                remedy="Save the state_dict alone: torch.save(model.state_dict(), path)",
            )

    def _leaf(self, value: object, path: Path) -> None:
        if isinstance(value, Stored):
            match value.identity:
                case ("module", named, *_):  # a class, with its source
                    self._leaf(named, path)
                case _:
                    self._leave(path, "a storage, which has no shape")
        elif isinstance(value, Named) and not _is_setting(value.name):
            self._leave_object(path, f"names {value.name[:80]}, which was not imported")

    def _tensor(self, tensor: TensorRecord | NotRead, path: Path) -> None:
        if isinstance(tensor, NotRead):
            self._leave(path, tensor.reason)
        elif len(self.tensors) < _MAX_TENSORS:
            self.tensors.append(Found(path or ("weight",), tensor))
        else:
            raise InputError(
                f"The file holds more than {_MAX_TENSORS:,} tensors.",
                remedy="Save only the layers that you want to see",
            )

    def _leave(self, path: Path, reason: str) -> None:
        if len(self.left_out) < _MAX_LEFT_OUT:
            self.left_out.append(LeftOut(_joined(path), reason))

    def _leave_object(self, path: Path, reason: str) -> None:
        # An object is full of others that are no weights: naming each would hide the rest.
        if not self._objects_around:
            self._leave(path, reason)

    def _container(self, value: Container, path: Path) -> None:
        is_object = isinstance(value, Built) and value.name not in _PLAIN
        before = len(self.tensors) + len(self.left_out)
        self._objects_around += is_object
        for key, part in _parts(value):
            self._part(part, path, "", key)
        self._objects_around -= is_object
        if is_object and before == len(self.tensors) + len(self.left_out):
            assert isinstance(value, Built)
            self._leave_object(path, _reason(value.name))

    def _module(self, module: Built, path: Path, inside: str) -> None:
        """A whole pickled network: tensors under the names that its state dict would give."""
        before = len(self.tensors)
        self._objects_around += 1
        for attribute, part in _attributes(module.state):
            if attribute in _MODULE_PARTS and isinstance(part, Built):
                for name, inner in _parts(part):
                    self._part(inner, path, inside, name, in_module=True)
            else:
                self._part(part, path, inside, attribute, in_module=True)
        self._objects_around -= 1
        n_read = len(self.tensors) - before
        said = f"the code of {module.name[:80]} was not run; {n_read:,} tensors in it were read"
        self._leave_object(path, said)

    def _part(
        self,
        part: object,
        path: Path,
        inside: str,
        name: str,
        *,
        in_module: bool = False,
    ) -> None:
        if not isinstance(part, list | tuple | Built):
            return
        # Of a name of megabytes, which many objects may share, no more than this is looked at.
        key = inside + name[: MAX_NAME + 1]
        if len(key) > MAX_NAME or not key.isprintable() or sum(map(len, path)) > _MAX_PATH:
            self._leave((*path, shown(key)), "its name is too long or not printable")
            return
        self.visit(part, (*path, key), f"{key}." if in_module else "")


def _what(path: Sequence[str]) -> str:
    return f"Tensor '{'.'.join(path)[-60:] or 'weight'}'"


def _is_setting(name: str) -> bool:
    """Whether it is a value of torch's own, such as torch.float32 or torch.strided."""
    return name.startswith("torch.") and name.count(".") == 1 and name.islower()


def _reason(name: str) -> str:
    if name in {"builtins.set", "builtins.frozenset"}:
        return "a set that holds no tensor"
    return f"asks for {name[:80]}, which was not run"


def _parts(value: Container) -> Iterator[tuple[str, object]]:
    """All that a container holds, by key, attribute or number."""
    if not isinstance(value, Built):
        yield from ((str(index), part) for index, part in enumerate(value))
        return
    first = value.arguments[0] if value.arguments else None
    if isinstance(first, Built) and first.name in _MAPPINGS:
        yield from _pairs(first)  # Counter({...}), Namespace(**{...})
    elif value.name in _MAPPINGS and isinstance(first, list):
        yield from _listed_pairs(first)  # OrderedDict([(key, value), ...]), as Python 2 wrote it
    else:
        yield from ((str(index), part) for index, part in enumerate(value.arguments))
    yield from _pairs(value)
    yield from ((str(index), part) for index, part in enumerate(value.members))
    yield from _attributes(value.state)


def _n_parts(value: Container) -> int:
    """How many parts `_parts` goes through, those of objects in it that it takes apart too."""
    if not isinstance(value, Built):
        return len(value)
    state = value.state if isinstance(value.state, tuple) else (value.state,)
    opened = [part.pairs for part in (*state, *value.arguments[:1]) if isinstance(part, Built)]
    lists = [part for part in value.arguments[:1] if isinstance(part, list)]
    own = (value.arguments, value.pairs, value.members, state)
    return sum(map(len, (*own, *opened, *lists)))


def _pairs(mapping: Built) -> Iterator[tuple[str, object]]:
    # Of two items with one key a dictionary keeps the place of the first and the value of the last.
    pairs: dict[object, tuple[str, object]] = {}
    for number, (key, part) in enumerate(mapping.pairs):
        kind = type(key) if isinstance(key, str | bytes | int | float) else number
        pairs[kind, _key(key)] = (_key(key), part)
    yield from pairs.values()


def _listed_pairs(pairs: list[object]) -> Iterator[tuple[str, object]]:
    for pair in pairs:
        if isinstance(pair, list | tuple) and len(pair) == 2:
            yield _key(pair[0]), pair[1]


def _attributes(state: object) -> Iterator[tuple[str, object]]:
    """What `__setstate__` would be given: attributes, or a pair of those and of slots."""
    for part in state if isinstance(state, tuple) else (state,):
        if isinstance(part, Built) and part.name in _MAPPINGS:
            yield from _pairs(part)
        elif isinstance(part, list | tuple | Built):
            yield "state", part


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key[: MAX_NAME + 1].decode("latin-1")
    if isinstance(key, float):
        return str(key)
    if isinstance(key, int):
        # Decimal digits of a long number take time that grows with their square.
        return str(key) if -(2**63) <= key < 2**63 else hex(key)
    if isinstance(key, tuple) and not isinstance(key, Named | Stored) and len(key) <= 4:
        return ",".join(_key(part) for part in key if not isinstance(part, tuple))
    return type(key).__name__


def _is_module(value: Built) -> bool:
    named = dict(_attributes(value.state)).keys()
    return "_parameters" in named and "_modules" in named
