"""Tensors in, a plotly Figure out: one figure a file, computed first and drawn after."""

from rfviz.extras import require

require("figures", "A figure")
