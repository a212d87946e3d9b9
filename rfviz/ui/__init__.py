"""Widgets, the state they share between pages, and bounded caches."""
