"""What is saved is loaded again, number for number, by us and by NumPy."""

import io

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from rfviz.io.weights.read import load_weights
from rfviz.io.weights.write import csv_of, npy_of, safetensors_of, text_of


def weight(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 5, 4), (3,)])
def test_arrays_come_back(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    saved = weight(*shape).to(dtype)
    loaded = load_weights(npy_of(saved), "w.npy")["weight"]
    assert_close(loaded, saved if dtype != torch.bfloat16 else saved.float(), rtol=0, atol=0)
    assert_close(load_weights(safetensors_of(saved), "w.safetensors")["weight"], saved)
    assert_close(torch.from_numpy(np.load(io.BytesIO(npy_of(saved)))), loaded, rtol=0, atol=0)


def test_text_has_the_same_float32_numbers() -> None:
    saved = weight(2, 3, 4, 5)
    saved[0, 0, 0] = torch.tensor([1e-45, 3.4028235e38, -1 / 3, 16777217.0, -0.0])
    for data, name in ((text_of(saved).encode(), "w.txt"), (csv_of(saved), "w.csv")):
        loaded = load_weights(data, name)["weight"]
        assert_close(loaded.reshape(saved.shape), saved, rtol=0, atol=0)


def test_text_is_short() -> None:
    assert text_of(torch.tensor([[[[0.1, -2.0, 0.25]]]])) == "0.1 -2 0.25"
