"""The public test vectors of ONNX for Conv and Col2Im, through the public names.

The `onnx` package carries them as the export functions of its backend node tests, and those that
PyTorch gave it as files; nothing is fetched.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.fold import fold
from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.spec.padding_modes import Pads
from rfviz.conv.spec.spec import Conv2dSpec

with warnings.catch_warnings():
    # What other operators' vectors warn about while the package collects them is not ours.
    warnings.simplefilter("ignore")
    import onnx
    from onnx import numpy_helper
    from onnx.backend.test.case.node import collect_testcases
    from onnx.backend.test.case.node.col2im import Col2Im
    from onnx.backend.test.case.node.conv import Conv
    from onnx.helper import get_attribute_value
    from onnx.reference import ReferenceEvaluator


def vectors(op_type: str) -> dict[str, Any]:
    """Test cases by name; importing the two classes has exported theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases: list[Any] = collect_testcases("Conv")
    return {case.name: case for case in cases if case.model.graph.node[0].op_type == op_type}


CONV, COL2IM = vectors(Conv.__name__), vectors(Col2Im.__name__)
STORED = sorted(
    (Path(onnx.__file__).parent / "backend/test/data/pytorch-converted").glob("*Conv2d*")
)


def attributes_of(model: Any) -> dict[str, Any]:
    (node,) = model.graph.node
    return {name: get_attribute_value(attribute) for name, attribute in named_attributes(node)}


def named_attributes(node: Any) -> list[tuple[str, Any]]:
    return [(attribute.name, attribute) for attribute in node.attribute]


def tensors_of(case: Any) -> tuple[list[torch.Tensor], torch.Tensor]:
    (inputs, (output,)) = case.data_sets[0]
    return [torch.from_numpy(np.array(x)) for x in inputs], torch.from_numpy(np.array(output))


def same_pads(size: list[int], kernel: list[int], stride: list[int], *, lower: bool) -> Pads:
    """Padding of auto_pad, from the ONNX text: output = ceil(input / stride), odd pixel by name."""
    pads = []
    for n, k, s in zip(size, kernel, stride, strict=True):
        total = max(0, (-(-n // s) - 1) * s + k - n)
        small = total // 2
        pads.append((total - small, small) if lower else (small, total - small))
    return pads[0], pads[1]


def spec_of(attributes: dict[str, Any], size: list[int], kernel: list[int]) -> Conv2dSpec:
    stride = attributes.get("strides", [1, 1])
    auto = attributes.get("auto_pad", b"NOTSET")
    if auto.startswith(b"SAME"):
        padding = same_pads(size, kernel, stride, lower=auto == b"SAME_LOWER")
    else:
        top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
        padding = ((top, bottom), (left, right))
    return Conv2dSpec(
        kernel,
        stride=stride,
        padding=padding,
        dilation=attributes.get("dilations", [1, 1]),
        groups=attributes.get("group", 1),
    )


def test_the_vectors_are_there() -> None:
    assert len(CONV) >= 6
    assert len(COL2IM) >= 5
    assert len(STORED) >= 11
    autopad = {attributes_of(case.model).get("auto_pad") for case in CONV.values()}
    assert b"SAME_LOWER" in autopad
    assert "test_conv_with_strides_and_asymmetric_padding" in CONV


@pytest.mark.parametrize("name", sorted(CONV))
def test_conv(name: str) -> None:
    (image, weight, *bias), expected = tensors_of(CONV[name])
    size, kernel = list(image.shape[2:]), list(weight.shape[2:])
    spec = spec_of(attributes_of(CONV[name].model), size, kernel)
    got = conv2d_by_matmul(image, weight, bias[0] if bias else None, spec)
    torch.testing.assert_close(got, expected)
    columns = torch.stack([ColumnMatrix(one, spec).dense() for one in image])
    by_columns = (weight.flatten(1) @ columns).view(expected.shape)
    torch.testing.assert_close(by_columns, expected)


def stored_tensor(folder: Path, name: str) -> torch.Tensor:
    tensor = onnx.TensorProto.FromString((folder / "test_data_set_0" / name).read_bytes())
    return torch.from_numpy(numpy_helper.to_array(tensor).copy())


@pytest.mark.parametrize("folder", STORED, ids=lambda folder: folder.name)
def test_stored_conv(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    stored = [numpy_helper.to_array(tensor).copy() for tensor in model.graph.initializer]
    weight, *bias = (torch.from_numpy(tensor) for tensor in stored)
    image = stored_tensor(folder, "input_0.pb")
    spec = spec_of(attributes_of(model), list(image.shape[2:]), list(weight.shape[2:]))
    got = conv2d_by_matmul(image, weight, bias[0] if bias else None, spec)
    torch.testing.assert_close(got, stored_tensor(folder, "output_0.pb"), rtol=1e-3, atol=1e-6)


# The stored vectors pad opposite sides alike; the package's reference evaluator makes the others.
GENERATED = [
    {"pads": [0, 1, 2, 0]},
    {"pads": [3, 0, 0, 1], "strides": [2, 1]},
    {"pads": [1, 0, 2, 3], "dilations": [2, 1], "group": 2},
    {"auto_pad": "SAME_LOWER"},
    {"auto_pad": "SAME_UPPER"},
    {"auto_pad": "SAME_LOWER", "strides": [2, 3]},
    {"auto_pad": "SAME_UPPER", "strides": [2, 3]},
    {"auto_pad": "VALID", "group": 4},
]


@pytest.mark.parametrize("attributes", GENERATED, ids=str)
def test_generated_conv(attributes: dict[str, Any]) -> None:
    group = attributes.get("group", 1)
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 4, 8, 9, generator=generator)
    weight = torch.randn(4, 4 // group, 4, 2, generator=generator)
    bias = torch.randn(4, generator=generator)
    node = onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"], kernel_shape=[4, 2], **attributes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (expected,) = ReferenceEvaluator(node).run(
            None, {"x": image.numpy(), "w": weight.numpy(), "b": bias.numpy()}
        )
    read = {key: get_attribute_value(value) for key, value in named_attributes(node)}
    spec = spec_of(read, [8, 9], [4, 2])
    got = conv2d_by_matmul(image, weight, bias, spec)
    torch.testing.assert_close(got, torch.from_numpy(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", sorted(COL2IM))
def test_col2im(name: str) -> None:
    (columns, image_shape, block_shape), expected = tensors_of(COL2IM[name])
    if len(image_shape) != 2:
        with pytest.raises(InputError):
            Conv2dSpec(block_shape.tolist())
        return
    spec = spec_of(attributes_of(COL2IM[name].model), image_shape.tolist(), block_shape.tolist())
    torch.testing.assert_close(fold(columns, image_shape.tolist(), spec), expected)
