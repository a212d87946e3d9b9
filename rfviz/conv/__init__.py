"""The mathematics of a 2-D convolution: parameters, receptive fields, im2col and the matmul."""
