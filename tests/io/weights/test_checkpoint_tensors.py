"""Checkpoints as people save them: every tensor is found, the model's first and by its own name."""

import argparse
import io
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rfviz.io.weights.checkpoint_names import model_part, names_of
from rfviz.io.weights.layers import layers_of
from rfviz.io.weights.read import load_weights, read_weights


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 2))


STATE = network().state_dict()
AVERAGE = {name: tensor * 2 for name, tensor in STATE.items()}
OTHER = {"up.weight": torch.ones(4, 8, 2, 2), "up.bias": torch.ones(4)}
SCALAR = torch.tensor(71.5)


def optimiser() -> dict[str, Any]:
    module = network()
    adam = torch.optim.Adam(module.parameters())
    module[0](torch.rand(1, 3, 3, 3)).sum().backward()
    adam.step()
    return adam.state_dict()


def file_of(value: object, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def prefixed(prefix: str, tensors: dict[str, torch.Tensor] = STATE) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


# What is saved, and the tensors that come first, by name. Each comes from a project's own code.
LAYOUTS: dict[str, tuple[Callable[[], object], dict[str, torch.Tensor]]] = {
    "state dict": (lambda: STATE, STATE),
    "ordered": (lambda: OrderedDict(STATE), STATE),
    "beside a score": (lambda: {"state_dict": STATE, "best_acc1": SCALAR}, STATE),
    "after a score": (lambda: {"best_acc1": SCALAR, "state_dict": STATE}, STATE),
    "beside a loss": (lambda: {"model": STATE, "loss": SCALAR, "epoch": 3}, STATE),
    "beside random states": (
        lambda: {"rng_state": torch.get_rng_state(), "cuda_rng_state": [torch.get_rng_state()],
                 "model": STATE}, STATE),
    "beside a decay": (lambda: {"ema_decay": torch.tensor(0.99), "net": STATE}, STATE),
    "beside a normalisation": (
        lambda: {"mean": torch.ones(3), "std": torch.ones(3), "network": STATE}, STATE),
    "beside an optimiser": (lambda: {"optimizer": optimiser(), "state_dict": STATE}, STATE),
    "two optimisers": (
        lambda: {"optimizers": [optimiser(), optimiser()], "model_state_dict": STATE}, STATE),
    "imagenet example": (
        lambda: {"epoch": 1, "arch": "resnet18", "state_dict": prefixed("module."),
                 "best_acc1": SCALAR, "optimizer": optimiser(),
                 "scheduler": {"last_epoch": 3}}, STATE),
    "tutorial": (
        lambda: {"epoch": 5, "model_state_dict": STATE, "optimizer_state_dict": optimiser(),
                 "loss": SCALAR}, STATE),
    "lightning": (
        lambda: {"epoch": 2, "global_step": 9, "pytorch-lightning_version": "2.0",
                 "state_dict": prefixed("model."), "optimizer_states": [optimiser()],
                 "lr_schedulers": [], "callbacks": {"best": {"best_model_score": SCALAR}},
                 "hyper_parameters": argparse.Namespace(lr=0.1)}, prefixed("model.")),
    "timm with an average": (
        lambda: {"arch": "x", "state_dict": STATE, "state_dict_ema": AVERAGE, "metric": 3.0},
        STATE),
    "torchvision reference": (
        lambda: {"model": STATE, "optimizer": optimiser(), "lr_scheduler": {"_step_count": 1},
                 "model_ema": {"n_averaged": torch.tensor(3), **prefixed("module.", AVERAGE)},
                 "args": argparse.Namespace(a=1), "scaler": {"scale": SCALAR}}, STATE),
    "basicsr": (lambda: {"params": STATE}, STATE),
    "basicsr with an average": (lambda: {"params_ema": AVERAGE, "params": STATE}, STATE),
    "an average alone": (lambda: {"params_ema": AVERAGE}, AVERAGE),
    "deepspeed": (
        lambda: {"module": STATE, "buffer_names": ["a"], "optimizer": None, "ds_version": "1",
                 "rng": torch.get_rng_state()}, STATE),
    "mmdetection": (
        lambda: {"meta": {"epoch": 1, "classes": ("a", "b")}, "state_dict": STATE,
                 "optimizer": optimiser(), "message_hub": {"loss": SCALAR}}, STATE),
    "detectron": (
        lambda: {"model": STATE, "__author__": "x", "matching_heuristics": True}, STATE),
    "detectron in numpy": (
        lambda: {"model": {name: tensor.numpy() for name, tensor in STATE.items()}}, STATE),
    "whole module": (network, STATE),
    "parallel module": (lambda: nn.DataParallel(network()), STATE),
    "yolo": (
        lambda: {"epoch": -1, "model": network(), "ema": None, "optimizer": None,
                 "train_args": {"lr": 0.1}, "date": np.float64(3)}, STATE),
    "yolo with an average": (
        lambda: {"model": network(), "ema": network().half(), "updates": 3}, STATE),
    "trainer in a trainer": (lambda: {"trainer": {"epoch": 3, "model": STATE}}, STATE),
    "model in a model": (lambda: {"model": {"state_dict": STATE, "iteration": SCALAR}}, STATE),
    "nested dictionaries": (
        lambda: {"encoder": {"conv": {"weight": STATE["0.weight"]}}, "n": 3},
        {"encoder.conv.weight": STATE["0.weight"]}),
    "two networks": (
        lambda: {"generator": STATE, "discriminator": OTHER},
        prefixed("generator.") | prefixed("discriminator.", OTHER)),
    "two networks that are models": (
        lambda: {"G": {"state_dict": STATE}, "D": {"state_dict": OTHER}, "loss": SCALAR},
        prefixed("G.state_dict.") | prefixed("D.state_dict.", OTHER)),
    "two models": (
        lambda: {"net": OTHER, "state_dict": STATE},
        prefixed("state_dict.") | prefixed("net.", OTHER)),
    "names that collide": (
        lambda: {"state_dict": STATE, "0.weight": OTHER["up.weight"]},
        prefixed("state_dict.")),
    "a list": (lambda: [STATE["0.weight"], SCALAR], {"0": STATE["0.weight"]}),
    "a tuple with its step": (lambda: (STATE, 7), prefixed("0.")),
    "gan with a list": (lambda: {"nets": [STATE, OTHER]},
        prefixed("nets.0.") | prefixed("nets.1.", OTHER)),
    "config beside": (
        lambda: {"config": {"bins": torch.arange(3)}, "weights": STATE, "vocab": Counter("ab")},
        STATE),
    "own key": (lambda: {"mine": STATE, "optimizer": optimiser()}, prefixed("mine.")),
    "flat beside an optimiser": (lambda: {**STATE, "optimizer": optimiser()}, STATE),
    "a model called model": (lambda: {"model": "resnet18", "state_dict": STATE}, STATE),
    "numbers for keys": (lambda: {0: STATE["0.weight"], 1: SCALAR}, {"0": STATE["0.weight"]}),
    "one tensor": (lambda: STATE["0.weight"], {"weight": STATE["0.weight"]}),
}  # fmt: skip


def test_there_are_forty_layouts() -> None:
    assert len(LAYOUTS) >= 40


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_model_comes_first_under_its_own_names(layout: str, old: bool) -> None:
    make, expected = LAYOUTS[layout]
    data = file_of(make(), _use_new_zipfile_serialization=not old)
    file = read_weights(data, "last.ckpt")
    found = dict(list(file.tensors.items())[: len(expected)])
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)
    assert set(expected) <= set(file.of_the_model)
    first = next(entry for entry in layers_of(file.tensors) if len(entry.shape) == 4)
    assert first.is_conv2d
    assert first.name in expected


