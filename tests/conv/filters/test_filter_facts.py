"""Facts and edits of filters against torch's own formulas."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from rfviz.conv.errors import InputError
from rfviz.conv.filters.edits import flipped, sum_to_one, sum_to_zero, transposed, unit_norm
from rfviz.conv.filters.facts import filter_facts, frequency_response, near_duplicates


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 5, 4), (7, 1, 3, 3), (40, 8, 1, 2)])
def test_facts_are_torchs(shape: tuple[int, ...]) -> None:
    weight = noise(*shape)
    facts = filter_facts(weight)
    assert_close(facts.total, weight.sum((1, 2, 3)))
    assert_close(facts.mean, weight.mean((1, 2, 3)))
    assert_close(facts.l1, weight.abs().sum((1, 2, 3)))
    assert_close(facts.l2, weight.square().sum((1, 2, 3)).sqrt())
    rows = weight.flatten(1)
    for index in range(len(rows)):
        cosines = F.cosine_similarity(rows[index][None], rows)
        cosines[index] = -torch.inf
        if len(rows) > 1:
            assert int(facts.nearest[index]) == int(cosines.argmax())
            assert_close(facts.cosine[index], cosines.max())
        else:
            assert int(facts.nearest[index]) == -1


def test_dead_filters_are_those_that_add_nothing() -> None:
    weight = noise(4, 1, 3, 3)
    weight[1], weight[3] = 0, 1e-9
    facts = filter_facts(weight)
    assert facts.dead.tolist() == [False, True, False, True]
    assert facts.nearest[1] == -1


def test_near_duplicates_are_found_once_the_most_alike_first() -> None:
    weight = noise(5, 2, 3, 3)
    weight[3] = 4 * weight[0]
    weight[4] = weight[1] + 0.1 * weight[2]
    pairs = near_duplicates(weight, 0.9)
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 3), (1, 4)]
    assert near_duplicates(weight, 0.9, most=1) == pairs[:1]
    assert near_duplicates(torch.zeros(3, 1, 2, 2), 0.0) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 7), (11, 4)])
def test_response_is_the_amplitude_of_the_answer_to_a_wave(size: tuple[int, int]) -> None:
    kernel = noise(*size)
    response = frequency_response(kernel, 9)
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    for down, across in ((4, 4), (0, 3), (6, 8), (2, 5)):
        frequencies = (down - 4) / 8, (across - 4) / 8
        angle = 2 * torch.pi * (frequencies[0] * rows + frequencies[1] * columns).double()
        answers = [
            F.conv2d(wave[None, None], kernel[None, None]) for wave in (angle.cos(), angle.sin())
        ]
        amplitude = (answers[0] ** 2 + answers[1] ** 2).sqrt()
        assert_close(amplitude, response[down, across].expand_as(amplitude))


def test_flip_makes_a_true_convolution() -> None:
    picture, kernel = noise(1, 1, 6, 7), noise(1, 1, 3, 3, seed=1)
    # Full convolution in frequency space, of which the middle is the one without padding.
    product = torch.fft.rfft2(picture, (8, 9)) * torch.fft.rfft2(kernel, (8, 9))
    full = torch.fft.irfft2(product, (8, 9))
    assert_close(F.conv2d(picture, flipped(kernel)), full[..., 2:6, 2:7])


def test_edits_keep_what_they_promise() -> None:
    weight = noise(3, 2, 4, 4)
    assert_close(transposed(weight), weight.permute(0, 1, 3, 2))
    assert_close(unit_norm(weight).square().sum((1, 2, 3)), torch.ones(3).double())
    assert_close(sum_to_zero(weight).sum((1, 2, 3)), torch.zeros(3).double())
    assert_close(sum_to_one(weight).sum((1, 2, 3)), torch.ones(3).double())


@pytest.mark.parametrize(
    ("edit", "weight"),
    [
        (transposed, torch.ones(1, 1, 2, 3)),
        (unit_norm, torch.zeros(1, 1, 2, 2)),
        (sum_to_one, torch.tensor([[[[1.0, -1.0]]]])),
    ],
)
def test_edit_that_cannot_be_is_refused(edit: object, weight: torch.Tensor) -> None:
    assert callable(edit)
    with pytest.raises(InputError):
        edit(weight)


@pytest.mark.parametrize("shape", [(3,), (2, 2), (0, 1, 3, 3)])
def test_what_is_no_weight_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        filter_facts(torch.ones(shape))
    with pytest.raises(InputError):
        frequency_response(torch.ones(1, 2, 3))
