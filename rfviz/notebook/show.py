"""The explorer of a convolution as one display: what `rfviz.show` is."""

import base64
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.matmul.product_window import ProductWindow
from rfviz.conv.spec.check_picture import check_image
from rfviz.conv.spec.check_tensors import check_convolution
from rfviz.conv.spec.given_picture import as_picture
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.wording import by, number
from rfviz.explorer.scene import (
    STAGE,
    Filters,
    Kind,
    Position,
    Scene,
    conductor_data,
    padding_marks,
    panel_bytes,
)
from rfviz.figures.columns import column_window_figure
from rfviz.figures.feature_map import feature_map_figure
from rfviz.figures.patch import patch_figure
from rfviz.figures.vector import vector_figure
from rfviz.figures.weights import product_figure, weight_matrix_figure
from rfviz.notebook.page import PLOTLY, Display, Held, document
from rfviz.notebook.worked import Worked, around, chosen_output
from rfviz.plot.pictures import picture

# The picture's numbers are in the display as they are, and the chosen filter's weights.
MOST_BYTES = 8_000_000
MOST_WEIGHTS = 200_000
# Columns around the chosen one that the stage gets, at the least and at the most, and entries.
FEWEST_COLUMNS, MOST_COLUMNS, MOST_ENTRIES = 48, 160, 60_000
# Rows of the product that the stage shows, and the weights of them that are in the display.
MOST_FILTERS, MOST_FILTER_WEIGHTS = 8, 40_000
# One picture a display: what the scripts ask for it by.
PICTURE, MATRIX = "picture", "matrix"
HEIGHTS = MappingProxyType({"patch": 560, "vector": 300, "columns": 360})
MAP_HEIGHT, ROW_HEIGHT, ENDS = 400, 36, 110
_TYPES = MappingProxyType({torch.uint8: "u1", torch.float32: "f4", torch.float64: "f8"})


def show(
    image: object,
    spec: object = None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    *,
    filter_index: int = 0,
    position: tuple[int, int] | None = None,
    height: int = 820,
) -> Display:
    """Return the explorer of a convolution on a (C, H, W) picture, to be shown by a notebook.

    The picture may be a tensor, a numpy array or a PIL image; `spec` a `Conv2dSpec`, a kernel size
    or an `nn.Conv2d`, whose weight and bias are taken. `weight` is (F, C / groups, kh, kw).
    It is the stage of the app's first page: picture, receptive field, vector, feature map and the
    product of matrices on one screen, linked: what is pointed at in one is marked in all, worked
    out from the picture's numbers, which are in the display. It needs neither a server nor a
    network; `save` writes it to a file. Its `height` is that of the frame, in pixels. Bytes are
    drawn from 0 to 255, other numbers from 0 to their largest, negative ones as 0.

    Raises `InputError` for what does not fit together, and for a picture of more than 8 MB, a
    filter of more than 200,000 weights. Needs the extra `figures`.

    >>> import rfviz
    >>> weight = rfviz.filter_bank("sobel-x", 3, 1, 1)
    >>> display = rfviz.show(rfviz.load_sample("address"), rfviz.Conv2dSpec(3), weight)
    >>> display._repr_html_().startswith("<iframe")
    True
    """
    worked = _checked(image, spec, weight, bias, filter_index, position)
    pixels = _numbers(worked.image)
    whole_number("height", height, least=100)
    held = Held(_explorer(worked), _bank(worked), _panels(worked), pixels)
    return Display(document(held), height)


def _checked(  # noqa: PLR0917 - those of `show`
    image: object,
    spec: object,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    filter_index: int,
    position: tuple[int, int] | None,
) -> Worked:
    pixels = as_picture(image)
    check_image(pixels)
    found, own_weight, own_bias = _convolution(spec, weight, bias)
    check_convolution(pixels, own_weight, own_bias, found)
    _check_size(pixels, own_weight)
    index = whole_number("filter_index", filter_index, least=0)
    if index >= len(own_weight):
        raise InputError(
            f"There is no filter {index}: the weight has {len(own_weight)}.",
            remedy=f"Use filter_index={len(own_weight) - 1}, the last",
        )
    output = chosen_output(found.output_size(pixels.shape[1:]), position)
    return Worked(pixels.detach(), found, own_weight, own_bias, output, index)


def _convolution(
    spec: object, weight: torch.Tensor | None, bias: torch.Tensor | None
) -> tuple[Conv2dSpec, torch.Tensor, torch.Tensor | None]:
    """The spec, weight and bias: a layer has all three."""
    if isinstance(spec, nn.Module):
        found = Conv2dSpec.from_module(spec)
        layer = cast("nn.Conv2d", spec)
        own = layer.weight if weight is None else weight
        own_bias = layer.bias if weight is None and bias is None else bias
        return found, own.detach(), None if own_bias is None else own_bias.detach()
    if not isinstance(weight, torch.Tensor) or weight.ndim != 4:
        raise InputError(
            "rfviz.show needs a weight, (filters, channels / groups, kernel height, kernel width).",
            remedy='Use rfviz.filter_bank("sobel-x", 3, 1, 1), or give an nn.Conv2d as the spec',
        )
    if spec is None:
        found = Conv2dSpec(tuple(weight.shape[2:]))
    else:
        found = spec if isinstance(spec, Conv2dSpec) else Conv2dSpec(spec)
    return found, weight.detach(), None if bias is None else bias.detach()


