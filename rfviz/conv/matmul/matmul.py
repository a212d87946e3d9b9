"""A convolution as the weight matrix times the column matrix, block by block.

Only a band of the column matrix exists at a time, in one reused buffer, `Band`.
"""

import torch

from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.reads import axis_sources
from rfviz.conv.im2col.tiles import tiles
from rfviz.conv.im2col.unfolded import is_recorded, is_transformed, unfolded, without_autocast
from rfviz.conv.matmul.at_once import are_few, convolve_at_once
from rfviz.conv.matmul.kernel_row_band import Band, band_bytes
from rfviz.conv.matmul.small_pictures import are_small, convolve_small
from rfviz.conv.matmul.training import TrainedConvolution
from rfviz.conv.memory import Allocation
from rfviz.conv.spec.check_tensors import check_convolution
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.spec.spec import Conv2dSpec

# Measured from 1 to 8 MiB: shorter blocks spend their time in calls, longer ones leave the cache.
BLOCK_BYTES = 4 * 2**20
_LARGEST_BAND = 2**26
_HALVES = (torch.bfloat16, torch.float16)


def conv2d_by_matmul(
    image: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    spec: Conv2dSpec | None = None,
    *,
    block_bytes: int = BLOCK_BYTES,
) -> torch.Tensor:
    """Convolve (C, H, W) or (N, C, H, W) with (F, C / groups, kh, kw): (F, H_out, W_out), or N.

    Equal to `nn.Conv2d` up to the order of its sums. `spec` is by default stride 1 without padding.
    Integer images are converted to the weight's type band by band; bfloat16 and float16 are summed
    in float32 and rounded once. About `block_bytes` are used beside input and output, with
    gradients too; under the transforms of torch.func, and for gradients of gradients, the picture
    is unfolded whole, within 1 GiB. Raises `InputError` where shapes or types do not go together.
    Source: Chellapilla, Puri & Simard, "High performance convolutional neural networks for document
    processing", 2006.

    >>> conv2d_by_matmul(torch.ones(1, 3, 4), torch.ones(1, 1, 2, 2)).tolist()
    [[[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]]]
    """
    batch, spec = check_convolution(image, weight, bias, spec)
    block_bytes = whole_number("block_bytes", block_bytes, least=1)
    with Allocation("The convolution"):
        if is_transformed(image, weight, bias):
            out = _whole(batch, weight, bias, spec)
        elif are_few(batch, weight, spec, block_bytes):
            out = convolve_at_once(batch, weight, bias, spec)
        elif is_recorded(image, weight, bias):
            out = trained_convolution(batch, weight, bias, spec, block_bytes=block_bytes)
        else:
            out = _in_blocks(batch, weight, bias, spec, block_bytes)
    return out if image.ndim == 4 else out[0]


def trained_convolution(
    batch: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    spec: Conv2dSpec,
    *,
    block_bytes: int = BLOCK_BYTES,
) -> torch.Tensor:
    """Convolve (N, C, H, W) with gradients, in blocks both ways; nothing is looked at.

    >>> weight = torch.ones(1, 1, 2, 2, requires_grad=True)
    >>> trained_convolution(torch.ones(1, 1, 2, 2), weight, None, Conv2dSpec(2)).requires_grad
    True
    """

    def convolve(
        image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, spec: Conv2dSpec
    ) -> torch.Tensor:
        return _in_blocks(image, weight, bias, spec, block_bytes)

    out: torch.Tensor = TrainedConvolution.apply(  # type: ignore[no-untyped-call]
        batch, weight, bias, spec, convolve, _whole
    )
    return out


def _whole(
    batch: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, spec: Conv2dSpec
) -> torch.Tensor:
    """The convolution by the whole column matrix, which can be transformed."""
    return torch.stack([_followed(one, weight, bias, spec) for one in batch.unbind()])


