"""Errors in absolute and ULP terms, tolerances that separate rounding from mistakes, and strips."""

import dataclasses
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from random_specs import conv2d_by_torch, random_case

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.bins import mean_of_bins
from rfviz.conv.matmul.compare import compare_with_conv2d, largest_magnitude
from rfviz.conv.matmul.differences import Differences, Tolerances, default_tolerances
from rfviz.conv.matmul.strip_comparison import ComparisonTotals
from rfviz.conv.matmul.strips import Strip, conv2d_strips
from rfviz.conv.matmul.ulp import FARTHEST, ulp_distance
from rfviz.conv.spec.spec import Conv2dSpec

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


@pytest.mark.parametrize("dtype", DTYPES)
def test_ulp_counts_steps_of_nextafter(dtype: torch.dtype) -> None:
    for start in (0.0, 1.0, -1.0, 1.5, 2.0, -0.001):
        value = torch.tensor(start, dtype=dtype)
        step = value
        for n in range(1, 6):
            step = torch.nextafter(step, torch.tensor(torch.inf, dtype=dtype))
            assert int(ulp_distance(value, step)) == n
            assert int(ulp_distance(step, value)) == n


@pytest.mark.parametrize("dtype", DTYPES)
def test_ulp_of_zeros_nans_and_infinities(dtype: torch.dtype) -> None:
    a = torch.tensor([0.0, math.nan, math.nan, math.inf], dtype=dtype)
    b = torch.tensor([-0.0, math.nan, 1.0, math.inf], dtype=dtype)
    assert ulp_distance(a, b).tolist() == [0, 0, FARTHEST, 0]
    apart = ulp_distance(torch.tensor(-math.inf, dtype=dtype), torch.tensor(math.inf, dtype=dtype))
    assert 2 * 0x7C00 <= int(apart) <= FARTHEST


def test_ulp_of_float64_over_all_signs_equals_numpy_spacing() -> None:
    a = torch.randn(1000, dtype=torch.float64)
    steps = torch.randint(-4, 5, (1000,))
    b = a + steps * torch.from_numpy(np.abs(np.spacing(a.numpy())))
    same_binade = torch.frexp(a).exponent == torch.frexp(b).exponent
    torch.testing.assert_close(ulp_distance(a, b)[same_binade], steps.abs()[same_binade])


@pytest.mark.parametrize("dtype", DTYPES)
def test_random_specs_are_close_with_the_default_tolerances(dtype: torch.dtype) -> None:
    for seed in range(150):
        spec, image, weight, bias = random_case(seed)
        image = (image.abs() * 100).clamp(max=255).to(dtype)
        comparison = compare_with_conv2d(
            image, weight.to(dtype), None if bias is None else bias.to(dtype), spec
        )
        assert comparison.allclose, (seed, comparison)
        assert comparison.by_conv2d.dtype == dtype
        error = (comparison.by_matmul.double() - comparison.by_conv2d.double()).abs()
        assert comparison.max_abs_error == float(error.max())
        assert float(error[comparison.worst_index]) == comparison.max_abs_error
        first, second = comparison.worst_values
        assert abs(first - second) == comparison.max_abs_error
        different = comparison.by_matmul != comparison.by_conv2d
        assert comparison.n_different == int(different.sum())


def test_photo_values_with_a_large_kernel_pass_and_a_shift_by_one_pixel_fails() -> None:
    torch.manual_seed(0)
    # Smooth, with a little noise, as photographs are: neighbours differ by few grey levels.
    smooth = F.interpolate(torch.rand(1, 3, 8, 8), (128, 128), mode="bicubic")[0]
    photo = (smooth * 200 + torch.rand(3, 128, 128) * 4).clamp(0, 255).to(torch.uint8)
    weight = torch.full((1, 3, 11, 11), 1 / 363)
    comparison = compare_with_conv2d(photo, weight)
    assert comparison.allclose
    assert comparison.max_ulp_error > 0
    assert comparison.atol < 0.02
    shifted = compare_with_conv2d(photo.roll(1, 2), weight).by_matmul
    wrong = Differences(Tolerances(comparison.rtol, comparison.atol))
    wrong.add(shifted, comparison.by_conv2d)
    assert not wrong.allclose
    assert wrong.max_abs_error > 10 * comparison.atol


