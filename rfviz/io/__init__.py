"""Bytes to tensors and back: pictures, named kernels, samples."""
