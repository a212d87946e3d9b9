"""Every setting that an address can carry: its name there, its page, and how a text says it.

A new widget that is bound to the address belongs in this table; a test compares the two.
"""

import math
import re
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from rfviz.conv.spec.padding_modes import PADDING_MODES
from rfviz.io.kernels.catalogue import KERNELS
from rfviz.io.pictures.samples import SAMPLES
from rfviz.ui.sidebar import convolution
from rfviz.ui.sidebar.named_weights import ACROSS, DIVISORS, DTYPES, MOST_FILTERS
from rfviz.ui.sidebar.picture import SOURCES

EVERY_PAGE = ""
WEIGHT_SOURCES = ("Named", "File", "By hand")
LARGEST_INDEX = 10**8
LONGEST_NUMBER = 40
LONGEST_TEXT = 2000


class Setting(NamedTuple):
    """One setting: its name, where ``*`` stands for any word, and the page that draws it.

    ``read`` takes it out of an address, None for what the widget could not hold; without it, the
    widget itself has to be drawn once. What is ``of_file`` says something of one weights file only.
    """

    name: str
    page: str = EVERY_PAGE
    read: Callable[[str], Any] | None = None
    of_file: bool = False

    def is_named(self, name: str) -> bool:
        """Whether the name is this setting's."""
        parts = map(re.escape, self.name.split("*"))
        return re.fullmatch(r"[\w-]+".join(parts), name) is not None


def whole(least: int, most: int) -> Callable[[str], int | None]:
    """Reads a whole number from ``least`` to ``most``."""

    def read(text: str) -> int | None:
        number = int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else None
        return number if number is not None and least <= number <= most else None

    return read


def real(least: float, most: float) -> Callable[[str], float | None]:
    """Reads a finite number from ``least`` to ``most``."""

    def read(text: str) -> float | None:
        try:
            number = float(text[:LONGEST_NUMBER])
        except ValueError:
            return None
        return number if math.isfinite(number) and least <= number <= most else None

    return read


def one_of(choices: Sequence[str]) -> Callable[[str], str | None]:
    """Reads one of the choices."""
    return lambda text: text if text in choices else None


def switch(text: str) -> bool | None:
    """Reads a switch: true or false."""
    return {"true": True, "false": False}.get(text.lower()[:LONGEST_NUMBER])


def words(text: str) -> str | None:
    """Reads a text that is short enough for an address."""
    return text if 0 < len(text) <= LONGEST_TEXT else None


OUTPUT_SHAPE = (
    "kind", "padding_kind", "height", "width", "kernel_height", "kernel_width", "stride_height",
    "stride_width", "pool_stride_height", "padding_height", "padding_width", "dilation_height",
    "dilation_width", "output_padding_height", "output_padding_width", "pad_top", "pad_bottom",
    "pad_left", "pad_right", "in", "out", "groups", "mode", "bias", "ceil", "goal", "wanted_height",
    "wanted_width", "most_kernel_size", "most_stride", "most_padding", "most_dilation",
    "most_output_padding", "down", "across", "axis",
)  # fmt: skip
STACK = (
    "preset", "input", "layers", "row", "zoom", "effective", "relu", "seeds", "weights", "depth",
    "over", "layer", "unit_row", "unit_column",
)  # fmt: skip
OPERATOR = ("operator", "operator_mask", "operator_unknown", "operator_shown", "operator_*_*")
CHECK = ("channels", "dtypes", "values", "scale", "mean", "std", "grey", "resize", "crop")

_index = whole(0, LARGEST_INDEX)
SETTINGS = (
    *(
        Setting(f"{slider.key}{axis}", read=whole(slider.least, slider.most))
        for slider in (
            convolution.KERNEL, convolution.STRIDE, convolution.PADDING, convolution.DILATION,
        )
        for axis in ("", "_height", "_width")
    ),
    *(Setting(name, read=whole(0, convolution.LARGEST_PAD)) for name in convolution.SIDES),
    Setting("separate", read=switch),
    Setting("padding_kind", read=one_of(convolution.PADDING_KINDS)),
    Setting("padding_mode", read=one_of(PADDING_MODES)),
    Setting("groups", read=whole(1, convolution.MOST_GROUPS)),
    Setting("source", read=one_of(SOURCES)),
    Setting("sample", read=one_of([sample.name for sample in SAMPLES])),
    Setting("grey", read=switch),
    Setting("region", read=switch),
    Setting("region_top", read=whole(0, 100_000)),
    Setting("region_left", read=whole(0, 100_000)),
    Setting("region_height", read=whole(1, 100_000)),
    Setting("region_width", read=whole(1, 100_000)),
    Setting("reduce", read=whole(1, 64)),
    Setting("weights_source", read=one_of(WEIGHT_SOURCES)),
    Setting("weights", read=one_of([kernel.name for kernel in KERNELS])),
    Setting("filters", read=whole(1, MOST_FILTERS)),
    Setting("across", read=one_of(ACROSS)),
    Setting("seed", read=whole(0, 2**31 - 1)),
    Setting("with_bias", read=switch),
    Setting("bias", read=real(-1e6, 1e6)),
    Setting("dtype", read=one_of(tuple(DTYPES))),
    Setting("values", read=one_of(tuple(DIVISORS))),
    Setting("hand", read=words),
    Setting("hand_filter", read=whole(0, MOST_FILTERS - 1)),
    Setting("hand_channel"),
    Setting("hand_scope"),
    Setting("hand_factor", read=real(-1e6, 1e6)),
    Setting("hide", read=switch),
    *(Setting(name, read=_index) for name in ("row", "column", "filter")),
    *(Setting(name, read=_index) for name in ("pixel_row", "pixel_column")),
    *(
        Setting(name, of_file=True)
        for name in (
            "layer", "layer_find", "layer_layout", "layer_groups", "meeting", "picked_channels",
            "without_bias", "nan_as_zero",
        )
    ),
    Setting("window", "column_matrix"),
    Setting("product_window", "matmul"),
    *(Setting(f"shape_{name}", "output_shape") for name in OUTPUT_SHAPE),
    *(Setting(f"stack_{name}", "stack") for name in STACK),
    Setting("alike", "filters"),
    Setting("response_of", "filters"),
    Setting("answers_shown", "responses"),
    *(Setting(name, "operators") for name in OPERATOR),
    *(Setting(f"check_{name}", "check") for name in CHECK),
    *(Setting(f"practice_{name}", "practice") for name in ("seed", "level", "count")),
)  # fmt: skip
_BY_NAME = MappingProxyType({each.name: each for each in SETTINGS if "*" not in each.name})
_FAMILIES = tuple(each for each in SETTINGS if "*" in each.name)


def setting_of(name: str) -> Setting | None:
    """The setting of this name, None where it names none."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    return next((each for each in _FAMILIES if each.is_named(name)), None)
