"""Fold against nn.Fold, and as the adjoint of unfold in every padding mode."""

import pytest
import torch
from random_specs import random_case, unfold_by_torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.im2col import fold as folding
from rfviz.conv.im2col.fold import fold
from rfviz.conv.spec.spec import Conv2dSpec


def test_equals_nn_fold_on_random_specs() -> None:
    compared = 0
    for seed in range(2000):
        spec, image = random_case(seed)[:2]
        pads = spec.pads
        columns = torch.randn_like(unfold_by_torch(image, spec))
        if spec.padding_mode != "zeros" or any(before != after for before, after in pads):
            continue
        padding = (pads[0][0], pads[1][0])
        expected = nn.Fold(image.shape[-2:], spec.kernel_size, spec.dilation, padding, spec.stride)(
            columns
        )
        torch.testing.assert_close(fold(columns, image.shape[-2:], spec), expected)
        compared += 1
    assert compared > 200


@pytest.mark.parametrize("seed", range(300))
def test_is_the_adjoint_of_unfold(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every other one tap by tap, as large ones are.
    monkeypatch.setattr(folding, "_MOST_ENTRIES", seed % 2 * 2**12)
    case = random_case(seed)
    image = case.image.clone().requires_grad_()
    unfolded = unfold_by_torch(image, case.spec)
    columns = torch.randn_like(unfolded)
    (expected,) = torch.autograd.grad(unfolded, image, columns)
    torch.testing.assert_close(fold(columns, image.shape[-2:], case.spec), expected)


@pytest.mark.parametrize("leading", [(), (2,), (2, 3), (1, 1, 2)])
def test_any_leading_dimensions(leading: tuple[int, ...]) -> None:
    columns = torch.randn(*leading, 2 * 4, 6, dtype=torch.float64)
    folded = fold(columns, (3, 4), Conv2dSpec(2))
    assert folded.shape == (*leading, 2, 3, 4)
    single = torch.stack([fold(one, (3, 4), Conv2dSpec(2)) for one in columns.reshape(-1, 8, 6)])
    torch.testing.assert_close(folded, single.reshape(folded.shape))


def test_integers_and_gradients() -> None:
    ones = torch.ones(4, 4, dtype=torch.int32)
    torch.testing.assert_close(fold(ones, (3, 3), Conv2dSpec(2)).sum(), torch.tensor(16))
    columns = torch.ones(4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: fold(x, (3, 3), Conv2dSpec(2)), columns)


@pytest.mark.parametrize(
    "columns",
    [
        torch.ones(4, 5),
        torch.ones(5, 4),
        torch.ones(4),
        torch.ones(0, 4),
        torch.ones(4, 4) > 0,
        [1],
    ],
)
def test_wrong_columns_are_sentences(columns: torch.Tensor) -> None:
    with pytest.raises(InputError):
        fold(columns, (3, 3), Conv2dSpec(2))


def test_the_sentence_has_expected_and_given() -> None:
    with pytest.raises(InputError, match=r"channels \* 4, 4\).*got \(4, 5\)"):
        fold(torch.ones(4, 5), (3, 3), Conv2dSpec(2))
