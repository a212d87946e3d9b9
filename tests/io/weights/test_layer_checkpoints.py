"""What a stored tensor means as a layer, judged by the answers of the module that it is of."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import answers, checkpoints, wrong_in
from torch import nn

from rfviz.__main__ import main
from rfviz.conv.errors import InputError
from rfviz.io.pictures.picture import picture_png
from rfviz.io.weights.as_stack import stack_of_weights
from rfviz.io.weights.layers import layer, layers_of


@pytest.mark.parametrize("seed", range(6))
def test_layers_of_checkpoints_answer_as_their_modules(seed: int) -> None:
    every = list(checkpoints(seed))
    assert len(every) >= 60
    assert [line for checkpoint in every for line in wrong_in(checkpoint)] == []


def test_terminal_reads_every_checkpoint_and_says_what_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = torch.randint(0, 256, (3, 30, 32), dtype=torch.uint8)
    (tmp_path / "a.png").write_bytes(picture_png(pixels))
    for number, checkpoint in enumerate(checkpoints()):
        file = tmp_path / f"{number}.npz"
        arrays: dict[str, Any] = {k: v.numpy() for k, v in checkpoint.tensors.items()}
        np.savez(file, **arrays)
        for name, module in checkpoint.layers:
            options = ["--layer", name, "--channels", "pick"]
            entry = next(each for each in layers_of(checkpoint.tensors) if each.name == name)
            # A picture of three channels is not what every layer reads: exit 2, and a sentence.
            code = main(["check", str(file), str(tmp_path / "a.png"), *options])
            said = capsys.readouterr()
            assert code in {0, 2}, (checkpoint.title, said)
            if module is None:
                assert entry.reason[:20] in said.err
                continue
            assert f"{name} {entry.weight_shape}" in said.out
            for note in entry.notes:
                assert note[1:] in said.out


def test_kernels_of_keras_are_found_by_shape_and_bias_of_any_order() -> None:
    for shape in ((3, 3, 3, 32), (3, 3, 1, 32), (7, 7, 3, 64), (1, 1, 64, 128)):
        entry = layers_of({"a": torch.randn(shape)})[0]
        assert entry.layout == "HWIO"
        assert entry.weight_shape == (shape[3], shape[2], *shape[:2])
        assert any("HWIO" in note for note in entry.notes)


def test_a_tie_is_torch_s_and_the_alternative_is_said() -> None:
    entry = layers_of({"weight": torch.randn(3, 3, 3, 3)})[0]
    assert entry.layout == "OIHW"
    assert any("could be" in note and "HWIO" in note for note in entry.notes)


def test_one_argument_changes_the_layout() -> None:
    module = nn.Conv2d(3, 3, 3)
    assert module.bias is not None
    tensors = {"weight": module.weight.detach().permute(2, 3, 1, 0), "bias": module.bias.detach()}
    entry = layers_of(tensors)[0]
    assert answers(module, *layer(tensors, entry, layout="HWIO"))
    assert answers(module, *layer(tensors, entry.in_layout("HWIO")))
    with pytest.raises(InputError, match=r"no layout 'XYZ' .* Choose OIHW"):
        layer(tensors, entry, layout="XYZ")
    matrix = torch.randn(5, 7)
    tensors = {"fc.weight": matrix, "other": torch.zeros(2, 2, 2)}
    entry = layers_of(tensors)[0]
    assert not entry.is_conv2d
    assert torch.equal(layer(tensors, entry, layout="IO")[0][:, :, 0, 0], matrix.t())


def test_transposed_layer_keeps_its_bias_and_says_what_is_shown() -> None:
    module = nn.ConvTranspose2d(16, 8, 2)
    entry = layers_of(dict(module.state_dict()))[0]
    assert entry.bias == "bias"
    assert entry.is_transposed
    assert any("the bias of 8" in note for note in entry.notes)
    assert any("flipped" in note for note in entry.notes)


def test_bias_that_fits_no_layout_is_said_and_stays_in_the_list() -> None:
    entries = layers_of({"c.weight": torch.zeros(8, 4, 3, 3), "c.bias": torch.zeros(5)})
    assert entries[0].bias is None
    assert any("'c.bias' has 5 numbers" in note for note in entries[0].notes)
    assert [entry.name for entry in entries] == ["c.weight", "c.bias"]


@pytest.mark.parametrize("lacking", ["weight_g", "weight_v"])
def test_a_part_alone_is_no_layer(lacking: str) -> None:
    module = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 6, 3))
    values = {
        "weight_g": module.parametrizations.weight.original0,
        "weight_v": module.parametrizations.weight.original1,
    }
    kept = {f"c.{name}": t.detach() for name, t in values.items() if name != lacking}
    (entry,) = layers_of(kept)
    assert entry.name == "c.weight"
    assert not entry.is_conv2d
    assert f"'c.{lacking}' is missing" in entry.reason


def test_averaged_copies_are_said_and_counted_once_in_a_stack() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3))
    tensors = dict(net.state_dict())
    tensors |= {f"model_ema.{name}": tensor for name, tensor in net.state_dict().items()}
    found = stack_of_weights(tensors)
    assert len(found.layers) == 2
    assert found.left_out == ("2 averaged copies (EMA) of layers",)


def test_npz_of_a_list_of_arrays() -> None:
    module = nn.Conv2d(3, 16, 3)
    assert module.bias is not None
    stream = io.BytesIO()
    kernel = module.weight.detach().permute(2, 3, 1, 0).numpy()
    np.savez(stream, kernel, module.bias.detach().numpy())
    arrays = np.load(io.BytesIO(stream.getvalue()))
    tensors = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    assert answers(module, *layer(tensors, layers_of(tensors)[0]))


@pytest.mark.parametrize("name", ["weight", "kernel", "arr_0"])
def test_a_kernel_of_torch_s_by_itself_is_torch_s_whatever_its_lengths(name: str) -> None:
    kernels = [(3, 3), (5, 5), (1, 1), (1, 3), (3, 1), (2, 3), (3, 5), (5, 3), (1, 5), (4, 4),
               (7, 7), (9, 9), (11, 11), (21, 21), (15, 1), (1, 7), (2, 5), (4, 3)]  # fmt: skip
    wrong, noisy, n = [], 0, 0
    for filters in (1, 2, 3, 4, 5, 8, 16, 64):
        for reads in (1, 2, 3, 4, 6, 16):
            for kernel in kernels:
                shape = (filters, reads, *kernel)
                entry = layers_of({name: torch.empty(shape)})[0]
                n += 1
                wrong += [shape] if entry.layout != "OIHW" else []
                noisy += any("IOHW" in note for note in entry.notes)
    assert n == 864
    assert wrong == []
    assert noisy == 0
