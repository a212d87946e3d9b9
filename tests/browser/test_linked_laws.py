"""The explorer's arithmetic in the browser obeys the laws of rfviz.conv: torch is the judge."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from conftest import Open
from linked_scenes import N_SCENES, Drawn, Part, draw_spec, drawn, seeded, spec_json

from rfviz.conv.errors import InputError
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.spec import Conv2dSpec

# Runs a body for each of some scenes, with the functions of the modules that the server serves.
ASK = """async ([scenes, body]) => {
  const names = ["geometry", "values", "links", "preview"];
  const modules = await Promise.all(names.map((name) => import(`/rfviz/js/laws/${name}.js`)));
  const known = Object.assign({}, ...modules);
  const answer = new Function("known", "one", `const { ${Object.keys(known)} } = known; ${body}`);
  const plain = (value) => (ArrayBuffer.isView(value) ? Array.from(value) : value ?? null);
  return JSON.parse(scenes).map((one) => {
    for (const part of ["whole", "held"]) {
      if (one[part]) one[part].data = Uint8Array.from(one[part].data);
    }
    return Object.fromEntries(Object.entries(answer(known, one)).map(([k, v]) => [k, plain(v)]));
  });
}"""
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def ask(look: Open) -> Ask:
    # A script of the app is a page too, and one that opens at once.
    # The bodies of the laws come as text, which the page itself would never run.
    app = look("rfviz/js/laws/geometry.js", bypass_csp=True)

    def answers(body: str, scenes: Sequence[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        asked = [one.as_json() for one in drawn()] if scenes is None else scenes
        found: list[dict[str, Any]] = app.page.evaluate(ASK, [json.dumps(asked), body])
        assert len(found) == len(asked)
        return found

    return answers


def test_scenes_of_every_kind_are_drawn() -> None:
    specs = [one.spec for one in drawn()]
    kinds = Counter(str(spec.padding) for spec in specs if isinstance(spec.padding, str))
    kinds += Counter(spec.padding_mode for spec in specs)
    kinds["asymmetric"] = sum(top != bottom for spec in specs for top, bottom in spec.pads)
    kinds["rectangular"] = sum(len({*spec.kernel_size}) == 2 for spec in specs)
    kinds["grouped"] = sum(spec.groups > 1 for spec in specs)
    kinds["colour"] = sum(len(one.image) == 3 for one in drawn())
    assert len(kinds) == 10
    assert min(kinds.values()) >= 10, kinds


def test_receptive_fields_and_taps(ask: Ask) -> None:
    answers = ask("""
      const { spec, position, columnShape } = one.scene;
      const rows = Array.from({ length: columnShape[0] }, (_, row) => row);
      return {
        size: outputSize(spec), field: receptiveField(spec, position),
        taps: rows.map((row) => tapOf(spec, row)),
        pixels: rows.map((row) => pixelOf(spec, row, one.column)),
      };""")
    for one, answer in zip(drawn(), answers, strict=True):
        assert tuple(answer["size"]) == one.columns.output_size, one
        field = one.spec.receptive_field(one.output)
        assert [taps_of(axis) for axis in answer["field"]] == [field.rows, field.columns], one
        entries = [one.columns.index_of(row, one.column) for row in range(one.columns.shape[0])]
        assert answer["taps"] == [list(entry[:3]) for entry in entries], one
        assert answer["pixels"] == [list(entry[5:]) for entry in entries], one


def taps_of(axis: dict[str, int]) -> range:
    return range(axis["start"], axis["start"] + axis["step"] * axis["count"], axis["step"])


def test_what_does_not_fit_has_no_size(ask: Ask) -> None:
    rng = seeded(1)
    tried = [(draw_spec(rng, 1), (rng.randint(1, 6), rng.randint(1, 6))) for _ in range(N_SCENES)]
    scenes = [{"spec": spec_json(spec, size, 1)} for spec, size in tried]
    sizes = [size_or_none(spec, size) for spec, size in tried]
    assert [
        answer["size"] for answer in ask("return { size: outputSize(one.spec) };", scenes)
    ] == sizes
    assert 20 < sizes.count(None) < N_SCENES - 20


def size_or_none(spec: Conv2dSpec, size: Pair) -> list[int] | None:
    try:
        return list(spec.output_size(size))
    except InputError:
        return None


def test_every_copy_of_a_pixel(ask: Ask) -> None:
    answers = ask("""return {
      count: countReaders(one.scene.spec, one.pixel),
      copies: copies(one.scene.spec, one.pixel, Infinity),
      few: copies(one.scene.spec, one.pixel, 3),
    };""")
    for one, answer in zip(drawn(), answers, strict=True):
        entries = {tuple(entry) for entry in one.columns.entries_of_pixel(*one.pixel).tolist()}
        copies = [tuple(entry) for entry in answer["copies"]]
        assert set(copies) == entries, one
        assert len(copies) == len(entries) == answer["count"] * len(one.image), one
        assert answer["few"] == answer["copies"][:3], one


def test_vectors_and_sums(ask: Ask) -> None:
    answers = ask("""
      const { spec, position, weights, divisor, filter } = one.scene;
      const own = vectorOf(spec, one.whole, position, filter.channels);
      return {
        column: vectorOf(spec, one.whole, position, [0, spec.channels]), own,
        sum: sumOf(own, weights, filter.bias, divisor),
        held: vectorOf(spec, one.held, position, [0, spec.channels]),
      };""")
    n_held = 0
    for one, answer in zip(drawn(), answers, strict=True):
        column = one.columns.column(*one.output)
        assert answer["column"] == column.tolist(), one
        own = column.view(len(one.image), -1)[one.channels.start : one.channels.stop]
        assert answer["own"] == own.flatten().tolist(), one
        close_to(answer["sum"], one, one.output)
        held = sources_within(one, one.held)
        assert answer["held"] == (column.tolist() if held else None), one
        n_held += held
    assert 20 < n_held < N_SCENES - 20


def close_to(value: Any, one: Drawn, at: Any) -> None:
    """Equal to torch's outputs: to rounding in float64, to 1e-5 of the largest in float32."""
    shown = torch.tensor(value, dtype=torch.float64)
    exact = one.conv2d(torch.float64)[at]
    torch.testing.assert_close(shown, exact, rtol=1e-9, atol=1e-9 * scale_of(one))
    single = one.conv2d(torch.float32)[at]
    torch.testing.assert_close(shown.float(), single, rtol=1e-5, atol=1e-6 * scale_of(one))


