"""A short run over random addresses; `python tests/fuzz/addresses.py --count 2000` is long."""

from typing import Any

import addresses
import pytest
from addresses import PAGES, address_of, faults_at, values_of
from opened import OpenedPage

N_ADDRESSES = 40


@pytest.mark.parametrize("first", range(len(PAGES)))
def test_extreme_addresses_open_a_page(first: int) -> None:
    for number in range(first, N_ADDRESSES, len(PAGES)):
        assert list(faults_at(number)) == []


def test_addresses_are_the_same_in_each_run_and_have_a_page_s_own_keys() -> None:
    before = [address_of(number) for number in range(len(PAGES))]
    values_of.cache_clear()
    assert [address_of(number) for number in range(len(PAGES))] == before
    assert {"shape_kernel_height", "shape_mode", "kernel"} <= values_of("output_shape").keys()
    assert values_of("output_shape")["shape_stride_height"] == range(1, 1025)


def test_a_page_that_breaks_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = addresses._opened("output_shape", {})

    class Broken:
        value = "a traceback"

    class BrokenPage:
        at: Any = opened.at

    monkeypatch.setattr(type(opened.at), "exception", property(lambda _: [Broken()]))
    monkeypatch.setattr(addresses, "_opened", lambda *_: BrokenPage())
    assert [fault.what for fault in faults_at(3)] == ["a traceback"]


@pytest.mark.parametrize(
    "address",
    [{"shape_kind": "Unfold", "shape_kernel_height": "1", "shape_stride_height": "773",
      "shape_padding_height": "4096"},
     {"shape_kind": "Unfold", "shape_kernel_height": "1", "shape_stride_height": "1024",
      "shape_padding_height": "4096", "shape_height": "1", "shape_width": "100000"},
     {"shape_kind": "Conv2d", "shape_kernel_height": "1", "shape_stride_height": "773",
      "shape_padding_height": "4096", "shape_dilation_height": "1024"},
     {"shape_kind": "ConvTranspose2d", "shape_kernel_width": "1", "shape_stride_height": "1024",
      "shape_padding_height": "4096", "shape_output_padding_height": "1023"}],
)  # fmt: skip
def test_strides_that_leap_over_the_picture_open_a_page(address: dict[str, str]) -> None:
    page = OpenedPage("output_shape", address)
    assert [each.value for each in page.at.exception] == []
    assert page.at.title
