"""The index map against F.pad, and counts of reads against gradients."""

import pytest
import torch
import torch.nn.functional as F
from random_specs import TORCH_MODES, random_case, unfold_by_torch

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.fold import fold
from rfviz.conv.im2col.reads import (
    outputs_reading_pixel,
    pixels_never_read,
    reads_per_axis,
    reads_per_pixel,
    receptive_field_pixels,
)
from rfviz.conv.spec.padding_modes import PADDING_MODES, PaddingMode, source_indices
from rfviz.conv.spec.spec import Conv2dSpec


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_source_indices_are_what_pad_copies(mode: PaddingMode, size: int) -> None:
    for before in range(7):
        for after in range(7):
            image = torch.arange(1.0, size + 1).view(1, 1, size)
            try:
                padded = F.pad(image, (before, after), mode=TORCH_MODES.get(mode, mode))
            except RuntimeError:
                with pytest.raises(InputError, match="too much"):
                    source_indices(size, before, after, mode)
            else:
                # Address values start at 1, so that a zero of the padding is source -1.
                expected = padded.view(-1).long() - 1
                torch.testing.assert_close(source_indices(size, before, after, mode), expected)


def test_a_side_too_long_to_map_is_a_sentence() -> None:
    with pytest.raises(InputError, match="long on one side"):
        reads_per_axis((5, 5), Conv2dSpec(3, padding=2**30))


@pytest.mark.parametrize("seed", range(200))
def test_reads_are_the_gradient_of_the_sum_of_outputs(seed: int) -> None:
    case = random_case(seed)
    size = case.image.shape[-2:]
    ones = torch.ones(1, *size, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(unfold_by_torch(ones, case.spec).sum(), ones)
    reads = reads_per_pixel(size, case.spec)
    torch.testing.assert_close(reads.double(), gradient[0])
    torch.testing.assert_close(pixels_never_read(size, case.spec), gradient[0] == 0)


@pytest.mark.parametrize("seed", range(60))
def test_fold_of_unfold_is_the_picture_times_its_reads(seed: int) -> None:
    case = random_case(seed)
    spec = Conv2dSpec(
        case.spec.kernel_size,
        stride=case.spec.stride,
        padding=case.spec.pads,
        dilation=case.spec.dilation,
    )
    image = case.image.reshape(-1, *case.image.shape[-2:])
    folded = fold(unfold_by_torch(image, spec), image.shape[1:], spec)
    torch.testing.assert_close(folded, image * reads_per_pixel(image.shape[1:], spec))


@pytest.mark.parametrize("seed", range(60))
def test_readers_of_a_pixel_are_the_entries_that_hold_its_address(seed: int) -> None:
    case = random_case(seed)
    height, width = case.image.shape[-2:]
    address = torch.arange(1.0, height * width + 1).view(1, height, width)
    columns = unfold_by_torch(address, case.spec)
    n_columns = case.spec.output_size((height, width))[1]
    for pixel in {(0, 0), (height - 1, width - 1), (height // 2, width // 3)}:
        readers = outputs_reading_pixel((height, width), case.spec, pixel)
        taps = readers.kernel_rows * case.spec.kernel_size[1] + readers.kernel_columns
        outputs = readers.output_rows * n_columns + readers.output_columns
        got = sorted(zip(taps.tolist(), outputs.tolist(), strict=True))
        held = (columns == address[0][pixel]).nonzero().tolist()
        assert got == sorted(map(tuple, held))
        assert len(got) == reads_per_pixel((height, width), case.spec)[pixel]


@pytest.mark.parametrize("seed", range(60))
def test_receptive_field_pixels_are_the_column(seed: int) -> None:
    case = random_case(seed)
    image = case.image.reshape(-1, *case.image.shape[-2:])[:1]
    columns = unfold_by_torch(image, case.spec)
    rows, n_columns = case.spec.output_size(image.shape[1:])
    position = (rows - 1, n_columns // 2)
    field = receptive_field_pixels(image.shape[1:], case.spec, position)
    values = image[0, field.rows.clamp(min=0)][:, field.columns.clamp(min=0)]
    values = values.masked_fill((field.rows < 0)[:, None] | (field.columns < 0), 0)
    torch.testing.assert_close(values.flatten(), columns[:, position[0] * n_columns + position[1]])


@pytest.mark.parametrize("position", [(3, 0), (0, 3), (-1, 0), "x", None])
def test_positions_outside_are_sentences(position: object) -> None:
    with pytest.raises(InputError):
        receptive_field_pixels((5, 5), Conv2dSpec(3), position)
    with pytest.raises(InputError):
        outputs_reading_pixel((3, 3), Conv2dSpec(3), position)


def test_a_stride_past_the_kernel_leaves_pixels_unread() -> None:
    expected = torch.tensor([[0, 0, 1, 0], [1, 1, 1, 1]], dtype=torch.bool)
    torch.testing.assert_close(
        pixels_never_read((2, 4), Conv2dSpec((1, 2), stride=(2, 3), padding=((0, 0), (0, 1)))),
        expected,
    )
