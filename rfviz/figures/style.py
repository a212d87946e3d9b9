"""The look every figure shares: colours, names of channels, text in cells, layout.

The page around a figure owns what depends on its theme (the colours of text, grid and zero lines)
and draws every highlight on a canvas above it. So figures are transparent and hold neither.
"""

import html
import textwrap
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from plotly.colors import get_colorscale

from rfviz.conv.errors import InputError
from rfviz.conv.wording import number

ACCENT = "#D6006C"  # magenta, for the chosen position and nothing else

# Okabe & Ito, "Color universal design", 2008: distinct under every form of colour blindness.
CHANNEL_COLOURS: Mapping[str, str] = MappingProxyType(
    {"red": "#D55E00", "green": "#009E73", "blue": "#0072B2", "grey": "#7F7F7F"}
)
CHANNEL_PATTERNS: Mapping[str, str] = MappingProxyType(
    {"red": "", "green": "/", "blue": ".", "grey": ""}
)
OTHER_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00")

SEQUENTIAL = "Cividis"
GREYS: tuple[tuple[float, str], ...] = ((0.0, "rgb(0,0,0)"), (1.0, "rgb(255,255,255)"))
COUNTS: tuple[tuple[float, str], ...] = (
    (0.0, "#DCEAF6"),
    (0.35, "#8DBBDF"),
    (0.7, "#2F7EBC"),
    (1.0, "#08306B"),
)
NEVER_READ = "#E69F00"
# Both arms are equally light at equal distance from zero, so that the sign alone chooses the hue.
DIVERGING: tuple[tuple[float, str], ...] = (
    (0.0, "#0B4F94"),
    (0.25, "#6BAAD9"),
    (0.5, "#F7F7F5"),
    (0.75, "#E3954A"),
    (1.0, "#8A4000"),
)
FRAME = "#8A8A8A"  # the edge of a plot: legible on white and on black

PANEL_WIDTH = 340  # pixels: the narrowest panel a figure is drawn in
READABLE_CELL = 30  # pixels: the smallest cell that holds three digits and a sign
CHARACTER = 7  # pixels of a cell for each character of the text in it, margins included
MOST_TEXT_ROWS = 27  # rows of numbers below each other: an RGB receptive field of 3 × 3
UNBROKEN_TIMES = "\u00a0×\u00a0"  # keeps a size on one line of a title
TITLE_CHARACTERS = 46  # of a 13-pixel title, in a panel of PANEL_WIDTH


def sequential_stops() -> tuple[tuple[float, str], ...]:
    """Return the (place, colour) stops of SEQUENTIAL, for those who draw without plotly.

    >>> sequential_stops()[0]
    (0.0, '#00224e')
    """
    stops = get_colorscale(SEQUENTIAL)
    return tuple((float(place), str(colour)) for place, colour in stops)


def short_channel(name: str) -> str:
    """Return a channel's name for a tick label; empty for the one channel of a grey picture.

    >>> short_channel("red"), short_channel("channel 7"), short_channel("grey")
    ('R', 'c7', '')
    """
    if name == "grey":
        return ""
    return name[0].upper() if name in CHANNEL_COLOURS else name.replace("channel ", "c")


def channel_colour(name: str, index: int) -> str:
    """Return the colour of a channel, from a cycle where its name is not a colour.

    >>> channel_colour("blue", 2)
    '#0072B2'
    """
    return CHANNEL_COLOURS.get(name, OTHER_COLOURS[index % len(OTHER_COLOURS)])


def channel_pattern(name: str, index: int) -> str:
    """Return the pattern that tells a channel apart where colours cannot be told apart.

    >>> channel_pattern("green", 1)
    '/'
    """
    return CHANNEL_PATTERNS.get(name, ("", "/", ".", "x")[index % 4])


def cell_text(values: torch.Tensor, digits: int = 3) -> list[list[str]]:
    """Return the numbers of an (h, w) tensor as text for its cells, by `number`.

    >>> cell_text(torch.tensor([[1.0, -0.5]]))
    [['1', '−0.5']]
    """
    return [[number(value, digits) for value in row] for row in values.tolist()]


def shows_text(n_cells: int, panel_width: int = PANEL_WIDTH) -> bool:
    """Return whether `n_cells` across a panel of so many pixels leave room for numbers.

    >>> shows_text(11), shows_text(12)
    (True, False)
    """
    return panel_width / n_cells >= READABLE_CELL


