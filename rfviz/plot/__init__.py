"""Figures in one call, from what the library gives to a plotly figure that a notebook shows."""
