"""Parts of a wrapper without the others: computed as torch does, or named; never offered alone."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune, spectral_norm

from rfviz.io.weights.layers import layer, layers_of


def in_the_first_format() -> dict[str, Tensor]:
    """A layer as the first release of spectral_norm stored it: the weight, and no `v`."""
    torch.manual_seed(0)
    wrapped: Any = spectral_norm(nn.Conv2d(3, 4, 3))
    wrapped(torch.randn(1, 3, 8, 8))
    wrapped.eval()(torch.randn(1, 3, 8, 8))
    state = {name: each.detach().clone() for name, each in wrapped.state_dict().items()}
    del state["weight_v"]
    return state | {"weight": wrapped.weight.detach().clone()}


def test_spectral_norm_of_the_first_format() -> None:
    state = in_the_first_format()
    by_torch: Any = spectral_norm(nn.Conv2d(3, 4, 3))
    by_torch.load_state_dict(state)
    picture = torch.randn(1, 3, 8, 8)
    (entry,) = (each for each in layers_of(state) if each.is_conv2d)
    assert (entry.name, entry.parts) == ("weight", ("weight", "weight_orig", "weight_u"))
    weight, bias = layer(state, entry)
    ours = nn.functional.conv2d(picture, weight, bias)
    torch.testing.assert_close(ours, by_torch.eval()(picture), rtol=1e-4, atol=1e-5)
    assert "spectral" in " ".join(entry.notes)


def mixed() -> dict[str, dict[str, Tensor]]:
    """Parts of types that torch does not compute with together."""
    whole = torch.randn(2, 1, 3, 3)
    u, v = torch.randn(2).double(), torch.randn(9).double()
    down, up = torch.randn(1, 1, 3, 3), torch.randn(2, 1, 1, 1)
    lora = {"c.base_layer.weight": whole, "c.alpha": torch.tensor(1.0)}
    return {
        "spectral": {"c.weight_orig": whole, "c.weight_u": u, "c.weight_v": v},
        "spectral in eight bits": {
            "c.weight_orig": whole.to(torch.float8_e4m3fn), "c.weight_u": u, "c.weight_v": v},
        "low rank": {**lora, "c.lora_down.weight": down.double(), "c.lora_up.weight": up},
        "low rank in eight bits": {
            **lora, "c.lora_down.weight": down.to(torch.float8_e5m2), "c.lora_up.weight": up},
        "weight norm": {"c.weight_g": torch.ones(2, 1, 1, 1).double(), "c.weight_v": whole},
        "weight norm in eight bits": {
            "c.weight_g": torch.ones(2, 1, 1, 1), "c.weight_v": whole.to(torch.float8_e5m2)},
    }  # fmt: skip


@pytest.mark.parametrize("kind", mixed())
def test_parts_of_several_types_are_computed_or_refused(kind: str) -> None:
    state = mixed()[kind]
    (entry,) = layers_of(state)
    assert len(entry.parts) == len(state)
    if kind in {"spectral in eight bits", "weight norm in eight bits"}:
        assert not entry.is_conv2d
        assert "has too few values" in entry.reason
        return
    weight, _ = layer(state, entry)
    wide = {name.removeprefix("c."): each.double() for name, each in state.items()}
    if kind == "spectral":
        matrix = wide["weight_orig"]
        expected = matrix / (wide["weight_u"] @ matrix.flatten(1) @ wide["weight_v"])
    elif kind == "weight norm":
        expected = wide["weight_v"] / wide["weight_v"].flatten(1).norm(dim=1).view(2, 1, 1, 1)
    else:
        expected = wide["base_layer.weight"] + wide["lora_up.weight"] * wide["lora_down.weight"]
    torch.testing.assert_close(weight.double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("beside", ["nothing", "the weight", "an original of another shape"])
def test_a_mask_is_no_layer(beside: str) -> None:
    module: Any = nn.Conv2d(3, 4, 3)
    prune.l1_unstructured(module, "weight", 0.5)  # type: ignore[no-untyped-call]
    state = {f"c.{name}": each.detach() for name, each in module.state_dict().items()}
    original = state.pop("c.weight_orig")
    if beside == "the weight":
        state["c.weight"] = original
    elif beside != "nothing":
        state["c.weight_orig"] = original[:2]
    entries = layers_of(state)
    layers = [entry.name for entry in entries if entry.is_conv2d]
    assert layers == (["c.weight"] if beside == "the weight" else [])
    (incomplete,) = (entry for entry in entries if len(entry.shape) == 4 and not entry.is_conv2d)
    assert "mask" in incomplete.reason
