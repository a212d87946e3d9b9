"""Calls that a person gets wrong: each is answered by a sentence, none by torch's words or silence.

`argument` as the expected words stands for Python's own `TypeError`, of an argument that is missing
or unknown; all the others are `InputError`.
"""

import warnings
from collections.abc import Callable
from importlib import import_module
from types import FunctionType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from rfviz import InputError

# Without types: the calls are wrong on purpose.
rfviz: Any = import_module("rfviz")
ColumnMatrix, Conv2dSpec, OperatorConv2d = (
    rfviz.ColumnMatrix,
    rfviz.Conv2dSpec,
    rfviz.OperatorConv2d,
)

Call = Callable[[], object]
Case = tuple[str, Call, str]

PICTURE = torch.arange(3 * 8 * 9, dtype=torch.float32).reshape(3, 8, 9)
BYTES = PICTURE.to(torch.uint8)
WEIGHT = torch.ones(4, 3, 3, 3)
BIAS = torch.zeros(4)
SPEC = Conv2dSpec(3)
MATRIX = ColumnMatrix(PICTURE, SPEC)
COLUMNS = MATRIX.dense()
ADDER = rfviz.operator(name="adder_again")(lambda patches, weight: weight @ patches)


def quantised(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Torch has them still, and warns that it soon has not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(x, 1.0, 0, dtype)


# What is no picture, for every function that takes one, and a word of the sentence.
PICTURES: dict[str, tuple[Any, str]] = {
    "array": (np.zeros((3, 8, 9)), "torch.from_numpy"),
    "pillow": (Image.new("RGB", (9, 8)), "rfviz.load_picture"),
    "list": ([[1.0]], "got list"),
    "text": ("scene.jpg", "got str"),
    "nothing": (None, "got NoneType"),
    "number": (5, "got int"),
    "height, width, channels": (torch.zeros(8, 2, 3), "permute(2, 0, 1)"),
    "array of (H, W, C)": (np.zeros((8, 9, 3)), "from_numpy(picture).permute(2, 0, 1)"),
    "grey without channel": (torch.zeros(8, 9), "[None]"),
    "five dimensions": (torch.zeros(1, 1, 3, 8, 9), "(1, 1, 3, 8, 9)"),
    "no rows": (torch.zeros(3, 0, 9), "(3, 0, 9)"),
    "no channels": (torch.zeros(0, 8, 9), "(0, 8, 9)"),
    "complex": (PICTURE.to(torch.complex64), "complex64"),
    "sparse": (PICTURE.to_sparse(), "sparse"),
    "quantised": (quantised(PICTURE, torch.quint8), "quint8"),
    "meta": (PICTURE.to("meta"), "meta"),
    "too small": (PICTURE[:, :2], "spans"),
}
READERS: dict[str, Callable[[Any], object]] = {
    "ColumnMatrix": lambda image: ColumnMatrix(image, SPEC),
    "conv2d_by_matmul": lambda image: rfviz.conv2d_by_matmul(image, WEIGHT),
    "compare_with_conv2d": lambda image: rfviz.compare_with_conv2d(image, WEIGHT),
    "apply_operator": lambda image: rfviz.apply_operator(image, WEIGHT, "adder"),
    "OperatorConv2d": OperatorConv2d("adder", SPEC, 3, 4),
}
# What is no weight, for every function that takes one.
WEIGHTS: dict[str, tuple[Any, str]] = {
    "array": (np.ones((4, 3, 3, 3)), "torch.from_numpy"),
    "layer": (nn.Conv2d(3, 4, 3), "layer.weight"),
    "list": ([1.0], "got list"),
    "one kernel": (torch.ones(3, 3), "(3, 3)"),
    "no filters": (torch.ones(0, 3, 3, 3), "(0, 3, 3, 3)"),
    "whole numbers": (WEIGHT.long(), "int64"),
    "complex": (WEIGHT.to(torch.complex64), "complex64"),
    "sparse": (WEIGHT.to_sparse(), "sparse"),
    "quantised": (quantised(WEIGHT, torch.qint8), "qint8"),
    "meta": (WEIGHT.to("meta"), "meta"),
    "other channels": (torch.ones(4, 2, 3, 3), "channels"),
    "float64": (WEIGHT.double(), "float64"),
}
MULTIPLIED: dict[str, Callable[..., object]] = {
    "conv2d_by_matmul": rfviz.conv2d_by_matmul,
    "compare_with_conv2d": rfviz.compare_with_conv2d,
    "apply_operator": lambda image, weight, bias=None, spec=None: rfviz.apply_operator(
        image, weight, "adder", spec, bias
    ),
}
BIASES: dict[str, tuple[Any, str]] = {
    "number": (0, "got int"),
    "array": (np.zeros(4), "got ndarray"),
    "too long": (torch.zeros(5), "(5,)"),
    "float64": (BIAS.double(), "float64"),
    "meta": (BIAS.to("meta"), "meta"),
    "sparse": (BIAS.to_sparse(), "sparse"),
}
SPECS: dict[str, tuple[Any, str]] = {
    "layer": (nn.Conv2d(3, 4, 3), "from_module"),
    "number": (3, "got int"),
    "words": ({"kernel_size": 3}, "got dict"),
    "other kernel": (Conv2dSpec(5), "5 × 5"),
}
# What is no size, for each parameter that is one.
SIZES: dict[str, Any] = {
    "true": True,
    "text": "3",
    "float": 2.5,
    "NaN": float("nan"),
    "infinite": float("inf"),
    "negative": -1,
    "huge": 10**30,
    "three": (1, 2, 3),
    "nothing": None,
    "complex": 3j,
    "array of floats": np.array([1.5, 2.0]),
    "tensor of bools": torch.tensor([True, True]),
    "meta": torch.ones(2, dtype=torch.int64, device="meta"),
    "pair of pairs": ((1, 1, 1), (1, 1, 1)),
}
POSITIONS: dict[str, Any] = {
    "outside": (8, 0),
    "negative": (-1, 0),
    "true": (True, False),
    "text": "12",
    "float": (0.5, 1),
    "nothing": None,
}

CASES: list[Case] = [
    *(
        (f"{name} of {what}", lambda read=read, wrong=wrong: read(wrong), says)
        for name, read in READERS.items()
        for what, (wrong, says) in PICTURES.items()
        # Of arrays and PIL images in the order of pictures there are column matrices.
        if not (name == "ColumnMatrix" and what in {"array", "pillow"})
    ),
    *(
        (f"{name} with weight {what}", lambda f=f, wrong=wrong: f(PICTURE, wrong), says)
        for name, f in MULTIPLIED.items()
        for what, (wrong, says) in WEIGHTS.items()
    ),
    *(
        (f"{name} with bias {what}", lambda f=f, wrong=wrong: f(PICTURE, WEIGHT, wrong), says)
        for name, f in MULTIPLIED.items()
        for what, (wrong, says) in BIASES.items()
    ),
    *(
        (f"{name} with spec {what}", lambda f=f, wrong=wrong: f(PICTURE, WEIGHT, None, wrong), says)
        for name, f in MULTIPLIED.items()
        for what, (wrong, says) in SPECS.items()
    ),
    *(
        (
            f"Conv2dSpec {field} {what}",
            lambda field=field, wrong=wrong: Conv2dSpec(**{"kernel_size": 3, field: wrong}),
            field,
        )
        for field in ("kernel_size", "stride", "padding", "dilation", "groups")
        for what, wrong in SIZES.items()
    ),
    *(
        (f"{name} size {what}", lambda f=f, wrong=wrong: f(wrong), "picture")
        for name, f in {
            "stack_geometry": lambda size: rfviz.stack_geometry([SPEC], size),
            "trace": lambda size: rfviz.trace(nn.Conv2d(3, 4, 1), size),
            "reads_per_pixel": lambda size: rfviz.reads_per_pixel(size, SPEC),
            "pixels_never_read": lambda size: rfviz.pixels_never_read(size, SPEC),
            "fold": lambda size: rfviz.fold(COLUMNS, size, SPEC),
            "output_size": SPEC.output_size,
        }.items()
        for what, wrong in SIZES.items()
        if not (name == "trace" and what == "three")
    ),
    *(
        (
            f"outputs_reading_pixel {what}",
            lambda wrong=wrong: rfviz.outputs_reading_pixel((8, 9), SPEC, wrong),
            "pixel",
        )
        for what, wrong in POSITIONS.items()
    ),
]
# Calls of one function each.
CASES += [
    ("Conv2dSpec as nn.Conv2d", lambda: Conv2dSpec(3, 16, 3), "Conv2dSpec(3)"),
    ("Conv2dSpec of nothing", Conv2dSpec, "argument"),
    ("Conv2dSpec of what is not", lambda: Conv2dSpec(3, strides=2), "argument"),
    ("Conv2dSpec same, strided", lambda: Conv2dSpec(3, stride=2, padding="same"), "stride 1"),
    ("Conv2dSpec SAME", lambda: Conv2dSpec(3, padding="SAME"), "Set padding to 'same'"),
    ("Conv2dSpec padding mode", lambda: Conv2dSpec(3, padding_mode="mirror"), "reflect"),
    ("Conv2dSpec padding mode 0", lambda: Conv2dSpec(3, padding_mode=0), "reflect"),
    ("from_module of a pool", lambda: Conv2dSpec.from_module(nn.MaxPool2d(2)), "MaxPool2d"),
    ("from_module of a class", lambda: Conv2dSpec.from_module(nn.Conv2d), "nn.Conv2d"),
    ("to_module of 0 channels", lambda: SPEC.to_module(0, 4), "in_channels"),
    ("to_module in whole numbers", lambda: SPEC.to_module(3, 4, dtype=torch.int64), "int64"),
    ("to_module in text", lambda: SPEC.to_module(3, 4, dtype="float32"), "float32"),
    ("to_module of huge", lambda: SPEC.to_module(2**31 - 1, 2**31 - 1), "memory"),
    ("ColumnMatrix without spec", lambda: ColumnMatrix(PICTURE), "argument"),
    ("ColumnMatrix of a kernel", lambda: ColumnMatrix(PICTURE, 3), "Conv2dSpec"),
    ("ColumnMatrix batch", lambda: ColumnMatrix(PICTURE[None], SPEC), "batch"),
    ("window by text", lambda: MATRIX["a"], "rows"),
    ("window by float", lambda: MATRIX[0.5], "rows"),
    ("window by True", lambda: MATRIX[True], "rows"),
    ("window by None", lambda: MATRIX[None], "2 dimensions"),
    ("window outside", lambda: MATRIX[27], "rows 27"),
    ("window of three", lambda: MATRIX[0, 0, 0], "2 dimensions"),
    ("window by huge", lambda: MATRIX[10**30], "rows"),
    ("window by NaN", lambda: MATRIX[float("nan")], "rows"),
    ("window by meta", lambda: MATRIX[torch.zeros(2, dtype=torch.int64, device="meta")], "rows"),
    ("window by step 0", lambda: MATRIX[::0], "sliced"),
    ("window by a mask too short", lambda: MATRIX[torch.ones(3, dtype=torch.bool)], "27"),
    ("set an entry", lambda: MATRIX.__setitem__((0, 0), 1), "cannot be set"),
    ("truth of a matrix", lambda: bool(MATRIX), "neither"),
    ("product of other size", lambda: MATRIX @ torch.ones(5), "columns"),
    ("product with text", lambda: MATRIX @ "a", "multiplied"),
    ("product with meta", lambda: MATRIX @ torch.ones(42, device="meta"), "CPU"),
    ("overview of 0", lambda: MATRIX.overview(0, 3), "from 1"),
    ("overview of text", lambda: MATRIX.overview("a", 3), "whole"),
    ("overview of True", lambda: MATRIX.overview(True, 3), "whole"),
    ("overview of NaN", lambda: MATRIX.overview(float("nan"), 3), "whole"),
    ("overview of columns by text", lambda: MATRIX.overview(2, 3, "all"), "columns"),
    ("overview of columns by a number", lambda: MATRIX.overview(2, 3, 5), "columns"),
    ("overview past the matrix", lambda: MATRIX.overview(2, 3, range(900)), "columns"),
    ("dense in a budget of text", lambda: MATRIX.dense("1 GB"), "budget"),
    ("dense in no budget", lambda: MATRIX.dense(0), "allowed"),
    ("padded rows by text", lambda: MATRIX.padded_rows("0", "1"), "the first row"),
    ("padded rows past the end", lambda: MATRIX.padded_rows(0, 99), "Rows"),
    ("column outside", lambda: MATRIX.column(6, 0), "output row"),
    ("column by True", lambda: MATRIX.column(True, 0), "output row"),
    ("entry by text", lambda: MATRIX.index_of("0", 0), "row"),
    ("pixel outside", lambda: MATRIX.entries_of_pixel(8, 0), "pixel"),
    ("pixel's channel", lambda: MATRIX.entries_of_pixel(0, 0, 3), "channel"),
    ("a batch of none", lambda: rfviz.conv2d_by_matmul(PICTURE[None][:0], WEIGHT), "no picture"),
    ("compare, rtol text", lambda: rfviz.compare_with_conv2d(PICTURE, WEIGHT, rtol="a"), "rtol"),
    (
        "compare, atol NaN",
        lambda: rfviz.compare_with_conv2d(PICTURE, WEIGHT, atol=float("nan")),
        "atol",
    ),
    ("compare, atol true", lambda: rfviz.compare_with_conv2d(PICTURE, WEIGHT, atol=True), "atol"),
    ("compare, atol negative", lambda: rfviz.compare_with_conv2d(PICTURE, WEIGHT, atol=-1), "atol"),
    (
        "conv, stride as of torch",
        lambda: rfviz.conv2d_by_matmul(PICTURE, WEIGHT, stride=2),
        "argument",
    ),
    ("apply unknown", lambda: rfviz.apply_operator(PICTURE, WEIGHT, "adderr"), "adder"),
    ("apply nothing", lambda: rfviz.apply_operator(PICTURE, WEIGHT, None), "operator"),
    ("apply a function", lambda: rfviz.apply_operator(PICTURE, WEIGHT, torch.add), "operator"),
    (
        "apply, parameters text",
        lambda: rfviz.apply_operator(PICTURE, WEIGHT, "adder", parameters="p"),
        "parameter",
    ),
    (
        "apply, parameter unknown",
        lambda: rfviz.apply_operator(PICTURE, WEIGHT, "adder", parameters={"q": 1}),
        "q",
    ),
    (
        "apply, mask text",
        lambda: rfviz.apply_operator(PICTURE, WEIGHT, "partial-convolution", mask="m"),
        "mask",
    ),
    (
        "apply, prepare text",
        lambda: rfviz.apply_operator(PICTURE, WEIGHT, "adder", prepare="half"),
        "prepare",
    ),
    ("apply, a batch", lambda: rfviz.apply_operator(PICTURE[None], WEIGHT, "adder"), "(C, H, W)"),
    ("layer of an unknown", lambda: OperatorConv2d("adderr", SPEC, 3, 4), "adder"),
    ("layer without spec", lambda: OperatorConv2d("adder", 3, 3, 4), "Conv2dSpec"),
    ("layer of no channels", lambda: OperatorConv2d("adder", SPEC, 0, 4), "in_channels"),
    ("layer of True", lambda: OperatorConv2d("adder", SPEC, True, 4), "in_channels"),
    (
        "layer of an empty batch",
        lambda: OperatorConv2d("adder", SPEC, 3, 4)(PICTURE[None][:0]),
        "picture",
    ),
    ("operator by no name", lambda: rfviz.operator(name="a b")(torch.add), "Python name"),
    ("operator of no function", lambda: rfviz.operator(name="a")(3), "function"),
    ("operator as a bare decorator", lambda: rfviz.operator(torch.add), "argument"),
    (
        "operator of parameters",
        lambda: rfviz.operator(name="a", parameters=3)(torch.add),
        "Parameters",
    ),
    ("gradcheck of text", lambda: rfviz.gradcheck_operator("adderr"), "adder"),
    ("gradcheck of a function", lambda: rfviz.gradcheck_operator(torch.add), "operator"),
    ("gradcheck, parameters", lambda: rfviz.gradcheck_operator(ADDER, 3), "parameter"),
    ("a learned tensor of no name", lambda: rfviz.Learned(3, ("K",)), "name"),
    ("a learned tensor of no shape", lambda: rfviz.Learned("gate", 3), "tuple"),
    ("a learned tensor of other sizes", lambda: rfviz.Learned("gate", ("Z", 0)), "'Z'"),
    ("a map of a sentence", lambda: rfviz.OutputMap("two words", ("T",)), "name"),
    ("a map of a list", lambda: rfviz.OutputMap("offsets", ["T", 2]), "tuple"),
    ("reads of offsets without a map", lambda: rfviz.Reads(sampled=True), "offsets"),
    ("reads of something else", lambda: rfviz.Reads(colour=True), "argument"),
    ("training on bytes", lambda: rfviz.train_beside("adder", BYTES[None], BIAS), "floating"),
    ("training on nothing", lambda: rfviz.train_beside("adder", PICTURE[None][:0], BIAS), "got"),
    ("training without labels", lambda: rfviz.train_beside("adder", PICTURE[None], None), "label"),
    ("operators of nowhere", lambda: rfviz.load_operators("nowhere.py"), "nowhere.py"),
    ("operators of None", lambda: rfviz.load_operators(None), "path"),
    ("operators of a number", lambda: rfviz.load_operators(3), "path"),
    ("operators of NUL", lambda: rfviz.load_operators("a\0b.py"), "path"),
    ("fold of an array", lambda: rfviz.fold(np.zeros((27, 42)), (8, 9), SPEC), "fold"),
    ("fold of a matrix", lambda: rfviz.fold(MATRIX, (8, 9), SPEC), "dense()"),
    ("fold of other columns", lambda: rfviz.fold(COLUMNS[:, 1:], (8, 9), SPEC), "(27, 41)"),
    ("fold of a vector", lambda: rfviz.fold(COLUMNS[0], (8, 9), SPEC), "(42,)"),
    ("fold of sparse", lambda: rfviz.fold(COLUMNS.to_sparse(), (8, 9), SPEC), "sparse"),
    ("fold of meta", lambda: rfviz.fold(COLUMNS.to("meta"), (8, 9), SPEC), "meta"),
    ("fold of no spec", lambda: rfviz.fold(COLUMNS, (8, 9), 3), "Conv2dSpec"),
    ("fold of nothing", lambda: rfviz.fold(COLUMNS[:0], (8, 9), SPEC), "(0, 42)"),
    ("reads by no spec", lambda: rfviz.reads_per_pixel((8, 9), 3), "Conv2dSpec"),
    ("reads of huge", lambda: rfviz.reads_per_pixel((2**31 - 1, 2**31 - 1), SPEC), "pixels"),
    ("never read, huge", lambda: rfviz.pixels_never_read((2**31 - 1,) * 2, SPEC), "pixels"),
    ("readers by no spec", lambda: rfviz.outputs_reading_pixel((8, 9), None, (0, 0)), "Conv2dSpec"),
    ("stack of a module", lambda: rfviz.stack_geometry(nn.Conv2d(3, 4, 3), (8, 9)), "list"),
    ("stack of numbers", lambda: rfviz.stack_geometry([3], (8, 9)), "int"),
    ("stack of nothing", lambda: rfviz.stack_geometry(None, (8, 9)), "list"),
    ("stack of a linear", lambda: rfviz.stack_geometry([nn.Linear(3, 3)], (8, 9)), "Linear"),
    ("stack that does not fit", lambda: rfviz.stack_geometry([SPEC] * 5, (8, 9)), "Layer 4"),
    ("trace of a list", lambda: rfviz.trace([nn.Conv2d(3, 4, 3)], (8, 9)), "stack_geometry"),
    ("trace of a class", lambda: rfviz.trace(nn.Conv2d, (8, 9)), "nn.Module"),
    ("bank of nothing", lambda: rfviz.filter_bank("sobel", 3, 1, 1), "sobel-x"),
    ("bank of None", lambda: rfviz.filter_bank(None, 3, 1, 1), "kernel"),
    ("bank of a list", lambda: rfviz.filter_bank(["box"], 3, 1, 1), "kernel"),
    ("bank of 0 filters", lambda: rfviz.filter_bank("box", 3, 1, 0), "out_channels"),
    ("bank of True", lambda: rfviz.filter_bank("box", True, 1, 1), "kernel_size"),
    ("bank of text", lambda: rfviz.filter_bank("box", 3, "1", 1), "in_channels"),
    ("bank of floats", lambda: rfviz.filter_bank("box", 3, 1.0, 1), "in_channels"),
    ("bank in text", lambda: rfviz.filter_bank("box", 3, 1, 1, dtype="float32"), "floating"),
    ("bank in ints", lambda: rfviz.filter_bank("box", 3, 1, 1, dtype=torch.int8), "floating"),
    ("bank across", lambda: rfviz.filter_bank("box", 3, 1, 1, across="x"), "across"),
    ("bank across a list", lambda: rfviz.filter_bank("box", 3, 1, 1, across=[]), "across"),
    ("bank by seed", lambda: rfviz.filter_bank("random", 3, 1, 1, seed="a"), "seed"),
    ("bank by seed NaN", lambda: rfviz.filter_bank("random", 3, 1, 1, seed=float("nan")), "seed"),
    ("bank by seed huge", lambda: rfviz.filter_bank("random", 3, 1, 1, seed=10**30), "seed"),
    ("bank of huge", lambda: rfviz.filter_bank("box", 3, 2**31 - 1, 2**31 - 1), "weights"),
    ("sample of nothing", lambda: rfviz.load_sample("cat"), "address"),
    ("sample of None", lambda: rfviz.load_sample(None), "address"),
    ("sample of a list", lambda: rfviz.load_sample(["scene"]), "address"),
    ("picture of a path", lambda: rfviz.load_picture("scene.jpg"), "open("),
    ("picture of nothing", lambda: rfviz.load_picture(b""), "empty"),
    ("picture of noise", lambda: rfviz.load_picture(b"\x00" * 100), "picture"),
    ("picture of pillow", lambda: rfviz.load_picture(PICTURES["pillow"][0]), "bytes"),
    ("grey of floats", lambda: rfviz.to_grey(PICTURE), "uint8"),
    ("grey of an array", lambda: rfviz.to_grey(BYTES.numpy()), "ndarray"),
    ("grey of channels last", lambda: rfviz.to_grey(BYTES.permute(1, 2, 0)), "permute(2, 0, 1)"),
    ("grey of meta", lambda: rfviz.to_grey(BYTES.to("meta")), "meta"),
    ("grey of sparse", lambda: rfviz.to_grey(BYTES.to_sparse()), "sparse"),
    ("reduced by 0", lambda: rfviz.reduce_picture(BYTES, 0), "at least 1"),
    ("reduced by True", lambda: rfviz.reduce_picture(BYTES, True), "at least 1"),
    ("reduced by NaN", lambda: rfviz.reduce_picture(BYTES, float("nan")), "at least 1"),
    ("reduced meta", lambda: rfviz.reduce_picture(BYTES.to("meta"), 2), "meta"),
    ("weights of a path", lambda: rfviz.load_weights("model.pt", "model.pt"), "open("),
    ("weights of no name", lambda: rfviz.load_weights(b"1 2", None), "name"),
    ("weights of nothing", lambda: rfviz.load_weights(b"", "a.pt"), "empty"),
    ("weights of another file", lambda: rfviz.load_weights(b"abc", "a.docx"), "no weights file"),
    ("weights read of a path", lambda: rfviz.read_weights("model.pt", "model.pt"), "open("),
    ("layers of a module", lambda: rfviz.layers_of(nn.Conv2d(3, 4, 3)), "state_dict"),
    ("layers of a list", lambda: rfviz.layers_of([WEIGHT]), "names"),
    ("layers of numbers", lambda: rfviz.layers_of({"a": 3}), "tensor"),
    ("matrices of one picture", lambda: rfviz.ColumnMatrices(PICTURE, SPEC), "a batch"),
    ("shown without a weight", lambda: rfviz.show(PICTURE, SPEC), "needs a weight"),
    ("shown at no output", lambda: rfviz.show(PICTURE, SPEC, WEIGHT, position=(9, 0)), "(0, 0)"),
    ("shown of no filter", lambda: rfviz.show(PICTURE, SPEC, WEIGHT, filter_index=4), "filter 4"),
    ("shown too large", lambda: rfviz.show(torch.ones(3, 999, 999), SPEC, WEIGHT), "at most 8 MB"),
    (
        "shown of (H, W, C)",
        lambda: rfviz.show(np.ones((8, 9, 3)), SPEC, WEIGHT),
        "permute(2, 0, 1)",
    ),
    ("architecture of no name", lambda: rfviz.architecture("VGG-17"), "VGG-16"),
    ("effective field of 0 units", lambda: rfviz.effective_field([], (0, 5)), "0"),
    ("strongest of a list", lambda: rfviz.strongest_fields([[1.0]], WEIGHT), "got list"),
    ("layer of no kind", lambda: rfviz.Layer("Conv3d", 3), "Conv3d"),
    ("branches of no path", lambda: rfviz.stack_geometry([rfviz.Branches(())], (8, 9)), "0 paths"),
    ("layers of None", lambda: rfviz.layers_of(None), "names"),
]


@pytest.mark.parametrize(("call", "says"), [pytest.param(c, s, id=n) for n, c, s in CASES])
def test_a_wrong_call_gets_a_sentence(call: Call, says: str) -> None:
    if says == "argument":
        with pytest.raises(TypeError, match="argument"):
            call()
        return
    with pytest.raises(InputError) as found:
        call()
    assert says in str(found.value)


def test_calls_are_many_and_cover_every_public_function() -> None:
    assert len(CASES) >= 125
    calls = [call for _, call, _ in CASES] + list(READERS.values()) + list(MULTIPLIED.values())
    code = [call.__code__ for call in calls if isinstance(call, FunctionType)]
    named = {name for one in code for name in (*one.co_names, one.co_name)}
    named |= {call.__name__ for call in calls if isinstance(call, FunctionType)}
    assert set(rfviz.__all__) - {"InputError", "Remedy", "OPERATORS"} <= named
