"""Tensors in, a plotly Figure out: one figure a file, computed first and drawn after."""
