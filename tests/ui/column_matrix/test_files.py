"""The column matrix taken away as files: each holds what nn.Unfold gives, and none is too large."""

import csv
import io

import pytest
import torch
import torch.nn.functional as F
from made_inputs import SPECS, inputs_of, noise
from torch.testing import assert_close

from rfviz.io.weights.read import read_weights
from rfviz.io.weights.write import npy_of, safetensors_of
from rfviz.ui.column_matrix.files import matrix_part, part_csv


@pytest.mark.parametrize("divisor", [1, 255])
@pytest.mark.parametrize("name", ["padded", "strided", "dilated", "apart", "groups"])
def test_each_file_holds_the_columns_of_unfold(name: str, divisor: int) -> None:
    spec = SPECS[name]
    inputs = inputs_of(noise(3, 14, 17), spec, divisor=divisor, dtype_name="float32")
    (top, bottom), (left, right) = spec.pads
    padded = F.pad(inputs.picture.pixels.float()[None] / divisor, (left, right, top, bottom))
    expected = F.unfold(padded, spec.kernel_size, spec.dilation, 0, spec.stride)[0]
    shown = range(1, min(9, expected.shape[1]))
    part = expected[:, shown.start : shown.stop]
    assert_close(matrix_part(inputs, shown), part, rtol=0, atol=0)
    for data, ending in (
        (npy_of(matrix_part(inputs, shown)), "npy"),
        (safetensors_of(matrix_part(inputs, shown), "columns"), "safetensors"),
    ):
        read = next(iter(read_weights(data, f"a.{ending}").tensors.values()))
        assert_close(read, part, rtol=0, atol=0)
    table = list(csv.reader(io.StringIO(part_csv(inputs, shown).decode())))
    assert_close(torch.tensor([[float(v) for v in row[1:]] for row in table[1:]]), part)
    assert table[0][1] == f"output ({1 // inputs.output_size[1]}, {1 % inputs.output_size[1]})"
    assert table[1][0] == "red tap (0, 0)"