def test_the_judge_is_torch() -> None:
    case = random_case(5)
    comparison = compare_with_conv2d(case.image, case.weight, case.bias, case.spec)
    torch.testing.assert_close(comparison.by_conv2d, conv2d_by_torch(case))
    assert comparison.bytes_unfold > 0
    assert comparison.seconds_matmul > 0


def test_given_tolerances_are_used_and_checked() -> None:
    image, weight = torch.rand(3, 40, 40), torch.rand(4, 3, 7, 7)
    strict = compare_with_conv2d(image, weight, rtol=0, atol=0)
    assert (strict.rtol, strict.atol) == (0, 0)
    assert strict.allclose == (strict.n_different == 0)
    for wrong in (-1.0, math.nan, "0", True):
        with pytest.raises(InputError, match="rtol"):
            compare_with_conv2d(image, weight, rtol=wrong)  # type: ignore[arg-type]


def test_nan_and_infinity_in_the_picture_do_not_hide_a_difference() -> None:
    seen = Differences(Tolerances(1e-3, 1e-3))
    seen.add(torch.tensor([torch.nan, torch.inf, 1.0]), torch.tensor([torch.nan, torch.inf, 1.0]))
    assert (seen.max_abs_error, seen.max_ulp_error, seen.allclose) == (0, 0, True)
    seen.add(torch.tensor([2.0, torch.nan]), torch.tensor([2.0, 5.0]))
    assert (seen.max_abs_error, seen.max_ulp_error) == (math.inf, FARTHEST)
    assert (seen.worst_index, seen.allclose, seen.n_different) == (4, False, 1)
    image = torch.ones(1, 6, 6)
    image[0, 2, 2], image[0, 4, 4] = torch.nan, torch.inf
    comparison = compare_with_conv2d(image, torch.ones(1, 1, 2, 2))
    assert comparison.allclose
    assert comparison.max_abs_error == 0


@pytest.mark.parametrize("rows_per_strip", [1, 3, None])
def test_strips_together_are_the_whole(rows_per_strip: int | None) -> None:
    for seed in range(80):
        case = random_case(seed)
        if case.image.ndim != 3:
            continue
        expected = conv2d_by_torch(case)
        strips = list(
            conv2d_strips(
                case.image, case.weight, case.bias, case.spec, rows_per_strip=rows_per_strip
            )
        )
        assert [row for strip in strips for row in strip.rows] == list(range(expected.shape[1]))
        for way in ("by_matmul", "by_conv2d"):
            whole = torch.cat([getattr(strip, way) for strip in strips], 1)
            torch.testing.assert_close(whole, expected, rtol=0, atol=1e-11)


def test_prepare_leaves_the_padding_zero() -> None:
    image = torch.randint(0, 256, (3, 20, 17), dtype=torch.uint8)
    weight, spec = torch.randn(2, 3, 3, 3), Conv2dSpec(3, padding=(2, 1), stride=(2, 1))
    strips = conv2d_strips(
        image, weight, None, spec, prepare=lambda x: x / 255 - 0.5, rows_per_strip=4
    )
    whole = torch.cat([strip.by_conv2d for strip in strips], 1)
    expected = F.conv2d(image / 255 - 0.5, weight, None, (2, 1), (2, 1))
    torch.testing.assert_close(whole, expected)


def test_prepare_must_keep_shape_and_type() -> None:
    for prepare in (torch.Tensor.double, torch.sum):
        with pytest.raises(InputError, match="prepare"):
            next(conv2d_strips(torch.ones(1, 5, 5), torch.ones(1, 1, 3, 3), prepare=prepare))


def test_strips_carry_no_gradient_and_leave_the_mode_alone() -> None:
    weight = torch.ones(1, 1, 3, 3, requires_grad=True)
    strips = conv2d_strips(torch.ones(1, 9, 9), weight, rows_per_strip=2)
    strip = next(strips)
    assert torch.is_grad_enabled()
    assert not strip.by_matmul.requires_grad
    assert not strip.by_conv2d.requires_grad


