"""Every operator equals a formula of torch's own on random convolutions, and says what is wrong."""

import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from random_specs import Case, pad_by_torch, random_case

from rfviz.conv.errors import InputError
from rfviz.conv.operators.apply import apply_operator, operator_strips
from rfviz.conv.operators.catalogue import OPERATORS, operator_named
from rfviz.conv.operators.operator import Operator, OperatorParameter
from rfviz.conv.spec.spec import Conv2dSpec

Judge = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

# Of the receptive fields (L, 1, K), the weight (1, F, K) and the mask (L, 1, K): (L, F).
JUDGES: dict[str, Judge] = {
    "dot_product": lambda x, w, m: torch.einsum("lik,ofk->lf", x, w),
    "cosine_similarity": lambda x, w, m: F.cosine_similarity(x, w, dim=2),
    "squared_l2_distance": lambda x, w, m: F.pairwise_distance(x, w, p=2, eps=0) ** 2,
    "l1_distance": lambda x, w, m: torch.cdist(x[:, 0], w[0], p=1),
    "adder": lambda x, w, m: -torch.cdist(x[:, 0], w[0], p=1),
    "gaussian_kernel": lambda x, w, m: (F.pairwise_distance(x, w, eps=0).square() / -2).exp(),
    "polynomial_kernel": lambda x, w, m: (1 + (x * w).sum(2)).pow(3),
    "dilation": lambda x, w, m: torch.max(x + w, dim=2).values,
    "erosion": lambda x, w, m: -torch.max(w - x, dim=2).values,
    "max_pooling": lambda x, w, m: x.sort(2).values[..., -1].expand(-1, w.shape[1]),
    "mean_pooling": lambda x, w, m: x.sum(2).div(x.shape[2]).expand(-1, w.shape[1]),
    "median_pooling": lambda x, w, m: (
        x.sort(2).values[..., (x.shape[2] - 1) // 2].expand(-1, w.shape[1])
    ),
    "local_variance": lambda x, w, m: x.var(2, correction=0).expand(-1, w.shape[1]),
    "partial_convolution": lambda x, w, m: (
        ((x * m) * w).sum(2) * (x.shape[2] / m.sum(2)).nan_to_num(0, 0, 0)
    ),
    "normalised_convolution": lambda x, w, m: (
        (x * m * w).sum(2) / (m * w.abs()).sum(2)
    ).nan_to_num(0, 0, 0),
}


def single_case(seed: int, dtype: torch.dtype) -> Case:
    case = random_case(seed, dtype)
    return case if case.image.ndim == 3 else case._replace(image=case.image[0])


def random_mask(image: torch.Tensor, seed: int) -> torch.Tensor | None:
    """None, rows x columns, or a mask for each channel: holes, or anything from 0 to 1."""
    choose = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    generator = torch.Generator().manual_seed(seed)
    shape = choose.choice([image.shape, image.shape[1:]])
    certain = torch.rand(shape, generator=generator, dtype=image.dtype)
    return choose.choice([None, certain, certain.round(), certain.round() * certain])


def judged(case: Case, judge: Judge, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Unfold with torch, group by group, every filter beside every receptive field at once."""
    spec, image = case.spec, case.image
    known = torch.ones_like(image) if mask is None else mask.expand(image.shape)
    arguments = (spec.kernel_size, spec.dilation, 0, spec.stride)
    outputs = []
    parts = [pad_by_torch(part, spec).chunk(spec.groups) for part in (image, known)]
    for x, m, w in zip(*parts, case.weight.chunk(spec.groups), strict=True):
        fields = [F.unfold(part[None], *arguments)[0].T[:, None] for part in (x, m)]
        outputs.append(judge(fields[0], w.flatten(1)[None], fields[1]).T)
    size = spec.output_size((image.shape[1], image.shape[2]))
    out = torch.cat(outputs).reshape(-1, *size)
    return out if case.bias is None else out + case.bias[:, None, None]


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_equals_torch_on_random_convolutions(name: str, dtype: torch.dtype) -> None:
    tolerance = {torch.float64: (1e-12, 1e-12), torch.float32: (1e-4, 1e-4)}[dtype]
    for seed in range(25):
        case = single_case(seed, dtype)
        if name == "polynomial_kernel":
            case = case._replace(weight=case.weight / 4)
        mask = random_mask(case.image, seed) if operator_named(name).reads_mask else None
        out = apply_operator(case.image, case.weight, name, case.spec, case.bias, mask=mask)
        expected = judged(case, JUDGES[name], mask)
        torch.testing.assert_close(out, expected, rtol=tolerance[0], atol=tolerance[1])


def test_every_operator_is_judged_and_described() -> None:
    plain = {operator.name for operator in OPERATORS if operator.reads.is_plain}
    assert plain == set(JUDGES)
    for operator in OPERATORS:
        assert operator.title
        assert operator.formula.startswith("y")
        assert " = " in operator.formula
        assert operator.source
        assert all(parameter.does.endswith(".") for parameter in operator.parameters)


@pytest.mark.parametrize(
    ("name", "judge"),
    [
        ("dot_product", lambda x, w, k: F.conv2d(x[None], w, None, k.stride, groups=3)[0]),
        ("max_pooling", lambda x, w, k: F.max_pool2d(x, k.kernel_size, k.stride)),
        ("mean_pooling", lambda x, w, k: F.avg_pool2d(x, k.kernel_size, k.stride)),
        ("dilation", lambda x, w, k: F.max_pool2d(x, k.kernel_size, k.stride)),
        ("erosion", lambda x, w, k: -F.max_pool2d(-x, k.kernel_size, k.stride)),
        ("partial_convolution", lambda x, w, k: F.conv2d(x[None], w, None, k.stride, groups=3)[0]),
    ],
)
def test_equals_its_name_in_torch_where_depthwise(
    name: str, judge: Callable[[torch.Tensor, torch.Tensor, Conv2dSpec], torch.Tensor]
) -> None:
    image = torch.rand(3, 17, 20, dtype=torch.float64)
    weight = torch.rand(3, 1, 3, 5, dtype=torch.float64)
    weight = torch.zeros_like(weight) if name in {"dilation", "erosion"} else weight
    spec = Conv2dSpec((3, 5), stride=2, groups=3)
    out = apply_operator(image, weight, name, spec)
    torch.testing.assert_close(out, judge(image, weight, spec))


def test_parameters_reach_the_formula() -> None:
    image, weight = torch.rand(1, 4, 4), torch.rand(2, 1, 2, 2)
    dot = apply_operator(image, weight, "dot_product")
    out = apply_operator(
        image, weight, "polynomial_kernel", parameters={"degree": 2, "constant": 0.5}
    )
    torch.testing.assert_close(out, (dot + 0.5) ** 2)


@pytest.mark.parametrize("stride", [1, 3])
def test_blocks_of_any_size_give_one_result(monkeypatch: pytest.MonkeyPatch, stride: int) -> None:
    image = torch.rand(2, 13, 19, dtype=torch.float64)
    weight = torch.rand(3, 2, 3, 2, dtype=torch.float64)
    spec = Conv2dSpec((3, 2), stride=stride, padding=1, dilation=(2, 1), padding_mode="reflect")
    whole = apply_operator(image, weight, "adder", spec)
    for block_bytes in (1, 500, 3000):
        monkeypatch.setattr("rfviz.conv.im2col.blocks.BLOCK_BYTES", block_bytes)
        strips = list(operator_strips(image, weight, "adder", spec, rows_per_strip=2))
        assert [strip.rows.start for strip in strips] == list(range(0, whole.shape[1], 2))
        out = torch.cat([strip.values for strip in strips], 1)
        torch.testing.assert_close(out, whole, rtol=1e-13, atol=1e-13)


def test_prepare_leaves_the_padding_at_zero() -> None:
    image = torch.randint(0, 256, (3, 6, 7), dtype=torch.uint8)
    weight, spec = torch.rand(2, 3, 3, 3), Conv2dSpec(3, padding=2)
    out = apply_operator(image, weight, "l1_distance", spec, prepare=lambda x: (x - 100) / 255)
    expected = apply_operator((image.float() - 100) / 255, weight, "l1_distance", spec)
    torch.testing.assert_close(out, expected)
    with pytest.raises(InputError, match="must keep the shape"):
        apply_operator(image, weight, "l1_distance", spec, prepare=lambda x: x[..., 1:])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_types_are_computed_in_float32(dtype: torch.dtype) -> None:
    image, weight = torch.rand(2, 6, 6, dtype=dtype), torch.rand(2, 2, 3, 3, dtype=dtype)
    for operator in OPERATORS:
        out = apply_operator(image, weight, operator)
        expected = apply_operator(image.float(), weight.float(), operator).to(dtype)
        torch.testing.assert_close(out, expected, rtol=0, atol=0)


def test_mask_hides_even_what_is_not_a_number() -> None:
    image, mask = torch.rand(1, 5, 5), torch.ones(5, 5)
    image[0, 2, 2], mask[2, 2] = torch.nan, 0
    for name in ("partial_convolution", "normalised_convolution"):
        out = apply_operator(image, torch.rand(1, 1, 3, 3), name, mask=mask)
        assert torch.isfinite(out).all()


def test_nan_of_the_picture_passes_through() -> None:
    image = torch.rand(1, 5, 5)
    image[0, 0, 0] = torch.nan
    out = apply_operator(image, torch.rand(1, 1, 3, 3), "adder")
    assert out.isnan().nonzero().tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"operator": "blur"}, r"no operator 'blur'\. Choose one of dot_product"),
        ({"parameters": {"size": 3}}, "has no parameter size; it takes gamma"),
        ({"parameters": {"gamma": -1}}, r"gamma must be a number from 1e-06 to 100, got -1\. Set"),
        ({"parameters": {"gamma": float("nan")}}, "got nan"),
        ({"parameters": {"gamma": "wide"}}, "got 'wide'"),
        ({"image": torch.ones(2, 3, 5, 5)}, r"one \(C, H, W\), got \(2, 3, 5, 5\)"),
        ({"image": torch.ones(4, 5, 5)}, "reads 3 channels, but the picture has 4"),
        ({"spec": Conv2dSpec(5)}, "kernel of the spec is 5 × 5, the weight's is 3 × 3"),
        ({"rows_per_strip": 0}, "rows_per_strip must be a whole number"),
        ({"operator": "partial_convolution", "mask": torch.ones(4, 5)}, "must be 5 × 5 .* 3 chan"),
        (
            {"operator": "partial_convolution", "mask": torch.ones(5, 5) * 255},
            "from 0 .* 1 to 255|255",
        ),
        ({"operator": "partial_convolution", "mask": "all"}, "must be a torch.Tensor, got str"),
    ],
)
def test_says_what_is_wrong(arguments: dict[str, object], words: str) -> None:
    call = {"image": torch.ones(3, 5, 5), "weight": torch.ones(2, 3, 3, 3)}
    with pytest.raises(InputError, match=words):
        list(operator_strips(**(call | {"operator": "gaussian_kernel"} | arguments)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("two words", 1, 0, 2), "must be a Python name"),
        (("p", 3, 0, 2), "p must be a whole number from 0 to 2, got 3"),
        (("p", 1, 2, 0), "lower one first"),
        (("p", 1, 0, float("inf")), "must be two numbers"),
        (("p", True, 0, 1), "got True"),
    ],
)
def test_parameter_is_checked(arguments: tuple[str, float, float, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        OperatorParameter(*arguments)


def test_whole_parameter_stays_whole() -> None:
    parameter = OperatorParameter("degree", 2, 1, 5)
    assert parameter.checked(3.0) == 3
    assert isinstance(parameter.checked(3.0), int)
    with pytest.raises(InputError, match=r"whole number .* got 2\.5"):
        parameter.checked(2.5)


def test_slow_operator_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that goes a second forward whenever it is read."""
    times = iter(range(10**6))
    monkeypatch.setattr("rfviz.conv.operators.apply.time.perf_counter", lambda: next(times))
    monkeypatch.setattr("rfviz.conv.im2col.blocks.BLOCK_BYTES", 4000)
    slow = replace(operator_named("adder"), name="slow")
    image, weight = torch.rand(1, 100, 100), torch.rand(1, 1, 3, 3)
    with pytest.raises(
        InputError, match=r"'slow' is too slow .* of 9,604 outputs took .* the 5 s all"
    ):
        list(operator_strips(image, weight, slow, seconds_limit=5.0))


def test_result_requires_a_gradient_only_where_autograd_records() -> None:
    image, weight = torch.rand(1, 4, 4), torch.rand(1, 1, 2, 2, requires_grad=True)
    for operator in OPERATORS:
        recorded = apply_operator(image, weight, operator)
        with torch.no_grad():
            plain = apply_operator(image, weight, operator)
        assert not plain.requires_grad
        torch.testing.assert_close(recorded.detach(), plain)
        assert recorded.requires_grad or not operator.reads_weight


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, w: None, r"gave no tensor but NoneType\. It was given patches of"),
        (lambda x, w: x, r"gave \(27, 49\) for .* must give \(filters, n\), here \(2, 49\)"),
        (lambda x, w: (w @ x).double(), "gave torch.float64 for torch.float32"),
        (lambda x, w: w @ w, r"failed at line \d+ of test_operators.py: RuntimeError: mat1"),
        (lambda x, w: (w @ x - 99).sqrt(), r"gave NaN for 98 of 98 outputs, first for filter 0"),
    ],
)
def test_mistakes_of_a_function_are_explained(
    function: Callable[..., torch.Tensor], words: str
) -> None:
    mine = Operator("mine", "Mine", function)
    with pytest.raises(InputError, match=words) as caught:
        apply_operator(torch.ones(3, 9, 9), torch.ones(2, 3, 3, 3), mine)
    assert "patches of (27, 49)" in str(caught.value)
    assert "weight of (2, 27)" in str(caught.value)


_PEAK = """
import resource, sys, torch
from rfviz.conv.operators.apply import operator_strips
from rfviz.conv.spec.spec import Conv2dSpec
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
image = torch.zeros(3, 3000, 4000, dtype=torch.uint8)
weight, spec = torch.ones(1, 3, 11, 11), Conv2dSpec(11, stride=8, padding=5)
list(operator_strips(image[:, :64, :64], weight, sys.argv[1], spec))
before = peak()
for strip in operator_strips(image, weight, sys.argv[1], spec):
    pass
sys.stdout.write(str(peak() - before))
"""


@pytest.mark.parametrize("name", ["normalised_convolution"])
def test_twelve_megapixels_in_bounded_memory(name: str) -> None:
    """The whole column matrix of this picture would take 270 MB in float32."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, name], check=True, capture_output=True, text=True, cwd=root
    )
    assert float(done.stdout) < 60
