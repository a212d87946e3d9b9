"""An operator of one's own: loaded from a file, explained when wrong, trained, and exported."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.operators.apply import apply_operator
from rfviz.conv.operators.catalogue import OPERATORS, operator_named
from rfviz.conv.operators.module import OperatorConv2d
from rfviz.conv.operators.operator import Operator
from rfviz.conv.operators.own import (
    gradcheck_operator,
    load_operators,
    operator,
    try_operator,
)
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.export.operator_module import module_code

FILE = '''
import math

import torch

from rfviz.conv.operators.own import operator

SCALE = 2.0


def halved(x):
    return x / SCALE


@operator(title="Soft maximum", parameters={"sharpness": (1.0, 0.1, 10.0)})
def soft_maximum(patches, weight, sharpness):
    """Logarithm of the mean of exponentials of the products."""
    products = patches * weight[:, :, None]
    n = [math.log(patches.shape[0]) for _ in range(1)][0]
    return halved((torch.logsumexp(sharpness * products, 1) - n) / sharpness)
'''


def write(folder: Path, code: str) -> Path:
    path = folder / "my_operators.py"
    path.write_text(code, encoding="utf-8")
    return path


def soft_maximum(tmp_path: Path) -> Operator:
    (entry,) = load_operators(write(tmp_path, FILE))
    return entry


def test_file_of_operators(tmp_path: Path) -> None:
    entry = soft_maximum(tmp_path)
    assert (entry.name, entry.title) == ("soft_maximum", "Soft maximum")
    assert entry.source == "Logarithm of the mean of exponentials of the products."
    assert entry.values() == {"sharpness": 1.0}
    image, weight = torch.rand(2, 5, 6), torch.rand(3, 2, 3, 3)
    out = apply_operator(image, weight, entry, parameters={"sharpness": 2.0})
    fields = torch.nn.functional.unfold(image[None], 3)[0]
    mean = (2 * fields * weight.flatten(1)[:, :, None]).exp().mean(1)
    torch.testing.assert_close(out.flatten(1), mean.log() / 4)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1", "makes no operator"),
        ("def (", r"failed at line 1 of my_operators.py: SyntaxError"),
        ("import no_such_module", r"failed at line 1 .* ModuleNotFoundError: No module named"),
        ("\n\n1 / 0", r"failed at line 3 of my_operators.py: ZeroDivisionError"),
        (
            "from rfviz import operator\n@operator()\ndef f(patches):\n    return patches",
            r"cannot be called as \(patches, weight\): too many positional",
        ),
        (
            "from rfviz import operator\n@operator(parameters={'p': (1, 0, 2)})\n"
            "def f(patches, weight):\n    return weight @ patches",
            r"called as \(patches, weight, p=...\): got an unexpected keyword argument 'p'",
        ),
        (
            "from rfviz import operator\n@operator(parameters={'p': 3})\n"
            "def f(patches, weight, p):\n    return weight @ patches",
            r"must be OperatorParameters or \{name: \(default, low, high\)\}",
        ),
        (
            "from rfviz import operator\n@operator()\ndef f(patches, weight):\n"
            "    return patches @ weight",
            r"'f' failed at line 4 .* given patches of \(12, 5\) and weight of \(3, 12\)",
        ),
        (
            "from rfviz import operator\n@operator()\ndef f(patches, weight):\n"
            "    return patches.sub_(1).sum(0).expand(len(weight), -1)",
            "changes the patches or the weight",
        ),
        (
            "from rfviz import operator\n@operator()\ndef adder(patches, weight):\n"
            "    return weight @ patches",
            "names an operator 'adder', which there is already",
        ),
        (
            "from rfviz import operator\nclass Odd(Exception): pass\n@operator()\n"
            "def f(patches, weight):\n    raise Odd('strange')",
            "failed at line 5 of my_operators.py: Odd: strange",
        ),
    ],
)
def test_mistakes_in_a_file_are_explained(tmp_path: Path, code: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_operators(write(tmp_path, code))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no operator file 'none.py'"):
        load_operators(tmp_path / "none.py")


def test_name_must_be_one() -> None:
    with pytest.raises(InputError, match="must be a Python name, got 'two words'"):
        operator(name="two words")(lambda patches, weight: weight @ patches)


def test_stop_is_not_swallowed() -> None:
    @operator()
    def stops(patches: Any, weight: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        try_operator(stops)


@pytest.mark.parametrize("entry", OPERATORS, ids=lambda entry: entry.name)
def test_operators_that_read_their_weight_can_be_trained(entry: Operator) -> None:
    check = gradcheck_operator(entry)
    assert check.trainable == entry.reads_weight
    assert check.sentence.endswith(".")


def test_gradient_that_is_wrong_or_missing_is_told() -> None:
    @operator()
    def detached(patches: Any, weight: Any) -> Any:
        return (weight @ patches).detach()

    @operator()
    def straight_through(patches: Any, weight: Any) -> Any:
        out = weight @ patches
        return out + (out.round() - out).detach()

    assert gradcheck_operator(detached).sentence.startswith("No gradient flows")
    check = gradcheck_operator(straight_through)
    assert not check.trainable
    assert check.sentence.startswith("Its gradient differs from what its values do")


@pytest.mark.parametrize("entry", OPERATORS, ids=lambda entry: entry.name)
@pytest.mark.parametrize(
    "spec",
    [
        Conv2dSpec((3, 2), stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2), groups=2),
        Conv2dSpec(3, padding=1, padding_mode="circular"),
    ],
)
def test_module_and_its_code_equal_the_function(entry: Operator, spec: Conv2dSpec) -> None:
    torch.manual_seed(0)
    module = OperatorConv2d(entry, spec, 4, 6, input_size=(8, 9))
    images = torch.rand(2, 4, 8, 9)
    applied = torch.stack(
        [apply_operator(image, module.weight, entry, spec, module.bias) for image in images]
    )
    torch.testing.assert_close(module(images), applied)
    with torch.no_grad():
        torch.testing.assert_close(module(images), applied)
    torch.testing.assert_close(module(images[0]), applied[0])
    if not entry.reads.is_plain:
        with pytest.raises(InputError, match=r"reads more .* Use rfviz.OperatorConv2d\("):
            module_code(entry, spec, 4, 6)
        return
    written = instance_of(module_code(entry, spec, 4, 6))
    written.load_state_dict(module.state_dict())
    torch.testing.assert_close(written(images), applied)


def instance_of(code: str) -> nn.Module:
    """The module that the code defines, made where there is nothing else."""
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), names)  # noqa: S102 - the code under test
    assert "rfviz" not in code
    (made,) = [v for v in names.values() if isinstance(v, type) and v.__module__ == "exported"]
    instance: nn.Module = made()
    return instance


def test_code_of_ones_own_operator_brings_what_it_uses(tmp_path: Path) -> None:
    entry, spec = soft_maximum(tmp_path), Conv2dSpec(3)
    module = OperatorConv2d(entry, spec, 2, 3, bias=False, parameters={"sharpness": 3})
    code = module_code(entry, spec, 2, 3, bias=False, parameters={"sharpness": 3})
    assert "import math" in code
    assert "SCALE = 2.0" in code
    assert "@" not in code
    written = instance_of(code)
    written.load_state_dict(module.state_dict())
    image = torch.rand(1, 2, 6, 6)
    torch.testing.assert_close(written(image), module(image))


def test_code_that_cannot_be_written_is_refused() -> None:
    table = torch.ones(3)

    @operator()
    def closes_over(patches: Any, weight: Any) -> Any:
        return table.sum() * (weight @ patches)

    with pytest.raises(InputError, match="uses table of the function around it"):
        module_code(closes_over, Conv2dSpec(3), 1, 1)
    unnamed = Operator("unnamed", "Unnamed", lambda patches, weight: weight @ patches)
    with pytest.raises(InputError, match="is no function written with def"):
        module_code(unnamed, Conv2dSpec(3), 1, 1)


@pytest.mark.parametrize("name", ["dot_product", "adder", "gaussian_kernel", "cosine_similarity"])
def test_training_recovers_some_of_a_hidden_filter(name: str) -> None:
    torch.manual_seed(0)
    spec = Conv2dSpec(3)
    hidden, module = OperatorConv2d(name, spec, 1, 2), OperatorConv2d(name, spec, 1, 2)
    images = torch.rand(4, 1, 8, 8)
    wanted = hidden(images).detach()
    optimiser = torch.optim.Adam(module.parameters(), lr=0.03)
    losses = []
    for _ in range(60):
        loss = nn.functional.mse_loss(module(images), wanted)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 5


def test_own_operator_trains(tmp_path: Path) -> None:
    entry = soft_maximum(tmp_path)
    assert gradcheck_operator(entry).trainable


def test_dot_product_module_is_the_convolution() -> None:
    module = OperatorConv2d("dot_product", Conv2dSpec(3, padding=1), 3, 4)
    image = torch.rand(3, 7, 7)
    expected = conv2d_by_matmul(image, module.weight, module.bias, module.spec)
    torch.testing.assert_close(module(image).detach(), expected)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.rand(2, 5, 5), r"needs \(N, 3, H, W\) or \(3, H, W\), got \(2, 5, 5\)"),
        (torch.rand(3, 5), r"got \(3, 5\)"),
        (torch.rand(3, 5, 5).double(), "picture is torch.float64 and the weight torch.float32"),
        (torch.rand(3, 2, 5), "kernel"),
    ],
)
def test_module_says_what_it_needs(image: torch.Tensor, words: str) -> None:
    module = OperatorConv2d(operator_named("adder"), Conv2dSpec(3), 3, 1)
    with pytest.raises(InputError, match=words):
        module(image)
