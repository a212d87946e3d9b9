"""The page Output shape."""
