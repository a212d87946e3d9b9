"""What does not fit, in words, with the remedies as buttons; and what the rest waits for."""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import streamlit as st

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.ui.sidebar import convolution as parameters

FILTERS = "out_channels"
LONGEST_SHOWN = 5000  # of a sentence; a message may quote a whole file
_ESCAPED = MappingProxyType({ord(sign): f"\\{sign}" for sign in "\\`*_{}[]<>()#+-!|$~:&^="})
# Signs that no one sees and that turn what follows around, or end a text for some.
_UNSEEN = MappingProxyType(
    dict.fromkeys(
        [*range(9), *range(0xE, 0x1C), 0x7F, 0x200E, 0x200F, *range(0x202A, 0x202F),
         *range(0x2066, 0x206A)],
        "\N{REPLACEMENT CHARACTER}",
    )
)  # fmt: skip
_PARTED = "\N{WORD JOINER}"
_BEGINS_LINK = re.compile(r":(?=[^\s\d])|@(?=\S)|www(?=\.)", re.IGNORECASE)
_LISTED = re.compile(r"\A(\d{1,9})\.")


def explain(
    error: InputError,
    arguments: Mapping[str, Any],
    waiting: Sequence[str],
    *,
    fixed: Collection[str] = (),
) -> None:
    """Show an error, a button for each remedy that a widget can apply, and the waiting panels.

    ``arguments`` are those of the ``Conv2dSpec`` that does not fit; a remedy changes some of them,
    but for those that are ``fixed``, because the weights decide them.
    """
    with st.container(border=True):
        st.error(as_text(error.what), icon=":material/rule:")
        # Weights that decide anything decide how many filters there are.
        decided = {*fixed, FILTERS} if fixed else set()
        remedies = [each for each in error.remedies if not decided & set(each.changes)]
        buttons, advice = _sorted_remedies(remedies, arguments)
        if buttons:
            st.caption("Each of these alone mends it:")
        with st.container(horizontal=True):
            for number, (remedy, state) in enumerate(buttons):
                st.button(
                    as_text(remedy.label),
                    key=f"remedy-{number}",
                    on_click=parameters.apply,
                    args=(state,),
                )
        for remedy in advice:
            st.markdown(as_text(remedy.label.rstrip(".") + "."))
    for panel in waiting:
        st.info(f"{panel}: waits until the parameters fit.", icon=":material/hourglass_empty:")


def _sorted_remedies(
    remedies: Sequence[Remedy], arguments: Mapping[str, Any]
) -> tuple[list[tuple[Remedy, dict[str, Any]]], list[Remedy]]:
    """Remedies that widgets can apply, with the state that does so, and those that are advice."""
    buttons, advice = [], []
    for remedy in remedies:
        if remedy.changes and arguments:
            changes = dict(remedy.changes)
            filters = {"filters": changes.pop(FILTERS)} if FILTERS in changes else {}
            state = parameters.state_of(Conv2dSpec(**{**arguments, **changes}))
            buttons.append((remedy, state | filters))
        else:
            advice.append(remedy)
    return buttons, advice


def as_text(sentence: str) -> str:
    r"""Words that someone else may have chosen, so that they are read as they stand, on one line.

    Every text that is not ours, and every sentence that may hold one, goes through here on its way
    to whatever takes Markdown: a name must neither look like a part of the page nor ask another
    host for a picture. Nothing stays clickable: a link is made after backslashes are gone, so what
    begins an address, an e-mail address or an icon's name is parted by a sign without width.
    A longer text than anyone reads is cut, and its length said.

    >>> as_text("layer *1*")
    'layer \\*1\\*'
    >>> as_text("a\n\n# b") == r"a \# b"
    True
    """
    if len(sentence) > LONGEST_SHOWN:
        sentence = f"{sentence[:LONGEST_SHOWN]}… ({len(sentence):,} characters)"
    one_line = " ".join(sentence.translate(_UNSEEN).split())
    parted = _BEGINS_LINK.sub(f"\\g<0>{_PARTED}", one_line)
    return _LISTED.sub(r"\1\\.", parted.translate(_ESCAPED))


def as_code(text: str) -> str:
    """A text in the type of code, whatever it holds: fenced by more backticks than stand in it.

    >>> as_code("torch.cdist"), as_code("a`b")
    ('`torch.cdist`', '``a`b``')
    """
    one_line = " ".join(text.split())
    longest = max(map(len, re.findall("`+", one_line)), default=0)
    fence = "`" * (longest + 1)
    room = " " if one_line.startswith("`") or one_line.endswith("`") else ""
    return f"{fence}{room}{one_line}{room}{fence}"
