"""A plotly figure as one run of bytes, because Streamlit sends bytes as they are.

A figure as JSON writes every array in base64 (a third larger), and a dict with bytes inside is
turned into its string form by Streamlit without a word. So: length of the header (uint32, little
endian), header (JSON), then the arrays, each at a multiple of 8. ``payload.js`` reads it.
"""

import base64
import hashlib
import json
import struct
from typing import Any

import plotly.graph_objects as go
from plotly.utils import PlotlyJSONEncoder

ALIGNMENT = 8


def encode(header: dict[str, Any], figure: go.Figure) -> bytes:
    """Header and figure as bytes; the header gains ``figure`` and, if it has none, ``revision``.

    The revision names what is drawn: a panel that shows this revision is not drawn again.
    """
    arrays: list[bytes] = []
    placed = _place_arrays(figure.to_dict(), arrays)
    text = json.dumps(placed, cls=PlotlyJSONEncoder, separators=(",", ":"))
    if "revision" not in header:
        digest = hashlib.blake2b(text.encode(), digest_size=8)
        for array in arrays:
            digest.update(array)
        header = {**header, "revision": digest.hexdigest()}
    head = json.dumps(header, separators=(",", ":"))[:-1] + ',"figure":' + text + "}"
    return b"".join(_parts(head.encode(), arrays))


def _parts(head: bytes, arrays: list[bytes]) -> list[bytes]:
    start = struct.pack("<I", len(head)) + head
    return [_padded(start), *(_padded(array) for array in arrays)]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def _place_arrays(value: Any, arrays: list[bytes]) -> Any:
    """The same value with each typed array moved to ``arrays`` and replaced by its place."""
    if isinstance(value, dict):
        if "bdata" in value:
            return _place(value, arrays)
        return {key: _place_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_place_arrays(item, arrays) for item in value]
    return value


def _place(typed: dict[str, Any], arrays: list[bytes]) -> dict[str, Any]:
    data = base64.b64decode(typed["bdata"])
    offset = sum(len(array) + -len(array) % ALIGNMENT for array in arrays)
    arrays.append(data)
    place: dict[str, Any] = {"array": [offset, len(data)], "dtype": typed["dtype"]}
    if "shape" in typed:
        place["shape"] = [int(size) for size in str(typed["shape"]).split(",")]
    return place
