"""The page Responses."""
