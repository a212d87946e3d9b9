"""A pickle read opcode by opcode, without acting on one: what it names, and how much it builds.

A tuple that holds an earlier one twice, which an even earlier one holds twice, and so on, is short
to write down and takes for ever to hash. So the size that each tuple has when written out is kept
beside the opcodes, on a stack of sizes instead of objects.
"""

import pickletools
import re
import struct
from collections.abc import Callable
from typing import IO

from rfviz.conv.spec import InputError

_MAX_BYTES = 8_000_000
_MAX_OPCODES = 1_000_000
_MAX_TUPLE = 1_000_000
_REFUSED = frozenset(
    {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "BYTEARRAY8"}
)
_PUTS, _GETS = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}
_HARMLESS = re.compile(
    r"collections OrderedDict|torch Size|torch\._utils _rebuild_(?:tensor_v2|parameter)|"
    r"torch (?:\w+Storage|float\d+|bfloat16|u?int\d+|bool)|torch\.storage _?UntypedStorage|"
    r"torch\.nn\.parameter Parameter|torch\.serialization _get_layout"
)


def check_pickle(stream: IO[bytes], remedy: str) -> None:
    """Raise `InputError` unless a pickle names nothing but what rebuilds tensors, in a fair size.

    The stream is then where the pickle ends.

    >>> import io
    >>> check_pickle(io.BytesIO(b"\\x80\\x02]q\\x00."), "Save it anew")
    """
    start = stream.tell()
    sizes = _Sizes(lambda what: InputError(what, remedy=remedy))
    try:
        for n_opcodes, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if stream.tell() - start > _MAX_BYTES:
                what = "The list of tensors in the PyTorch file takes more than"
                raise sizes.refusal(f"{what} {_MAX_BYTES:,} bytes.")
            if n_opcodes > _MAX_OPCODES:
                raise sizes.refusal(f"The PyTorch file lists more than {_MAX_OPCODES:,} things.")
            _check_opcode(opcode.name, argument, sizes.refusal)
            sizes.take(opcode, argument)
    except InputError:
        raise
    except (ValueError, LookupError, OverflowError, MemoryError, struct.error) as error:
        raise sizes.refusal("The list of tensors in the PyTorch file is damaged.") from error


def _check_opcode(name: str, argument: object, refusal: Callable[[str], InputError]) -> None:
    if name in _REFUSED:
        raise refusal(
            f"The PyTorch file uses the pickle operation {name}, which torch.save does not write "
            f"for weights; it was not opened."
        )
    if name == "GLOBAL" and not _HARMLESS.fullmatch(str(argument)):
        wanted = str(argument).replace(" ", ".")[:80]
        raise refusal(
            f"The PyTorch file asks for {wanted!r}, which is more than weights; it was not opened "
            f"and nothing was run."
        )


class _Sizes:
    """A pickle's stack and memo, with sizes of tuples in place of objects; None is a mark."""

    def __init__(self, refusal: Callable[[str], InputError]) -> None:
        self.refusal = refusal
        self._stack: list[int | None] = []
        self._memo: dict[int, int] = {}

    def take(self, opcode: pickletools.OpcodeInfo, argument: object) -> None:
        """Do what an opcode does to the stack."""
        if opcode.name == "MARK":
            self._stack.append(None)
        elif opcode.name in _GETS:
            self._stack.append(self._memo[int(str(argument))])
        elif opcode.name in _PUTS or opcode.name == "MEMOIZE":
            slot = len(self._memo) if argument is None else int(str(argument))
            self._memo[slot] = self._stack[-1] or 1
        else:
            taken = self._popped(opcode)
            is_tuple = opcode.name.startswith("TUPLE")
            size = 1 + sum(taken) if is_tuple else 1
            if size > _MAX_TUPLE:
                raise self.refusal(f"The PyTorch file holds a tuple of over {_MAX_TUPLE:,} parts.")
            self._stack.extend([size] * len(opcode.stack_after))

    def _popped(self, opcode: pickletools.OpcodeInfo) -> list[int]:
        taken: list[int] = []
        if pickletools.markobject in opcode.stack_before:
            while (size := self._stack.pop()) is not None:
                taken.append(size)
            above = opcode.stack_before.index(pickletools.markobject)
        else:
            above = len(opcode.stack_before)
        return taken + [self._stack.pop() or 1 for _ in range(above)]
