"""OperatorConv2d: the same values in training and evaluation, on devices, saved and copied."""

import copy
import io
import pickle
from pathlib import Path

import pytest
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.operators.apply import apply_operator
from rfviz.conv.operators.catalogue import OPERATORS
from rfviz.conv.operators.module import OperatorConv2d
from rfviz.conv.operators.operator import Operator
from rfviz.conv.operators.own import gradcheck_operator, load_operators, operator
from rfviz.conv.spec.spec import Conv2dSpec

SPEC = Conv2dSpec(3, padding=1, stride=2)
MIXING = {
    "mean": lambda patches, weight: weight @ (patches - patches.mean(1, keepdim=True)),
    "softmax": lambda patches, weight: (weight @ patches).softmax(1),
    "largest": lambda patches, weight: weight @ patches / patches.max(),
    "sorted": lambda patches, weight: (weight @ patches).sort(1).values,
    "number": lambda patches, weight: weight @ patches / patches.shape[1],
    "random": lambda patches, weight: weight @ patches * torch.rand(1),
}


@pytest.mark.parametrize("entry", OPERATORS, ids=lambda entry: entry.name)
@pytest.mark.parametrize("groups", [1, 2])
def test_training_and_evaluation_give_the_same(entry: Operator, groups: int) -> None:
    spec = Conv2dSpec(3, padding=1, stride=2, groups=groups, padding_mode="zeros")
    layer = OperatorConv2d(entry, spec, 4, 2, input_size=(9, 8), dtype=torch.float64)
    image = torch.rand(2, 4, 9, 8, dtype=torch.float64)
    trained = layer(image)
    with torch.no_grad():
        torch.testing.assert_close(layer(image), trained.detach())
    other = layer.to("meta")
    for mode in (torch.enable_grad, torch.no_grad):
        with mode():
            assert other(image.to("meta")).shape == trained.shape
    with pytest.raises(InputError, match="on cpu and the weight on meta"):
        other(image)


@pytest.mark.parametrize("name", MIXING)
def test_an_operator_that_mixes_fields_is_refused_everywhere(name: str) -> None:
    entry = operator(name=name)(MIXING[name])
    image, weight = torch.rand(1, 6, 6), torch.rand(2, 1, 3, 3)
    for use in (
        lambda: OperatorConv2d(entry, SPEC, 1, 2),
        lambda: apply_operator(image, weight, entry),
        lambda: apply_operator(image, weight.requires_grad_(), entry),
        lambda: gradcheck_operator(entry),
    ):
        with pytest.raises(InputError, match="gives other values for a receptive field when"):
            use()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_computes_in_the_type_of_the_weight(dtype: torch.dtype) -> None:
    layer, image = OperatorConv2d("adder", SPEC, 2, 3), torch.rand(1, 2, 6, 6)
    expected = layer(image)
    with torch.autocast("cpu", dtype=dtype):
        torch.testing.assert_close(layer(image), expected)
        convolved = torch.nn.Conv2d(2, 2, 1)(image)
        assert layer(convolved).dtype == torch.float32
        with torch.no_grad():
            torch.testing.assert_close(layer(image), expected.detach())


def test_a_layer_of_an_operators_file_is_saved_and_copied(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import rfviz\n@rfviz.operator(title='Largest')\ndef largest(patches, weight):\n"
        "    return (patches * weight[:, :, None]).amax(1)\n",
        encoding="utf-8",
    )
    (entry,) = load_operators(file)
    for operator_used in (entry, "adder"):
        layer, image = OperatorConv2d(operator_used, SPEC, 1, 2), torch.rand(1, 1, 6, 6)
        saved = io.BytesIO()
        torch.save(layer, saved)
        saved.seek(0)
        for again in (
            torch.load(saved, weights_only=False),
            copy.deepcopy(layer),
            pickle.loads(pickle.dumps(layer)),  # noqa: S301 - what was just written
        ):
            torch.testing.assert_close(again(image), layer(image))
    written = pickle.dumps(OperatorConv2d(entry, SPEC, 1, 2))
    file.unlink()
    with pytest.raises(InputError, match=r"There is no operator file 'mine.py'"):
        pickle.loads(written)  # noqa: S301 - what was just written
    unnamed = OperatorConv2d(Operator("sum", "Sum", lambda p, w: w @ p), SPEC, 1, 1)
    with pytest.raises(InputError, match="Operator 'sum' cannot be saved"):
        pickle.dumps(unnamed)
    assert copy.deepcopy(unnamed).operator is unnamed.operator


AS_A_MODULE = ("dot_product", "adder", "deformable", "masked_neighbourhood_attention", "gated")


@pytest.mark.parametrize("name", AS_A_MODULE)
# The exporter of TorchScript warns of itself, and of each size that it takes for a constant.
@pytest.mark.filterwarnings("ignore")
def test_compiles_whole_transforms_and_exports(name: str, tmp_path: Path) -> None:
    layer, image = OperatorConv2d(name, SPEC, 2, 3), torch.rand(2, 2, 7, 6)
    expected = layer(image)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(image), expected)
    expected.square().sum().backward()

    def loss(weight: torch.Tensor) -> torch.Tensor:
        out = torch.func.functional_call(layer, {"weight": weight}, (image,))
        total: torch.Tensor = out.square().sum()
        return total

    slope = torch.func.grad(loss)(layer.weight.detach())
    torch.testing.assert_close(slope, layer.weight.grad)
    torch.testing.assert_close(torch.func.vmap(layer)(image[:, None])[:, 0], expected)
    written = tmp_path / "layer.onnx"
    torch.onnx.export(layer, (image,), written, dynamo=False, opset_version=17)
    assert written.stat().st_size > 1000


@pytest.mark.parametrize("name", ["dot_product", "adder", "cosine_similarity", "dilation"])
def test_training_keeps_no_column_matrix(name: str) -> None:
    """What autograd holds between the ways is the picture, the weight and the bias."""
    layer, image = OperatorConv2d(name, Conv2dSpec(3, padding=1), 4, 4), torch.rand(8, 4, 16, 16)
    kept: list[int] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        layer(image.requires_grad_())
    assert sum(kept) == image.numel() + layer.weight.numel() + 4
