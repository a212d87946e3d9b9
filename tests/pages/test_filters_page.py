"""The page of filters: what it draws and says are the weights of the sidebar."""

import pytest
import torch
from chosen_parameters import answers_to
from opened import OpenedPage
from torch.testing import assert_close

from rfviz.io.kernels.catalogue import KERNELS

SCENE = {"sample": "scene", "reduce": 24}


def opened(parameters: dict[str, object]) -> OpenedPage:
    return OpenedPage("filters", {key: str(value) for key, value in parameters.items()})


@pytest.mark.parametrize("kernel", [kernel.name for kernel in KERNELS])
def test_every_named_kernel_is_drawn(kernel: str) -> None:
    parameters = {**SCENE, "weights": kernel, "kernel": 5, "filters": 4}
    page = opened(parameters)
    page.check_answers()
    if not page.panels:
        return
    weight = answers_to(parameters).weight
    assert_close(page.panels["filter-rows"].z(), weight.flatten(1))
    grid = page.panels["filters"].z()
    shown = grid[~grid.isnan()]
    assert_close(shown.sort().values, weight.flatten().sort().values)


def test_frequency_response_is_that_of_torch() -> None:
    parameters = {**SCENE, "weights": "gabor", "kernel": 7, "filters": 3, "filter": 2}
    page = opened(parameters)
    kernel = answers_to(parameters).weight[2].double().sum(0)
    # 64 frequencies of the fast transform are those from -0.5 up to, but not with, 0.5.
    expected = torch.fft.fftshift(torch.fft.fft2(kernel, (64, 64))).abs()
    assert_close(page.panels["response"].z()[:64, :64], expected.float(), rtol=1e-4, atol=1e-5)


def test_dead_and_alike_filters_are_named() -> None:
    text = "1 2\n3 4\n\n0 0\n0 0\n\n2 4\n6 8"
    page = opened({"weights_source": "By hand", "hand": text, "kernel": 2, "filters": 3})
    page.check_answers()
    said = " ".join(each.value for each in page.at.main.markdown)
    assert "1 filter is dead (1)" in said
    assert "1 pair is that alike" in said


def test_channel_and_filter_of_the_response_are_in_the_address() -> None:
    page = opened({**SCENE, "response_of": "green", "filters": 2, "filter": 1, "alike": 0.8})
    address = page.address()
    assert (address["response_of"], address["filter"], address["alike"]) == ("green", "1", "0.8")
    assert "filter 1, green" in page.panels["response"].title


def test_filter_beyond_the_last_is_said() -> None:
    page = opened({"filter": 9})
    page.check_answers()
    assert "There is no filter 9" in " ".join(page.captions)
