"""Names and texts that are Markdown, HTML, formulas or icons, on every page: shown, never obeyed.

What a page sends is read element by element, as the browser would get it: every text that
Streamlit reads as Markdown (bodies, labels, tooltips, captions), and every text of a figure.
"""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from google.protobuf.message import Message  # type: ignore[import-untyped]
from markdown_it import MarkdownIt
from opened import OpenedPage
from PIL import Image
from torch import nn

EVERY_PAGE = (
    "receptive_field", "column_matrix", "matmul", "filters", "responses", "operators", "stack",
    "output_shape", "check", "practice",
)  # fmt: skip
SIGNATURE = "qZq"
WORDS = (
    f"![{SIGNATURE}](//host.invalid/{SIGNATURE})",
    f"<img src=//host.invalid/{SIGNATURE}>",
    f"<a href='http://host.invalid'>{SIGNATURE}</a>",
    f"http://host.invalid/{SIGNATURE}",
    f"www.host.invalid/{SIGNATURE}",
    f"me@{SIGNATURE}.invalid",
    f"$\\\\href{{//host.invalid}}{{{SIGNATURE}}}$",
    f":material/home: :red[{SIGNATURE}] :{SIGNATURE}:",
    f"`{SIGNATURE}` **{SIGNATURE}**",
    f"a\n\n# {SIGNATURE}\n- {SIGNATURE}",
    f"[{SIGNATURE}]: http://host.invalid\n\n[{SIGNATURE}]",
    f"1. {SIGNATURE}",
    f"\u202e{SIGNATURE}",
)
# What Streamlit reads as Markdown, by the names of the fields of its messages.
MARKDOWN = {"body", "label", "help", "caption", "text", "options"}
PLAIN_TYPES = {"Selectbox", "MultiSelect", "TextArea", "TextInput", "Code", "Text", "Arrow"}
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# What Streamlit adds, found in words after all escaping is gone: links, e-mail addresses, icons.
LINKED = re.compile(r"https?:/|www\.|\w@\w|:[a-z_]+:|:material", re.IGNORECASE)
# What it adds, found in the source: formulas and directives such as :red[...].
FORMULA = re.compile(r"(?<!\\)(?:\\\\)*\$|(?<!\\):[a-z][a-z0-9-]*\[")
HOLDS_WORDS = {"text", "softbreak", "strong_open", "strong_close", "text_special"}


def messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        repeated = not isinstance(value, Message)
        for each in value if repeated else [value]:
            if isinstance(each, Message):
                yield from messages(each)


def markdown_of(page: OpenedPage) -> Iterator[str]:
    """Every text of a page that a browser reads as Markdown."""
    for part in (page.at.sidebar, page.at.main):
        yield from _below(part)


def _below(block: Any) -> Iterator[str]:
    for child in getattr(block, "children", {}).values():
        proto = getattr(child, "proto", None)
        if isinstance(proto, Message):
            for message in messages(proto):
                yield from _texts(message)
        yield from _below(child)


def _texts(message: Message) -> Iterator[str]:
    name = message.DESCRIPTOR.name
    for field, value in message.ListFields():
        if field.name not in MARKDOWN or field.type != field.TYPE_STRING:
            continue
        if name in {"Code", "Text", "Arrow"} or (name in PLAIN_TYPES and field.name == "options"):
            continue
        yield from [value] if isinstance(value, str) else list(value)


def check_words(page: OpenedPage, *, at_least: int = 1) -> None:
    """Wherever the words stand they are words to a parser of Markdown, and they do stand there."""
    assert not page.at.exception
    found = [text for text in markdown_of(page) if SIGNATURE in text]
    assert len(found) >= at_least, "the words are nowhere on the page"
    for text in found:
        check_text(text)
    for panel in page.panels.values():
        for text in figure_texts(panel.figure):
            if SIGNATURE in text:
                assert not re.search(r"<(?:a|img|b)\b|\$|%\{", text), text


