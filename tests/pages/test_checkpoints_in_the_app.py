"""Checkpoints of real layouts through the app: each layer that is offered, and its numbers."""

import importlib.util
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from opened import OpenedPage
from random_sets import MANY
from safetensors.torch import save
from torch import Tensor, nn

from rfviz.io.weights.layers import layer, layers_of
from rfviz.io.weights.meetings import meetings

CHECKPOINTS = Path(__file__).parents[1] / "io" / "weights" / "checkpoints.py"
AT_LEAST = 40
FILES = ("npz", "safetensors", "pt")


def made() -> list[Any]:
    spec = importlib.util.spec_from_file_location("checkpoints", CHECKPOINTS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("checkpoints", module)
    spec.loader.exec_module(module)
    return list(module.checkpoints())


def file_of(tensors: dict[str, Tensor], ending: str) -> bytes:
    plain = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    stream = io.BytesIO()
    if ending == "npz":
        arrays: dict[str, Any] = {name: tensor.numpy() for name, tensor in plain.items()}
        np.savez(stream, **arrays)
    elif ending == "pt":
        torch.save({"state_dict": plain}, stream)
    return save(plain) if ending == "safetensors" else stream.getvalue()


def wrong_in(page: OpenedPage, checkpoint: Any, ending: str) -> list[str]:
    """What the page makes of a checkpoint that torch does not."""
    data = file_of(checkpoint.tensors, ending)
    page.at.file_uploader("weights_file").set_value((f"net.{ending}", data, ""))
    page.run()
    if page.at.exception:
        return [f"{checkpoint.title}: {page.at.exception[0].value}"]
    entries = {entry.name: entry for entry in layers_of(checkpoint.tensors)}
    expected = [one for one in checkpoint.layers if one.module is not None]
    if not expected:
        return [] if page.errors else [f"{checkpoint.title}: no sentence"]
    box = page.at.selectbox("layer")
    offered = {option.split(": ")[0] for option in box.options}
    wrong = [] if offered == {one.name for one in expected} else [f"{checkpoint.title}: {offered}"]
    name = str(box.value)
    module = next(one.module for one in expected if one.name == name)
    choices = page.at.session_state["controls"].choices
    weight = layer(checkpoint.tensors, entries[name])[0]
    if isinstance(module, nn.Conv2d):
        weight = module.weight.detach()
    # The picture has three channels: how the page lets it meet the layer is the library's word.
    reads = weight.shape[1] * choices.groups
    way = meetings(3, weight.shape[1])[0] if reads != 3 else None
    picked = (0,) if way is not None and way.picks else ()
    fitted = way.fit(weight, picked) if way is not None else weight
    if way is None or not way.picks:
        same = choices.values.shape == fitted.shape
        if not same or not torch.allclose(choices.values, fitted.float(), 1e-4, 1e-5):
            wrong.append(f"{checkpoint.title}: {name} has other numbers")
    said = " ".join(page.captions)
    wrong += [
        f"{checkpoint.title}: does not say {note}"
        for note in entries[name].notes if note[1:] not in said
    ]  # fmt: skip
    return wrong


def test_checkpoints_of_real_layouts_are_read_in_the_app() -> None:
    every = made()
    chosen = every if MANY else [one for number, one in enumerate(every) if number % 3 != 2]
    address = {"sample": "scene", "region": "true", "region_height": "12", "region_width": "12"}
    page = OpenedPage("output_shape", address | {"weights_source": "File"})
    wrong = [
        line
        for number, checkpoint in enumerate(chosen)
        for line in wrong_in(page, checkpoint, FILES[number % 3])
    ]
    assert len(chosen) >= AT_LEAST
    assert wrong == []
