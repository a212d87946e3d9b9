"""See what a 2-D convolution reads: receptive fields, im2col and the convolution as a matmul.

Every name here needs torch and pillow only, so that it serves in a notebook as it does in the app;
`plot` and `show` need plotly too, the extra `figures`.
Each is imported when it is first used, so that a command which needs none of them answers at once.

>>> import rfviz, torch
>>> picture = rfviz.load_sample("address").double()
>>> spec = rfviz.Conv2dSpec(kernel_size=3, padding=1)
>>> rfviz.ColumnMatrix(picture, spec)[:, 0].tolist()
[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 16.0, 17.0]
>>> weight = rfviz.filter_bank("sobel-x", 3, 1, 1, dtype=torch.float64)
>>> rfviz.compare_with_conv2d(picture, weight, spec=spec).allclose
True
"""

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rfviz.version import __version__ as __version__

if TYPE_CHECKING:
    from rfviz.conv.errors import InputError, Remedy
    from rfviz.conv.feature_maps.strongest import strongest_fields
    from rfviz.conv.im2col.column_matrices import ColumnMatrices
    from rfviz.conv.im2col.column_matrix import ColumnMatrix
    from rfviz.conv.im2col.fold import fold
    from rfviz.conv.im2col.reads import outputs_reading_pixel, pixels_never_read, reads_per_pixel
    from rfviz.conv.layers.layer import Layer
    from rfviz.conv.matmul.compare import compare_with_conv2d
    from rfviz.conv.matmul.matmul import conv2d_by_matmul
    from rfviz.conv.operators.apply import apply_operator
    from rfviz.conv.operators.catalogue import OPERATORS
    from rfviz.conv.operators.module import OperatorConv2d
    from rfviz.conv.operators.own import gradcheck_operator, load_operators, operator
    from rfviz.conv.operators.reads import Learned, OutputMap, Reads
    from rfviz.conv.operators.train_beside import train_beside
    from rfviz.conv.receptive_field.architectures import architecture
    from rfviz.conv.receptive_field.effective import effective_field
    from rfviz.conv.receptive_field.stack import Branches, stack_geometry
    from rfviz.conv.spec.spec import Conv2dSpec
    from rfviz.conv.trace.trace import trace
    from rfviz.io.kernels.bank import filter_bank
    from rfviz.io.pictures.picture import load_picture, reduce_picture, to_grey
    from rfviz.io.pictures.samples import load_sample
    from rfviz.io.weights.layers import layers_of
    from rfviz.io.weights.read import load_weights, read_weights
    from rfviz.notebook.show import show

__all__ = [
    "OPERATORS",
    "Branches",
    "ColumnMatrices",
    "ColumnMatrix",
    "Conv2dSpec",
    "InputError",
    "Layer",
    "Learned",
    "OperatorConv2d",
    "OutputMap",
    "Reads",
    "Remedy",
    "apply_operator",
    "architecture",
    "compare_with_conv2d",
    "conv2d_by_matmul",
    "effective_field",
    "filter_bank",
    "fold",
    "gradcheck_operator",
    "layers_of",
    "load_operators",
    "load_picture",
    "load_sample",
    "load_weights",
    "operator",
    "outputs_reading_pixel",
    "pixels_never_read",
    "read_weights",
    "reads_per_pixel",
    "reduce_picture",
    "show",
    "stack_geometry",
    "strongest_fields",
    "to_grey",
    "trace",
    "train_beside",
]

_HOMES = MappingProxyType(
    {
        "Branches": "rfviz.conv.receptive_field.stack",
        "ColumnMatrices": "rfviz.conv.im2col.column_matrices",
        "ColumnMatrix": "rfviz.conv.im2col.column_matrix",
        "Conv2dSpec": "rfviz.conv.spec.spec",
        "InputError": "rfviz.conv.errors",
        "Layer": "rfviz.conv.layers.layer",
        "Learned": "rfviz.conv.operators.reads",
        "OPERATORS": "rfviz.conv.operators.catalogue",
        "OperatorConv2d": "rfviz.conv.operators.module",
        "OutputMap": "rfviz.conv.operators.reads",
        "Reads": "rfviz.conv.operators.reads",
        "Remedy": "rfviz.conv.errors",
        "apply_operator": "rfviz.conv.operators.apply",
        "architecture": "rfviz.conv.receptive_field.architectures",
        "compare_with_conv2d": "rfviz.conv.matmul.compare",
        "conv2d_by_matmul": "rfviz.conv.matmul.matmul",
        "effective_field": "rfviz.conv.receptive_field.effective",
        "filter_bank": "rfviz.io.kernels.bank",
        "fold": "rfviz.conv.im2col.fold",
        "gradcheck_operator": "rfviz.conv.operators.own",
        "layers_of": "rfviz.io.weights.layers",
        "load_operators": "rfviz.conv.operators.own",
        "load_picture": "rfviz.io.pictures.picture",
        "load_sample": "rfviz.io.pictures.samples",
        "load_weights": "rfviz.io.weights.read",
        "operator": "rfviz.conv.operators.own",
        "outputs_reading_pixel": "rfviz.conv.im2col.reads",
        "pixels_never_read": "rfviz.conv.im2col.reads",
        "read_weights": "rfviz.io.weights.read",
        "reads_per_pixel": "rfviz.conv.im2col.reads",
        "reduce_picture": "rfviz.io.pictures.picture",
        "show": "rfviz.notebook.show",
        "stack_geometry": "rfviz.conv.receptive_field.stack",
        "strongest_fields": "rfviz.conv.feature_maps.strongest",
        "to_grey": "rfviz.io.pictures.picture",
        "trace": "rfviz.conv.trace.trace",
        "train_beside": "rfviz.conv.operators.train_beside",
    }
)


def __getattr__(name: str) -> Any:
    """Import a public name from where it is at home (PEP 562)."""
    if name == "plot":
        return import_module("rfviz.plot")
    if name not in _HOMES:
        raise AttributeError(f"module 'rfviz' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Names for completion, imported or not."""
    return sorted({*globals(), *__all__})