def test_totals_of_strips_equal_the_comparison_of_the_whole() -> None:
    image = torch.randint(0, 256, (3, 50, 41), dtype=torch.uint8)
    weight, bias = torch.randn(4, 3, 5, 5), torch.randn(4)
    spec = Conv2dSpec(5, padding=2, padding_mode="reflect")
    tolerances = default_tolerances(weight, bias, largest_magnitude(image))
    totals = ComparisonTotals((4, 50, 41), tolerances, chosen_filter=2, map_size=(7, 9))
    strips = list(conv2d_strips(image, weight, bias, spec, rows_per_strip=6))
    for strip in strips:
        totals.add(strip)
    by_matmul = torch.cat([strip.by_matmul for strip in strips], 1)
    by_conv2d = torch.cat([strip.by_conv2d for strip in strips], 1)
    error = (by_matmul.double() - by_conv2d.double()).abs()
    assert totals.max_abs_error == float(error.max())
    assert float(error[totals.worst_index]) == totals.max_abs_error
    assert totals.worst_values[0] == float(by_matmul[totals.worst_index])
    assert totals.max_ulp_error == int(ulp_distance(by_matmul, by_conv2d).max())
    assert totals.n_different == int((by_matmul != by_conv2d).sum())
    assert (totals.n_outputs, totals.fraction) == (4 * 50 * 41, 1.0)
    assert totals.allclose
    torch.testing.assert_close(totals.mean_by_matmul, mean_of_bins(by_matmul[2], 7, 9))
    torch.testing.assert_close(totals.mean_by_conv2d, mean_of_bins(by_conv2d[2], 7, 9))
    assert float(totals.max_abs_difference.max()) == float(error[2].max())
    comparison = compare_with_conv2d(image, weight, bias, spec)
    # The last strip is so small that its columns are multiplied at once: its sums may differ.
    rtol, atol = totals.tolerances
    torch.testing.assert_close(comparison.by_matmul, by_matmul, rtol=rtol, atol=atol)
    assert (comparison.rtol, comparison.atol) == totals.tolerances
    assert comparison.allclose == totals.allclose


def test_totals_equal_the_comparison_exactly_on_whole_numbers() -> None:
    image = torch.randint(0, 256, (2, 30, 31), dtype=torch.uint8)
    weight = torch.randint(-3, 4, (3, 2, 3, 3)).double()
    comparison = compare_with_conv2d(image, weight)
    totals = ComparisonTotals((3, 28, 29), Tolerances(0.0, 0.0))
    for strip in conv2d_strips(image, weight, rows_per_strip=5):
        totals.add(strip)
    names = {field.name for field in dataclasses.fields(comparison)} & set(dir(totals))
    for name in names - {"seconds_matmul", "seconds_conv2d", "worst_values"}:
        assert getattr(comparison, name) == getattr(totals, name), name
    assert comparison.max_abs_error == 0


def test_totals_half_way_leave_what_is_ahead_nan() -> None:
    totals = ComparisonTotals((1, 4, 4), Tolerances(0.0, 0.0), map_size=(2, 2))
    totals.add(Strip(range(2), torch.ones(1, 2, 4), torch.ones(1, 2, 4), 0.0, 0.0))
    assert totals.fraction == 0.5
    torch.testing.assert_close(totals.mean_by_matmul[0], torch.ones(2, dtype=torch.float64))
    assert totals.mean_by_matmul[1].isnan().all()
    with pytest.raises(InputError, match="next strip from row 2"):
        totals.add(Strip(range(3, 4), torch.ones(1, 1, 4), torch.ones(1, 1, 4), 0.0, 0.0))


def test_the_error_is_given_in_units_of_the_bound_and_ulp_only_far_from_zero() -> None:
    seen = Differences(Tolerances(1e-6, 1e-3))
    # Beside 0 an error far below the bound is a billion units in the last place.
    seen.add(torch.tensor([1e-5, 2.0]), torch.tensor([-1e-5, 2.0 + 2**-22]))
    assert seen.allclose
    assert seen.max_ulp_error > 10**9
    assert seen.max_ulp_far_from_zero == 1
    assert seen.max_share == pytest.approx(2e-5 / (1e-3 + 1e-11), rel=1e-3)
    only_near = Differences(Tolerances(1e-6, 1e-3))
    only_near.add(torch.tensor([1e-5]), torch.tensor([0.0]))
    assert only_near.max_ulp_far_from_zero is None


@pytest.mark.parametrize("error", [0.0, 0.5, 0.99, 1.01, 7.0])
def test_all_are_close_exactly_where_the_error_is_at_most_one_bound(error: float) -> None:
    seen = Differences(Tolerances(0.0, 0.25))
    seen.add(torch.tensor([1.0 + 0.25 * error, 1.0]).double(), torch.ones(2).double())
    assert seen.max_share == pytest.approx(error)
    assert seen.allclose == (error <= 1)
