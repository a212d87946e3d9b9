"""Panels and their conductor as Streamlit components.

``st.plotly_chart`` takes a chart down and builds it anew whenever its data change, and reports no
click on a heatmap or image. A panel here is one element for as long as its page is open: new data
go through ``Plotly.react``, highlights are drawn over it, clicks and arrow keys come back through
the conductor.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.explorer.payload import encode
from rfviz.explorer.routes import PLOTLY, PREFIX
from rfviz.figures.style import ACCENT, DIVERGING, GREYS, channel_colour, sequential_stops

Box = tuple[float, float, float, float]
Role = Literal["chosen", "taps", "copies", "window", "read", "padding"]
Kind = Literal[
    "input", "output", "columns", "weights", "product", "patch", "vector", "fields", "growth"
]


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
    """The chosen output, its value as torch has it, and a sentence that says so."""

    row: int
    column: int
    value: float
    sentence: str


@dataclass(frozen=True)
class Awaited:
    """What a panel will show in this run, and what it says until then."""

    revision: str
    message: str


@dataclass(frozen=True)
class Stack:
    """Panels one below the other, by name; a panel that a page does not show takes no room."""

    names: tuple[str, ...]
    width: float = 1.0


Layout = Sequence[Sequence[Stack]] | Literal["stage"]
"""Rows of stacks side by side, with their relative widths; or the stage, all on one screen."""

STAGE: Layout = "stage"


@dataclass(frozen=True)
class Filters:
    """Some filters of the weights, for products in the browser: rows of (F, K), and their biases.

    ``first`` is the number of the first of them, ``per_group`` how many filters read one group.
    """

    first: int
    weights: Sequence[Sequence[float]]
    biases: Sequence[float]
    per_group: int

    def as_json(self) -> dict[str, Any]:
        """The filters under the names that the scripts use."""
        return {
            "first": self.first,
            "weights": [[as_json_number(weight) for weight in row] for row in self.weights],
            "biases": [as_json_number(bias) for bias in self.biases],
            "perGroup": self.per_group,
        }


def row(*names: str) -> tuple[Stack, ...]:
    """Panels side by side, all of one width."""
    return tuple(Stack((name,)) for name in names)


@dataclass(frozen=True)
class Scene:
    """All that the browser needs to work out any position by itself.

    ``weights`` are the chosen filter's, in the order of ``nn.Unfold``; ``channels`` those of its
    group, first and one past the last; ``white`` is the pixel value that is drawn white; ``token``
    names the picture for the server's pixel route, ``matrix_token`` its column matrix for the route
    of columns.
    """

    spec: Conv2dSpec
    input_size: Pair
    n_channels: int
    column_shape: Pair
    filter_index: int
    n_filters: int
    channels: range
    channel_names: Sequence[str]
    weights: Sequence[float]
    bias: float
    divisor: int
    white: float
    token: str
    matrix_token: str

    def as_json(self) -> dict[str, Any]:
        """The scene under the names that the scripts use."""
        spec = self.spec
        return {
            "spec": {
                "kernel": spec.kernel_size,
                "stride": spec.stride,
                "dilation": spec.dilation,
                "pads": spec.pads,
                "mode": spec.padding_mode,
                "inputSize": self.input_size,
                "channels": self.n_channels,
                "padding": spec.padding,
            },
            "filter": {
                "index": self.filter_index,
                "count": self.n_filters,
                "channels": [self.channels.start, self.channels.stop],
                "bias": as_json_number(self.bias),
            },
            "weights": [as_json_number(weight) for weight in self.weights],
            "columnShape": self.column_shape,
            "divisor": self.divisor,
            "white": self.white,
            "token": self.token,
            "matrixToken": self.matrix_token,
            "names": list(self.channel_names),
            "colours": [channel_colour(name, i) for i, name in enumerate(self.channel_names)],
            "scales": {"greys": GREYS, "diverging": DIVERGING, "sequential": sequential_stops()},
        }


def as_json_number(value: float) -> float | str:
    """A number as JSON can say it: what is not finite as text, which the scripts read as a number.

    Half precision overflows at 65,504, and JSON has no infinity.

    >>> as_json_number(0.5), as_json_number(float("-inf")), as_json_number(float("nan"))
    (0.5, '-Infinity', 'NaN')
    """
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


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
    header: dict[str, Any] = {
        "hidden": hidden,
        "name": name,
        "height": height,
        "alt": figure.layout.meta["alt"],
        "kind": kind,
        "aspect": None if size is None else size[0] / size[1],
        "plotly": PLOTLY,
        "accent": ACCENT,
    }
    if revision is not None:
        header["revision"] = revision
    key = f"panel-{name}"
    listeners: dict[str, Any] = {}
    if hidden and on_reveal is not None:
        header["reveals"] = True
        listeners["on_reveal_change"] = on_reveal
    if on_cell is not None and not hidden:

        def clicked() -> None:
            tell(on_cell, st.session_state[key].cell)

        header["choosesCells"] = True
        listeners["on_cell_change"] = clicked
    _panel(key=key, data=encode(header, figure), **listeners)


def tell(listener: Callable[[int, int], None] | None, event: Mapping[str, int] | None) -> None:
    """Tell a page's listener the row and column of an event, if there was one."""
    if listener is not None and event:
        listener(int(event["row"]), int(event["column"]))


def _layout_as_json(layout: Layout) -> list[list[dict[str, Any]]] | str:
    if isinstance(layout, str):
        return layout
    return [[asdict(stack) for stack in stacks] for stacks in layout]


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

    data = {
        "position": [position.row, position.column],
        "scene": scene.as_json(),
        "layout": _layout_as_json(layout),
        "choosesPixels": on_pixel is not None,
        "value": as_json_number(math.nan if hidden else position.value),
        "sentence": hidden or position.sentence,
        "hidden": hidden,
        "walks": walks,
        "marks": {name: [asdict(mark) for mark in each] for name, each in (marks or {}).items()},
        "expected": {name: asdict(each) for name, each in (awaited or {}).items()},
    }
    _conductor(key=key, data=data, on_move_change=moved, on_pixel_change=pixel_chosen)
