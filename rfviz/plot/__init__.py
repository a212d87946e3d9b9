"""Figures in one call: from what the library gives to a plotly figure, which a notebook shows.

`pictures` draws what lies on the picture, `matrices` what im2col makes of it, `maps` feature maps
and filters, `layers` shapes and fields of layers. Needs the extra `figures`.

>>> import rfviz
>>> columns = rfviz.ColumnMatrix(rfviz.load_sample("address"), rfviz.Conv2dSpec(3))
>>> rfviz.plot.column_matrix(columns).data[0].z.shape
(9, 196)
"""

from rfviz.plot.layers import (
    depth_growth,
    effective_field,
    field_growth,
    nested_fields,
    practice_board,
    strip,
    sweep,
)
from rfviz.plot.maps import difference, feature_map, filters, frequency, histogram
from rfviz.plot.matrices import column_matrix, product, receptive_field, vector, weight_matrix
from rfviz.plot.pictures import marked, picture, pixels, reads

__all__ = [
    "column_matrix",
    "depth_growth",
    "difference",
    "effective_field",
    "feature_map",
    "field_growth",
    "filters",
    "frequency",
    "histogram",
    "marked",
    "nested_fields",
    "picture",
    "pixels",
    "practice_board",
    "product",
    "reads",
    "receptive_field",
    "strip",
    "sweep",
    "vector",
    "weight_matrix",
]
