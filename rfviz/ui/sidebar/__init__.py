"""The shared controls: picture, convolution, weights, and what is hidden.

Read `inputs` first: all that the pages get.
"""
