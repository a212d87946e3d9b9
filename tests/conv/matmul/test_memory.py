"""Working memory beside picture, weight and output stays bounded, counted in a fresh process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from random_specs import conv2d_by_torch, random_case

from rfviz.conv.errors import InputError
from rfviz.conv.im2col import blocks as receptive_blocks
from rfviz.conv.im2col import tiles
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.fold import fold
from rfviz.conv.im2col.reads import (
    outputs_reading_pixel,
    pixels_never_read,
    reads_per_pixel,
)
from rfviz.conv.matmul import matmul
from rfviz.conv.matmul.compare import compare_with_conv2d
from rfviz.conv.matmul.strips import conv2d_strips
from rfviz.conv.memory import Allocation
from rfviz.conv.operators.apply import apply_operator
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.io.kernels.bank import filter_bank

BUDGET = 256 * 2**20
# One output on any picture, whose columns are short.
LAST = Conv2dSpec(1, stride=2**14)
# What is counted begins after torch, picture, weight and first use of both ways. Each case has a
# process of its own, which begins where torch has been imported and nothing else been done.
SCRIPT = """
import os, sys, torch
from pathlib import Path
from rfviz.conv.matmul.strips import conv2d_strips
from rfviz.conv.spec.spec import Conv2dSpec

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

def count(kernel, channels, filters, height, width, n_strips, dilation, dtype):
    image = torch.zeros(channels, height, width, dtype=torch.uint8)
    image[:, ::3] = 7
    weight = torch.ones(filters, channels, kernel, kernel, dtype=getattr(torch, dtype))
    for strip in conv2d_strips(image[:, :kernel, :kernel], weight[:1]):
        pass
    base = peak()
    spec = Conv2dSpec(kernel, dilation=dilation)
    strips = conv2d_strips(image, weight, None, spec, rows_per_strip=1 if kernel > 100 else None)
    for _, strip in zip(range(n_strips), strips):
        pass
    print(peak() - base, flush=True)

for case in sys.argv[1:]:
    *numbers, dtype = case.split()
    child = os.fork()
    if child == 0:
        count(*map(int, numbers), dtype)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(f"{case}: {status}")
"""
# Kernel, channels, filters, height, width, strips, dilation, type of the weight.
CASES = (
    "31 3 1 200 10000 1 1 float64",
    "31 3 1 200 10000 1 1 float32",
    "64 3 1 400 2048 1 1 float64",
    "128 3 1 200 600 1 1 float64",
    "3 3 2 4100 2100 1 1000 float64",
    "1 1000000 1 2 2 2 1 float64",
    "1 1 1000000 3 3 3 1 float32",
)


@pytest.fixture(scope="module")
def peaks() -> dict[str, int]:
    """Bytes that each case takes at its peak."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *CASES],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return dict(zip(CASES, map(int, run.stdout.split()), strict=True))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from Linux")
@pytest.mark.parametrize("case", CASES)
def test_strips_of_any_kernel_stay_in_the_budget(case: str, peaks: dict[str, int]) -> None:
    assert 0 < peaks[case] < BUDGET


@pytest.mark.parametrize("tile_bytes", [1, 300, 5000])
def test_tiles_of_any_size_give_the_same(tile_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE_BYTES", tile_bytes)
    monkeypatch.setattr(matmul, "_LARGEST_BAND", 0)
    for seed in range(20):
        case = random_case(seed)
        expected = conv2d_by_torch(case)
        comparison = compare_with_conv2d(case.image, case.weight, case.bias, case.spec)
        torch.testing.assert_close(comparison.by_matmul, expected, rtol=0, atol=1e-11)
        torch.testing.assert_close(comparison.by_conv2d, expected, rtol=0, atol=1e-11)
        assert comparison.allclose


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint8, torch.float32])
def test_tiles_prepare_and_leave_padding_zero(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "TILE_BYTES", 500)
    image = torch.randint(0, 256, (2, 13, 17)).to(dtype)
    weight, spec = torch.randn(2, 2, 3, 3), Conv2dSpec(3, padding=2, stride=2, dilation=(2, 3))
    strips = conv2d_strips(image, weight, None, spec, prepare=lambda x: x / 255 - 0.5)
    whole = torch.cat([strip.by_conv2d for strip in strips], 1)
    expected = F.conv2d(image.float() / 255 - 0.5, weight, None, 2, 2, (2, 3))
    torch.testing.assert_close(whole, expected)


