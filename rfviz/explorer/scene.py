"""What the explorer is told, as bytes and JSON, wherever it is: in the app or in a notebook.

Nothing here knows Streamlit; the app's components and the page that stands alone send the same.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.explorer.payload import encode
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
    divisor: float
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


def padding_marks(spec: Conv2dSpec, input_size: Pair) -> list[Mark]:
    """The padding as a hatched frame around the picture; none where there is none.

    >>> padding_marks(Conv2dSpec(3, padding=1), (4, 5))[0].boxes
    [(-1.5, -1.5, 5.5, 4.5)]
    """
    (top, bottom), (left, right) = spec.pads
    if not any((top, bottom, left, right)):
        return []
    height, width = input_size
    outer = (-left - 0.5, -top - 0.5, width + right - 0.5, height + bottom - 0.5)
    inner = (-0.5, -0.5, width - 0.5, height - 0.5)
    return [Mark("padding", [outer], kind="frame", inner=inner)]


def panel_bytes(
    figure: go.Figure,
    *,
    name: str,
    height: int,
    plotly: str,
    kind: Kind | None = None,
    size: tuple[int, int] | None = None,
    revision: str | None = None,
    hidden: str = "",
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """A figure as the panel of this name; see ``show_panel``.

    ``plotly`` is the address of plotly.js; ``more`` goes into the header as it is.
    """
    header: dict[str, Any] = {
        "hidden": hidden,
        "name": name,
        "height": height,
        "alt": figure.layout.meta["alt"],
        "kind": kind,
        "aspect": None if size is None else size[0] / size[1],
        "plotly": plotly,
        "accent": ACCENT,
        **(more or {}),
    }
    if revision is not None:
        header["revision"] = revision
    return encode(header, figure)


def _layout_as_json(layout: Layout) -> list[list[dict[str, Any]]] | str:
    if isinstance(layout, str):
        return layout
    return [[asdict(stack) for stack in stacks] for stacks in layout]


def conductor_data(
    position: Position,
    scene: Scene,
    layout: Layout,
    *,
    chooses_pixels: bool = False,
    marks: Mapping[str, Sequence[Mark]] | None = None,
    awaited: Mapping[str, Awaited] | None = None,
    hidden: str = "",
    walks: bool = False,
) -> dict[str, Any]:
    """The explorer's data under the names that the scripts use; see ``conduct``."""
    return {
        "position": [position.row, position.column],
        "scene": scene.as_json(),
        "layout": _layout_as_json(layout),
        "choosesPixels": chooses_pixels,
        "value": as_json_number(math.nan if hidden else position.value),
        "sentence": hidden or position.sentence,
        "hidden": hidden,
        "walks": walks,
        "marks": {name: [asdict(mark) for mark in each] for name, each in (marks or {}).items()},
        "expected": {name: asdict(each) for name, each in (awaited or {}).items()},
    }
