"""A page of the app opened at an address, without a browser: what it says and what it sends.

AppTest knows neither panels nor addresses that a browser would write, so both are read here from
what Streamlit sends: the panel's bytes, and the name in the address that each widget is bound to.
"""

import base64
import io
import json
import re
import struct
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import UnknownElement, Widget

APP = Path(__file__).parents[2] / "app.py"
PAGES = ("receptive_field", "column_matrix", "matmul")


class Panel:
    """What one panel was sent: its header, and its figure with arrays as numpy arrays."""

    def __init__(self, data: bytes) -> None:
        (length,) = struct.unpack_from("<I", data)
        self._arrays = data[4 + length + -(4 + length) % 8 :]
        self.header = json.loads(data[4 : 4 + length], parse_constant=_no_json)
        self.figure = self._with_arrays(self.header.pop("figure"))

    @property
    def title(self) -> str:
        return str(self.figure["layout"]["title"]["text"])

    def z(self, trace: int = 0) -> torch.Tensor:
        """The values of a heatmap."""
        return torch.from_numpy(np.array(self.figure["data"][trace]["z"]))

    def picture(self) -> torch.Tensor:
        """The pixels of an image, uint8 (C, H, W)."""
        source = self.figure["data"][0]["source"]
        image = Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1])))
        pixels = torch.from_numpy(np.array(image))
        return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)

    def _with_arrays(self, value: Any) -> Any:
        if isinstance(value, dict) and "array" in value and "dtype" in value:
            start, length = value["array"]
            found = np.frombuffer(self._arrays[start : start + length], value["dtype"])
            return found.reshape(value.get("shape", -1))
        if isinstance(value, dict):
            return {key: self._with_arrays(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._with_arrays(item) for item in value]
        return value


USUAL = {"sample": "glyph"}


class OpenedPage:
    """One page after a run; :attr:`at` takes the next steps, :meth:`run` runs again."""

    # Looking for the components of installed packages takes longer than most pages do.
    _components: BidiComponentManager | None = None

    def __init__(
        self, page: str = PAGES[0], address: Mapping[str, Any] | None = None, *, bare: bool = False
    ) -> None:
        self.at = AppTest.from_file(APP, default_timeout=120)
        self.at._bidi_component_manager = OpenedPage._components
        if page != PAGES[0]:
            self.at.switch_page(f"rfviz/pages/{page}.py")
        # An address that says nothing shows the first example, and not what is the usual one.
        self.at.query_params.update(address or ({} if bare else USUAL))
        self.at.run()
        OpenedPage._components = self.at._bidi_component_manager
        self._forget()

    def run(self) -> "OpenedPage":
        self.at.run()
        self._forget()
        return self

    def turn_to(self, page: str) -> "OpenedPage":
        self.at.switch_page(f"rfviz/pages/{page}.py")
        return self.run()

    def tell(self, event: str, value: dict[str, Any] | bool, to: str = "explorer") -> "OpenedPage":
        """What the browser does once a person has chosen an output or a pixel, then a run."""
        states = self.at._tree.get_widget_states()
        widget = states.widgets.add()
        widget.id = _make_trigger_id(self._element(to).proto.id, "events")
        widget.json_trigger_value = json.dumps([{"event": event, "value": value}])
        self.at._run(states)
        self._forget()
        return self

    @cached_property
    def panels(self) -> dict[str, Panel]:
        elements = [element for element in self.at.main if isinstance(element, UnknownElement)]
        shown = [element for element in elements if (element.key or "").startswith("panel-")]
        panels = [Panel(element.proto.bytes) for element in shown]
        return {panel.header["name"]: panel for panel in panels}

    @cached_property
    def conductor(self) -> dict[str, Any]:
        """What the component that shows the position and the highlights was sent."""
        text = self._element("explorer").proto.json
        return dict(json.loads(text, parse_constant=_no_json))

    @property
    def scene(self) -> dict[str, Any]:
        """What the browser works any position out from, but for the picture's own tokens."""
        scene = self.conductor["scene"]
        return {key: value for key, value in scene.items() if key not in {"token", "matrixToken"}}

    @property
    def place(self) -> tuple[int, int]:
        row, column = self.conductor["position"]
        return row, column

    def boxes(self, panel: str, role: str) -> list[list[float]]:
        """The highlights of this role in a panel, as [left, top, right, bottom]."""
        marks = self.conductor["marks"].get(panel, [])
        return [box for mark in marks if mark["role"] == role for box in mark["boxes"]]

    @property
    def errors(self) -> list[str]:
        return [as_read(error.value) for error in self.at.error]

    @property
    def captions(self) -> list[str]:
        return [as_read(caption.value) for caption in self.at.caption]

    @property
    def remedies(self) -> list[str]:
        """The labels of the buttons that mend what does not fit."""
        found = [button for button in self.at.button if (button.key or "").startswith("remedy-")]
        return [as_read(button.label) for button in found]

    def bound_widgets(self) -> dict[str, Any]:
        """The value of each widget that is in the address, by its name there."""
        widgets = [each for part in (self.at.sidebar, self.at.main) for each in part]
        names = [(widget, getattr(widget.proto, "query_param_key", "")) for widget in widgets
                 if isinstance(widget, Widget)]  # fmt: skip
        return {name: widget.value for widget, name in names if name}

    def address(self) -> dict[str, str]:
        """The address that a browser would show."""
        written = {}
        for name, value in self.bound_widgets().items():
            if value is not None:
                written[name] = str(value).lower() if isinstance(value, bool) else str(value)
        return written

    def check_answers(self) -> None:
        """A picture or a sentence, and no traceback."""
        assert [exception.value for exception in self.at.exception] == []
        assert self.at.title
        assert self.panels or all(self.errors)
        assert self.panels or self.errors

    def _element(self, key: str) -> UnknownElement:
        elements = [element for element in self.at.main if isinstance(element, UnknownElement)]
        return next(element for element in elements if element.key == key)

    def _forget(self) -> None:
        """Let go of what was read from the run before."""
        for name in ("panels", "conductor"):
            self.__dict__.pop(name, None)


def as_read(text: object) -> str:
    """A sentence as a person reads it, without what keeps it from being Markdown."""
    return re.sub(r"\\(?=[^A-Za-z0-9\s])", "", str(text)).replace("\N{WORD JOINER}", "")


def _no_json(constant: str) -> None:
    raise AssertionError(f"A browser reads no JSON with {constant} in it.")
