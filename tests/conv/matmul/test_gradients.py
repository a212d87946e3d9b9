"""Gradients, backwards, forwards, twice and batched: judged by differences, and by F.conv2d."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from random_sets import how_many
from random_specs import Case, conv2d_by_torch, random_case
from torch.autograd import gradcheck, gradgradcheck

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.fold import fold
from rfviz.conv.matmul import at_once
from rfviz.conv.matmul.compare import compare_with_conv2d
from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.matmul.strips import conv2d_strips
from rfviz.conv.operators.apply import apply_operator
from rfviz.conv.spec.spec import Conv2dSpec

# torch scripts its own decompositions when forward mode is first used, and warns of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def small_case(seed: int) -> Case:
    while True:
        case = random_case(seed)
        if case.image.ndim == 3 and case.image.numel() * case.weight.numel() < 1500:
            return case
        seed += 1000


@pytest.mark.parametrize("most_entries", [0, 2**14])
@pytest.mark.parametrize("seed", range(how_many(3, 6)))
def test_convolution_has_the_gradients_of_differences(
    seed: int, most_entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks, which go back by steps of their own, and at once, by torch's."""
    monkeypatch.setattr(at_once, "_MOST_ENTRIES", most_entries)
    case = small_case(seed)
    tensors = [t.clone().requires_grad_() for t in case[1:] if t is not None]

    def convolved(
        image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        return conv2d_by_matmul(image, weight, bias, spec=case.spec)

    assert gradcheck(convolved, tensors, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(convolved, tensors)


@pytest.mark.parametrize("seed", range(6))
def test_transforms_of_torch_func_agree_with_those_of_conv2d(seed: int) -> None:
    case = small_case(seed)

    def ours(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return conv2d_by_matmul(image, weight, case.bias, case.spec).square().sum()

    def theirs(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return conv2d_by_torch(case._replace(image=image, weight=weight)).square().sum()

    given, pictures = (case.image, case.weight), torch.stack([case.image, case.image * 2])
    for argument in (0, 1):
        got, expected = (torch.func.grad(f, argument)(*given) for f in (ours, theirs))
        torch.testing.assert_close(got, expected)
        assert got.any()
    got, expected = (torch.func.jvp(f, given, given) for f in (ours, theirs))
    torch.testing.assert_close(got, expected)
    got, expected = (
        torch.func.vmap(torch.func.grad(f), (0, None))(pictures, case.weight)
        for f in (ours, theirs)
    )
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(*(torch.func.hessian(f, 1)(*given) for f in (ours, theirs)))


@pytest.mark.parametrize("seed", range(how_many(2, 4)))
def test_every_way_to_entries_carries_gradients(seed: int) -> None:
    case = small_case(seed)
    image = case.image.clone().requires_grad_()
    matrix = ColumnMatrix(case.image, case.spec)
    vector = torch.randn(matrix.shape[1], dtype=torch.float64)
    ways: dict[str, Callable[..., Any]] = {
        "dense": lambda m: m.dense(),
        "all": lambda m: m[:],
        "reversed": lambda m: m[::-1, ::-2],
        "entry": lambda m: m[0, -1],
        "column": lambda m: m.column(0, 0),
        "rows": lambda m: torch.stack(list(m)),
        "transposed": lambda m: m.T,
        "product": lambda m: m @ vector,
        "padded": lambda m: m.padded_rows(0, 1),
        "fold": lambda m: fold(m.dense(), m.image.shape[1:], m.spec),
    }
    for name, way in ways.items():
        torch.testing.assert_close(
            way(ColumnMatrix(image, case.spec)).detach(), way(matrix), msg=name
        )
        assert gradcheck(lambda x, way=way: way(ColumnMatrix(x, case.spec)), image), name
    for name in ways.keys() - {"padded"}:

        def total(x: torch.Tensor, name: str = name) -> torch.Tensor:
            found: torch.Tensor = ways[name](ColumnMatrix(x, case.spec))
            return found.square().sum()

        ones = torch.ones_like(case.image)
        (expected,) = torch.autograd.grad(total(image), image)
        torch.testing.assert_close(torch.func.grad(total)(case.image), expected, msg=name)
        slope = torch.func.jvp(total, (case.image,), (ones,))[1]
        torch.testing.assert_close(slope, expected.sum(), msg=name)
        torch.testing.assert_close(
            torch.func.vmap(total)(torch.stack([case.image, ones])),
            torch.stack([total(case.image), total(ones)]),
            msg=name,
        )


@pytest.mark.parametrize(
    "work",
    [
        lambda x, w: compare_with_conv2d(x, w).by_matmul.sum(),
        lambda x, w: next(conv2d_strips(x, w)).by_matmul.sum(),
        lambda x, w: ColumnMatrix(x, Conv2dSpec(2)).overview(2, 2).sum(),
        lambda x, w: ColumnMatrix(x, Conv2dSpec(2)).padded_rows(0, 2).sum(),
    ],
)
def test_what_cannot_be_followed_is_a_sentence_and_no_zero(work: object) -> None:
    image, weight = torch.rand(1, 4, 4), torch.rand(1, 1, 2, 2)
    assert callable(work)
    with pytest.raises(InputError):
        torch.func.grad(work)(image, weight)
    with pytest.raises(InputError):
        torch.func.vmap(work, (0, None))(image[None], weight)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", ["dot_product", "adder", "local_variance", "partial_convolution"])
def test_operators_carry_gradients(name: str, seed: int) -> None:
    case = small_case(seed)
    tensors = [t.clone().requires_grad_() for t in case[1:] if t is not None]

    def applied(x: torch.Tensor, w: torch.Tensor, *bias: torch.Tensor) -> torch.Tensor:
        return apply_operator(x, w, name, case.spec, *bias)

    def total(x: torch.Tensor) -> torch.Tensor:
        return applied(x, case.weight).square().sum()

    expected = apply_operator(case.image, case.weight, name, case.spec, case.bias)
    torch.testing.assert_close(applied(*tensors).detach(), expected)
    assert gradcheck(applied, tensors)
    x = case.image.clone().requires_grad_()
    (slope,) = torch.autograd.grad(total(x), x)
    torch.testing.assert_close(torch.func.grad(total)(case.image), slope)
    pictures = torch.stack([case.image, case.image / 2])
    torch.testing.assert_close(
        torch.func.vmap(total)(pictures), torch.stack([total(x) for x in pictures])
    )
