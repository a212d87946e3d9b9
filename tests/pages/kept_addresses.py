"""Two hundred addresses, and what each of them has shown since it could be copied.

A link in a lecture's notes must show for years what it showed when it was made. The addresses and
what stands behind each of them lie in ``kept_addresses.json``; this file run as
a script writes it anew, which is right only where an address is meant to show something else.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opened import OpenedPage
from streamlit.testing.v1 import AppTest

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import PADDING_MODES
from rfviz.io.kernels.catalogue import KERNELS
from rfviz.io.pictures.samples import SAMPLES
from rfviz.ui.sidebar.convolution import PADDING_KINDS
from rfviz.ui.sidebar.named_weights import ACROSS, DTYPES

# The samples that there were when the addresses were made.
OF_THEN = [sample.name for sample in SAMPLES if sample.name != "digits"]
FILE = Path(__file__).with_name("kept_addresses.json")
PAGES = (
    "receptive_field", "column_matrix", "matmul", "output_shape", "stack", "filters", "responses",
    "operators", "practice",
)  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    "column_matrix": {"window": (8, 24, 200)},
    "matmul": {"product_window": (8, 30, 100)},
    "output_shape": {
        "shape_kind": ("Conv2d", "MaxPool2d", "ConvTranspose2d"), "shape_kernel_height": (2, 5),
        "shape_stride_height": (2, 3), "shape_padding_height": (1, 2), "shape_height": (40, 64),
        "shape_width": (33, 70), "shape_out": (4, 16), "shape_bias": ("false",),
    },
    "stack": {
        "stack_preset": ("AlexNet", "VGG-16", "no such network"),
        "stack_layers": ("c3p1,m2s2,c3p1", "c5,c3s2,c3", "c3x5p1", "q9"),
        "stack_row": (2, 3), "stack_zoom": ("true",),
    },
    "practice": {"practice_seed": (2, 77), "practice_count": (5, 12), "practice_level": ("2",)},
}  # fmt: skip


def made_addresses(seed: int = 20) -> Iterator[tuple[str, dict[str, str]]]:
    """Pages and addresses, the same at each call; one in five says something that cannot be."""
    chance = random.Random(seed)  # noqa: S311
    for number in range(200):
        page = PAGES[number % len(PAGES)]
        address = _some(chance, _shared(chance), 7) | _some(chance, OWN.get(page, {}), 4)
        if number % 5 == 4:
            wrong = {"stride": 99, "kernel": "wide", "row": "inf", "sample": "none", "groups": -1,
                     "bias": "1e999", "values": "", "dtype": "int8", "filter": 1000}  # fmt: skip
            address |= _some(chance, {key: (value,) for key, value in wrong.items()}, 2)
        yield page, {key: str(value) for key, value in address.items()}


def _some(chance: random.Random, choices: dict[str, Any], most: int) -> dict[str, Any]:
    names = chance.sample(sorted(choices), min(len(choices), chance.randint(0, most)))
    return {name: chance.choice(choices[name]) for name in names}


def _shared(chance: random.Random) -> dict[str, Any]:
    """The sidebar's parameters and the position; half of the time height and width apart."""
    sides = ("_height", "_width") if chance.random() < 0.5 else ("",)
    choices: dict[str, Any] = {"separate": ("true",)} if len(sides) == 2 else {}
    for side in sides:
        choices |= {
            f"kernel{side}": (2, 5, 7),
            f"stride{side}": (2, 3),
            f"padding{side}": (0, 2, 4),
        }
        choices[f"dilation{side}"] = (2,)
    return choices | {
        "sample": OF_THEN, "grey": ("true",), "region": ("true",), "region_top": (3, 9),
        "region_height": (30, 41), "reduce": (2, 3), "padding_kind": PADDING_KINDS,
        "pad_top": (0, 3), "pad_left": (2,), "padding_mode": PADDING_MODES,
        "groups": (3,), "filters": (2, 3, 6),
        "weights": [kernel.name for kernel in KERNELS], "across": ACROSS, "seed": (5,),
        "with_bias": ("true",), "bias": ("-2.5",), "dtype": list(DTYPES), "values": ("0 to 1",),
        "row": (0, 4, 900), "column": (1, 7), "filter": (1, 2), "pixel_row": (2,),
        "pixel_column": (6,), "hide": ("true",),
        "weights_source": ("By hand", "File"), "hand": ("1 2; 3 4", "0,1,0;1,-4,1;0,1,0"),
    }  # fmt: skip


def shown(page: str, address: dict[str, str]) -> dict[str, Any]:
    """The picture, spec, weights and position that an address arrives at, and each widget."""
    opened = OpenedPage(page, address)
    assert [each.value for each in opened.at.exception] == []
    controls = opened.at.session_state["controls"]
    explorer = opened.conductor.get("position") if _has_explorer(opened.at) else None
    return {
        "widgets": dict(sorted(_plain(opened.bound_widgets()).items())),
        "picture": _said(controls.picture, lambda picture: picture.key),
        "arguments": _plain(controls.arguments),
        "weights": _said(controls.choices, repr),
        "position": explorer,
        # As a person reads them: without what keeps signs from being read as Markdown.
        "errors": [each.replace("\\", "").replace("\u2060", "") for each in opened.errors],
    }


def _has_explorer(at: AppTest) -> bool:
    return any(getattr(element, "key", None) == "explorer" for element in at.main)


def _said(value: Any, of: Any) -> str:
    return f"error: {value}" if isinstance(value, InputError) else repr(of(value))


def _plain(values: Any) -> Any:
    return json.loads(json.dumps(values, default=repr))


def write() -> None:
    """Open every address and write down what it shows."""
    made = [
        {"page": page, "address": address, "shown": shown(page, address)}
        for page, address in made_addresses()
    ]
    FILE.write_text("[\n" + ",\n".join(json.dumps(each) for each in made) + "\n]\n")


if __name__ == "__main__":
    write()
