"""The virtual matrix against F.pad and F.unfold: windows, columns, addresses, overview."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from random_sets import how_many
from random_specs import pad_by_torch, random_case, unfold_by_torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.bins import bin_edges, mean_of_bins
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.spec.spec import Conv2dSpec

MATRIX = ColumnMatrix(torch.arange(24).reshape(1, 4, 6), Conv2dSpec(2, padding=1))


def picture(seed: int) -> tuple[torch.Tensor, Conv2dSpec]:
    case = random_case(seed)
    image = case.image.reshape(-1, *case.image.shape[-2:])
    # Every third picture is a view with odd strides: it must be read without being copied.
    return (image.mT.contiguous().mT if seed % 3 == 0 else image), case.spec


def random_index(rng: random.Random, n: int) -> object:
    positions = [rng.randrange(-n, n) for _ in range(rng.randint(0, 5))]
    steps = [-3, -1, 1, 2]
    return rng.choice(
        [
            rng.randrange(-n, n),
            slice(rng.randrange(-n, n), rng.randrange(-n, n), rng.choice(steps)),
            slice(None),
            positions,
            torch.tensor(positions, dtype=torch.int64),
            torch.rand(n) < 0.4,
        ]
    )


def at(matrix: torch.Tensor, index: object, dim: int) -> torch.Tensor:
    """Index one dimension of a dense matrix; torch itself takes no negative step."""
    if isinstance(index, slice):
        index = list(range(matrix.shape[dim])[index])
    if isinstance(index, int):
        return matrix.select(dim, index)
    index = torch.as_tensor(index)
    if index.dtype == torch.bool:
        index = index.nonzero()[:, 0]
    return matrix.index_select(dim, index.long() % matrix.shape[dim])


@pytest.mark.parametrize("block", range(how_many(5, 20)))
def test_dense_and_windows_equal_unfold_on_random_specs(block: int) -> None:
    rng = random.Random(block)  # noqa: S311 - reproducible, no secret
    for seed in range(100 * block, 100 * (block + 1)):
        image, spec = picture(seed)
        columns, expected = ColumnMatrix(image, spec), unfold_by_torch(image, spec)
        assert columns.shape == expected.shape
        torch.testing.assert_close(columns.dense(), expected, rtol=0, atol=0)
        rows, outputs = (random_index(rng, n) for n in columns.shape)
        window = at(at(expected, outputs, 1), rows, 0)
        torch.testing.assert_close(columns[rows, outputs], window, rtol=0, atol=0)


@pytest.mark.parametrize("seed", range(200))
def test_overview_is_the_mean_of_each_bin(seed: int) -> None:
    image, spec = picture(seed)
    height, width = 1 + seed % 7, 1 + seed % 11
    expected = mean_of_bins(unfold_by_torch(image, spec), height, width)
    overview = ColumnMatrix(image, spec).overview(height, width)
    torch.testing.assert_close(overview, expected, rtol=1e-12, atol=1e-12)
    whole = (image * 100).to(torch.uint8)
    exact = mean_of_bins(unfold_by_torch(whole.double(), spec), height, width)
    torch.testing.assert_close(
        ColumnMatrix(whole, spec).overview(height, width), exact, rtol=1e-15, atol=0
    )


@pytest.mark.parametrize("seed", range(100))
def test_overview_of_some_columns_is_the_mean_of_each_of_their_bins(seed: int) -> None:
    image, spec = picture(seed)
    matrix, rng = ColumnMatrix(image, spec), random.Random(seed)  # noqa: S311 - no secret
    first = rng.randrange(matrix.shape[1])
    part = range(first, rng.randint(first + 1, matrix.shape[1]))
    height, width = 1 + seed % 7, 1 + seed % 11
    expected = mean_of_bins(unfold_by_torch(image, spec)[:, first : part.stop], height, width)
    overview = matrix.overview(height, width, part)
    torch.testing.assert_close(overview, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("part", [range(-1, 3), range(3, 3), range(36), range(0, 4, 2)])
def test_overview_of_columns_that_are_not_there_is_explained(part: range) -> None:
    with pytest.raises(InputError, match="0 to 34"):
        MATRIX.overview(2, 2, part)


def test_overview_keeps_a_nan_in_its_own_bins() -> None:
    image = torch.rand(1, 9, 9, dtype=torch.float64)
    image[0, 4, 4] = torch.nan
    spec = Conv2dSpec(3)
    expected = mean_of_bins(unfold_by_torch(image, spec), 3, 7)
    assert 0 < expected.isnan().sum() < expected.numel()
    overview = ColumnMatrix(image, spec).overview(3, 7)
    torch.testing.assert_close(overview, expected, equal_nan=True)


def test_overview_in_steps_rises_to_the_same_means() -> None:
    steps, fractions = MATRIX.overview_steps(2, 3), []
    while True:
        try:
            fractions.append(next(steps))
        except StopIteration as end:
            torch.testing.assert_close(end.value, MATRIX.overview(2, 3))
            break
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] <= fractions[-1] <= 1


def test_overview_finer_than_the_matrix_is_the_matrix() -> None:
    torch.testing.assert_close(MATRIX.overview(1000, 1000), MATRIX.dense().double())


@pytest.mark.parametrize("bins", [0, -1, 2.5, "many"])
def test_bins_must_be_a_whole_number(bins: int) -> None:
    with pytest.raises(InputError, match="number of bins"):
        MATRIX.overview(bins, 3)
    with pytest.raises(InputError, match="number of bins"):
        bin_edges(5, bins)


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 4, 5), (1, 1)])
def test_mean_of_bins_in_every_type(shape: tuple[int, ...]) -> None:
    x = torch.randint(0, 255, shape)
    for dtype in (torch.uint8, torch.int64, torch.float32, torch.float64):
        means = mean_of_bins(x.to(dtype), 2, 3)
        rows, columns = bin_edges(shape[-2], 2), bin_edges(shape[-1], 3)
        for i in range(len(rows) - 1):
            for j in range(len(columns) - 1):
                part = x[..., rows[i] : rows[i + 1], columns[j] : columns[j + 1]].double()
                torch.testing.assert_close(means[..., i, j], part.mean((-2, -1)))


def test_every_entry_has_an_address_and_a_way_back() -> None:
    dense, padded = MATRIX.dense(), pad_by_torch(MATRIX.image.double(), MATRIX.spec)[0]
    for row in range(MATRIX.shape[0]):
        for column in range(MATRIX.shape[1]):
            index = MATRIX.index_of(row, column)
            assert MATRIX.entry_of(*index[:5]) == (row, column)
            assert dense[row, column] == padded[index.input_row + 1, index.input_column + 1]
            assert MATRIX[row, column] == dense[row, column]


@pytest.mark.parametrize("seed", range(40))
def test_entries_of_a_pixel_hold_its_address(seed: int) -> None:
    image, spec = picture(seed)
    channels, height, width = image.shape
    address = torch.arange(1, image.numel() + 1).reshape(image.shape)
    columns = ColumnMatrix(address, spec)
    channel, y, x = seed % channels, seed % height, seed % width
    held = (columns.dense() == address[channel, y, x]).nonzero()
    got = columns.entries_of_pixel(y, x, channel)
    assert sorted(got.tolist()) == sorted(held.tolist())
    assert len(columns.entries_of_pixel(y, x)) == channels * len(held)


def test_a_column_is_a_slice_of_the_padded_picture() -> None:
    spec = Conv2dSpec((2, 3), stride=2, padding=2, dilation=(1, 2), padding_mode="reflect")
    image = torch.arange(2 * 5 * 6, dtype=torch.float64).reshape(2, 5, 6)
    columns, padded = ColumnMatrix(image, spec), pad_by_torch(image, spec)
    rows, outputs = columns.output_size
    for row in range(rows):
        for column in range(outputs):
            expected = padded[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 5 : 2]
            torch.testing.assert_close(columns.column(row, column), expected.flatten())


@pytest.mark.parametrize(
    "dtype",
    [
        *(torch.uint8, torch.int16, torch.uint16, torch.uint32, torch.bool, torch.int64),
        *(torch.float16, torch.bfloat16, torch.float32),
    ],
)
@pytest.mark.parametrize("mode", ["zeros", "reflect"])
def test_every_real_type(dtype: torch.dtype, mode: str) -> None:
    image = torch.tensor([[[0, 1, 1], [1, 0, 1], [1, 1, 0]]])
    spec = Conv2dSpec(2, padding=1, padding_mode=mode)
    columns, expected = ColumnMatrix(image.to(dtype), spec), ColumnMatrix(image, spec)
    assert columns[:, :].dtype == dtype
    torch.testing.assert_close(columns[:, :].long(), expected.dense())
    torch.testing.assert_close(columns.dense().long(), expected.dense())
    torch.testing.assert_close(columns.overview(2, 2), expected.overview(2, 2))


def test_padded_rows_are_the_rows_of_the_padded_picture() -> None:
    for seed in range(how_many(25, 100)):
        image, spec = picture(seed)
        columns, padded = ColumnMatrix(image, spec), pad_by_torch(image, spec)
        for start in range(padded.shape[1] + 1):
            for stop in range(start, padded.shape[1] + 1):
                torch.testing.assert_close(columns.padded_rows(start, stop), padded[:, start:stop])


@pytest.mark.parametrize(
    "index",
    [
        *(4, -5, (0, 35), [0, 4], torch.tensor([-5]), slice(0, 2, 0), slice("a", None)),
        *(1.5, "0", None, True, (0, 0, 0), [[0, 1]], torch.tensor([1.0]), torch.ones(3) > 0),
        *(np.array([0.5]), 2**70),
    ],
)
def test_what_is_not_in_the_matrix_is_a_sentence(index: object) -> None:
    with pytest.raises(InputError):
        MATRIX[index]


@pytest.mark.parametrize(
    "index", [np.array([0, 1]), np.int64(2), range(2), torch.tensor(1), [], np.array([True] * 4)]
)
def test_indices_of_numpy_and_ranges(index: Any) -> None:
    rows = torch.arange(4)[index if not isinstance(index, range) else list(index)]
    torch.testing.assert_close(MATRIX[index], MATRIX.dense()[rows.long()])


@pytest.mark.parametrize("call", [(5, 0), (0, 7), (-1, 0), (1.5, 0), ("a", 0)])
def test_outputs_outside_are_sentences(call: tuple[int, int]) -> None:
    with pytest.raises(InputError):
        MATRIX.column(*call)


def test_dense_and_windows_past_the_budget_say_both_sizes() -> None:
    columns = ColumnMatrix(torch.zeros(3, 4000, 6000, dtype=torch.uint8), Conv2dSpec(11))
    with pytest.raises(InputError, match=r"8\.68 GB.*1\.07 GB.*overview"):
        columns.dense()
    with pytest.raises(InputError, match=r"8\.68 GB"):
        columns[:, :]
    with pytest.raises(InputError, match="144 bytes"):
        ColumnMatrix(torch.zeros(1, 4, 4), Conv2dSpec(2)).dense(memory_budget=100)


@pytest.mark.parametrize(
    "image",
    [
        *(torch.zeros(3, 3), torch.zeros(1, 0, 3), torch.zeros(1, 1, 3, 3), None),
        *(np.zeros((3, 3)), torch.zeros(1, 3, 3, dtype=torch.complex64)),
        torch.zeros(1, 3, 3).to_sparse(),
    ],
)
def test_what_is_not_a_picture_is_a_sentence(image: torch.Tensor) -> None:
    with pytest.raises(InputError, match="picture"):
        ColumnMatrix(image, Conv2dSpec(1))


def test_nothing_is_copied() -> None:
    image = torch.zeros(1, 5, 5)
    columns = ColumnMatrix(image, Conv2dSpec(3, padding=1))
    image[0, 2, 2] = 7
    assert columns.column(2, 2)[4] == 7
