"""The convolution as a matmul beside `nn.Conv2d`: how far apart, where, and at what cost."""

import time
from dataclasses import dataclass, replace

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.html import html_table
from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.tiles import in_one_tile
from rfviz.conv.im2col.unfolded import refuse_transforms
from rfviz.conv.matmul.differences import Differences, Tolerances, default_tolerances
from rfviz.conv.matmul.matmul import BLOCK_BYTES, conv2d_by_matmul
from rfviz.conv.matmul.strips import output_strips
from rfviz.conv.memory import Allocation, readable_bytes
from rfviz.conv.spec.check_tensors import check_convolution
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.wording import number


@dataclass(frozen=True, eq=False)
class Comparison:
    """Both outputs, their differences, their seconds, and the memory that each way needs.

    `worst_index` is where the absolute difference is largest, (filter, row, column), after the
    picture of a batch; `worst_values` are (by matmul, by nn.Conv2d) there. `bytes_matmul` is the
    block buffer, `bytes_unfold` the whole column matrix of `nn.Unfold`.
    """

    max_abs_error: float
    max_ulp_error: int
    allclose: bool
    rtol: float
    atol: float
    worst_index: tuple[int, ...]
    worst_values: tuple[float, float]
    n_different: int
    n_outputs: int
    by_matmul: torch.Tensor
    by_conv2d: torch.Tensor
    seconds_matmul: float
    seconds_conv2d: float
    bytes_matmul: int
    bytes_unfold: int
    dtype: torch.dtype

    def _repr_html_(self) -> str:
        """Show the verdict in a notebook."""
        agree = "agree" if self.allclose else "do not agree"
        of = "" if self.n_different else ", every output the same"
        seconds = (f"{self.seconds_matmul:.3f}", f"{self.seconds_conv2d:.3f}")
        memory = (readable_bytes(self.bytes_matmul), readable_bytes(self.bytes_unfold))
        facts = (
            ("largest absolute error", f"{number(self.max_abs_error)} at {self.worst_index}"),
            ("largest error in ULP", f"{self.max_ulp_error:,}"),
            ("outputs that differ", f"{self.n_different:,} of {self.n_outputs:,}"),
            ("tolerances", f"rtol {self.rtol:.3g}, atol {self.atol:.3g}"),
            ("seconds by matmul, by nn.Conv2d", *seconds),
            ("memory of matmul, of nn.Unfold", *memory),
        )
        return html_table(f"Matmul and nn.Conv2d {agree} in {self.dtype}{of}", facts)


@torch.no_grad()
def compare_with_conv2d(
    image: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    spec: Conv2dSpec | None = None,
    *,
    rtol: float | None = None,
    atol: float | None = None,
) -> Comparison:
    """Convolve (C, H, W) or (N, C, H, W) both ways, and compare every output.

    The judge is `spec.to_module` with the same weight and bias. Tolerances are by default those of
    `default_tolerances` for the image's largest value. The two are not bit-equal in general,
    because they add the same products in another order. Raises `InputError` like
    `conv2d_by_matmul`.

    >>> compare_with_conv2d(torch.ones(1, 5, 5), torch.ones(1, 1, 3, 3)).max_abs_error
    0.0
    """
    batch, spec = check_convolution(image, weight, bias, spec)
    refuse_transforms("A comparison", image, weight, bias)
    default = default_tolerances(weight, bias, largest_magnitude(image))
    differences = Differences(chosen_tolerances(default, rtol, atol))
    start = time.perf_counter()
    by_matmul = conv2d_by_matmul(image, weight, bias, spec)
    middle = time.perf_counter()
    # Pads in numbers: torch warns about "same" with an even kernel, and pads by them all the same.
    explicit = replace(spec, padding=spec.pads)
    module = explicit.to_module(batch.shape[1], len(weight), bias is not None, dtype=weight.dtype)
    module.weight.copy_(weight)
    if bias is not None and module.bias is not None:
        module.bias.copy_(bias)
    ready = time.perf_counter()
    by_conv2d = _judged(module, batch, bias, spec).view_as(by_matmul)
    end = time.perf_counter()
    differences.add(by_matmul, by_conv2d)
    n_rows = batch.shape[1] * spec.n_taps
    n_columns = len(batch) * by_matmul.shape[-2] * by_matmul.shape[-1]
    bytes_unfold = n_rows * n_columns * weight.element_size()
    return Comparison(
        max_abs_error=differences.max_abs_error,
        max_ulp_error=differences.max_ulp_error,
        allclose=differences.allclose,
        rtol=differences.tolerances.rtol,
        atol=differences.tolerances.atol,
        worst_index=index_in(differences.worst_index, by_matmul.shape),
        worst_values=differences.worst_values,
        n_different=differences.n_different,
        n_outputs=differences.n_compared,
        by_matmul=by_matmul,
        by_conv2d=by_conv2d,
        seconds_matmul=middle - start,
        seconds_conv2d=end - ready,
        bytes_matmul=min(BLOCK_BYTES, bytes_unfold),
        bytes_unfold=bytes_unfold,
        dtype=weight.dtype,
    )


def _judged(
    module: nn.Conv2d, batch: torch.Tensor, bias: torch.Tensor | None, spec: Conv2dSpec
) -> torch.Tensor:
    """(N, F, H_out, W_out) by the module at once, or tile by tile where torch would unfold much."""
    weight = module.weight
    with Allocation("The convolution by nn.Conv2d"):
        if in_one_tile(ColumnMatrix(batch[0], spec), weight.dtype):
            return torch.stack([module(one.to(weight.dtype)) for one in batch])
        strips = [[values for _, values in output_strips(x, weight, bias, spec)] for x in batch]
        return torch.stack([torch.cat(values, dim=1) for values in strips])


def chosen_tolerances(default: Tolerances, rtol: float | None, atol: float | None) -> Tolerances:
    """Return the given tolerances where there are any; `InputError` unless they are at least 0.

    >>> chosen_tolerances(Tolerances(0.1, 0.2), None, 0.5)
    Tolerances(rtol=0.1, atol=0.5)
    """
    chosen = Tolerances(
        default.rtol if rtol is None else rtol, default.atol if atol is None else atol
    )
    for name, value in chosen._asdict().items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise InputError(f"{name} must be a number of at least 0, got {value!r}.")
    return chosen


def largest_magnitude(image: torch.Tensor) -> float:
    """Largest finite |value| of an image, 0 where there is none, without a copy for integers.

    >>> largest_magnitude(torch.tensor([-3, 2]))
    3.0
    """
    if image.is_floating_point():
        image = image.detach().nan_to_num(0, 0, 0)
    low, high = image.min(), image.max()
    return max(abs(float(low)), abs(float(high)))


def index_in(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return where a flat, row-major index lies in a shape.

    >>> index_in(7, (2, 2, 3))
    (1, 0, 1)
    """
    index: list[int] = []
    for n in reversed(shape):
        flat, position = divmod(flat, n)
        index.insert(0, position)
    return tuple(index)
