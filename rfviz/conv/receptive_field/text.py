"""A stack of layers as one line of text, short enough for an address.

Layers stand in order, with commas between them. A layer is the letter of its kind (``c`` Conv2d,
``t`` ConvTranspose2d, ``m`` MaxPool2d, ``a`` AvgPool2d) and its kernel, then only what is not
torch's default: ``s`` stride, ``p`` padding, ``d`` dilation, ``u`` output padding, ``o`` output
channels, ``g`` groups, ``e`` ceil_mode, ``n`` no bias, and ``~`` a name. A number is one for both
axes, or height x width; padding may also be ``psame``, or ``0.1x0.2``: top.bottom x left.right.
Branches are ``add(...)`` or ``cat(...)``, paths with ``|`` between them; an empty path is the
identity. So ``c7s2p3o64,add(c3p1,c3p1|)`` is a strided convolution and a residual block.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from rfviz.conv.errors import InputError
from rfviz.conv.layers.fit import LayerKind
from rfviz.conv.layers.layer import TAKES, Layer
from rfviz.conv.receptive_field.stack import Branches
from rfviz.conv.spec.padding_modes import Pads, Pair
from rfviz.conv.wording import shown

Stack = tuple[Layer | Branches, ...]

LETTERS: Mapping[str, LayerKind] = MappingProxyType(
    {"c": "Conv2d", "t": "ConvTranspose2d", "m": "MaxPool2d", "a": "AvgPool2d"}
)
JOINS: Mapping[str, str] = MappingProxyType({"add": "add", "cat": "concat"})
LONGEST = 6000
MOST_LAYERS = 200
MOST_PATHS = 26  # a letter each, in the table
# Beyond this a number is a slip, and the arithmetic of a deep stack would leave 64 bits.
LARGEST_NUMBER = 9999
NUMBER = r"\d{1,4}"
PAIR = rf"{NUMBER}(?:x{NUMBER})?"
SIDES = rf"{NUMBER}\.{NUMBER}x{NUMBER}\.{NUMBER}"
NAME = r"[\w.\- ]{1,40}"
LAYER = re.compile(
    rf"(?P<letter>[ctma])(?P<kernel>{PAIR})(?:s(?P<stride>{PAIR}))?"
    rf"(?:p(?P<padding>same|{SIDES}|{PAIR}))?(?:d(?P<dilation>{PAIR}))?(?:u(?P<extra>{PAIR}))?"
    rf"(?:o(?P<channels>{NUMBER}))?(?:g(?P<groups>{NUMBER}))?(?P<ceil>e)?(?P<unbiased>n)?"
    rf"(?:~(?P<name>{NAME}))?",
    re.ASCII,
)
BRANCHES = re.compile(rf"(?P<join>add|cat)\((?P<paths>[^()]*)\)(?:~(?P<name>{NAME}))?", re.ASCII)


def stack_in(text: str) -> Stack:
    """The layers of a text; InputError, with the part that is none, for anything else.

    >>> stack_in("c3p1o8,m2")[1].label()
    'MaxPool2d 2 × 2, stride 2'
    """
    if len(text) > LONGEST:
        raise InputError(
            f"The text of the stack has {len(text):,} characters, more than {LONGEST:,}.",
            remedy="Use fewer layers, or shorter names",
        )
    parts = _parts(text)
    if not parts or len(parts) > MOST_LAYERS:
        raise InputError(
            f"A stack has 1 to {MOST_LAYERS} layers, got {len(parts)}.",
            remedy="Write them with commas between them, such as c3p1,m2",
        )
    return tuple(_part_in(part) for part in parts)


def text_of(stack: Iterable[Layer | Branches]) -> str:
    """The text of a stack, which :func:`stack_in` reads back to an equal one.

    >>> text_of(stack_in("c3s1p1d1,add(c3p1|)~block"))
    'c3p1,add(c3p1|)~block'
    """
    return ",".join(map(_part_of, stack))


def pair_text(value: Pair) -> str:
    """One number where both are the same, else height x width.

    >>> pair_text((3, 3)), pair_text((1, 7))
    ('3', '1x7')
    """
    return str(value[0]) if value[0] == value[1] else f"{value[0]}x{value[1]}"


def padding_text(value: str | Pads) -> str:
    """``same``, a number, height x width, or top.bottom x left.right.

    >>> padding_text(((1, 1), (2, 2))), padding_text(((0, 1), (0, 1)))
    ('1x2', '0.1x0.1')
    """
    if isinstance(value, str):
        return "0" if value == "valid" else value
    (top, bottom), (left, right) = value
    if (top, left) == (bottom, right):
        return pair_text((top, left))
    return f"{top}.{bottom}x{left}.{right}"


def pair_in(text: str, what: str) -> Pair:
    """(height, width) of one number or two; InputError for what is neither."""
    if re.fullmatch(PAIR, text, re.ASCII) is None:
        raise InputError(
            f"The {what} {shown(text)} is neither a number up to {LARGEST_NUMBER} nor two such as "
            "3x5 (height x width).",
            remedy="Write 3, or 3x5",
        )
    numbers = [int(part) for part in text.split("x")]
    return numbers[0], numbers[-1]


def padding_in(text: str) -> str | Pads:
    """The padding of a text as :func:`padding_text` writes it; InputError for anything else."""
    if text in {"same", "valid"}:
        return text
    if re.fullmatch(SIDES, text, re.ASCII):
        rows, columns = ([int(n) for n in part.split(".")] for part in text.split("x"))
        return (rows[0], rows[1]), (columns[0], columns[1])
    height, width = pair_in(text, "padding")
    return (height, height), (width, width)


def _parts(text: str) -> list[str]:
    """The text cut at the commas outside parentheses."""
    parts, depth = [""], 0
    for sign in text.strip():
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    found = [part.strip() for part in parts]
    return found if any(found) else []


def _part_in(part: str) -> Layer | Branches:
    block = BRANCHES.fullmatch(part)
    if block is None:
        return _layer_in(part)
    paths = tuple(
        tuple(_layer_in(each.strip()) for each in path.split(",") if path.strip())
        for path in block["paths"].split("|")
    )
    if sum(map(len, paths)) > MOST_LAYERS or len(paths) > MOST_PATHS:
        raise InputError(
            f"A block has at most {MOST_LAYERS} layers on {MOST_PATHS} branches.",
            remedy="Use fewer",
        )
    return Branches(paths, JOINS[block["join"]], block["name"] or "")


def _layer_in(part: str) -> Layer:
    found = LAYER.fullmatch(part)
    if found is None:
        raise InputError(
            f"{shown(part)} is no layer.",
            remedy="Write a layer as kind and kernel, then what differs from torch's default: "
            "c3s2p1 is a Conv2d of 3 x 3 with stride 2 and padding 1, m2 a MaxPool2d",
        )
    kind = LETTERS[found["letter"]]
    given: dict[str, Any] = {
        "stride": found["stride"] and pair_in(found["stride"], "stride"),
        "padding": found["padding"] and padding_in(found["padding"]),
        "dilation": found["dilation"] and pair_in(found["dilation"], "dilation"),
        "output_padding": found["extra"] and pair_in(found["extra"], "output padding"),
        "out_channels": found["channels"] and int(found["channels"]),
        "groups": found["groups"] and int(found["groups"]),
        "ceil_mode": found["ceil"] and True,
        "bias": found["unbiased"] and False,
        "name": found["name"],
    }
    fields = {field: value for field, value in given.items() if value is not None}
    return Layer(kind, pair_in(found["kernel"], "kernel"), **fields)


def _part_of(layer: Layer | Branches) -> str:
    if isinstance(layer, Branches):
        paths = (",".join(map(_part_of, path)) for path in layer.paths)
        return f"{'cat' if layer.join == 'concat' else 'add'}({'|'.join(paths)}){_named(layer)}"
    letter = next(letter for letter, kind in LETTERS.items() if kind == layer.kind)
    usual = layer.kernel_size if layer.kind.endswith("Pool2d") else (1, 1)
    text = letter + pair_text(layer.kernel_size)
    text += f"s{pair_text(layer.stride)}" if layer.stride != usual else ""
    padding = padding_text(layer.padding)
    text += f"p{padding}" if padding != "0" else ""
    text += f"d{pair_text(layer.dilation)}" if layer.dilation != (1, 1) else ""
    text += f"u{pair_text(layer.output_padding)}" if layer.output_padding != (0, 0) else ""
    text += f"o{layer.out_channels}" if layer.out_channels is not None else ""
    text += f"g{layer.groups}" if layer.groups != 1 else ""
    text += "e" if layer.ceil_mode else ""
    text += "n" if "out_channels" in TAKES[layer.kind] and not layer.bias else ""
    return text + _named(layer)


def _named(layer: Layer | Branches) -> str:
    return f"~{layer.name}" if layer.name else ""
