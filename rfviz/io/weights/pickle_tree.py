"""What a pickle says, as a tree of plain data: nothing that it names is imported, built or called.

A pickle is a program for a stack machine. This one runs it without the two steps that are dangerous
in Python's own: a name stays a `Named`, and a call stays a `Built` that keeps what it was called
with. Nothing of a pickle is hashed, compared or printed either: a tuple that holds an earlier one
twice, which holds an even earlier one twice, and so on, is short to write and takes for ever to
hash.
"""

import struct
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple

from rfviz.conv.errors import InputError
from rfviz.conv.memory import readable_bytes

MAX_BYTES = 50_000_000
MAX_OPCODES = 500_000
MAX_OBJECTS = 150_000  # about 7 of them a tensor
_MAX_LONG = 1_000  # bytes
_MAX_LINE = 4_000  # also a number of so many digits
_MAX_NAME = 300
_PUTS = MappingProxyType({ord("q"): "<B", ord("r"): "<I"})
_GETS = MappingProxyType({ord("h"): "<B", ord("j"): "<I"})
_NUMBERS = MappingProxyType({ord("K"): "<B", ord("M"): "<H", ord("J"): "<i", ord("G"): ">d"})
_SKIPPED = MappingProxyType({0x80: 1, 0x95: 8})  # the protocol, and the length of a frame
_TEXTS = MappingProxyType({ord("X"): "<I", 0x8C: "<B", 0x8D: "<Q"})
_BYTES = MappingProxyType({ord("B"): "<I", ord("C"): "<B", 0x8E: "<Q", 0x96: "<Q"})
_PYTHON_2_TEXTS = MappingProxyType({ord("T"): "<i", ord("U"): "<B"})
_LONGS = MappingProxyType({0x8A: "<B", 0x8B: "<i"})
_CONSTANTS = MappingProxyType({ord("N"): None, 0x88: True, 0x89: False})
_TUPLES = MappingProxyType({ord(")"): 0, 0x85: 1, 0x86: 2, 0x87: 3})
_STOP = ord(".")
_MOST_WITH_SURROGATES = 100_000  # bytes
# Those that make an object in which others lie, or a mark.
_MAKERS = frozenset(b"()]l}dcQPRoiStu") | {0x81, 0x85, 0x86, 0x87, 0x8F, 0x91, 0x92, 0x93}


class Named(NamedTuple):
    """A class or function that a pickle names, as module.name; it was not imported."""

    name: str


class Stored(NamedTuple):
    """What a pickle says is kept outside of it, such as the numbers of a tensor."""

    identity: object


class Built:
    """An object that a pickle asks for: the name of its class, and all that it would be given.

    `pairs` are items of a mapping, `members` those of a list or a set.
    """

    __slots__ = ("arguments", "members", "name", "pairs", "state")

    def __init__(self, name: str, arguments: tuple[object, ...] = ()) -> None:
        """Keep what the object is to be made of."""
        self.name = name
        self.arguments = arguments
        self.state: object = None
        self.pairs: list[tuple[object, object]] = []
        self.members: list[object] = []


class Pickle(NamedTuple):
    """The tree of a pickle, where it ends, and all that it says is kept outside of it."""

    tree: object
    stop: int
    stored: list[Stored]


def read_pickle(data: bytes | memoryview, start: int, remedy: str) -> Pickle:
    """Read the pickle that begins at `start`.

    Dictionaries and sets are `Built` too, lists and tuples are Python's own. Raises `InputError`
    for damage, and for more than `MAX_BYTES` or `MAX_OPCODES`. Source: pickletools in Python's
    standard library, protocols 0 to 5.

    >>> read_pickle(b"\\x80\\x02]K\\x07a.", 0, "Save it anew").tree
    [7]
    """
    machine = _Machine(memoryview(data)[: start + MAX_BYTES], start, remedy)
    try:
        return Pickle(machine.run(), machine.position, machine.stored)
    except (
        ValueError,  # also text that is no text
        LookupError,  # an empty stack, an empty memo
        TypeError,
        OverflowError,
        struct.error,
    ) as error:
        if isinstance(error, InputError):
            raise
        what = f"is damaged at byte {machine.position:,}"
        if len(data) > start + MAX_BYTES:
            what = f"is damaged, or takes more than {readable_bytes(MAX_BYTES)}"
        raise InputError(f"The list of tensors {what}.", remedy=remedy) from error