@pytest.mark.parametrize("slab_bytes", [1, 700, 20000])
@pytest.mark.parametrize("name", ["adder", "partial_convolution", "dilation"])
def test_slabs_of_any_size_give_the_same(
    name: str, slab_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(25):
        case = random_case(seed)
        image = case.image if case.image.ndim == 3 else case.image[0]
        arguments = (image, case.weight, name, case.spec, case.bias)
        mask = (torch.arange(image[0].numel()) % 3 > 0).view(image.shape[1:]).double()

        def prepare(x: torch.Tensor) -> torch.Tensor:
            return 2 * x + 1

        with monkeypatch.context() as patch:
            expected = apply_operator(*arguments, mask=mask, prepare=prepare)
            patch.setattr(receptive_blocks, "SLAB_BYTES", slab_bytes)
            patch.setattr(receptive_blocks, "BLOCK_BYTES", 3000)
            found = apply_operator(*arguments, mask=mask, prepare=prepare)
        torch.testing.assert_close(found, expected)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from Linux")
def test_a_tall_kernel_on_a_wide_picture_stays_in_the_budget() -> None:
    """A row of outputs reads 300 rows of 100,000 pixels in 3 channels: 360 MB at once."""
    script = (
        SCRIPT.split("def count", maxsplit=1)[0]
        + """
from rfviz.conv.operators.apply import operator_strips
image = torch.zeros(3, 300, 100_000, dtype=torch.uint8)
weight = torch.ones(1, 3, 300, 1)
for strip in operator_strips(image[:, :300, :4], weight, "adder"):
    pass
base = peak()
for strip in operator_strips(image, weight, "adder"):
    pass
print(peak() - base)
"""
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert int(run.stdout) < BUDGET // 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: reads_per_pixel((2**20, 2**20), Conv2dSpec(3)),
        lambda: pixels_never_read((2**20, 2**20), Conv2dSpec(3)),
        lambda: outputs_reading_pixel((2**20, 2**20), Conv2dSpec(2**19), (2**19, 2**19)),
        lambda: fold(torch.zeros(1, 1, 1).expand(2**30, 1, 1), (2**14, 2**14), LAST),
        lambda: filter_bank("random", 255, 1000, 1000),
        lambda: apply_operator(
            torch.zeros(1, 1, 1).expand(1, 2**18, 2**18), torch.ones(1, 1, 1, 1), "adder"
        ),
        lambda: Conv2dSpec(2**15).to_module(2**15, 2**15),
    ],
)
def test_what_takes_more_than_there_is_gets_a_sentence(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"memory|allowed|at most"):
        call()


def test_an_allocation_that_fails_is_a_sentence() -> None:
    words = "A picture needs more memory than there is"
    with pytest.raises(InputError, match=words), Allocation("A picture"):
        torch.empty(2**50)
    with pytest.raises(RuntimeError, match="must match"), Allocation("A picture"):
        torch.ones(2) + torch.ones(3)
    wide = torch.ones(1, 1, 1).expand(1, 1, 2**14)
    with pytest.raises(InputError, match=r"One row of outputs, .* takes .* GB"):
        conv2d_strips(wide, torch.ones(1, 1, 1, 1).expand(2**18, 1, 1, 1))


@pytest.mark.parametrize("seed", range(8))
def test_nothing_uninitialised_is_left_in_a_result(seed: int) -> None:
    """torch fills what it allocates with NaN: a number that is not written shows."""
    torch.use_deterministic_algorithms(True)
    try:
        for number in range(10 * seed, 10 * (seed + 1)):
            case = random_case(number)
            comparison = compare_with_conv2d(case.image, case.weight, case.bias, case.spec)
            assert comparison.by_matmul.isfinite().all()
            assert comparison.by_conv2d.isfinite().all()
            image = case.image if case.image.ndim == 3 else case.image[0]
            matrix = ColumnMatrix(image, case.spec)
            for entries in (matrix.dense(), matrix[:], matrix[::-1, ::2], matrix.overview(5, 7)):
                assert entries.isfinite().all()
            for strip in conv2d_strips(image, case.weight, case.bias, case.spec):
                assert strip.by_matmul.isfinite().all()
                assert strip.by_conv2d.isfinite().all()
    finally:
        torch.use_deterministic_algorithms(False)


def test_memory_is_filled_with_nan_while_algorithms_are_deterministic() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        assert getattr(torch.utils.deterministic, "fill_uninitialized_memory")  # noqa: B009 - no type
        assert torch.empty(1000).isnan().all()
    finally:
        torch.use_deterministic_algorithms(False)
