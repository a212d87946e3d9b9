"""See what a 2-D convolution reads: receptive fields, im2col and the convolution as a matmul."""