class _Machine:
    """The stack, the stacks below the marks, the memo, and where the next opcode is."""

    def __init__(self, data: memoryview, start: int, remedy: str) -> None:
        self.position = start
        self.stored: list[Stored] = []
        self._data = data
        self._remedy = remedy
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, object] = {}
        self._actions: dict[int, Callable[[], None]] = {
            ord("("): self._mark,
            ord("0"): self._pop,
            ord("1"): self._pop_mark,
            ord("2"): self._duplicate,
            ord("]"): self._empty_list,
            ord("l"): self._list,
            ord("a"): self._append,
            ord("e"): self._appends,
            ord("t"): self._tuple,
            ord("}"): self._empty_dict,
            ord("d"): self._dict,
            ord("s"): self._set_item,
            ord("u"): self._set_items,
            0x8F: self._empty_set,
            0x90: self._add_items,
            0x91: self._frozen_set,
            0x94: self._memoize,
            ord("g"): self._get,
            ord("p"): self._put,
            ord("I"): self._int,
            ord("L"): self._long,
            ord("F"): self._float,
            ord("S"): self._string,
            ord("V"): self._unicode,
            ord("c"): self._global,
            0x93: self._stack_global,
            ord("P"): self._stored_line,
            ord("Q"): self._stored,
            ord("R"): self._call,
            0x81: self._call,
            0x92: self._call_with_keywords,
            ord("o"): self._object,
            ord("i"): self._instance,
            ord("b"): self._build,
        }

    def run(self) -> object:
        """Run opcodes up to the one that stops, and return what is then on the stack."""
        n_objects = 0
        for _ in range(MAX_OPCODES):
            opcode = self._data[self.position]
            self.position += 1
            n_objects += opcode in _MAKERS
            if n_objects > MAX_OBJECTS:
                raise self._too_much(f"{MAX_OBJECTS:,} objects")
            if opcode == _STOP:
                return self._stack.pop()
            action = self._actions.get(opcode)
            if action is not None:
                action()
            else:
                self._take(opcode)
        raise self._too_much(f"{MAX_OPCODES:,} steps")

    def _too_much(self, what: str) -> InputError:
        return InputError(f"The list of tensors takes more than {what}.", remedy=self._remedy)

    def _take(self, opcode: int) -> None:
        if opcode in _PUTS:
            self._memo[self._number(_PUTS[opcode])] = self._stack[-1]
        elif opcode in _GETS:
            self._stack.append(self._memo[self._number(_GETS[opcode])])
        elif opcode in _CONSTANTS:
            self._stack.append(_CONSTANTS[opcode])
        elif opcode in _NUMBERS:
            self._stack.append(self._number(_NUMBERS[opcode]))
        elif opcode in _TEXTS:
            self._stack.append(_text(self._counted(_TEXTS[opcode])))
        elif opcode in _TUPLES:
            self._short_tuple(_TUPLES[opcode])
        elif opcode in _BYTES:
            self._stack.append(bytes(self._counted(_BYTES[opcode])))
        elif opcode in _PYTHON_2_TEXTS:
            self._stack.append(str(self._counted(_PYTHON_2_TEXTS[opcode]), "latin-1"))
        elif opcode in _LONGS:
            encoded = self._counted(_LONGS[opcode])
            if len(encoded) > _MAX_LONG:
                raise ValueError
            self._stack.append(int.from_bytes(encoded, "little", signed=True))
        elif opcode in _SKIPPED:
            self._cut(_SKIPPED[opcode])
        else:
            raise InputError(
                f"The list of tensors uses the pickle operation {opcode:#04x}, which is not read.",
                remedy=self._remedy,
            )

    def _cut(self, length: int) -> memoryview:
        end = self.position + length
        if length < 0 or end > len(self._data):
            raise ValueError
        part = self._data[self.position : end]
        self.position = end
        return part

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._cut(struct.calcsize(form)))[0]

    def _counted(self, form: str) -> memoryview:
        return self._cut(self._number(form))

    def _line(self) -> str:
        window = bytes(self._data[self.position : self.position + _MAX_LINE])
        length = window.index(b"\n")
        self.position += length + 1
        return window[:length].decode("latin-1")

    def _above_mark(self) -> list[Any]:
        above = self._stack
        self._stack = self._below.pop()
        return above

    def _mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _pop(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._above_mark()

    def _pop_mark(self) -> None:
        self._above_mark()

    def _duplicate(self) -> None:
        self._stack.append(self._stack[-1])

    def _empty_list(self) -> None:
        self._stack.append([])

    def _list(self) -> None:
        above = self._above_mark()
        self._stack.append(above)

    def _append(self) -> None:
        self._extend([self._stack.pop()])

    def _appends(self) -> None:
        self._extend(self._above_mark())

    def _extend(self, members: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(members)
        elif isinstance(target, Built):
            target.members.extend(members)
        else:
            raise TypeError

    def _tuple(self) -> None:
        above = self._above_mark()
        self._stack.append(tuple(above))

    def _short_tuple(self, length: int) -> None:
        if length > len(self._stack):
            raise IndexError
        parts = tuple(self._stack[len(self._stack) - length :])
        del self._stack[len(self._stack) - length :]
        self._stack.append(parts)

    def _empty_dict(self) -> None:
        self._stack.append(Built("builtins.dict"))

    def _dict(self) -> None:
        above = self._above_mark()
        self._empty_dict()
        self._pair_up(above)

    def _set_item(self) -> None:
        value = self._stack.pop()
        self._pair_up([self._stack.pop(), value])

    def _set_items(self) -> None:
        self._pair_up(self._above_mark())

    def _pair_up(self, flat: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, Built):
            raise TypeError
        target.pairs.extend(zip(flat[::2], flat[1::2], strict=True))

    def _empty_set(self) -> None:
        self._stack.append(Built("builtins.set"))

    def _add_items(self) -> None:
        self._extend(self._above_mark())

    def _frozen_set(self) -> None:
        above = self._above_mark()
        self._stack.append(Built("builtins.frozenset"))
        self._extend(above)

    def _memoize(self) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self) -> None:
        self._stack.append(self._memo[int(self._line())])

    def _put(self) -> None:
        self._memo[int(self._line())] = self._stack[-1]

    def _int(self) -> None:
        line = self._line()
        self._stack.append({"00": False, "01": True}[line] if line in {"00", "01"} else int(line))

    def _long(self) -> None:
        self._stack.append(int(self._line().removesuffix("L")))

    def _float(self) -> None:
        self._stack.append(float(self._line()))

    def _string(self) -> None:
        # Escapes are left as they are written: such text is a name or nothing to us.
        self._stack.append(self._line().strip("'\""))

    def _unicode(self) -> None:
        self._stack.append(self._line().encode("latin-1").decode("raw_unicode_escape"))

    def _global(self) -> None:
        self._stack.append(_named(self._line(), self._line()))

    def _stack_global(self) -> None:
        name = self._stack.pop()
        self._stack.append(_named(self._stack.pop(), name))

    def _stored_line(self) -> None:
        self._keep(Stored(self._line()))

    def _stored(self) -> None:
        self._keep(Stored(self._stack.pop()))

    def _keep(self, stored: Stored) -> None:
        self.stored.append(stored)
        self._stack.append(stored)

    def _call(self) -> None:
        arguments = self._stack.pop()
        self._stack.append(_called(self._stack.pop(), arguments))

    def _call_with_keywords(self) -> None:
        keywords, arguments = self._stack.pop(), self._stack.pop()
        built = _called(self._stack.pop(), arguments)
        built.state = keywords
        self._stack.append(built)

    def _object(self) -> None:
        callee, *arguments = self._above_mark()
        self._stack.append(_called(callee, tuple(arguments)))

    def _instance(self) -> None:
        callee = _named(self._line(), self._line())
        arguments = tuple(self._above_mark())
        self._stack.append(_called(callee, arguments))

    def _build(self) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if isinstance(target, Built):
            target.state = state


def _text(encoded: memoryview) -> str:
    """A text, of which lone surrogates are slow to decode and stop everybody meanwhile."""
    try:
        return str(encoded, "utf-8")
    except UnicodeDecodeError:
        if len(encoded) > _MOST_WITH_SURROGATES:
            raise
        return str(encoded, "utf-8", "surrogatepass")


def _named(module: object, name: object) -> Named:
    if not isinstance(module, str) or not isinstance(name, str):
        raise TypeError
    # Protocols up to 2 keep the name that Python 2 had for it.
    module = "builtins" if module == "__builtin__" else module
    whole = f"{module[:_MAX_NAME]}.{name[:_MAX_NAME]}"
    return Named("".join(sign if sign.isprintable() else "?" for sign in whole))


def _called(callee: object, arguments: object) -> Built:
    if not isinstance(arguments, tuple):
        raise TypeError
    # What a call gave back, or a class kept outside of the pickle, may itself be called.
    while isinstance(callee, Stored) and isinstance(callee.identity, tuple) and callee.identity:
        callee = callee.identity[1] if len(callee.identity) > 1 else None
    name = callee.name if isinstance(callee, Named | Built) else type(callee).__name__
    return Built(name, arguments)
