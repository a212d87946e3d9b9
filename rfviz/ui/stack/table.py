"""A stack as rows of a table, and a person's changes of the table as another stack.

A row is one layer. Rows of a block stand together: ``1a`` is on branch a of block 1, ``1b`` on its
branch b, and a row of kind Identity is a branch without a layer, as in a residual block.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import TAKES, Layer
from rfviz.conv.receptive_field.stack import Branches
from rfviz.conv.receptive_field.text import (
    LETTERS,
    MOST_LAYERS,
    NAME,
    Stack,
    padding_in,
    padding_text,
    pair_in,
    pair_text,
)
from rfviz.conv.wording import shown

IDENTITY = "Identity"
KINDS = (*LETTERS.values(), IDENTITY)
JOINS = ("add", "concat")
BRANCH = re.compile(r"(\d{1,3})([a-z])", re.ASCII)


class Row(NamedTuple):
    """A layer, or None for an identity; its branch such as ``1a``; its block's join and name."""

    layer: Layer | None
    branch: str = ""
    join: str = JOINS[0]
    block: str = ""


def rows_of(stack: Stack) -> list[Row]:
    """The rows of a stack; InputError for blocks inside of blocks, which a table cannot show."""
    rows: list[Row] = []
    n_blocks = 0
    for layer in stack:
        if isinstance(layer, Layer):
            rows.append(Row(layer))
            continue
        n_blocks += 1
        for letter, path in zip("abcdefghijklmnopqrstuvwxyz", layer.paths, strict=False):
            place = (f"{n_blocks}{letter}", layer.join, layer.name)
            rows += [Row(_plain(inner), *place) for inner in path] or [Row(None, *place)]
    return rows


def stack_of(rows: Sequence[Row]) -> Stack:
    """The stack of some rows; InputError for no row, or too many."""
    if not rows or len(rows) > MOST_LAYERS:
        raise InputError(
            f"A stack has 1 to {MOST_LAYERS} layers, got {len(rows)}.", remedy="Keep one layer"
        )
    stack: list[Layer | Branches] = []
    for block, group in groupby(rows, key=_block_of):
        members = list(group)
        if block:
            stack.append(_joined(members))
        else:
            # An identity on the main path changes nothing.
            stack += [row.layer for row in members if row.layer is not None]
    return tuple(stack)


def cells_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The table's cells, a row a layer."""
    return [_cells(row, number) for number, row in enumerate(rows, 1)]


def with_changes(rows: Sequence[Row], changes: Mapping[str, Any]) -> list[Row]:
    """The rows after what a person did to the table; InputError for a cell that cannot be.

    ``changes`` are the editor's: ``edited_rows`` by index, ``added_rows``, ``deleted_rows``. Where
    an order is changed the row moves there, before the row that has it if it moves up.
    """
    deleted = set(changes.get("deleted_rows", ()))
    edited = {int(index): cells for index, cells in changes.get("edited_rows", {}).items()}
    ordered: list[tuple[float, int, Row]] = []
    for index, row in enumerate(rows):
        if index in deleted:
            continue
        new = edited.get(index, {})
        order = _order(new.get("order"), index + 1)
        moved = (order > index + 1) - (order < index + 1)
        changed = any(field != "order" for field in new)
        cells = {**_cells(row, index + 1), **new}
        ordered.append((order, moved, _row_in(cells, row, index + 1) if changed else row))
    for number, new in enumerate(changes.get("added_rows", ()), len(rows) + 1):
        order = _order(new.get("order"), number)
        ordered.append((order, -1, _row_in(new, Row(None), number)))
    return [row for _, _, row in sorted(ordered, key=lambda each: each[:2])]


def moved(rows: Sequence[Row], index: int, by: int) -> list[Row]:
    """The rows with one of them moved up (-1) or down (1), where there is room."""
    other = index + by
    result = list(rows)
    if 0 <= other < len(rows):
        result[index], result[other] = result[other], result[index]
    return result


