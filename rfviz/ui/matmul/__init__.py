"""The page Matmul."""
