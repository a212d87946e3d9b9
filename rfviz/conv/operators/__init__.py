"""Functions of a receptive field and weights, the dot product among others, and one's own.

Read `operator` first, then `catalogue` with its `formulas`; `apply` runs one over a picture,
`module` trains one, `own` loads a person's file through the boundary that `foreign` is.
"""
