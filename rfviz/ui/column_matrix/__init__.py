"""The page Column matrix."""