def _cells(row: Row, number: int) -> dict[str, Any]:
    layer = row.layer
    place = {"order": number, "name": "" if layer is None else layer.name}
    join = row.join if row.branch else None
    if layer is None:
        blank = dict.fromkeys(("kernel", "stride", "padding", "dilation", "channels", "groups"))
        return {**place, "kind": IDENTITY, **blank, "branch": row.branch, "join": join}
    return {
        **place,
        "kind": layer.kind,
        "kernel": pair_text(layer.kernel_size),
        "stride": pair_text(layer.stride),
        "padding": padding_text(layer.padding),
        "dilation": pair_text(layer.dilation),
        "channels": layer.out_channels,
        "groups": layer.groups if "groups" in TAKES[layer.kind] else None,
        "branch": row.branch,
        "join": join,
    }


def _row_in(cells: Mapping[str, Any], base: Row, number: int) -> Row:
    """One row from its cells; what the table does not show stays as it was."""
    try:
        branch = str(cells.get("branch") or "").strip()
        if branch and BRANCH.fullmatch(branch) is None:
            raise InputError(
                f"The branch {shown(branch)} is no block and letter such as 1a.",
                remedy="Write 1a, or leave it empty for the main path",
            )
        join = cells.get("join") or JOINS[0]
        return Row(_layer_in(cells, base.layer), branch, join, base.block)
    except InputError as error:
        raise InputError(f"Row {number}: {error.what}", error.remedies) from None


def _layer_in(cells: Mapping[str, Any], base: Layer | None) -> Layer | None:
    kind = cells.get("kind") or KINDS[0]
    if kind == IDENTITY:
        return None
    takes: frozenset[str] = {str(k): v for k, v in TAKES.items()}[kind]
    name = str(cells.get("name") or "").strip()
    if name and re.fullmatch(NAME, name, re.ASCII) is None:
        raise InputError(
            f"The name {shown(name)} has signs that an address would not hold.",
            remedy="Use up to 40 letters, digits, dots, dashes and underscores",
        )
    given: dict[str, Any] = {
        "kernel_size": pair_in(_text(cells, "kernel", "3"), "kernel"),
        "padding": padding_in(_text(cells, "padding", "0")),
        "name": name,
    }
    if _text(cells, "stride", ""):
        given["stride"] = pair_in(_text(cells, "stride", ""), "stride")
    optional = {
        "dilation": pair_in(_text(cells, "dilation", "1"), "dilation"),
        "out_channels": cells.get("channels"),
        "groups": cells.get("groups") or 1,
    }
    if base is not None:
        optional |= {"output_padding": base.output_padding, "ceil_mode": base.ceil_mode}
        given["bias"] = base.bias
    given |= {field: value for field, value in optional.items() if field in takes}
    return Layer(kind, **given)


def _text(cells: Mapping[str, Any], column: str, default: str) -> str:
    value = cells.get(column)
    return default if value is None or str(value).strip() == "" else str(value).strip()


def _order(value: object, default: int) -> float:
    return float(value) if isinstance(value, int | float) else float(default)


def _block_of(row: Row) -> str:
    found = BRANCH.fullmatch(row.branch)
    return found[1] if found else ""


def _joined(rows: Sequence[Row]) -> Branches:
    """The block of some rows: a path for each letter, in the order in which they appear."""
    letters = list(dict.fromkeys(row.branch[-1] for row in rows))
    paths = tuple(
        tuple(row.layer for row in rows if row.branch[-1] == letter and row.layer is not None)
        for letter in letters
    )
    return Branches(paths, rows[0].join, rows[0].block)


def _plain(layer: Layer | Branches) -> Layer:
    if isinstance(layer, Branches):
        raise InputError("A block is inside of another one.", remedy="Write the inner one out")
    return layer


def duplicated(rows: Sequence[Row], index: int) -> list[Row]:
    """The rows with one of them twice; the copy has no name."""
    layer = rows[index].layer
    copy = rows[index]._replace(layer=None if layer is None else replace(layer, name=""))
    return [*rows[: index + 1], copy, *rows[index + 1 :]]
