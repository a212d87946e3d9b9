"""Any address at all opens a page with a picture or a sentence: hundreds of them, from seeds."""

import random
from functools import cache
from typing import Any

import pytest
from opened import PAGES, OpenedPage
from random_sets import how_many

from rfviz.conv.spec.padding_modes import PADDING_MODES
from rfviz.io.kernels.catalogue import KERNELS
from rfviz.io.pictures.samples import SAMPLES
from rfviz.ui.run import jobs
from rfviz.ui.sidebar.convolution import PADDING_KINDS
from rfviz.ui.sidebar.named_weights import ACROSS, DIVISORS, DTYPES
from rfviz.ui.sidebar.picture import SOURCES
from rfviz.ui.sidebar.settings import WEIGHT_SOURCES

N_CHUNKS = 20
N_IN_A_CHUNK = how_many(5, 25)

OPTIONS: dict[str, list[str]] = {
    "source": list(SOURCES),
    "sample": [
        sample.name for sample in SAMPLES for _ in range(1 if sample.name == "scene" else 5)
    ],
    "padding_kind": list(PADDING_KINDS),
    "padding_mode": list(PADDING_MODES),
    "weights": [kernel.name for kernel in KERNELS],
    "weights_source": ["Named"] * 6 + list(WEIGHT_SOURCES),
    "hand": ["1 0 -1", "1, 2; 3, 4", "[[1, 2], [3]]"],
    "hand_scope": ["This filter"],
    "across": list(ACROSS),
    "dtype": list(DTYPES),
    "values": list(DIVISORS),
    **{key: ["true", "false"] for key in ("grey", "hide", "region", "separate", "with_bias")},
}
NUMBERS: dict[str, tuple[int, int]] = {
    "region_top": (0, 40), "region_left": (0, 40), "region_height": (1, 300),
    "region_width": (1, 300), "reduce": (1, 64), "groups": (1, 64), "filters": (1, 64),
    "seed": (0, 2**31 - 1), "bias": (-(10**6), 10**6), "row": (0, 3000), "column": (0, 3000),
    "filter": (0, 70),
    "hand_filter": (0, 64), "hand_factor": (-(10**6), 10**6), "window": (8, 1200),
    "product_window": (8, 600), "pixel_row": (0, 3000),
    "pixel_column": (0, 3000),
    **{f"{name}{axis}": reach for axis in ("", "_height", "_width") for name, reach in
       (("kernel", (1, 16)), ("stride", (1, 16)), ("padding", (0, 16)), ("dilation", (1, 8)))},
    **dict.fromkeys(("pad_top", "pad_bottom", "pad_left", "pad_right"), (0, 4096)),
}  # fmt: skip
NONSENSE = (
    "", " ", "0", "-1", "-0", "00003", "3.0", "3.7", "1e3", "1e309", "-1e309", "NaN", "nan", "inf",
    "-inf", "Infinity", "2147483648", "-2147483649", "9" * 400, "0x10", "0b1", "1_000", "１２", "½",
    "three", "None", "null", "undefined", "True", "FALSE", "yes", "[]", "[3, 3]", "{}", "(3, 5)",
    "3,5", "3;5", "<script>alert(1)</script>", "'; DROP TABLE pictures; --", "../../etc/passwd",
    "%00", "\x00", "\x1b[31m", "\u202e3", "\u200b3", "🙂", "ﬀ", "́", "A" * 9000, "a=b&c=d", "?", "#",
    "${7*7}", "{{7*7}}", "`3`", "**3**", "\n", "3\n", "\t3", "glyph ", "GLYPH", "sobel-x\x00",
)  # fmt: skip
STRANGE_KEYS = (
    "Kernel", "kernel ", "kernel[]", "controls", "jobs", "results", "upload", "camera", "picked",
    "remedy-0", "explorer", "panel-input", "copies", "__proto__", "embed", "embed_options", "\x00",
    "🙂", "a" * 3000, "",
)  # fmt: skip


