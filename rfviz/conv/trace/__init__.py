"""A network's forward pass followed, for the receptive field of every layer in it.

Read `trace` first; `followed` sees every operator of torch, `rules` says which file knows it:
`moves`, `windows`, `mixes`, `joins`. `hulls` is the arithmetic, `rows` the table.
"""
