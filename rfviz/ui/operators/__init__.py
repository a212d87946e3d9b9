"""The page Operators."""
