import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfviz.conv.errors import InputError
from rfviz.io.kernels.bank import filter_bank, kernel_2d, named_kernel
from rfviz.io.kernels.catalogue import KERNELS

NAMES = [kernel.name for kernel in KERNELS]
SIZES = [(height, width) for height in range(1, 12) for width in range(1, 12)]

CLASSIC = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "sobel-x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel-y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "scharr-x": [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
    "scharr-y": [[-3, -10, -3], [0, 0, 0], [3, 10, 3]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
}
SUMS = {
    0.0: [
        "sobel-x",
        "sobel-y",
        "scharr-x",
        "scharr-y",
        "laplacian",
        "laplacian-of-gaussian",
        "gabor",
    ],
    1.0: ["identity", "box", "gaussian", "sharpen", "emboss", "motion-blur"],
}


def exact(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def kernels_of_all_sizes(name: str) -> list[Tensor]:
    """Every kernel of that name that is defined, of the sizes in SIZES."""
    found = []
    for size in SIZES:
        if named_kernel(name).fits(*size):
            found.append(kernel_2d(name, size))
        else:
            with pytest.raises(InputError, match=f"{size[0]} × {size[1]}"):
                kernel_2d(name, size)
    assert found
    return found


@pytest.mark.parametrize("name", CLASSIC)
def test_3x3_kernels_have_the_classic_values(name: str) -> None:
    torch.testing.assert_close(kernel_2d(name, 3), exact(CLASSIC[name]), rtol=0, atol=0)


def test_larger_sobel_follows_pascals_triangle() -> None:
    smooth, difference = exact([1, 4, 6, 4, 1]), exact([-1, -2, 0, 2, 1])
    torch.testing.assert_close(kernel_2d("sobel-x", 5), torch.outer(smooth, difference))
    torch.testing.assert_close(kernel_2d("sobel-y", (2, 1)), exact([[-1], [1]]))


@pytest.mark.parametrize("size", [3, 5])
def test_scharr_answers_32_to_a_slope_of_1(size: Any) -> None:
    slope = torch.arange(size, dtype=torch.float64).expand(size, size)
    torch.testing.assert_close((kernel_2d("scharr-x", size) * slope).sum().item(), 32.0)
    torch.testing.assert_close(kernel_2d("scharr-y", size), kernel_2d("scharr-x", size).T)


def test_gaussian_follows_the_rule_of_opencv() -> None:
    beside = math.exp(-1 / (2 * 0.8**2))
    along = exact([beside, 1, beside]) / (1 + 2 * beside)
    torch.testing.assert_close(kernel_2d("gaussian", 3), torch.outer(along, along))
    torch.testing.assert_close(kernel_2d("gaussian", (1, 3))[0], along)


@pytest.mark.parametrize("name", NAMES)
def test_any_size_gives_a_kernel_or_an_input_error(name: str) -> None:
    for kernel in kernels_of_all_sizes(name):
        assert kernel.dtype == torch.float64
        assert kernel.isfinite().all()
        assert kernel.abs().sum() > 0


@pytest.mark.parametrize(
    ("name", "total"), [(name, total) for total, names in SUMS.items() for name in names]
)
def test_blurs_add_up_to_1_and_edges_to_0(name: str, total: float) -> None:
    for kernel in kernels_of_all_sizes(name):
        largest = kernel.abs().max().item()
        torch.testing.assert_close(kernel.sum().item(), total, atol=1e-12 * max(1, largest), rtol=0)


@pytest.mark.parametrize("name", ["box", "gaussian", "laplacian", "laplacian-of-gaussian", "gabor"])
def test_symmetric_kernels_are_symmetric(name: str) -> None:
    for kernel in kernels_of_all_sizes(name):
        torch.testing.assert_close(kernel, kernel.flip(0, 1))
        torch.testing.assert_close(kernel, kernel.flip(1))


@pytest.mark.parametrize("name", NAMES)
def test_response_to_an_impulse_is_the_flipped_kernel(name: str) -> None:
    size = named_kernel(name).usual_size
    kernel = kernel_2d(name, size)
    impulse = torch.zeros(1, 1, 2 * size[0] - 1, 2 * size[1] - 1, dtype=torch.float64)
    impulse[0, 0, size[0] - 1, size[1] - 1] = 1
    response = F.conv2d(impulse, kernel[None, None])[0, 0]
    torch.testing.assert_close(response, kernel.flip(0, 1))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (4, 5)])
