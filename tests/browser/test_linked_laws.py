"""The explorer's arithmetic in the browser obeys the laws of rfviz.conv: torch is the judge.

Every scene is drawn at random from a seed and goes to the scripts as the server would send it.
"""

import json
import random
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from conftest import Open
from torch import Tensor

from rfviz.conv.columns import ColumnMatrix
from rfviz.conv.spec import Conv2dSpec, InputError
from rfviz.explorer.mount import Scene

N_SCENES = 200
MODULES = ("geometry", "values", "links", "preview")
# What each test asks of every scene; the modules are those that the server serves.
ASK = f"""async ([text, body]) => {{
  const parts = {json.dumps(MODULES)}.map((name) => import(`/rfviz/${{name}}.js`));
  const modules = Object.assign({{}}, ...(await Promise.all(parts)));
  const ask = new Function("modules", "one", `const {{ ${{Object.keys(modules)}} }} = modules; ${{body}}`);
  const plain = (value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
  return JSON.parse(text).map((one) => {{
    const answer = ask(modules, one);
    for (const [name, value] of Object.entries(answer)) answer[name] = plain(value) ?? null;
    return answer;
  }});
}}"""
PIXELS = "const held = (box) => ({ ...box, data: Uint8Array.from(box.data) });"


class Window(NamedTuple):
    """A part of a picture, as the browser may hold it."""

    rows: range
    columns: range


class Drawn(NamedTuple):
    """A picture under a spec that fits, the weights, and what a person might point at."""

    image: Tensor
    spec: Conv2dSpec
    weight: Tensor
    bias: float
    divisor: int
    filter_index: int
    output: tuple[int, int]
    pixel: tuple[int, int]
    part: Window
    window: Window

    @property
    def columns(self) -> ColumnMatrix:
        return ColumnMatrix(self.image, self.spec)

    @property
    def column(self) -> int:
        return self.columns.column_index(*self.output)

    @property
    def channels(self) -> range:
        size = len(self.image) // self.spec.groups
        group = self.filter_index // (len(self.weight) // self.spec.groups)
        return range(group * size, (group + 1) * size)

    def conv2d(self, dtype: torch.dtype) -> Tensor:
        """The chosen filter's feature map, from F.conv2d on the columns' own padded picture."""
        padded = self.columns.padded_rows(0, len(self.columns.row_sources)).to(dtype)
        out = F.conv2d(
            padded[None] / self.divisor,
            self.weight.to(dtype),
            stride=self.spec.stride,
            dilation=self.spec.dilation,
            groups=self.spec.groups,
        )
        return out[0, self.filter_index] + self.bias

    def as_json(self) -> dict[str, Any]:
        own = self.weight[self.filter_index]
        scene = Scene(
            spec=self.spec,
            input_size=(self.image.shape[1], self.image.shape[2]),
            n_channels=len(self.image),
            column_shape=self.columns.shape,
            filter_index=self.filter_index,
            n_filters=len(self.weight),
            channels=self.channels,
            channel_names=[str(channel) for channel in self.channels],
            weights=own.double().flatten().tolist(),
            bias=self.bias,
            divisor=self.divisor,
            token="none",  # noqa: S106 - the name of a picture, no secret
        )
        whole = Window(range(self.image.shape[1]), range(self.image.shape[2]))
        return {
            "scene": scene.as_json(),
            "position": self.output,
            "pixel": self.pixel,
            "column": self.column,
            "part": [[side.start, side.stop] for side in self.part],
            "whole": self.held(whole),
            "window": self.held(self.window),
        }

    def held(self, window: Window) -> dict[str, Any]:
        rows, columns = window
        pixels = self.image[:, rows.start : rows.stop, columns.start : columns.stop]
        return {
            "top": rows.start, "left": columns.start, "height": len(rows), "width": len(columns),
            "channels": len(self.image), "data": pixels.flatten().tolist(),
        }  # fmt: skip


def draw_spec(rng: random.Random, n_channels: int) -> Conv2dSpec:
    def two(low: int, high: int) -> tuple[int, int]:
        return rng.randint(low, high), rng.randint(low, high)

    padding = rng.choice([rng.randint(0, 4), two(0, 4), (two(0, 4), two(0, 4)), "valid", "same"])
    return Conv2dSpec(
        rng.choice([rng.randint(1, 5), two(1, 5)]),
        1 if padding == "same" else rng.choice([1, rng.randint(1, 4), two(1, 4)]),
        padding,
        rng.choice([1, rng.randint(1, 3), two(1, 3)]),
        rng.choice([1, n_channels]),
        rng.choice(["zeros", "reflect", "replicate", "circular"]),
    )