def _check_size(pixels: torch.Tensor, weight: torch.Tensor) -> None:
    n_bytes = pixels.numel() * (1 if pixels.dtype == torch.uint8 else 8)
    if n_bytes > MOST_BYTES:
        factor = 2
        while n_bytes / factor**2 > MOST_BYTES:
            factor += 1
        raise InputError(
            f"The display holds the picture's numbers, here {n_bytes / 1e6:.1f} MB of "
            f"{by((pixels.shape[1], pixels.shape[2]))} pixels; at most {MOST_BYTES / 1e6:.0f} MB.",
            remedy=f"Use rfviz.reduce_picture(image, {factor}), or a part: image[:, :512, :512]",
        )
    if weight[0].numel() > MOST_WEIGHTS:
        raise InputError(
            f"A filter has {weight[0].numel():,} weights; a display holds at most "
            f"{MOST_WEIGHTS:,}.",
            remedy="Show fewer channels of the picture and the weight",
        )


def _numbers(image: torch.Tensor) -> dict[str, Any]:
    """The picture for the scripts: bytes and floats as they are, other numbers in float64."""
    known = image if image.dtype in _TYPES else image.to(_wide(image.dtype))
    data = base64.b64encode(known.contiguous().numpy().tobytes()).decode()
    return {"dtype": _TYPES[known.dtype], "shape": list(known.shape), "data": data}


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype in {torch.float16, torch.bfloat16} else torch.float64


def _explorer(worked: Worked) -> dict[str, Any]:
    row, column = worked.output
    size = worked.columns.output_size
    sentence = f"Output row {row:,}, column {column:,} of {by(size)}: {number(worked.by_conv2d, 7)}"
    scene = Scene(
        spec=worked.spec,
        input_size=worked.input_size,
        n_channels=len(worked.image),
        column_shape=worked.columns.shape,
        filter_index=worked.filter_index,
        n_filters=len(worked.weight),
        channels=worked.channels,
        channel_names=worked.channel_names,
        weights=worked.numbers.weights.double().flatten().tolist(),
        bias=worked.chosen_bias,
        divisor=worked.divisor,
        white=255 / worked.divisor,
        token=PICTURE,
        matrix_token=MATRIX,
    )
    padding = padding_marks(worked.spec, worked.input_size)
    return conductor_data(
        Position(row, column, worked.by_conv2d, sentence), scene, STAGE, marks={"input": padding}
    )


def _bank(worked: Worked) -> dict[str, Any]:
    """The filters whose rows the stage shows, unless they are too large to be in the display."""
    weight, bias = worked.weight, worked.bias
    shown = around(worked.filter_index, len(weight), MOST_FILTERS)
    rows = weight[shown.start : shown.stop].flatten(1)
    if rows.numel() > MOST_FILTER_WEIGHTS:
        return {}
    biases = [0.0] * len(shown) if bias is None else bias[shown.start : shown.stop].tolist()
    per_group = len(weight) // worked.spec.groups
    return {"filters": Filters(shown.start, rows.double().tolist(), biases, per_group).as_json()}


def _panels(worked: Worked) -> list[bytes]:
    fitting = MOST_ENTRIES // worked.columns.shape[0]
    shown = worked.columns_shown(max(FEWEST_COLUMNS, min(MOST_COLUMNS, fitting)))
    return [
        _panel(
            picture(worked.image, worked.spec), "input", "input",
            size=worked.spec.padded_size(worked.input_size),
        ),
        _output_panel(worked),
        *_worked_panels(worked),
        *_matrix_panels(worked, shown, worked.product(shown)),
    ]  # fmt: skip


def _panel(figure: Any, name: str, kind: Kind, height: int = MAP_HEIGHT, **more: Any) -> bytes:
    return panel_bytes(figure, name=name, kind=kind, height=height, plotly=PLOTLY, **more)


def _output_panel(worked: Worked) -> bytes:
    values, step = worked.binned_map
    size = worked.columns.output_size
    figure = feature_map_figure(values.float(), step=step, output_size=size)
    return _panel(figure, "output", "output", size=size)


def _worked_panels(worked: Worked) -> list[bytes]:
    field = worked.spec.receptive_field(worked.output)
    places: dict[str, Any] = {
        "channels": worked.channel_names,
        "rows": field.rows,
        "columns": field.columns,
        "pixel_range": (0.0, 255.0 / worked.divisor),
    }
    patch = patch_figure(worked.numbers, beside=True, **places)
    vector = vector_figure(
        worked.numbers.pixels.flatten(),
        worked.numbers.weights.flatten(),
        kernel_size=worked.spec.kernel_size,
        **places,
    )
    return [
        _panel(patch, "patch", "patch", HEIGHTS["patch"]),
        _panel(vector, "vector", "vector", HEIGHTS["vector"]),
    ]


def _matrix_panels(worked: Worked, shown: range, product: ProductWindow) -> list[bytes]:
    """The columns around the chosen one, the weights, and what they give."""
    kernel: dict[str, Any] = {
        "kernel_size": worked.spec.kernel_size,
        "n_channels": len(worked.image),
    }
    width = worked.columns.output_size[1]
    entries = worked.columns[:, shown.start : shown.stop]
    rows = range(worked.columns.shape[0])
    columns = column_window_figure(
        entries, rows, shown, title="Columns", output_width=width,
        pixel_range=(0.0, 255.0 / worked.divisor), **kernel,
    )  # fmt: skip
    weights = weight_matrix_figure(worked.weight.flatten(1), groups=worked.spec.groups, **kernel)
    outputs = product_figure(product.outputs, product.columns, output_width=width)
    needed = min(300, ENDS + ROW_HEIGHT * len(worked.weight))
    return [
        _panel(columns, "columns", "columns", HEIGHTS["columns"]),
        _panel(weights, "weights", "weights", needed),
        _panel(outputs, "product", "product", needed),
    ]