def test_identity_copies_the_picture_under_padding_same(size: Any) -> None:
    picture = torch.rand(1, 3, 7, 6, dtype=torch.float64)
    weight = filter_bank("identity", size, 3, 3, across="per-channel", dtype=torch.float64)
    (above, left), (below, right) = ((k - 1) // 2 for k in size), (k // 2 for k in size)
    padded = F.pad(picture, (left, right, above, below))
    torch.testing.assert_close(F.conv2d(padded, weight), picture, rtol=0, atol=0)


def test_motion_blur_lies_along_a_row_then_along_a_column() -> None:
    bank = filter_bank("motion-blur", 5, 1, 2, dtype=torch.float64)[:, 0]
    row = torch.zeros(5, 5, dtype=torch.float64)
    row[2] = 0.2
    torch.testing.assert_close(bank, torch.stack([row, row.T]))


def test_gabor_bank_answers_to_its_own_orientation() -> None:
    size, n_filters = 11, 4
    bank = filter_bank("gabor", size, 1, n_filters, dtype=torch.float64)
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    for index in range(n_filters):
        angle = math.pi * index / n_filters
        along = columns * math.cos(angle) - rows * math.sin(angle)
        stripes = torch.cos(2 * math.pi * along / (size / 2)).double()
        energies = F.conv2d(stripes[None, None], bank).square().mean((0, 2, 3))
        assert energies.argmax().item() == index


def test_bank_across_the_mean_shares_the_kernel_and_turns_it() -> None:
    bank = filter_bank("sobel-x", 3, in_channels=3, n_filters=5, dtype=torch.float64)
    kernel = kernel_2d("sobel-x", 3)
    for index in range(5):
        expected = torch.rot90(kernel, index).expand(3, 3, 3) / 3
        torch.testing.assert_close(bank[index], expected)
    torch.testing.assert_close(bank[3].sum(0), kernel_2d("sobel-y", 3))


def test_bank_turns_rectangular_kernels_within_their_size() -> None:
    bank = filter_bank("sobel-x", (3, 5), 1, 2, dtype=torch.float64)[:, 0]
    torch.testing.assert_close(bank[1], torch.rot90(kernel_2d("sobel-x", (5, 3))))


def test_bank_per_channel_reads_one_channel_after_the_other() -> None:
    bank = filter_bank("sobel-x", 3, 3, 6, across="per-channel", dtype=torch.float64)
    kernel = kernel_2d("sobel-x", 3)
    for index in range(6):
        expected = torch.zeros(3, 3, 3, dtype=torch.float64)
        expected[index % 3] = torch.rot90(kernel, index // 3)
        torch.testing.assert_close(bank[index], expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("across", ["mean", "per-channel"])
@pytest.mark.parametrize(("n_filters", "groups"), [(4, 4), (8, 4), (6, 2), (1, 1)])
def test_bank_has_the_shape_of_a_grouped_convolution(
    name: str, across: Any, n_filters: int, groups: int
) -> None:
    size = named_kernel(name).usual_size
    weight = filter_bank(name, size, 4, n_filters, groups, across=across)
    module = nn.Conv2d(4, n_filters, size, groups=groups)
    assert weight.shape == module.weight.shape
    assert weight.dtype == torch.float32


def test_depthwise_channels_get_the_same_set() -> None:
    weight = filter_bank("gabor", 7, 3, 6, groups=3)
    torch.testing.assert_close(weight[:2], weight[2:4])
    torch.testing.assert_close(weight[:2], weight[4:])
    assert not torch.equal(weight[0], weight[1])


@pytest.mark.parametrize("groups", [1, 2])
def test_random_weights_are_those_of_conv2d(groups: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        module = nn.Conv2d(4, 6, (3, 2), groups=groups)
    weight = filter_bank("random", (3, 2), 4, 6, groups, seed=7)
    torch.testing.assert_close(weight, module.weight.detach(), rtol=0, atol=0)
    assert weight.abs().max() <= 1 / math.sqrt(4 // groups * 6)


def test_random_weights_depend_on_the_seed_alone() -> None:
    first = filter_bank("random", 3, 3, 4, seed=1)
    torch.rand(10)
    torch.testing.assert_close(filter_bank("random", 3, 3, 4, seed=1), first, rtol=0, atol=0)
    assert not torch.equal(filter_bank("random", 3, 3, 4, seed=2), first)
    assert not torch.equal(kernel_2d("random", 3, seed=1), kernel_2d("random", 3, seed=2))


def test_random_weights_per_channel_read_one_channel() -> None:
    weight = filter_bank("random", 3, 3, 4, across="per-channel")
    reads = (weight != 0).any(-1).any(-1)
    torch.testing.assert_close(reads.long().argmax(1), torch.tensor([0, 1, 2, 0]))
    torch.testing.assert_close(reads.sum(1), torch.ones(4, dtype=torch.long))


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("sobel", 3, 1, 1), {}, "'sobel'"),
        (("box", 0, 1, 1), {}, "0"),
        (("box", 3.5, 1, 1), {}, "3.5"),
        (("box", 256, 1, 1), {}, "255"),
        (("box", 255, 4096, 4096), {}, "weights"),
        (("scharr-x", 7, 1, 1), {}, "3 × 3 and 5 × 5"),
        (("sobel-x", (1, 3), 1, 2), {}, "1 × 3"),
        (("sobel-x", 33, 1, 1), {}, "31"),
        (("sharpen", 4, 1, 1), {}, "odd"),
        (("box", 3, 3, 2, 2), {}, "2"),
        (("box", 3, 3, 0), {}, "0"),
        (("box", 3, -1, 1), {}, "-1"),
        (("box", 3, 3, 1), {"across": "rgb"}, "'rgb'"),
        (("box", 3, 3, 1), {"dtype": torch.uint8}, "torch.uint8"),
        (("box", 3, 3, 1), {"dtype": "float32"}, "float32"),
        (("sobel-x", 21, 1, 1), {"dtype": torch.float16}, "65,504"),
        (("random", 3, 1, 1), {"seed": -1}, "-1"),
        (("random", 3, 1, 1), {"seed": 2**63}, str(2**63)),
        (("random", 3, 1, 1), {"seed": 0.5}, "0.5"),
    ],
)
def test_wrong_arguments_are_named(arguments: Any, options: Any, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        filter_bank(*arguments, **options)


def test_each_kernel_says_what_it_is() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for kernel in KERNELS:
        assert kernel.title
        assert kernel.source
        assert kernel.shows.endswith(".")
        assert kernel.fits(*kernel.usual_size)
