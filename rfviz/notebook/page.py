"""The explorer as one HTML document that needs nothing else: scripts, plotly.js and numbers in it.

The scripts are the app's own. A module's address in the document is a `data:` address, against
which no relative import can be resolved; so imports name modules in full, and an import map says
where each is.
"""

import base64
import json
import posixpath
import re
from functools import cache, partial
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from rfviz.conv.errors import InputError
from rfviz.explorer.scripts import HERE, SCRIPTS

# plotly.js is in the document already: the address that panels fetch it from is an empty script.
PLOTLY = "data:text/javascript,0"
_IMPORT = re.compile(r'(\bfrom\s+|\bimport\s+)"(\.{1,2}/[^"]+)"')


class Held(NamedTuple):
    """What a page is given: the explorer's data, its panels as bytes, the picture's numbers."""

    explorer: dict[str, Any]
    bank: dict[str, Any]
    panels: list[bytes]
    picture: dict[str, Any]


class Display:
    """The explorer, linked as in the app: shown by a notebook, or saved as a file.

    In a notebook it is a frame of its own, so that several displays and the notebook's page do not
    disturb each other.
    """

    def __init__(self, document: str, height: int) -> None:
        """Keep the document and the height of its frame, in pixels."""
        self.document = document
        self.height = height

    def _repr_html_(self) -> str:
        """Return the document in a frame, for a notebook."""
        return (
            f'<iframe title="rfviz explorer" sandbox="allow-scripts allow-downloads" '
            f'style="width: 100%; height: {self.height}px; border: 0" '
            f'srcdoc="{escape(self.document)}"></iframe>'
        )

    def __repr__(self) -> str:
        """Say what it is where no HTML is shown."""
        return f"rfviz explorer, {len(self.document) / 1e6:.1f} MB of HTML"

    def save(self, path: str | Path) -> Path:
        """Write the document to a file that any browser opens, and return its path.

        Raises `InputError` where it cannot be written.
        """
        target = Path(path)
        try:
            target.write_text(self.document, encoding="utf-8")
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(
                f"The display cannot be written to {target}: {reason}.",
                remedy="Give a path in a folder that is there, such as explorer.html",
            ) from None
        return target


def document(held: Held) -> str:
    """Return the HTML document of an explorer.

    >>> "</html>" in document(Held({}, {}, [], {}))
    True
    """
    panels = [base64.b64encode(panel).decode() for panel in held.panels]
    numbers = {
        "explorer": held.explorer, "bank": held.bank, "panels": panels, "picture": held.picture,
    }  # fmt: skip
    style = (HERE / "explorer.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>rfviz explorer</title>
<style>
*, *::before, *::after {{ box-sizing: border-box; }}
body {{ margin: 4px 8px; background: #fff; font-family: sans-serif; }}
{style}
</style>
<script>{_plotly()}</script>
<script type="importmap">{_in_html(_import_map())}</script>
</head>
<body>
<div data-testid="stApp" data-test-script-state="notRunning" id="rfviz"></div>
<script type="application/json" id="rfviz-held">{_in_html(json.dumps(numbers))}</script>
<script type="module">
import {{ begin }} from "rfviz/js/alone.js";
const held = JSON.parse(document.getElementById("rfviz-held").textContent);
begin(document.getElementById("rfviz"), held);
</script>
</body>
</html>
"""


@cache
def _plotly() -> str:
    """plotly.js, as the installed plotly package ships it."""
    return files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")


@cache
def _import_map() -> str:
    """Each script by its full name, as a ``data:`` address."""
    addresses = {}
    for name in SCRIPTS:
        text = (HERE / name).read_text(encoding="utf-8")
        folder = posixpath.dirname(name)
        full = _IMPORT.sub(partial(_named, folder), text)
        code = base64.b64encode(full.encode()).decode()
        addresses[f"rfviz/{name}"] = f"data:text/javascript;base64,{code}"
    return json.dumps({"imports": addresses})


def _named(folder: str, found: re.Match[str]) -> str:
    name = posixpath.normpath(posixpath.join(folder, found[2]))
    return f'{found[1]}"rfviz/{name}"'


def _in_html(text: str) -> str:
    """JSON inside a script element: no text in it can end the element."""
    return text.replace("<", "\\u003c")