def scale_of(one: Drawn) -> float:
    """The most that the terms of a sum can come to, before they cancel."""
    return float(one.weight.abs().sum()) * 255 / one.divisor


def sources_within(one: Drawn, part: Any) -> bool:
    """Whether a part of the picture holds every pixel that the chosen output reads."""
    field = one.spec.receptive_field(one.output)
    sides = zip(
        (field.rows, field.columns), (one.columns.row_sources, one.columns.column_sources),
        one.spec.pads, part, strict=True,
    )  # fmt: skip
    return all(
        source < 0 or source in side
        for taps, sources, (before, _), side in sides
        for source in sources[torch.tensor(taps) + before].tolist()
    )


def test_feature_maps(ask: Ask) -> None:
    answers = ask("""
      const { spec, weights, divisor, filter } = one.scene;
      const size = outputSize(spec), look = { ...filter, divisor };
      const map = (pixels, ...part) => convolve(spec, pixels, weights, look, ...part);
      return {
        all: map(one.whole, [0, size[0]], [0, size[1]]),
        part: map(one.whole, ...one.part),
        held: map(one.held, ...one.part),
      };""")
    n_held = 0
    for one, answer in zip(drawn(), answers, strict=True):
        everywhere = (slice(None), slice(None))
        close_to(reshaped(answer["all"], one.columns.output_size), one, everywhere)
        at, size = slices(one.part), size_of(one.part)
        close_to(reshaped(answer["part"], size), one, at)
        if answer["held"] is None:
            assert not spans_within(one), one
        else:
            n_held += 1
            close_to(reshaped(answer["held"], size), one, at)
    assert n_held > 10


