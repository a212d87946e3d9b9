"""The matmul in blocks against nn.Conv2d, for every type, grouping, padding and block size."""

import pytest
import torch
import torch.nn.functional as F
from random_sets import how_many
from random_specs import conv2d_by_torch, random_case
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.fold import fold
from rfviz.conv.matmul import at_once, small_pictures
from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.matmul.strips import conv2d_strips
from rfviz.conv.spec.spec import Conv2dSpec


def magnitude(case_out: torch.Tensor) -> float:
    return max(1.0, float(case_out.abs().max()))


@pytest.mark.parametrize("block", range(how_many(5, 20)))
def test_equals_conv2d_on_random_specs_in_float64(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        case = random_case(seed)
        expected = conv2d_by_torch(case)
        got = conv2d_by_matmul(case.image, case.weight, case.bias, case.spec)
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-12 * magnitude(expected))


@pytest.mark.parametrize("deep", [1, 1000])
def test_small_maps_in_either_order_of_their_columns(
    deep: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Channels last or first, and parts of any size; nothing is multiplied at once."""
    monkeypatch.setattr(at_once, "_MOST_ENTRIES", 0)
    monkeypatch.setattr(small_pictures, "_DEEP", deep)
    for seed in range(how_many(100, 400)):
        monkeypatch.setattr(small_pictures, "_CACHE_BYTES", 4 ** (seed % 11))
        case = random_case(seed)
        expected = conv2d_by_torch(case)
        got = conv2d_by_matmul(case.image, case.weight, case.bias, case.spec)
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-12 * magnitude(expected))


def test_what_is_multiplied_at_once_is_small_and_as_wide_as_its_sums() -> None:
    few, spec = at_once.are_few, Conv2dSpec(3, padding=1)
    weight = torch.ones(1, 1, 3, 3)
    assert few(torch.ones(1, 1, 5, 5), weight, spec, 2**20)
    assert not few(torch.ones(1, 1, 5, 5), weight, spec, 4 * 9 * 25 - 1)
    assert not few(torch.ones(1, 1, 50, 50), weight, spec, 2**20)
    assert not few(torch.ones(1, 1, 5, 5), weight.bfloat16(), spec, 2**20)
    with torch.autocast("cpu"):
        image = torch.rand(1, 1, 5, 5)
        assert not few(image, weight, spec, 2**20)
        assert conv2d_by_matmul(image, weight, spec=spec).dtype == torch.float32


def test_a_call_is_checked_once_for_its_shapes_and_each_time_for_its_values() -> None:
    """What fits is remembered by shapes; a tensor that is not plain is refused all the same."""
    image, weight = torch.ones(1, 1, 5, 5), torch.ones(1, 1, 3, 3)
    conv2d_by_matmul(image, weight)
    for wrong in (image.to_sparse(), image.to("meta"), image.to(torch.complex64)):
        with pytest.raises(InputError):
            conv2d_by_matmul(wrong, weight)
    with pytest.raises(InputError, match="float64"):
        conv2d_by_matmul(image.double(), weight)
    with pytest.raises(InputError, match="bias"):
        conv2d_by_matmul(image, weight, torch.ones(2))


@pytest.mark.parametrize("block_bytes", [1, 200, 3000, 2**22])
def test_any_block_size_gives_the_same(block_bytes: int) -> None:
    for seed in range(how_many(50, 150)):
        case = random_case(seed)
        expected = conv2d_by_torch(case)
        got = conv2d_by_matmul(
            case.image, case.weight, case.bias, case.spec, block_bytes=block_bytes
        )
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-12 * magnitude(expected))


@pytest.mark.parametrize(
    ("dtype", "rtol", "atol"),
    [(torch.float32, 1.3e-6, 2e-5), (torch.bfloat16, 1.6e-2, 1e-4), (torch.float16, 1e-3, 1e-4)],
)
def test_other_types_within_a_stated_tolerance(
    dtype: torch.dtype, rtol: float, atol: float
) -> None:
    for seed in range(how_many(100, 400)):
        case = random_case(seed)
        case = case._replace(
            image=case.image.to(dtype),
            weight=case.weight.to(dtype),
            bias=None if case.bias is None else case.bias.to(dtype),
        )
        # The judge sums in float64: what is left is rounding in our sums and the last one.
        exact = conv2d_by_torch(
            case._replace(
                image=case.image.double(),
                weight=case.weight.double(),
                bias=None if case.bias is None else case.bias.double(),
            )
        )
        got = conv2d_by_matmul(case.image, case.weight, case.bias, case.spec)
        assert got.dtype == dtype
        torch.testing.assert_close(got.double(), exact, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.bool])
def test_integer_images_are_converted(dtype: torch.dtype) -> None:
    image = torch.randint(0, 2, (3, 9, 8)).to(dtype)
    weight = torch.randn(4, 3, 3, 2, dtype=torch.float64)
    got = conv2d_by_matmul(image, weight)
    torch.testing.assert_close(got, F.conv2d(image.double(), weight))


def test_gradients_are_those_of_conv2d() -> None:
    image = torch.rand(1, 5, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    ours = conv2d_by_matmul(image, weight, weight[:, 0, 0, 0]).square().sum()
    theirs = F.conv2d(image, weight, weight[:, 0, 0, 0]).square().sum()
    got, expected = (torch.autograd.grad(out, (image, weight)) for out in (ours, theirs))
    torch.testing.assert_close(got, expected)
    with torch.no_grad():
        assert not conv2d_by_matmul(image, weight).requires_grad


def test_views_with_odd_strides() -> None:
    image = torch.randn(9, 8, 3, dtype=torch.float64).permute(2, 0, 1)
    weight = torch.randn(3, 3, 2, 4, dtype=torch.float64).permute(3, 0, 1, 2)
    spec = Conv2dSpec((3, 2), padding=1)
    torch.testing.assert_close(
        conv2d_by_matmul(image, weight, spec=spec), F.conv2d(image, weight, padding=1)
    )


ONES = torch.ones(4, 6, 6)


@pytest.mark.parametrize(
    ("image", "weight", "bias", "spec"),
    [
        (ONES, torch.ones(2, 3, 3, 3), None, None),
        (ONES, torch.ones(2, 2, 3, 3), None, None),
        (ONES, torch.ones(4, 3, 3), None, None),
        (ONES, torch.ones(2, 4, 3, 3), torch.ones(3), None),
        (ONES, torch.ones(2, 4, 3, 3), torch.ones(2).double(), None),
        (ONES, torch.ones(2, 4, 3, 3).double(), None, None),
        (ONES, torch.ones(2, 4, 3, 3).long(), None, None),
        (ONES, torch.ones(2, 4, 3, 3), None, Conv2dSpec(5)),
        (ONES, torch.ones(2, 4, 3, 3), None, Conv2dSpec(3, groups=2)),
        (ONES, torch.ones(3, 2, 3, 3), None, Conv2dSpec(3, groups=2)),
        (ONES, torch.ones(2, 4, 7, 7), None, None),
        (ONES[0], torch.ones(2, 4, 3, 3), None, None),
        (ONES[None, None], torch.ones(2, 4, 3, 3), None, None),
        (torch.ones(0, 4, 6, 6), torch.ones(2, 4, 3, 3), None, None),
        (None, torch.ones(2, 4, 3, 3), None, None),
        (ONES, None, None, None),
        (ONES, torch.ones(2, 4, 3, 3), 1.0, None),
        (ONES, torch.ones(2, 4, 3, 3), None, Conv2dSpec(3, padding=2**30)),
    ],
)
def test_what_does_not_go_together_is_a_sentence(
    image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, spec: Conv2dSpec | None
) -> None:
    with pytest.raises(InputError):
        conv2d_by_matmul(image, weight, bias, spec)
    with pytest.raises(InputError):
        conv2d_strips(image, weight, bias, spec)


def test_groups_are_offered_where_they_explain_the_weight() -> None:
    with pytest.raises(InputError) as caught:
        conv2d_by_matmul(ONES, torch.ones(4, 1, 3, 3))
    assert [dict(remedy.changes) for remedy in caught.value.remedies] == [{"groups": 4}]


def test_the_forums_example_with_torch_alone() -> None:
    torch.manual_seed(0)
    image = torch.randn(128, 3, 32, 32, dtype=torch.float64)
    conv = nn.Conv2d(3, 16, 3, padding=1, dtype=torch.float64)
    assert conv.bias is not None
    columns = nn.Unfold(3, padding=1)(image)
    out = columns.transpose(1, 2) @ conv.weight.view(16, -1).t() + conv.bias
    folded = nn.Fold((32, 32), 1)(out.transpose(1, 2))
    torch.testing.assert_close(folded, conv(image), rtol=1e-12, atol=1e-12)


def test_the_forums_example_with_our_names() -> None:
    torch.manual_seed(0)
    image = torch.randn(128, 3, 32, 32, dtype=torch.float64)
    conv = nn.Conv2d(3, 16, 3, padding=1, dtype=torch.float64)
    assert conv.bias is not None
    spec = Conv2dSpec.from_module(conv)
    columns = torch.stack([ColumnMatrix(one, spec).dense() for one in image])
    out = columns.transpose(1, 2) @ conv.weight.view(16, -1).t() + conv.bias
    folded = fold(out.transpose(1, 2), spec.output_size((32, 32)), Conv2dSpec(1))
    torch.testing.assert_close(folded, conv(image), rtol=1e-12, atol=1e-12)
    by_matmul = conv2d_by_matmul(image, conv.weight, conv.bias, spec)
    torch.testing.assert_close(by_matmul, conv(image).detach(), rtol=1e-12, atol=1e-12)
