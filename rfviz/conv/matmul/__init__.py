"""The convolution as a product of matrices, and how far it is from `nn.Conv2d`.

Read `matmul` first; `kernel_row_band` is what it multiplies, `strips` the same for a whole
picture bit by bit. `compare`, `differences`, `ulp` and `strip_comparison` judge the result.
"""
