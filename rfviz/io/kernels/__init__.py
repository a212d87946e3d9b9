"""Named kernels: Sobel, Gabor, Laplacian and others at every size.

Read `bank` first, then `catalogue` with its `formulas`.
"""