def slices(part: Part) -> tuple[slice, slice]:
    return slice(part.rows.start, part.rows.stop), slice(part.columns.start, part.columns.stop)


def size_of(part: Part) -> Pair:
    return len(part.rows), len(part.columns)


def reshaped(values: list[float], size: Pair) -> Any:
    return torch.tensor(values, dtype=torch.float64).view(size).tolist()


def spans_within(one: Drawn) -> bool:
    """Whether the pixels held are all from the first to the last that the part's outputs read."""
    spans = zip(
        one.part, one.spec.stride, one.spec.effective_kernel_size,
        (one.columns.row_sources, one.columns.column_sources), one.held, strict=True,
    )  # fmt: skip
    return all(
        source < 0 or source in side
        for outputs, stride, reach, sources, side in spans
        for source in sources[outputs[0] * stride : outputs[-1] * stride + reach].tolist()
    )


def test_the_range_previewed_is_held_and_about_the_position(ask: Ask) -> None:
    answers = ask("""
      const { spec, position, weights, divisor, filter } = one.scene;
      const [rows, columns] = previewRange(spec, position, one.held);
      const held = vectorOf(spec, one.held, position, filter.channels);
      const look = { ...filter, divisor };
      const values = held && convolve(spec, one.held, weights, look, rows, columns);
      return { rows, columns, held: Boolean(held), values };""")
    for one, answer in zip(drawn(), answers, strict=True):
        if not answer["held"]:
            continue
        ranges = Part(range(*answer["rows"]), range(*answer["columns"]))
        for at, span, size in zip(one.output, ranges, one.columns.output_size, strict=True):
            assert at in span, one
            assert 0 <= span.start < span.stop <= size, one
        if answer["values"] is not None:
            close_to(reshaped(answer["values"], size_of(ranges)), one, slices(ranges))
        else:
            assert not spans_within(one._replace(part=ranges)), one


MOVED = {"kernel": "kernel_size", "stride": "stride", "padding": "padding", "dilation": "dilation"}


def test_a_slider_moved_gives_the_spec_that_the_server_makes(ask: Ask) -> None:
    rng = seeded(2)
    scenes, expected = [], []
    for one in drawn():
        keys = [key for key in MOVED if key != "padding" or not isinstance(one.spec.padding, str)]
        key, value = rng.choice(keys), rng.randint(1, 6)
        side = rng.choice(["", "_height", "_width"])
        spec = one.scene().as_json()["spec"]
        scenes.append({"spec": spec, "key": key + side, "value": value})
        expected.append(moved_by_server(one, key, side, value))
    answers = ask("""
      const moved = movedSpec(one.spec, one.key, one.value) ?? one.spec;
      const { padding, ...spec } = moved;
      return { spec, size: outputSize(moved) };""", scenes)  # fmt: skip
    for one, answer, (spec, size) in zip(drawn(), answers, expected, strict=True):
        assert answer["size"] == size, one
        if spec is not None:
            assert answer["spec"] == spec, one


def moved_by_server(one: Drawn, key: str, side: str, value: int) -> tuple[Any, list[int] | None]:
    """The spec with one parameter changed, as it is sent, and its output size, None for neither."""
    name = MOVED[key]
    pair = list(one.spec.pads if key == "padding" else getattr(one.spec, name))
    for axis, own in enumerate(("_height", "_width")):
        if side in ("", own):
            pair[axis] = (value, value) if key == "padding" else value
    try:
        spec = replace_spec(one.spec, name, tuple(pair))
    except InputError:
        return None, None
    sent = spec_json(spec, one.size, len(one.image))
    sent.pop("padding")
    return sent, size_or_none(spec, one.size)


def replace_spec(spec: Conv2dSpec, name: str, value: Any) -> Conv2dSpec:
    return replace(spec, **{name: value})
