"""The column matrix: every receptive field of a picture as a column, none of it held in memory.

Read `column_matrix` first, then `reads` (which output reads which pixel) and `fold`, the way
back; `padded`, `blocks` and `selection` take parts of it out, `overview` and `bins` give means
of it, `products` multiply it, `unfolded` is torch's own, `tiles` bounds what is unfolded at
once.
"""