def check_text(text: str) -> None:
    depth = 0
    for token in PARSER.parse(text):
        depth += token.nesting * (token.type.startswith("list_item"))
        if SIGNATURE not in token.content:
            continue
        assert token.type == "inline", text
        assert depth <= 1, text
        inside = token.children or []
        assert {each.type for each in inside if SIGNATURE in each.content} <= HOLDS_WORDS, text
        assert {each.type for each in inside} <= HOLDS_WORDS | {"code_inline"}, text
        words = "".join(each.content for each in inside if each.type != "code_inline")
        assert not LINKED.search(words), text
        assert not FORMULA.search(token.content), text
    assert "\u202e" not in text
    assert not any(token.type in {"heading_open", "html_block", "fence", "ordered_list_open"}
                   for token in PARSER.parse(text)), text  # fmt: skip


def figure_texts(part: Any, key: str = "") -> Iterator[str]:
    if key in {"meta", "source"}:
        return
    if isinstance(part, dict):
        for name, value in part.items():
            yield from figure_texts(value, name)
    elif isinstance(part, list):
        for value in part:
            yield from figure_texts(value, key)
    elif isinstance(part, str):
        yield part


def named_file(name: str) -> bytes:
    """A convolution, its bias and a tensor that is none, all under a name."""
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 2, 3)
    stream = io.BytesIO()
    torch.save(
        {
            f"{name}.weight": layer.weight.detach(),
            f"{name}.bias": layer.bias.detach(),  # type: ignore[union-attr]
            f"{name}.running_mean": torch.zeros(4),
        },
        stream,
    )
    return stream.getvalue()


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_the_names_of_a_weights_file_are_words_on_every_page(page: str) -> None:
    found = OpenedPage(page, {"weights_source": "File"})
    for name in WORDS[:: 3 if page != EVERY_PAGE[0] else 1]:
        found.at.file_uploader("weights_file").set_value(
            ("net.pt", named_file(name), "application/octet-stream")
        )
        found.run()
        check_words(found)


@pytest.mark.parametrize("word", WORDS)
def test_the_name_of_a_tensor_in_a_refusal_is_words(word: str) -> None:
    stream = io.BytesIO()
    torch.save({f"{word}.weight": torch.full((2, 3, 3, 3), float("nan"))}, stream)
    for page in ("receptive_field", "check", "stack"):
        found = OpenedPage(page, {"weights_source": "File"})
        found.at.file_uploader("weights_file").set_value(
            ("net.pt", stream.getvalue(), "application/octet-stream")
        )
        check_words(found.run())


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    ("page", "key"),
    [
        ("check", "check_resize"), ("check", "check_crop"), ("check", "check_mean"),
        ("check", "check_std"), ("stack", "stack_text"), ("stack", "layers"),
        ("receptive_field", "hand"), ("matmul", "hand"), ("output_shape", "shape_message"),
    ],
)  # fmt: skip
def test_the_texts_of_an_address_are_words(page: str, key: str, word: str) -> None:
    address = {key: word[:60]}
    if key == "hand":
        address["weights_source"] = "By hand"
    if key in {"check_mean", "check_std"}:
        address["check_values"] = "own numbers"
    found = OpenedPage(page, address)
    assert not found.at.exception
    for text in markdown_of(found):
        if SIGNATURE in text:
            check_words(found)
            break


@pytest.mark.parametrize("word", WORDS)
def test_the_names_of_pictures_are_words(word: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (9, 8)).save(stream, "PNG")
    for page in ("receptive_field", "responses", "check"):
        found = OpenedPage(page, {"source": "Upload"})
        found.at.file_uploader("upload").set_value(
            [(f"{word}.png", stream.getvalue(), "image/png"), (f"{word}.jpg", b"no picture", "")]
        )
        found.run()
        assert not found.at.exception
        for text in markdown_of(found):
            if SIGNATURE in text:
                check_words(found)
                break