def fitting_text(
    values: torch.Tensor, n_cells: int, panel_width: int = PANEL_WIDTH
) -> list[list[str]] | None:
    """Return text for the cells of an (h, w) tensor, of 3 digits or 2, or None where none fits.

    >>> fitting_text(torch.tensor([[-0.0276]]), 8)
    [['−0.028']]
    >>> fitting_text(torch.tensor([[-0.0276]]), 12) is None
    True
    """
    if not shows_text(n_cells, panel_width) or len(values) > MOST_TEXT_ROWS:
        return None
    room = panel_width / n_cells / CHARACTER
    for digits in (3, 2):
        text = cell_text(values, digits)
        if max(len(cell) for row in text for cell in row) <= room:
            return text
    return None


def symmetric_limit(values: torch.Tensor) -> float:
    """Return the largest finite magnitude, for a range with zero in the middle; 1 if there is none.

    >>> symmetric_limit(torch.tensor([-3.0, 2.0])), symmetric_limit(torch.zeros(2))
    (3.0, 1.0)
    """
    finite = values.detach().double().nan_to_num(0.0, 0.0, 0.0).abs()
    return float(finite.max()) or 1.0 if finite.numel() else 1.0


def plottable(values: torch.Tensor, name: str, dims: int) -> torch.Tensor:
    """Return the values as plotly sends them in binary: uint8 as it is, all else as float32.

    Raises `InputError` for a tensor that is empty or has another number of dimensions.

    >>> plottable(torch.ones(2, 2, dtype=torch.bfloat16), "values", 2).dtype
    torch.float32
    """
    if values.ndim != dims or not values.numel():
        raise InputError(
            f"{name} must have {dims} dimensions and at least one value, "
            f"got shape {tuple(values.shape)}.",
            remedy="Give one picture or matrix at a time",
        )
    plain = values.detach().cpu()
    return plain if plain.dtype == torch.uint8 else plain.to(torch.float32)


def not_finite_note(values: torch.Tensor) -> str:
    """Return a clause for the title that counts blank cells, or nothing where all are finite.

    >>> not_finite_note(torch.tensor([1.0, float("nan")]))
    ', 1 value not finite (blank)'
    """
    n = int((~values.isfinite()).sum())
    return f", {n:,} value{'s' * (n > 1)} not finite (blank)" if n else ""


def plain(text: str) -> str:
    """Return words that someone else may have chosen, so that plotly shows them as they stand.

    Plotly reads tags in every text, links among them, formulas between dollar signs, and `%{...}`
    in templates; it turns entities back into signs last.

    >>> plain('<a href="//host">conv</a> $x$ %{y}')
    '&lt;a href="//host"&gt;conv&lt;/a&gt; &#36;x&#36; %&#123;y}'
    """
    escaped = html.escape(text, quote=False)
    return " ".join(escaped.replace("$", "&#36;").replace("{", "&#123;").splitlines())


def wrapped_title(title: str, characters: int) -> list[str]:
    """Return a title in lines of so many characters where words allow it, as plotly's markup.

    A size such as 28 × 28 stays on one line. The browser breaks it alike for its own width:
    `wrapTitle` in rfviz/explorer/js/draw/fitting.js.

    >>> wrapped_title("Feature map, 28 × 28, of <b>", 14)
    ['Feature map,', '28 × 28, of', '&lt;b&gt;']
    """
    unbroken = title.replace(" × ", UNBROKEN_TIMES)
    wrapped = textwrap.wrap(unbroken, characters, break_long_words=False, break_on_hyphens=False)
    return [plain(line.replace(UNBROKEN_TIMES, " × ")) for line in wrapped]


def base_layout(title: str, *, name: str, alt: str, above: int = 0) -> dict[str, Any]:
    """Return the layout every figure starts from: title, margins, `meta` for the page around it.

    `above` is room in pixels for axis titles between the title and the plot.

    >>> base_layout("Feature map", name="feature_map", alt="A map.")["meta"]["name"]
    'feature_map'
    """
    lines = wrapped_title(title, TITLE_CHARACTERS)
    return {
        # An empty template: plotly's own would set the colours that the page owns.
        "template": {"data": {"scatter": [{"type": "scatter"}]}},
        "title": {
            "text": "<br>".join(lines),
            "font": {"size": 13},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"l": 8, "t": 10},
        },
        "font": {"size": 11},
        "margin": {"l": 48, "r": 8, "t": 36 + 17 * (len(lines) - 1) + above, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "meta": {"name": name, "alt": alt},
    }
