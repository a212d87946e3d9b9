"""The page Stack of layers."""
