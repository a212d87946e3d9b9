"""Bytes to weights and back: what is in a file, and which of it is a layer.

Read `read` first, then `kinds`, which knows a file for each format beside it; `layers` says what
a tensor means, `layouts`, `parts` and `biases` help it.
"""
