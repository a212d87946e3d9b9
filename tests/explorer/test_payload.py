"""The bytes of a panel: length of the header, header, arrays at multiples of 8."""

import json
import struct
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from rfviz.explorer.payload import ALIGNMENT, encode


def parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and what follows it."""
    (length,) = struct.unpack("<I", data[:4])
    start = 4 + length
    return json.loads(data[4:start]), data[start + -start % ALIGNMENT :]


def heatmap(values: np.ndarray[Any, Any]) -> go.Figure:
    return go.Figure(go.Heatmap(z=values))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (27, 64)])
def test_array_is_found_where_the_header_says(dtype: str, shape: tuple[int, int]) -> None:
    values = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    header, arrays = parts(encode({"name": "x"}, heatmap(values)))
    place = header["figure"]["data"][0]["z"]
    start, length = place["array"]
    assert length == values.nbytes
    found = np.frombuffer(arrays[start : start + length], place["dtype"]).reshape(place["shape"])
    np.testing.assert_array_equal(found, values)


def test_arrays_stand_at_multiples_of_eight_and_do_not_overlap() -> None:
    sizes = [(1, 3), (3, 3), (1, 1), (5, 7)]
    figure = go.Figure([go.Heatmap(z=np.full(size, n, np.uint8)) for n, size in enumerate(sizes)])
    data = encode({"name": "a name of any length"}, figure)
    header, arrays = parts(data)
    end = 0
    for n, (trace, size) in enumerate(zip(header["figure"]["data"], sizes, strict=True)):
        start, length = trace["z"]["array"]
        assert start % ALIGNMENT == 0
        assert start >= end
        end = start + length
        assert arrays[start:end] == bytes([n]) * (size[0] * size[1])
    assert len(arrays) - end < ALIGNMENT
    assert (len(data) - len(arrays)) % ALIGNMENT == 0


def test_header_is_kept_whatever_its_text() -> None:
    given = {"name": 'ø × 🙂 "quoted" </script>', "height": 300, "kind": None, "marks": [[1.5]]}
    header, _ = parts(encode(given, heatmap(np.zeros((2, 2), np.uint8))))
    assert {key: header[key] for key in given} == given


def test_numbers_that_are_no_json_are_not_written_as_such() -> None:
    figure = go.Figure(go.Scatter(y=[1.0, float("nan"), float("inf")]))
    data = encode({"name": "x"}, figure)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (length,) = struct.unpack("<I", data[:4])
    json.loads(data[4 : 4 + length], parse_constant=refuse)


def test_not_finite_values_of_an_array_arrive_as_they_are() -> None:
    values = np.array([[1, np.nan, np.inf, -np.inf]], np.float32)
    header, arrays = parts(encode({}, heatmap(values)))
    start, length = header["figure"]["data"][0]["z"]["array"]
    np.testing.assert_array_equal(np.frombuffer(arrays[start : start + length], "f4"), values[0])


def test_revision_names_what_is_drawn() -> None:
    values = np.zeros((64, 64), np.uint8)
    changed = values.copy()
    changed[63, 63] = 1
    titled = heatmap(values).update_layout(title="Another")
    one, same, pixel, title = (
        parts(encode({"name": "x"}, figure))[0]["revision"]
        for figure in (heatmap(values), heatmap(values.copy()), heatmap(changed), titled)
    )
    assert one == same
    assert len({one, pixel, title}) == 3


def test_given_revision_is_kept() -> None:
    header, _ = parts(encode({"revision": "of a job"}, heatmap(np.zeros((1, 1)))))
    assert header["revision"] == "of a job"


def test_payload_is_hardly_larger_than_its_arrays() -> None:
    values = np.zeros((512, 512), np.float32)
    assert len(encode({"name": "x"}, heatmap(values))) < values.nbytes + 5000
