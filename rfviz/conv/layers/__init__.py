"""A layer that slides a kernel over a picture: its sizes, whether it fits, and what would make it.

Read `layer` first, then `fit`; `formula` writes the output size out, `placements` lists the
windows, `solver` finds parameters for a wanted size, `torch_answer` asks torch itself.
"""
