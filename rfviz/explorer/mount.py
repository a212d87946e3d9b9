"""Panels and their conductor as Streamlit components.

``st.plotly_chart`` takes a chart down and builds it anew whenever its data change, and reports no
click on a heatmap or image. A panel here is one element for as long as its page is open: new data
go through ``Plotly.react``, highlights are drawn over it, clicks and arrow keys come back through
the conductor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from rfviz.explorer.payload import encode
from rfviz.explorer.routes import PLOTLY, PREFIX
from rfviz.figures.style import ACCENT

Box = tuple[float, float, float, float]
Role = Literal["chosen", "field", "taps", "copies", "window", "read", "padding"]


@dataclass(frozen=True)
class Mark:
    """A highlight: boxes (left, top, right, bottom) in a panel's data coordinates."""

    role: Role
    boxes: Sequence[Box]
    kind: Literal["box", "frame"] = "box"
    inner: Box | None = None
    subplot: str = "xy"


@dataclass(frozen=True)
class Position:
    """The chosen output, how many there are, its value and a sentence that says so."""

    row: int
    column: int
    output_size: tuple[int, int]
    value: float
    sentence: str


@dataclass(frozen=True)
class Awaited:
    """What a panel will show in this run, and what it says until then."""

    revision: str
    message: str


@dataclass(frozen=True)
class Click:
    """A click in a panel, in the data coordinates of one of its subplots."""

    panel: str
    subplot: str
    x: float
    y: float

    @property
    def row(self) -> int:
        """The row of the cell under the pointer; cell n covers n - 0.5 to n + 0.5."""
        return round(self.y)

    @property
    def column(self) -> int:
        """The column of the cell under the pointer."""
        return round(self.x)


@dataclass(frozen=True)
class Listeners:
    """What the page does when a person clicks in a panel or moves the position."""

    on_click: Callable[[Click], None]
    on_move: Callable[[int, int], None]
    panels: Sequence[str] = field(default_factory=tuple)


def _loader(export: str) -> str:
    """The component's script: fetches explorer.js once and hands every call on to it.

    An inline script travels with every changed payload, so it is this short; and it runs from a
    ``blob:`` address, so the module's own address is made from the page's.
    """
    return f"""
const base = new URL("{PREFIX}/", document.baseURI);
const style = new URL("explorer.css", base).href;
if (!document.querySelector(`link[href="${{style}}"]`)) {{
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = style;
  document.head.append(link);
}}
const explorer = import(new URL("explorer.js", base).href);
export default function (component) {{
  let remove = null;
  let gone = false;
  explorer.then((module) => {{ if (!gone) remove = module.{export}(component); }});
  return () => {{ gone = true; remove?.(); }};
}}
"""


_panel = st.components.v2.component("rfviz.panel", js=_loader("panel"), isolate_styles=False)
_conductor = st.components.v2.component(
    "rfviz.conductor", js=_loader("conductor"), isolate_styles=False
)


def show_panel(
    figure: go.Figure,
    *,
    name: str,
    height: int,
    clickable: bool = False,
    marks: Sequence[Mark] = (),
    revision: str | None = None,
) -> None:
    """Show a figure as the panel of this name, ``height`` pixels high.

    ``marks`` are highlights that belong to the figure; those that move with the position come
    from :func:`conduct`. ``revision`` is needed only for a panel that :func:`conduct` announces.
    """
    header: dict[str, Any] = {
        "name": name,
        "height": height,
        "alt": figure.layout.meta["alt"],
        "clickable": clickable,
        "marks": [asdict(mark) for mark in marks],
        "plotly": PLOTLY,
        "accent": ACCENT,
    }
    if revision is not None:
        header["revision"] = revision
    _panel(key=f"panel-{name}", data=encode(header, figure), height=height)


def conduct(
    position: Position,
    marks: Mapping[str, Sequence[Mark]],
    listeners: Listeners,
    *,
    awaited: Mapping[str, Awaited] | None = None,
    key: str = "explorer",
) -> None:
    """Show the position's controls, draw the highlights of all panels and listen to them.

    Mount it before the panels: a panel listed in ``awaited`` is veiled, with the message, from
    this moment until it shows the awaited revision, so that nothing stale is ever read as new.
    """

    def clicked() -> None:
        event = st.session_state[key].click
        if event and event["panel"] in listeners.panels:
            listeners.on_click(Click(**event))

    def moved() -> None:
        event = st.session_state[key].move
        if event:
            listeners.on_move(int(event["row"]), int(event["column"]))

    data = {
        "position": [position.row, position.column],
        "outputSize": list(position.output_size),
        "value": position.value,
        "sentence": position.sentence,
        "marks": {name: [asdict(mark) for mark in each] for name, each in marks.items()},
        "expected": {name: asdict(each) for name, each in (awaited or {}).items()},
    }
    _conductor(key=key, data=data, on_click_change=clicked, on_move_change=moved)
