"""Panels and their conductor as Streamlit components.

``st.plotly_chart`` takes a chart down and builds it anew whenever its data change, and reports no
click on a heatmap or image. A panel here is one element for as long as its page is open: new data
go through ``Plotly.react``, highlights are drawn over it, clicks and arrow keys come back through
the conductor.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from rfviz.conv.spec.padding_modes import Pair
from rfviz.explorer.routes import PLOTLY, PREFIX
from rfviz.explorer.scene import (
    Awaited,
    Filters,
    Kind,
    Layout,
    Mark,
    Position,
    Scene,
    as_json_number,
    conductor_data,
    panel_bytes,
)


def loader(export: str) -> str:
    """Return a component's script: it fetches explorer.js once and hands every call on to it.

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
const explorer = import(new URL("js/explorer.js", base).href);
export default function (component) {{
  let remove = null;
  let gone = false;
  explorer.then((module) => {{ if (!gone) remove = module.{export}(component); }});
  return () => {{ gone = true; remove?.(); }};
}}
"""


_panel = st.components.v2.component("rfviz.panel", js=loader("panel"), isolate_styles=False)
_conductor = st.components.v2.component(
    "rfviz.conductor", js=loader("conductor"), isolate_styles=False
)


_bank = st.components.v2.component("rfviz.bank", js=loader("bank"), isolate_styles=False)


def keep_bank(weights: Mapping[Pair, Sequence[float]], filters: Filters | None = None) -> None:
    """Give the browser the chosen filter at other kernel sizes, for previews, and those shown.

    A component of its own: while it is unchanged, Streamlit sends a reference in its place.
    """
    data: dict[str, Any] = {
        f"{height}x{width}": [as_json_number(weight) for weight in each]
        for (height, width), each in weights.items()
    }
    if filters is not None:
        data["filters"] = filters.as_json()
    _bank(key="bank", data=data, height=1)


def show_panel(
    figure: go.Figure,
    *,
    name: str,
    height: int,
    kind: Kind | None = None,
    size: tuple[int, int] | None = None,
    revision: str | None = None,
    on_cell: Callable[[int, int], None] | None = None,
    hidden: str = "",
    on_reveal: Callable[[], None] | None = None,
) -> None:
    """Show a figure as the panel of this name, at most ``height`` pixels high.

    ``size`` is the (rows, columns) of a map with square cells: where the panel is narrow it is only
    as high as the map then needs.
    ``kind`` says what its coordinates are; a panel without one is linked to nothing. ``revision``
    is needed only for a panel that :func:`conduct` announces. ``on_cell`` is told the row and
    column of a click on the panel, in its coordinates and rounded; it needs no ``kind``. With
    ``hidden``, a sentence, the figure does not reach the browser: the sentence stands in its place,
    with a button that calls ``on_reveal``.
    """
    if hidden:
        bare = {"visible": False}
        clear = dict.fromkeys(("paper_bgcolor", "plot_bgcolor"), "rgba(0,0,0,0)")
        meta = {"alt": hidden}
        figure = go.Figure(layout={"meta": meta, "xaxis": bare, "yaxis": bare, **clear})
        # Nothing is awaited in its place.
        revision = None
    more: dict[str, Any] = {}
    key = f"panel-{name}"
    listeners: dict[str, Any] = {}
    if hidden and on_reveal is not None:
        more["reveals"] = True
        listeners["on_reveal_change"] = on_reveal
    if on_cell is not None and not hidden:

        def clicked() -> None:
            tell(on_cell, st.session_state[key].cell)

        more["choosesCells"] = True
        listeners["on_cell_change"] = clicked
    data = panel_bytes(
        figure, name=name, height=height, plotly=PLOTLY, kind=kind, size=size, revision=revision,
        hidden=hidden, more=more,
    )  # fmt: skip
    _panel(key=key, data=data, **listeners)


def tell(listener: Callable[[int, int], None] | None, event: Mapping[str, int] | None) -> None:
    """Tell a page's listener the row and column of an event, if there was one."""
    if listener is not None and event:
        listener(int(event["row"]), int(event["column"]))


def conduct(
    position: Position,
    scene: Scene,
    layout: Layout,
    *,
    on_move: Callable[[int, int], None],
    on_pixel: Callable[[int, int], None] | None = None,
    marks: Mapping[str, Sequence[Mark]] | None = None,
    awaited: Mapping[str, Awaited] | None = None,
    hidden: str = "",
    walks: bool = False,
    key: str = "explorer",
) -> None:
    """Show the explorer: the position's controls, and the panels in this layout, linked.

    The panels' figures come from :func:`show_panel`, each when it is ready; one that the layout
    does not name is linked too, and stays where it is called.

    ``on_move`` is told the output that a person chooses; with ``on_pixel`` a click on a pixel
    chooses that, instead of the output whose receptive field is centred on it. ``marks`` are
    highlights that do not move with the position, by panel. With ``hidden``, a sentence, no value
    and no output size is said. With ``walks`` it steps by itself until a person does anything.
    Mount it before the panels: a panel listed in ``awaited`` is veiled, with the message, from this
    moment until it shows the awaited revision, so that nothing stale is ever read as new.
    """

    def moved() -> None:
        tell(on_move, st.session_state[key].move)

    def pixel_chosen() -> None:
        tell(on_pixel, st.session_state[key].pixel)

    data = conductor_data(
        position, scene, layout, chooses_pixels=on_pixel is not None, marks=marks, awaited=awaited,
        hidden=hidden, walks=walks,
    )  # fmt: skip
    _conductor(key=key, data=data, on_move_change=moved, on_pixel_change=pixel_chosen)
