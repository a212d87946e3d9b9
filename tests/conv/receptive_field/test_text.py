"""A stack as text and as a table: nothing is lost, and nonsense gets a sentence."""

import random
from typing import Any

import pytest

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.architectures import architecture, architecture_names
from rfviz.conv.receptive_field.stack import Branches
from rfviz.conv.receptive_field.text import (
    LONGEST,
    padding_in,
    padding_text,
    stack_in,
    text_of,
)
from rfviz.ui.stack.table import (
    Row,
    cells_of,
    duplicated,
    moved,
    rows_of,
    stack_of,
    with_changes,
)

SPECIAL = (
    "c3", "c3x5s2x1p0.1x2.3d2o64g32n~a name", "t4s2p1u1o8", "m3s2p1e", "a2", "c5psame",
    "add(c3p1,c3p1|)~block,cat(c1|c3p1|m3s1p1)", "add(|)",
)  # fmt: skip
NONSENSE = (
    "", ",", "c", "x3", "c3q", "c3,,m2", "add(c3", "add(add(c3|)|c3)", "c3)", "()", "c99999",
    "c0", "c3s0", "c3x3x3", "m3p9q", "m2g2", "a3d2", "t3psame", "c3~<b>", "c3~" + "n" * 41,
    "c3," * 300, "add(" + "|" * 26 + ")",
    "c" * 5000, "(" * 5000, "c3" + "0" * 3000, "\x00", "٣", "x" * (LONGEST + 1),
)  # fmt: skip


@pytest.mark.parametrize("name", architecture_names())
def test_published_networks_survive_text_and_table(name: str) -> None:
    layers = tuple(architecture(name).layers)
    text = text_of(layers)
    assert len(text) < 2000
    assert stack_in(text) == layers
    assert stack_of(rows_of(layers)) == layers


@pytest.mark.parametrize("text", SPECIAL)
def test_text_is_read_back_to_itself(text: str) -> None:
    assert text_of(stack_in(text)) == text


def test_parts_of_a_layer_mean_what_they_say() -> None:
    (layer,) = stack_in("c3x5s2x1p0.1x2.3d2o64g32n~a name")
    assert layer == Layer(
        "Conv2d", (3, 5), (2, 1), ((0, 1), (2, 3)), 2, groups=32, out_channels=64, bias=False,
        name="a name",
    )  # fmt: skip
    (block,) = stack_in("cat(c1|)~inner")
    assert block == Branches(((Layer("Conv2d", 1),), ()), "concat", "inner")


@pytest.mark.parametrize("text", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_explained(text: str) -> None:
    with pytest.raises(InputError) as caught:
        stack_in(text)
    assert 10 < len(str(caught.value)) < 600


def test_random_text_is_a_stack_or_explained() -> None:
    generator = random.Random(3)  # noqa: S311 - a seeded sweep, nothing secret
    for _ in range(2000):
        text = "".join(generator.choices("ctma0123x.,|()~spdougen", k=generator.randint(1, 12)))
        try:
            stack = stack_in(text)
        except InputError:
            continue
        assert stack_in(text_of(stack)) == stack


@pytest.mark.parametrize("text", ["0", "2", "1x2", "same", "0.1x0.1", "1.2x3.4"])
def test_padding_is_written_as_it_is_read(text: str) -> None:
    assert padding_text(padding_in(text)) == text


def changed(text: str, **changes: Any) -> str:
    empty: dict[str, Any] = {"edited_rows": {}, "added_rows": [], "deleted_rows": []}
    return text_of(stack_of(with_changes(rows_of(stack_in(text)), empty | changes)))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"kernel": "3x5"}, "c3x5s2p1o8n,m2,a3"),
        ({"stride": "1", "padding": "same"}, "c3psameo8n,m2,a3"),
        ({"channels": None, "dilation": "2"}, "c3s2p1d2n,m2,a3"),
        ({"kind": "MaxPool2d"}, "m3s2p1,m2,a3"),
        ({"name": "stem"}, "c3s2p1o8n~stem,m2,a3"),
        ({"order": 2}, "m2,c3s2p1o8n,a3"),
        ({"order": 2.5}, "m2,c3s2p1o8n,a3"),
        ({"order": 9}, "m2,a3,c3s2p1o8n"),
    ],
)
def test_edited_cells_change_their_layer_alone(cells: dict[str, Any], expected: str) -> None:
    assert changed("c3s2p1o8n,m2,a3", edited_rows={0: cells}) == expected


def test_rows_move_up_before_the_row_that_has_the_order() -> None:
    assert changed("c1,c2,c3,c4", edited_rows={3: {"order": 2}}) == "c1,c4,c2,c3"


def test_rows_are_added_and_deleted() -> None:
    added = [{"kind": "Conv2d", "kernel": "7"}, {"kind": "MaxPool2d", "order": 1}]
    assert changed("c1,c2", added_rows=added, deleted_rows=[1]) == "m3,c1,c7"


def test_branches_are_written_in_the_table() -> None:
    edited = {1: {"branch": "1a"}, 2: {"branch": "1b", "kind": "Identity"}}
    assert changed("c7,c3p1,c1,m2", edited_rows=edited) == "c7,add(c3p1|),m2"
    assert changed("c7,cat(c1|c3p1)", edited_rows={1: {"join": "add"}}) == "c7,add(c1|c3p1)"


@pytest.mark.parametrize(
    "cells",
    [
        {"kernel": "three"}, {"kernel": "0"}, {"stride": "-1"}, {"padding": "1x2x3"},
        {"dilation": "1e3"}, {"branch": "left"}, {"name": "<b>"}, {"groups": 0.5},
    ],
)  # fmt: skip
def test_cell_that_cannot_be_is_refused_with_its_row(cells: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^Row 2: "):
        changed("c1,c3", edited_rows={1: cells})


def test_buttons_of_a_row() -> None:
    rows = rows_of(stack_in("c1~a,c2,c3"))
    assert text_of(stack_of(moved(rows, 0, 1))) == "c2,c1~a,c3"
    assert moved(rows, 0, -1) == rows
    assert moved(rows, 2, 1) == rows
    assert text_of(stack_of(duplicated(rows, 0))) == "c1~a,c1,c2,c3"
    with pytest.raises(InputError):
        stack_of([])


def test_identity_on_the_main_path_is_nothing() -> None:
    assert stack_of([Row(None), Row(Layer("Conv2d", 3))]) == (Layer("Conv2d", 3),)


def test_cells_show_every_column() -> None:
    first, second = cells_of(rows_of(stack_in("add(c3x5p1o8|)~block")))
    assert first["kernel"] == "3x5"
    assert first["channels"] == 8
    assert (first["branch"], second["branch"], second["kind"]) == ("1a", "1b", "Identity")