def part_of(rng: random.Random, n: int) -> range:
    start = rng.randrange(n)
    return range(start, rng.randint(start + 1, n))


def draw(seed: int) -> Drawn:
    """Draw until the spec fits the picture."""
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    generator = torch.Generator().manual_seed(seed)
    while True:
        n_channels, size = rng.choice([1, 3]), (rng.randint(1, 18), rng.randint(1, 18))
        spec = draw_spec(rng, n_channels)
        try:
            height, width = spec.output_size(size)
        except InputError:
            continue
        filters = spec.groups * rng.randint(1, 2)
        shape = (filters, n_channels // spec.groups, *spec.kernel_size)
        return Drawn(
            torch.randint(0, 256, (n_channels, *size), dtype=torch.uint8, generator=generator),
            spec,
            torch.randn(shape, generator=generator),
            rng.choice([0.0, 1.5]),
            rng.choice([1, 255]),
            rng.randrange(filters),
            (rng.randrange(height), rng.randrange(width)),
            (rng.randrange(size[0]), rng.randrange(size[1])),
            Window(part_of(rng, height), part_of(rng, width)),
            Window(part_of(rng, size[0]), part_of(rng, size[1])),
        )


@cache
def drawn() -> tuple[Drawn, ...]:
    return tuple(map(draw, range(N_SCENES)))


def test_the_scenes_drawn_are_of_every_kind() -> None:
    specs = [one.spec for one in drawn()]
    kinds = Counter(str(spec.padding) for spec in specs if isinstance(spec.padding, str))
    kinds += Counter(spec.padding_mode for spec in specs)
    kinds["asymmetric"] = sum(top != bottom for spec in specs for top, bottom in spec.pads)
    kinds["rectangular"] = sum(len({*spec.kernel_size}) == 2 for spec in specs)
    kinds["grouped"] = sum(spec.groups > 1 for spec in specs)
    kinds["colour"] = sum(len(one.image) == 3 for one in drawn())
    assert len(kinds) == 10
    assert min(kinds.values()) >= 10, kinds


@pytest.fixture
def ask(open_app: Open) -> Any:
    """Runs a script for each of some scenes, or for all; ``one`` is the scene."""
    app = open_app("rfviz/geometry.js")

    def ask_all(body: str, scenes: Any = None) -> list[dict[str, Any]]:
        scenes = [one.as_json() for one in drawn()] if scenes is None else scenes
        answers: list[dict[str, Any]] = app.page.evaluate(ASK, [json.dumps(scenes), body])
        assert len(answers) == len(scenes)
        return answers

    return ask_all


def test_sizes_and_receptive_fields(ask: Any) -> None:
    answers = ask("""const { spec } = one.scene; return {
        size: outputSize(spec), field: receptiveField(spec, one.position),
        taps: Array.from({ length: one.scene.columnShape[0] }, (_, row) => tapOf(spec, row)),
        pixels: Array.from({ length: one.scene.columnShape[0] }, (_, row) => pixelOf(spec, row, one.column)),
    };""")
    for one, answer in zip(drawn(), answers, strict=True):
        assert tuple(answer["size"]) == one.columns.output_size, one
        field = one.spec.receptive_field(one.output)
        taps = [range(t["start"], t["start"] + t["step"] * t["count"], t["step"]) for t in answer["field"]]  # fmt: skip  # noqa: E501
        assert taps == [field.rows, field.columns], one
        entries = [one.columns.index_of(row, one.column) for row in range(one.columns.shape[0])]
        assert answer["taps"] == [list(entry[:3]) for entry in entries], one
        assert answer["pixels"] == [list(entry[5:]) for entry in entries], one


def test_what_does_not_fit_has_no_size(ask: Any) -> None:
    rng = random.Random(1)  # noqa: S311 - reproducible tests, no secret
    tried = [(draw_spec(rng, 1), (rng.randint(1, 6), rng.randint(1, 6))) for _ in range(N_SCENES)]
    scenes, sizes = [], []
    for spec, size in tried:
        scene = drawn()[0].as_json()
        spec_of = replace(draw(0), spec=spec) if False else spec
        scene["scene"]["spec"] = spec_as_json(spec_of, size, 1)
        scenes.append(scene)
        sizes.append(size_or_none(spec, size))
    answers = ask("return { size: outputSize(one.scene.spec) };", scenes)
    assert [answer["size"] for answer in answers] == sizes
    assert 20 < sizes.count(None) < N_SCENES - 20