def value_of(key: str, dice: random.Random) -> str:
    if dice.random() < 0.45:
        return dice.choice(NONSENSE)
    if key in OPTIONS:
        return dice.choice(OPTIONS[key])
    least, most = NUMBERS.get(key, (-5, 5))
    return str(dice.choice((least, most, least - 1, most + 1, dice.randint(least, most))))


def random_address(dice: random.Random) -> dict[str, str | list[str]]:
    """A few keys, most of them the app's own, some of them given twice."""
    keys = dice.sample([*OPTIONS, *NUMBERS], dice.randint(1, 12))
    keys += dice.sample(STRANGE_KEYS, dice.choice((0, 0, 1, 2)))
    address: dict[str, str | list[str]] = {}
    for key in keys:
        times = dice.choice((1, 1, 1, 1, 2, 5))
        values = [value_of(key, dice) for _ in range(times)]
        address[key] = values if times > 1 else values[0]
    return address


@pytest.fixture(autouse=True)
def _one_step_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop work that takes longer than one step, as a person may: exactness is tested elsewhere."""

    def step_once(job: jobs.Job[Any], _seconds: float) -> None:
        try:
            job.fraction = next(job.steps)
            job.stopped = True
        except StopIteration as end:
            job.result = end.value

    monkeypatch.setattr(jobs, "_step_for", step_once)


@pytest.mark.parametrize("chunk", range(N_CHUNKS))
def test_any_address_gives_a_picture_or_a_sentence(
    chunk: int, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(f"addresses {chunk}")  # noqa: S311 - makes nonsense, keeps no secret
    for nth in range(N_IN_A_CHUNK):
        address = random_address(dice)
        page = OpenedPage(PAGES[(chunk + nth) % len(PAGES)], address)
        page.check_answers()
        assert [each for each in caplog.records if each.levelname in {"ERROR", "CRITICAL"}] == []


@pytest.mark.parametrize("page", PAGES)
def test_each_nonsense_in_every_key_at_once(page: str) -> None:
    """What no widget can take is dropped: the page is the one without an address."""
    unasked = OpenedPage(page).bound_widgets()
    for value in ("<script>alert(1)</script>", "A" * 9000, "{}", "\x00", "🙂", "[3, 3]"):
        found = OpenedPage(page, dict.fromkeys([*OPTIONS, *NUMBERS], value))
        found.check_answers()
        assert found.errors == []
        assert found.bound_widgets() == unasked


@cache
def usual() -> dict[str, Any]:
    """The widgets of a page without an address."""
    return OpenedPage("column_matrix").bound_widgets()


@pytest.mark.parametrize("key", [*OPTIONS, "window", "kernel", "row"])
@pytest.mark.parametrize("value", ["", ["", ""]])
def test_empty_value_is_no_choice(key: str, value: Any) -> None:
    page = OpenedPage("column_matrix", {key: value})
    page.check_answers()
    assert page.errors == []
    assert page.bound_widgets() == usual()


@pytest.mark.parametrize("value", ["9" * 400, "1e309", "inf", "-inf", "nan"])
def test_numbers_beyond_all_numbers(value: str) -> None:
    """In all fields at once, and in each alone where one stands for all of its kind."""
    shown = {"separate": "true", "region": "true", "padding_kind": "per side",
             "with_bias": "true", "weights": "random"}  # fmt: skip
    for page in PAGES:
        for keys in (list(NUMBERS), ["kernel", "stride"], ["row"], ["bias"], ["pad_top"]):
            found = OpenedPage(page, shown | dict.fromkeys(keys, value))
            assert [each.value for each in found.at.exception] == []
            assert found.panels or found.errors


def test_every_key_of_the_app_is_tried() -> None:
    known: set[str] = set()
    for page in PAGES:
        for separate in ("true", "false"):
            opened = OpenedPage(page, {
                "separate": separate, "region": "true", "region_height": "9", "region_width": "9",
                "with_bias": "true", "weights": "random", "padding_kind": "amount",
            })  # fmt: skip
            known |= opened.bound_widgets().keys()
        known |= OpenedPage(page, {"padding_kind": "per side"}).bound_widgets().keys()
    assert known <= OPTIONS.keys() | NUMBERS.keys()
    assert len(known) > 30
