"""What can be said of a filter from its numbers alone, and how numbers are changed by hand."""