def _followed(
    picture: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, spec: Conv2dSpec
) -> torch.Tensor:
    """The convolution of one picture by the whole column matrix, as autograd can follow it."""
    summed = torch.float32 if weight.dtype in _HALVES else weight.dtype
    columns = unfolded(picture, axis_sources(tuple(picture.shape[1:]), spec), spec)
    columns = columns.to(summed).reshape(spec.groups, -1, columns.shape[-2] * columns.shape[-1])
    by_group = weight.to(summed).reshape(spec.groups, len(weight) // spec.groups, -1)
    # In the types that are asked for, whatever autocast would choose.
    with without_autocast(picture.device):
        out = (by_group @ columns).flatten(0, 1)
    if bias is not None:
        out = out + bias.to(summed)[:, None]
    size = spec.output_size(tuple(picture.shape[1:]))
    return out.to(weight.dtype).reshape(len(out), *size)


def _in_blocks(
    batch: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    spec: Conv2dSpec,
    block_bytes: int,
) -> torch.Tensor:
    """Every output is written: the tiles of a band cover the output of each picture."""
    summed = torch.float32 if weight.dtype in _HALVES else weight.dtype
    if are_small(batch, spec, summed, 2 * block_bytes):
        wide = (weight.to(summed), None if bias is None else bias.to(summed), spec)
        if summed == weight.dtype:
            return convolve_small(batch, *wide)
        # Picture by picture, so that the sums, of twice the size, are not held for all.
        return torch.cat([convolve_small(one, *wide).to(weight.dtype) for one in batch[:, None]])
    size = spec.output_size(batch.shape[2:])
    out = torch.empty(len(batch), len(weight), *size, dtype=weight.dtype)
    weights = _weights_by_kernel_row(weight, spec.groups).to(summed)
    bias = None if bias is None else bias.to(summed).view(spec.groups, -1, 1)
    first = ColumnMatrix(batch[0], spec)
    if band_bytes(first, summed, block_bytes) > _LARGEST_BAND:
        for picture, result in zip(batch, out, strict=True):
            _convolve_in_tiles(ColumnMatrix(picture, spec), weights, bias, result, block_bytes)
        return out
    band = Band(first, summed, block_bytes)
    for picture, result in zip(batch, out, strict=True):
        _convolve(ColumnMatrix(picture, spec), band, weights, bias, result)
    return out


def _convolve_in_tiles(
    columns: ColumnMatrix,
    weights: torch.Tensor,
    bias: torch.Tensor | None,
    out: torch.Tensor,
    block_bytes: int,
) -> None:
    """The same where a band of the whole width is too large: each tile is a picture of its own."""
    for tile in tiles(columns, range(out.shape[1]), weights.dtype):
        part = ColumnMatrix(tile.pixels, tile.spec)
        # Every output of a tile is written, as of a picture.
        result = out.new_empty(len(out), len(tile.rows), len(tile.columns))
        _convolve(part, Band(part, weights.dtype, block_bytes), weights, bias, result)
        tile.of(out).copy_(result)


def _weights_by_kernel_row(weight: torch.Tensor, groups: int) -> torch.Tensor:
    """(kernel height, groups, F / groups, C / groups * kernel width): slices of the weight matrix.

    Slice k holds the columns of the weight matrix for kernel row k.
    """
    n_filters, channels, height, width = weight.shape
    by_row = weight.detach().view(groups, n_filters // groups, channels, height, width)
    return by_row.permute(3, 0, 1, 2, 4).reshape(height, groups, -1, channels * width)


def _convolve(
    columns: ColumnMatrix,
    band: Band,
    weights: torch.Tensor,
    bias: torch.Tensor | None,
    out: torch.Tensor,
) -> None:
    """Write the convolution of one picture into `out`, (F, H_out, W_out), tile by tile."""
    groups, n_filters = weights.shape[1], len(out)
    whole_width = band.tile[1] == out.shape[2]
    direct = whole_width and groups == 1 and out.dtype == weights.dtype
    shape = (groups, n_filters // groups, band.tile[0] * band.tile[1])
    product = torch.empty(0 if direct else shape, dtype=weights.dtype)
    for rows, across in band.tiles(columns):
        target = out[:, rows.start : rows.stop, across.start : across.stop]
        n_outputs = len(rows) * len(across)
        if direct:
            # Whole rows of one group: the tile is a matrix in `out` itself.
            _multiply(band, weights, bias, target.view(1, n_filters, n_outputs), len(rows))
            continue
        tile = product.view(-1)[: n_filters * n_outputs].view(groups, -1, n_outputs)
        _multiply(band, weights, bias, tile, len(rows))
        target.copy_(tile.view(n_filters, len(rows), len(across)))


def _multiply(
    band: Band,
    weights: torch.Tensor,
    bias: torch.Tensor | None,
    out: torch.Tensor,
    n_rows: int,
) -> None:
    """Sum over kernel rows: weight slice times column slice, into (groups, F / groups, outputs)."""
    if bias is not None:
        out.copy_(bias.expand_as(out))
    groups = len(out)
    for kernel_row, weight in enumerate(weights):
        columns = band.columns_of(kernel_row, n_rows)
        adds = bias is not None or kernel_row > 0
        if groups == 1:
            _matmul(weight[0], columns, out[0], adds)
        else:
            _matmul(weight, columns.reshape(groups, -1, columns.shape[1]), out, adds)


def _matmul(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor, adds: bool) -> None:
    """Matrix product, or a batch of them, written to `out` or added to it."""
    if a.ndim == 2:
        torch.addmm(out, a, b, beta=int(adds), out=out)
    else:
        torch.baddbmm(out, a, b, beta=int(adds), out=out)