def tensors_in(value: object) -> int:
    """How many tensors a checkpoint holds, each container once."""
    seen: set[int] = set()

    def count(part: object) -> int:
        if isinstance(part, torch.Tensor | np.ndarray):
            return 1
        if isinstance(part, nn.Module):
            return len(part.state_dict())
        if not isinstance(part, dict | list | tuple) or id(part) in seen:
            return 0
        seen.add(id(part))
        return sum(map(count, part.values() if isinstance(part, dict) else part))

    return count(value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_tensor_is_found(layout: str) -> None:
    value = LAYOUTS[layout][0]()
    file = read_weights(file_of(value), "last.ckpt")
    assert len(file.tensors) == tensors_in(value)


def test_other_tensors_stand_under_their_path() -> None:
    value = LAYOUTS["torchvision reference"][0]()
    assert isinstance(value, dict)
    loaded = load_weights(file_of(value), "w.pth")
    torch.testing.assert_close(
        loaded["optimizer.state.0.exp_avg"], value["optimizer"]["state"][0]["exp_avg"]
    )
    torch.testing.assert_close(loaded["model_ema.module.0.weight"], AVERAGE["0.weight"])
    torch.testing.assert_close(loaded["scaler.scale"], SCALAR)
    order = list(loaded)
    assert order.index("model_ema.module.0.weight") < order.index("optimizer.state.0.exp_avg")


def test_a_score_beside_a_convolution_does_not_hide_it() -> None:
    state = nn.Conv2d(3, 8, 3).state_dict()
    loaded = load_weights(file_of({"state_dict": state, "best_acc1": torch.tensor(71.5)}), "w.pt")
    assert list(loaded) == ["weight", "bias", "best_acc1"]


def test_the_same_object_twice_is_read_once_and_said() -> None:
    file = read_weights(file_of({"state_dict": STATE, "best": STATE}), "w.pt")
    assert list(file.tensors) == list(STATE)
    assert file.left_out == (("best", "the same as 'state_dict', which is read"),)


def test_two_tensors_of_one_name_are_said() -> None:
    value = {"a": {"b.c": torch.ones(1)}, "a.b": {"c": torch.zeros(1)}, 1: SCALAR, "1": SCALAR}
    file = read_weights(file_of(value), "w.pt")
    assert list(file.tensors) == ["a.b.c", "1"]
    assert [each.name for each in file.left_out] == ["a.b.c", "1"]


@pytest.mark.parametrize("name", ["x" * 301, "a\x1b[2Jb", "a\nb", "\u202eb"])
def test_a_tensor_whose_name_cannot_be_shown_is_left_out(name: str) -> None:
    file = read_weights(file_of({name: torch.ones(1), "w": torch.ones(2)}), "w.pt")
    assert list(file.tensors) == ["w"]
    assert "too long or not printable" in file.left_out[0].reason
    assert all(each.name.isprintable() and len(each.name) < 70 for each in file.left_out)


def test_long_paths_are_bounded() -> None:
    value: object = torch.ones(1)
    for _ in range(9):
        value = {"k" * 250: value}
    file = read_weights(file_of({"deep": value, "w": torch.ones(2)}), "w.pt")
    assert list(file.tensors) == ["w"]
    assert sum(len(each.name) + len(each.reason) for each in file.left_out) < 1_000


def test_parts_that_are_models() -> None:
    assert model_part([("a",), ("b",)]) == ()
    assert model_part([("model",)]) == ()  # a tensor of that name
    assert model_part([("optimizer", "model", "a"), ("net", "a")]) == ("net",)
    assert model_part([("ema", "model", "a"), ("model", "a")]) == ("model",)
    assert names_of([], frozenset()).names == []
