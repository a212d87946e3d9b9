"""Colours, numbers as text, and the layout that every figure starts from."""

import pytest
import torch

from rfviz import figures
from rfviz.conv.errors import InputError
from rfviz.conv.wording import by, channel_name, number
from rfviz.figures.style import (
    ACCENT,
    CHANNEL_COLOURS,
    COUNTS,
    DIVERGING,
    NEVER_READ,
    base_layout,
    cell_text,
    channel_colour,
    channel_pattern,
    fitting_text,
    not_finite_note,
    plottable,
    short_channel,
    shows_text,
    symmetric_limit,
)


def _lightness(colour: str) -> float:
    """Return CIE L* (0 to 100) of an sRGB colour."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return float(116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y)


def test_diverging_arms_are_equally_light_and_meet_in_the_middle() -> None:
    stops, colours = zip(*DIVERGING, strict=True)
    light = [_lightness(colour) for colour in colours]
    assert stops == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert light[0] < light[1] < light[2] > light[3] > light[4]
    assert abs(light[0] - light[4]) < 3
    assert abs(light[1] - light[3]) < 3


def test_counts_darken_steadily() -> None:
    light = [_lightness(colour) for _, colour in COUNTS]
    assert light == sorted(light, reverse=True)


def test_the_accent_belongs_to_the_chosen_position_alone() -> None:
    others = {*CHANNEL_COLOURS.values(), NEVER_READ, *(colour for _, colour in DIVERGING + COUNTS)}
    assert ACCENT not in others


def test_the_three_colours_of_a_picture_differ_in_pattern_too() -> None:
    names = [channel_name(channel, 3) for channel in range(3)]
    assert len({channel_colour(name, i) for i, name in enumerate(names)}) == 3
    assert len({channel_pattern(name, i) for i, name in enumerate(names)}) == 3


@pytest.mark.parametrize(
    ("channel", "n_channels", "name", "short"),
    [
        (1, 3, "green", "G"),
        (0, 1, "grey", ""),
        (1, 2, "channel 1", "c1"),
        (7, 64, "channel 7", "c7"),
    ],
)
def test_channel_names(channel: int, n_channels: int, name: str, short: str) -> None:
    assert channel_name(channel, n_channels) == name
    assert short_channel(name) == short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (255.0, "255"),
        (-201.0, "−201"),
        (0.125, "0.125"),
        (0.06251, "0.0625"),
        (1234.5, "1234"),
        (-12.345, "−12.3"),
        (1.5e-5, "1.5e−5"),
        (3.2e8, "3.2e8"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_as_text(value: float, text: str) -> None:
    assert number(value) == text


def test_a_number_that_rounds_to_zero_has_no_minus_sign_alone() -> None:
    assert cell_text(torch.tensor([[-1e-30, -0.0]])) == [["−1e−30", "0"]]


def test_text_is_shown_from_30_pixels_a_cell() -> None:
    assert [n for n in range(1, 30) if shows_text(n)] == list(range(1, 12))
    assert shows_text(23, panel_width=700)
    assert not shows_text(24, panel_width=700)


def test_fitting_text_takes_fewer_digits_before_none() -> None:
    weights = torch.tensor([[-0.1234, 1.0]])
    assert fitting_text(weights, 6) == [["−0.123", "1"]]
    assert fitting_text(weights, 9) == [["−0.12", "1"]]
    assert fitting_text(weights, 11) is None
    assert fitting_text(torch.zeros(28, 2), 2) is None


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ([0.0, 0.0], 1.0),
        ([-4.0, 3.0], 4.0),
        ([float("nan"), 2.0], 2.0),
        ([float("-inf"), 0.5], 0.5),
    ],
)
def test_symmetric_limit(values: list[float], limit: float) -> None:
    assert symmetric_limit(torch.tensor(values)) == limit


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool]
)
def test_all_but_bytes_become_float32(dtype: torch.dtype) -> None:
    values = plottable(torch.ones(2, 3, dtype=dtype), "values", 2)
    torch.testing.assert_close(values, torch.ones(2, 3))
    assert plottable(torch.ones(2, 3, dtype=torch.uint8), "values", 2).dtype == torch.uint8


def test_values_that_need_a_gradient_can_be_drawn() -> None:
    assert not plottable(torch.ones(1, 1, requires_grad=True), "values", 2).requires_grad


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3), (0, 4)])
def test_wrong_shapes_are_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"window must have 2 dimensions .* got shape"):
        plottable(torch.zeros(shape), "window", 2)


def test_blank_cells_are_counted() -> None:
    assert not_finite_note(torch.zeros(3)) == ""
    values = torch.tensor([float("nan"), float("inf"), 0.0])
    assert not_finite_note(values) == ", 2 values not finite (blank)"


def test_sizes_in_words() -> None:
    assert (by((3000, 4000)), by((7.984, 8.0))) == ("3000 × 4000", "7.98 × 8")


def test_layout_is_transparent_and_leaves_the_theme_to_the_page() -> None:
    layout = base_layout("Feature map", name="feature_map", alt="A map.")
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert "color" not in layout["font"]
    assert layout["meta"] == {"name": "feature_map", "alt": "A map."}


def test_long_titles_wrap_get_room_and_keep_sizes_whole() -> None:
    title = "Picture of a very long name that goes on and, 3000 × 4000 pixels"
    layout = base_layout(title, name="picture", alt="")
    lines = layout["title"]["text"].split("<br>")
    assert lines == ["Picture of a very long name that goes on and,", "3000 × 4000 pixels"]
    one = base_layout("Short", name="picture", alt="")
    assert layout["margin"]["t"] - one["margin"]["t"] == 17


def test_titles_are_text_not_markup() -> None:
    text = base_layout("<a href='x'>a & b</a>", name="picture", alt="")["title"]["text"]
    assert text == "&lt;a href='x'&gt;a &amp; b&lt;/a&gt;"


def test_package_says_what_it_is() -> None:
    assert "Figure" in str(figures.__doc__)
